/* images/layer.c - see layer.h. */
#include "images/layer.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "images/layer/unpack.h"
#include "runtime/base/fd.h"
#include "runtime/base/json.h"
#include "runtime/base/log.h"

static char *chain_key(const struct layer_want *w)
{
	return str_fmt("chain-%s", w->chain_id.hex);
}

int layer_meta(struct image_store *s, const char *key, struct layer_meta *ret,
	       struct err *e)
{
	AUTO_FREE char *path = str_fmt("%s/layer.json", key);
	AUTO_JSON json_t *j = NULL;

	if (faccessat(s->layers, path, F_OK, 0) < 0)
		return IMAGE_E_NOT_FOUND;
	if (json_read(s->layers, path, &j, e) < 0)
		return err_ctx(e, "layer '%s'", key);
	ret->bytes = (uint64_t)json_int(j, "bytes", 0);
	ret->root = json_bool(j, "root", false);
	ret->root_plain = json_bool(j, "root_plain", true);
	return 0;
}

static int write_meta(int dir, const struct layer_meta *m, struct err *e)
{
	AUTO_JSON json_t *j = json_object();

	json_object_set_new(j, "bytes", json_integer((json_int_t)m->bytes));
	json_object_set_new(j, "root", json_boolean(m->root));
	json_object_set_new(j, "root_plain", json_boolean(m->root_plain));
	return json_write(dir, "layer.json", j, 0600, e);
}

/* A layer that depends on others is under its chain's key only, so that key goes first.
 */
static int find(struct image_store *s, const struct layer_want *w, char **ret_key,
		struct layer_meta *ret, struct err *e)
{
	AUTO_FREE char *chain = chain_key(w);
	int r = layer_meta(s, chain, ret, e);

	if (r == 0)
		*ret_key = TAKE(chain);
	if (r != IMAGE_E_NOT_FOUND || w->below >= 0)
		return r;
	r = layer_meta(s, w->diff_id.hex, ret, e);
	if (r == 0)
		*ret_key = str_dup(w->diff_id.hex);
	return r;
}

static bool root_is_plain(int fd)
{
	char list[64];
	struct stat st;
	ssize_t n = flistxattr(fd, list, sizeof(list));

	/* overlayfs does not show a root's opaque mark; any other xattr has to be seen */
	if (fstat(fd, &st) < 0 || n < 0 ||
	    (n > 0 && !str_eq(list, "trusted.overlay.opaque")))
		return false;
	return st.st_uid == 0 && st.st_gid == 0 && (st.st_mode & 07777) == 0755 &&
	       n <= (ssize_t)sizeof("trusted.overlay.opaque");
}

static int unpack(struct image_store *s, const struct layer_want *w, int dir, int root,
		  struct unpack_result *ret, struct err *e)
{
	AUTO_CLOSE int pipe = -1;
	struct unpack_job job = {
		.blob = w->blob,
		.digest = w->digest,
		.diff_id = *w->diff_id.hex ? &w->diff_id : NULL,
		.dir = dir,
		.root = root,
		.below = w->below,
		.mode = w->below >= 0 ? TREE_ABOVE
			: w->bottom   ? TREE_BOTTOM
				      : TREE_ALONE,
		.hollow = w->hollow,
		.progress = w->progress,
		.arg = w->arg,
	};

	/* overlayfs shows the uppermost layer's root: without an entry it must be as
	 * below */
	if (w->below >= 0 && tree_copy_attrs(w->below, root, e) < 0)
		return err_ctx(e, "root");
	if (w->open) {
		if (w->open(w->open_arg, &pipe, e) < 0)
			return -e->code;
		job.blob = (struct blob){ pipe, 0, BLOB_PIPE };
	}
	return unpack_layer(s, &job, ret, e);
}

/* @res: freed by the caller always (free_result()) */
static int fill_tree(struct image_store *s, const struct layer_want *w, int dir,
		     struct layer_meta *ret, struct unpack_result *res, struct err *e)
{
	const struct timespec epoch[2] = { { 0, 0 }, { 0, 0 } };
	AUTO_CLOSE int root = -1;
	int r = tree_mkdir(dir, "fs", false, &root, e);

	if (r == 0)
		r = unpack(s, w, dir, root, res, e);
	if (r != 0)
		return r;
	if (!res->totals.root && futimens(root, epoch) < 0)
		return err_set(e, errno, "set the root's time");
	ret->bytes = res->totals.bytes;
	ret->root = res->totals.root;
	ret->root_plain = root_is_plain(root);
	return 0;
}

static void free_result(struct unpack_result *res)
{
	strv_free(&res->copied);
}

/* Fill @dir (in tmp/), and say under which key it belongs. An unknown diffID is known
 * afterwards. */
static int fill(struct image_store *s, struct layer_want *w, int dir, char **ret_key,
		struct layer_meta *ret, struct err *e)
{
	AUTO(free_result) struct unpack_result res = { 0 };
	int r = fill_tree(s, w, dir, ret, &res, e);

	if (r != 0)
		return r;
	if (res.totals.devices)
		log_note("layer '%s': %llu device nodes left out", w->diff_id.hex,
			 (unsigned long long)res.totals.devices);
	if (!*w->diff_id.hex)
		w->diff_id = w->chain_id = res.diff_id;
	*ret_key = w->below >= 0 || res.depends ? chain_key(w) : str_dup(w->diff_id.hex);
	return write_meta(dir, ret, e);
}

/* From here on a power cut leaves the whole layer or none of it. */
static int publish(struct image_store *s, int dir, const char *tmp, const char *key,
		   struct err *e)
{
	if (syncfs(dir) < 0)
		return err_set(e, errno, "sync layer '%s'", key);
	if (renameat(s->tmp, tmp, s->layers, key) == 0)
		return store_sync(s->layers, "layers", e);
	if (errno != EEXIST && errno != ENOTEMPTY)
		return err_set(e, errno, "rename to 'layers/%s'", key);
	return fd_rm_rf(s->tmp, tmp, e); /* an import of what was there already */
}

static int make(struct image_store *s, struct layer_want *w, char **ret_key,
		struct layer_meta *ret, struct err *e)
{
	AUTO_FREE char *tmp = store_tmp_name("layer"), *key = NULL;
	AUTO_CLOSE int dir = -1;
	struct err ignored = ERR_INIT;
	int r = fd_mkdir(s->tmp, tmp, 0700, &dir, e);

	if (w->progress)
		w->progress(w->arg, 0, w->blob.size);
	if (r == 0)
		r = fill(s, w, dir, &key, ret, e);
	if (r == 0)
		r = publish(s, dir, tmp, key, e);
	if (r == 0)
		*ret_key = TAKE(key);
	else
		(void)!fd_rm_rf(s->tmp, tmp, &ignored); /* else the next open clears it */
	return r;
}

int layer_ensure(struct image_store *s, const struct layer_want *w, char **ret_key,
		 struct layer_meta *ret_meta, bool *ret_cached, struct err *e)
{
	AUTO_FREE char *chain = chain_key(w), *lock_name = NULL;
	AUTO_CLOSE int lock = -1;
	struct layer_want copy;
	int r = find(s, w, ret_key, ret_meta, e);

	*ret_cached = true;
	if (r <= 0)
		return r;
	/* Two loads of one layer: the second waits here, then finds it. */
	lock_name = str_fmt("%s.lock", w->below >= 0 ? chain : w->diff_id.hex);
	atomic_store(&s->made, true);
	r = fd_lock(s->tmp, lock_name, true, true, &lock, e);
	if (r == 0)
		r = find(s, w, ret_key, ret_meta, e);
	if (r <= 0)
		return r;
	*ret_cached = false;
	copy = *w;
	return make(s, &copy, ret_key, ret_meta, e);
}

int layer_import(struct image_store *s, const struct blob *blob, char **ret_key,
		 struct digest *ret_diff_id, struct layer_meta *ret_meta, struct err *e)
{
	struct layer_want w = { .blob = *blob, .bottom = true, .below = -1 };
	int r = make(s, &w, ret_key, ret_meta, e);

	*ret_diff_id = w.diff_id;
	return r;
}

int layer_rebuild(struct image_store *s, const struct layer_want *w, int dir,
		  struct layer_meta *ret_meta, struct strv *ret_copied,
		  struct digest *ret_diff_id, struct err *e)
{
	struct layer_want hollow = *w;
	struct unpack_result res = { 0 };
	int r;

	hollow.hollow = true;
	r = fill_tree(s, &hollow, dir, ret_meta, &res, e);
	*ret_copied = res.copied;
	*ret_diff_id = res.diff_id;
	return r;
}

int layer_open(struct image_store *s, const char *key, int *ret_fd, struct err *e)
{
	AUTO_FREE char *path = str_fmt("%s/fs", key);
	int fd = fd_open_beneath(s->layers, path, O_RDONLY | O_DIRECTORY, 0);

	if (fd < 0)
		return errno == ENOENT ? IMAGE_E_NOT_FOUND
				       : err_set(e, errno, "open layer '%s'", key);
	*ret_fd = fd;
	return 0;
}
