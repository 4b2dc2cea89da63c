/* tests for runtime/stack/plan.c: wanted minus existing makes steps, and says why. */
#include "runtime/stack/plan.h"

#include "tests/lib/test.h"

static struct record *existing(void)
{
	struct record *r = record_new("shop", "/srv/shop");
	struct record_service *s = record_add(r, "db");

	s->image_id = str_dup("sha256:aa");
	s->config = json_pack("{s:s,s:s}", "image", "db.tar", "user", "postgres");
	s = record_add(r, "web");
	s->image_id = str_dup("sha256:bb");
	s->config = json_pack("{s:s}", "image", "web.tar");
	s = record_add(r, "web-run-7");
	s->image_id = str_dup("sha256:bb");
	s->oneoff = true;
	s->config = json_object();
	return r;
}

static void check_step(const struct stack_plan *p, size_t i, enum stack_step_kind kind,
		       const char *service, const char *reason)
{
	CHECK(i < p->n);
	CHECK_STR(p->steps[i].service, service);
	CHECK_INT(p->steps[i].kind, kind);
	CHECK_STR(p->steps[i].reason, reason);
}

TEST(plan_creates_all_when_nothing_exists)
{
	json_t *config = json_pack("{s:s}", "image", "web.tar");
	struct plan_wanted w[] = { { "web", config, "sha256:bb" } };
	struct stack_plan p = { 0 };

	plan_make(NULL, w, 1, NULL, false, &p);
	CHECK_INT(p.n, 1);
	check_step(&p, 0, STEP_CREATE, "web", "is not there yet");
	stack_plan_free(&p);
}

TEST(plan_keeps_recreates_creates_and_removes_with_reasons)
{
	json_t *db =
		json_pack("{s:s,s:s,s:i}", "image", "db.tar", "user", "root", "cpus", 1);
	json_t *cache = json_pack("{s:s}", "image", "redis.tar");
	struct plan_wanted w[] = { { "db", db, "sha256:aa" },
				   { "cache", cache, "sha256:cc" } };
	struct record *rec = existing();
	struct stack_plan p = { 0 };

	plan_make(rec, w, 2, NULL, false, &p);
	CHECK_INT(p.n, 3); /* the one-off container is nobody's business */
	check_step(&p, 0, STEP_REMOVE, "web", "is no longer in the file");
	check_step(&p, 1, STEP_RECREATE, "db", "user, cpus changed");
	check_step(&p, 2, STEP_CREATE, "cache", "is not there yet");
	stack_plan_free(&p);
	record_free(rec);
}

TEST(plan_sees_a_new_image_and_an_order_to_recreate)
{
	json_t *web = json_pack("{s:s}", "image", "web.tar");
	struct plan_wanted w[] = { { "web", web, "sha256:new" } };
	struct record *rec = existing();
	struct stack_plan p = { 0 };
	AUTO_STRV struct strv chosen = STRV_INIT;

	strv_add(&chosen, "web");
	plan_make(rec, w, 1, &chosen, false, &p);
	CHECK_INT(p.n, 1); /* chosen services: db is not in the file given, yet stays */
	check_step(&p, 0, STEP_RECREATE, "web", "the image is another one");
	stack_plan_free(&p);
	w[0].image_id = "sha256:bb";
	plan_make(rec, w, 1, &chosen, false, &p);
	check_step(&p, 0, STEP_KEEP, "web", "unchanged");
	stack_plan_free(&p);
	plan_make(rec, w, 1, &chosen, true, &p);
	check_step(&p, 0, STEP_RECREATE, "web", "asked to");
	record_free(rec);
}
