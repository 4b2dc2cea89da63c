/*
 * container/exact_seccomp.c - a filter as an OCI configuration tells it. See exact.h.
 *
 * Knows linux.seccomp of config-linux.md and libseccomp. Decides no call by itself.
 */
#include <errno.h>
#include <limits.h>
#include <linux/seccomp.h>
#include <seccomp.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "runtime/base/fd.h"
#include "runtime/container/exact.h"

enum { FILTER_MAX = BPF_MAXINSNS * sizeof(struct sock_filter), ERRNO_MAX = 4095 };

static void auto_release(scmp_filter_ctx *ctx)
{
	if (*ctx)
		seccomp_release(*ctx);
}

static const struct {
	const char *name;
	uint32_t action;
} actions[] = {
	{ "SCMP_ACT_KILL", SCMP_ACT_KILL_THREAD },
	{ "SCMP_ACT_KILL_PROCESS", SCMP_ACT_KILL_PROCESS },
	{ "SCMP_ACT_KILL_THREAD", SCMP_ACT_KILL_THREAD },
	{ "SCMP_ACT_TRAP", SCMP_ACT_TRAP },
	{ "SCMP_ACT_ERRNO", SCMP_ACT_ERRNO(0) },
	{ "SCMP_ACT_TRACE", SCMP_ACT_TRACE(0) },
	{ "SCMP_ACT_ALLOW", SCMP_ACT_ALLOW },
	{ "SCMP_ACT_LOG", SCMP_ACT_LOG },
};

static const struct {
	const char *name;
	enum scmp_compare op;
} operators[] = {
	{ "SCMP_CMP_NE", SCMP_CMP_NE },
	{ "SCMP_CMP_LT", SCMP_CMP_LT },
	{ "SCMP_CMP_LE", SCMP_CMP_LE },
	{ "SCMP_CMP_EQ", SCMP_CMP_EQ },
	{ "SCMP_CMP_GE", SCMP_CMP_GE },
	{ "SCMP_CMP_GT", SCMP_CMP_GT },
	{ "SCMP_CMP_MASKED_EQ", SCMP_CMP_MASKED_EQ },
};

static const char *const arch_names[] = {
	"SCMP_ARCH_X86",      "SCMP_ARCH_X86_64",      "SCMP_ARCH_X32",
	"SCMP_ARCH_ARM",      "SCMP_ARCH_AARCH64",     "SCMP_ARCH_MIPS",
	"SCMP_ARCH_MIPS64",   "SCMP_ARCH_MIPS64N32",   "SCMP_ARCH_MIPSEL",
	"SCMP_ARCH_MIPSEL64", "SCMP_ARCH_MIPSEL64N32", "SCMP_ARCH_PPC",
	"SCMP_ARCH_PPC64",    "SCMP_ARCH_PPC64LE",     "SCMP_ARCH_S390",
	"SCMP_ARCH_S390X",    "SCMP_ARCH_PARISC",      "SCMP_ARCH_PARISC64",
	"SCMP_ARCH_RISCV64",
};

static const struct {
	const char *name;
	unsigned flag;
} flags[] = {
	{ "SECCOMP_FILTER_FLAG_TSYNC", 0 }, /* one thread: nothing to synchronise */
	{ "SECCOMP_FILTER_FLAG_LOG", SECCOMP_FILTER_FLAG_LOG },
	{ "SECCOMP_FILTER_FLAG_SPEC_ALLOW", SECCOMP_FILTER_FLAG_SPEC_ALLOW },
};

void container_seccomp_features(struct strv *ret_actions, struct strv *ret_operators,
				struct strv *archs)
{
	for (size_t i = 0; i < ARRAY_LEN(actions); i++)
		strv_add(ret_actions, actions[i].name);
	for (size_t i = 0; i < ARRAY_LEN(operators); i++)
		strv_add(ret_operators, operators[i].name);
	for (size_t i = 0; i < ARRAY_LEN(arch_names); i++)
		strv_add(archs, arch_names[i]);
}

/* @key's action; with an errno the number that goes with it. */
static int get_action(const json_t *j, const char *key, const char *number_key,
		      uint32_t *ret, struct err *e)
{
	const char *name = json_str(j, key, "");
	const json_t *number = json_object_get(j, number_key);
	long long n = json_int(j, number_key, EPERM);
	size_t i = 0;

	while (i < ARRAY_LEN(actions) && !str_eq(actions[i].name, name))
		i++;
	if (i == ARRAY_LEN(actions))
		return err_msg(e, EINVAL,
			       "linux.seccomp: '%s' has the action '%s', "
			       "which is unknown",
			       key, name);
	*ret = actions[i].action;
	if (number && (!json_is_integer(number) || n < 0 || n > ERRNO_MAX))
		return err_msg(e, EINVAL, "linux.seccomp: '%s' is not an errno",
			       number_key);
	if (str_eq(name, "SCMP_ACT_ERRNO"))
		*ret = SCMP_ACT_ERRNO((uint32_t)n);
	else if (str_eq(name, "SCMP_ACT_TRACE"))
		*ret = SCMP_ACT_TRACE((uint32_t)n);
	else if (number)
		return err_msg(e, EINVAL, "linux.seccomp: '%s' does not go with '%s'",
			       number_key, name);
	return 0;
}

static int get_arg(const json_t *j, struct scmp_arg_cmp *ret, struct err *e)
{
	const char *op = json_str(j, "op", "");
	long long index = json_int(j, "index", -1);
	size_t i = 0;

	while (i < ARRAY_LEN(operators) && !str_eq(operators[i].name, op))
		i++;
	if (i == ARRAY_LEN(operators))
		return err_msg(e, EINVAL,
			       "linux.seccomp: the operator 'op' '%s' is unknown", op);
	if (index < 0 || index > 5)
		return err_msg(e, EINVAL,
			       "linux.seccomp: an argument's 'index' is not "
			       "from 0 to 5");
	if (!json_is_integer(json_object_get(j, "value")))
		return err_msg(e, EINVAL,
			       "linux.seccomp: an argument's 'value' is not a number");
	*ret = (struct scmp_arg_cmp){
		.arg = (unsigned)index,
		.op = operators[i].op,
		.datum_a = (scmp_datum_t)json_int(j, "value", 0),
		.datum_b = (scmp_datum_t)json_int(j, "valueTwo", 0),
	};
	return 0;
}

/* libseccomp wants each argument once in a rule: where one stands twice, any of the
 * conditions is enough, which is a rule for each (as the other runtimes read it). */
static int add_rule(scmp_filter_ctx ctx, uint32_t action, int nr,
		    const struct scmp_arg_cmp *args, unsigned n)
{
	unsigned seen = 0;
	bool twice = false;
	int r = 0;

	for (unsigned i = 0; i < n; i++) {
		twice |= seen & (1U << args[i].arg);
		seen |= 1U << args[i].arg;
	}
	if (!twice)
		return seccomp_rule_add_array(ctx, action, nr, n, args);
	for (unsigned i = 0; i < n && r == 0; i++)
		r = seccomp_rule_add_array(ctx, action, nr, 1, &args[i]);
	return r;
}

static int add_call(scmp_filter_ctx ctx, const json_t *call, uint32_t fallback,
		    struct err *e)
{
	const json_t *names = json_object_get(call, "names"), *name;
	const json_t *list = json_object_get(call, "args");
	struct scmp_arg_cmp args[6];
	unsigned n = 0;
	uint32_t action;
	size_t i;
	int r = get_action(call, "action", "errnoRet", &action, e);

	if (r == 0 && (!json_is_array(names) || json_array_size(names) == 0))
		r = err_msg(e, EINVAL, "linux.seccomp: 'names' is not a list of calls");
	if (r == 0 && json_array_size(list) > ARRAY_LEN(args))
		r = err_msg(e, EINVAL, "linux.seccomp: 'args' has more than 6 members");
	for (i = 0; r == 0 && i < json_array_size(list); i++)
		r = get_arg(json_array_get(list, i), &args[n++], e);
	if (r < 0 || action == fallback)
		return r;
	json_array_foreach (names, i, name) {
		const char *text = json_string_value(name);
		int nr;

		if (!text)
			return err_msg(e, EINVAL,
				       "linux.seccomp: 'names' has a member that is not "
				       "a string");
		nr = seccomp_syscall_resolve_name(text);
		if (nr == __NR_SCMP_ERROR)
			continue;
		r = add_rule(ctx, action, nr, args, n);
		if (r < 0 && r != -EDOM)
			return err_set(e, -r, "linux.seccomp: rule for '%s'", text);
	}
	return 0;
}

static int add_arch(scmp_filter_ctx ctx, const json_t *name, struct err *e)
{
	const char *text = json_string_value(name);
	AUTO_FREE char *lower = NULL;
	uint32_t token = 0;
	size_t i = 0;
	int r;

	while (text && i < ARRAY_LEN(arch_names) && !str_eq(arch_names[i], text))
		i++;
	if (!text || i == ARRAY_LEN(arch_names))
		return err_msg(e, EINVAL,
			       "linux.seccomp: 'architectures' has '%s', which "
			       "is unknown",
			       text ? text : "");
	lower = str_dup(text + strlen("SCMP_ARCH_"));
	for (char *p = lower; *p; p++)
		*p = (char)(*p >= 'A' && *p <= 'Z' ? *p - 'A' + 'a' : *p);
	token = seccomp_arch_resolve_name(lower);
	if (token == 0) /* newer than this libseccomp: no program of it runs here */
		return 0;
	r = seccomp_arch_add(ctx, token);
	/* EDOM: of the other byte order, which cannot be in one filter with ours */
	return r < 0 && r != -EEXIST && r != -EDOM
		       ? err_set(e, -r, "linux.seccomp: machine '%s'", text)
		       : 0;
}

static int get_flags(const json_t *j, unsigned *ret, struct err *e)
{
	const json_t *list = json_object_get(j, "flags"), *one;
	size_t i, k;

	*ret = 0;
	json_array_foreach (list, i, one) {
		const char *text = json_string_value(one);

		for (k = 0; k < ARRAY_LEN(flags); k++)
			if (str_eq(flags[k].name, text))
				break;
		if (k == ARRAY_LEN(flags))
			return err_msg(e, EINVAL,
				       "linux.seccomp: 'flags' has '%s', which "
				       "is not supported",
				       text ? text : "");
		*ret |= flags[k].flag;
	}
	return 0;
}

static int fill(scmp_filter_ctx ctx, const json_t *j, uint32_t fallback, struct err *e)
{
	const json_t *archs = json_object_get(j, "architectures"), *one;
	const json_t *calls = json_object_get(j, "syscalls");
	size_t i;
	int r = 0;

	json_array_foreach (archs, i, one)
		if (r == 0)
			r = add_arch(ctx, one, e);
	if (r == 0 && seccomp_attr_set(ctx, SCMP_FLTATR_CTL_OPTIMIZE, 2) < 0)
		r = err_msg(e, EINVAL, "linux.seccomp: this 'libseccomp' is too old");
	json_array_foreach (calls, i, one)
		if (r == 0)
			r = add_call(ctx, one, fallback, e);
	return r;
}

static int export(scmp_filter_ctx ctx, struct sock_fprog *ret, struct err *e)
{
	AUTO_CLOSE int mem = memfd_create("seccomp", MFD_CLOEXEC);
	AUTO_BUF struct buf b = BUF_INIT;
	int r;

	if (mem < 0)
		return err_set(e, errno, "memory file for 'seccomp'");
	r = seccomp_export_bpf(ctx, mem);
	if (r < 0)
		return err_set(e, -r, "linux.seccomp: compile the 'filter'");
	if (lseek(mem, 0, SEEK_SET) < 0)
		return err_set(e, errno, "rewind 'seccomp' filter");
	r = fd_read_all(mem, FILTER_MAX, &b, "seccomp filter", e);
	if (r < 0)
		return r;
	ret->len = (unsigned short)(b.len / sizeof(struct sock_filter));
	ret->filter = (struct sock_filter *)(void *)buf_take(&b);
	return 0;
}

int container_seccomp_compile(const json_t *j, struct sock_fprog *ret,
			      unsigned *ret_flags, struct err *e)
{
	AUTO(auto_release) scmp_filter_ctx ctx = NULL;
	uint32_t fallback;
	int r = get_action(j, "defaultAction", "defaultErrnoRet", &fallback, e);

	if (r == 0 && json_object_get(j, "listenerPath"))
		r = err_msg(e, ENOTSUP, "linux.seccomp: 'listenerPath' is not supported");
	if (r == 0)
		r = get_flags(j, ret_flags, e);
	if (r < 0)
		return r;
	ctx = seccomp_init(fallback);
	if (!ctx)
		return err_msg(e, EINVAL,
			       "linux.seccomp: 'defaultAction' is not known to "
			       "libseccomp");
	r = fill(ctx, j, fallback, e);
	return r < 0 ? r : export(ctx, ret, e);
}
