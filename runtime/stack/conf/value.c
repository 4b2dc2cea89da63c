/*
 * stack/value.c - numbers with units, booleans, names and paths; see value.h.
 */
#include "runtime/stack/conf/value.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "runtime/base/str.h"

enum { FRACTION_DIGITS = 6 };

/* Digits with an optional fraction, as millionths. Moves *@s behind it. */
static bool read_number(const char **s, unsigned __int128 *ret)
{
	unsigned __int128 v = 0;
	const char *p = *s;
	unsigned n = 0;

	for (; isdigit((unsigned char)*p); p++, n++) {
		v = v * 10 + (unsigned)(*p - '0');
		if (v > UINT64_MAX)
			return false;
	}
	if (n == 0)
		return false;
	n = 0;
	if (*p == '.' && isdigit((unsigned char)p[1])) {
		for (p++; isdigit((unsigned char)*p); p++) {
			if (n == FRACTION_DIGITS)
				continue;
			v = v * 10 + (unsigned)(*p - '0');
			n++;
		}
	}
	for (; n < FRACTION_DIGITS; n++)
		v *= 10;
	*s = p;
	*ret = v;
	return true;
}

static uint64_t round_up(unsigned __int128 millionths)
{
	unsigned __int128 v = (millionths + 999999) / 1000000;

	return v > UINT64_MAX ? UINT64_MAX : (uint64_t)v;
}

bool value_size(const char *s, uint64_t *ret_bytes)
{
	static const char units[] = "bkmgt";
	unsigned __int128 v;
	const char *unit;

	if (!read_number(&s, &v))
		return false;
	if (*s) {
		unit = strchr(units, tolower((unsigned char)*s));
		if (!unit)
			return false;
		for (const char *u = units; u < unit; u++)
			v *= 1024;
		s++;
		if (unit != units && (*s == 'i' || *s == 'I') && s[1])
			s++;
		if (unit != units && (*s == 'b' || *s == 'B'))
			s++;
	}
	/* No kernel takes more than a signed 64 bit count. */
	if (*s || v / 1000000 > INT64_MAX)
		return false;
	*ret_bytes = round_up(v);
	return true;
}

bool value_duration(const char *s, uint32_t *ret_ms)
{
	static const struct {
		const char *name;
		uint64_t ns;
	} units[] = {
		{ "ns", 1 },
		{ "us", 1000 },
		{ "ms", 1000000 },
		{ "s", 1000000000 },
		{ "m", 60000000000 },
		{ "h", 3600000000000 },
		{ "d", 86400000000000 },
	};
	unsigned __int128 total = 0, v;

	if (strcmp(s, "0") == 0) {
		*ret_ms = 0;
		return true;
	}
	if (!*s)
		return false;
	while (*s) {
		size_t n = 0, u = 0;

		if (!read_number(&s, &v) || v / 1000000 > UINT32_MAX)
			return false;
		while (isalpha((unsigned char)s[n]))
			n++;
		while (u < ARRAY_LEN(units) &&
		       (strlen(units[u].name) != n || strncmp(units[u].name, s, n) != 0))
			u++;
		if (u == ARRAY_LEN(units))
			return false;
		total += v * units[u].ns;
		s += n;
		if (total / 1000000 / 1000000 > INT32_MAX)
			return false;
	}
	*ret_ms = (uint32_t)round_up((total + 999999) / 1000000);
	return true;
}

bool value_bool(const char *s, bool *ret)
{
	if (!strcasecmp(s, "on") || !strcasecmp(s, "yes") || !strcasecmp(s, "true"))
		*ret = true;
	else if (!strcasecmp(s, "off") || !strcasecmp(s, "no") || !strcasecmp(s, "false"))
		*ret = false;
	else
		return false;
	return true;
}

bool value_cpus(const char *s, uint64_t *ret_millis)
{
	unsigned __int128 v;

	if (!read_number(&s, &v) || *s || v / 1000000 > 65536)
		return false;
	*ret_millis = round_up(v * 1000);
	return true;
}

bool value_port(const char *s, uint16_t *ret)
{
	unsigned long long v;

	if (!str_u64(s, 65535, &v) || v == 0)
		return false;
	*ret = (uint16_t)v;
	return true;
}

bool value_name(const char *s)
{
	size_t n = strspn(s, "abcdefghijklmnopqrstuvwxyz0123456789_.-");

	return n > 0 && !s[n] && n <= 63 && isalnum((unsigned char)*s);
}

bool value_hostname(const char *s)
{
	size_t total = strlen(s), n = 0;

	if (total == 0 || total > 253)
		return false;
	for (const char *p = s;; p++) {
		if (*p == '.' || !*p) {
			if (n == 0 || n > 63 || p[-1] == '-')
				return false;
			n = 0;
		} else if (isalnum((unsigned char)*p) || *p == '_' ||
			   (*p == '-' && n > 0)) {
			n++;
		} else {
			return false;
		}
		if (!*p)
			return true;
	}
}

bool value_env_name(const char *s, size_t n)
{
	/* POSIX keeps names to letters, digits and '_', but images do carry dots and
	 * dashes. */
	for (size_t i = 0; i < n; i++)
		if ((unsigned char)s[i] <= ' ' || s[i] == 0x7f || s[i] == '=')
			return false;
	return n > 0;
}

static void pop(struct buf *b)
{
	while (b->len > 0 && b->data[b->len - 1] != '/')
		b->len--;
	b->len -= b->len > 0;
}

/* Appends the components of @s; a '..' takes one back, or fails without @dotdot. */
static bool add_components(struct buf *b, const char *s, bool dotdot)
{
	while (*(s += strspn(s, "/"))) {
		size_t n = strcspn(s, "/");

		if (n == 2 && memcmp(s, "..", 2) == 0) {
			if (!dotdot)
				return false;
			pop(b);
		} else if (n != 1 || *s != '.') {
			buf_addc(b, '/');
			buf_add(b, s, n);
		}
		s += n;
	}
	return true;
}

static char *path_of(struct buf *b)
{
	if (b->len == 0)
		buf_addc(b, '/');
	b->data[b->len] = '\0';
	return buf_take(b);
}

char *value_path(const char *s)
{
	AUTO_BUF struct buf b = BUF_INIT;

	if (*s != '/' || !add_components(&b, s, false))
		return NULL;
	return path_of(&b);
}

char *value_resolve(const char *s, const char *dir, const char *home)
{
	AUTO_BUF struct buf b = BUF_INIT;

	if (s[0] == '~' && (s[1] == '/' || !s[1])) {
		add_components(&b, home, true);
		s++;
	} else if (*s != '/') {
		add_components(&b, dir, true);
	}
	add_components(&b, s, true);
	return path_of(&b);
}
