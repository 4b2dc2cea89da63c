/* supervisor/probe.c - see probe.h. */
#include "runtime/supervisor/probe.h"

#include <string.h>

#include "runtime/supervisor/text.h"

enum { TEXT = 160, SOONEST_MS = 50, SOONEST_EXEC_MS = 100, LATEST_MS = 500 };

static size_t put_be32(char *p, uint32_t v)
{
	p[0] = (char)(v >> 24);
	p[1] = (char)(v >> 16);
	p[2] = (char)(v >> 8);
	p[3] = (char)v;
	return 4;
}

/* StartupMessage of protocol 3.0: length, version, "user", name, terminator. */
static size_t postgres_request(const char *user, char *buf)
{
	size_t n = 8, len;

	if (!*user)
		user = "postgres";
	len = strlen(user) + 1;
	memcpy(buf + n, "user", 5);
	n += 5;
	memcpy(buf + n, user, len);
	n += len;
	buf[n++] = '\0';
	put_be32(buf, (uint32_t)n);
	put_be32(buf + 4, 3u << 16);
	return n;
}

size_t probe_request(const struct sup_service *s, char *buf)
{
	struct text t = text_over(buf, PROBE_REPLY_MAX);

	switch (s->health) {
	case SUP_HEALTH_HTTP:
		text_str(&t, "GET ");
		text_str(&t, s->health_path[0] ? s->health_path : "/");
		text_str(&t, " HTTP/1.1\r\nHost: localhost\r\nUser-Agent: minibox\r\n"
			     "Accept: */*\r\nConnection: close\r\n\r\n");
		break;
	case SUP_HEALTH_POSTGRES:
		return postgres_request(s->health_path, buf);
	case SUP_HEALTH_REDIS:
		text_str(&t, "PING\r\n");
		break;
	default:
		break;
	}
	return (size_t)(t.at - buf);
}

static enum probe_verdict fail(char *text, const char *why, const char *data, size_t n)
{
	struct text t = text_over(text, TEXT);

	text_str(&t, why);
	text_copy(t.at, (size_t)(t.end - t.at) + 1, data, n);
	return PROBE_FAIL;
}

static enum probe_verdict judge_http(const char *data, size_t n, bool eof, char *text)
{
	uint64_t code;

	if (n < 12)
		return eof ? fail(text, "no HTTP reply ", data, n) : PROBE_MORE;
	if (memcmp(data, "HTTP/1.", 7) != 0 || data[8] != ' ')
		return fail(text, "not an HTTP reply: ", data, n);
	code = text_to_num(data + 9, 3);
	if (code >= 200 && code <= 399)
		return PROBE_PASS;
	return fail(text, "HTTP status ", data + 9, 3);
}

/* A field of an ErrorResponse (type byte, string, NUL), within @n bytes; "" if it has
 * none. */
static const char *postgres_field(const char *data, size_t n, char type)
{
	size_t i = 5;

	while (i < n && data[i] != '\0') {
		const char *end = memchr(data + i, '\0', n - i);

		if (!end)
			break;
		if (data[i] == type)
			return data + i + 1;
		i = (size_t)(end - data) + 1;
	}
	return "";
}

static enum probe_verdict judge_postgres(const char *data, size_t n, bool eof, char *text)
{
	uint32_t len;
	const char *m;

	if (n > 0 && data[0] == 'R')
		return PROBE_PASS; /* asks for a password, or lets in: both take
				      connections */
	if (n > 0 && data[0] != 'E')
		return fail(text, "not a postgres reply: ", data, n);
	if (n < 5)
		return eof ? fail(text, "no postgres reply", "", 0) : PROBE_MORE;
	len = ((uint32_t)(uint8_t)data[1] << 24) | ((uint32_t)(uint8_t)data[2] << 16) |
	      ((uint32_t)(uint8_t)data[3] << 8) | (uint8_t)data[4];
	if (!eof && n < PROBE_REPLY_MAX && n < (uint64_t)len + 1)
		return PROBE_MORE;
	if (*postgres_field(data, n, 'C') == '\0')
		return fail(text, "not a postgres reply: ", data, n);
	m = postgres_field(data, n, 'M');
	if (strcmp(postgres_field(data, n, 'C'), "57P03") == 0)
		return fail(text, "postgres: ", m, strlen(m));
	return PROBE_PASS;
}

static enum probe_verdict judge_redis(const char *data, size_t n, bool eof, char *text)
{
	const char *eol = memchr(data, '\n', n);

	if (n >= 5 && memcmp(data, "+PONG", 5) == 0)
		return PROBE_PASS;
	if (n >= 7 && memcmp(data, "-NOAUTH", 7) == 0)
		return PROBE_PASS;
	if (!eol && !eof)
		return PROBE_MORE;
	return fail(text, "redis: ", data, eol ? (size_t)(eol - data) : n);
}

enum probe_verdict probe_judge(enum sup_health kind, const char *data, size_t n, bool eof,
			       char *text)
{
	eof = eof || n >= PROBE_REPLY_MAX;
	switch (kind) {
	case SUP_HEALTH_HTTP:
		return judge_http(data, n, eof, text);
	case SUP_HEALTH_POSTGRES:
		return judge_postgres(data, n, eof, text);
	case SUP_HEALTH_REDIS:
		return judge_redis(data, n, eof, text);
	default:
		return PROBE_PASS;
	}
}

uint32_t probe_delay_ms(const struct sup_service *s, bool first, uint64_t uptime_ms)
{
	uint32_t least = s->health == SUP_HEALTH_EXEC ? SOONEST_EXEC_MS : SOONEST_MS;
	uint32_t ms = uptime_ms < LATEST_MS * 8 ? (uint32_t)uptime_ms / 8 : LATEST_MS;

	if (first && s->health_start_interval_ms && uptime_ms < s->health_start_ms)
		ms = s->health_start_interval_ms;
	else if (!first || s->health_start_interval_ms || ms > s->health_interval_ms)
		ms = s->health_interval_ms;
	return ms > least ? ms : least;
}

uint64_t probe_counts_from(const struct sup_service *s, uint64_t begun_ns)
{
	return begun_ns +
	       (s->health_start_ms + (uint64_t)s->health_interval_ms) * 1000000u;
}

bool probe_count(const struct sup_service *s, bool first, uint64_t now_ns,
		 uint64_t *count_ns)
{
	if (first && now_ns < *count_ns)
		return false;
	*count_ns = now_ns + s->health_interval_ms * 1000000ull;
	return true;
}

bool probe_is_sick(const struct sup_service *s, uint32_t failures)
{
	return failures >= (s->health_retries ? s->health_retries : 1);
}
