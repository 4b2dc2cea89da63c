/*
 * stack/down.c - stopping a stack and removing everything of it but what the user keeps.
 *
 * Works from names, so that it also clears what a crash left: a missing supervisor, a
 * record without containers, containers without a record.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

#include "runtime/base/fd.h"
#include "runtime/stack/instance.h"
#include "runtime/stack/up.h"
#include "runtime/stack/volume.h"

static int ask_to_leave(int stack_fd, int64_t timeout_ms, struct err *e)
{
	AUTO_CLOSE int sock = -1;
	int r = sup_connect(stack_fd, &sock, e);

	if (r == 0)
		r = sup_call(sock, SUP_OP_STOP, "", timeout_ms, -1, e);
	if (r == 0)
		r = sup_call(sock, SUP_OP_QUIT, "", 0, 5000, e);
	return r;
}

/* Everything stopped in order by the supervisor, which then leaves. When it is dead there
 * is no order to be had any more: instance_destroy() kills by cgroup. */
static int stop_all(int stack_fd, int64_t timeout_ms, struct err *e)
{
	int r = 0;

	for (int tries = 0; sup_alive(stack_fd); tries++) {
		r = ask_to_leave(stack_fd, timeout_ms, e);
		if (r == 0 || (sup_alive(stack_fd) && !up_supervisor_left(r, tries)))
			return r;
		err_clear(e);
	}
	return 0;
}

/* Names of all containers: the record's, and directories that a crash left without an
 * entry. */
static void list_services(int stack_fd, const struct record *rec, struct strv *ret)
{
	struct err ignored = ERR_INIT;
	AUTO_STRV struct strv names = STRV_INIT;

	for (size_t i = 0; rec && i < rec->n_services; i++)
		strv_add(ret, rec->services[i].name);
	(void)!fd_list(stack_fd, ".", &names, &ignored);
	strv_foreach (i, &names)
		if (*names.v[i] != '.' && !strv_has(ret, names.v[i]))
			strv_add(ret, names.v[i]);
}

int down_remove_stack(struct stack_host *h, const char *stack, const char *bridge,
		      struct err *e)
{
	AUTO_FREE char *cgroup = host_cgroup(h, stack, NULL);
	AUTO_FREE char *path = str_fmt("%s/%s", h->run, stack);
	struct err first = ERR_INIT, one = ERR_INIT;
	struct cgroup_host *cg = NULL;
	AUTO_CLOSE int stack_fd = -1;

	if (host_stack_fd(h, stack, &stack_fd, &one) == 0)
		(void)!share_unpin_all(h, stack, stack_fd, &one);
	err_keep_first(&first, &one);
	if (host_cgroups(h, &cg, &one) == 0)
		(void)!cgroup_destroy(cg, cgroup, &one);
	err_keep_first(&first, &one);
	(void)!netns_link_destroy(bridge, &one);
	err_keep_first(&first, &one);
	/* Its own file system, with all that is mounted in it. */
	while (umount2(path, MNT_DETACH | UMOUNT_NOFOLLOW) == 0)
		;
	(void)!fd_rm_rf(h->run_fd, stack, &one);
	err_keep_first(&first, &one);
	(void)!host_release(h, &one);
	err_keep_first(&first, &one);
	*e = first;
	return -e->code;
}

/* Volumes without a name are their container's: they go with --volumes only, as the named
 * do; logs of a stack that is gone go too. */
static int remove_files(struct stack_host *h, const char *stack, bool volumes,
			struct err *e)
{
	AUTO_FREE char *logs = str_fmt("logs/%s", stack);
	int r = fd_rm_rf(h->root_fd, logs, e);

	if (r == 0)
		r = instance_remove_uppers(h, stack, e);
	if (r == 0 && volumes)
		r = volume_remove_all(h, stack, e);
	return r;
}

/* From here on nothing counts as existing: an `up` after a crash in the middle makes all
 * anew instead of starting what is half removed. */
static int forget_services(int stack_fd, struct record *rec, struct err *e)
{
	while (rec->n_services)
		record_remove(rec, rec->services[0].name);
	if (record_save(stack_fd, rec, e) == 0)
		return 0;
	if (unlinkat(stack_fd, ".stack.json", 0) < 0)
		return -e->code;
	err_clear(e); /* a full disk: no record says the same */
	return 0;
}

static int remove_all(struct stack_host *h, const char *stack, int stack_fd, bool volumes,
		      int64_t timeout_ms, struct err *e)
{
	struct err first = ERR_INIT, one = ERR_INIT;
	AUTO_STRV struct strv names = STRV_INIT;
	AUTO_CLOSE int lock = -1;
	struct record *rec = NULL;
	char bridge[16];

	(void)!stop_all(stack_fd, timeout_ms, &one);
	err_keep_first(&first, &one);
	(void)!record_load(stack_fd, &rec, &one);
	err_keep_first(&first, &one);
	list_services(stack_fd, rec, &names);
	if (rec)
		(void)!forget_services(stack_fd, rec, &one);
	err_keep_first(&first, &one);
	netns_bridge_name(h->run, stack, bridge);
	(void)!netns_ports_destroy(bridge, &one);
	err_keep_first(&first, &one);
	for (size_t i = names.n; i-- > 0;) {
		(void)!instance_destroy(h, stack, names.v[i], 0, &one);
		err_keep_first(&first, &one);
	}
	if (host_lock(h, &lock, &one) == 0)
		(void)!down_remove_stack(h, stack, bridge, &one);
	err_keep_first(&first, &one);
	(void)!remove_files(h, stack, volumes, &one);
	err_keep_first(&first, &one);
	record_free(rec);
	*e = first;
	return -e->code;
}

/* Nothing of it below RUN: files it left on disk before a reboot, and RUN itself when the
 * `up` that made it or the `down` that emptied it was killed. */
static int remove_rest(struct stack_host *h, const char *stack, bool volumes,
		       struct err *e)
{
	AUTO_CLOSE int lock = -1;
	int r = remove_files(h, stack, volumes, e);

	if (r == 0)
		r = host_lock(h, &lock, e);
	return r < 0 ? r : host_release(h, e);
}

int stack_down(struct stack_host *h, const char *stack, bool volumes, int64_t timeout_ms,
	       struct err *e)
{
	AUTO_CLOSE int lock = -1, stack_fd = -1;
	int r = host_lock_stack(h, stack, &lock, e);

	if (r == 0)
		r = host_stack_fd(h, stack, &stack_fd, e);
	if (r == STACK_E_ABSENT)
		return remove_rest(h, stack, volumes, e);
	if (r == 0)
		r = remove_all(h, stack, stack_fd, volumes, timeout_ms, e);
	return r < 0 ? err_ctx(e, "stack '%s'", stack) : 0;
}

int stack_leave(struct stack_host *h, const char *stack, int64_t timeout_ms,
		struct err *e)
{
	AUTO_CLOSE int lock = -1, stack_fd = -1;
	int r = host_lock_stack(h, stack, &lock, e);

	if (r == 0)
		r = host_stack_fd(h, stack, &stack_fd, e);
	if (r == 0)
		r = stop_all(stack_fd, timeout_ms, e);
	return r < 0 ? err_ctx(e, "stack '%s'", stack) : 0;
}
