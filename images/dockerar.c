/*
 * images/dockerar.c - docker-archives: manifest.json of `docker save` before Docker 25.
 *
 * Knows that file: a list of { Config, RepoTags, Layers }, all paths within the archive.
 * The layers' blobs have no digest there; the config's diffIDs vouch for them.
 */
#include <errno.h>
#include <string.h>

#include "images/archive_image.h"
#include "images/imgconf.h"
#include "images/tarname.h"

enum { IMAGES_MAX = 1000 };

/* "HEX.json" and "blobs/sha256/HEX" promise the digest of the content; other names
 * nothing. */
static int check_config_name(const char *name, const struct buf *config, struct err *e)
{
	AUTO_FREE char *hex = str_ndup(tarname_base(name), 2 * SHA256_DIGEST_SIZE);
	AUTO_FREE char *text = str_fmt("sha256:%s", hex);
	const char *rest = tarname_base(name) + strlen(hex);
	struct digest want, got;

	if (!digest_parse(text, &want) || (*rest && !str_eq(rest, ".json")))
		return 0;
	digest_of(DIGEST_SHA256, config->data, config->len, &got);
	return digest_eq(&want, &got)
		       ? 0
		       : err_msg(e, EINVAL, "config '%s' does not have that digest",
				 name);
}

static int read_config(struct source *src, const json_t *entry, struct archive_image *img,
		       struct err *e)
{
	const char *name = json_str(entry, "Config", NULL);
	int r;

	if (!name)
		return err_msg(e, EINVAL, "it names no 'Config'");
	r = source_read(src, name, IMGCONF_JSON_MAX, &img->config, e);
	if (r == SOURCE_E_ABSENT)
		return err_msg(e, ENOENT, "config '%s' is missing", name);
	return r < 0 ? r : check_config_name(name, &img->config, e);
}

static int read_names(const json_t *entry, struct archive_image *img, struct err *e)
{
	const json_t *tags = json_object_get(entry, "RepoTags"), *tag;
	size_t i;

	if (tags && !json_is_null(tags) && !json_is_array(tags))
		return err_msg(e, EINVAL, "'RepoTags' is not a list");
	json_array_foreach (tags, i, tag) {
		if (!json_is_string(tag))
			return err_msg(e, EINVAL,
				       "'RepoTags' holds something that is no string");
		archive_image_name(img, json_string_value(tag));
	}
	return 0;
}

static int read_layers(struct source *src, const json_t *entry, struct archive_image *img,
		       struct err *e)
{
	const json_t *layers = json_object_get(entry, "Layers"), *layer;
	size_t i;
	int r;

	if (layers && !json_is_null(layers) && !json_is_array(layers))
		return err_msg(e, EINVAL, "'Layers' is not a list");
	img->n_layers = json_array_size(layers);
	if (img->n_layers > IMGCONF_LAYERS_MAX)
		return err_msg(e, E2BIG, "it has %zu layers, more than %d", img->n_layers,
			       IMGCONF_LAYERS_MAX);
	img->layers = mem_new(img->n_layers + 1, sizeof(*img->layers));
	json_array_foreach (layers, i, layer) {
		const char *name = json_string_value(layer);

		if (!name)
			return err_msg(e, EINVAL,
				       "'Layers' holds something that is no string");
		r = source_find(src, name, &img->layers[i].blob, e);
		if (r == SOURCE_E_ABSENT)
			return err_msg(e, ENOENT, "layer '%s' is missing", name);
		if (r < 0)
			return r;
	}
	return 0;
}

int dockerar_read(struct source *src, const json_t *top, struct archive_images *ret,
		  struct err *e)
{
	const json_t *entry;
	size_t i;
	int r = 0;

	if (!json_is_array(top))
		return err_msg(e, EINVAL, "'manifest.json' is not a list");
	if (json_array_size(top) > IMAGES_MAX)
		return err_msg(e, E2BIG, "it holds more than %d images", IMAGES_MAX);
	json_array_foreach (top, i, entry) {
		struct archive_image *img = archive_images_add(ret);

		r = read_config(src, entry, img, e);
		if (r == 0)
			r = read_names(entry, img, e);
		if (r == 0)
			r = read_layers(src, entry, img, e);
		if (r < 0)
			return err_ctx(e, "image %zu of 'manifest.json'", i + 1);
	}
	return 0;
}
