/* images/archive/save_documents.c - see save.h. */
#include "images/save.h"

#include <string.h>

#include "images/refname.h"
#include "runtime/base/json.h"

#define TYPE_MANIFEST "application/vnd.oci.image.manifest.v1+json"
#define TYPE_INDEX "application/vnd.oci.image.index.v1+json"
#define TYPE_CONFIG "application/vnd.oci.image.config.v1+json"
#define TYPE_LAYER "application/vnd.oci.image.layer.v1.tar"

char *save_blob_path(const struct digest *d)
{
	return str_fmt("blobs/%s/%s", d->alg == DIGEST_SHA256 ? "sha256" : "sha512",
		       d->hex);
}

static char *to_text(json_t *j)
{
	char *text = json_dumps(j, JSON_COMPACT | JSON_SORT_KEYS), *copy;

	json_decref(j);
	copy = str_dup(text ? text : ""); /* NULL: out of memory; no reader takes "" */
	free(text);
	return copy;
}

static json_t *descriptor(const char *type, const char *digest, uint64_t size)
{
	json_t *j = json_object();

	json_object_set_new(j, "mediaType", json_string(type));
	json_object_set_new(j, "digest", json_string(digest));
	json_object_set_new(j, "size", json_integer((json_int_t)size));
	return j;
}

char *save_manifest(const struct save_image *si)
{
	json_t *j = json_object(), *layers = json_array();

	for (size_t i = 0; i < si->img->layers.n; i++)
		json_array_append_new(layers,
				      descriptor(TYPE_LAYER, si->img->diff_ids.v[i],
						 si->layers[i].bytes));
	json_object_set_new(j, "schemaVersion", json_integer(2));
	json_object_set_new(j, "mediaType", json_string(TYPE_MANIFEST));
	json_object_set_new(j, "config",
			    descriptor(TYPE_CONFIG, si->img->id, si->config.len));
	json_object_set_new(j, "layers", layers);
	return to_text(j);
}

/* What Docker writes: the whole name for containerd, and the tag alone. */
static json_t *named_descriptor(const struct save_image *si, const char *name)
{
	AUTO_FREE char *digest = NULL, *full = name ? refname_full(name) : NULL;
	json_t *j, *notes = json_object();
	struct digest d;

	digest_of(DIGEST_SHA256, si->manifest, strlen(si->manifest), &d);
	digest = digest_text(&d);
	j = descriptor(TYPE_MANIFEST, digest, strlen(si->manifest));
	if (name) {
		json_object_set_new(notes, "io.containerd.image.name", json_string(full));
		json_object_set_new(notes, "org.opencontainers.image.ref.name",
				    json_string(strrchr(full, ':') + 1));
		json_object_set(j, "annotations", notes);
	}
	json_decref(notes);
	return j;
}

char *save_index(const struct save_image *v, size_t n)
{
	json_t *j = json_object(), *list = json_array();

	for (size_t i = 0; i < n; i++) {
		const struct strv *names = &v[i].img->names;

		if (!names->n)
			json_array_append_new(list, named_descriptor(&v[i], NULL));
		strv_foreach (k, names)
			json_array_append_new(list, named_descriptor(&v[i], names->v[k]));
	}
	json_object_set_new(j, "schemaVersion", json_integer(2));
	json_object_set_new(j, "mediaType", json_string(TYPE_INDEX));
	json_object_set_new(j, "manifests", list);
	return to_text(j);
}

char *save_docker(const struct save_image *v, size_t n)
{
	json_t *list = json_array();

	for (size_t i = 0; i < n; i++) {
		json_t *j = json_object(), *layers = json_array();

		for (size_t k = 0; k < v[i].img->layers.n; k++)
			json_array_append_new(layers, json_string(v[i].layers[k].path));
		json_object_set_new(j, "Config", json_string(v[i].config_path));
		json_object_set_new(j, "RepoTags", json_from_strv(&v[i].img->names));
		json_object_set_new(j, "Layers", layers);
		json_array_append_new(list, j);
	}
	return to_text(list);
}
