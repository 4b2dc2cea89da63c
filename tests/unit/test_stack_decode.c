/* Directives as fields of the model: defaults, files merged and included, profiles,
 * paths. */
#include "tests/lib/test.h"

#include <sys/resource.h>

#include "runtime/stack/conf/decode.h"
#include "tests/lib/conf_memory.h"

struct loaded {
	struct model_opts o;
	struct stack_model *m;
	struct buf diag;
	struct err e;
	int r;
};

static void load(struct loaded *l, const struct memory_file *files)
{
	l->r = memory_load(files, &l->o, &l->m, &l->diag, &l->e);
}

static void must_load(struct loaded *l, const struct memory_file *files)
{
	load(l, files);
	if (l->r != 0)
		test_fail(__FILE__, __LINE__, "%s\n%s", err_text(&l->e),
			  l->diag.data ? l->diag.data : "");
}

static void unload(struct loaded *l)
{
	model_free(l->m);
	buf_free(&l->diag);
	memory_opts_free(&l->o);
}

static const struct model_service *only(struct loaded *l)
{
	CHECK_INT(l->m->n_services, 1);
	return &l->m->services[0];
}

#define ONE_FILE(text)                                                                   \
	((struct memory_file[]){ { "/p/stack.conf", text }, { NULL, NULL } })

TEST(every_default_is_filled_in)
{
	struct loaded l = { 0 };
	const struct model_service *s;

	must_load(&l, ONE_FILE("service a { image b; }"));
	s = only(&l);
	CHECK_STR(l.m->name, "p");
	CHECK_STR(l.m->dir, "/p");
	CHECK_STR(l.m->files.v[0], "/p/stack.conf");
	CHECK_STR(s->pos.file, "stack.conf");
	CHECK_INT(s->stop_grace_ms, 10000);
	CHECK_INT(s->shm_size, 64 << 20);
	CHECK_INT(s->pids_limit, 4096);
	CHECK_INT(s->mem_limit, 0);
	CHECK(s->init && !s->tty && !s->read_only && !s->privileged && !s->has_command);
	CHECK_INT(s->health.type, MODEL_HEALTH_IMAGE);
	CHECK_INT(s->health.interval_ms, 30000);
	CHECK_INT(s->health.retries, 3);
	CHECK_INT(s->restart, MODEL_NO);
	CHECK_INT(s->userns, MODEL_USERNS_ON);
	unload(&l);
}

TEST(a_directory_with_no_usable_letter_still_names_a_stack)
{
	static const struct memory_file files[] = {
		{ "/___/My Shop!/x.conf", "service a { image b; }" },
		{ "/___/x.conf", "service a { image b; }" },
		{ NULL, NULL }
	};
	struct loaded l = { 0 }, other = { 0 };

	strv_add(&l.o.files, "/___/My Shop!/x.conf");
	must_load(&l, files);
	CHECK_STR(l.m->name, "myshop");
	strv_add(&other.o.files, "../___/x.conf");
	must_load(&other, files);
	CHECK_STR(other.m->name, "stack");
	unload(&l);
	unload(&other);
}

TEST(the_option_names_the_stack_first)
{
	struct loaded l = { .o.name = "mine" }, bad = { .o.name = "Not Good" };

	must_load(&l, ONE_FILE("stack yours; service a { image b; }"));
	CHECK_STR(l.m->name, "mine");
	load(&bad, ONE_FILE("service a { image b; }"));
	CHECK_INT(bad.r, -EINVAL);
	CHECK(bad.diag.len == 0 && strstr(err_text(&bad.e), "'Not Good'"));
	unload(&l);
	unload(&bad);
}

TEST(what_is_an_image_file_becomes_an_absolute_path)
{
	static const struct {
		const char *written, *image;
	} rows[] = {
		{ "images/x.tar", "/p/images/x.tar" },
		{ "x.tar.gz", "/p/x.tar.gz" },
		{ "./x", "/p/x" },
		{ "../x", "/x" },
		{ "~/x.tar", "/home/u/x.tar" },
		{ "/a/x", "/a/x" },
		{ "postgres:15", "postgres:15" },
		{ "library/postgres", "library/postgres" },
		{ "there/file", "/p/there/file" },
		{ "layout", "/p/layout" },
		{ "sha256:abc", "sha256:abc" },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		AUTO_FREE char *text =
			str_fmt("service a { image %s; }", rows[i].written);
		struct memory_file files[] = { { "/p/stack.conf", text },
					       { "/p/there/file", "" },
					       { "/p/layout/index.json", "" },
					       { "/p/postgres:15", "" },
					       { NULL, NULL } };
		struct loaded l = { 0 };

		strv_add(&l.o.env, "HOME=/home/u");
		must_load(&l, files);
		CHECK_STR(only(&l)->image, rows[i].image);
		unload(&l);
	}
}

static const struct memory_file two_files[] = {
	{ "/p/stack.conf",
	  "stack shop;\n"
	  "service web {\n"
	  "  image one; command a b; environment A=1 B=2;\n"
	  "  ports 8000:80; volumes data:/data x:/x; mem_limit 64m; cap_add NET_RAW;\n"
	  "  healthcheck { tcp 80; interval 5s; retries 9; } depends_on db healthy;\n"
	  "  ulimits nofile=10; labels l=1; extra_hosts h:10.0.0.1;\n"
	  "}\n"
	  "service db { image db; healthcheck { tcp 5432; } }\n"
	  "volume data { from db:/d; } volume x;\n" },
	{ "/p/dev/dev.conf",
	  "service web {\n"
	  "  image two; command c; environment B=3 C=4;\n"
	  "  ports 9000:80 8000:81; volumes ./src:/data:ro; cap_add KILL NET_RAW;\n"
	  "  healthcheck { http 80 /; interval 1s; } depends_on db started;\n"
	  "  ulimits nofile=20; labels l=2; extra_hosts h:10.0.0.2;\n"
	  "}\n"
	  "service extra { image e; }\n"
	  "volume data;\n" },
	{ "/p/dev/src", "" },
	{ NULL, NULL },
};

TEST(a_second_file_is_merged_as_compose_does)
{
	struct loaded l = { 0 };
	const struct model_service *s;

	strv_add(&l.o.files, "stack.conf");
	strv_add(&l.o.files, "dev/dev.conf");
	must_load(&l, two_files);
	CHECK_INT(l.m->n_services, 3);
	s = &l.m->services[0];
	CHECK_STR(s->image, "two");
	CHECK(s->command.n == 1 && str_eq(s->command.v[0], "c"));
	CHECK(s->env.n == 3 && str_eq(s->env.v[1], "B=3") && str_eq(s->env.v[2], "C=4"));
	CHECK_INT(s->n_ports, 2);
	CHECK(s->ports[0].host_port == 8000 && s->ports[0].port == 81);
	CHECK_INT(s->ports[1].host_port, 9000);
	CHECK_INT(s->n_mounts, 2);
	CHECK(s->mounts[0].type == MODEL_BIND && s->mounts[0].read_only);
	CHECK_STR(s->mounts[0].source, "/p/dev/src"); /* beside the file that says so */
	CHECK_INT(s->mem_limit, 64 << 20);
	CHECK_INT(s->cap_add.n, 2);
	CHECK_INT(s->health.type, MODEL_HEALTH_HTTP);
	CHECK_INT(s->health.interval_ms, 1000);
	CHECK_INT(s->health.retries, 9); /* kept from the first */
	CHECK(s->n_deps == 1 && s->deps[0].cond == MODEL_STARTED);
	CHECK(s->n_rlimits == 1 && s->rlimits[0].soft == 20);
	CHECK_STR(s->labels.v[0], "l=2");
	CHECK_STR(s->extra_hosts.v[0], "h=10.0.0.2");
	CHECK_STR(model_volume(l.m, "data")->from_service, "db");
	CHECK_STR(l.m->services[2].name, "extra");
	unload(&l);
}

TEST(a_later_file_switches_a_healthcheck_off)
{
	static const struct memory_file files[] = {
		{ "/p/stack.conf", "service a { image b; healthcheck { test x y; } }" },
		{ "/p/off.conf", "service a { healthcheck { disable on; } }" },
		{ NULL, NULL },
	};
	struct loaded l = { 0 };

	strv_add(&l.o.files, "stack.conf");
	strv_add(&l.o.files, "off.conf");
	must_load(&l, files);
	CHECK_INT(only(&l)->health.type, MODEL_HEALTH_NONE);
	CHECK_INT(only(&l)->health.test.n, 0);
	unload(&l);
}

TEST(included_files_keep_their_own_directory)
{
	static const struct memory_file files[] = {
		{ "/p/stack.conf",
		  "include sub/${WHICH}.conf; service a { image x.tar; }" },
		{ "/p/sub/part.conf",
		  "include ../deep.conf; service b { image x.tar; env_file e; }" },
		{ "/p/deep.conf", "service c { image x.tar; }" },
		{ "/p/sub/e", "A=$B" },
		{ "/p/.env", "B=2" },
		{ NULL, NULL },
	};
	struct loaded l = { 0 };

	strv_add(&l.o.env, "WHICH=part");
	must_load(&l, files);
	CHECK_INT(l.m->n_services, 3);
	CHECK_STR(l.m->services[0].image,
		  "/p/x.tar"); /* c: stands where it is included */
	CHECK_STR(l.m->services[1].image, "/p/sub/x.tar");
	CHECK_STR(l.m->services[1].env.v[0], "A=2");
	CHECK(strv_has(&l.m->services[1].env_secret, "A"));
	CHECK_STR(l.m->services[1].pos.file, "sub/part.conf");
	CHECK(strv_has(&l.m->files, "/p/sub/e"));
	unload(&l);
}

TEST(including_is_bounded)
{
	struct memory_file files[12] = { { NULL, NULL } };
	AUTO_STRV struct strv texts = STRV_INIT;
	struct loaded l = { 0 };

	for (int i = 0; i < 11; i++) {
		strv_take(&texts, str_fmt(i ? "/p/%d" : "/p/stack.conf", i));
		strv_take(&texts, str_fmt("include %d;", i + 1));
	}
	for (size_t i = 0; i < 11; i++)
		files[i] = (struct memory_file){ texts.v[i * 2], texts.v[i * 2 + 1] };
	load(&l, files);
	CHECK_INT(l.r, -EINVAL);
	CHECK(strstr(l.diag.data, "8:1:9: files are included deeper than 8"));
	unload(&l);
}

TEST(environment_wins_over_env_file_and_is_no_secret)
{
	static const struct memory_file files[] = {
		{ "/p/stack.conf",
		  "service a { image b; environment B=mine HOST UNSET; env_file e f; }" },
		{ "/p/e", "A=1\nB=2\n" },
		{ "/p/f", "A=3\n" },
		{ NULL, NULL },
	};
	struct loaded l = { 0 };
	const struct model_service *s;

	strv_add(&l.o.env, "HOST=h");
	must_load(&l, files);
	s = only(&l);
	CHECK_INT(s->env.n, 3);
	CHECK_STR(strv_get_env(&s->env, "A"), "3");
	CHECK_STR(strv_get_env(&s->env, "B"), "mine");
	CHECK_STR(strv_get_env(&s->env, "HOST"), "h");
	CHECK(s->env_secret.n == 1 && str_eq(s->env_secret.v[0], "A"));
	unload(&l);
}

TEST(profiles_choose_services)
{
	static const char text[] =
		"service a { image i; } service b { image i; profiles x y; }"
		"service c { image i; profiles z; ports 1:1; }"
		"service d { image i; ports 1:1; }";
	static const struct {
		const char *profile, *service, *names;
	} rows[] = {
		{ NULL, NULL, "a d " },
		{ "y", NULL, "a b d " },
		{ "nothing", NULL, "a d " },
		{ NULL, "b", "a b d " },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		AUTO_BUF struct buf names = BUF_INIT;
		struct loaded l = { 0 };

		if (rows[i].profile)
			strv_add(&l.o.profiles, rows[i].profile);
		if (rows[i].service)
			strv_add(&l.o.services, rows[i].service);
		must_load(&l, ONE_FILE(text));
		for (size_t k = 0; k < l.m->n_services; k++)
			buf_addf(&names, "%s ", l.m->services[k].name);
		CHECK_STR(names.data, rows[i].names);
		unload(&l);
	}
}

TEST(loose_loading_does_not_ask_for_files)
{
	static const char text[] =
		"service a { image i; env_file gone; volumes ./gone:/x; }";
	struct loaded l = { .o.loose = true }, strict = { 0 };

	must_load(&l, ONE_FILE(text));
	load(&strict, ONE_FILE(text));
	CHECK_INT(strict.r, -EINVAL);
	unload(&l);
	unload(&strict);
}

TEST(unset_variables_are_reported_once)
{
	static const struct memory_file files[] = {
		{ "/p/stack.conf",
		  "service a { image b; command ${X} ${X} ${Y:-d} '${Z}'; }" },
		{ NULL, NULL },
	};
	struct model_io io = { .ctx = (void *)(uintptr_t)files,
			       .cwd = "/p",
			       .read = memory_read,
			       .kind = memory_kind };
	AUTO_STRV struct strv unset = STRV_INIT;
	struct loaded l = { 0 };

	strv_add(&l.o.files, "stack.conf");
	CHECK_OK(model_load_io(&l.o, &io, &l.m, &l.diag, &unset, &l.e), &l.e);
	CHECK(unset.n == 1 && str_eq(unset.v[0], "X"));
	unload(&l);
}

TEST(files_that_cannot_be_read_are_errors_of_their_own)
{
	struct loaded l = { 0 }, none = { 0 }, yaml = { 0 };
	struct err e = ERR_INIT;

	strv_add(&l.o.files, "gone.conf");
	load(&l, ONE_FILE(""));
	CHECK_INT(l.r, -ENOENT);
	CHECK_STR(err_text(&l.e), "open '/p/gone.conf': No such file or directory");
	CHECK_INT(l.diag.len, 0);
	CHECK_INT(model_load(&none.o, &none.m, &none.diag, &e), -EINVAL);
	strv_add(&yaml.o.files, "docker-compose.yml");
	load(&yaml, ONE_FILE(""));
	CHECK_INT(yaml.r, -ENOTSUP);
	unload(&l);
	unload(&none);
	unload(&yaml);
}

TEST(a_file_is_at_most_a_megabyte)
{
	AUTO_CLOSE int dir = scratch_dir();
	AUTO_FREE char *path = NULL;
	AUTO_BUF struct buf big = BUF_INIT;
	struct loaded l = { 0 };
	struct err e = ERR_INIT;

	for (int i = 0; i < MODEL_FILE_MAX; i++)
		buf_addc(&big, '\n');
	buf_adds(&big, "service a { image b; }");
	CHECK_OK(fd_write_file(dir, "big.conf", big.data, big.len, 0600, &e), &e);
	path = str_fmt("/proc/self/fd/%d/big.conf", dir);
	strv_add(&l.o.files, path);
	CHECK_INT(model_load(&l.o, &l.m, &l.diag, &l.e), -EFBIG);
	unload(&l);
}

/* The table has a row for each name once, and each row that is supported says what it
 * takes. */
TEST(the_table_of_keys_is_whole)
{
	bool supported = true;

	for (const struct service_key *k = service_keys(); k->name; k++) {
		CHECK(service_key(k->name) == k);
		CHECK(supported ||
		      !k->decode); /* decode_children() stops at the first without */
		supported = k->decode != NULL;
		CHECK(!k->decode || k->takes);
	}
	CHECK(service_key("cgroup_parent") && !service_key("nonsense"));
}
