/*
 * stack/prepare.c - what must be there before a container can be made: images in the
 * store, the stack's lock and record, its directory, leases and bridge.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include "runtime/base/fd.h"
#include "runtime/container/container.h"
#include "runtime/stack/up.h"

void up_note(const struct up *u, const char *service, const char *text)
{
	if (u->watch && u->watch->note)
		u->watch->note(u->watch->arg, service, text);
}

int up_no_image(const struct model_service *svc, struct err *e)
{
	return err_msg(e, ENOENT,
		       "%s:%u:%u: image '%s' of service '%s' is neither a file here nor "
		       "in the store (minibox load FILE, minibox pull NAME)",
		       svc->image_pos.file, svc->image_pos.line, svc->image_pos.col,
		       svc->image, svc->name);
}

/* What runs once is known by its id: the name may mean another one by now. */
static int ensure_known(struct up *u, size_t i, struct err *e)
{
	const struct model_service *svc = &u->model->services[i];
	int r = image_find(u->store, u->ids[i], &u->images[i], e);

	if (r == IMAGE_E_NOT_FOUND)
		r = err_msg(e, ENOENT, "image '%s' (%s) is no longer in the store",
			    u->ids[i], svc->image);
	return r < 0 ? err_ctx(e, "service '%s'", svc->name) : 0;
}

static int ensure_image(struct up *u, int dir, size_t i, struct err *e)
{
	const struct model_service *svc = &u->model->services[i];
	int r;

	if (u->images[i])
		return 0;
	if (u->ids)
		return ensure_known(u, i, e);
	r = image_ensure(u->store, dir, svc->image, u->watch ? u->watch->images : NULL,
			 &u->images[i], e);
	if (r == IMAGE_E_NOT_FOUND)
		return up_no_image(svc, e);
	return r < 0 ? err_ctx(e, "service '%s'", svc->name) : 0;
}

int up_images(struct up *u, const struct strv *chosen, struct err *e)
{
	AUTO_CLOSE int dir = open(u->model->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int r = 0;

	if (dir < 0 && !u->ids)
		return err_set(e, errno, "open directory '%s'", u->model->dir);
	if (!u->images)
		u->images = mem_new(u->model->n_services, sizeof(*u->images));
	for (size_t i = 0; r == 0 && i < u->model->n_services; i++)
		if (!chosen || strv_has(chosen, u->model->services[i].name))
			r = ensure_image(u, dir, i, e);
	return r;
}

int up_check_profiles(const struct up *u, struct err *e)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < u->plan.n; i++) {
		const struct model_service *svc =
			model_service(u->model, u->plan.steps[i].service);

		if (u->plan.steps[i].kind == STEP_KEEP || !svc || !svc->apparmor)
			continue;
		r = container_apparmor_check(svc->apparmor, e);
		if (r < 0)
			return err_ctx(e, "service '%s'", svc->name);
	}
	return r;
}

size_t up_index(const struct up *u, const char *service)
{
	size_t i = 0;

	while (strcmp(u->model->services[i].name, service) != 0)
		i++;
	return i;
}

static int open_record(struct up *u, struct err *e)
{
	int r = host_stack_fd(u->h, u->name, &u->stack_fd, e);

	if (r == 0)
		r = record_load(u->stack_fd, &u->rec, e);
	if (r == STACK_E_ABSENT) { /* a killed command's: make_dir() looks what it is */
		fd_auto_close(&u->stack_fd);
		u->stack_fd = -1;
	}
	return r == STACK_E_ABSENT ? 0 : r;
}

/* RUN/STACK is a file system of its own: what a container writes to its /etc/hosts must
 * not leave the other stacks without room for their state. */
static int make_dir(struct up *u, struct err *e)
{
	AUTO_FREE char *path = str_fmt("%s/%s", u->h->run, u->rec->name);
	AUTO_CLOSE int dir = -1;
	struct stat st, run;
	int r = fd_mkdir(u->h->run_fd, u->rec->name, 0700, &dir, e);

	if (r < 0)
		return r;
	if (fstat(dir, &st) < 0 || fstat(u->h->run_fd, &run) < 0)
		return err_set(e, errno, "stat '%s'", path);
	if (st.st_dev == run.st_dev &&
	    mount("minibox", path, "tmpfs", MS_NOSUID | MS_NODEV, "mode=0700,size=64m") <
		    0)
		return err_set(e, errno, "mount tmpfs on '%s'", path);
	return fd_mkdir(u->h->run_fd, u->rec->name, 0700, &u->stack_fd, e);
}

/* Make RUN/STACK, lease a subnet and ids, make the bridge. Needs both locks. */
static int found_stack(struct up *u, struct err *e)
{
	struct in_addr gw;
	int r;

	r = host_run(u->h, e);
	if (r < 0)
		return r;
	if (!u->rec) {
		u->rec = record_new(u->name, u->model->dir);
		u->founded = true;
		r = host_lease(u->h, u->rec, e);
	}
	for (size_t i = 0; i < u->model->n_services && r == 0; i++)
		if (u->model->services[i].userns == MODEL_USERNS_ISOLATED)
			r = host_lease_ids(u->h, u->rec, u->model->services[i].name, e);
	if (r == 0 && u->stack_fd < 0)
		r = make_dir(u, e);
	if (r == 0)
		r = record_save(u->stack_fd, u->rec, e);
	if (r == 0 && !netns_subnet_host(&u->rec->subnet, 1, &gw))
		r = err_msg(e, EINVAL, "the stack's subnet has no room for a gateway");
	if (r == 0)
		r = netns_bridge_create(u->rec->bridge, gw, u->rec->subnet.prefix, e);
	return r;
}

int up_open(struct up *u, struct err *e)
{
	AUTO_CLOSE int lock = -1;
	int r = host_lock_stack(u->h, u->name, &u->lock, e);

	if (r == 0)
		r = host_lock(u->h, &lock, e);
	return r < 0 ? r : open_record(u, e);
}

int up_found(struct up *u, struct err *e)
{
	AUTO_CLOSE int lock = -1;
	int r = host_lock(u->h, &lock, e);

	return r < 0 ? r : found_stack(u, e);
}

void up_close(struct up *u)
{
	for (size_t i = 0; u->images && i < u->model->n_services; i++)
		image_free(u->images[i]);
	free(u->images);
	for (size_t i = 0; u->ids && i < u->model->n_services; i++)
		free(u->ids[i]);
	free(u->ids);
	json_decref(u->configs);
	record_free(u->rec);
	free(u->own);
	fd_auto_close(&u->stack_fd);
	fd_auto_close(&u->lock);
}
