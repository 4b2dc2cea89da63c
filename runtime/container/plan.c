/* container/plan.c - see plan.h. Knows the host's rights; runs no child. */
#include "runtime/container/plan.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "runtime/base/fd.h"
#include "runtime/base/proc.h"
#include "runtime/container/apparmor.h"
#include "runtime/container/caps.h"
#include "runtime/container/exact.h"
#include "runtime/container/limits.h"
#include "runtime/container/mnt.h"
#include "runtime/container/rootfs.h"
#include "runtime/container/sysfilter.h"

#define DEFAULT_PATH "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

static void plan_init(struct container_plan *p, const struct container_spec *s)
{
	memset(p, 0, sizeof(*p));
	p->spec = s;
	p->root_tree = p->init_fd = p->pidfd = p->sync = -1;
}

void container_plan_free(struct container_plan *p)
{
	for (size_t i = 0; i < p->n_trees; i++)
		fd_auto_close(&p->mount_tree[i]);
	free(p->mount_tree);
	fd_auto_close(&p->root_tree);
	fd_auto_close(&p->init_fd);
	fd_auto_close(&p->sync);
	free(p->filter.filter);
	strv_free(&p->env);
	container_user_free(&p->user);
	plan_init(p, p->spec);
}

static int check_spec(const struct container_spec *s, struct err *e)
{
	if (s->args.n == 0 || !*s->args.v[0])
		return err_msg(e, EINVAL, "container spec: 'args' is empty");
	if (s->cwd && *s->cwd && *s->cwd != '/')
		return err_msg(e, EINVAL, "working directory '%s' is not absolute",
			       s->cwd);
	for (size_t i = 0; i < s->n_mounts; i++)
		if (!s->mounts[i].target || *s->mounts[i].target != '/')
			return err_msg(e, EINVAL, "mount target '%s' is not absolute",
				       s->mounts[i].target ? s->mounts[i].target : "");
	return 0;
}

static void default_env(struct container_plan *p, const char *name, const char *value)
{
	AUTO_FREE char *pair = str_fmt("%s=%s", name, value);

	if (!strv_get_env(&p->env, name))
		strv_add(&p->env, pair);
}

static void plan_env(struct container_plan *p)
{
	const struct container_spec *s = p->spec;

	strv_copy(&p->env, &s->env);
	if (s->exact) {
		default_env(p, "HOME", p->user.home);
		return;
	}
	if (!strv_get_env(&p->env, "PATH"))
		strv_add(&p->env, DEFAULT_PATH);
	default_env(p, "HOME", p->user.home);
	if (s->hostname)
		default_env(p, "HOSTNAME", s->hostname);
	if (s->tty)
		default_env(p, "TERM", "xterm");
}

/* Ids are told as numbers; only the home directory is looked up. */
static int plan_exact(struct container_plan *p, int root, struct err *e)
{
	const struct container_exact *x = p->spec->exact;
	AUTO_FREE char *user = str_fmt("%u:%u", (unsigned)x->uid, (unsigned)x->gid);
	int r = container_user_resolve(root, user, &p->user, e);

	if (r < 0)
		return r;
	p->user.uid = x->uid;
	p->user.gid = x->gid;
	free(p->user.groups);
	p->user.n_groups = x->n_groups;
	p->user.groups = mem_new(x->n_groups + 1, sizeof(*p->user.groups));
	memcpy(p->user.groups, x->groups ? x->groups : p->user.groups,
	       x->n_groups * sizeof(*p->user.groups));
	plan_env(p);
	r = container_limits_listed(p->spec, p->limits, p->limit_set, e);
	if (r == 0 && x->filter.len) {
		p->filter.len = x->filter.len;
		p->filter.filter = mem_new(x->filter.len, sizeof(*x->filter.filter));
		memcpy(p->filter.filter, x->filter.filter,
		       x->filter.len * sizeof(*x->filter.filter));
	}
	return r;
}

/* Who the process is and what it may do: the same for a first and a further process. */
static int plan_process(struct container_plan *p, int root, bool userns, struct err *e)
{
	const struct container_spec *s = p->spec;
	int r = container_apparmor_decide(s, &p->apparmor, e);

	if (r < 0 || s->exact)
		return r < 0 ? r : plan_exact(p, root, e);
	r = container_user_resolve(root, s->user, &p->user, e);
	if (r == 0 && userns &&
	    (p->user.uid >= CONTAINER_IDS || p->user.gid >= CONTAINER_IDS))
		r = err_msg(e, EINVAL,
			    "user '%s': id is outside of the container's %d ids", s->user,
			    (int)CONTAINER_IDS);
	if (r < 0)
		return r;
	plan_env(p);
	r = container_caps_decide(s, userns, &p->caps, e);
	if (r == 0 && p->user.uid != 0)
		r = container_caps_asked(s, p->caps, &p->lent, e);
	if (r == 0)
		r = container_limits_decide(s, p->limits, p->limit_set, e);
	if (r == 0 && !s->seccomp_off && !s->privileged)
		r = container_sysfilter_load_profile(s->seccomp_profile, p->caps,
						     s->cache_fd, &p->filter, e);
	return r;
}

/*
 * On a read-only mount of its own: not even the host's root, which a container without a
 * user namespace is, can write to the program through /proc/1/exe (CVE-2019-5736).
 */
static int plan_init_fd(struct container_plan *p, const char *path, struct err *e)
{
	struct mount_attr attr = {
		.attr_set = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV,
		.propagation = MS_PRIVATE,
	};
	AUTO_CLOSE int tree = -1;

	tree = open_tree(AT_FDCWD, path, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
	if (tree < 0 || mount_setattr(tree, "", AT_EMPTY_PATH, &attr, sizeof(attr)) < 0)
		return err_set(e, errno, "open init '%s'", path);
	p->init_fd = fd_take(&tree);
	return 0;
}

/*
 * Without init the kernel would find this very program, on the host's own mount, behind
 * "/proc/self/exe" and "#!/proc/self/exe". In a user namespace it is nobody's file there.
 */
static int plan_launcher(struct container_plan *p, bool userns, struct err *e)
{
	if (userns || !p->spec->launcher)
		return 0;
	p->direct = true;
	return plan_init_fd(p, p->spec->launcher, e);
}

static int plan_mounts(struct container_plan *p, struct err *e)
{
	const struct container_spec *s = p->spec;
	const struct container_exact *x = s->exact;
	int r = 0;

	if (x && x->host_mounts)
		return 0;
	p->n_trees = x ? x->n_mounts : s->n_mounts;
	p->mount_tree = mem_new(p->n_trees + 1, sizeof(*p->mount_tree));
	for (size_t i = 0; i < p->n_trees; i++)
		p->mount_tree[i] = -1;
	for (size_t i = 0; x && i < x->n_mounts && r == 0; i++)
		if (x->mounts[i].kind == CONTAINER_EXACT_BIND)
			r = container_exact_clone(&x->mounts[i], &p->mount_tree[i], e);
	if (x)
		return r;
	for (size_t i = 0; i < s->n_mounts && r == 0; i++)
		if (s->mounts[i].type == CONTAINER_MOUNT_BIND)
			r = container_mnt_clone_bind(&s->mounts[i], s->userns_fd,
						     &p->mount_tree[i], e);
	return r;
}

/* Recursive: a root may come with mounts in it. Device nodes of an image are never
 * honoured; those that an exact spec lists are made in the root itself. */
static int plan_root(struct container_plan *p, struct err *e)
{
	struct mount_attr attr = {
		.attr_set = p->spec->exact ? 0 : MOUNT_ATTR_NODEV,
		.propagation = MS_PRIVATE,
	};

	if (p->spec->exact && p->spec->exact->host_mounts)
		return 0;
	p->root_tree = open_tree(p->spec->rootfs_fd, "",
				 OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH |
					 AT_RECURSIVE);
	if (p->root_tree < 0 ||
	    mount_setattr(p->root_tree, "", AT_EMPTY_PATH | AT_RECURSIVE, &attr,
			  sizeof(attr)) < 0)
		return err_set(e, errno, "clone mount of the container's 'rootfs'");
	return 0;
}

int container_plan_create(const struct container_spec *s, struct container_plan *p,
			  struct err *e)
{
	int r = check_spec(s, e);

	plan_init(p, s);
	if (r == 0)
		r = plan_process(p, s->rootfs_fd, s->userns_fd >= 0, e);
	if (r == 0)
		r = plan_root(p, e);
	if (r == 0)
		r = plan_mounts(p, e);
	if (r == 0)
		r = s->init_path ? plan_init_fd(p, s->init_path, e)
				 : plan_launcher(p, s->userns_fd >= 0, e);
	if (r < 0)
		container_plan_free(p);
	return r;
}

/* A namespace that we are in already cannot be entered again (user: EINVAL), and need not
 * be. */
static int differing_namespaces(int proc, int *ret, struct err *e)
{
	static const struct {
		const char *name;
		int flag;
	} kinds[] = {
		{ "ns/user", CLONE_NEWUSER },     { "ns/mnt", CLONE_NEWNS },
		{ "ns/net", CLONE_NEWNET },       { "ns/ipc", CLONE_NEWIPC },
		{ "ns/uts", CLONE_NEWUTS },       { "ns/pid", CLONE_NEWPID },
		{ "ns/cgroup", CLONE_NEWCGROUP },
	};
	AUTO_CLOSE int self = open("/proc/self", O_PATH | O_DIRECTORY | O_CLOEXEC);
	struct stat ours, theirs;

	*ret = 0;
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
		if (fstatat(self, kinds[i].name, &ours, 0) < 0 ||
		    fstatat(proc, kinds[i].name, &theirs, 0) < 0)
			return err_set(e, errno, "look at '%s' of the container",
				       kinds[i].name);
		if (ours.st_ino != theirs.st_ino)
			*ret |= kinds[i].flag;
	}
	return 0;
}

int container_plan_exec(const struct container_spec *s, pid_t pid, int pidfd,
			struct container_plan *p, struct err *e)
{
	AUTO_CLOSE int proc = -1, root = -1;
	char path[32];
	int r = check_spec(s, e);

	plan_init(p, s);
	if (r < 0)
		return r;
	snprintf(path, sizeof(path), "/proc/%d", (int)pid);
	proc = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (proc >= 0)
		root = openat(proc, "root", O_PATH | O_DIRECTORY | O_CLOEXEC);
	/* Alive after we opened its directory: then the directory is its own, not a later
	 * pid's. */
	if (root < 0 || proc_kill(pidfd, 0) < 0)
		return err_msg(e, ESRCH, "the container's process '%d' is gone",
			       (int)pid);
	p->pidfd = pidfd;
	r = differing_namespaces(proc, &p->namespaces, e);
	if (r == 0)
		r = plan_process(p, root, p->namespaces & CLONE_NEWUSER, e);
	if (r == 0)
		r = plan_launcher(p, p->namespaces & CLONE_NEWUSER, e);
	if (r < 0)
		container_plan_free(p);
	return r;
}
