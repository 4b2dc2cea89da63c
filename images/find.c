/*
 * images/find.c - images of the store by name, digest or id; all of them; their config.
 *
 * Knows how people name an image. Does not know archives.
 */
#include <errno.h>
#include <string.h>

#include "images/digest.h"
#include "images/find.h"
#include "images/imgconf.h"
#include "images/record.h"
#include "images/refname.h"
#include "images/store.h"
#include "images/usage.h"
#include "runtime/base/fd.h"
#include "runtime/base/log.h"

enum { SHORT_ID_MIN = 6 }; /* "cafe" is more likely a name */

/* The one id that begins with @prefix; a second makes it no id at all. */
static int by_short_id(struct image_store *s, const char *prefix, char **ret_hex,
		       struct err *e)
{
	AUTO_STRV struct strv ids = STRV_INIT;
	const char *found = NULL;
	int r = fd_list(s->images, ".", &ids, e);

	if (r < 0)
		return r;
	strv_foreach (i, &ids) {
		if (!str_starts(ids.v[i], prefix))
			continue;
		if (found)
			return err_msg(e, EINVAL, "id '%s' begins more than one image",
				       prefix);
		found = ids.v[i];
	}
	if (!found)
		return IMAGE_E_NOT_FOUND;
	*ret_hex = str_dup(found);
	return 0;
}

/* "NAME@DIGEST" means the digest; the name before it is for the reader. */
static int by_digest(struct image_store *s, const char *text, char **ret_hex,
		     struct err *e)
{
	struct digest d;
	int r;

	if (!digest_parse(text, &d))
		return IMAGE_E_NOT_FOUND;
	if (d.alg == DIGEST_SHA256) {
		r = by_short_id(s, d.hex, ret_hex, e);
		if (r <= 0)
			return r;
	}
	return record_by_manifest(s, text, ret_hex, e);
}

int find_hex(struct image_store *s, const char *ref, char **ret_hex, bool *ret_by_name,
	     struct err *e)
{
	AUTO_REFNAME struct refname name = { NULL, NULL };
	const char *hex = str_starts(ref, "sha256:") ? ref + strlen("sha256:") : ref;
	int r = by_digest(s, ref, ret_hex, e);

	*ret_by_name = false;
	if (r != IMAGE_E_NOT_FOUND)
		return r;
	if (refname_parse(ref, &name)) {
		*ret_by_name = !name.digest;
		r = name.digest ? by_digest(s, name.digest, ret_hex, e)
				: record_by_name(s, name.name, ret_hex, e);
		if (r != IMAGE_E_NOT_FOUND)
			return r;
	}
	*ret_by_name = false;
	if (strlen(hex) >= SHORT_ID_MIN && strspn(hex, "0123456789abcdef") == strlen(hex))
		return by_short_id(s, hex, ret_hex, e);
	return IMAGE_E_NOT_FOUND;
}

int image_find(struct image_store *s, const char *ref, struct image **ret, struct err *e)
{
	AUTO_FREE char *hex = NULL;
	bool by_name;
	int r = find_hex(s, ref, &hex, &by_name, e);

	return r != 0 ? r : record_read(s, hex, ret, e);
}

static int by_name_then_id(const void *a, const void *b)
{
	const struct image *x = *(struct image *const *)a, *y = *(struct image *const *)b;
	int c;

	if (!x->names.n != !y->names.n) /* the nameless come last */
		return x->names.n ? -1 : 1;
	c = x->names.n ? strcmp(x->names.v[0], y->names.v[0]) : 0;
	return c ? c : strcmp(x->id, y->id);
}

int image_list(struct image_store *s, struct image ***ret, size_t *n, struct err *e)
{
	AUTO_STRV struct strv ids = STRV_INIT;
	struct image **v;
	int r = fd_list(s->images, ".", &ids, e);

	if (r < 0)
		return r;
	v = mem_new(ids.n + 1, sizeof(*v));
	*n = 0;
	strv_foreach (i, &ids) {
		struct err damaged = ERR_INIT;

		r = record_read(s, ids.v[i], &v[*n], &damaged);
		if (r == 0)
			(*n)++;
		else if (r < 0) /* one bad record must not hide the others */
			log_warn("%s, ignoring it", err_text(&damaged));
	}
	qsort(v, *n, sizeof(*v), by_name_then_id);
	usage_unique(s, v, *n);
	*ret = v;
	return 0;
}

int image_config_json(struct image_store *s, const char *id, char **ret, struct err *e)
{
	AUTO_FREE char *path = NULL;
	AUTO_BUF struct buf b = BUF_INIT;
	struct digest d;
	int r;

	if (!digest_parse(id, &d))
		return err_msg(e, EINVAL, "'%s' is not an image id", id);
	path = str_fmt("%s/config.json", d.hex);
	r = fd_read_file(s->images, path, IMGCONF_JSON_MAX, &b, e);
	if (r < 0)
		return err_ctx(e, "image '%s'", id);
	*ret = buf_take(&b);
	return 0;
}
