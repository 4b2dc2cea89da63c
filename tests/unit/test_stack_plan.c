/* tests for runtime/stack/plan.c: wanted minus existing makes steps, and says why. */
#include "runtime/stack/plan.h"

#include "tests/lib/test.h"

#define ARROW "\xe2\x86\x92"
#define OLD_ID "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define NEW_ID "sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"

static struct record_service *add(struct record *r, const char *name, json_t *config)
{
	struct record_service *s = record_add(r, name);

	s->image_id = str_dup(OLD_ID);
	s->config = config;
	return s;
}

/* db, web, and a one-off container. */
static struct record *existing(void)
{
	struct record *r = record_new("shop", "/srv/shop");

	add(r, "db", json_pack("{s:s,s:s}", "image", "db.tar", "user", "postgres"));
	add(r, "web", json_pack("{s:s}", "image", "web.tar"));
	add(r, "web-run-7", json_object())->oneoff = true;
	return r;
}

static void check_step(const struct stack_plan *p, size_t i, enum stack_step_kind kind,
		       const char *service, const char *reason)
{
	CHECK(i < p->n);
	CHECK_STR(p->steps[i].service, service);
	CHECK_STR(stack_step_name(p->steps[i].kind), stack_step_name(kind));
	CHECK_STR(p->steps[i].reason, reason);
}

/* The step of the one service "a" whose description changes from @was to @is. */
static struct stack_plan one(json_t *was, json_t *is, const char *down)
{
	struct record *rec = record_new("shop", "/srv/shop");
	struct plan_wanted w = {
		.name = "a", .config = is, .image_id = OLD_ID, .down = down
	};
	struct plan_source src = { .rec = rec, .wanted = &w, .n = 1 };
	struct stack_plan p = { 0 };

	add(rec, "a", was);
	plan_make(&src, &p);
	CHECK_INT(p.n, 1);
	json_decref(is);
	record_free(rec);
	return p;
}

static void check_one(json_t *was, json_t *is, enum stack_step_kind kind,
		      const char *reason)
{
	struct stack_plan p = one(was, is, NULL);

	check_step(&p, 0, kind, "a", reason);
	stack_plan_free(&p);
}

TEST(plan_creates_all_when_nothing_exists)
{
	AUTO_JSON json_t *config = json_pack("{s:s}", "image", "web.tar");
	struct plan_wanted w = { .name = "web", .config = config, .image_id = NEW_ID };
	struct plan_source src = { .wanted = &w, .n = 1 };
	struct stack_plan p = { 0 };

	plan_make(&src, &p);
	CHECK_INT(p.n, 1);
	check_step(&p, 0, STEP_CREATE, "web", "is not there yet");
	CHECK(!plan_is_empty(&p));
	stack_plan_free(&p);
}

TEST(plan_keeps_recreates_creates_and_removes_with_reasons)
{
	AUTO_JSON json_t *db = json_pack("{s:s,s:s,s:i}", "image", "db.tar", "user",
					 "root", "pids_limit", 100);
	AUTO_JSON json_t *cache = json_pack("{s:s}", "image", "redis.tar");
	struct plan_wanted w[] = {
		{ .name = "db", .config = db, .image_id = OLD_ID },
		{ .name = "cache", .config = cache, .image_id = NEW_ID },
	};
	AUTO_STRV struct strv strays = STRV_INIT;
	struct record *rec = existing();
	struct plan_source src = { .rec = rec, .wanted = w, .n = 2, .strays = &strays };
	struct stack_plan p = { 0 };

	strv_add(&strays, "old");
	strv_add(&strays, "cache"); /* wanted: made over what is left of it */
	plan_make(&src, &p);
	CHECK_INT(p.n, 4); /* the one-off container is nobody's business */
	check_step(&p, 0, STEP_REMOVE, "web", "is no longer in the file");
	check_step(&p, 1, STEP_REMOVE, "old", "is what a killed command left");
	check_step(&p, 2, STEP_RECREATE, "db",
		   "user: postgres " ARROW " root, pids_limit: unset " ARROW " 100");
	check_step(&p, 3, STEP_CREATE, "cache", "is not there yet");
	stack_plan_free(&p);
	record_free(rec);
}

TEST(plan_sees_a_new_image_and_an_order_to_recreate)
{
	AUTO_JSON json_t *web = json_pack("{s:s}", "image", "web.tar");
	struct model_pos pos = { "stack.conf", 7, 3 };
	struct model_service svc = { .name = (char *)"web", .image_pos = pos };
	struct plan_wanted w = {
		.svc = &svc, .name = "web", .config = web, .image_id = NEW_ID
	};
	AUTO_STRV struct strv chosen = STRV_INIT;
	struct record *rec = existing();
	struct plan_source src = { .rec = rec, .wanted = &w, .n = 1, .chosen = &chosen };
	struct stack_plan p = { 0 };

	strv_add(&chosen, "web");
	plan_make(&src, &p);
	CHECK_INT(p.n, 1); /* chosen services: db is not in the file given, yet stays */
	check_step(&p, 0, STEP_RECREATE, "web",
		   "image: sha256:aaaaaaaaaaaa " ARROW
		   " sha256:bbbbbbbbbbbb (stack.conf:7)");
	CHECK_STR(p.steps[0].changes[0].is, NEW_ID);
	stack_plan_free(&p);
	w.image_id = OLD_ID;
	plan_make(&src, &p);
	check_step(&p, 0, STEP_KEEP, "web", "unchanged");
	CHECK(plan_is_empty(&p));
	stack_plan_free(&p);
	src.force = true;
	plan_make(&src, &p);
	check_step(&p, 0, STEP_RECREATE, "web", "asked to");
	stack_plan_free(&p);
	record_free(rec);
}

TEST(plan_changes_in_place_what_the_process_need_not_know)
{
	check_one(json_pack("{s:s}", "restart", "no"),
		  json_pack("{s:s}", "restart", "always"), STEP_REFRESH,
		  "restart: no " ARROW " always");
	check_one(json_pack("{s:[{s:s,s:i,s:i}]}", "ports", "host_ip", "127.0.0.1",
			    "published", 80, "target", 8000),
		  json_pack("{s:[{s:s,s:i,s:i}]}", "ports", "host_ip", "127.0.0.1",
			    "published", 81, "target", 8000),
		  STEP_REFRESH, "ports: 127.0.0.1:80:8000 " ARROW " 127.0.0.1:81:8000");
	check_one(json_pack("{s:s}", "image", "web:1"),
		  json_pack("{s:s}", "image", "web:2"), STEP_REFRESH,
		  "image: web:1 " ARROW " web:2");
	check_one(json_pack("{s:s,s:b}", "restart", "no", "tty", 0),
		  json_pack("{s:s,s:b}", "restart", "always", "tty", 1), STEP_RECREATE,
		  "restart: no " ARROW " always, tty: off " ARROW " on");
}

/* An older minibox wrote the record. */
TEST(plan_takes_keys_that_are_new_for_their_defaults)
{
	AUTO_JSON json_t *defaults = json_pack("{s:b,s:i}", "tty", 0, "shm_size", 64);
	AUTO_JSON json_t *is = json_pack("{s:b,s:i}", "tty", 0, "shm_size", 128);
	struct plan_wanted w = { .name = "a", .config = is, .image_id = OLD_ID };
	struct record *rec = record_new("shop", "/srv/shop");
	struct plan_source src = {
		.rec = rec, .wanted = &w, .n = 1, .defaults = defaults
	};
	struct stack_plan p = { 0 };

	add(rec, "a", json_object());
	plan_make(&src, &p);
	check_step(&p, 0, STEP_RECREATE, "a", "shm_size: 64 " ARROW " 128");
	stack_plan_free(&p);
	json_object_set_new(is, "shm_size", json_integer(64));
	plan_make(&src, &p);
	check_step(&p, 0, STEP_KEEP, "a", "unchanged");
	stack_plan_free(&p);
	record_free(rec);
}

TEST(plan_starts_what_is_stopped)
{
	struct stack_plan p = one(json_object(), json_object(), "is stopped");

	check_step(&p, 0, STEP_START, "a", "is stopped");
	stack_plan_free(&p);
}

TEST(plan_writes_values_as_the_file_does)
{
	check_one(json_pack("{s:i,s:n,s:f}", "mem_limit", 128 << 20, "user", "cpus", 0.5),
		  json_pack("{s:i,s:s,s:f}", "mem_limit", 1536 << 10, "user", "www",
			    "cpus", 1.25),
		  STEP_RECREATE,
		  "mem_limit: 128m " ARROW " 1536k, user: the image's " ARROW
		  " www, cpus: 0.5 " ARROW " 1.25");
	check_one(json_pack("{s:[ss],s:[s]}", "command", "sleep", "1", "dns", "10.0.0.1"),
		  json_pack("{s:[sss],s:[ss]}", "command", "sh", "-c", "sleep 1", "dns",
			    "10.0.0.1", "10.0.0.2"),
		  STEP_RECREATE,
		  "command: sleep 1 " ARROW " sh -c 'sleep 1', dns: unset " ARROW
		  " 10.0.0.2");
	check_one(json_pack("{s:[ss]}", "cap_add", "A", "B"),
		  json_pack("{s:[ss]}", "cap_add", "B", "A"), STEP_RECREATE,
		  "cap_add: A B " ARROW " B A");
	check_one(
		json_pack("{s:[{s:s,s:s}]}", "volumes", "source", "data", "target", "/d"),
		json_pack("{s:[]}", "volumes"), STEP_RECREATE,
		"volumes: data:/d " ARROW " unset");
}

TEST(plan_cuts_long_values_around_what_differs)
{
	char a[300], b[300];
	struct stack_plan p;

	memset(a, 'x', sizeof(a));
	memset(b, 'x', sizeof(b));
	memcpy(a + 200, "old", 4);
	memcpy(b + 200, "new", 4);
	p = one(json_pack("{s:[s]}", "command", a), json_pack("{s:[s]}", "command", b),
		NULL);
	CHECK(strstr(p.steps[0].reason, "xold "));
	CHECK(strstr(p.steps[0].reason, "xnew"));
	CHECK(strlen(p.steps[0].reason) < 200);
	CHECK(strlen(p.steps[0].changes[0].is) == 203);
	stack_plan_free(&p);
}

static void hides(const char *secret, json_t *was, json_t *is)
{
	struct stack_plan p = one(was, is, NULL);

	CHECK_INT(p.steps[0].kind, STEP_RECREATE);
	for (size_t i = 0; i < p.steps[0].n_changes; i++) {
		CHECK(!strstr(p.steps[0].changes[i].was, secret));
		CHECK(!strstr(p.steps[0].changes[i].is, secret));
	}
	CHECK(!strstr(p.steps[0].reason, secret));
	stack_plan_free(&p);
}

TEST(plan_never_shows_a_value_of_an_environment)
{
	struct stack_plan p = one(
		json_pack("{s:{s:s,s:s}}", "environment", "PW", "s3cret", "OLD", "x"),
		json_pack("{s:{s:s,s:s}}", "environment", "PW", "s3cret2", "NEW", "y"),
		NULL);

	check_step(&p, 0, STEP_RECREATE, "a",
		   "environment.PW: ****** " ARROW
		   " ******, environment.NEW: unset " ARROW
		   " ******, environment.OLD: ****** " ARROW " unset");
	stack_plan_free(&p);
	/* nor where it stands in words that anything may stand in, however written there
	 */
	hides("s3cret",
	      json_pack("{s:{s:s},s:[ss]}", "environment", "PW", "s3cret", "command",
			"run", "--pw=s3cret"),
	      json_pack("{s:{s:s},s:[ss]}", "environment", "PW", "s3cret2", "command",
			"run", "--pw=s3cret2"));
	hides("q\"t",
	      json_pack("{s:{s:s},s:n}", "environment", "PW", "q\"t\\e", "healthcheck"),
	      json_pack("{s:{s:s},s:{s:[s]}}", "environment", "PW", "q\"t\\e",
			"healthcheck", "test", "probe q\"t\\e"));
}

TEST(plan_never_shows_what_it_is_told_to_hide)
{
	AUTO_JSON json_t *is = json_pack("{s:{s:s},s:[s]}", "labels", "l", "a hidden one",
					 "command", "hidden");
	struct plan_wanted w = { .name = "a", .config = is, .image_id = OLD_ID };
	struct record *rec = record_new("shop", "/srv/shop");
	AUTO_STRV struct strv hidden = STRV_INIT;
	struct plan_source src = { .rec = rec, .wanted = &w, .n = 1, .hidden = &hidden };
	struct stack_plan p = { 0 };

	strv_add(&hidden, "hidden");
	add(rec, "a", json_pack("{s:{},s:n}", "labels", "command"));
	plan_make(&src, &p);
	check_step(&p, 0, STEP_RECREATE, "a",
		   "labels.l: unset " ARROW " a ****** one, command: the image's " ARROW
		   " ******");
	stack_plan_free(&p);
	record_free(rec);
}

/* nginx reads web's share and is restarted with db; cache only depends on web. */
static struct stack_plan dependants(const char *web_id, const char *db_id)
{
	AUTO_JSON json_t *nginx =
		json_pack("{s:{s:s},s:{s:{s:s}}}", "from", "static", "web:/srv/static",
			  "depends_on", "web", "condition", "healthy");
	AUTO_JSON json_t *cache = json_pack("{s:{s:{s:s,s:b},s:{}}}", "depends_on", "db",
					    "condition", "healthy", "restart", 1, "web");
	AUTO_JSON json_t *none = json_object();
	struct plan_wanted w[] = {
		{ .name = "nginx", .config = nginx, .image_id = OLD_ID },
		{ .name = "cache", .config = cache, .image_id = OLD_ID },
		{ .name = "web", .config = none, .image_id = web_id },
		{ .name = "db", .config = none, .image_id = db_id },
	};
	struct record *rec = record_new("shop", "/srv/shop");
	struct plan_source src = { .rec = rec, .wanted = w, .n = 4 };
	struct stack_plan p = { 0 };

	for (size_t i = 0; i < 4; i++)
		add(rec, w[i].name, json_incref((json_t *)w[i].config));
	plan_make(&src, &p);
	record_free(rec);
	return p;
}

TEST(plan_keeps_dependants_but_for_those_that_want_a_restart)
{
	struct stack_plan p = dependants(NEW_ID, OLD_ID);

	check_step(&p, 0, STEP_REFRESH, "nginx", "volume 'static' follows the new 'web'");
	check_step(&p, 1, STEP_KEEP, "cache", "unchanged");
	stack_plan_free(&p);
	p = dependants(OLD_ID, NEW_ID);
	check_step(&p, 0, STEP_KEEP, "nginx", "unchanged");
	check_step(&p, 1, STEP_RESTART, "cache",
		   "'db' is made anew, which it depends on");
	stack_plan_free(&p);
}

TEST(plan_tells_a_new_budget)
{
	AUTO_JSON json_t *budget = json_pack("{s:i,s:f,s:i}", "mem_limit", 400 << 20,
					     "cpus", 0.0, "pids_limit", 0);
	struct record *rec = existing();
	struct plan_source src = { .rec = rec, .budget = budget };
	AUTO_STRV struct strv chosen = STRV_INIT;
	struct stack_plan p = { 0 };

	src.chosen = &chosen;
	plan_make(&src, &p);
	CHECK_INT(p.n, 1);
	check_step(&p, 0, STEP_REFRESH, "", "mem_limit: none " ARROW " 400m");
	stack_plan_free(&p);
	rec->budget = json_incref(budget);
	plan_make(&src, &p);
	CHECK_INT(p.n, 0);
	record_free(rec);
}
