/* tests/unit/test_cgroup_devices.c - what processes in a group can do with devices, by
 * v1's list and by the filter of the unified hierarchy, on this machine's kernel. */
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>

#include "runtime/cgroup/devices.h"
#include "tests/lib/test.h"

#define EVERYTHING .type = 'a', .major = CGROUP_DEVICE_ANY, .minor = CGROUP_DEVICE_ANY
#define CHAR(n) .type = 'c', .major = 1, .minor = (n)
enum { KMSG = 11, ZERO = 5, FULL = 7, URANDOM = 9 }; /* of major 1 */

static struct cgroup_host *host(void)
{
	struct cgroup_host *h = NULL;
	struct err e = ERR_INIT;

	CHECK_OK(cgroup_host_open(&h, &e), &e);
	return h;
}

/* As on a machine that has nothing but it, or a hybrid one without v1's controller. */
static struct cgroup_host *unified(void)
{
	struct cgroup_host *all = host(), *h = NULL;
	struct err e = ERR_INIT;

	for (size_t i = 0; i < all->n; i++) {
		AUTO_FREE char *line = NULL;

		if (!all->hier[i].unified)
			continue;
		line = str_fmt("1 1 0:1 / %s rw - cgroup2 x rw\n", all->hier[i].mount);
		CHECK_OK(cgroup_host_find(line, "", &h, &e), &e);
	}
	if (!h)
		SKIP("a unified hierarchy");
	cgroup_host_free(all);
	return h;
}

static char *name(const char *rest)
{
	return str_fmt("minibox-test-%d%s", (int)getpid(), rest);
}

/* A process in @g opens or makes (access "m") the device 1:@minor: whether it may. */
static bool may(const struct cgroup *g, unsigned minor, const char *access)
{
	AUTO_CLOSE int dir = scratch_dir();
	pid_t pid;
	int st;

	CHECK(mknodat(dir, "node", S_IFCHR | 0600, makedev(1, minor)) == 0);
	pid = fork();
	if (pid == 0) {
		struct err e = ERR_INIT;
		int r;

		if (cgroup_join(g, &e) < 0)
			_exit(9);
		if (*access == 'm')
			r = mknodat(dir, "new", S_IFCHR | 0600, makedev(1, minor));
		else
			r = openat(dir, "node", *access == 'r' ? O_RDONLY : O_WRONLY);
		_exit(r >= 0 ? 0 : errno == EPERM ? 1 : 8);
	}
	CHECK(waitpid(pid, &st, 0) == pid && WIFEXITED(st) && WEXITSTATUS(st) <= 1);
	return WEXITSTATUS(st) == 0;
}

static void end(struct cgroup_host *h, struct cgroup *g, const char *path)
{
	struct err e = ERR_INIT;

	cgroup_free(g);
	CHECK_OK(cgroup_destroy(h, path, &e), &e);
	cgroup_host_free(h);
}

/* On what a machine has it by, and on the unified hierarchy. */
static void usual_ones_only(struct cgroup_host *h)
{
	AUTO_FREE char *path = name("");
	struct cgroup_device one = { CHAR(KMSG), .access = "r" };
	struct cgroup_limits lim = { .devices = true, .allow = &one };
	struct cgroup *g = NULL;
	struct err e = ERR_INIT;

	CHECK_OK(cgroup_create(h, path, &lim, &g, &e), &e);
	CHECK(may(g, ZERO, "r") && may(g, ZERO, "w") && may(g, ZERO, "m"));
	CHECK(!may(g, KMSG, "r") && !may(g, KMSG, "w") && !may(g, KMSG, "m"));
	cgroup_free(g);
	lim.n_allow = 1;
	CHECK_OK(cgroup_create(h, path, &lim, &g, &e), &e);
	CHECK(may(g, ZERO, "w"));
	CHECK(may(g, KMSG, "r") && !may(g, KMSG, "w") && !may(g, KMSG, "m"));
	cgroup_free(g);
	/* adopted without the limit: lifted */
	lim = (struct cgroup_limits){ .everywhere = true };
	CHECK_OK(cgroup_create(h, path, &lim, &g, &e), &e);
	CHECK(may(g, KMSG, "w"));
	end(h, g, path);
}

TEST(devices_are_the_usual_ones_and_those_told)
{
	usual_ones_only(host());
}

TEST(devices_are_the_usual_ones_and_those_told_on_the_unified_hierarchy)
{
	usual_ones_only(unified());
}

static const struct cgroup_device one_access_each[] = {
	{ EVERYTHING, .deny = true, .access = "rwm" },
	{ CHAR(ZERO), .access = "r" },
	{ CHAR(FULL), .access = "w" },
	{ CHAR(URANDOM), .access = "m" },
};

static void each_access(struct cgroup_host *h)
{
	const struct cgroup_limits none = { .everywhere = true };
	AUTO_FREE char *path = name("");
	struct cgroup *g = NULL;
	struct err e = ERR_INIT;

	CHECK_OK(cgroup_create(h, path, &none, &g, &e), &e);
	CHECK_OK(cgroup_devices(g, one_access_each, ARRAY_LEN(one_access_each), true, &e),
		 &e);
	CHECK(may(g, ZERO, "r") && !may(g, ZERO, "w") && !may(g, ZERO, "m"));
	CHECK(!may(g, FULL, "r") && may(g, FULL, "w") && !may(g, FULL, "m"));
	CHECK(!may(g, URANDOM, "r") && !may(g, URANDOM, "w") && may(g, URANDOM, "m"));
	end(h, g, path);
}

TEST(rules_are_kept_for_reading_writing_and_making)
{
	each_access(host());
}

TEST(rules_are_kept_for_reading_writing_and_making_on_the_unified_hierarchy)
{
	each_access(unified());
}

/* v1's kernel reads it as a rule for everything. */
TEST(rule_for_both_kinds_is_no_rule_for_everything)
{
	static const struct cgroup_device rules[] = {
		{ EVERYTHING, .deny = true, .access = "rwm" },
		{ .type = 'a', .major = 1, .minor = ZERO, .access = "rwm" },
	};
	struct cgroup_host *const hosts[] = { host(), unified() };

	for (size_t i = 0; i < ARRAY_LEN(hosts); i++) {
		const struct cgroup_limits none = { .everywhere = true };
		AUTO_FREE char *path = name("");
		struct cgroup *g = NULL;
		struct err e = ERR_INIT;

		CHECK_OK(cgroup_create(hosts[i], path, &none, &g, &e), &e);
		CHECK_OK(cgroup_devices(g, rules, ARRAY_LEN(rules), true, &e), &e);
		CHECK(may(g, ZERO, "w") && !may(g, KMSG, "r"));
		end(hosts[i], g, path);
	}
}

TEST(filter_of_a_group_above_holds_as_well)
{
	static const struct cgroup_device all = { EVERYTHING, .access = "rwm" };
	const struct cgroup_limits none = { 0 };
	AUTO_FREE char *path = name(""), *below = name("/sub");
	struct cgroup_host *h = unified();
	struct cgroup *g = NULL, *sub = NULL;
	struct err e = ERR_INIT;

	CHECK_OK(cgroup_create(h, path, &none, &g, &e), &e);
	CHECK_OK(cgroup_create(h, below, &none, &sub, &e), &e);
	CHECK_OK(cgroup_devices(g, one_access_each, ARRAY_LEN(one_access_each), true, &e),
		 &e);
	CHECK_OK(cgroup_devices(sub, &all, 1, true, &e), &e);
	CHECK(may(sub, ZERO, "r") && !may(sub, ZERO, "w") && !may(sub, KMSG, "r"));
	cgroup_free(sub);
	CHECK_OK(cgroup_destroy(h, below, &e), &e);
	end(h, g, path);
}

/* What systemd does for a unit's DevicePolicy=. */
static void attach_as_another(int dir, const struct cgroup_device *rules, size_t n)
{
	struct bpf_insn insns[CGROUP_DEVICE_INSNS(8)];
	union bpf_attr load = { .prog_type = BPF_PROG_TYPE_CGROUP_DEVICE,
				.license = (uintptr_t) "GPL",
				.insns = (uintptr_t)insns };
	union bpf_attr attach = { .attach_type = BPF_CGROUP_DEVICE };

	load.insn_cnt = (uint32_t)cgroup_device_program(rules, n, insns);
	attach.target_fd = (uint32_t)dir;
	attach.attach_bpf_fd =
		(uint32_t)syscall(SYS_bpf, BPF_PROG_LOAD, &load, sizeof(load));
	attach.attach_flags = BPF_F_ALLOW_MULTI;
	CHECK(syscall(SYS_bpf, BPF_PROG_ATTACH, &attach, sizeof(attach)) == 0);
}

static unsigned filters(int dir)
{
	union bpf_attr attr = { 0 };
	uint32_t ids[64];

	attr.query.target_fd = (uint32_t)dir;
	attr.query.attach_type = BPF_CGROUP_DEVICE;
	attr.query.prog_ids = (uintptr_t)ids;
	attr.query.prog_cnt = ARRAY_LEN(ids);
	CHECK(syscall(SYS_bpf, BPF_PROG_QUERY, &attr, sizeof(attr)) == 0);
	return attr.query.prog_cnt;
}

TEST(filter_of_ours_is_replaced_and_another_s_stays)
{
	static const struct cgroup_device all = { EVERYTHING, .access = "rwm" };
	static const struct cgroup_device no_kmsg = { CHAR(KMSG), .deny = true,
						      .access = "rwm" };
	const struct cgroup_limits none = { 0 };
	AUTO_FREE char *path = name("");
	struct cgroup_host *h = unified();
	struct cgroup *g = NULL;
	struct err e = ERR_INIT;

	CHECK_OK(cgroup_create(h, path, &none, &g, &e), &e);
	attach_as_another(cgroup_dirfd_v2(g), &no_kmsg, 1);
	CHECK_OK(cgroup_devices(g, one_access_each, ARRAY_LEN(one_access_each), true, &e),
		 &e);
	CHECK(!may(g, ZERO, "w"));
	CHECK_OK(cgroup_devices(g, &all, 1, true, &e), &e);
	CHECK_INT(filters(cgroup_dirfd_v2(g)), 2);
	CHECK(may(g, ZERO, "w") && !may(g, KMSG, "r"));
	cgroup_free(g);
	CHECK_OK(cgroup_create(h, path, &none, &g, &e), &e); /* lifted */
	CHECK_INT(filters(cgroup_dirfd_v2(g)), 1);
	CHECK(may(g, FULL, "m") && !may(g, KMSG, "r"));
	end(h, g, path);
}

TEST(filter_may_be_long)
{
	enum { MANY = 2000 };
	AUTO_FREE struct cgroup_device *rules = mem_new(MANY + 2, sizeof(*rules));
	const struct cgroup_limits none = { 0 };
	AUTO_FREE char *path = name("");
	struct cgroup_host *h = unified();
	struct cgroup *g = NULL;
	struct err e = ERR_INIT;

	rules[0] = (struct cgroup_device){ EVERYTHING, .deny = true, .access = "rwm" };
	rules[1] = (struct cgroup_device){ CHAR(KMSG), .access = "r" };
	for (unsigned i = 0; i < MANY; i++)
		rules[i + 2] = (struct cgroup_device){
			.type = 'b', .major = i, .minor = i, .deny = i % 2, .access = "rw"
		};
	CHECK_OK(cgroup_create(h, path, &none, &g, &e), &e);
	CHECK_OK(cgroup_devices(g, rules, MANY + 2, true, &e), &e);
	CHECK(may(g, KMSG, "r") && !may(g, KMSG, "w"));
	end(h, g, path);
}

/* As in a container of another: from here on bpf(2) is refused to this process. */
static void refuse_bpf(int with)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_bpf, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (unsigned)with),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog prog = { ARRAY_LEN(code), code };

	CHECK(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
	CHECK(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &prog) == 0);
}

TEST(devices_without_bpf_are_a_warning_but_for_rules_that_were_chosen)
{
	struct cgroup_device one = { CHAR(KMSG), .access = "rw" };
	struct cgroup_limits lim = { .devices = true, .allow = &one, .n_allow = 1 };
	AUTO_CLOSE int dir = scratch_dir(), out = dup(STDERR_FILENO);
	AUTO_FREE char *path = name("");
	AUTO_BUF struct buf told = BUF_INIT;
	struct cgroup_host *h = unified();
	struct cgroup *g = NULL;
	struct err e = ERR_INIT;
	int to = openat(dir, "told", O_CREAT | O_WRONLY | O_CLOEXEC, 0600);

	refuse_bpf(EPERM);
	CHECK(to >= 0 && dup2(to, STDERR_FILENO) >= 0);
	CHECK_OK(cgroup_create(h, path, &lim, &g, &e), &e);
	CHECK_OK(cgroup_devices(g, one_access_each, 1, false, &e), &e);
	CHECK(dup2(out, STDERR_FILENO) >= 0);
	CHECK_OK(fd_read_file(dir, "told", 4096, &told, &e), &e);
	CHECK(strstr(told.data, path));
	CHECK(strstr(told.data, "devices are not filtered: load a device filter (BPF, 10 "
				"rules): Operation not permitted, ignoring"));
	CHECK(strstr(told.data, "(BPF, 1 rules)"));
	CHECK_INT(cgroup_devices(g, one_access_each, 1, true, &e), -EPERM);
	CHECK(strstr(err_text(&e), "load a device filter (BPF, 1 rules): Operation not"));
	err_clear(&e);
	cgroup_free(g);
	strcpy(one.access, "r");
	CHECK_INT(cgroup_create(h, path, &lim, NULL, &e), -EPERM);
	CHECK(strstr(err_text(&e), "'devices': load a device filter (BPF"));
	err_clear(&e);
	lim = (struct cgroup_limits){ 0 };
	CHECK_OK(cgroup_create(h, path, &lim, &g, &e), &e); /* nothing of ours to lift */
	end(h, g, path);
}

TEST(kernel_without_the_filter_is_told_by_several_errors)
{
	CHECK(cgroup_filter_is_missing(-ENOSYS) && cgroup_filter_is_missing(-EPERM) &&
	      cgroup_filter_is_missing(-EINVAL));
	CHECK(!cgroup_filter_is_missing(0) && !cgroup_filter_is_missing(-EACCES));
}
