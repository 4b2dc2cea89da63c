/* tests/unit/test_container_apparmor.c - the kernel's list of profiles, and what is
 * decided by it. */
#include "runtime/container/apparmor.h"
#include "runtime/container/container.h"
#include "runtime/container/exact.h"
#include "tests/lib/test.h"

TEST(listed_takes_a_whole_name_only)
{
	static const char list[] = "man_groff (enforce)\n/usr/bin/man (complain)\n"
				   "a name (of two) (enforce)\nlast (kill)";
	static const struct {
		const char *name;
		bool want;
	} rows[] = {
		{ "man_groff", true },
		{ "/usr/bin/man", true },
		{ "a name (of two)", true },
		{ "last", true },
		{ "man", false },
		{ "man_groff (enforce)", false },
		{ "a name", false },
		{ "groff", false },
		{ "", false },
		{ "last (kill)", false },
		{ "man_groff (enforce)\n/usr/bin/man", false },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		CHECK_INT(container_apparmor_listed(list, rows[i].name), rows[i].want);
	CHECK(!container_apparmor_listed("", "last"));
	CHECK(!container_apparmor_listed("noblank\n\n", "noblank"));
}

TEST(a_profile_that_nobody_loaded_is_an_error_that_names_it)
{
	struct container_spec s;
	struct container_exact x;
	struct err e = ERR_INIT;
	const char *profile = "";
	bool has = access("/sys/module/apparmor", F_OK) == 0;

	container_spec_init(&s);
	s.apparmor = str_dup("no such profile");
	CHECK_INT(container_apparmor_decide(&s, &profile, &e),
		  has ? -ENOENT : -EOPNOTSUPP);
	CHECK_STR(err_text(&e),
		  has ? "AppArmor profile 'no such profile' is not loaded"
		      : "AppArmor profile 'no such profile': this host has no AppArmor");
	err_clear(&e);
	str_set(&s.apparmor, "unconfined");
	CHECK_OK(container_apparmor_decide(&s, &profile, &e), &e);
	CHECK(has ? str_eq(profile, "unconfined") : profile == NULL);
	/* an exact spec has what it tells, and nothing by default */
	container_exact_init(&x);
	s.exact = &x;
	CHECK_OK(container_apparmor_decide(&s, &profile, &e), &e);
	CHECK(profile == NULL);
	container_exact_free(&x);
	container_spec_free(&s);
}
