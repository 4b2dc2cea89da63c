/*
 * images/save.c - images of the store as one archive.
 *
 * Knows the order: first all that is small, so that a reader at the other end of a pipe
 * knows what comes, then the layers. Layers stay as their tar streams were, uncompressed,
 * so each one's diffID is its blob's digest and known before its first byte.
 */
#include "images/save.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "images/find.h"
#include "images/record.h"
#include "images/layer/split.h"
#include "images/store.h"
#include "images/archive/tarwrite.h"
#include "runtime/base/fd.h"

enum { OUT_SIZE = 256 << 10 };

struct saver {
	struct image_store *s;
	int fd;
	const char *what; /* for messages */
	struct save_image *v;
	size_t n;
	struct strv written;   /* paths of blobs: images share them */
	struct buf out;        /* not written yet */
	struct digest_ctx sum; /* of the layer at hand */
};

static void free_saver(struct saver *sv)
{
	for (size_t i = 0; i < sv->n; i++) {
		struct save_image *si = &sv->v[i];

		for (size_t k = 0; si->layers && k < si->img->layers.n; k++) {
			free(si->layers[k].key);
			free(si->layers[k].path);
		}
		free(si->layers);
		free(si->manifest);
		free(si->config_path);
		free(si->manifest_path);
		buf_free(&si->config);
		image_free(si->img);
	}
	free(sv->v);
	strv_free(&sv->written);
	buf_free(&sv->out);
}

/* ---- what there is to save ---- */

static int open_layer(struct image_store *s, const char *key, int *ret_dir, struct err *e)
{
	int fd = fd_open_beneath(s->layers, key, O_RDONLY | O_DIRECTORY, 0);

	if (fd < 0)
		return err_set(e, errno, "open layer '%s'", key);
	*ret_dir = fd;
	return 0;
}

static int plan_layer(struct image_store *s, const struct image *img, size_t i,
		      struct save_layer *ret, struct err *e)
{
	AUTO_CLOSE int dir = -1;
	int r = open_layer(s, img->layers.v[i], &dir, e);

	if (r == 0 && !digest_parse(img->diff_ids.v[i], &ret->diff_id))
		r = err_msg(e, EINVAL, "diffID '%s' is not a digest", img->diff_ids.v[i]);
	if (r == 0)
		r = split_bytes(dir, &ret->bytes, e);
	if (r == SPLIT_E_NONE)
		r = err_msg(e, ENODATA,
			    "it was loaded by an older version, which kept too little: "
			    "'rmi' the image and load it again");
	if (r < 0)
		return err_ctx(e, "layer '%s'", img->layers.v[i]);
	ret->key = str_dup(img->layers.v[i]);
	ret->path = save_blob_path(&ret->diff_id);
	return 0;
}

static int plan_documents(struct image_store *s, struct save_image *si, struct err *e)
{
	struct digest d;
	char *text = NULL;
	int r = image_config_json(s, si->img->id, &text, e);

	if (r < 0)
		return r;
	si->config = (struct buf){ text, strlen(text), strlen(text) + 1 };
	digest_of(DIGEST_SHA256, text, strlen(text), &d);
	si->config_path = save_blob_path(&d);
	if (!str_eq(d.hex, si->img->id + strlen("sha256:")))
		return err_msg(e, EINVAL, "its config in the store has changed");
	si->manifest = save_manifest(si);
	digest_of(DIGEST_SHA256, si->manifest, strlen(si->manifest), &d);
	si->manifest_path = save_blob_path(&d);
	return 0;
}

static int plan_image(struct image_store *s, const char *hex, struct save_image *si,
		      struct err *e)
{
	int r = record_read(s, hex, &si->img, e);

	if (r != 0)
		return r;
	si->layers = mem_new(si->img->layers.n + 1, sizeof(*si->layers));
	for (size_t i = 0; r == 0 && i < si->img->layers.n; i++)
		r = plan_layer(s, si->img, i, &si->layers[i], e);
	return r == 0 ? plan_documents(s, si, e) : r;
}

static bool planned(const struct saver *sv, const char *hex)
{
	for (size_t i = 0; i < sv->n; i++)
		if (str_eq(sv->v[i].img->id + strlen("sha256:"), hex))
			return true;
	return false;
}

static int plan(struct saver *sv, const struct strv *refs, struct err *e)
{
	sv->v = mem_new(refs->n + 1, sizeof(*sv->v));
	strv_foreach (i, refs) {
		AUTO_FREE char *hex = NULL;
		bool by_name;
		int r = find_hex(sv->s, refs->v[i], &hex, &by_name, e);

		if (r == 0 && planned(sv, hex))
			continue;
		if (r == 0)
			r = plan_image(sv->s, hex, &sv->v[sv->n], e);
		sv->n += sv->v[sv->n].img != NULL;
		if (r == IMAGE_E_NOT_FOUND)
			return err_msg(e, ENOENT, "there is no image '%s'", refs->v[i]);
		if (r < 0)
			return err_ctx(e, "image '%s'", refs->v[i]);
	}
	return 0;
}

/* ---- the archive ---- */

static int flush(struct saver *sv, struct err *e)
{
	int r = fd_write_all(sv->fd, sv->out.data, sv->out.len, sv->what, e);

	sv->out.len = 0;
	return r;
}

static int put(struct saver *sv, const void *data, size_t n, struct err *e)
{
	buf_add(&sv->out, data, n);
	return sv->out.len < OUT_SIZE ? 0 : flush(sv, e);
}

static int put_file(struct saver *sv, const char *path, const void *data, size_t n,
		    struct err *e)
{
	if (strv_has(&sv->written, path))
		return 0;
	strv_add(&sv->written, path);
	tarwrite_header(&sv->out, path, n);
	buf_add(&sv->out, data, n);
	tarwrite_padding(&sv->out, n);
	return sv->out.len < OUT_SIZE ? 0 : flush(sv, e);
}

static int put_text(struct saver *sv, const char *path, const char *text, struct err *e)
{
	return put_file(sv, path, text, strlen(text), e);
}

static int put_documents(struct saver *sv, struct err *e)
{
	AUTO_FREE char *index = save_index(sv->v, sv->n);
	AUTO_FREE char *docker = save_docker(sv->v, sv->n);
	int r = put_text(sv, "oci-layout", "{\"imageLayoutVersion\":\"1.0.0\"}", e);

	if (r == 0)
		r = put_text(sv, "index.json", index, e);
	if (r == 0)
		r = put_text(sv, "manifest.json", docker, e);
	for (size_t i = 0; r == 0 && i < sv->n; i++) {
		struct save_image *si = &sv->v[i];

		r = put_text(sv, si->manifest_path, si->manifest, e);
		if (r == 0)
			r = put_file(sv, si->config_path, si->config.data, si->config.len,
				     e);
	}
	return r;
}

static int on_bytes(void *arg, const void *data, size_t n, struct err *e)
{
	struct saver *sv = arg;

	digest_update(&sv->sum, data, n);
	return put(sv, data, n, e);
}

static int put_stream(struct saver *sv, const struct save_layer *l, struct err *e)
{
	struct split_reader to = { .sink = on_bytes, .arg = sv };
	AUTO_CLOSE int dir = -1;
	struct digest got;
	int r = open_layer(sv->s, l->key, &dir, e);

	if (r < 0)
		return r;
	tarwrite_header(&sv->out, l->path, l->bytes);
	digest_init(&sv->sum, l->diff_id.alg);
	r = split_replay(dir, &to, e);
	digest_final(&sv->sum, &got);
	if (r == SPLIT_E_NONE || (r == 0 && !digest_eq(&got, &l->diff_id)))
		r = err_msg(e, EINVAL, "it has changed since it was loaded");
	tarwrite_padding(&sv->out, l->bytes);
	return r < 0 ? err_ctx(e, "layer '%s'", l->key) : 0;
}

static int put_layers(struct saver *sv, const struct save_image *si, struct err *e)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < si->img->layers.n; i++) {
		if (strv_has(&sv->written, si->layers[i].path))
			continue;
		strv_add(&sv->written, si->layers[i].path);
		r = put_stream(sv, &si->layers[i], e);
	}
	return r < 0 ? err_ctx(e, "image '%s'",
			       si->img->names.n ? si->img->names.v[0] : si->img->id)
		     : 0;
}

static int write_archive(struct saver *sv, struct err *e)
{
	int r = put_documents(sv, e);

	for (size_t i = 0; r == 0 && i < sv->n; i++)
		r = put_layers(sv, &sv->v[i], e);
	tarwrite_end(&sv->out);
	return r < 0 ? r : flush(sv, e);
}

int image_save(struct image_store *s, const struct strv *refs, int fd, const char *what,
	       struct err *e)
{
	AUTO(free_saver) struct saver sv = { .s = s, .fd = fd, .what = what };
	AUTO_CLOSE int lock = -1;
	/* as a load: nobody removes layers meanwhile */
	int r = fd_lock(s->root, "load.lock", false, true, &lock, e);

	if (r == 0)
		r = plan(&sv, refs, e);
	return r < 0 ? r : write_archive(&sv, e);
}
