/* tests/unit/test_container_user.c - users by an image's own files, also hostile ones. */
#include "runtime/container/container.h"
#include "tests/lib/test.h"

static int image(const char *passwd, const char *group)
{
	int dir = scratch_dir();
	struct err e = ERR_INIT;

	CHECK(mkdirat(dir, "etc", 0755) == 0);
	if (passwd)
		CHECK_OK(fd_write_file(dir, "etc/passwd", passwd, strlen(passwd), 0644,
				       &e),
			 &e);
	if (group)
		CHECK_OK(fd_write_file(dir, "etc/group", group, strlen(group), 0644, &e),
			 &e);
	return dir;
}

static const char passwd[] = "root:x:0:0:root:/root:/bin/sh\n"
			     "\n# comment\nbroken:line\n"
			     "999:x:1:1:a name of digits:/digits:\n"
			     "app:x:1000:1001::/home/app:/bin/sh\n"
			     "twin:x:1000:1002::/home/twin:/bin/sh\n"
			     "nohome:x:1003:1003:::\n";
static const char groups[] = "root:x:0:\napp:x:1001:\nextra:x:2000:other,app\n"
			     "more:x:2001:app\nmore2:x:2001:app\napple:x:2002:apple\n";

TEST(user_table)
{
	static const struct {
		const char *user;
		unsigned uid, gid;
		size_t n_groups;
		const char *home;
	} rows[] = {
		{ "", 0, 0, 0, "/root" },
		{ "root", 0, 0, 0, "/root" },
		{ "app", 1000, 1001, 2, "/home/app" },
		{ "1000", 1000, 1001, 2, "/home/app" },
		{ "twin", 1000, 1002, 0, "/home/twin" },
		{ "999", 1, 1, 0, "/digits" },
		{ "app:0", 1000, 0, 0, "/home/app" },
		{ "app:extra", 1000, 2000, 0, "/home/app" },
		{ "4000", 4000, 0, 0, "/" },
		{ "4000:5000", 4000, 5000, 0, "/" },
		{ ":2000", 0, 2000, 0, "/root" },
		{ "nohome", 1003, 1003, 0, "/" },
	};
	AUTO_CLOSE int dir = image(passwd, groups);

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct container_user u;
		struct err e = ERR_INIT;

		printf("# '%s'\n", rows[i].user);
		CHECK_OK(container_user_resolve(dir, rows[i].user, &u, &e), &e);
		CHECK_INT(u.uid, rows[i].uid);
		CHECK_INT(u.gid, rows[i].gid);
		if (!strchr(rows[i].user, ':'))
			CHECK_INT(u.n_groups, rows[i].n_groups);
		CHECK_STR(u.home, rows[i].home);
		container_user_free(&u);
	}
}

TEST(user_with_a_group_of_its_own_gets_no_others)
{
	AUTO_CLOSE int dir = image(passwd, groups);
	struct container_user u;
	struct err e = ERR_INIT;

	CHECK_OK(container_user_resolve(dir, "app:0", &u, &e), &e);
	CHECK_INT(u.n_groups, 0);
}

TEST(user_unknown_is_named)
{
	AUTO_CLOSE int dir = image(passwd, groups);
	struct container_user u;
	struct err e = ERR_INIT;

	CHECK_INT(container_user_resolve(dir, "nobody", &u, &e), -ENOENT);
	CHECK_STR(err_text(&e), "user 'nobody' is not in the container's /etc/passwd");
	err_clear(&e);
	CHECK_INT(container_user_resolve(dir, "app:staff", &u, &e), -ENOENT);
	CHECK_STR(err_text(&e), "group 'staff' is not in the container's /etc/group");
}

TEST(user_of_an_image_without_files)
{
	AUTO_CLOSE int dir = scratch_dir();
	struct container_user u;
	struct err e = ERR_INIT;

	CHECK_OK(container_user_resolve(dir, "", &u, &e), &e);
	CHECK_INT(u.uid, 0);
	CHECK_STR(u.home, "/");
	CHECK_OK(container_user_resolve(dir, "33:33", &u, &e), &e);
	CHECK_INT(u.gid, 33);
}

TEST(user_files_that_lead_out_or_hang_are_refused)
{
	AUTO_CLOSE int dir = image(NULL, NULL);
	struct container_user u;
	struct err e = ERR_INIT;

	/* resolved inside the image: there is no such file there */
	CHECK(symlinkat("/../../../../etc/passwd", dir, "etc/passwd") == 0);
	CHECK_INT(container_user_resolve(dir, "daemon", &u, &e), -ELOOP);
	err_clear(&e);
	CHECK(unlinkat(dir, "etc/passwd", 0) == 0);
	CHECK(mkfifoat(dir, "etc/passwd", 0644) == 0);
	CHECK_INT(container_user_resolve(dir, "root", &u, &e), -EINVAL);
	CHECK_STR(err_text(&e), "'/etc/passwd' in the container is not a file");
}
