/* container/sysfilter.c - see sysfilter.h. Knows libseccomp and the cache; decides no
 * call. */
#include "runtime/container/sysfilter.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <seccomp.h>
#include <stdio.h>
#include <string.h>
#include <sys/capability.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "runtime/base/fd.h"

enum { FILTER_MAX = BPF_MAXINSNS * sizeof(struct sock_filter) };

static void auto_release(scmp_filter_ctx *ctx)
{
	if (*ctx)
		seccomp_release(*ctx);
}

/* Names that this libseccomp or this machine does not have are skipped: they stay ENOSYS.
 */
static int add_names(scmp_filter_ctx ctx, uint32_t action, const char *names,
		     struct err *e)
{
	AUTO_STRV struct strv v = STRV_INIT;

	strv_split(&v, names, " ");
	strv_foreach (i, &v) {
		int nr = seccomp_syscall_resolve_name(v.v[i]), r;

		if (nr == __NR_SCMP_ERROR)
			continue;
		r = seccomp_rule_add(ctx, action, nr, 0);
		/* EDOM: a call of another machine only */
		if (r < 0 && r != -EDOM)
			return err_set(e, -r, "seccomp rule for '%s'", v.v[i]);
	}
	return 0;
}

/* A rule on the first argument. */
struct rule {
	uint32_t action;
	int nr;
	enum scmp_compare op;
	scmp_datum_t a, b;
};

static int add_rules(scmp_filter_ctx ctx, const struct rule *rules, size_t n,
		     struct err *e)
{
	for (size_t i = 0; i < n; i++) {
		const struct scmp_arg_cmp arg = { .arg = 0,
						  .op = rules[i].op,
						  .datum_a = rules[i].a,
						  .datum_b = rules[i].b };
		int r = seccomp_rule_add_array(ctx, rules[i].action, rules[i].nr, 1,
					       &arg);

		if (r < 0 && r != -EDOM)
			return err_set(e, -r, "seccomp rule for call '%d'", rules[i].nr);
	}
	return 0;
}

#define NEW_NAMESPACES                                                                   \
	(CLONE_NEWNS | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER | CLONE_NEWPID |      \
	 CLONE_NEWNET | CLONE_NEWCGROUP)
#define NO SCMP_ACT_ERRNO(EPERM)

static int add_argument_rules(scmp_filter_ctx ctx, bool namespaces, struct err *e)
{
	static const int bits[] = { CLONE_NEWNS,    CLONE_NEWUTS, CLONE_NEWIPC,
				    CLONE_NEWUSER,  CLONE_NEWPID, CLONE_NEWNET,
				    CLONE_NEWCGROUP };
	static const unsigned long personalities[] = { 0, 0x8, 0x20000, 0x20008,
						       0xffffffff };
	const struct rule sockets[] = {
		/* VSOCK reaches the hypervisor, ALG a large kernel surface; all others
		   pass. */
		{ SCMP_ACT_ALLOW, SCMP_SYS(socket), SCMP_CMP_LT, AF_ALG, 0 },
		{ SCMP_ACT_ALLOW, SCMP_SYS(socket), SCMP_CMP_EQ, AF_NFC, 0 },
		{ SCMP_ACT_ALLOW, SCMP_SYS(socket), SCMP_CMP_GT, AF_VSOCK, 0 },
		{ NO, SCMP_SYS(socket), SCMP_CMP_EQ, AF_ALG, 0 },
		{ NO, SCMP_SYS(socket), SCMP_CMP_EQ, AF_VSOCK, 0 },
	};
	const struct rule plain_clone = {
		SCMP_ACT_ALLOW, SCMP_SYS(clone), SCMP_CMP_MASKED_EQ, NEW_NAMESPACES, 0,
	};
	int r = add_rules(ctx, sockets, ARRAY_LEN(sockets), e);

	for (size_t i = 0; i < ARRAY_LEN(personalities) && r == 0; i++) {
		struct rule p = { SCMP_ACT_ALLOW, SCMP_SYS(personality), SCMP_CMP_EQ,
				  personalities[i], 0 };

		r = add_rules(ctx, &p, 1, e);
	}
	if (r < 0 || namespaces)
		return r;
	r = add_rules(ctx, &plain_clone, 1, e);
	for (size_t i = 0; i < ARRAY_LEN(bits) && r == 0; i++) {
		scmp_datum_t bit = (scmp_datum_t)bits[i];
		struct rule c = { NO, SCMP_SYS(clone), SCMP_CMP_MASKED_EQ, bit, bit };

		r = add_rules(ctx, &c, 1, e);
	}
	return r;
}

static bool has_cap(uint64_t caps, int cap)
{
	return caps & (UINT64_C(1) << cap);
}

/* A call may stand at several capabilities: any one of them opens it. */
static bool is_open(uint64_t caps, const char *name)
{
	for (unsigned i = 0; i < sysfilter_n_gates; i++) {
		AUTO_STRV struct strv v = STRV_INIT;

		if (!has_cap(caps, sysfilter_gates[i].cap))
			continue;
		strv_split(&v, sysfilter_gates[i].names, " ");
		if (strv_has(&v, name))
			return true;
	}
	return false;
}

static int add_gates(scmp_filter_ctx ctx, uint64_t caps, struct err *e)
{
	AUTO_STRV struct strv done = STRV_INIT;

	for (unsigned i = 0; i < sysfilter_n_gates; i++) {
		AUTO_STRV struct strv v = STRV_INIT;

		strv_split(&v, sysfilter_gates[i].names, " ");
		strv_foreach (k, &v) {
			int r;

			if (strv_has(&done, v.v[k]))
				continue;
			strv_add(&done, v.v[k]);
			r = add_names(ctx, is_open(caps, v.v[k]) ? SCMP_ACT_ALLOW : NO,
				      v.v[k], e);
			if (r < 0)
				return r;
		}
	}
	return 0;
}

static int fill(scmp_filter_ctx ctx, uint64_t caps, struct err *e)
{
	bool admin = has_cap(caps, CAP_SYS_ADMIN);
	int r = 0;

	/* 32-bit programs of the same machine; x32 and all others are answered, not
	 * killed. */
	if (seccomp_arch_native() == SCMP_ARCH_X86_64)
		r = seccomp_arch_add(ctx, SCMP_ARCH_X86);
	else if (seccomp_arch_native() == SCMP_ARCH_AARCH64)
		r = seccomp_arch_add(ctx, SCMP_ARCH_ARM);
	if (r == 0)
		r = seccomp_attr_set(ctx, SCMP_FLTATR_ACT_BADARCH,
				     SCMP_ACT_ERRNO(ENOSYS));
	if (r == 0)
		r = seccomp_attr_set(ctx, SCMP_FLTATR_CTL_OPTIMIZE,
				     2); /* a binary tree */
	if (r < 0)
		return err_set(e, -r, "set up 'seccomp' filter");
	r = add_names(ctx, SCMP_ACT_ALLOW, sysfilter_allowed, e);
	if (r == 0)
		r = add_names(ctx, NO, sysfilter_denied, e);
	if (r == 0)
		r = add_gates(ctx, caps, e);
	if (r == 0)
		r = add_argument_rules(ctx, admin, e);
	/* Its flags are behind a pointer, out of a filter's sight: the C library falls
	 * back. */
	if (r == 0 && admin)
		r = add_names(ctx, SCMP_ACT_ALLOW, "clone clone3", e);
	return r;
}

static int own_filter(uint64_t caps, scmp_filter_ctx *ret, struct err *e)
{
	AUTO(auto_release) scmp_filter_ctx ctx = seccomp_init(SCMP_ACT_ERRNO(ENOSYS));
	int r;

	if (!ctx)
		return err_set(e, ENOMEM, "set up 'seccomp' filter");
	r = fill(ctx, caps, e);
	if (r == 0)
		*ret = TAKE(ctx);
	return r;
}

static int compile(const char *profile, uint64_t caps, struct buf *ret, struct err *e)
{
	AUTO(auto_release) scmp_filter_ctx ctx = NULL;
	AUTO_CLOSE int mem = memfd_create("seccomp", MFD_CLOEXEC);
	int r;

	if (mem < 0)
		return err_set(e, errno, "memory file for 'seccomp'");
	r = profile ? sysfilter_profile(profile, caps, &ctx, e)
		    : own_filter(caps, &ctx, e);
	if (r < 0)
		return r;
	r = seccomp_export_bpf(ctx, mem);
	if (r < 0)
		return err_set(e, -r, "compile 'seccomp' filter");
	if (lseek(mem, 0, SEEK_SET) < 0)
		return err_set(e, errno, "rewind 'seccomp' filter");
	return fd_read_all(mem, FILTER_MAX, ret, "seccomp filter", e);
}

/* FNV-1a: tells a handful of profiles apart, the directory is ours alone. */
static uint64_t hash(uint64_t h, const void *data, size_t n)
{
	for (const unsigned char *p = data; n--; p++)
		h = (h ^ *p) * UINT64_C(1099511628211);
	return h;
}

/* Everything that decides about the filter's bytes goes into its name. */
static void cache_name(const char *profile, uint64_t caps, char *ret, size_t n)
{
	const struct scmp_version *v = seccomp_version();
	const unsigned parts[] = { v->major, v->minor, v->micro, seccomp_arch_native() };
	uint64_t h = UINT64_C(14695981039346656037);

	h = hash(h, MINIBOX_VERSION, sizeof(MINIBOX_VERSION));
	h = hash(h, parts, sizeof(parts));
	if (profile) {
		h = hash(h, &caps, sizeof(caps));
		h = hash(h, profile, strlen(profile));
		snprintf(ret, n, "profile-%016llx", (unsigned long long)h);
		return;
	}
	h = hash(h, sysfilter_allowed, strlen(sysfilter_allowed));
	h = hash(h, sysfilter_denied, strlen(sysfilter_denied));
	for (unsigned i = 0; i < sysfilter_n_gates; i++) {
		bool open = has_cap(caps, sysfilter_gates[i].cap);

		h = hash(h, &open, sizeof(open));
		h = hash(h, sysfilter_gates[i].names, strlen(sysfilter_gates[i].names));
	}
	snprintf(ret, n, "seccomp-%016llx", (unsigned long long)h);
}

static bool is_program(const struct buf *b)
{
	return b->len > 0 && b->len <= FILTER_MAX &&
	       b->len % sizeof(struct sock_filter) == 0;
}

int container_sysfilter_load(uint64_t caps, int cache_fd, struct sock_fprog *ret,
			     struct err *e)
{
	return container_sysfilter_load_profile(NULL, caps, cache_fd, ret, e);
}

int container_sysfilter_load_profile(const char *profile, uint64_t caps, int cache_fd,
				     struct sock_fprog *ret, struct err *e)
{
	AUTO_BUF struct buf b = BUF_INIT;
	struct err ignored = ERR_INIT;
	char name[32];
	int r;

	cache_name(profile, caps, name, sizeof(name));
	/* A cache that cannot be read or written costs time, not the container. */
	if (cache_fd >= 0 && fd_read_file(cache_fd, name, FILTER_MAX, &b, &ignored) < 0)
		err_clear(&ignored);
	if (!is_program(&b)) {
		buf_free(&b);
		b = (struct buf)BUF_INIT;
		r = compile(profile, caps, &b, e);
		if (r < 0)
			return r;
		if (cache_fd >= 0 &&
		    fd_write_file(cache_fd, name, b.data, b.len, 0600, &ignored) < 0)
			err_clear(&ignored);
	}
	ret->len = (unsigned short)(b.len / sizeof(struct sock_filter));
	ret->filter = (struct sock_filter *)(void *)buf_take(&b);
	return 0;
}
