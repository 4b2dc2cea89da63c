/* stack/kept.c - see kept.h. */
#include "runtime/stack/kept.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/mount.h>
#include <string.h>
#include <sys/mount.h>

#include "runtime/base/fd.h"
#include "runtime/stack/secret.h"

#define KEPT_DIR ".kept."

static const char *const kinds[] = { "secret", "config" }; /* a model's order */

json_t *kept_versions(const struct record_service *rs)
{
	json_t *list = json_array();

	for (size_t k = 0; k < ARRAY_LEN(kinds); k++) {
		AUTO_FREE char *uses = str_fmt("%ss", kinds[k]);
		const json_t *use;
		size_t i;

		json_array_foreach (json_object_get(rs->config, uses), i, use) {
			AUTO_FREE char *key =
				str_fmt("%s %s", kinds[k], json_str(use, "source", ""));

			json_array_append(list, json_object_get(rs->config, key));
		}
	}
	return list;
}

static int make_dir(int stack_fd, uint32_t number, int *ret, struct err *e)
{
	AUTO_FREE char *name = str_fmt(KEPT_DIR "%u", number);
	AUTO_CLOSE int tree = -1, at = -1;
	int r = secret_tmpfs(&tree, e);

	if (r == 0)
		r = fd_mkdir(stack_fd, name, 0700, &at, e);
	if (r == 0 && move_mount(tree, "", at, "",
				 MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH) < 0)
		r = err_set(e, errno, "mount '%s'", name);
	if (r == 0)
		*ret = fd_take(&tree);
	return r;
}

static int copy(int stack_fd, int to, const char *service, size_t i, struct err *e)
{
	AUTO_FREE char *from = str_fmt("%s/" SECRET_DIR "/%zu", service, i);
	AUTO_FREE char *name = str_fmt("%s.%zu", service, i);
	AUTO_BUF struct buf b = BUF_INIT;
	int r = fd_read_file(stack_fd, from, SECRET_MOST, &b, e);

	if (r == 0)
		r = fd_write_file(to, name, b.data, b.len, 0600, e);
	if (b.data)
		explicit_bzero(b.data, b.len);
	return r;
}

int kept_save(const struct record *rec, int stack_fd, uint32_t number, struct err *e)
{
	AUTO_CLOSE int to = -1;
	int r = 0;

	for (size_t s = 0; r == 0 && s < rec->n_services; s++) {
		const struct record_service *rs = &rec->services[s];
		AUTO_JSON json_t *list = kept_versions(rs);

		if (rs->oneoff || !json_array_size(list))
			continue;
		if (to < 0)
			r = make_dir(stack_fd, number, &to, e);
		for (size_t i = 0; r == 0 && i < json_array_size(list); i++)
			r = copy(stack_fd, to, rs->name, i, e);
	}
	return r;
}

int kept_load(int stack_fd, uint32_t number, struct model_service *svc,
	      const json_t *versions, struct err *e)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < svc->n_secrets; i++) {
		AUTO_FREE char *path =
			str_fmt(KEPT_DIR "%u/%s.%zu", number, svc->name, i);

		svc->secrets[i].version = json_deep_copy(json_array_get(versions, i));
		r = fd_read_file(stack_fd, path, SECRET_MOST, &svc->secrets[i].kept, e);
	}
	return r;
}

int kept_remove_others(int stack_fd, uint32_t before, uint32_t next, struct err *e)
{
	AUTO_FREE char *a = str_fmt(KEPT_DIR "%u", before);
	AUTO_FREE char *b = str_fmt(KEPT_DIR "%u", next);
	AUTO_STRV struct strv names = STRV_INIT;
	int r = fd_list(stack_fd, ".", &names, e);

	for (size_t i = 0; r == 0 && i < names.n; i++) {
		AUTO_FREE char *path =
			str_fmt("/proc/self/fd/%d/%s", stack_fd, names.v[i]);

		if (!str_starts(names.v[i], KEPT_DIR) || str_eq(names.v[i], a) ||
		    str_eq(names.v[i], b))
			continue;
		while (umount2(path, MNT_DETACH | UMOUNT_NOFOLLOW) == 0)
			;
		r = fd_rm_rf(stack_fd, names.v[i], e);
	}
	return r;
}
