/*
 * container/sysfilter_profile.c - a filter as somebody else's profile has it. See
 * sysfilter.h.
 *
 * Knows the JSON of Docker's seccomp profiles (moby, profiles/seccomp/seccomp.go), which
 * is that of the OCI runtime-spec with conditions on capabilities, kernel and machine. A
 * member that would change the filter and that is not known is an error, never skipped.
 */
#include <errno.h>
#include <seccomp.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/capability.h>
#include <sys/utsname.h>

#include "runtime/base/json.h"
#include "runtime/container/container.h"
#include "runtime/container/sysfilter.h"
#include "runtime/container/sysfilter_words.h"

static int bad(struct err *e, const char *what, const char *value)
{
	return err_msg(e, EINVAL, "seccomp profile: %s '%s'", what, value);
}

/* Members that are in @obj but not in @known (words separated by spaces). */
static int check_members(const json_t *obj, const char *known, struct err *e)
{
	AUTO_STRV struct strv names = STRV_INIT;
	const char *key;
	json_t *v;

	if (!json_is_object(obj))
		return bad(e, "not an object where one is due, beside", known);
	strv_split(&names, known, " ");
	json_object_foreach ((json_t *)obj, key, v)
		if (!strv_has(&names, key))
			return bad(e, "unknown member", key);
	return 0;
}

/* Arrays of strings or of objects where they are there (null is Go's empty one): what has
 * another type would be a rule that is missing. */
static int check_arrays(const json_t *obj, const char *strings, const char *objects,
			struct err *e)
{
	AUTO_STRV struct strv names = STRV_INIT;
	size_t n_strings;

	strv_split(&names, strings, " ");
	n_strings = names.n;
	strv_split(&names, objects, " ");
	strv_foreach (i, &names) {
		const json_t *list = json_object_get(obj, names.v[i]), *item;
		size_t k;

		if (list && !json_is_null(list) && !json_is_array(list))
			return bad(e, "no array at", names.v[i]);
		json_array_foreach (list, k, item)
			if (i < n_strings ? !json_is_string(item) : !json_is_object(item))
				return bad(e, "an element of the wrong type in",
					   names.v[i]);
	}
	return 0;
}

static int read_action(const json_t *obj, const char *key, const char *errno_key,
		       long long errno_default, uint32_t *ret, struct err *e)
{
	const char *name = json_str(obj, key, "");
	long long n = json_int(obj, errno_key, errno_default);

	if (n < 0 || n > SYSFILTER_ERRNO_MOST)
		return bad(e, "a number that is no errno in", errno_key);
	return sysfilter_action(name, (uint32_t)n, ret, NULL)
		       ? 0
		       : bad(e, "unknown action", name);
}

static int add_archs(scmp_filter_ctx ctx, const json_t *list, struct err *e)
{
	const json_t *item;
	size_t i;

	json_array_foreach (list, i, item) {
		const char *name = json_string_value(item);

		if (sysfilter_add_arch(ctx, name ? name : "") < 0)
			return bad(e, "unknown architecture", name ? name : "");
	}
	return 0;
}

/* archMap: only the row of this machine counts. */
static int add_machine(scmp_filter_ctx ctx, const json_t *j, struct err *e)
{
	const json_t *map = json_object_get(j, "archMap"), *row;
	const json_t *list = json_object_get(j, "architectures");
	uint32_t token;
	size_t i;
	int r;

	if (json_array_size(map) && json_array_size(list))
		return bad(e, "'architectures' stands beside", "archMap");
	json_array_foreach (map, i, row) {
		r = check_members(row, "architecture subArchitectures", e);
		if (r == 0)
			r = check_arrays(row, "subArchitectures", "", e);
		if (r < 0)
			return r;
		if (!sysfilter_arch(json_str(row, "architecture", ""), &token))
			return bad(e, "unknown architecture",
				   json_str(row, "architecture", ""));
		if (token == seccomp_arch_native())
			return add_archs(ctx, json_object_get(row, "subArchitectures"),
					 e);
	}
	return add_archs(ctx, list, e);
}

static bool kernel_is_at_least(const char *text)
{
	unsigned want[2] = { 0 }, is[2] = { 0 };
	struct utsname u;

	if (uname(&u) < 0 || sscanf(text, "%u.%u", &want[0], &want[1]) < 1 ||
	    sscanf(u.release, "%u.%u", &is[0], &is[1]) < 1)
		return false;
	return is[0] > want[0] || (is[0] == want[0] && is[1] >= want[1]);
}

/* Go's names, as Docker has them here. */
static const char *go_arch(void)
{
	static const struct {
		uint32_t token;
		const char *name;
	} names[] = {
		{ SCMP_ARCH_X86_64, "amd64" },    { SCMP_ARCH_X86, "386" },
		{ SCMP_ARCH_AARCH64, "arm64" },   { SCMP_ARCH_ARM, "arm" },
		{ SCMP_ARCH_PPC64LE, "ppc64le" }, { SCMP_ARCH_S390X, "s390x" },
		{ SCMP_ARCH_RISCV64, "riscv64" },
	};

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (names[i].token == seccomp_arch_native())
			return names[i].name;
	return "";
}

struct condition { /* what a filter of includes or excludes says, "unset" where it says
		      nothing */
	bool has_caps, all_caps, any_cap;
	bool has_arch, arch;
	bool has_kernel, kernel;
};

static int read_condition(const json_t *j, uint64_t caps, struct condition *ret,
			  struct err *e)
{
	AUTO_STRV struct strv names = STRV_INIT, archs = STRV_INIT;
	const char *kernel;
	int r;

	*ret = (struct condition){ .all_caps = true };
	if (!j || json_is_null(j))
		return 0;
	r = check_members(j, "caps arches minKernel", e);
	if (r == 0)
		r = check_arrays(j, "caps arches", "", e);
	if (r < 0)
		return r;
	json_strv(j, "caps", &names);
	json_strv(j, "arches", &archs);
	kernel = json_str(j, "minKernel", NULL);
	ret->has_caps = names.n > 0;
	strv_foreach (i, &names) {
		cap_value_t v;
		bool known = cap_from_name(names.v[i], &v) == 0;
		bool has = known && (caps & (UINT64_C(1) << v));

		ret->all_caps &= has;
		ret->any_cap |= has;
	}
	ret->has_arch = archs.n > 0;
	ret->arch = strv_has(&archs, go_arch());
	ret->has_kernel = kernel != NULL;
	ret->kernel = kernel && kernel_is_at_least(kernel);
	return 0;
}

/* 1 if the row counts here, 0 if not. */
static int applies(const json_t *row, uint64_t caps, struct err *e)
{
	struct condition in, out;
	int r = read_condition(json_object_get(row, "includes"), caps, &in, e);

	if (r == 0)
		r = read_condition(json_object_get(row, "excludes"), caps, &out, e);
	if (r < 0)
		return r;
	if (out.any_cap || out.arch || out.kernel)
		return 0;
	return in.all_caps && (in.arch || !in.has_arch) && (in.kernel || !in.has_kernel);
}

static int read_arg(const json_t *j, struct scmp_arg_cmp *ret, struct err *e)
{
	long long index = json_int(j, "index", -1);
	const char *op = json_str(j, "op", "");
	enum scmp_compare compare;
	int r = check_members(j, "index value valueTwo op", e);

	if (r < 0)
		return r;
	if (!sysfilter_operator(op, &compare) || index < 0 || index >= SYSFILTER_ARGS)
		return bad(e, "an argument's rule is wrong, its operator is", op);
	*ret = (struct scmp_arg_cmp){
		.arg = (unsigned)index,
		.op = compare,
		.datum_a = (scmp_datum_t)json_int(j, "value", 0),
		.datum_b = (scmp_datum_t)json_int(j, "valueTwo", 0),
	};
	return 0;
}

static int add_row(scmp_filter_ctx ctx, const json_t *row, uint64_t caps,
		   uint32_t default_action, long long errno_default, struct err *e)
{
	const json_t *list = json_object_get(row, "args"), *item;
	struct scmp_arg_cmp args[SYSFILTER_ARGS];
	AUTO_STRV struct strv names = STRV_INIT;
	uint32_t action = 0;
	size_t i;
	int r = check_members(
		row, "names name action errnoRet args comment includes excludes", e);

	if (r == 0)
		r = check_arrays(row, "names", "args", e);
	if (r == 0)
		r = read_action(row, "action", "errnoRet", errno_default, &action, e);
	if (r == 0 && json_array_size(list) > SYSFILTER_ARGS)
		r = bad(e, "too many arguments in a rule of",
			json_str(row, "name", "names"));
	json_array_foreach (list, i, item)
		if (r == 0)
			r = read_arg(item, &args[i], e);
	if (r == 0)
		r = applies(row, caps, e);
	if (r <= 0)
		return r;
	/* libseccomp refuses a rule that says what happens anyway */
	if (action == default_action)
		return 0;
	json_strv(row, "names", &names);
	if (json_str(row, "name", NULL))
		strv_add(&names, json_str(row, "name", NULL));
	r = names.n ? 0 : bad(e, "a rule has no", "names");
	for (size_t k = 0; k < names.n && r == 0; k++) {
		r = sysfilter_add_call(ctx, action, names.v[k], args,
				       (unsigned)json_array_size(list));
		if (r < 0)
			err_set(e, -r, "seccomp profile: rule for '%s'", names.v[k]);
	}
	return r;
}

int sysfilter_profile(const char *text, uint64_t caps, scmp_filter_ctx *ret,
		      struct err *e)
{
	AUTO_JSON json_t *j = NULL;
	const json_t *row;
	uint32_t action = 0;
	scmp_filter_ctx ctx;
	long long number;
	size_t i;
	int r = json_parse(text, strlen(text), "seccomp profile", &j, e);

	if (r == 0)
		r = check_members(j,
				  "defaultAction defaultErrnoRet archMap architectures "
				  "syscalls comment",
				  e);
	if (r == 0)
		r = check_arrays(j, "architectures", "archMap syscalls", e);
	if (r < 0)
		return r;
	number = json_int(j, "defaultErrnoRet", EPERM);
	r = read_action(j, "defaultAction", "defaultErrnoRet", EPERM, &action, e);
	if (r < 0)
		return r;
	ctx = seccomp_init(action);
	if (!ctx)
		return err_set(e, ENOMEM, "set up 'seccomp' filter");
	r = add_machine(ctx, j, e);
	json_array_foreach (json_object_get(j, "syscalls"), i, row)
		if (r == 0)
			r = add_row(ctx, row, caps, action, number, e);
	if (r == 0)
		*ret = ctx;
	else
		seccomp_release(ctx);
	return r;
}

int container_seccomp_check(const char *profile, struct err *e)
{
	scmp_filter_ctx ctx = NULL;
	/* with every capability: the rows that a lesser service would skip are read, too
	 */
	int r = sysfilter_profile(profile, UINT64_MAX, &ctx, e);

	if (ctx)
		seccomp_release(ctx);
	return r;
}
