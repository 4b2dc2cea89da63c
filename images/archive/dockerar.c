/*
 * images/archive/dockerar.c - docker-archives: manifest.json of `docker save` before
 * Docker 25.
 *
 * Knows that file: a list of { Config, RepoTags, Layers }, all paths within the archive.
 * The layers' blobs have no digest there; the config's diffIDs vouch for them.
 */
#include <errno.h>
#include <string.h>

#include "images/archive/archive_image.h"
#include "images/imgconf.h"
#include "images/layer/tarname.h"

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

static int read_config(struct source *src, struct archive_image *img, const char *name,
		       struct err *e)
{
	int r = source_read(src, name, IMGCONF_JSON_MAX, &img->config, e);

	if (r == SOURCE_E_ABSENT)
		return err_msg(e, ENOENT, "config '%s' is missing", name);
	return r < 0 ? r : check_config_name(name, &img->config, e);
}

static int add_layer(struct source *src, struct archive_image *img, const char *name,
		     struct err *e)
{
	int r = source_find(src, name, &archive_image_layer(img)->blob, e);

	return r == SOURCE_E_ABSENT ? err_msg(e, ENOENT, "layer '%s' is missing", name)
				    : r;
}

static int take(struct source *src, struct archive_image *img, const char *key,
		const char *value, struct err *e)
{
	if (str_eq(key, "config"))
		return read_config(src, img, value, e);
	if (str_eq(key, "layer"))
		return add_layer(src, img, value, e);
	if (str_eq(key, "name"))
		archive_image_name(img, value);
	return 0;
}

int dockerar_read(struct source *src, const struct buf *top, struct archive_images *ret,
		  struct err *e)
{
	AUTO_BUF struct buf answer = BUF_INIT;
	struct archive_image *img = NULL;
	const char *key, *value;
	struct wire_list list;
	int r = source_document(src, WIRE_DOCKER, top, &answer, &list, e);

	while (r == 0 && wire_next(&list, &key, &value)) {
		if (str_eq(key, "image"))
			img = archive_images_add(ret);
		else if (img)
			r = take(src, img, key, value, e);
	}
	if (r < 0 && img)
		return err_ctx(e, "image %zu of 'manifest.json'", ret->n);
	return r;
}
