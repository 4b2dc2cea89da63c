/* Prometheus's text: what may stand in a label, and what a request is answered. */
#include "runtime/cli/metrics.h"

#include "tests/lib/test.h"

TEST(labels_are_escaped)
{
	static const struct {
		const char *value, *want;
	} rows[] = {
		{ "plain", "plain" },
		{ "a\"b", "a\\\"b" },
		{ "back\\slash", "back\\\\slash" },
		{ "two\nlines", "two\\nlines" },
		{ "\\n", "\\\\n" },
		{ "", "" },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		AUTO_BUF struct buf b = BUF_INIT;

		buf_adds(&b, "");
		metrics_label(&b, rows[i].value);
		CHECK_STR(b.data, rows[i].want);
	}
}

TEST(requests_are_answered_by_their_first_line)
{
	static const struct {
		const char *request, *status;
		bool body;
	} rows[] = {
		{ "GET /metrics HTTP/1.1\r\n\r\n", "200", true },
		{ "GET / HTTP/1.0\r\n\r\n", "200", true },
		{ "GET /metrics?name[]=up HTTP/1.1\r\n\r\n", "200", true },
		{ "HEAD /metrics HTTP/1.1\r\n\r\n", "200", false },
		{ "GET /metricsx HTTP/1.1\r\n\r\n", "404", false },
		{ "GET /../etc/passwd HTTP/1.1\r\n\r\n", "404", false },
		{ "POST /metrics HTTP/1.1\r\n\r\n", "405", false },
		{ "GETX /metrics HTTP/1.1\r\n\r\n", "405", false },
		{ "", "405", false },
		{ "GET", "404", false },
	};
	AUTO_BUF struct buf body = BUF_INIT;

	buf_adds(&body, "minibox_info 1\n");
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		AUTO_BUF struct buf b = BUF_INIT;

		metrics_answer(rows[i].request, &body, &b);
		CHECK(str_starts(b.data, "HTTP/1.1 "));
		CHECK(strncmp(b.data + 9, rows[i].status, 3) == 0);
		CHECK_INT(strstr(b.data, "minibox_info 1") != NULL, rows[i].body);
		/* HEAD tells the length that GET would bring */
		CHECK_INT(strstr(b.data, "Content-Length: 15\r\n") != NULL,
			  rows[i].status[0] == '2');
	}
}
