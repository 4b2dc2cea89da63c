/*
 * container/exact_seccomp.c - a filter as an OCI configuration tells it. See exact.h.
 *
 * Knows linux.seccomp of config-linux.md, but for its words (sysfilter_words.c), and
 * libseccomp. Decides no call by itself.
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
#include "runtime/container/sysfilter_words.h"

enum { FILTER_MAX = BPF_MAXINSNS * sizeof(struct sock_filter) };

static void auto_release(scmp_filter_ctx *ctx)
{
	if (*ctx)
		seccomp_release(*ctx);
}

static const struct {
	const char *name;
	unsigned flag;
} flags[] = {
	{ "SECCOMP_FILTER_FLAG_TSYNC", 0 }, /* one thread: nothing to synchronise */
	{ "SECCOMP_FILTER_FLAG_LOG", SECCOMP_FILTER_FLAG_LOG },
	{ "SECCOMP_FILTER_FLAG_SPEC_ALLOW", SECCOMP_FILTER_FLAG_SPEC_ALLOW },
};

void container_seccomp_features(struct strv *actions, struct strv *operators,
				struct strv *archs)
{
	sysfilter_words(actions, operators, archs);
}

/* @key's action; with an errno the number that goes with it. */
static int get_action(const json_t *j, const char *key, const char *number_key,
		      uint32_t *ret, struct err *e)
{
	const char *name = json_str(j, key, "");
	const json_t *number = json_object_get(j, number_key);
	long long n = json_int(j, number_key, EPERM);
	bool numbered;

	if (!sysfilter_action(name, (uint32_t)n & SYSFILTER_ERRNO_MOST, ret, &numbered))
		return err_msg(e, EINVAL,
			       "linux.seccomp: '%s' has the action '%s', "
			       "which is unknown",
			       key, name);
	if (number && (!json_is_integer(number) || n < 0 || n > SYSFILTER_ERRNO_MOST))
		return err_msg(e, EINVAL, "linux.seccomp: '%s' is not an errno",
			       number_key);
	if (number && !numbered)
		return err_msg(e, EINVAL, "linux.seccomp: '%s' does not go with '%s'",
			       number_key, name);
	return 0;
}

static int get_arg(const json_t *j, struct scmp_arg_cmp *ret, struct err *e)
{
	const char *op = json_str(j, "op", "");
	long long index = json_int(j, "index", -1);
	enum scmp_compare compare;

	if (!sysfilter_operator(op, &compare))
		return err_msg(e, EINVAL,
			       "linux.seccomp: the operator 'op' '%s' is unknown", op);
	if (index < 0 || index >= SYSFILTER_ARGS)
		return err_msg(e, EINVAL,
			       "linux.seccomp: an argument's 'index' is not "
			       "from 0 to 5");
	if (!json_is_integer(json_object_get(j, "value")))
		return err_msg(e, EINVAL,
			       "linux.seccomp: an argument's 'value' is not a number");
	*ret = (struct scmp_arg_cmp){
		.arg = (unsigned)index,
		.op = compare,
		.datum_a = (scmp_datum_t)json_int(j, "value", 0),
		.datum_b = (scmp_datum_t)json_int(j, "valueTwo", 0),
	};
	return 0;
}

static int add_call(scmp_filter_ctx ctx, const json_t *call, uint32_t fallback,
		    struct err *e)
{
	const json_t *names = json_object_get(call, "names"), *name;
	const json_t *list = json_object_get(call, "args");
	struct scmp_arg_cmp args[SYSFILTER_ARGS];
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

		if (!text)
			return err_msg(e, EINVAL,
				       "linux.seccomp: 'names' has a member that is not "
				       "a string");
		r = sysfilter_add_call(ctx, action, text, args, n);
		if (r < 0)
			return err_set(e, -r, "linux.seccomp: rule for '%s'", text);
	}
	return 0;
}

static int add_arch(scmp_filter_ctx ctx, const json_t *name, struct err *e)
{
	const char *text = json_string_value(name);
	int r = sysfilter_add_arch(ctx, text ? text : "");

	if (r == -EINVAL)
		return err_msg(e, EINVAL,
			       "linux.seccomp: 'architectures' has '%s', which "
			       "is unknown",
			       text ? text : "");
	return r < 0 ? err_set(e, -r, "linux.seccomp: machine '%s'", text) : 0;
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
