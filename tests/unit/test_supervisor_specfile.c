/* What a compiled spec must be before the resident trusts it. */
#include "tests/lib/test.h"

#include "runtime/supervisor/specfile.h"

struct file {
	struct sup_header h;
	struct sup_service s[3];
};

static struct file good(void)
{
	struct file f = {
		.h = { SUP_MAGIC, SUP_VERSION, 3, sizeof(struct sup_service), "app",
		       "/run/minibox", "/var/lib/minibox", "/usr/bin/minibox" },
		.s = { { .name = "db" }, { .name = "web" }, { .name = "proxy" } },
	};

	for (int i = 0; i < 3; i++) {
		f.s[i].stop_signal = 15;
		f.s[i].n_deps = i > 0;
		f.s[i].deps[0].service = (uint16_t)(i > 0 ? i - 1 : 0);
	}
	return f;
}

static const char *check(const struct file *f)
{
	return specfile_check(f, sizeof(*f));
}

TEST(a_good_one_passes_in_any_order_of_services)
{
	struct file f = good();

	CHECK(!check(&f));
	f.s[0].n_deps = 1;
	f.s[0].deps[0].service = 2;
	f.s[1].n_deps = 0;
	CHECK(!check(&f));
	f.h.n_services = 0;
	CHECK(!specfile_check(&f, sizeof(f.h)));
}

TEST(size_and_version_are_checked)
{
	struct file f = good();

	CHECK_STR(specfile_check(&f, 7), "not made by this version of minibox");
	CHECK_STR(specfile_check(&f, sizeof(f) - 1), "its size is wrong");
	f.h.n_services = SUP_SERVICES + 1;
	CHECK_STR(check(&f), "its size is wrong");
	f = good();
	f.h.version++;
	CHECK_STR(check(&f), "not made by this version of minibox");
}

TEST(names_are_checked)
{
	static const char *const bad[] = { "", ".", "..", ".spec", "a/b" };
	struct file f = good();

	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		snprintf(f.s[1].name, SUP_NAME, "%s", bad[i]);
		CHECK_STR(check(&f), "a service's name is not one");
	}
	memset(f.s[1].name, 'x', SUP_NAME);
	CHECK_STR(check(&f), "a service's name is not one");
	f = good();
	snprintf(f.s[2].name, SUP_NAME, "db");
	CHECK_STR(check(&f), "a service's name stands twice");
	f = good();
	memset(f.h.root_dir, 'x', sizeof(f.h.root_dir));
	CHECK_STR(check(&f), "a string of its header is wrong");
}

TEST(dependencies_are_checked)
{
	struct file f = good();

	f.s[0].n_deps = 1;
	f.s[0].deps[0].service = 2;
	CHECK_STR(check(&f), "services depend on each other in a circle");
	f.s[0].deps[0].service = 0;
	CHECK_STR(check(&f), "services depend on each other in a circle");
	f.s[0].deps[0].service = 3;
	CHECK_STR(check(&f), "a dependency is out of range");
	f.s[0].n_deps = SUP_DEPS + 1;
	CHECK_STR(check(&f), "too many dependencies");
	f = good();
	f.s[0].stop_signal = 0;
	CHECK_STR(check(&f), "a stop signal is out of range");
	f = good();
	f.s[0].health = SUP_HEALTH_UNIX + 1;
	CHECK_STR(check(&f), "an unknown kind of restart or healthcheck");
}
