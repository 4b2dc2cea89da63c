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

enum { INDEX_DEPTH_MAX = 4 };

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

/* What an index says of one image; strings are borrowed from the list. */
struct descriptor {
	const char *digest, *size, *os, *architecture, *full_name, *ref_name;
	bool attestation;
};

/* A blob that a document names, its size compared; its digest is left to whoever reads
 * it. */
static int find_blob(struct source *src, const char *text, const char *size,
		     struct digest *ret_digest, struct blob *ret, struct err *e)
{
	AUTO_FREE char *path = NULL;
	unsigned long long want;
	int r;

	if (!digest_parse(text, ret_digest))
		return err_msg(e, EINVAL, "'%s' is not a digest", text);
	if (!str_u64(size, INT64_MAX, &want))
		return err_msg(e, EINVAL, "the size of blob '%s' is not a number", text);
	path = str_fmt("blobs/%s/%s",
		       ret_digest->alg == DIGEST_SHA256 ? "sha256" : "sha512",
		       ret_digest->hex);
	r = source_find(src, path, ret, e);
	if (r == SOURCE_E_ABSENT)
		return err_msg(e, ENOENT, "blob '%s' is missing", text);
	if (r == 0 && ret->size != want)
		return err_msg(e, EINVAL,
			       "blob '%s' has %llu bytes, its descriptor says %llu", text,
			       (unsigned long long)ret->size, want);
	return r;
}

/* A small blob whole, its digest verified. */
static int read_blob(struct source *src, const char *text, const char *size,
		     struct buf *ret, struct err *e)
{
	struct digest want, got;
	struct blob b;
	int r = find_blob(src, text, size, &want, &b, e);

	if (r == 0)
		r = source_read_blob(&b, text, IMGCONF_JSON_MAX, ret, e);
	if (r < 0)
		return r;
	digest_of(want.alg, ret->data, ret->len, &got);
	return digest_eq(&want, &got)
		       ? 0
		       : err_msg(e, EINVAL, "blob '%s' does not have that digest", text);
}

/* A descriptor that states no platform is taken at its word: any. */
static bool matches_host(const struct descriptor *d)
{
	return !d->os || (str_eq(d->os, "linux") && layout_arch_is_host(d->architecture));
}

/* Build attestations hang in an index like images of platform unknown/unknown. */
static bool is_attestation(const struct descriptor *d)
{
	return d->attestation || str_eq(d->os, "unknown");
}

/* io.containerd.image.name is a whole name; ref.name may be one, or no more than a tag.
 */
static void add_names(struct archive_image *img, const struct descriptor *d)
{
	if (d->full_name)
		archive_image_name(img, d->full_name);
	else if (d->ref_name && strpbrk(d->ref_name, ":/"))
		archive_image_name(img, d->ref_name);
}

/* The next descriptor of a list; false at its end. A manifest's parts are descriptors as
 * well, so @kind says which it is: "manifest", "config" or "layer". */
static bool next_descriptor(struct wire_list *l, const char **kind, struct descriptor *d)
{
	const char *key, *value;

	*d = (struct descriptor){ .digest = "", .size = "" };
	if (!wire_next(l, kind, &value))
		return false;
	for (struct wire_list ahead = *l; wire_next(&ahead, &key, &value); *l = ahead) {
		if (str_eq(key, "digest"))
			d->digest = value;
		else if (str_eq(key, "size"))
			d->size = value;
		else if (str_eq(key, "os"))
			d->os = value;
		else if (str_eq(key, "architecture"))
			d->architecture = value;
		else if (str_eq(key, "full_name"))
			d->full_name = value;
		else if (str_eq(key, "ref_name"))
			d->ref_name = value;
		else if (str_eq(key, "attestation"))
			d->attestation = true;
		else
			break;
	}
	return true;
}

static int add_manifest(struct source *src, const struct descriptor *of,
			struct wire_list list, struct archive_images *ret, struct err *e)
{
	struct archive_image *img = archive_images_add(ret);
	struct descriptor d;
	const char *kind;
	int r = 0;

	img->manifest = str_dup(of->digest);
	add_names(img, of);
	while (r == 0 && next_descriptor(&list, &kind, &d)) {
		struct archive_layer *layer;

		if (str_eq(kind, "config")) {
			r = read_blob(src, d.digest, d.size, &img->config, e);
			r = r < 0 ? err_ctx(e, "config") : 0;
			continue;
		}
		layer = archive_image_layer(img);
		layer->has_digest = true;
		r = find_blob(src, d.digest, d.size, &layer->digest, &layer->blob, e);
		if (r < 0)
			return err_ctx(e, "layer %zu", img->n_layers);
	}
	return r;
}

static int read_index(struct source *src, struct wire_list list, unsigned depth,
		      struct archive_images *ret, struct err *e);

/* One descriptor of an index: a manifest, or an index of which one image is meant. */
static int read_descriptor(struct source *src, const struct descriptor *d, unsigned depth,
			   struct archive_images *ret, struct err *e)
{
	AUTO_BUF struct buf text = BUF_INIT, answer = BUF_INIT;
	const char *key = "", *value;
	struct wire_list list, rest;
	size_t before = ret->n;
	int r = read_blob(src, d->digest, d->size, &text, e);

	if (r == 0)
		r = source_document(src, WIRE_INDEX, &text, &answer, &list, e);
	if (r < 0)
		return err_ctx(e, "manifest '%s'", d->digest);
	rest = list;
	if (!wire_next(&rest, &key, &value) || !str_eq(key, "index")) {
		r = add_manifest(src, d, list, ret, e);
		return r < 0 ? err_ctx(e, "manifest '%s'", d->digest) : 0;
	}
	r = depth >= INDEX_DEPTH_MAX ? err_msg(e, EINVAL, "indexes are nested too deep")
				     : read_index(src, rest, depth + 1, ret, e);
	if (r < 0)
		return err_ctx(e, "index '%s'", d->digest);
	for (size_t i = before; i < ret->n; i++)
		add_names(&ret->v[i], d);
	return 0;
}

static int no_match(struct wire_list list, struct err *e)
{
	AUTO_BUF struct buf has = BUF_INIT;
	struct descriptor d;
	const char *kind;
	struct utsname u;

	uname(&u);
	while (next_descriptor(&list, &kind, &d))
		if (!is_attestation(&d) && has.len < 100)
			buf_addf(&has, " %s/%s", d.os ? d.os : "?",
				 d.architecture ? d.architecture : "?");
	return err_msg(e, EINVAL, "it has no image for linux/%s, but for%s",
		       host_arch(&u), has.len ? has.data : " nothing");
}

/* The top index lists images, all that suit are taken; a nested one lists platforms of
 * one image. @list is borrowed together with what it points into. */
static int read_index(struct source *src, struct wire_list list, unsigned depth,
		      struct archive_images *ret, struct err *e)
{
	struct wire_list all = list;
	size_t before = ret->n, n = 0;
	struct descriptor d;
	const char *kind;

	for (; next_descriptor(&list, &kind, &d); n++) {
		int r;

		if (is_attestation(&d) || !matches_host(&d))
			continue;
		r = read_descriptor(src, &d, depth, ret, e);
		if (r < 0)
			return r;
		if (depth > 0 && ret->n > before)
			break;
	}
	return ret->n == before && n > 0 ? no_match(all, e) : 0;
}

static int check_version(struct source *src, struct err *e)
{
	AUTO_BUF struct buf text = BUF_INIT, answer = BUF_INIT;
	const char *key, *version = "";
	struct wire_list list;
	int r = source_read(src, "oci-layout", 4096, &text, e);

	if (r == SOURCE_E_ABSENT)
		return err_msg(e, EINVAL, "'oci-layout' is missing");
	if (r == 0)
		r = source_document(src, WIRE_VERSION, &text, &answer, &list, e);
	if (r < 0)
		return r;
	(void)wire_next(&list, &key, &version);
	if (!str_starts(version, "1."))
		return err_msg(e, EINVAL, "its layout version '%s' is not known",
			       version);
	return 0;
}

int layout_read(struct source *src, const struct buf *top, struct archive_images *ret,
		struct err *e)
{
	AUTO_BUF struct buf answer = BUF_INIT;
	const char *key = "", *value;
	struct wire_list list;
	int r = source_document(src, WIRE_INDEX, top, &answer, &list, e);

	if (r < 0)
		return err_ctx(e, "'index.json'");
	if (!wire_next(&list, &key, &value) || !str_eq(key, "index"))
		return err_msg(e, EINVAL, "'index.json' lists no manifests");
	r = check_version(src, e);
	return r < 0 ? r : read_index(src, list, 0, ret, e);
}
