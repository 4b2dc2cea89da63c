/*
 * Golden files: what wrong stack files are told (bad), what right ones become (good), and
 * that the printed form of a model is read back as the same model.
 */
#include "tests/lib/test.h"

#include "tests/lib/conf_memory.h"

#define BAD "tests/fixtures/conf/bad"
#define GOOD "tests/fixtures/conf/good"

static void add_env(struct model_opts *o)
{
	strv_add(&o->env, "HOME=/root");
	strv_add(&o->env, "SET=value");
	strv_add(&o->env, "EMPTY=");
}

static int load_file(const char *path, struct stack_model **ret, struct buf *diag,
		     struct err *e)
{
	struct model_opts o = { 0 };
	int r;

	strv_add(&o.files, path);
	add_env(&o);
	r = model_load(&o, ret, diag, e);
	memory_opts_free(&o);
	return r;
}

/* @path with its ending replaced, as text. */
static char *beside(const char *path, const char *ending)
{
	AUTO_FREE char *name =
		str_fmt("%.*s%s", (int)(strrchr(path, '.') - path), path, ending);
	struct buf b = BUF_INIT;
	struct err e = ERR_INIT;

	CHECK_OK(fd_read_file(AT_FDCWD, name, 1 << 20, &b, &e), &e);
	return buf_take(&b);
}

static size_t walk(const char *dir, void (*visit)(const char *path))
{
	AUTO_STRV struct strv names = STRV_INIT;
	struct err e = ERR_INIT;
	size_t n = 0;

	CHECK_OK(fd_list(AT_FDCWD, dir, &names, &e), &e);
	strv_foreach (i, &names) {
		AUTO_FREE char *path = str_fmt("%s/%s", dir, names.v[i]);

		if (!str_ends(path, ".conf"))
			continue;
		visit(path);
		n++;
	}
	return n;
}

static void check_bad(const char *path)
{
	AUTO_FREE char *expected = beside(path, ".expected");
	AUTO_BUF struct buf diag = BUF_INIT;
	struct stack_model *m = NULL;
	struct err e = ERR_INIT;

	if (load_file(path, &m, &diag, &e) != -EINVAL || m)
		test_fail(__FILE__, __LINE__, "%s was taken: %s", path, err_text(&e));
	if (!diag.data || strcmp(diag.data, expected) != 0)
		test_fail(__FILE__, __LINE__, "%s is told\n%swanted\n%s", path,
			  diag.data ? diag.data : "", expected);
}

TEST(bad_files_are_told_what_is_wrong)
{
	CHECK(walk(BAD, check_bad) >= 40);
}

static void check_good(const char *path)
{
	AUTO_FREE char *expected = beside(path, ".json");
	AUTO_BUF struct buf diag = BUF_INIT;
	AUTO_JSON json_t *want = NULL, *got = NULL;
	struct stack_model *m = NULL;
	struct err e = ERR_INIT;
	AUTO_FREE char *text = NULL;

	if (load_file(path, &m, &diag, &e) != 0)
		test_fail(__FILE__, __LINE__, "%s: %s\n%s", path, err_text(&e),
			  diag.data ? diag.data : "");
	CHECK_OK(json_parse(expected, strlen(expected), path, &want, &e), &e);
	got = model_format_json(m, true);
	text = json_dumps(got, JSON_INDENT(1) | JSON_SORT_KEYS);
	if (!json_equal(want, got))
		test_fail(__FILE__, __LINE__, "%s became\n%s", path, text);
	model_free(m);
}

TEST(good_files_become_what_they_say)
{
	CHECK(walk(GOOD, check_good) >= 5);
}

/* What is printed has neither files nor variables behind it: it is read from memory. */
static void check_round_trip(const char *path)
{
	AUTO_BUF struct buf diag = BUF_INIT, first = BUF_INIT, second = BUF_INIT;
	AUTO_JSON json_t *before = NULL, *after = NULL;
	struct stack_model *m = NULL, *again = NULL;
	struct memory_file files[] = { { "/p/stack.conf", NULL }, { "/etc", "" },
				       { "/etc/hosts", "" },      { "/etc/passwd", "" },
				       { "/dev/null", "" },       { "/dev/zero", "" },
				       { "/dev/full", "" },       { NULL, NULL } };
	struct model_opts o = { 0 };
	struct err e = ERR_INIT;

	CHECK_OK(load_file(path, &m, &diag, &e), &e);
	model_format_conf(m, true, &first);
	files[0].text = first.data;
	if (memory_load(files, &o, &again, &diag, &e) != 0)
		test_fail(__FILE__, __LINE__, "%s\n%s\n%s", path, first.data, diag.data);
	model_format_conf(again, true, &second);
	CHECK_STR(second.data, first.data);
	before = model_format_json(m, true);
	after = model_format_json(again, true);
	CHECK(json_equal(before, after));
	memory_opts_free(&o);
	model_free(m);
	model_free(again);
}

TEST(printed_models_are_read_back)
{
	walk(GOOD, check_round_trip);
}

TEST(env_file_values_are_masked_unless_asked_for)
{
	AUTO_BUF struct buf diag = BUF_INIT, shown = BUF_INIT, masked = BUF_INIT;
	AUTO_JSON json_t *json = NULL;
	AUTO_FREE char *text = NULL;
	struct stack_model *m = NULL;
	struct err e = ERR_INIT;

	CHECK_OK(load_file(GOOD "/three-tier.conf", &m, &diag, &e), &e);
	model_format_conf(m, true, &shown);
	model_format_conf(m, false, &masked);
	json = model_format_json(m, false);
	text = json_dumps(json, 0);
	CHECK(strstr(shown.data, "environment PLAIN=value;"));
	CHECK(strstr(masked.data, "environment PLAIN=******;"));
	CHECK(!strstr(masked.data, "=value"));
	CHECK(strstr(masked.data, "environment DATABASE_HOST=db;"));
	CHECK(strstr(text, "\"PLAIN\": \"******\"") && !strstr(text, "\"value\""));
	model_free(m);
}

/* The caret of a line with secrets would show them. */
TEST(lines_of_env_files_are_not_shown)
{
	AUTO_BUF struct buf diag = BUF_INIT;
	struct memory_file files[] = { { "/p/stack.conf",
					 "service a { image b; env_file x; }" },
				       { "/p/x", "PASSWORD hunter2\n" },
				       { NULL, NULL } };
	struct model_opts o = { 0 };
	struct stack_model *m = NULL;
	struct err e = ERR_INIT;

	CHECK_INT(memory_load(files, &o, &m, &diag, &e), -EINVAL);
	CHECK_STR(diag.data, "x:1:10: after the name 'PASSWORD' a '=' is missing\n");
	memory_opts_free(&o);
}
