/* tests/unit/test_oci_config.c - config.json becomes a spec; a bad member is named. */
#include <sched.h>
#include <sys/mount.h>
#include <sys/resource.h>

#include "runtime/oci/config.h"
#include "runtime/oci/member.h"
#include "tests/lib/test.h"

#define HEAD "{\"ociVersion\":\"1.2.0\",\"root\":{\"path\":\"r\",\"readonly\":true},"
#define PROCESS "\"process\":{\"cwd\":\"/\",\"args\":[\"a\",\"b c\"]}"
#define LINUX "\"linux\":{\"namespaces\":[{\"type\":\"mount\"}]}"

static int parse(const char *text, struct oci_config *c, struct err *e)
{
	AUTO_JSON json_t *j = NULL;
	int r = oci_json_parse(text, strlen(text), "config.json", &j, e);

	oci_config_init(c);
	return r < 0 ? r : oci_config_parse(j, "/bundle", c, e);
}

TEST(config_of_the_least_kind_is_taken)
{
	struct oci_config c;
	struct err e = ERR_INIT;

	CHECK_OK(parse(HEAD PROCESS "," LINUX "}", &c, &e), &e);
	CHECK_STR(c.rootfs, "/bundle/r");
	CHECK(c.spec.read_only && !c.spec.no_new_privs && !c.exact.host_mounts);
	CHECK_INT(c.spec.args.n, 2);
	CHECK_INT(c.exact.new_ns, CLONE_NEWNS);
	CHECK_INT(c.exact.umask, 022);
	CHECK_INT(c.exact.bounding, 0);
	oci_config_free(&c);
}

TEST(config_tells_the_process_in_every_detail)
{
	struct oci_config c;
	struct err e = ERR_INIT;

	CHECK_OK(parse(HEAD LINUX
		       ",\"process\":{\"cwd\":\"/\",\"args\":[\"a\"],\"env\":[\"A=b\"],"
		       "\"user\":{\"uid\":3,\"gid\":4,\"umask\":63,\"additionalGids\":[5,"
		       "6]},\"capabilities\":{\"bounding\":[\"CAP_KILL\"],\"ambient\":["
		       "\"CAP_CHOWN\"]},\"rlimits\":[{\"type\":\"RLIMIT_NOFILE\","
		       "\"soft\":18446744073709551615,\"hard\":18446744073709551615}],"
		       "\"oomScoreAdj\":-5,\"noNewPrivileges\":true,\"terminal\":true,"
		       "\"consoleSize\":{\"height\":2,\"width\":3}},\"unknown\":1}",
		       &c, &e),
		 &e);
	CHECK_INT(c.exact.uid, 3);
	CHECK_INT(c.exact.groups[1], 6);
	CHECK_INT(c.exact.umask, 077);
	CHECK_INT(c.exact.bounding, 1 << 5);
	CHECK_INT(c.exact.ambient, 1);
	CHECK(c.spec.rlimits[0].soft == RLIM_INFINITY && c.spec.no_new_privs);
	CHECK(c.exact.set_oom_score_adj && c.exact.oom_score_adj == -5);
	CHECK(c.spec.tty && c.exact.rows == 2 && c.exact.columns == 3);
	oci_config_free(&c);
}

TEST(config_mounts_become_attributes_propagation_and_data)
{
	const struct container_exact_mount *m;
	struct oci_config c;
	struct err e = ERR_INIT;

	CHECK_OK(parse(HEAD PROCESS
		       "," LINUX
		       ",\"mounts\":[{\"destination\":\"/t\",\"type\":\"tmpfs\","
		       "\"source\":\"x\",\"options\":[\"nosuid\",\"ro\","
		       "\"rw\",\"mode=1\",\"size=2\",\"tmpcopyup\"]},"
		       "{\"destination\":\"b\",\"source\":\"s\",\"options\":["
		       "\"rbind\",\"rro\",\"rslave\",\"noatime\"]},"
		       "{\"destination\":\"/c\",\"type\":\"cgroup\"}]}",
		       &c, &e),
		 &e);
	m = c.exact.mounts;
	CHECK_INT(m[0].set, MOUNT_ATTR_NOSUID);
	CHECK_INT(m[0].clear, MOUNT_ATTR_RDONLY);
	CHECK_STR(m[0].data, "mode=1,size=2");
	CHECK(m[0].kind == CONTAINER_EXACT_FS && m[0].copy_up);
	CHECK(m[1].kind == CONTAINER_EXACT_BIND && m[1].recursive);
	CHECK_STR(m[1].source, "/bundle/s");
	CHECK_STR(m[1].target, "/b");
	CHECK_INT(m[1].set_rec, MOUNT_ATTR_RDONLY);
	CHECK_INT(m[1].propagation, MS_SLAVE);
	CHECK_INT(m[1].clear, MOUNT_ATTR__ATIME);
	CHECK(m[2].kind == CONTAINER_EXACT_CGROUP);
	oci_config_free(&c);
}

TEST(config_names_a_bad_member)
{
	static const struct {
		const char *text, *want;
	} rows[] = {
		{ "[]", "config: 'config.json' is not an object" },
		{ "{}", "config: 'ociVersion' is missing" },
		{ "{\"ociVersion\":\"2.0\"}",
		  "config: 'ociVersion' is 2.0; 1.x is supported" },
		{ "{\"ociVersion\":\"1.0\"}", "config: 'root.path' is missing" },
		{ "{\"ociVersion\":\"1.0\",\"root\":1}",
		  "config: 'root' is not an object" },
		{ HEAD LINUX "}", "config: 'process' is missing" },
		{ HEAD LINUX ",\"process\":{\"cwd\":\"/\"}}",
		  "config: 'process.args' is missing or empty" },
		{ HEAD LINUX ",\"process\":{\"cwd\":\"x\",\"args\":[\"a\"]}}",
		  "config: 'process.cwd' is not absolute: x" },
		{ HEAD LINUX ",\"process\":{\"cwd\":\"/\",\"args\":[\"a\"],\"rlimits\":[{"
			     "\"type\":\"RLIMIT_X\",\"soft\":1,\"hard\":1}]}}",
		  "config: 'process.rlimits.type' is RLIMIT_X, which is unknown" },
		{ HEAD LINUX ",\"process\":{\"cwd\":\"/\",\"args\":[\"a\"],"
			     "\"capabilities\":{\"bounding\":[\"KILL\"]}}}",
		  "config: 'process.capabilities.bounding': capability 'KILL' is "
		  "unknown" },
		{ HEAD LINUX ",\"process\":{\"cwd\":\"/\",\"args\":[\"a\"],\"user\":{"
			     "\"uid\":-1}}}",
		  "config: 'process.user.uid' is not from 0 to 4294967294" },
		{ HEAD PROCESS ",\"linux\":{\"namespaces\":[{\"type\":\"x\"}]}}",
		  "config: 'linux.namespaces.type' is x, which is unknown" },
		{ HEAD PROCESS ",\"linux\":{\"namespaces\":[{\"type\":\"pid\"},{\"type\":"
			       "\"pid\"}]}}",
		  "config: 'linux.namespaces.type' pid stands there twice" },
		{ HEAD PROCESS ",\"linux\":{\"namespaces\":[{\"type\":\"user\"}]}}",
		  "config: 'linux.uidMappings' and 'gidMappings' are missing for the "
		  "user "
		  "namespace" },
		{ HEAD PROCESS ",\"linux\":{\"sysctl\":{\"net.x\":\"1\"}}}",
		  "config: 'linux.sysctl.net.x' wants a namespace of type network" },
		{ HEAD PROCESS ",\"linux\":{\"rootfsPropagation\":\"x\"}}",
		  "config: 'linux.rootfsPropagation' is x, which is unknown" },
		{ HEAD PROCESS ",\"linux\":{\"maskedPaths\":[\"x\"]}}",
		  "config: 'linux.maskedPaths' has 'x', which is not absolute" },
		{ HEAD PROCESS ",\"linux\":{\"seccomp\":{\"defaultAction\":\"X\"}}}",
		  "config: linux.seccomp: 'defaultAction' has the action 'X', which is "
		  "unknown" },
		{ HEAD PROCESS ",\"linux\":{\"personality\":{}}}",
		  "config: 'linux.personality' is not supported" },
		{ HEAD PROCESS ",\"hostname\":\"h\"," LINUX "}",
		  "config: 'hostname' and 'domainname' want a namespace of type uts" },
		{ HEAD PROCESS "," LINUX ",\"mounts\":[{\"destination\":\"/x\"}]}",
		  "config: 'mounts.type' is missing for the mount on /x" },
		{ HEAD PROCESS "," LINUX ",\"mounts\":[1]}",
		  "config: 'mounts' has a member that is not an object" },
		{ HEAD PROCESS "," LINUX ",\"hooks\":{\"poststop\":[{\"path\":\"x\"}]}}",
		  "config: 'hooks.poststop.path' is not absolute: x" },
		{ HEAD PROCESS "," LINUX ",\"annotations\":{\"a\":1}}",
		  "config: 'annotations.a' is not a string" },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct oci_config c;
		struct err e = ERR_INIT;

		CHECK(parse(rows[i].text, &c, &e) < 0);
		CHECK_STR(err_text(&e), rows[i].want);
		oci_config_free(&c);
	}
}

TEST(numbers_of_64_bits_are_wrapped_outside_of_strings_only)
{
	static const char text[] =
		"{\"a\":18446744073709551615,\"b\":\"18446744073709551615\\\"9\","
		"\"c\":9223372036854775807,\"d\":-5,\"e\":1.5}";
	AUTO_JSON json_t *j = NULL;
	struct err e = ERR_INIT;

	CHECK_OK(oci_json_parse(text, strlen(text), "x", &j, &e), &e);
	CHECK_INT(json_int(j, "a", 0), -1);
	CHECK_STR(json_str(j, "b", ""), "18446744073709551615\"9");
	CHECK_INT(json_int(j, "c", 0), INT64_MAX);
	CHECK_INT(json_int(j, "d", 0), -5);
}
