/*
 * images/ensure.c - the image a stack file means: a path or a name; archives read only
 * once.
 *
 * Knows how to tell an archive that has not changed since it was loaded (sources/).
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "images/digest.h"
#include "images/load.h"
#include "images/record.h"
#include "images/store.h"
#include "runtime/base/fd.h"
#include "runtime/base/json.h"

/* What tells one state of a file from another without reading it. */
struct stamp {
	char *path; /* absolute, without symlinks */
	struct stat st;
};

static void free_stamp(struct stamp *s)
{
	free(s->path);
}
#define AUTO_STAMP __attribute__((cleanup(free_stamp)))

/* Of the file, or of the index.json of a layout directory. False: neither is there. */
static bool stamp_take(int dir, const char *path, struct stamp *ret)
{
	AUTO_CLOSE int fd = openat(dir, path, O_PATH | O_CLOEXEC);
	AUTO_CLOSE int index = -1;
	char link[32], target[PATH_MAX];
	ssize_t n;

	if (fd < 0 || fstat(fd, &ret->st) < 0)
		return false;
	if (S_ISDIR(ret->st.st_mode)) {
		index = openat(fd, "index.json", O_PATH | O_CLOEXEC);
		if (index < 0 || fstat(index, &ret->st) < 0)
			return false;
	}
	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	n = readlink(link, target, sizeof(target) - 1);
	if (n < 0)
		return false;
	target[n] = '\0';
	free(ret->path);
	ret->path = str_dup(target);
	return true;
}

static long long ns(struct timespec t)
{
	return (long long)t.tv_sec * 1000000000 + t.tv_nsec;
}

static json_t *stamp_json(const struct stamp *s)
{
	json_t *j = json_object();

	json_object_set_new(j, "path", json_text(s->path));
	json_object_set_new(j, "dev", json_integer((json_int_t)s->st.st_dev));
	json_object_set_new(j, "ino", json_integer((json_int_t)s->st.st_ino));
	json_object_set_new(j, "size", json_integer((json_int_t)s->st.st_size));
	json_object_set_new(j, "mtime_ns", json_integer(ns(s->st.st_mtim)));
	json_object_set_new(j, "ctime_ns", json_integer(ns(s->st.st_ctim)));
	return j;
}

/* The file name below sources/: paths are too long and have slashes. */
static char *stamp_file(const struct stamp *s)
{
	struct digest d;

	digest_of(DIGEST_SHA256, s->path, strlen(s->path), &d);
	return str_dup(d.hex);
}

/* The image an unchanged archive held, if it is still in the store. */
static int recall(struct image_store *s, const struct stamp *st, struct image **ret,
		  struct err *e)
{
	AUTO_FREE char *file = stamp_file(st);
	AUTO_JSON json_t *seen = NULL, *now = stamp_json(st);
	struct err ignored = ERR_INIT;
	const char *id;

	if (json_read(s->sources, file, &seen, &ignored) < 0)
		return IMAGE_E_NOT_FOUND;
	id = json_str(seen, "image", "");
	if (!str_starts(id, "sha256:"))
		return IMAGE_E_NOT_FOUND;
	json_object_set_new(now, "image", json_text(id));
	if (!json_equal(seen, now))
		return IMAGE_E_NOT_FOUND;
	return record_read(s, id + strlen("sha256:"), ret, e);
}

static int remember(struct image_store *s, const struct stamp *st,
		    const struct image *img, struct err *e)
{
	AUTO_FREE char *file = stamp_file(st), *text = NULL;
	AUTO_JSON json_t *j = stamp_json(st);

	json_object_set_new(j, "image", json_text(img->id));
	text = json_dumps(j, JSON_COMPACT | JSON_SORT_KEYS);
	return text ? store_put(s, s->sources, file, text, strlen(text), e)
		    : err_msg(e, ENOMEM, "note the archive '%s'", st->path);
}

static bool same(const struct stamp *a, const struct stamp *b)
{
	AUTO_JSON json_t *x = stamp_json(a), *y = stamp_json(b);

	return json_equal(x, y);
}

static int ensure_archive(struct image_store *s, int dir, const char *path,
			  const struct image_progress *p, struct image **ret,
			  struct err *e)
{
	AUTO_STAMP struct stamp before = { 0 }, after = { 0 };
	struct image **v = NULL;
	size_t n = 0;
	int r = IMAGE_E_NOT_FOUND;

	if (!stamp_take(dir, path, &before))
		return err_set(e, errno, "open archive '%s'", path);
	r = recall(s, &before, ret, e);
	if (r != IMAGE_E_NOT_FOUND)
		return r;
	r = load_archive(s, dir, path, p, true, &v, &n, e);
	if (r < 0)
		return r;
	/* An archive that was written to meanwhile is read again next time. */
	if (stamp_take(dir, path, &after) && same(&before, &after))
		r = remember(s, &before, v[0], e);
	if (r == 0)
		*ret = v[0];
	else
		image_free(v[0]);
	free(v);
	return r;
}

static bool is_archive(int dir, const char *ref)
{
	AUTO_FREE char *index = str_fmt("%s/index.json", ref);

	if (str_ends(ref, ".tar") || str_ends(ref, ".tar.gz") || str_ends(ref, ".tgz"))
		return true;
	if (strchr(ref, '/') && faccessat(dir, ref, F_OK, 0) == 0)
		return true;
	return faccessat(dir, index, F_OK, 0) == 0;
}

static void free_image(struct image **img)
{
	image_free(*img);
}

static int foresee_archive(struct image_store *s, int dir, const char *path,
			   char **ret_id, struct err *e)
{
	AUTO(free_image) struct image *img = NULL;
	AUTO_STAMP struct stamp now = { 0 };
	int r = IMAGE_E_NOT_FOUND;

	if (!stamp_take(dir, path, &now))
		return err_set(e, errno, "open archive '%s'", path);
	if (s->tmp < 0) {
		*ret_id = NULL;
		return 0;
	}
	r = recall(s, &now, &img, e);
	if (r == IMAGE_E_NOT_FOUND)
		return load_foresee(s, dir, path, ret_id, e);
	if (r == 0)
		*ret_id = str_dup(img->id);
	return r;
}

int image_foresee(struct image_store *s, int dir, const char *ref, char **ret_id,
		  struct err *e)
{
	AUTO(free_image) struct image *img = NULL;
	int r;

	if (is_archive(dir, ref))
		return foresee_archive(s, dir, ref, ret_id, e);
	r = s->tmp < 0 ? IMAGE_E_NOT_FOUND : image_find(s, ref, &img, e);
	if (r == 0)
		*ret_id = str_dup(img->id);
	return r;
}

int image_ensure(struct image_store *s, int dir, const char *ref,
		 const struct image_progress *p, struct image **ret, struct err *e)
{
	return is_archive(dir, ref) ? ensure_archive(s, dir, ref, p, ret, e)
				    : image_find(s, ref, ret, e);
}
