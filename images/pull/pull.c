/*
 * images/pull/pull.c - from a name to an image in the store, by way of a registry.
 *
 * Knows the order: manifest (of an index this machine's), config, layers while they
 * arrive. Does not know HTTP (fetch.h), logins (registry.h) or how a layer is unpacked.
 */
#include <errno.h>
#include <string.h>
#include <sys/utsname.h>

#include "images/imgconf.h"
#include "images/load.h"
#include "images/pull/manifest.h"
#include "images/pull/registry.h"
#include "images/refname.h"
#include "runtime/base/fd.h"

enum {
	MANIFEST_MAX = 4 << 20, /* the distribution-spec's own limit */
	INDEX_DEPTH_MAX = 4
};

static const char *const manifest_types[] = {
	"application/vnd.oci.image.index.v1+json",
	"application/vnd.oci.image.manifest.v1+json",
	"application/vnd.docker.distribution.manifest.list.v2+json",
	"application/vnd.docker.distribution.manifest.v2+json",
};

/* A layer that may have to be fetched; in the hands of one thread at a time. */
struct pull_layer {
	struct registry *reg;
	const struct pull_blob *blob;
	struct fetch fetch;
};

struct pull {
	struct image_store *s;
	const struct image_progress *progress;
	struct registry *reg;
	struct refname ref;
	struct pull_manifest manifest;
	char *digest; /* of what the name means: of an index, not of what it leads to */
	struct pull_layer *layers;
};

static void free_pull(struct pull *p)
{
	registry_free(p->reg);
	refname_free(&p->ref);
	pull_manifest_free(&p->manifest);
	free(p->digest);
	free(p->layers);
}

/* A small document whole. @want: its digest, if it is known; @size: UINT64_MAX: unknown.
 * @ret_digest: what the registry says it is, or "" */
static int get_text(struct pull *p, const char *path, const char *const *accept,
		    size_t n_accept, uint64_t max, struct buf *ret, char **ret_digest,
		    struct err *e)
{
	struct fetch_request req = { .max = max };
	struct fetch f = FETCH_INIT;
	int r;

	for (size_t i = 0; i < n_accept; i++)
		strv_add(&req.accept, accept[i]);
	r = registry_get(p->reg, path, &req, &f, e);
	strv_free(&req.accept);
	if (r < 0)
		return r;
	*ret_digest = str_dup(fetch_get(&f, "digest"));
	return fetch_body(&f, (size_t)max, ret, e);
}

static int verify(const struct digest *want, const struct buf *text, struct err *e)
{
	struct digest got;

	digest_of(want->alg, text->data ? text->data : "", text->len, &got);
	if (digest_eq(&got, want))
		return 0;
	return err_msg(e, EINVAL, "what came has the digest '%s:%s'",
		       want->alg == DIGEST_SHA256 ? "sha256" : "sha512", got.hex);
}

/* Of a tag the registry may say which digest it sends; then that must be so. */
static int verify_said(const char *said, const struct buf *text, struct digest *ret,
		       struct err *e)
{
	digest_of(DIGEST_SHA256, text->data ? text->data : "", text->len, ret);
	if (!said)
		return 0;
	if (!digest_parse(said, ret))
		return err_msg(e, EINVAL, "'%.150s' is not a digest", said);
	return verify(ret, text, e);
}

/* @ref: a tag, or a digest's text; @want: the digest, NULL for a tag. */
static int get_manifest(struct pull *p, const char *ref, const struct pull_blob *want,
			struct digest *ret_digest, struct err *e)
{
	AUTO_FREE char *path = str_fmt("manifests/%s", ref), *said = NULL;
	AUTO_BUF struct buf text = BUF_INIT;
	struct utsname u;
	int r = get_text(p, path, manifest_types, ARRAY_LEN(manifest_types), MANIFEST_MAX,
			 &text, &said, e);

	if (r < 0)
		return r;
	uname(&u);
	if (want)
		*ret_digest = want->digest;
	r = want ? verify(&want->digest, &text, e)
		 : verify_said(said, &text, ret_digest, e);
	if (r == 0 && want && want->size != UINT64_MAX && want->size != text.len)
		r = err_msg(e, EINVAL, "it has %zu bytes, its descriptor says %llu",
			    text.len, (unsigned long long)want->size);
	if (r == 0) {
		pull_manifest_free(&p->manifest);
		r = pull_manifest_parse(p->s, &text, u.machine, &p->manifest, e);
	}
	return r < 0 ? err_ctx(e, "manifest '%s'", ref) : 0;
}

/* Through indexes to a manifest. */
static int find_manifest(struct pull *p, struct err *e)
{
	const char *tag = strrchr(p->ref.name, ':') + 1;
	struct pull_blob at = { .size = UINT64_MAX };
	struct digest d;
	int r;

	if (p->ref.digest && !digest_parse(p->ref.digest, &at.digest))
		return err_msg(e, EINVAL, "'%s' is not a digest", p->ref.digest);
	r = get_manifest(p, p->ref.digest ? p->ref.digest : tag,
			 p->ref.digest ? &at : NULL, &d, e);
	if (r < 0)
		return r;
	p->digest = digest_text(&d);
	for (int i = 0; r == 0 && p->manifest.is_index; i++) {
		AUTO_FREE char *text = digest_text(&p->manifest.next.digest);

		at = p->manifest.next;
		r = i < INDEX_DEPTH_MAX
			    ? get_manifest(p, text, &at, &d, e)
			    : err_msg(e, EINVAL, "indexes are nested too deep");
	}
	return r;
}

/* The store has it already if the image is there, or another name of it. */
static int get_config(struct pull *p, struct buf *ret, struct err *e)
{
	AUTO_FREE char *id = digest_text(&p->manifest.config.digest), *path = NULL;
	AUTO_FREE char *said = NULL, *have = NULL;
	struct err ignored = ERR_INIT;
	int r;

	if (image_config_json(p->s, id, &have, &ignored) == 0) {
		buf_adds(ret, have);
		if (verify(&p->manifest.config.digest, ret, &ignored) == 0)
			return 0;
		ret->len = 0; /* it has changed on the disk: load_images() mends it */
	}
	path = str_fmt("blobs/%s", id);
	r = get_text(p, path, NULL, 0, IMGCONF_JSON_MAX, ret, &said, e);
	if (r == 0)
		r = verify(&p->manifest.config.digest, ret, e);
	return r < 0 ? err_ctx(e, "config '%s'", id) : 0;
}

/* archive_layer's open: the layer is not in the store. */
static int open_layer(void *arg, int *ret_fd, struct err *e)
{
	struct pull_layer *l = arg;
	AUTO_FREE char *digest = digest_text(&l->blob->digest);
	AUTO_FREE char *path = str_fmt("blobs/%s", digest);
	struct fetch_request req = { .max = l->blob->size,
				     .size = l->blob->size,
				     .exact = true };
	struct err ignored = ERR_INIT;
	int r;

	(void)!fetch_end(&l->fetch, &ignored); /* it is begun anew, above other layers */
	r = registry_get(l->reg, path, &req, &l->fetch, e);
	if (r == 0)
		*ret_fd = fd_take(&l->fetch.body);
	return r;
}

static void describe(struct pull *p, const struct buf *config, struct archive_image *ai,
		     bool named)
{
	const struct pull_manifest *m = &p->manifest;

	if (named)
		strv_add(&ai->names, p->ref.name);
	buf_add(&ai->config, config->data, config->len);
	ai->manifest = str_dup(p->digest);
	ai->n_layers = m->n_layers;
	ai->layers = mem_new(m->n_layers + 1, sizeof(*ai->layers));
	p->layers = mem_new(m->n_layers + 1, sizeof(*p->layers));
	for (size_t i = 0; i < m->n_layers; i++) {
		p->layers[i] = (struct pull_layer){ .reg = p->reg,
						    .blob = &m->layers[i],
						    .fetch = FETCH_INIT };
		ai->layers[i] =
			(struct archive_layer){ .blob = { -1, 0, m->layers[i].size },
						.has_digest = true,
						.digest = m->layers[i].digest,
						.open = open_layer,
						.open_arg = &p->layers[i] };
	}
}

/* Ends all fetches. If the load failed, a connection that did is the cause: the unpacker
 * only saw data that stopped. */
static int end_layers(struct pull *p, int r, struct err *e)
{
	bool found = r == 0;

	for (size_t i = 0; i < p->manifest.n_layers; i++) {
		struct err cause = ERR_INIT;
		AUTO_FREE char *digest = NULL;

		if (fetch_end(&p->layers[i].fetch, &cause) == 0 || found)
			continue;
		digest = digest_text(&p->layers[i].blob->digest);
		*e = cause;
		r = err_ctx(e, "layer '%s'", digest);
		found = true;
	}
	return r;
}

static int load(struct pull *p, const struct buf *config, bool named, struct image **ret,
		struct err *e)
{
	struct archive_images list = { NULL, 0 };
	struct image **v = NULL;
	size_t n = 0;
	int r;

	describe(p, config, archive_images_add(&list), named);
	r = load_images(p->s, &list, p->progress, &v, &n, e);
	r = end_layers(p, r, e);
	if (r == 0)
		*ret = v[0];
	free(v);
	archive_images_free(&list);
	return r;
}

/* NAME@DIGEST names no tag, whatever refname_parse() makes of it. */
static bool has_tag(const char *name)
{
	AUTO_FREE char *copy = str_ndup(name, strcspn(name, "@"));
	const char *slash = strrchr(copy, '/');

	return strchr(name, '@') == NULL || strchr(slash ? slash : copy, ':') != NULL;
}

static int pull(struct pull *p, const char *name, const struct image_pull_opts *o,
		struct image **ret, struct err *e)
{
	const struct registry_opts ro = { o->creds_file, o->ca_file };
	AUTO_FREE char *repo = NULL;
	AUTO_BUF struct buf config = BUF_INIT;
	int r;

	if (!refname_parse(name, &p->ref))
		return err_msg(e, EINVAL, "it is not an image name");
	repo = str_ndup(p->ref.name, (size_t)(strrchr(p->ref.name, ':') - p->ref.name));
	r = registry_open(p->s, repo, &ro, &p->reg, e);
	if (r == 0)
		r = find_manifest(p, e);
	if (r == 0)
		r = get_config(p, &config, e);
	return r < 0 ? r : load(p, &config, has_tag(name), ret, e);
}

int image_pull(struct image_store *s, const char *name, const struct image_pull_opts *o,
	       const struct image_progress *p, struct image **ret, struct err *e)
{
	AUTO(free_pull) struct pull job = { .s = s, .progress = p };
	int r = pull(&job, name, o, ret, e);

	return r < 0 ? err_ctx(e, "image '%s'", name) : 0;
}
