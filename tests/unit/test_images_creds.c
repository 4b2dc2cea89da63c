/* Who we are at a registry: base64, a file of our own, Docker's file. */
#include "images/pull/creds.h"

#include "tests/lib/test.h"

static const struct {
	const char *plain, *coded; /* RFC 4648, section 10 */
} vectors[] = { { "", "" },
		{ "f", "Zg==" },
		{ "fo", "Zm8=" },
		{ "foo", "Zm9v" },
		{ "foob", "Zm9vYg==" },
		{ "fooba", "Zm9vYmE=" },
		{ "foobar", "Zm9vYmFy" } };

TEST(base64_goes_both_ways)
{
	for (size_t i = 0; i < ARRAY_LEN(vectors); i++) {
		AUTO_BUF struct buf coded = BUF_INIT, plain = BUF_INIT;

		creds_encode64(vectors[i].plain, strlen(vectors[i].plain), &coded);
		CHECK(creds_decode64(vectors[i].coded, &plain));
		CHECK_STR(coded.data ? coded.data : "", vectors[i].coded);
		CHECK_STR(plain.data ? plain.data : "", vectors[i].plain);
	}
}

TEST(what_is_no_base64_is_told)
{
	static const char *const bad[] = { "Z",    "Zg",       "Zg=",   "Zg=a",
					   "=g==", "Zm9v=",    "Zm9\n", "====",
					   "Z===", "Zg==Zg==", "Zm9-" };

	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		AUTO_BUF struct buf b = BUF_INIT;

		if (creds_decode64(bad[i], &b))
			test_fail(__FILE__, __LINE__, "'%s' was taken", bad[i]);
	}
}

/* "me:pw" and "you:secret" */
static const char config[] =
	"{\"auths\": {"
	"\"https://index.docker.io/v1/\": {\"auth\": \"bWU6cHc=\"},"
	"\"r.example:5000\": {\"auth\": \"eW91OnNlY3JldA==\"},"
	"\"https://q.example/v2/x\": {\"auth\": \"bWU6cHc=\"},"
	"\"helper.example\": {},"
	"\"bad.example\": {\"auth\": \"c2VjcmV0\"},"
	"\"worse.example\": {\"auth\": \"!\"}}, \"credsStore\": \"secretservice\"}";

static struct err load(const char *host, struct creds *ret)
{
	int dir = scratch_dir();
	char path[64], real[128];
	struct err e = ERR_INIT;
	ssize_t n;

	CHECK_OK(fd_write_file(dir, "config.json", config, strlen(config), 0600, &e), &e);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", dir);
	n = readlink(path, real, sizeof(real) - 1);
	CHECK(n > 0);
	real[n] = '\0';
	setenv("DOCKER_CONFIG", real, 1);
	(void)!creds_load(NULL, host, ret, &e);
	close(dir);
	return e;
}

static const struct {
	const char *host, *user, *basic;
} hosts[] = { { "docker.io", "me", "Basic bWU6cHc=" },
	      { "r.example:5000", "you", "Basic eW91OnNlY3JldA==" },
	      { "q.example", "me", "Basic bWU6cHc=" },
	      { "r.example", NULL, NULL },
	      { "helper.example", NULL, NULL },
	      { "example", NULL, NULL } };

TEST(dockers_file_is_read_by_host)
{
	for (size_t i = 0; i < ARRAY_LEN(hosts); i++) {
		struct creds c = { NULL, NULL };
		struct err e = load(hosts[i].host, &c);

		CHECK_STR(err_text(&e), "");
		CHECK(str_eq(c.user, hosts[i].user));
		CHECK(str_eq(c.basic, hosts[i].basic));
		creds_free(&c);
	}
}

TEST(what_cannot_be_read_is_told_without_the_secret)
{
	struct creds c = { NULL, NULL };
	struct err e = load("bad.example", &c);

	CHECK(strstr(err_text(&e), "'bad.example'") &&
	      !strstr(err_text(&e), "c2VjcmV0") && !strstr(err_text(&e), "secret"));
	e = load("worse.example", &c);
	CHECK(strstr(err_text(&e), "'worse.example'") != NULL);
	CHECK(c.basic == NULL && c.user == NULL);
}
