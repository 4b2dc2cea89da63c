/* stack/secret.c - see secret.h. */
#include "runtime/stack/secret.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/mount.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "runtime/base/fd.h"

int secret_tmpfs(int *ret, struct err *e)
{
	AUTO_CLOSE int fs = fsopen("tmpfs", FSOPEN_CLOEXEC);

	if (fs < 0)
		return err_set(e, errno, "open a 'tmpfs' for secrets");
	/* Linux 6.4; before, what is hardly used may go to swap */
	(void)fsconfig(fs, FSCONFIG_SET_FLAG, "noswap", NULL, 0);
	if (fsconfig(fs, FSCONFIG_SET_STRING, "mode", "0700", 0) < 0 ||
	    fsconfig(fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0)
		return err_set(e, errno, "make a 'tmpfs' for secrets");
	*ret = fsmount(fs, FSMOUNT_CLOEXEC,
		       MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC);
	return *ret < 0 ? err_set(e, errno, "mount a 'tmpfs' for secrets") : 0;
}

static int check_ids(const struct model_secret_use *u, bool userns, struct err *e)
{
	uint32_t most = u->uid > u->gid ? u->uid : u->gid;

	if (!userns || most < CONTAINER_IDS)
		return 0;
	return err_msg(e, EINVAL, "id '%u' is outside of the container's %d ids", most,
		       (int)CONTAINER_IDS);
}

static int copy_one(int dir, const char *name, const struct model_secret *from,
		    const struct model_secret_use *u, uid_t base, struct err *e)
{
	AUTO_BUF struct buf b = BUF_INIT;
	AUTO_CLOSE int fd = -1;
	int r = 0;

	if (u->version)
		buf_add(&b, u->kept.data, u->kept.len);
	else
		r = fd_read_file(AT_FDCWD, from->file, SECRET_MOST, &b, e);
	if (r < 0)
		return r;
	fd = openat(dir, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0);
	if (fd < 0)
		r = err_set(e, errno, "make '%s'", name);
	else
		r = fd_write_all(fd, b.data, b.len, name, e);
	if (b.data)
		explicit_bzero(b.data, b.len);
	if (r == 0 && (fchown(fd, base + u->uid, base + u->gid) < 0 ||
		       fchmod(fd, (mode_t)u->mode) < 0))
		r = err_set(e, errno, "set owner of '%s'", name);
	return r;
}

/* Its ids are the host's, as the container's are shown: the copies are not idmapped. */
static int copy_all(const struct instance_source *src, const struct record_service *rs,
		    int dir, struct err *e)
{
	uid_t base = rs->userns ? instance_ids(src) : 0;
	int r = 0;

	for (size_t i = 0; i < src->svc->n_secrets && r == 0; i++) {
		const struct model_secret_use *u = &src->svc->secrets[i];
		AUTO_FREE char *name = str_fmt("%zu", i);

		r = check_ids(u, rs->userns, e);
		if (r == 0)
			r = copy_one(dir, name,
				     model_secret(src->model, u->config, u->name), u,
				     base, e);
		if (r < 0)
			r = err_ctx(e, "%s '%s'", u->config ? "config" : "secret",
				    u->name);
	}
	return r;
}

int secret_create(const struct instance_source *src, const struct record_service *rs,
		  int dir, struct err *e)
{
	struct mount_attr sealed = { .attr_set = MOUNT_ATTR_RDONLY };
	AUTO_CLOSE int tree = -1, at = -1;
	int r;

	if (src->svc->n_secrets == 0)
		return 0;
	r = secret_tmpfs(&tree, e);
	if (r == 0)
		r = copy_all(src, rs, tree, e);
	if (r == 0 && mount_setattr(tree, "", AT_EMPTY_PATH, &sealed, sizeof(sealed)) < 0)
		r = err_set(e, errno, "make '%s' read-only", SECRET_DIR);
	if (r == 0)
		r = fd_mkdir(dir, SECRET_DIR, 0700, &at, e);
	if (r == 0 && move_mount(tree, "", at, "",
				 MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH) < 0)
		r = err_set(e, errno, "mount '%s'", SECRET_DIR);
	return r;
}

void secret_destroy(const struct stack_host *h, const char *stack, const char *service)
{
	AUTO_FREE char *path = str_fmt("%s/%s/%s/%s", h->run, stack, service, SECRET_DIR);

	(void)umount2(path, MNT_DETACH | UMOUNT_NOFOLLOW);
}

void secret_mounts(const struct instance_source *src, const struct record_service *rs,
		   struct container_spec *spec)
{
	for (size_t i = 0; i < src->svc->n_secrets; i++) {
		struct container_mount *m = container_spec_add_mount(spec);

		m->type = CONTAINER_MOUNT_BIND;
		m->source = str_fmt("%s/%s/%s/%s/%zu", src->h->run, src->rec->name,
				    rs->name, SECRET_DIR, i);
		m->target = str_dup(src->svc->secrets[i].target);
		m->read_only = m->nosuid = m->nodev = m->noexec = true;
	}
}

void secret_versions(const struct stack_model *m, const struct model_service *svc,
		     json_t *config)
{
	for (size_t i = 0; i < svc->n_secrets; i++) {
		const struct model_secret_use *u = &svc->secrets[i];
		const struct model_secret *x = model_secret(m, u->config, u->name);
		AUTO_FREE char *key =
			str_fmt("%s %s", u->config ? "config" : "secret", u->name);
		struct stat st = { 0 };

		if (u->version) {
			json_object_set(config, key, u->version);
			continue;
		}
		(void)stat(x->file, &st); /* one that has gone is another one, too */
		json_object_set_new(config, key,
				    json_pack("[o,I,I,I,I]", json_text(x->file),
					      (json_int_t)st.st_ino,
					      (json_int_t)st.st_size,
					      (json_int_t)st.st_mtim.tv_sec,
					      (json_int_t)st.st_mtim.tv_nsec));
	}
}
