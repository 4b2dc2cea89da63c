/* container/sysfilter_words.c - see sysfilter_words.h. */
#include "runtime/container/sysfilter_words.h"

#include <errno.h>
#include <string.h>

#define ARCH "SCMP_ARCH_"

static const struct {
	const char *name;
	uint32_t action;
	bool numbered;
} actions[] = {
	{ "SCMP_ACT_KILL", SCMP_ACT_KILL_THREAD, false },
	{ "SCMP_ACT_KILL_PROCESS", SCMP_ACT_KILL_PROCESS, false },
	{ "SCMP_ACT_KILL_THREAD", SCMP_ACT_KILL_THREAD, false },
	{ "SCMP_ACT_TRAP", SCMP_ACT_TRAP, false },
	{ "SCMP_ACT_ERRNO", SCMP_ACT_ERRNO(0), true },
	{ "SCMP_ACT_TRACE", SCMP_ACT_TRACE(0), true },
	{ "SCMP_ACT_ALLOW", SCMP_ACT_ALLOW, false },
	{ "SCMP_ACT_LOG", SCMP_ACT_LOG, false },
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

static const char *const archs[] = {
	ARCH "X86",     ARCH "X86_64",   ARCH "X32",         ARCH "ARM",
	ARCH "AARCH64", ARCH "MIPS",     ARCH "MIPS64",      ARCH "MIPS64N32",
	ARCH "MIPSEL",  ARCH "MIPSEL64", ARCH "MIPSEL64N32", ARCH "PPC",
	ARCH "PPC64",   ARCH "PPC64LE",  ARCH "S390",        ARCH "S390X",
	ARCH "PARISC",  ARCH "PARISC64", ARCH "RISCV64",
};

bool sysfilter_action(const char *name, uint32_t number, uint32_t *ret,
		      bool *ret_numbered)
{
	for (size_t i = 0; i < ARRAY_LEN(actions); i++) {
		if (!str_eq(actions[i].name, name))
			continue;
		*ret = actions[i].action | (actions[i].numbered ? number : 0);
		if (ret_numbered)
			*ret_numbered = actions[i].numbered;
		return true;
	}
	return false;
}

bool sysfilter_operator(const char *name, enum scmp_compare *ret)
{
	for (size_t i = 0; i < ARRAY_LEN(operators); i++)
		if (str_eq(operators[i].name, name)) {
			*ret = operators[i].op;
			return true;
		}
	return false;
}

/* libseccomp's own names are the same in small letters. */
bool sysfilter_arch(const char *name, uint32_t *ret)
{
	char low[32];
	size_t i = 0, n = 0;

	while (i < ARRAY_LEN(archs) && !str_eq(archs[i], name))
		i++;
	if (i == ARRAY_LEN(archs))
		return false;
	for (const char *p = name + strlen(ARCH); *p; p++)
		low[n++] = (char)(*p >= 'A' && *p <= 'Z' ? *p | 32 : *p);
	low[n] = '\0';
	*ret = seccomp_arch_resolve_name(low);
	return true;
}

int sysfilter_add_arch(scmp_filter_ctx ctx, const char *name)
{
	uint32_t token;
	int r;

	if (!sysfilter_arch(name, &token))
		return -EINVAL;
	if (token == 0)
		return 0;
	r = seccomp_arch_add(ctx, token);
	return r == -EEXIST || r == -EDOM ? 0 : r;
}

static bool stands_twice(const struct scmp_arg_cmp *args, unsigned n)
{
	unsigned seen = 0;

	for (unsigned i = 0; i < n; i++) {
		if (seen & (1U << args[i].arg))
			return true;
		seen |= 1U << args[i].arg;
	}
	return false;
}

int sysfilter_add_call(scmp_filter_ctx ctx, uint32_t action, const char *name,
		       const struct scmp_arg_cmp *args, unsigned n)
{
	unsigned at_once = stands_twice(args, n) ? 1 : n, i = 0;
	int nr = seccomp_syscall_resolve_name(name), r;

	if (nr == __NR_SCMP_ERROR)
		return 0;
	do {
		r = seccomp_rule_add_array(ctx, action, nr, at_once, args + i);
		i += at_once;
	} while (i < n && (r == 0 || r == -EDOM));
	/* EDOM: a call of another machine only */
	return r == -EDOM ? 0 : r;
}

void sysfilter_words(struct strv *ret_actions, struct strv *ret_operators,
		     struct strv *ret_archs)
{
	for (size_t i = 0; i < ARRAY_LEN(actions); i++)
		strv_add(ret_actions, actions[i].name);
	for (size_t i = 0; i < ARRAY_LEN(operators); i++)
		strv_add(ret_operators, operators[i].name);
	for (size_t i = 0; i < ARRAY_LEN(archs); i++)
		strv_add(ret_archs, archs[i]);
}
