/*
 * images/parse/documents.c - index, manifest, oci-layout and manifest.json → lists.
 *
 * Knows the shape of these documents (OCI image-spec v1.1: image-index.md, manifest.md,
 * image-layout.md; docker image-spec v1.2). Does not judge what they say: digests, sizes
 * and names are checked by whoever asked.
 */
#include <errno.h>

#include "images/parse/job.h"
#include "runtime/base/json.h"

static void put_string(struct buf *b, const json_t *obj, const char *key, const char *as)
{
	const char *s = json_string_value(json_object_get(obj, key));

	if (s)
		wire_put(b, as, s);
}

/* Descriptors of blobs have at least these two. */
static int put_descriptor(struct buf *b, const json_t *desc, struct err *e)
{
	const json_t *size = json_object_get(desc, "size");
	const char *digest = json_str(desc, "digest", "");

	wire_put(b, "digest", digest);
	if (!json_is_integer(size) || json_integer_value(size) < 0)
		return err_msg(e, EINVAL, "the size of blob '%s' is not a number",
			       digest);
	wire_put_number(b, "size", (uint64_t)json_integer_value(size));
	return 0;
}

static int put_image(struct buf *b, const json_t *desc, struct err *e)
{
	const json_t *platform = json_object_get(desc, "platform");
	const json_t *notes = json_object_get(desc, "annotations");

	wire_put(b, "manifest", "");
	if (json_is_object(platform)) {
		wire_put(b, "os", json_str(platform, "os", "linux"));
		wire_put(b, "architecture", json_str(platform, "architecture", ""));
		put_string(b, platform, "variant", "variant");
	}
	put_string(b, desc, "mediaType", "type");
	put_string(b, notes, "io.containerd.image.name", "full_name");
	put_string(b, notes, "org.opencontainers.image.ref.name", "ref_name");
	if (json_object_get(notes, "vnd.docker.reference.type"))
		wire_put(b, "attestation", "");
	return put_descriptor(b, desc, e);
}

static int put_index(struct buf *b, const json_t *list, struct err *e)
{
	const json_t *desc;
	size_t i;
	int r = 0;

	if (json_array_size(list) > JOB_IMAGES_MAX)
		return err_msg(e, E2BIG, "it lists more than %d manifests",
			       JOB_IMAGES_MAX);
	json_array_foreach (list, i, desc) {
		r = put_image(b, desc, e);
		if (r < 0)
			return r;
	}
	return 0;
}

static int put_manifest(struct buf *b, const json_t *j, struct err *e)
{
	const json_t *layers = json_object_get(j, "layers"), *desc;
	const json_t *config = json_object_get(j, "config");
	size_t i;
	int r;

	if (json_is_array(json_object_get(j, "fsLayers")))
		return err_msg(e, EINVAL,
			       "it is in Docker's schema 1, which no one has "
			       "written since 2017");
	if (!json_is_object(config) || !json_is_array(layers))
		return err_msg(e, EINVAL, "it is neither an index nor a manifest");
	if (json_array_size(layers) > JOB_LAYERS_MAX)
		return err_msg(e, E2BIG, "it has %zu layers, more than %d",
			       json_array_size(layers), JOB_LAYERS_MAX);
	wire_put(b, "config", "");
	put_string(b, config, "mediaType", "type");
	r = put_descriptor(b, config, e);
	json_array_foreach (layers, i, desc) {
		if (r < 0)
			break;
		wire_put(b, "layer", "");
		r = put_descriptor(b, desc, e);
	}
	return r;
}

int job_index(const char *json, size_t n, struct buf *ret, struct err *e)
{
	AUTO_JSON json_t *j = NULL;
	const json_t *list;
	int r = json_parse(json, n, "index or manifest", &j, e);

	if (r < 0)
		return r;
	list = json_object_get(j, "manifests");
	if (!json_is_array(list))
		return put_manifest(ret, j, e);
	wire_put(ret, "index", "");
	return put_index(ret, list, e);
}

int job_version(const char *json, size_t n, struct buf *ret, struct err *e)
{
	AUTO_JSON json_t *j = NULL;
	int r = json_parse(json, n, "oci-layout", &j, e);

	if (r == 0)
		wire_put(ret, "version", json_str(j, "imageLayoutVersion", ""));
	return r;
}

/* A list of strings at @key, each put as @as; absent and null are empty. */
static int put_list(struct buf *b, const json_t *obj, const char *key, const char *as,
		    struct err *e)
{
	const json_t *list = json_object_get(obj, key), *item;
	size_t i;

	if (!list || json_is_null(list))
		return 0;
	if (!json_is_array(list))
		return err_msg(e, EINVAL, "'%s' is not a list", key);
	json_array_foreach (list, i, item) {
		if (!json_is_string(item))
			return err_msg(e, EINVAL,
				       "'%s' holds something that is no string", key);
		wire_put(b, as, json_string_value(item));
	}
	return 0;
}

static int put_saved(struct buf *b, const json_t *entry, struct err *e)
{
	const json_t *layers = json_object_get(entry, "Layers");
	int r;

	wire_put(b, "image", "");
	if (!json_is_string(json_object_get(entry, "Config")))
		return err_msg(e, EINVAL, "it names no 'Config'");
	put_string(b, entry, "Config", "config");
	if (json_array_size(layers) > JOB_LAYERS_MAX)
		return err_msg(e, E2BIG, "it has %zu layers, more than %d",
			       json_array_size(layers), JOB_LAYERS_MAX);
	r = put_list(b, entry, "RepoTags", "name", e);
	return r < 0 ? r : put_list(b, entry, "Layers", "layer", e);
}

int job_docker(const char *json, size_t n, struct buf *ret, struct err *e)
{
	AUTO_JSON json_t *j = NULL;
	const json_t *entry;
	size_t i;
	int r = json_parse(json, n, "manifest.json", &j, e);

	if (r < 0)
		return r;
	if (!json_is_array(j))
		return err_msg(e, EINVAL, "'manifest.json' is not a list");
	if (json_array_size(j) > JOB_IMAGES_MAX)
		return err_msg(e, E2BIG, "it holds more than %d images", JOB_IMAGES_MAX);
	json_array_foreach (j, i, entry) {
		r = put_saved(ret, entry, e);
		if (r < 0)
			return err_ctx(e, "image %zu of 'manifest.json'", i + 1);
	}
	return 0;
}
