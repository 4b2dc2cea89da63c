/* images/fetch/challenge.c - see challenge.h. */
#include "images/fetch/challenge.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

void challenge_free(struct challenge *c)
{
	free(c->realm);
	free(c->service);
	free(c->scope);
	*c = (struct challenge){ 0 };
}

static void skip(const char **p, const char *what)
{
	*p += strspn(*p, what);
}

static char *take_token(const char **p)
{
	size_t n = 0;

	while (isalnum((unsigned char)(*p)[n]) ||
	       ((*p)[n] && strchr("!#$%&'*+-.^_`|~", (*p)[n])))
		n++;
	*p += n;
	return n ? str_ndup(*p - n, n) : NULL;
}

/* A token, or a quoted string whose backslashes quote one character. */
static char *take_value(const char **p)
{
	AUTO_BUF struct buf text = BUF_INIT;

	if (**p != '"') {
		size_t n = strcspn(*p, ", \t");

		*p += n;
		return str_ndup(*p - n, n);
	}
	for (++*p; **p && **p != '"'; ++*p) {
		if (**p == '\\' && (*p)[1])
			++*p;
		buf_addc(&text, **p);
	}
	if (**p != '"')
		return NULL;
	++*p;
	return buf_take(&text);
}

static void set_param(struct challenge *c, const char *key, char *value)
{
	char **to = strcasecmp(key, "realm") == 0     ? &c->realm
		    : strcasecmp(key, "service") == 0 ? &c->service
		    : strcasecmp(key, "scope") == 0   ? &c->scope
						      : NULL;

	if (to && !*to)
		*to = value;
	else
		free(value);
}

/* key=value, …; ends in front of the next challenge's scheme. False: unreadable. */
static bool take_params(const char **p, struct challenge *c)
{
	for (;;) {
		const char *start;
		AUTO_FREE char *key = NULL;
		char *value;

		skip(p, " \t,");
		start = *p;
		key = take_token(p);
		skip(p, " \t");
		if (!key)
			return **p == '\0';
		if (**p != '=') {
			*p = start;
			return true;
		}
		++*p;
		skip(p, " \t");
		value = take_value(p);
		if (!value)
			return false;
		set_param(c, key, value);
	}
}

static enum challenge_scheme scheme_of(const char *name)
{
	return strcasecmp(name, "bearer") == 0  ? CHALLENGE_BEARER
	       : strcasecmp(name, "basic") == 0 ? CHALLENGE_BASIC
						: CHALLENGE_NONE;
}

void challenge_parse(const char *header, struct challenge *c)
{
	const char *p = header;
	bool readable = true;

	while (readable) {
		struct challenge one = { 0 };
		AUTO_FREE char *name = NULL;

		skip(&p, " \t,");
		name = take_token(&p);
		if (!name)
			return;
		one.scheme = scheme_of(name);
		readable = take_params(&p, &one);
		if (readable && one.scheme > c->scheme) {
			challenge_free(c);
			*c = one;
		} else {
			challenge_free(&one);
		}
	}
}
