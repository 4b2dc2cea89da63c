/*
 * images/layout.c - OCI image layouts: index.json, nested indexes, manifests.
 *
 * Knows the image-spec's descriptors and the choice of a platform. Does not know how the
 * files are stored (source.h) nor what a config says.
 */
#include <errno.h>
#include <string.h>
#include <sys/utsname.h>

#include "images/archive_image.h"
#include "images/imgconf.h"

enum { INDEX_DEPTH_MAX = 4, MANIFESTS_MAX = 1000 };

static const struct {
	const char *machine, *arch; /* uname's word, Go's word */
} arches[] = { { "x86_64", "amd64" },    { "aarch64", "arm64" },
	       { "armv7l", "arm" },      { "armv6l", "arm" },
	       { "i686", "386" },        { "i386", "386" },
	       { "ppc64le", "ppc64le" }, { "s390x", "s390x" },
	       { "riscv64", "riscv64" }, { "loongarch64", "loong64" } };

static const char *host_arch(const struct utsname *u)
{
	for (size_t i = 0; i < ARRAY_LEN(arches); i++)
		if (str_eq(u->machine, arches[i].machine))
			return arches[i].arch;
	return u->machine;
}

bool layout_arch_is_host(const char *arch)
{
	struct utsname u;

	uname(&u);
	return str_eq(arch, host_arch(&u));
}

/* A descriptor's blob, its size compared; its digest is left to whoever reads it. */
static int find_blob(struct source *src, const json_t *desc, struct digest *ret_digest,
		     struct blob *ret, struct err *e)
{
	const char *text = json_str(desc, "digest", "");
	const json_t *size = json_object_get(desc, "size");
	AUTO_FREE char *path = NULL;
	int r;

	if (!digest_parse(text, ret_digest))
		return err_msg(e, EINVAL, "'%s' is not a digest", text);
	if (!json_is_integer(size) || json_integer_value(size) < 0)
		return err_msg(e, EINVAL, "the size of blob '%s' is not a number", text);
	path = str_fmt("blobs/%s/%s",
		       ret_digest->alg == DIGEST_SHA256 ? "sha256" : "sha512",
		       ret_digest->hex);
	r = source_find(src, path, ret, e);
	if (r == SOURCE_E_ABSENT)
		return err_msg(e, ENOENT, "blob '%s' is missing", text);
	if (r < 0)
		return r;
	if (ret->size != (uint64_t)json_integer_value(size))
		return err_msg(e, EINVAL,
			       "blob '%s' has %llu bytes, its descriptor says %lld", text,
			       (unsigned long long)ret->size,
			       (long long)json_integer_value(size));
	return 0;
}

/* A small blob whole, its digest verified. */
static int read_blob(struct source *src, const json_t *desc, struct buf *ret,
		     struct err *e)
{
	struct digest want, got;
	AUTO_FREE char *path = NULL;
	struct blob b;
	int r = find_blob(src, desc, &want, &b, e);

	if (r < 0)
		return r;
	path = str_fmt("blobs/%s/%s", want.alg == DIGEST_SHA256 ? "sha256" : "sha512",
		       want.hex);
	r = source_read(src, path, IMGCONF_JSON_MAX, ret, e);
	if (r == SOURCE_E_ABSENT)
		return err_msg(e, ENOENT, "'%s' is missing", path);
	if (r < 0)
		return r;
	digest_of(want.alg, ret->data, ret->len, &got);
	if (!digest_eq(&want, &got))
		return err_msg(e, EINVAL, "blob '%s' does not have that digest",
			       json_str(desc, "digest", ""));
	return 0;
}

/* A descriptor that states no platform is taken at its word: any. */
static bool matches_host(const json_t *desc)
{
	const json_t *platform = json_object_get(desc, "platform");

	if (!json_is_object(platform))
		return true;
	return str_eq(json_str(platform, "os", "linux"), "linux") &&
	       layout_arch_is_host(json_str(platform, "architecture", ""));
}

/* Build attestations hang in an index like images of platform unknown/unknown. */
static bool is_attestation(const json_t *desc)
{
	const json_t *notes = json_object_get(desc, "annotations");

	return json_object_get(notes, "vnd.docker.reference.type") != NULL ||
	       str_eq(json_str(json_object_get(desc, "platform"), "os", ""), "unknown");
}

/* io.containerd.image.name is a whole name; ref.name may be one, or no more than a tag.
 */
static void add_names(struct archive_image *img, const json_t *desc)
{
	const json_t *notes = json_object_get(desc, "annotations");
	const char *full = json_str(notes, "io.containerd.image.name", NULL);
	const char *ref = json_str(notes, "org.opencontainers.image.ref.name", NULL);

	if (full)
		archive_image_name(img, full);
	else if (ref && strpbrk(ref, ":/"))
		archive_image_name(img, ref);
}

static int add_layers(struct source *src, const json_t *layers, struct archive_image *img,
		      struct err *e)
{
	const json_t *desc;
	size_t i;
	int r;

	if (json_array_size(layers) > IMGCONF_LAYERS_MAX)
		return err_msg(e, E2BIG, "it has %zu layers, more than %d",
			       json_array_size(layers), IMGCONF_LAYERS_MAX);
	img->n_layers = json_array_size(layers);
	img->layers = mem_new(img->n_layers + 1, sizeof(*img->layers));
	json_array_foreach (layers, i, desc) {
		img->layers[i].has_digest = true;
		r = find_blob(src, desc, &img->layers[i].digest, &img->layers[i].blob, e);
		if (r < 0)
			return err_ctx(e, "layer %zu", i + 1);
	}
	return 0;
}

static int add_manifest(struct source *src, const json_t *desc, const json_t *manifest,
			struct archive_images *ret, struct err *e)
{
	const json_t *config = json_object_get(manifest, "config");
	const json_t *layers = json_object_get(manifest, "layers");
	struct archive_image *img;
	int r;

	if (!json_is_object(config) || !json_is_array(layers))
		return err_msg(e, EINVAL, "it is not an image manifest");
	img = archive_images_add(ret);
	img->manifest = str_dup(json_str(desc, "digest", ""));
	add_names(img, desc);
	r = read_blob(src, config, &img->config, e);
	return r < 0 ? err_ctx(e, "config") : add_layers(src, layers, img, e);
}

static int read_index(struct source *src, const json_t *index, unsigned depth,
		      struct archive_images *ret, struct err *e);

/* One descriptor of an index: a manifest, or an index of which one image is meant. */
static int read_descriptor(struct source *src, const json_t *desc, unsigned depth,
			   struct archive_images *ret, struct err *e)
{
	AUTO_BUF struct buf text = BUF_INIT;
	AUTO_JSON json_t *j = NULL;
	const char *digest = json_str(desc, "digest", "");
	size_t before = ret->n;
	int r = read_blob(src, desc, &text, e);

	if (r == 0)
		r = json_parse(text.data, text.len, "manifest", &j, e);
	if (r < 0)
		return err_ctx(e, "manifest '%s'", digest);
	if (!json_is_array(json_object_get(j, "manifests"))) {
		r = add_manifest(src, desc, j, ret, e);
		return r < 0 ? err_ctx(e, "manifest '%s'", digest) : 0;
	}
	r = depth >= INDEX_DEPTH_MAX ? err_msg(e, EINVAL, "indexes are nested too deep")
				     : read_index(src, j, depth + 1, ret, e);
	if (r < 0)
		return err_ctx(e, "index '%s'", digest);
	for (size_t i = before; i < ret->n; i++)
		add_names(&ret->v[i], desc);
	return 0;
}

static int no_match(const json_t *list, struct err *e)
{
	AUTO_BUF struct buf has = BUF_INIT;
	const json_t *desc;
	struct utsname u;
	size_t i;

	uname(&u);
	json_array_foreach (list, i, desc) {
		const json_t *p = json_object_get(desc, "platform");

		if (!is_attestation(desc) && has.len < 100)
			buf_addf(&has, " %s/%s", json_str(p, "os", "?"),
				 json_str(p, "architecture", "?"));
	}
	return err_msg(e, EINVAL, "it has no image for linux/%s, but for%s",
		       host_arch(&u), has.len ? has.data : " nothing");
}

/* The top index lists images, all that suit are taken; a nested one lists platforms of
 * one image. */
static int read_index(struct source *src, const json_t *index, unsigned depth,
		      struct archive_images *ret, struct err *e)
{
	const json_t *list = json_object_get(index, "manifests"), *desc;
	size_t before = ret->n, i;
	int r;

	if (json_array_size(list) > MANIFESTS_MAX)
		return err_msg(e, E2BIG, "it lists more than %d manifests",
			       MANIFESTS_MAX);
	json_array_foreach (list, i, desc) {
		if (is_attestation(desc) || !matches_host(desc))
			continue;
		r = read_descriptor(src, desc, depth, ret, e);
		if (r < 0)
			return r;
		if (depth > 0 && ret->n > before)
			break;
	}
	if (ret->n == before && json_array_size(list) > 0)
		return no_match(list, e);
	return 0;
}

static int check_version(struct source *src, struct err *e)
{
	AUTO_BUF struct buf text = BUF_INIT;
	AUTO_JSON json_t *j = NULL;
	const char *version;
	int r = source_read(src, "oci-layout", 4096, &text, e);

	if (r == SOURCE_E_ABSENT)
		return err_msg(e, EINVAL, "'oci-layout' is missing");
	if (r == 0)
		r = json_parse(text.data, text.len, "oci-layout", &j, e);
	if (r < 0)
		return r;
	version = json_str(j, "imageLayoutVersion", "");
	if (!str_starts(version, "1."))
		return err_msg(e, EINVAL, "its layout version '%s' is not known",
			       version);
	return 0;
}

int layout_read(struct source *src, const json_t *top, struct archive_images *ret,
		struct err *e)
{
	int r;

	if (!json_is_array(json_object_get(top, "manifests")))
		return err_msg(e, EINVAL, "'index.json' lists no manifests");
	r = check_version(src, e);
	return r < 0 ? r : read_index(src, top, 0, ret, e);
}
