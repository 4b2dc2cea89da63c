/* images/tag.c - another name for an image. */
#include <errno.h>

#include "images/find.h"
#include "images/record.h"
#include "images/refname.h"
#include "images/store.h"
#include "runtime/base/fd.h"

int image_tag(struct image_store *s, const char *ref, const char *name, struct err *e)
{
	AUTO_REFNAME struct refname to = { NULL, NULL };
	AUTO_FREE char *hex = NULL, *id = NULL;
	AUTO_CLOSE int lock = -1;
	bool by_name;
	int r;

	if (!refname_parse(name, &to) || to.digest)
		return err_msg(e, EINVAL, "'%s' is not an image name", name);
	r = store_lock_names(s, &lock, e);
	if (r == 0)
		r = find_hex(s, ref, &hex, &by_name, e);
	if (r != 0)
		return r;
	id = str_fmt("sha256:%s", hex);
	r = record_name(s, id, to.name, e);
	if (r == 0)
		r = store_sync(s->refs, "refs", e);
	return r < 0 ? err_ctx(e, "name image '%s'", name) : 0;
}
