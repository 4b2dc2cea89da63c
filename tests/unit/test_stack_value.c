/* Single words as values. */
#include "tests/lib/test.h"

#include <signal.h>

#include "runtime/stack/model.h"
#include "runtime/stack/conf/value.h"

TEST(sizes_are_powers_of_1024)
{
	static const struct {
		const char *text;
		long long bytes; /* -1: none */
	} rows[] = {
		{ "0", 0 },
		{ "4096", 4096 },
		{ "10b", 10 },
		{ "512k", 524288 },
		{ "128m", 128 << 20 },
		{ "1g", 1 << 30 },
		{ "1G", 1 << 30 },
		{ "128mb", 128 << 20 },
		{ "128MiB", 128 << 20 },
		{ "1.5g", 3ll << 29 },
		{ "0.5k", 512 },
		{ "2t", 2ll << 40 },
		{ "0.0001k", 1 },
		{ "", -1 },
		{ "m", -1 },
		{ "-1m", -1 },
		{ "1.m", -1 },
		{ "1 m", -1 },
		{ "1mm", -1 },
		{ "1x", -1 },
		{ "1mi", -1 },
		{ "1bb", -1 },
		{ "9223372036854775807", INT64_MAX },
		{ "9223372036854775808", -1 },
		{ "99999999999999999999999t", -1 },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		uint64_t v = 7;
		bool good = value_size(rows[i].text, &v);

		if (good != (rows[i].bytes >= 0) ||
		    (good && (long long)v != rows[i].bytes) || (!good && v != 7))
			test_fail(__FILE__, __LINE__, "%s is %d %llu", rows[i].text, good,
				  (unsigned long long)v);
	}
}

TEST(durations_have_units)
{
	static const struct {
		const char *text;
		long long ms;
	} rows[] = {
		{ "0", 0 },
		{ "300ms", 300 },
		{ "2s", 2000 },
		{ "1m30s", 90000 },
		{ "1h", 3600000 },
		{ "1.5s", 1500 },
		{ "1h1m1s1ms", 3661001 },
		{ "1us", 1 },
		{ "2000us", 2 },
		{ "1d", 86400000 },
		{ "", -1 },
		{ "10", -1 },
		{ "s", -1 },
		{ "1s2", -1 },
		{ "-1s", -1 },
		{ "1 s", -1 },
		{ "99999999999h", -1 },
		{ "1000h1000h1000h", -1 },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		uint32_t v = 7;
		bool good = value_duration(rows[i].text, &v);

		if (good != (rows[i].ms >= 0) || (good && v != rows[i].ms))
			test_fail(__FILE__, __LINE__, "%s is %d %u", rows[i].text, good,
				  v);
	}
}

TEST(small_values)
{
	uint64_t millis;
	uint16_t port;
	bool b = false;

	CHECK(value_cpus("0.5", &millis) && millis == 500);
	CHECK(value_cpus("2", &millis) && millis == 2000);
	CHECK(value_cpus("0.0001", &millis) && millis == 1);
	CHECK(!value_cpus("-1", &millis) && !value_cpus("1e3", &millis));
	CHECK(value_bool("on", &b) && b && value_bool("No", &b) && !b &&
	      !value_bool("1", &b));
	CHECK(value_port("65535", &port) && !value_port("0", &port) &&
	      !value_port("65536", &port));
	CHECK(value_name("db_1.x-y") && !value_name("Db") && !value_name("-a") &&
	      !value_name(""));
	CHECK(!value_name("a/b") && !value_name(".."));
	CHECK(value_hostname("a-b.c") && !value_hostname("-a") && !value_hostname("a.") &&
	      !value_hostname("a b") && !value_hostname("a-"));
}

TEST(paths_are_cleaned)
{
	static const struct {
		const char *text, *path;
	} rows[] = {
		{ "/", "/" },  { "/a//b/./c/", "/a/b/c" },
		{ "a", NULL }, { "/a/../b", NULL },
		{ "", NULL },  { "/a/..b", "/a/..b" },
	};
	static const struct {
		const char *text, *path;
	} resolved[] = {
		{ "/x", "/x" },     { "x", "/d/e/x" },      { "./x/", "/d/e/x" },
		{ "../x", "/d/x" }, { "../../../x", "/x" }, { "~/x", "/home/u/x" },
		{ "~", "/home/u" }, { "~x", "/d/e/~x" },    { ".", "/d/e" },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		AUTO_FREE char *got = value_path(rows[i].text);

		CHECK(str_eq(got, rows[i].path));
	}
	for (size_t i = 0; i < ARRAY_LEN(resolved); i++) {
		AUTO_FREE char *got = value_resolve(resolved[i].text, "/d/e", "/home/u");

		CHECK_STR(got, resolved[i].path);
	}
}

TEST(signals_have_one_name)
{
	static const struct {
		const char *text, *name;
		int number;
	} rows[] = {
		{ "SIGTERM", "SIGTERM", SIGTERM },
		{ "term", "SIGTERM", SIGTERM },
		{ "15", "SIGTERM", SIGTERM },
		{ "sigquit", "SIGQUIT", SIGQUIT },
		{ "SIGRTMIN+3", "SIGRTMIN+3", 37 },
		{ "37", "SIGRTMIN+3", 37 },
		{ "RTMIN", "SIGRTMIN", 34 },
		{ "SIGRTMAX", "SIGRTMIN+30", 64 },
		{ "0", NULL, 0 },
		{ "65", NULL, 0 },
		{ "SIGFOO", NULL, 0 },
		{ "", NULL, 0 },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		AUTO_FREE char *name = value_signal(rows[i].text);

		CHECK(str_eq(name, rows[i].name));
		CHECK_INT(model_signal_number(rows[i].text), rows[i].number);
		if (name)
			CHECK_INT(model_signal_number(name), rows[i].number);
	}
}
