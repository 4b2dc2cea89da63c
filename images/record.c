/* images/record.c - see record.h. */
#include "images/record.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "images/digest.h"
#include "images/imgconf.h"
#include "images/refname.h"
#include "images/store.h"
#include "runtime/base/fd.h"
#include "runtime/base/json.h"

#define CONFIG_LIST "config.list" /* see wire.h */

enum { REF_FILE_MAX = 256 };

static bool exists(int dir, const char *name)
{
	return faccessat(dir, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

/* What was listed a moment ago may have been removed since: that is no failure, but there
 * is nothing to tell of it. */
static int gone(int dir, const char *name, int r, struct err *e)
{
	if (r >= 0 || exists(dir, name))
		return r;
	err_clear(e);
	return IMAGE_E_NOT_FOUND;
}

int record_layers(struct image_store *s, const char *hex, struct strv *ret, struct err *e)
{
	AUTO_FREE char *path = str_fmt("%s/record.json", hex);
	AUTO_JSON json_t *j = NULL;
	int r = json_read(s->images, path, &j, e);

	if (r < 0) {
		r = err_ctx(e, "image '%s' is damaged ('load' or 'rmi' it)", hex);
		return gone(s->images, hex, r, e) < 0 ? r : 0;
	}
	json_strv(j, "layers", ret);
	return 0;
}

/* The id in a file of refs/; "" if it holds none. Or IMAGE_E_NOT_FOUND. */
static int read_ref(struct image_store *s, const char *file, char **ret_hex,
		    struct err *e)
{
	AUTO_BUF struct buf b = BUF_INIT;
	struct digest d;
	int r = fd_read_file(s->refs, file, REF_FILE_MAX, &b, e);

	if (r < 0)
		return gone(s->refs, file, err_ctx(e, "image name '%s'", file), e);
	b.data[strcspn(b.data, "\n")] = '\0';
	*ret_hex = str_dup(digest_parse(b.data, &d) ? d.hex : "");
	return 0;
}

static int names_of(struct image_store *s, const char *hex, struct strv *ret,
		    struct err *e)
{
	AUTO_STRV struct strv files = STRV_INIT;
	int r = fd_list(s->refs, ".", &files, e);

	for (size_t i = 0; r == 0 && i < files.n; i++) {
		AUTO_FREE char *id = NULL;

		r = read_ref(s, files.v[i], &id, e);
		if (r == 0 && str_eq(id, hex))
			strv_take(ret, refname_from_file(files.v[i]));
		r = r == IMAGE_E_NOT_FOUND ? 0 : r;
	}
	return r;
}

static void free_image(struct image **img)
{
	image_free(*img);
}

int record_parse(struct image_store *s, const char *hex, struct buf *answer,
		 struct image *img, struct err *e)
{
	AUTO_FREE char *path = str_fmt("%s/config.json", hex);
	AUTO_BUF struct buf b = BUF_INIT;
	struct digest d;
	int r = fd_read_file(s->images, path, IMGCONF_JSON_MAX, &b, e);

	if (r < 0)
		return r;
	digest_of(DIGEST_SHA256, b.data, b.len, &d);
	if (!str_eq(d.hex, hex))
		return err_msg(e, EINVAL, "its config has changed");
	return imgconf_parse(s, b.data, b.len, answer, img, e);
}

/* The config itself is not parsed here: the parser's answer was kept, but by older
 * versions. */
static int read_config(struct image_store *s, const char *hex, struct image *img,
		       struct err *e)
{
	AUTO_FREE char *path = str_fmt("%s/" CONFIG_LIST, hex);
	AUTO_BUF struct buf b = BUF_INIT;
	struct wire_list list;
	int r;

	if (!exists(s->images, path))
		return record_parse(s, hex, &b, img, e);
	r = fd_read_file(s->images, path, WIRE_LIST_MAX, &b, e);
	if (r == 0)
		r = wire_list(&b, &list, e);
	if (r < 0)
		return r;
	img->id = str_fmt("sha256:%s", hex);
	return imgconf_decode(list, img, e);
}

int record_check(struct image_store *s, const char *hex, struct err *e)
{
	AUTO(free_image) struct image *img = mem_new(1, sizeof(*img));
	AUTO_FREE char *path = str_fmt("%s/" CONFIG_LIST, hex);
	AUTO_BUF struct buf want = BUF_INIT, have = BUF_INIT;
	int r = record_parse(s, hex, &want, img, e);

	if (r < 0 || !exists(s->images, path))
		return r;
	r = fd_read_file(s->images, path, WIRE_LIST_MAX, &have, e);
	if (r == 0 &&
	    (have.len != want.len || memcmp(have.data, want.data, want.len) != 0))
		r = err_msg(e, EINVAL, "'" CONFIG_LIST "' is not what its config says");
	return r;
}

static int read_files(struct image_store *s, const char *hex, struct image *img,
		      struct err *e)
{
	AUTO_FREE char *record = str_fmt("%s/record.json", hex);
	AUTO_JSON json_t *j = NULL;
	int r = read_config(s, hex, img, e);

	if (r == 0)
		r = json_read(s->images, record, &j, e);
	if (r < 0)
		return r;
	json_strv(j, "layers", &img->layers);
	img->size_bytes = (uint64_t)json_int(j, "size", 0);
	if (img->layers.n != img->diff_ids.n)
		return err_msg(e, EINVAL, "'record.json' does not fit 'config.json'");
	return 0;
}

int record_read(struct image_store *s, const char *hex, struct image **ret, struct err *e)
{
	AUTO(free_image) struct image *img = mem_new(1, sizeof(*img));
	int r;

	if (!*hex || strchr(hex, '/') || *hex == '.' || !exists(s->images, hex))
		return IMAGE_E_NOT_FOUND;
	r = read_files(s, hex, img, e);
	if (r == 0)
		r = names_of(s, hex, &img->names, e);
	if (r < 0)
		return gone(s->images, hex, err_ctx(e, "image '%s'", hex), e);
	*ret = TAKE(img);
	return 0;
}

int record_read_names(struct image_store *s, const char *hex, struct image **ret,
		      struct err *e)
{
	AUTO(free_image) struct image *img = mem_new(1, sizeof(*img));
	int r = names_of(s, hex, &img->names, e);

	if (r < 0)
		return r;
	img->id = str_fmt("sha256:%s", hex);
	*ret = TAKE(img);
	return 0;
}

static json_t *to_json(const struct image *img, const char *manifest)
{
	json_t *j = json_object();

	json_object_set_new(j, "id", json_text(img->id));
	json_object_set_new(j, "layers", json_from_strv(&img->layers));
	json_object_set_new(j, "diff_ids", json_from_strv(&img->diff_ids));
	json_object_set_new(j, "size", json_integer((json_int_t)img->size_bytes));
	if (manifest)
		json_object_set_new(j, "manifest", json_text(manifest));
	return j;
}

static int write_files(struct image_store *s, int dir, const struct image *img,
		       const struct buf *config, const struct buf *answer,
		       const char *manifest, struct err *e)
{
	AUTO_JSON json_t *j = to_json(img, manifest);
	AUTO_FREE char *text = json_dumps(j, JSON_COMPACT | JSON_SORT_KEYS);
	int r = store_put(s, dir, "config.json", config->data, config->len, e);

	if (r == 0)
		r = store_put(s, dir, CONFIG_LIST, answer->data, answer->len, e);
	if (r == 0 && !text)
		r = err_set(e, ENOMEM, "write 'record.json'");
	return r < 0 ? r : store_put(s, dir, "record.json", text, strlen(text), e);
}

/* A new directory appears by one rename; in an old one each file is replaced whole. */
static int write_dir(struct image_store *s, const char *hex, const struct image *img,
		     const struct buf *config, const struct buf *answer,
		     const char *manifest, struct err *e)
{
	AUTO_FREE char *tmp = store_tmp_name(hex);
	bool is_new = !exists(s->images, hex);
	struct err ignored = ERR_INIT;
	AUTO_CLOSE int dir = -1;
	int r = fd_mkdir(is_new ? s->tmp : s->images, is_new ? tmp : hex, 0700, &dir, e);

	if (r == 0)
		r = write_files(s, dir, img, config, answer, manifest, e);
	if (r == 0)
		r = store_sync(dir, hex, e);
	if (r < 0 && is_new)
		(void)!fd_rm_rf(s->tmp, tmp, &ignored); /* else the next open clears it */
	if (r < 0 || !is_new)
		return r;
	if (renameat(s->tmp, tmp, s->images, hex) == 0)
		return store_sync(s->images, "images", e);
	if (errno != EEXIST && errno != ENOTEMPTY)
		return err_set(e, errno, "rename to 'images/%s'", hex);
	return fd_rm_rf(s->tmp, tmp, e); /* another load of the same image was faster */
}

int record_name(struct image_store *s, const char *id, const char *name, struct err *e)
{
	AUTO_FREE char *file = refname_file(name);

	return store_put(s, s->refs, file, id, strlen(id), e);
}

int record_write(struct image_store *s, const struct image *img, const struct buf *config,
		 const struct buf *answer, const char *manifest, struct err *e)
{
	const char *hex = img->id + strlen("sha256:");
	AUTO_CLOSE int lock = -1;
	int r = store_lock_names(s, &lock, e);

	if (r == 0)
		r = write_dir(s, hex, img, config, answer, manifest, e);
	for (size_t i = 0; r == 0 && i < img->names.n; i++)
		r = record_name(s, img->id, img->names.v[i], e);
	if (r == 0)
		r = store_sync(s->refs, "refs", e);
	return r < 0 ? err_ctx(e, "image '%s'", hex) : 0;
}

int record_unname(struct image_store *s, const char *name, struct err *e)
{
	AUTO_FREE char *file = refname_file(name);

	if (unlinkat(s->refs, file, 0) < 0 && errno != ENOENT)
		return err_set(e, errno, "remove the name '%s'", name);
	return 0;
}

int record_drop(struct image_store *s, const struct image *img, struct err *e)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < img->names.n; i++)
		r = record_unname(s, img->names.v[i], e);
	if (r == 0)
		r = store_sync(s->refs, "refs", e);
	return r < 0 ? r : store_discard(s, s->images, img->id + strlen("sha256:"), e);
}

int record_by_name(struct image_store *s, const char *name, char **ret_hex, struct err *e)
{
	AUTO_FREE char *file = refname_file(name), *hex = NULL;
	int r;

	r = read_ref(s, file, &hex, e);
	if (r != 0)
		return r;
	*ret_hex = TAKE(hex);
	return 0;
}

int record_by_manifest(struct image_store *s, const char *digest, char **ret_hex,
		       struct err *e)
{
	AUTO_STRV struct strv ids = STRV_INIT;
	int r = fd_list(s->images, ".", &ids, e);

	for (size_t i = 0; r == 0 && i < ids.n; i++) {
		AUTO_FREE char *path = str_fmt("%s/record.json", ids.v[i]);
		AUTO_JSON json_t *j = NULL;

		r = json_read(s->images, path, &j, e);
		if (r == 0 && str_eq(json_str(j, "manifest", NULL), digest)) {
			*ret_hex = str_dup(ids.v[i]);
			return 0;
		}
		r = gone(s->images, ids.v[i], r, e);
		r = r == IMAGE_E_NOT_FOUND ? 0 : r;
	}
	return r < 0 ? r : IMAGE_E_NOT_FOUND;
}
