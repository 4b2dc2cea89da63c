/* Requests and verdicts of the probes. */
#include "tests/lib/test.h"

#include "runtime/supervisor/probe.h"

#define BYTES(s) (s), sizeof(s) - 1

TEST(requests_are_in_the_words_of_the_protocol)
{
	struct sup_service s = { .health = SUP_HEALTH_HTTP, .health_path = "/up?x=1" };
	char buf[PROBE_REPLY_MAX + 1] = "";
	static const char start[] = "\0\0\0\x17\0\3\0\0user\0postgres\0";

	buf[probe_request(&s, buf)] = '\0';
	CHECK_STR(buf,
		  "GET /up?x=1 HTTP/1.1\r\nHost: localhost\r\nUser-Agent: minibox\r\n"
		  "Accept: */*\r\nConnection: close\r\n\r\n");
	s = (struct sup_service){ .health = SUP_HEALTH_POSTGRES };
	CHECK_INT(probe_request(&s, buf), sizeof(start));
	CHECK(memcmp(buf, start, sizeof(start)) == 0);
	s.health = SUP_HEALTH_REDIS;
	CHECK_INT(probe_request(&s, buf), 6);
	s.health = SUP_HEALTH_TCP;
	CHECK_INT(probe_request(&s, buf), 0);
}

TEST(replies_are_judged)
{
	static const struct {
		enum sup_health kind;
		const char *data;
		size_t n;
		bool eof;
		enum probe_verdict want;
		const char *why;
	} rows[] = {
		{ SUP_HEALTH_HTTP, BYTES("HTTP/1.1 200 OK\r\n"), false, PROBE_PASS, "" },
		{ SUP_HEALTH_HTTP, BYTES("HTTP/1.0 399 x"), false, PROBE_PASS, "" },
		{ SUP_HEALTH_HTTP, BYTES("HTTP/1.1 404 x"), false, PROBE_FAIL,
		  "HTTP status 404" },
		{ SUP_HEALTH_HTTP, BYTES("HTTP/1.1 2"), false, PROBE_MORE, "" },
		{ SUP_HEALTH_HTTP, BYTES("HTTP/1.1 2"), true, PROBE_FAIL,
		  "no HTTP reply HTTP/1.1 2" },
		{ SUP_HEALTH_HTTP, BYTES("SSH-2.0-Open\x1bSSH\r\n"), false, PROBE_FAIL,
		  "not an HTTP reply: SSH-2.0-Open?SSH" },
		{ SUP_HEALTH_POSTGRES, BYTES(""), false, PROBE_MORE, "" },
		{ SUP_HEALTH_POSTGRES, BYTES(""), true, PROBE_FAIL, "no postgres reply" },
		{ SUP_HEALTH_POSTGRES, BYTES("R"), false, PROBE_PASS, "" },
		{ SUP_HEALTH_POSTGRES, BYTES("E\0\0\0\x20SFATAL\0C28000\0"), false,
		  PROBE_MORE, "" },
		{ SUP_HEALTH_POSTGRES, BYTES("E\0\0\0\x17SFATAL\0C28000\0Mno\0\0"), false,
		  PROBE_PASS, "" },
		{ SUP_HEALTH_POSTGRES, BYTES("E\0\0\0\x18SFATAL\0C57P03\0Mup\n\0\0"),
		  false, PROBE_FAIL, "postgres: up" },
		{ SUP_HEALTH_POSTGRES, BYTES("E\0\0\0\x05\0"), false, PROBE_FAIL,
		  "not a postgres reply: E" },
		{ SUP_HEALTH_POSTGRES, BYTES("220 smtp"), false, PROBE_FAIL,
		  "not a postgres reply: 220 smtp" },
		{ SUP_HEALTH_REDIS, BYTES("+PO"), false, PROBE_MORE, "" },
		{ SUP_HEALTH_REDIS, BYTES("+PONG\r\n"), false, PROBE_PASS, "" },
		{ SUP_HEALTH_REDIS, BYTES("-NOAUTH who\r\n"), false, PROBE_PASS, "" },
		{ SUP_HEALTH_REDIS, BYTES("-LOADING wait\r\n"), false, PROBE_FAIL,
		  "redis: -LOADING wait" },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char why[160] = "";

		printf("# row %zu\n", i);
		CHECK_INT(probe_judge(rows[i].kind, rows[i].data, rows[i].n, rows[i].eof,
				      why),
			  rows[i].want);
		CHECK_STR(why, rows[i].why);
	}
}

TEST(an_endless_reply_fails)
{
	char data[PROBE_REPLY_MAX], why[160];

	memset(data, 'x', sizeof(data));
	CHECK_INT(probe_judge(SUP_HEALTH_REDIS, data, sizeof(data), false, why),
		  PROBE_FAIL);
	CHECK_INT(strlen(why), 159);
	memcpy(data, "E\xff\xff\xff\xff", 5);
	CHECK_INT(probe_judge(SUP_HEALTH_POSTGRES, data, sizeof(data), false, why),
		  PROBE_FAIL);
}

TEST(probes_come_fast_at_first_and_then_at_the_interval)
{
	struct sup_service s = { .health = SUP_HEALTH_TCP, .health_interval_ms = 30000 };

	CHECK_INT(probe_delay_ms(&s, true, 0), 50);
	CHECK_INT(probe_delay_ms(&s, true, 1000), 125);
	CHECK_INT(probe_delay_ms(&s, true, 100000), 500);
	CHECK_INT(probe_delay_ms(&s, false, 100000), 30000);
	s.health_interval_ms = 200;
	CHECK_INT(probe_delay_ms(&s, true, 100000), 200);
	s.health = SUP_HEALTH_EXEC;
	CHECK_INT(probe_delay_ms(&s, true, 0), 100);
	s.health_interval_ms = 0;
	CHECK_INT(probe_delay_ms(&s, false, 0), 100);
}

TEST(a_start_interval_holds_within_the_start_period_until_the_first_success)
{
	struct sup_service s = { .health = SUP_HEALTH_UNIX,
				 .health_interval_ms = 30000,
				 .health_start_ms = 60000,
				 .health_start_interval_ms = 2000 };

	CHECK_INT(probe_delay_ms(&s, true, 0), 2000);
	CHECK_INT(probe_delay_ms(&s, true, 59999), 2000);
	CHECK_INT(probe_delay_ms(&s, true, 60000), 30000);
	CHECK_INT(probe_delay_ms(&s, false, 10), 30000);
	s.health_start_interval_ms = 1;
	CHECK_INT(probe_delay_ms(&s, true, 10), 50);
}
