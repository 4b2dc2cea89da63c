/* tests/unit/test_container_exact.c - what an exact spec is compiled from; what it makes
 * of a process is shown by tests/integration/27-oci.sh. */
#include <linux/seccomp.h>

#include "runtime/container/exact.h"
#include "tests/lib/test.h"

static int compile(const char *text, struct sock_fprog *ret, unsigned *flags,
		   struct err *e)
{
	AUTO_JSON json_t *j = NULL;

	CHECK_OK(json_parse(text, strlen(text), "text", &j, e), e);
	return container_seccomp_compile(j, ret, flags, e);
}

TEST(seccomp_of_all_members_is_compiled)
{
	struct sock_fprog f = { 0 };
	unsigned flags = 0;
	struct err e = ERR_INIT;

	CHECK_OK(
		compile("{\"defaultAction\":\"SCMP_ACT_ERRNO\",\"defaultErrnoRet\":38,"
			"\"architectures\":[\"SCMP_ARCH_X86_64\",\"SCMP_ARCH_X86\","
			"\"SCMP_ARCH_S390X\"],\"flags\":[\"SECCOMP_FILTER_FLAG_LOG\"],"
			"\"syscalls\":[{\"names\":[\"read\",\"no_such_call\"],\"action\":"
			"\"SCMP_ACT_ALLOW\"},{\"names\":[\"personality\"],\"action\":"
			"\"SCMP_ACT_ALLOW\",\"args\":[{\"index\":0,\"value\":0,\"op\":"
			"\"SCMP_CMP_EQ\"},{\"index\":0,\"value\":8,\"op\":"
			"\"SCMP_CMP_EQ\"}]}]}",
			&f, &flags, &e),
		&e);
	CHECK(f.len > 4);
	CHECK_INT(flags, SECCOMP_FILTER_FLAG_LOG);
	free(f.filter);
}

TEST(seccomp_names_what_it_does_not_know)
{
	static const struct {
		const char *text, *want;
	} rows[] = {
		{ "{}",
		  "linux.seccomp: 'defaultAction' has the action '', which is unknown" },
		{ "{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"defaultErrnoRet\":1}",
		  "linux.seccomp: 'defaultErrnoRet' does not go with 'SCMP_ACT_ALLOW'" },
		{ "{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"architectures\":[\"X\"]}",
		  "linux.seccomp: 'architectures' has 'X', which is unknown" },
		{ "{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"flags\":[\"X\"]}",
		  "linux.seccomp: 'flags' has 'X', which is not supported" },
		{ "{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"listenerPath\":\"/x\"}",
		  "linux.seccomp: 'listenerPath' is not supported" },
		{ "{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"syscalls\":[{\"names\":[],"
		  "\"action\":\"SCMP_ACT_KILL\"}]}",
		  "linux.seccomp: 'names' is not a list of calls" },
		{ "{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"syscalls\":[{\"names\":["
		  "\"read\"],"
		  "\"action\":\"SCMP_ACT_KILL\",\"args\":[{\"index\":6,\"value\":1,"
		  "\"op\":"
		  "\"SCMP_CMP_EQ\"}]}]}",
		  "linux.seccomp: an argument's 'index' is not from 0 to 5" },
		{ "{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"syscalls\":[{\"names\":["
		  "\"read\"],"
		  "\"action\":\"SCMP_ACT_ERRNO\",\"errnoRet\":5000}]}",
		  "linux.seccomp: 'errnoRet' is not an errno" },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct sock_fprog f = { 0 };
		struct err e = ERR_INIT;
		unsigned flags;

		CHECK(compile(rows[i].text, &f, &flags, &e) < 0);
		CHECK_STR(err_text(&e), rows[i].want);
		CHECK(f.filter == NULL);
	}
}

TEST(capabilities_are_told_by_their_full_names)
{
	AUTO_STRV struct strv names = STRV_INIT, all = STRV_INIT;
	uint64_t bits = 0;
	struct err e = ERR_INIT;

	container_caps_names(&all);
	CHECK(all.n > 37);
	CHECK_STR(all.v[0], "CAP_CHOWN");
	strv_add(&names, "CAP_CHOWN");
	strv_add(&names, "CAP_KILL");
	CHECK_OK(container_caps_parse(&names, &bits, &e), &e);
	CHECK_INT(bits, 0x21);
	strv_add(&names, "ALL");
	CHECK_INT(container_caps_parse(&names, &bits, &e), -EINVAL);
}
