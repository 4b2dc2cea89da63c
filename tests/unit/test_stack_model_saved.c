/* tests for runtime/stack/conf/model_saved.c: what was kept is the same service again. */
#include "tests/lib/test.h"

#include "tests/lib/conf_memory.h"

static struct stack_model *load(const char *path)
{
	AUTO_BUF struct buf diag = BUF_INIT;
	struct model_opts o = { 0 };
	struct stack_model *m = NULL;
	struct err e = ERR_INIT;

	strv_add(&o.files, path);
	strv_add(&o.profiles, "*");
	strv_add(&o.env, "HOME=/root");
	strv_add(&o.env, "SET=value");
	strv_add(&o.env, "EMPTY=");
	CHECK_OK(model_load(&o, &m, &diag, &e), &e);
	memory_opts_free(&o);
	return m;
}

/* Each service alone, without those that it depends on, and all at once. */
static void check_saved(const struct stack_model *m)
{
	AUTO_STRV struct strv paths = STRV_INIT, texts = STRV_INIT;
	AUTO_JSON json_t *was = model_format_json(m, true), *is = NULL;
	AUTO_BUF struct buf text = BUF_INIT;
	struct model_saved saved = { "s", "/nowhere", NULL, &paths, &texts };
	struct stack_model *again = NULL;
	struct err e = ERR_INIT;

	for (size_t i = 0; i < m->n_services; i++) {
		const struct model_service *s = &m->services[i];

		if (s->seccomp_file) {
			strv_add(&paths, s->seccomp_file);
			strv_add(&texts, s->seccomp_profile);
		}
		model_format_service(m, s, &text);
	}
	saved.text = text.data;
	CHECK_OK(model_load_saved(&saved, &again, &e), &e);
	is = model_format_json(again, true);
	CHECK(json_equal(json_object_get(was, "services"),
			 json_object_get(is, "services")));
	CHECK_STR(again->name, "s");
	CHECK_STR(again->dir, "/nowhere");
	model_free(again);
}

TEST(saved_services_are_the_same_again)
{
	AUTO_STRV struct strv names = STRV_INIT;
	struct err e = ERR_INIT;

	CHECK_OK(fd_list(AT_FDCWD, "tests/fixtures/conf/good", &names, &e), &e);
	strv_foreach (i, &names) {
		AUTO_FREE char *path = str_fmt("tests/fixtures/conf/good/%s", names.v[i]);
		struct stack_model *m;

		if (!str_ends(path, ".conf"))
			continue;
		m = load(path);
		check_saved(m);
		model_free(m);
	}
}

TEST(saved_services_need_not_be_all_of_a_stack)
{
	AUTO_STRV struct strv none = STRV_INIT;
	struct model_saved saved = {
		"s", "/",
		"service a { image b; depends_on gone completed restart; volumes v:/v; }",
		&none, &none
	};
	struct stack_model *m = NULL;
	struct err e = ERR_INIT;

	CHECK_OK(model_load_saved(&saved, &m, &e), &e);
	CHECK_STR(m->services[0].deps[0].service, "gone");
	CHECK(m->services[0].deps[0].restart);
	CHECK_STR(m->services[0].mounts[0].source, "v");
	model_free(m);
}

TEST(saved_services_miss_a_source_that_is_gone)
{
	AUTO_STRV struct strv none = STRV_INIT;
	struct model_saved saved = { "s", "/",
				     "service a { image b; volumes /nowhere/at/all:/x; }",
				     &none, &none };
	struct stack_model *m = NULL;
	struct err e = ERR_INIT;

	CHECK_INT(model_load_saved(&saved, &m, &e), -EINVAL);
	CHECK(strstr(err_text(&e), "the earlier model:1:"));
	CHECK(strstr(err_text(&e), "/nowhere/at/all"));
	CHECK(!m);
}
