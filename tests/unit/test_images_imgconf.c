/* The image configuration: JSON in, a list between, struct image out. */
#include "images/imgconf.h"
#include "tests/lib/jail_inside.h"
#include "tests/lib/test.h"

#define ID "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
#define WITH(config)                                                                     \
	"{\"config\":" config ",\"rootfs\":{\"type\":\"layers\",\"diff_ids\":[\"" ID     \
	"\"]}}"

static struct image *parse(const char *json, int *ret, struct err *e)
{
	struct image *img = mem_new(1, sizeof(*img));
	AUTO_BUF struct buf answer = BUF_INIT;
	struct wire_list list;

	*ret = jail_document(NULL, WIRE_CONFIG, json, strlen(json), &answer, &list, e);
	if (*ret == 0)
		*ret = imgconf_decode(list, img, e);
	return img;
}

TEST(imgconf_reads_everything)
{
	struct err e = ERR_INIT;
	int r;
	struct image *img = parse(
		WITH("{\"Entrypoint\":[\"/"
		     "e\"],\"Cmd\":[\"c\",\"d\"],\"Env\":[\"A=1\",\"B=2\",\"A=3\"],"
		     "\"User\":\"www\",\"WorkingDir\":\"/w\",\"StopSignal\":\"SIGQUIT\","
		     "\"Volumes\":{\"/data\":{}},\"ExposedPorts\":{\"80/tcp\":{}},"
		     "\"Labels\":{\"k\":\"v\"},\"Healthcheck\":{\"Test\":[\"CMD\",\"x\"],"
		     "\"Interval\":1500000000,\"Timeout\":1,\"Retries\":4,"
		     "\"StartInterval\":250000000}}"),
		&r, &e);

	CHECK_OK(r, &e);
	CHECK_STR(img->diff_ids.v[0], ID);
	CHECK_STR(img->entrypoint.v[0], "/e");
	CHECK_INT(img->cmd.n, 2);
	CHECK_INT(img->env.n, 2);
	CHECK_STR(strv_get_env(&img->env, "A"), "3");
	CHECK_STR(img->user, "www");
	CHECK_STR(img->workdir, "/w");
	CHECK_STR(img->stop_signal, "SIGQUIT");
	CHECK_STR(img->volumes.v[0], "/data");
	CHECK_STR(img->ports.v[0], "80/tcp");
	CHECK_STR(img->labels.v[0], "k=v");
	CHECK_STR(img->health.test.v[1], "x");
	CHECK_INT(img->health.interval_ms, 1500);
	CHECK_INT(img->health.timeout_ms, 1); /* never rounded down to "default" */
	CHECK_INT(img->health.retries, 4);
	CHECK_INT(img->health.start_interval_ms, 250);
	image_free(img);
}

TEST(imgconf_takes_null_for_nothing)
{
	struct err e = ERR_INIT;
	int r;
	struct image *img = parse(WITH("null"), &r, &e);

	CHECK_OK(r, &e);
	CHECK_STR(img->user, "");
	CHECK_INT(img->cmd.n, 0);
	image_free(img);
	img = parse(WITH("{\"Cmd\":null,\"Env\":null,\"Volumes\":null,\"User\":null}"),
		    &r, &e);
	CHECK_OK(r, &e);
	image_free(img);
}

TEST(imgconf_drops_env_without_a_name)
{
	struct err e = ERR_INIT;
	int r;
	struct image *img =
		parse(WITH("{\"Env\":[\"A=b=c\",\"NO\",\"=x\",\"\"]}"), &r, &e);

	CHECK_OK(r, &e);
	CHECK_INT(img->env.n, 1);
	CHECK_STR(img->env.v[0], "A=b=c");
	image_free(img);
}

TEST(imgconf_refuses_wrong_types)
{
	static const char *const t[][2] = {
		{ "[]", "not an object" },
		{ "{}", "'rootfs' is missing" },
		{ "{\"rootfs\":{\"type\":\"evil\",\"diff_ids\":[]}}", "'evil'" },
		{ "{\"rootfs\":{\"type\":\"layers\",\"diff_ids\":[\"md5:x\"]}}",
		  "'md5:x'" },
		{ WITH("7"), "'config'" },
		{ WITH("{\"Cmd\":\"sh\"}"), "'Cmd'" },
		{ WITH("{\"Cmd\":[1]}"), "'Cmd'" },
		{ WITH("{\"Env\":{}}"), "'Env'" },
		{ WITH("{\"User\":0}"), "'User'" },
		{ WITH("{\"Volumes\":[\"/x\"]}"), "'Volumes'" },
		{ WITH("{\"Labels\":{\"a\":1}}"), "'Labels'" },
		{ WITH("{\"Healthcheck\":{\"Test\":\"x\"}}"), "'Healthcheck': 'Test'" },
	};

	for (size_t i = 0; i < ARRAY_LEN(t); i++) {
		struct err e = ERR_INIT;
		int r;
		struct image *img = parse(t[i][0], &r, &e);

		CHECK_INT(r, -EINVAL);
		if (!strstr(err_text(&e), t[i][1]))
			test_fail(__FILE__, __LINE__, "'%s' lacks '%s'", err_text(&e),
				  t[i][1]);
		image_free(img);
	}
}
