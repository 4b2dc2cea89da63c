/*
 * images/archive/layout.c - OCI image layouts: index.json, nested indexes, manifests.
 *
 * Knows the image-spec's descriptors and the choice of a platform. Does not know how the
 * files are stored (source.h) nor what a config says.
 */
#include <errno.h>
#include <string.h>
#include <sys/utsname.h>

#include "images/archive/archive_image.h"
#include "images/archive/descriptor.h"
#include "images/imgconf.h"

enum { INDEX_DEPTH_MAX = 4 };

/* A blob that a document names, its size compared; its digest is left to whoever reads
 * it. */
static int find_blob(struct source *src, const struct descriptor *d,
		     struct digest *ret_digest, struct blob *ret, struct err *e)
{
	AUTO_FREE char *path = NULL;
	uint64_t want;
	int r = descriptor_blob(d, ret_digest, &want, e);

	if (r < 0)
		return r;
	path = str_fmt("blobs/%s/%s",
		       ret_digest->alg == DIGEST_SHA256 ? "sha256" : "sha512",
		       ret_digest->hex);
	r = source_find(src, path, ret, e);
	if (r == SOURCE_E_ABSENT)
		return err_msg(e, ENOENT, "blob '%s' is missing", d->digest);
	if (r == 0 && ret->size != want)
		return err_msg(e, EINVAL,
			       "blob '%s' has %llu bytes, its descriptor says %llu",
			       d->digest, (unsigned long long)ret->size,
			       (unsigned long long)want);
	return r;
}

/* A small blob whole, its digest verified. */
static int read_blob(struct source *src, const struct descriptor *d, struct buf *ret,
		     struct err *e)
{
	struct digest want, got;
	struct blob b;
	int r = find_blob(src, d, &want, &b, e);

	if (r == 0)
		r = source_read_blob(&b, d->digest, IMGCONF_JSON_MAX, ret, e);
	if (r < 0)
		return r;
	digest_of(want.alg, ret->data, ret->len, &got);
	return digest_eq(&want, &got)
		       ? 0
		       : err_msg(e, EINVAL, "blob '%s' does not have that digest",
				 d->digest);
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

static int add_manifest(struct source *src, const struct descriptor *of,
			struct wire_list list, struct archive_images *ret, struct err *e)
{
	struct archive_image *img = archive_images_add(ret);
	struct descriptor d;
	int r = 0;

	img->manifest = str_dup(of->digest);
	add_names(img, of);
	while (r == 0 && descriptor_next(&list, &d)) {
		struct archive_layer *layer;

		if (str_eq(d.kind, "config")) {
			r = read_blob(src, &d, &img->config, e);
			r = r < 0 ? err_ctx(e, "config") : 0;
			continue;
		}
		layer = archive_image_layer(img);
		layer->has_digest = true;
		r = find_blob(src, &d, &layer->digest, &layer->blob, e);
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
	int r = read_blob(src, d, &text, e);

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

/* The top index lists images, all that suit are taken; a nested one lists platforms of
 * one image. @list is borrowed together with what it points into. */
static int read_index(struct source *src, struct wire_list list, unsigned depth,
		      struct archive_images *ret, struct err *e)
{
	struct descriptor d;
	struct utsname u;
	int r;

	uname(&u);
	if (depth == 0 && list.p == list.end)
		return 0;
	r = descriptor_choose(list, u.machine, &d, e);
	if (r < 0 || depth > 0)
		return r < 0 ? r : read_descriptor(src, &d, depth, ret, e);
	while (r == 0 && descriptor_next(&list, &d))
		if (descriptor_rank(&d, u.machine) > 0)
			r = read_descriptor(src, &d, depth, ret, e);
	return r;
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
