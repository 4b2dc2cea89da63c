/* tests for runtime/stack/describe.c and specmake.c: the file's word, the image's, the
 * default. */
#include "runtime/stack/specmake.h"

#include "tests/lib/test.h"

#include <signal.h>

struct bench {
	struct stack_host h;
	struct stack_model model;
	struct model_service svc;
	struct model_volume vol;
	struct image img;
	struct record *rec;
	struct instance_source src;
};

static void begin(struct bench *b)
{
	memset(b, 0, sizeof(*b));
	b->h = (struct stack_host){ .root = (char *)"/r",
				    .run = (char *)"/u",
				    .exe_dir = "/b" };
	b->vol = (struct model_volume){ .name = (char *)"static",
					.from_service = (char *)"web",
					.from_path = (char *)"/srv" };
	b->model = (struct stack_model){ .name = (char *)"shop",
					 .services = &b->svc,
					 .n_services = 1,
					 .volumes = &b->vol,
					 .n_volumes = 1 };
	b->svc = (struct model_service){ .name = (char *)"web",
					 .image = (char *)"web.tar",
					 .init = true,
					 .health = { .type = MODEL_HEALTH_IMAGE },
					 .stop_grace_ms = 10000 };
	b->img = (struct image){ .id = (char *)"sha256:aa",
				 .user = (char *)"app",
				 .workdir = (char *)"/srv/app",
				 .stop_signal = (char *)"" };
	strv_add(&b->img.entrypoint, "/entry");
	strv_add(&b->img.cmd, "serve");
	strv_add(&b->img.env, "PATH=/bin");
	strv_add(&b->img.env, "COLOUR=blue");
	b->rec = record_new("shop", "/srv/shop");
	b->rec->uid_base = 1000000;
	b->src = (struct instance_source){ .h = &b->h,
					   .model = &b->model,
					   .svc = &b->svc,
					   .img = &b->img,
					   .rec = b->rec };
}

static struct record_service *describe(struct bench *b)
{
	struct record_service *rs = record_add(b->rec, "web");
	struct err e = ERR_INIT;

	CHECK_OK(instance_describe(&b->src, rs, &e), &e);
	rs->userns = true;
	return rs;
}

static char *args_of(struct bench *b)
{
	struct record_service *rs = describe(b);
	AUTO_BUF struct buf out = BUF_INIT;
	struct container_spec spec;

	container_spec_init(&spec);
	specmake(&b->src, rs, &spec);
	strv_foreach (i, &spec.args)
		buf_addf(&out, "%s%s", i ? " " : "", spec.args.v[i]);
	container_spec_free(&spec);
	return buf_take(&out);
}

TEST(command_and_entrypoint_follow_docker)
{
	static const struct {
		const char *entrypoint, *command, *override, *want;
	} rows[] = {
		{ NULL, NULL, NULL, "/entry serve" },
		{ NULL, "work", NULL, "/entry work" },
		{ "/mine", NULL, NULL,
		  "/mine" }, /* an own entrypoint drops the image's CMD */
		{ "/mine", "work", NULL, "/mine work" },
		{ NULL, "work", "shell", "/entry shell" }, /* run SERVICE shell */
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct stack_override over = { 0 };
		struct bench b;

		begin(&b);
		b.svc.has_entrypoint = rows[i].entrypoint != NULL;
		b.svc.has_command = rows[i].command != NULL;
		if (rows[i].entrypoint)
			strv_add(&b.svc.entrypoint, rows[i].entrypoint);
		if (rows[i].command)
			strv_add(&b.svc.command, rows[i].command);
		if (rows[i].override) {
			strv_add(&over.args, rows[i].override);
			b.src.over = &over;
		}
		CHECK_STR(args_of(&b), rows[i].want);
	}
}

TEST(no_command_anywhere_is_an_error_that_names_both)
{
	struct err e = ERR_INIT;
	struct bench b;

	begin(&b);
	strv_free(&b.img.entrypoint);
	strv_free(&b.img.cmd);
	CHECK_INT(instance_describe(&b.src, record_add(b.rec, "web"), &e), -EINVAL);
	CHECK(strstr(err_text(&e), "'web'") && strstr(err_text(&e), "'web.tar'"));
}

TEST(environment_user_and_directory_are_the_files_before_the_images)
{
	struct container_spec spec;
	struct bench b;

	begin(&b);
	strv_add(&b.svc.env, "COLOUR=red");
	container_spec_init(&spec);
	specmake(&b.src, describe(&b), &spec);
	CHECK_STR(strv_get_env(&spec.env, "COLOUR"), "red");
	CHECK_STR(strv_get_env(&spec.env, "PATH"), "/bin");
	CHECK_STR(spec.user, "app");
	CHECK_STR(spec.cwd, "/srv/app");
	CHECK_STR(spec.hostname, "web");
	CHECK_STR(spec.init_path, "/b/minibox-init");
	CHECK_INT(spec.host_id_base, 1000000);
	CHECK(spec.no_new_privs && !spec.privileged);
}

static const struct container_mount *mount_at(const struct container_spec *s,
					      const char *target, size_t *at)
{
	for (size_t i = 0; i < s->n_mounts; i++)
		if (strcmp(s->mounts[i].target, target) == 0) {
			*at = i;
			return &s->mounts[i];
		}
	return NULL;
}

TEST(mounts_are_outer_before_inner_and_shares_read_only)
{
	struct model_mount mounts[] = {
		{ .type = MODEL_VOLUME,
		  .source = (char *)"d",
		  .target = (char *)"/a/b/c" },
		{ .type = MODEL_BIND, .source = (char *)"/h", .target = (char *)"/a" },
		{ .type = MODEL_VOLUME,
		  .source = (char *)"static",
		  .target = (char *)"/st" },
	};
	const struct container_mount *inner, *outer, *share;
	struct container_spec spec;
	size_t i_inner = 0, i_outer = 0, i_share = 0;
	struct bench b;

	begin(&b);
	b.svc.mounts = mounts;
	b.svc.n_mounts = ARRAY_LEN(mounts);
	container_spec_init(&spec);
	specmake(&b.src, describe(&b), &spec);
	inner = mount_at(&spec, "/a/b/c", &i_inner);
	outer = mount_at(&spec, "/a", &i_outer);
	share = mount_at(&spec, "/st", &i_share);
	CHECK(inner && outer && share && i_outer < i_inner);
	CHECK_STR(inner->source, "/r/volumes/shop/d");
	CHECK(inner->idmap && outer->idmap && !inner->read_only);
	CHECK_STR(share->source, "/u/shop/.share/static");
	CHECK(share->read_only &&
	      !share->idmap); /* ids there are the container's already */
	CHECK(mount_at(&spec, "/etc/hosts", &i_share) != NULL);
}

TEST(health_comes_from_the_image_unless_the_file_has_a_word)
{
	AUTO_STRV struct strv test = STRV_INIT, none = STRV_INIT;
	struct record_service *rs;
	struct bench b;

	begin(&b);
	strv_add(&b.img.health.test, "CMD-SHELL");
	strv_add(&b.img.health.test, "curl -f localhost | grep ok");
	b.img.health.interval_ms = 5000;
	rs = describe(&b);
	CHECK(rs->has_health);
	CHECK_INT(rs->sup.health, SUP_HEALTH_EXEC);
	CHECK_INT(rs->sup.health_interval_ms, 5000);
	CHECK_INT(rs->sup.health_retries, 3);
	specmake_health(&b.src, &test);
	CHECK_STR(test.v[0], "/bin/sh");
	CHECK_STR(test.v[2], "curl -f localhost | grep ok");
	b.svc.health.type = MODEL_HEALTH_NONE;
	record_remove(b.rec, "web");
	CHECK(!describe(&b)->has_health);
	specmake_health(&b.src, &none);
	CHECK_INT(none.n, 0);
}

TEST(stop_signal_and_open_dependencies_are_described)
{
	struct model_dep deps[] = {
		{ .service = (char *)"db", .cond = MODEL_STARTED },
		{ .service = (char *)"step",
		  .cond = MODEL_COMPLETED,
		  .cond_written = true },
	};
	struct record_service *rs;
	struct bench b;

	begin(&b);
	b.svc.deps = deps;
	b.svc.n_deps = 2;
	b.img.stop_signal = (char *)"SIGINT";
	rs = describe(&b);
	CHECK_INT(rs->sup.stop_signal, SIGINT);
	CHECK_STR(rs->dep_names.v[0], "db=?");
	CHECK_STR(rs->dep_names.v[1], "step=2");
	CHECK_INT(rs->sup.has_readers, 1);
}
