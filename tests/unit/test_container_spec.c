/* tests/unit/test_container_spec.c - the spec survives being stored; a damaged one is
 * refused. */
#include <sys/resource.h>

#include "runtime/container/spec.h"
#include "tests/lib/test.h"

static struct container_spec full(void)
{
	struct container_spec s;
	struct container_mount *m;

	container_spec_init(&s);
	strv_add(&s.args, "/bin/x");
	strv_add(&s.args, "a b");
	strv_add(&s.env, "A=\"1\"\n2");
	s.user = str_dup("app:1");
	s.cwd = str_dup("/srv");
	s.hostname = str_dup("box");
	s.init_path = str_dup("/usr/lib/minibox-init");
	s.launcher = str_dup("/usr/lib/other-init");
	s.apparmor = str_dup("my profile");
	s.read_only = s.privileged = s.seccomp_off = s.tty = true;
	s.no_new_privs = false;
	strv_add(&s.cap_add, "NET_ADMIN");
	strv_add(&s.cap_drop, "ALL");
	strv_add(&s.sysctls, "net.core.somaxconn=9");
	s.shm_bytes = 1 << 20;
	s.host_id_base = 1879048192;
	m = container_spec_add_mount(&s);
	m->source = str_dup("/from");
	m->target = str_dup("/to");
	m->read_only = m->idmap = true;
	m = container_spec_add_mount(&s);
	m->type = CONTAINER_MOUNT_TMPFS;
	m->target = str_dup("/tmp");
	m->options = str_dup("size=1m");
	m->nosuid = m->nodev = m->noexec = true;
	s.rlimits = mem_new(1, sizeof(*s.rlimits));
	s.rlimits[0] = (struct container_rlimit){ RLIMIT_NOFILE, 7, RLIM_INFINITY };
	s.n_rlimits = 1;
	return s;
}

TEST(spec_is_the_same_after_format_and_parse)
{
	struct container_spec s = full(), t;
	AUTO_JSON json_t *a = container_spec_format(&s), *b = NULL;
	struct err e = ERR_INIT;

	container_spec_init(&t);
	CHECK_OK(container_spec_parse(a, &t, &e), &e);
	b = container_spec_format(&t);
	CHECK(json_equal(a, b));
	CHECK_INT(t.rlimits[0].hard == RLIM_INFINITY, 1);
	CHECK_STR(t.env.v[0], "A=\"1\"\n2");
	CHECK_STR(t.launcher, "/usr/lib/other-init");
	CHECK_STR(t.apparmor, "my profile");
	CHECK(t.mounts[1].type == CONTAINER_MOUNT_TMPFS && t.mounts[0].idmap);
	CHECK(t.mounts[0].source_fd == -1 && t.rootfs_fd == -1 && !t.no_new_privs);
	container_spec_free(&s);
	container_spec_free(&t);
}

TEST(spec_parse_names_a_bad_member)
{
	static const struct {
		const char *text, *want;
	} rows[] = {
		{ "[]", "container spec: not an object" },
		{ "{\"no_new_privs\":0}",
		  "container spec: member 'no_new_privs' has the wrong type" },
		{ "{\"cap_drop\":\"ALL\"}",
		  "container spec: member 'cap_drop' has the wrong type" },
		{ "{\"mounts\":[{\"type\":\"bind\"}]}",
		  "container spec: a mount has no 'target'" },
		{ "{\"mounts\":[{\"type\":\"x\",\"target\":\"/\"}]}",
		  "container spec: mount type 'x' is unknown" },
		{ "{\"rlimits\":[1]}", "an rlimit: container spec: not an object" },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		AUTO_JSON json_t *j = NULL;
		struct container_spec s;
		struct err e = ERR_INIT;

		container_spec_init(&s);
		CHECK_OK(json_parse(rows[i].text, strlen(rows[i].text), "row", &j, &e),
			 &e);
		CHECK_INT(container_spec_parse(j, &s, &e), -EINVAL);
		CHECK_STR(err_text(&e), rows[i].want);
		container_spec_free(&s);
	}
}
