/* tests/unit/test_oci_resources.c - where a container's cgroup is. The files' values are
 * shown by tests/integration/27-oci.sh, on a kernel. */
#include "runtime/oci/resources.h"
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
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		AUTO_FREE char *path = NULL;
		struct err e = ERR_INIT;

		CHECK_OK(oci_cgroup_path(rows[i].told, "id", rows[i].systemd, &path, &e),
			 &e);
		CHECK_STR(path, rows[i].want);
	}
}

TEST(cgroup_path_of_systemd_needs_its_three_parts)
{
	AUTO_FREE char *path = NULL;
	struct err e = ERR_INIT;

	CHECK_INT(oci_cgroup_path("/a/b", "id", true, &path, &e), -EINVAL);
	CHECK_STR(err_text(&e),
		  "config: 'linux.cgroupsPath' is not SLICE:PREFIX:NAME, as "
		  "--systemd-cgroup wants");
}
