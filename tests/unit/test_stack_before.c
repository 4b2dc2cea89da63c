/* tests for runtime/stack/before.c: which model is kept to go back to, and until when. */
#include "runtime/stack/before.h"
#include "runtime/stack/conf/decode.h"

#include "tests/lib/test.h"

/* A stack of one service; its "model" is its user. */
static struct up stack_of(const char *user)
{
	struct up u = { .name = "s", .stack_fd = scratch_dir(), .lock = -1 };
	struct record_service *rs;

	u.rec = record_new("s", "/");
	strcpy(u.rec->bridge, "mb-1");
	u.rec->subnet.prefix = 24;
	rs = record_add(u.rec, "a");
	rs->base = str_dup("a");
	rs->image = str_dup("x");
	rs->image_id = str_dup(user);
	rs->config = json_pack("{s:[{s:s,s:s}],s:{s:s}}", "volumes", "type", "volume",
			       "source", "v", "from", "v", "web:/srv");
	CHECK(mkdirat(u.stack_fd, "a", 0700) == 0);
	return u;
}

/* What an `up` to @user would do, up to where nothing is left to do. */
static void begin(struct up *u, const char *user)
{
	struct model_service svc = { .name = (char *)"a" };
	struct stack_model m = { .name = (char *)"s", .services = &svc, .n_services = 1 };
	AUTO_CLOSE int dir = openat(u->stack_fd, "a", O_RDONLY | O_DIRECTORY);
	struct err e = ERR_INIT;

	decode_defaults(&svc);
	svc.image = (char *)"x";
	svc.user = (char *)user;
	CHECK_OK(before_keep(u, &e), &e);
	CHECK_OK(before_note(&m, &svc, dir, &e), &e);
	str_set(&record_service(u->rec, "a")->image_id, user);
}

static void finish(struct up *u)
{
	struct err e = ERR_INIT;

	CHECK_OK(before_done(u, true, &e), &e);
	u->rolling_back = false;
}

static void prove(struct up *u)
{
	struct err e = ERR_INIT;

	CHECK_OK(before_proven(u->rec, u->stack_fd, &e), &e);
}

static void up(struct up *u, const char *user)
{
	begin(u, user);
	finish(u);
	prove(u);
}

/* The user of the model that a rollback would take; "" if none is known. */
static void check_before(const struct up *u, const char *user)
{
	struct stack_model *m = NULL;
	char **ids = NULL;
	struct err e = ERR_INIT;
	int r = before_load(u, &m, &ids, &e);

	if (!*user) {
		CHECK_INT(r, STACK_E_NO_EARLIER);
		return;
	}
	CHECK_OK(r, &e);
	CHECK_STR(m->services[0].user, user);
	CHECK_STR(ids[0], user);
	CHECK_STR(m->volumes[0].name, "v");
	CHECK_STR(m->volumes[0].from_service, "web");
	CHECK_STR(m->volumes[0].from_path, "/srv");
	free(ids[0]);
	free(ids);
	model_free(m);
}

static void end(struct up *u, size_t n_files)
{
	AUTO_STRV struct strv names = STRV_INIT, used = STRV_INIT;
	struct err e = ERR_INIT;
	size_t n = 0;

	CHECK_OK(before_images(u->stack_fd, u->rec, &used, &e), &e);
	CHECK_INT(used.n, n_files);
	CHECK_OK(fd_list(u->stack_fd, ".", &names, &e), &e);
	strv_foreach (i, &names)
		n += str_starts(names.v[i], ".before.");
	CHECK_INT(n, n_files);
	record_free(u->rec);
	close(u->stack_fd);
}

TEST(before_is_the_model_of_the_up_before)
{
	struct up u = stack_of("one");

	up(&u, "one"); /* the first: nothing was whole yet */
	check_before(&u, "");
	up(&u, "two");
	check_before(&u, "one");
	up(&u, "three");
	check_before(&u, "two");
	end(&u, 1);
}

TEST(before_stays_while_an_up_is_finished_by_the_next)
{
	struct up u = stack_of("one");

	up(&u, "one");
	begin(&u, "two"); /* killed */
	check_before(&u, "one");
	begin(&u, "two");
	finish(&u);
	prove(&u);
	check_before(&u, "one");
	end(&u, 1);
}

TEST(before_is_what_came_up_not_what_failed)
{
	struct up u = stack_of("one");

	begin(&u, "one"); /* never proven, but better than nothing */
	finish(&u);
	begin(&u, "two");
	finish(&u);
	check_before(&u, "one");
	prove(&u);
	begin(&u, "three");
	finish(&u);
	check_before(&u, "two");
	begin(&u, "four");
	finish(&u);
	check_before(&u, "two");
	end(&u, 1);
}

TEST(before_changes_places_only_when_the_rollback_is_up)
{
	struct up u = stack_of("one");

	up(&u, "one");
	up(&u, "two");
	u.rolling_back = true;
	begin(&u, "one"); /* killed */
	check_before(&u, "one");
	u.rolling_back = true;
	begin(&u, "one");
	check_before(&u, "one");
	finish(&u); /* killed while it waits */
	check_before(&u, "one");
	prove(&u);
	check_before(&u, "two");
	end(&u, 1);
}

TEST(before_is_nothing_after_a_rollback_from_what_never_came_up)
{
	struct up u = stack_of("one");

	up(&u, "one");
	begin(&u, "two");
	finish(&u);
	u.rolling_back = true;
	begin(&u, "one");
	finish(&u);
	prove(&u);
	check_before(&u, "");
	end(&u, 0);
}

TEST(before_an_up_in_the_middle_of_a_rollback_leaves_what_came_up)
{
	struct up u = stack_of("one");

	up(&u, "one");
	up(&u, "two");
	u.rolling_back = true;
	begin(&u, "one"); /* killed */
	u.rolling_back = false;
	begin(&u, "three");
	finish(&u);
	check_before(&u, "one");
	prove(&u);
	check_before(&u, "one");
	end(&u, 1);
}
