/* stack/ids.c - see ids.h. Knows ranges; what is mapped to them is the container's. */
#include "runtime/stack/ids.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "runtime/base/fd.h"

/* systemd-nspawn takes from 524288 to 1878982656 and a range more; we begin far above. */
enum { ID_FIRST = 1879048192u + (1u << 26), ID_STEP = 65536, ID_SLOTS = 2000 };
enum { SUBIDS_MOST = 1 << 20 };

bool ids_overlap(const char *text, uint32_t base)
{
	AUTO_STRV struct strv lines = STRV_INIT;

	strv_split(&lines, text, "\n");
	strv_foreach (i, &lines) {
		AUTO_STRV struct strv f = STRV_INIT;
		unsigned long long first, count;

		strv_split(&f, lines.v[i], ":");
		if (f.n == 3 && str_u64(f.v[1], UINT32_MAX, &first) &&
		    str_u64(f.v[2], UINT32_MAX, &count) &&
		    first < (unsigned long long)base + ID_STEP && base < first + count)
			return true;
	}
	return false;
}

/* Both files in one: who is given the uids of a range or its gids has it. */
static int read_foreign(struct buf *ret, struct err *e)
{
	static const char *const files[] = { "/etc/subuid", "/etc/subgid" };

	for (size_t i = 0; i < ARRAY_LEN(files); i++) {
		AUTO_BUF struct buf one = BUF_INIT;
		int r = fd_read_file(AT_FDCWD, files[i], SUBIDS_MOST, &one, e);

		if (r == -ENOENT)
			err_clear(e);
		else if (r < 0)
			return r;
		buf_adds(ret, one.data ? one.data : "");
		buf_addc(ret, '\n');
	}
	return 0;
}

static bool has_range(const struct record *r, uid_t base)
{
	if (!r)
		return false;
	for (size_t i = 0; i < r->n_leases; i++)
		if (r->leases[i].base == base)
			return true;
	return r->uid_base == base;
}

int ids_lease(const struct record *own, struct record *const *others, size_t n,
	      uid_t *ret, struct err *e)
{
	AUTO_BUF struct buf foreign = BUF_INIT;
	int r = read_foreign(&foreign, e);

	for (unsigned slot = 0; slot < ID_SLOTS && r == 0; slot++) {
		uid_t base = ID_FIRST + slot * ID_STEP;
		bool taken = has_range(own, base) || ids_overlap(foreign.data, base);

		for (size_t i = 0; i < n && !taken; i++)
			taken = has_range(others[i], base);
		if (!taken) {
			*ret = base;
			return 0;
		}
	}
	return r < 0 ? r : err_msg(e, ENOSPC, "no id range left of '%d'", ID_SLOTS);
}
