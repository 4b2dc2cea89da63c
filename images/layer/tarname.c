/* images/layer/tarname.c - see tarname.h. */
#include "images/layer/tarname.h"

#include <errno.h>
#include <string.h>

static void drop_last(struct buf *b)
{
	char *slash = strrchr(b->data, '/');

	b->len = slash ? (size_t)(slash - b->data) : 0;
	b->data[b->len] = '\0';
}

int tarname_clean(const char *raw, struct buf *ret, struct err *e)
{
	size_t depth = 0;

	ret->len = 0;
	buf_add(ret, "", 0);
	for (const char *p = raw; *p;) {
		size_t n = strcspn(p, "/");

		if (n == 2 && p[0] == '.' && p[1] == '.') {
			if (depth == 0)
				return err_msg(e, EINVAL,
					       "its name leads out of the root by '..'");
			drop_last(ret);
			depth--;
		} else if (n > 0 && !(n == 1 && p[0] == '.')) {
			if (ret->len)
				buf_addc(ret, '/');
			buf_add(ret, p, n);
			depth++;
		}
		if (ret->len > TARNAME_MAX || depth > TARNAME_DEPTH_MAX)
			return err_msg(e, ENAMETOOLONG,
				       "its name is longer than %d bytes or %d levels",
				       TARNAME_MAX, TARNAME_DEPTH_MAX);
		p += n;
		p += *p == '/';
	}
	return 0;
}

const char *tarname_base(const char *clean)
{
	const char *slash = strrchr(clean, '/');

	return slash ? slash + 1 : clean;
}

char *tarname_dir(const char *clean)
{
	const char *slash = strrchr(clean, '/');

	return str_ndup(clean, slash ? (size_t)(slash - clean) : 0);
}
