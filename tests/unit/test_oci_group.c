/* tests/unit/test_oci_group.c - where a container's cgroup is. What is removed of it is
 * shown by tests/integration/27-oci.sh, on a kernel. */
#include "runtime/oci/group.h"
#include "tests/lib/test.h"

TEST(cgroup_path_is_relative_whatever_was_told)
{
	static const struct {
		const char *told;
		bool systemd;
		const char *want;
	} rows[] = {
		{ NULL, false, "minibox-oci/id" },
		{ "", true, "minibox-oci/id" },
		{ "/a/b", false, "a/b" },
		{ "a/b", false, "a/b" },
		{ "m.slice:libpod:x", true, "m.slice/libpod-x.scope" },
		{ ":p:x", true, "system.slice/p-x.scope" },
		{ "a-b-c.slice:p:x", true, "a.slice/a-b.slice/a-b-c.slice/p-x.scope" },
		{ "-.slice::x", true, "x.scope" },
		{ "/", false, "minibox-oci" },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		AUTO_FREE char *path = NULL;
		struct err e = ERR_INIT;

		CHECK_OK(oci_cgroup_path(rows[i].told, "id", rows[i].systemd, &path, &e),
			 &e);
		CHECK_STR(path, rows[i].want);
	}
}

TEST(cgroup_path_of_systemd_needs_its_three_parts_and_a_slice)
{
	static const char form[] =
		"config: 'linux.cgroupsPath' is not SLICE:PREFIX:NAME, "
		"as --systemd-cgroup wants";
	static const struct {
		const char *told, *want;
	} rows[] = {
		{ "/a/b", form },
		{ "a.slice:x", form },
		{ "a.slice:p:", form },
		{ "a.slice:p:../x", form },
		{ "a:p:x", "config: 'linux.cgroupsPath' has 'a', no name of a slice" },
		{ "a--b.slice:p:x",
		  "config: 'linux.cgroupsPath' has 'a--b.slice', no name of a slice" },
		{ "../a.slice:p:x",
		  "config: 'linux.cgroupsPath' has '../a.slice', no name of a slice" },
		{ ".slice:p:x",
		  "config: 'linux.cgroupsPath' has '.slice', no name of a slice" },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		AUTO_FREE char *path = NULL;
		struct err e = ERR_INIT;

		CHECK_INT(oci_cgroup_path(rows[i].told, "id", true, &path, &e), -EINVAL);
		CHECK_STR(err_text(&e), rows[i].want);
	}
}
