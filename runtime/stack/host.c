/*
 * stack/host.c - the two roots of a host. See host.h.
 *
 * Knows where things lie and what all stacks share (locks, leases, the rules table,
 * ip_forward). Does not know services.
 */
#include "runtime/stack/host.h"
#include "runtime/stack/ids.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "runtime/base/fd.h"
#include "runtime/base/proc.h"
#include "runtime/stack/before.h"
#include "runtime/stack/conf/value.h"
#include "runtime/stack/generation.h"
#include "runtime/stack/imgmount.h"

enum { PATH_ROOM = 200 }; /* the supervisor's spec has 256 bytes for each */
#define DEFAULT_RUN "/run/minibox"

/* One spelling for each directory: names of links, tables and cgroups are hashed from it.
 */
static char *absolute(const char *path)
{
	char cwd[PATH_MAX], *real = realpath(path, NULL);

	if (real)
		return real;

	if (*path == '/' || !getcwd(cwd, sizeof(cwd)))
		return str_dup(path);
	return str_fmt("%s/%s", cwd, path);
}

/* Uppers and volumes hold setuid files of "container root" that are real root's on disk,
 * so no other user of the host may get at them. */
static int check_private(int fd, const char *path, struct err *e)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return err_set(e, errno, "stat '%s'", path);
	if (st.st_uid != 0 || (st.st_mode & 077) != 0)
		return err_msg(
			e, EPERM,
			"'%s' must belong to root with mode 0700 (is uid %u, mode %04o)",
			path, st.st_uid, st.st_mode & 07777);
	return 0;
}

static int open_root(struct stack_host *h, struct err *e)
{
	static const char *const dirs[] = { "containers", "volumes", "logs", "locks",
					    "cache" };
	int r = fd_mkdirs(AT_FDCWD, h->root, 0700, &h->root_fd, e);

	if (r == 0)
		r = check_private(h->root_fd, h->root, e);
	for (size_t i = 0; r == 0 && i < ARRAY_LEN(dirs); i++)
		if (mkdirat(h->root_fd, dirs[i], 0700) < 0 && errno != EEXIST)
			r = err_set(e, errno, "mkdir '%s/%s'", h->root, dirs[i]);
	return r;
}

/* Open RUN where it is our mount; a bare directory of that name counts as absent. Called
 * again under the lock, because another command may have taken RUN away or made it
 * meanwhile. */
static int open_run(struct stack_host *h, struct err *e)
{
	AUTO_FREE char *above = str_fmt("%s/..", h->run);
	AUTO_CLOSE int fd = open(h->run, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct stat st, parent;

	fd_auto_close(&h->run_fd);
	h->run_fd = -1;
	if (fd < 0)
		return errno == ENOENT ? 0
				       : err_set(e, errno, "open directory '%s'", h->run);
	if (fstat(fd, &st) < 0 || stat(above, &parent) < 0)
		return err_set(e, errno, "stat '%s'", h->run);
	if (st.st_dev == parent.st_dev)
		return 0;
	h->run_fd = fd_take(&fd);
	return check_private(h->run_fd, h->run, e);
}

static int new_host(const char *root, const char *run, struct stack_host **ret,
		    struct err *e)
{
	struct stack_host *h;
	int r;

	if (geteuid() != 0)
		return err_msg(e, EPERM, "must be run as root");
	h = mem_new(1, sizeof(*h));
	h->root = absolute(root);
	h->run = absolute(run);
	h->root_fd = h->run_fd = -1;
	if (strlen(h->root) > PATH_ROOM || strlen(h->run) > PATH_ROOM)
		r = err_msg(e, ENAMETOOLONG, "--root and --run take at most %d bytes",
			    PATH_ROOM);
	else
		r = proc_self_dir(h->exe_dir, sizeof(h->exe_dir), e);
	if (strcmp(h->run, DEFAULT_RUN) != 0)
		snprintf(h->id, sizeof(h->id), "%08x", str_hash(h->run));
	if (r == 0)
		*ret = h;
	else
		stack_host_free(h);
	return r;
}

int stack_host_open(const char *root, const char *run, struct stack_host **ret,
		    struct err *e)
{
	struct stack_host *h = NULL;
	int r = new_host(root, run, &h, e);

	if (r < 0)
		return r;
	r = open_root(h, e);
	if (r == 0)
		r = open_run(h, e);
	if (r == 0)
		*ret = h;
	else
		stack_host_free(h);
	return r;
}

int stack_host_look(const char *root, const char *run, struct stack_host **ret,
		    struct err *e)
{
	struct stack_host *h = NULL;
	int r = new_host(root, run, &h, e);

	if (r < 0)
		return r;
	h->root_fd = open(h->root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (h->root_fd >= 0)
		r = check_private(h->root_fd, h->root, e);
	else if (errno != ENOENT)
		r = err_set(e, errno, "open directory '%s'", h->root);
	if (r == 0)
		r = open_run(h, e);
	if (r == 0)
		*ret = h;
	else
		stack_host_free(h);
	return r;
}

struct stack_host *stack_host_free(struct stack_host *h)
{
	if (!h)
		return NULL;
	fd_auto_close(&h->root_fd);
	fd_auto_close(&h->run_fd);
	cgroup_host_free(h->cgroups);
	free(h->root);
	free(h->run);
	free(h);
	return NULL;
}

/* RUN is a mount of its own: private, so that what is pinned in it shows nowhere else,
 * and a tmpfs, so that it is gone at reboot whatever /run itself is. */
int host_run(struct stack_host *h, struct err *e)
{
	AUTO_STRV struct strv names = STRV_INIT;
	AUTO_CLOSE int dir = -1;
	int r = open_run(h, e);

	if (r < 0 || h->run_fd >= 0)
		return r;
	r = fd_mkdirs(AT_FDCWD, h->run, 0700, &dir, e);
	if (r == 0)
		r = fd_list(dir, ".", &names, e);
	if (r < 0)
		return r;
	if (names.n) /* the mount would hide what somebody else has there, as in /tmp */
		return err_msg(e, ENOTEMPTY,
			       "'%s' is neither empty nor minibox's: "
			       "choose another place by --run",
			       h->run);
	if (mount("minibox", h->run, "tmpfs", MS_NOSUID | MS_NODEV,
		  "mode=0700,size=64m") < 0)
		return err_set(e, errno, "mount tmpfs on '%s'", h->run);
	if (mount(NULL, h->run, NULL, MS_PRIVATE, NULL) < 0)
		r = err_set(e, errno, "make '%s' private", h->run);
	if (r == 0)
		r = open_run(h, e);
	if (r < 0)
		(void)umount2(h->run, MNT_DETACH);
	return r;
}

int host_lock(const struct stack_host *h, int *ret, struct err *e)
{
	return fd_lock(h->root_fd, "locks/.host", true, true, ret, e);
}

int host_lock_images(const struct stack_host *h, bool exclusive, int *ret, struct err *e)
{
	return fd_lock(h->root_fd, "locks/.images", exclusive, true, ret, e);
}

int host_lock_stack(const struct stack_host *h, const char *stack, int *ret,
		    struct err *e)
{
	AUTO_FREE char *name = str_fmt("locks/%s%s", stack, h->id);

	/* It comes from the command line, and what is locked may be removed next: ""
	 * would be the directory of all stacks. */
	if (!value_name(stack))
		return err_msg(e, EINVAL, "'%s' is no stack's name", stack);
	return fd_lock(h->root_fd, name, true, true, ret, e);
}

int host_stack_fd(const struct stack_host *h, const char *stack, int *ret, struct err *e)
{
	int fd;

	if (h->run_fd < 0 || !value_name(stack))
		return STACK_E_ABSENT;
	fd = openat(h->run_fd, stack, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return errno == ENOENT ? STACK_E_ABSENT
				       : err_set(e, errno, "open '%s'", stack);
	*ret = fd;
	return 0;
}

int host_service_fd(const struct stack_host *h, const char *stack, const char *service,
		    int *ret, struct err *e)
{
	AUTO_CLOSE int dir = -1;
	int fd, r = host_stack_fd(h, stack, &dir, e);

	if (r != 0)
		return r;
	/* A one-off container's name is longer than a service's may be. */
	if (!*service || *service == '.' || strchr(service, '/'))
		return STACK_E_ABSENT;
	fd = openat(dir, service, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return errno == ENOENT
			       ? STACK_E_ABSENT
			       : err_set(e, errno, "open '%s/%s'", stack, service);
	*ret = fd;
	return 0;
}

/* The kernel's files in a group are called "tasks", "memory.max" and the like; no name of
 * ours begins with '_'. */
static const char *cgroup_prefix(const char *name)
{
	return strchr(name, '.') || str_eq(name, "tasks") ||
			       str_eq(name, "notify_on_release") ||
			       str_eq(name, "release_agent")
		       ? "_"
		       : "";
}

char *host_cgroup_in(const struct stack_host *h, const char *base, const char *stack,
		     const char *service)
{
	const char *below = service ? service : "";

	return str_fmt("%s%sminibox%s%s/%s%s%s%s%s", base, *base ? "/" : "",
		       *h->id ? "-" : "", h->id, cgroup_prefix(stack), stack,
		       service ? "/" : "", cgroup_prefix(below), below);
}

char *host_cgroup_base(const struct stack_host *h, const char *stack)
{
	AUTO_FREE char *name = str_fmt("%s/.cgroup", stack);
	AUTO_BUF struct buf text = BUF_INIT;
	struct err ignored = ERR_INIT;

	if (h->run_fd < 0 || fd_read_file(h->run_fd, name, PATH_MAX, &text, &ignored) < 0)
		return str_dup("");
	return buf_take(&text);
}

char *host_cgroup(const struct stack_host *h, const char *stack, const char *service)
{
	AUTO_FREE char *base = host_cgroup_base(h, stack);

	return host_cgroup_in(h, base, stack, service);
}

int host_cgroups(struct stack_host *h, struct cgroup_host **ret, struct err *e)
{
	int r = h->cgroups ? 0 : cgroup_host_open(&h->cgroups, e);

	if (r == 0)
		*ret = h->cgroups;
	return r;
}

char *host_table(const struct stack_host *h)
{
	return str_fmt("minibox%s%s", *h->id ? "_" : "", h->id);
}

bool stack_exists(const struct stack_host *h, const char *stack)
{
	return h->run_fd >= 0 && value_name(stack) &&
	       faccessat(h->run_fd, stack, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

int stack_list(const struct stack_host *h, struct strv *ret, struct err *e)
{
	int r;

	if (h->run_fd < 0)
		return 0;
	r = fd_list(h->run_fd, ".", ret, e);
	for (size_t i = ret->n; r == 0 && i-- > 0;)
		if (*ret->v[i] == '.')
			strv_remove(ret, i);
	return r;
}

int host_records(const struct stack_host *h, const char *skip, struct record ***ret,
		 size_t *n, struct err *e)
{
	AUTO_STRV struct strv names = STRV_INIT;
	int r = stack_list(h, &names, e);

	*ret = mem_new(names.n + 1, sizeof(**ret));
	*n = 0;
	strv_foreach (i, &names) {
		AUTO_CLOSE int fd = -1;

		if (r < 0 || str_eq(names.v[i], skip))
			continue;
		r = host_stack_fd(h, names.v[i], &fd, e);
		if (r == 0)
			r = record_load(fd, &(*ret)[*n], e);
		if (r == 0)
			(*n)++;
		if (r > 0)
			r = 0;
	}
	return r;
}

void host_records_free(struct record **list, size_t n)
{
	for (size_t i = 0; i < n; i++)
		record_free(list[i]);
	free(list);
}

static int list_images(const struct stack_host *h, const struct record *rec,
		       struct strv *ret, struct err *e)
{
	AUTO_CLOSE int fd = -1;
	int r = host_stack_fd(h, rec->name, &fd, e);

	for (size_t i = 0; i < rec->n_services; i++)
		if (!strv_has(ret, rec->services[i].image_id))
			strv_add(ret, rec->services[i].image_id);
	if (r == 0)
		r = before_images(fd, rec, ret, e);
	if (r == 0)
		r = generation_images(fd, ret, e);
	return r < 0 ? r : 0;
}

int stack_used_images(struct stack_host *h, struct strv *ret, int *ret_lock,
		      struct err *e)
{
	struct record **list = NULL;
	size_t n = 0;
	int r = host_lock_images(h, true, ret_lock, e);

	if (r == 0)
		r = open_run(h, e); /* made while we waited */
	if (r < 0)
		return r;
	r = host_records(h, NULL, &list, &n, e);
	if (r == 0)
		r = imgmount_list(h, ret, e);
	for (size_t i = 0; r == 0 && i < n; i++)
		r = list_images(h, list[i], ret, e);
	host_records_free(list, n);
	return r;
}

static int lease_subnet(struct stack_host *h, struct record *r,
			struct record *const *others, size_t n, struct err *e)
{
	const char *text = getenv("MINIBOX_POOL");
	struct netns_subnet pool, *taken = NULL;
	size_t n_taken = 0;
	AUTO_FREE char *key = str_fmt("%s/%s", h->run, r->name);
	int ret = netns_subnet_parse(text && *text ? text : "10.213.0.0/16", &pool, e);

	if (ret < 0)
		return err_ctx(e, "address pool");
	ret = netns_host_routes(r->bridge, &taken, &n_taken, e);
	if (ret < 0)
		return ret;
	taken = mem_grow(taken, n_taken + n, sizeof(*taken));
	for (size_t i = 0; i < n; i++)
		taken[n_taken++] = others[i]->subnet;
	ret = netns_subnet_pick(&pool, pool.prefix < 24 ? 24 : pool.prefix, str_hash(key),
				taken, n_taken, &r->subnet, e);
	free(taken);
	return ret;
}

int host_lease(struct stack_host *h, struct record *r, struct err *e)
{
	struct record **others = NULL;
	size_t n = 0;
	int ret = host_records(h, r->name, &others, &n, e);

	netns_bridge_name(h->run, r->name, r->bridge);
	if (ret == 0)
		ret = ids_lease(NULL, others, n, &r->uid_base, e);
	if (ret == 0)
		ret = lease_subnet(h, r, others, n, e);
	host_records_free(others, n);
	return ret;
}

int host_lease_ids(struct stack_host *h, struct record *r, const char *service,
		   struct err *e)
{
	struct record **others = NULL;
	uid_t base = 0;
	size_t n = 0;
	int ret;

	if (record_ids(r, service) != r->uid_base)
		return 0;
	ret = host_records(h, r->name, &others, &n, e);
	if (ret == 0)
		ret = ids_lease(r, others, n, &base, e);
	host_records_free(others, n);
	if (ret < 0)
		return ret;
	r->leases = mem_grow(r->leases, r->n_leases + 1, sizeof(*r->leases));
	r->leases[r->n_leases++] = (struct record_lease){ str_dup(service), base };
	return 0;
}

/* One stack's share of the rules; publish is gathered from its services. */
static void collect_rules(const struct record *r, struct netns_stack_rules *out)
{
	memcpy(out->bridge, r->bridge, sizeof(out->bridge));
	out->subnet = r->subnet;
	for (size_t i = 0; i < r->n_services; i++) {
		const struct record_service *s = &r->services[i];

		if (!s->n_publish)
			continue;
		out->publish = mem_grow(out->publish, out->n_publish + s->n_publish,
					sizeof(*out->publish));
		memcpy(out->publish + out->n_publish, s->publish,
		       s->n_publish * sizeof(*s->publish));
		out->n_publish += s->n_publish;
	}
}

int host_rules(struct stack_host *h, struct err *e)
{
	AUTO_FREE char *table = host_table(h);
	struct netns_stack_rules *rules;
	struct record **list = NULL;
	bool was_off = false, ours;
	size_t n = 0;
	int r = host_records(h, NULL, &list, &n, e);

	rules = mem_new(n + 1, sizeof(*rules));
	for (size_t i = 0; i < n; i++)
		collect_rules(list[i], &rules[i]);
	ours = h->run_fd >= 0 && faccessat(h->run_fd, ".forwarding", F_OK, 0) == 0;
	/* The guard is in place before forwarding is on, so that nothing foreign slips
	 * through. */
	if (r == 0 && n > 0 && !ours) {
		AUTO_BUF struct buf b = BUF_INIT;

		r = fd_read_file(AT_FDCWD, "/proc/sys/net/ipv4/ip_forward", 16, &b, e);
		was_off = r == 0 && b.data[0] == '0';
		if (was_off)
			r = fd_write_file(h->run_fd, ".forwarding", "", 0, 0600, e);
	}
	if (r == 0)
		r = netns_rules_apply(table, rules, n, ours || was_off, e);
	if (r == 0 && n > 0)
		r = netns_forwarding_enable(&was_off, e);
	for (size_t i = 0; i < n; i++)
		free(rules[i].publish);
	free(rules);
	host_records_free(list, n);
	return r;
}

int host_release(struct stack_host *h, struct err *e)
{
	AUTO_STRV struct strv left = STRV_INIT, mounts = STRV_INIT;
	int r = open_run(h, e);

	if (r < 0)
		return r;
	if (h->run_fd < 0) {
		(void)rmdir(h->run); /* of a command killed before it mounted there */
		return 0;
	}
	r = stack_list(h, &left, e);
	if (r == 0)
		r = host_rules(h, e);
	if (r < 0 || left.n > 0)
		return r;
	if (faccessat(h->run_fd, ".forwarding", F_OK, 0) == 0)
		r = netns_forwarding_disable(e);
	if (r == 0)
		r = imgmount_list(h, &mounts, e);
	if (r < 0 || mounts.n) { /* somebody looks at an image: that stays */
		(void)unlinkat(h->run_fd, ".forwarding", 0);
		return r;
	}
	close(h->run_fd);
	h->run_fd = -1;
	if (umount2(h->run, MNT_DETACH) < 0 && r == 0)
		r = err_set(e, errno, "unmount '%s'", h->run);
	if (rmdir(h->run) < 0 && errno != ENOENT && r == 0)
		r = err_set(e, errno, "rmdir '%s'", h->run);
	return r;
}

bool stack_size(const char *text, uint64_t *ret)
{
	return value_size(text, ret);
}
