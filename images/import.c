/*
 * images/import.c - a root file system becomes an image.
 *
 * Knows the config that goes with it (OCI image-spec config.md). Its one layer is
 * unpacked as any other is.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "images/archive/descriptor.h"
#include "images/imgconf.h"
#include "images/layer.h"
#include "images/record.h"
#include "images/refname.h"
#include "images/store.h"
#include "runtime/base/fd.h"
#include "runtime/base/json.h"

struct import {
	struct image_store *s;
	struct blob blob;
	const struct image *as;
	char *key;
	struct digest diff_id;
	struct layer_meta meta;
};

static void put_list(json_t *cfg, const char *key, const struct strv *list)
{
	if (list->n)
		json_object_set_new(cfg, key, json_from_strv(list));
}

static void put_string(json_t *cfg, const char *key, const char *value)
{
	if (value && *value)
		json_object_set_new(cfg, key, json_text(value));
}

/* Go's map of names to nothing. */
static void put_set(json_t *cfg, const char *key, const struct strv *names)
{
	json_t *set = json_object();

	strv_foreach (i, names)
		json_object_set_new(set, names->v[i], json_object());
	if (names->n)
		json_object_set(cfg, key, set);
	json_decref(set);
}

static void put_labels(json_t *cfg, const struct strv *labels)
{
	json_t *map = json_object();

	strv_foreach (i, labels) {
		AUTO_FREE char *key = str_dup(labels->v[i]);
		char *eq = strchr(key, '=');

		if (eq)
			*eq = '\0';
		json_object_set_new(map, key, json_text(eq ? eq + 1 : ""));
	}
	if (labels->n)
		json_object_set(cfg, "Labels", map);
	json_decref(map);
}

static json_t *make_config(const struct image *as)
{
	json_t *cfg = json_object();

	put_list(cfg, "Entrypoint", &as->entrypoint);
	put_list(cfg, "Cmd", &as->cmd);
	put_list(cfg, "Env", &as->env);
	put_set(cfg, "Volumes", &as->volumes);
	put_set(cfg, "ExposedPorts", &as->ports);
	put_labels(cfg, &as->labels);
	put_string(cfg, "User", as->user);
	put_string(cfg, "WorkingDir", as->workdir);
	put_string(cfg, "StopSignal", as->stop_signal);
	return cfg;
}

static char *make_text(const struct import *im)
{
	AUTO_FREE char *arch = descriptor_host(), *diff_id = digest_text(&im->diff_id);
	time_t now = time(NULL);
	char created[32];
	struct tm tm;
	json_t *j;
	char *text, *copy;

	gmtime_r(&now, &tm);
	strftime(created, sizeof(created), "%Y-%m-%dT%H:%M:%SZ", &tm);
	j = json_pack("{s:s,s:s,s:s,s:o,s:{s:s,s:[s]},s:[{s:s,s:s}]}", "created", created,
		      "architecture", arch, "os", "linux", "config", make_config(im->as),
		      "rootfs", "type", "layers", "diff_ids", diff_id, "history",
		      "created", created, "created_by", "minibox import");
	text = json_dumps(j, JSON_COMPACT | JSON_SORT_KEYS);
	json_decref(j);
	copy = str_dup(text ? text : "");
	free(text);
	return copy;
}

static void free_image(struct image **img)
{
	image_free(*img);
}

static int record(struct import *im, struct image **ret, struct err *e)
{
	AUTO(free_image) struct image *img = mem_new(1, sizeof(*img));
	AUTO_REFNAME struct refname name = { NULL, NULL };
	AUTO_BUF struct buf answer = BUF_INIT, config = BUF_INIT;
	AUTO_FREE char *text = make_text(im);
	int r;

	buf_adds(&config, text);
	r = imgconf_parse(im->s, config.data, config.len, &answer, img, e);
	if (r < 0)
		return r;
	if (im->as->names.n && refname_parse(im->as->names.v[0], &name))
		strv_add(&img->names, name.name);
	strv_add(&img->layers, im->key);
	img->size_bytes = im->meta.bytes;
	r = record_write(im->s, img, &config, &answer, NULL, e);
	if (r == 0)
		r = record_read(im->s, img->id + strlen("sha256:"), ret, e);
	if (r == IMAGE_E_NOT_FOUND) { /* someone has removed it already */
		*ret = TAKE(img);
		r = 0;
	}
	return r;
}

static int open_blob(int dir, const char *path, int *ret_fd, struct blob *ret,
		     struct err *e)
{
	bool is_stdin = str_eq(path, "-");
	AUTO_CLOSE int fd = is_stdin ? fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3)
				     : openat(dir, path, O_RDONLY | O_CLOEXEC);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		return err_set(e, errno, "open it");
	if (S_ISDIR(st.st_mode))
		return err_set(e, EISDIR, "read it");
	/* standard input may have been read from already, so it goes on where it stands
	 */
	*ret = (struct blob){ fd, 0, BLOB_PIPE };
	if (!is_stdin && S_ISREG(st.st_mode))
		ret->size = (uint64_t)st.st_size;
	*ret_fd = fd_take(&fd);
	return 0;
}

static int import_locked(struct import *im, struct image **ret, struct err *e)
{
	AUTO_CLOSE int lock = -1;
	int r = fd_lock(im->s->root, "load.lock", false, true, &lock, e);

	if (r == 0)
		r = layer_import(im->s, &im->blob, &im->key, &im->diff_id, &im->meta, e);
	return r < 0 ? r : record(im, ret, e);
}

int image_import(struct image_store *s, int dir, const char *path, const struct image *as,
		 struct image **ret, struct err *e)
{
	AUTO_REFNAME struct refname name = { NULL, NULL };
	struct import im = { .s = s, .as = as };
	struct err ignored = ERR_INIT;
	AUTO_CLOSE int fd = -1;
	int r;

	if (as->names.n && (!refname_parse(as->names.v[0], &name) || name.digest))
		return err_msg(e, EINVAL, "'%s' is not an image name", as->names.v[0]);
	r = open_blob(dir, path, &fd, &im.blob, e);
	if (r == 0)
		r = import_locked(&im, ret, e);
	if (r < 0 && im.key) /* a layer that now belongs to nothing */
		(void)!store_collect(s, &ignored);
	free(im.key);
	return r < 0 ? err_ctx(e, "root file system '%s'", path) : 0;
}
