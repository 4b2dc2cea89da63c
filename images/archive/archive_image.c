/* images/archive/archive_image.c - see archive_image.h. */
#include "images/archive/archive_image.h"

#include <errno.h>

#include "images/imgconf.h"
#include "images/refname.h"
#include "runtime/base/log.h"

void archive_images_free(struct archive_images *list)
{
	for (size_t i = 0; i < list->n; i++) {
		strv_free(&list->v[i].names);
		buf_free(&list->v[i].config);
		free(list->v[i].manifest);
		free(list->v[i].layers);
	}
	free(list->v);
	*list = (struct archive_images){ NULL, 0 };
}

struct archive_image *archive_images_add(struct archive_images *list)
{
	list->v = mem_grow(list->v, list->n + 1, sizeof(*list->v));
	list->v[list->n] = (struct archive_image){ 0 };
	return &list->v[list->n++];
}

void archive_image_name(struct archive_image *img, const char *name)
{
	AUTO_REFNAME struct refname ref = { NULL, NULL };

	if (!refname_parse(name, &ref))
		log_warn("'%s' in the archive is not an image name, ignoring it", name);
	else if (!strv_has(&img->names, ref.name))
		strv_add(&img->names, ref.name);
}

struct archive_layer *archive_image_layer(struct archive_image *img)
{
	img->layers = mem_grow(img->layers, img->n_layers + 1, sizeof(*img->layers));
	img->layers[img->n_layers] = (struct archive_layer){ 0 };
	return &img->layers[img->n_layers++];
}
