/* images/archive/archive.c - which of the two forms an archive has. */
#include <errno.h>

#include "images/archive/archive_image.h"
#include "images/imgconf.h"

/* Archives of Docker 25 and later have both files; index.json says more (digests of
 * blobs). */
int archive_images_read(struct source *src, struct archive_images *ret, struct err *e)
{
	AUTO_BUF struct buf top = BUF_INIT;
	int r = source_read(src, "index.json", IMGCONF_JSON_MAX, &top, e);

	if (r == 0) {
		r = layout_read(src, &top, ret, e);
	} else if (r == SOURCE_E_ABSENT) {
		r = source_read(src, "manifest.json", IMGCONF_JSON_MAX, &top, e);
		if (r == 0)
			r = dockerar_read(src, &top, ret, e);
	}
	if (r == SOURCE_E_ABSENT)
		return err_msg(
			e, EINVAL,
			"it has neither 'index.json' nor 'manifest.json': not an image");
	if (r == 0 && ret->n == 0)
		return err_msg(e, EINVAL, "it holds no image");
	return r;
}
