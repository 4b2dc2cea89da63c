/* oci/state.c - see state.h. */
#include "runtime/oci/state.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "runtime/base/fd.h"
#include "runtime/base/proc.h"
#include "runtime/oci/member.h"

void oci_state_init(struct oci_state *s)
{
	memset(s, 0, sizeof(*s));
	s->root = s->dir = -1;
}

void oci_state_free(struct oci_state *s)
{
	free(s->id);
	free(s->bundle);
	free(s->cgroup);
	free(s->rootfs);
	free(s->created);
	json_decref(s->config);
	fd_auto_close(&s->dir);
	oci_state_init(s);
}

int oci_state_root(const char *path, int *ret_fd, struct err *e)
{
	return fd_mkdirs(AT_FDCWD, path, 0700, ret_fd, e);
}

/* An id is a name of a directory and of a cgroup. */
static int check_id(const char *id, struct err *e)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVW"
				      "XYZ0123456789_+.-";

	if (!*id || strlen(id) > 255 || strspn(id, allowed) != strlen(id) ||
	    str_eq(id, ".") || str_eq(id, ".."))
		return err_msg(e, EINVAL,
			       "container id '%s' is not of letters, digits, _ + . -",
			       id);
	return 0;
}

int oci_state_make(int root, const char *id, struct oci_state *s, struct err *e)
{
	int r = check_id(id, e);

	if (r < 0)
		return r;
	if (mkdirat(root, id, 0700) < 0) {
		if (errno == EEXIST)
			return err_msg(e, EEXIST, "container '%s' exists already", id);
		return err_set(e, errno, "make state of container '%s'", id);
	}
	s->root = root;
	s->id = str_dup(id);
	s->dir = openat(root, id, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (s->dir < 0)
		return err_set(e, errno, "open state of container '%s'", id);
	return 0;
}

static int load_files(struct oci_state *s, struct err *e)
{
	AUTO_JSON json_t *j = NULL;
	struct err absent = ERR_INIT;
	int r = json_read(s->dir, "state.json", &j, &absent);

	/* A creation that was killed before it had written anything. */
	if (r == -ENOENT)
		return 0;
	if (r < 0) {
		*e = absent;
		return r;
	}
	str_set(&s->bundle, json_str(j, "bundle", ""));
	str_set(&s->cgroup, json_str(j, "cgroup", ""));
	str_set(&s->rootfs, json_str(j, "rootfs", ""));
	str_set(&s->created, json_str(j, "created", ""));
	s->pid = (pid_t)json_int(j, "pid", 0);
	s->start_time = (uint64_t)json_int(j, "start_time", 0);
	s->paused = json_bool(j, "paused", false);
	return oci_json_read(s->dir, "config.json", &s->config, e);
}

int oci_state_load(int root, const char *id, struct oci_state *s, struct err *e)
{
	int r = check_id(id, e);

	if (r < 0)
		return r;
	s->root = root;
	s->id = str_dup(id);
	s->dir = openat(root, id, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (s->dir < 0 && errno == ENOENT)
		return err_msg(e, ENOENT, "container '%s' does not exist", id);
	if (s->dir < 0)
		return err_set(e, errno, "open state of container '%s'", id);
	r = load_files(s, e);
	return r < 0 ? err_ctx(e, "container '%s'", id) : 0;
}

int oci_state_save(const struct oci_state *s, struct err *e)
{
	AUTO_JSON json_t *j = json_pack(
		"{s:s,s:s,s:s,s:s,s:i,s:I,s:b}", "bundle", s->bundle, "cgroup", s->cgroup,
		"rootfs", s->rootfs, "created", s->created, "pid", (int)s->pid,
		"start_time", (json_int_t)s->start_time, "paused", s->paused);

	if (!j)
		return err_msg(e, EINVAL, "state of container '%s' is not valid UTF-8",
			       s->id);
	return json_write(s->dir, "state.json", j, 0600, e);
}

int oci_state_remove(struct oci_state *s, struct err *e)
{
	return fd_rm_rf(s->root, s->id, e);
}

/* A dead process that its parent has not waited for yet has ended all the same. */
static bool is_alive(const struct oci_state *s)
{
	AUTO_CLOSE int pidfd = proc_pidfd_as(s->pid, s->start_time);

	return pidfd >= 0 && proc_wait_exit(pidfd, 0) == 0;
}

enum oci_status oci_state_status(const struct oci_state *s)
{
	if (s->pid == 0)
		return OCI_CREATING;
	if (!is_alive(s))
		return OCI_STOPPED;
	if (faccessat(s->dir, OCI_START_SOCKET, F_OK, 0) == 0)
		return OCI_CREATED;
	return s->paused ? OCI_PAUSED : OCI_RUNNING;
}

const char *oci_status_name(enum oci_status status)
{
	static const char *const names[] = {
		[OCI_CREATING] = "creating", [OCI_CREATED] = "created",
		[OCI_RUNNING] = "running",   [OCI_PAUSED] = "paused",
		[OCI_STOPPED] = "stopped",
	};

	return names[status];
}

json_t *oci_state_format(const struct oci_state *s, enum oci_status status, pid_t pid,
			 bool more)
{
	json_t *j = json_object(), *notes = json_object_get(s->config, "annotations");

	json_object_set_new(j, "ociVersion", json_string(OCI_VERSION));
	json_object_set_new(j, "id", json_text(s->id));
	json_object_set_new(j, "status", json_string(oci_status_name(status)));
	json_object_set_new(j, "pid", json_integer(status == OCI_STOPPED ? 0 : pid));
	json_object_set_new(j, "bundle", json_text(s->bundle ? s->bundle : ""));
	if (json_is_object(notes))
		json_object_set(j, "annotations", notes);
	if (more) {
		json_object_set_new(j, "rootfs", json_text(s->rootfs ? s->rootfs : ""));
		json_object_set_new(j, "created",
				    json_text(s->created ? s->created : ""));
		json_object_set_new(j, "owner", json_string(""));
	}
	return j;
}
