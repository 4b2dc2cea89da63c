/* The JSON of a registry: manifests, tokens, refusals. */
#include "images/parse/job.h"

#include "tests/lib/test.h"

typedef int job(const char *json, size_t n, struct buf *ret, struct err *e);

#define DESC "\"digest\": \"sha256:0\", \"size\": 5"

/* What the list says, as "key=value " each. */
static char *run(job *j, const char *json, struct err *e)
{
	AUTO_BUF struct buf b = BUF_INIT, text = BUF_INIT;
	const char *key, *value;
	struct wire_list list;
	struct err bad = ERR_INIT;

	if (j(json, strlen(json), &b, e) < 0)
		return NULL;
	wire_put(&b, WIRE_END, "");
	CHECK_OK(wire_list(&b, &list, &bad), &bad);
	while (wire_next(&list, &key, &value))
		buf_addf(&text, "%s=%s ", key, value);
	return buf_take(&text);
}

static const struct {
	job *job;
	const char *json, *list, *error; /* either */
} rows[] = {
	{ job_index,
	  "{\"config\": {\"mediaType\": \"a/b\", " DESC "}, \"layers\": [{" DESC "}]}",
	  "config= type=a/b digest=sha256:0 size=5 layer= digest=sha256:0 size=5 ",
	  NULL },
	{ job_index,
	  "{\"manifests\": [{" DESC ", \"platform\": {\"os\": \"linux\", "
	  "\"architecture\": \"arm\", \"variant\": \"v7\"}}]}",
	  "index= manifest= os=linux architecture=arm variant=v7 digest=sha256:0 size=5 ",
	  NULL },
	{ job_index, "{\"schemaVersion\": 1, \"fsLayers\": []}", NULL, "schema 1" },
	{ job_token, "{\"token\": \"abc\"}", "token=abc ", NULL },
	{ job_token, "{\"access_token\": \"x\", \"expires_in\": 300}", "token=x ", NULL },
	{ job_token, "{\"token\": \"a\", \"access_token\": \"b\"}", "token=a ", NULL },
	{ job_token, "{\"token\": 5}", NULL, "has no token" },
	{ job_token, "[]", NULL, "has no token" },
	{ job_token, "{\"token\": s3cret}", NULL, "not valid JSON" },
	{ job_token, "", NULL, "not valid JSON" },
	{ job_refusal, "{\"errors\": [{\"code\": \"DENIED\", \"message\": \"no\"}]}",
	  "message=no ", NULL },
	{ job_refusal, "{\"errors\": [{\"code\": \"DENIED\"}]}", "message=DENIED ",
	  NULL },
	{ job_refusal, "{\"errors\": []}", "", NULL },
	{ job_refusal, "{\"errors\": \"x\"}", "", NULL },
	{ job_refusal, "7", NULL, "not valid JSON" },
	{ job_refusal, "<html>", NULL, "not valid JSON" },
};

TEST(documents_of_a_registry_become_lists)
{
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct err e = ERR_INIT;
		AUTO_FREE char *list = run(rows[i].job, rows[i].json, &e);

		if (rows[i].list)
			CHECK_STR(list, rows[i].list);
		else if (list || !strstr(err_text(&e), rows[i].error))
			test_fail(__FILE__, __LINE__, "%zu: '%s' '%s'", i,
				  list ? list : "", err_text(&e));
		CHECK(!strstr(err_text(&e), "s3cret"));
	}
}
