/* images/refname.c - see refname.h. */
#include "images/refname.h"

#include <ctype.h>
#include <string.h>

#include "images/digest.h"

#define WORD_CHARS "abcdefghijklmnopqrstuvwxyz0123456789"
#define TAG_CHARS "ABCDEFGHIJKLMNOPQRSTUVWXYZ" WORD_CHARS "_.-"

enum { TAG_MAX = 128 };

void refname_free(struct refname *r)
{
	free(r->name);
	free(r->digest);
	*r = (struct refname){ NULL, NULL };
}

/* Length of the separator at @p: one '.', one or two '_', any number of '-'; 0 if none.
 */
static size_t separator(const char *p)
{
	if (*p == '.')
		return 1;
	if (*p == '_')
		return p[1] == '_' ? 2 : 1;
	return strspn(p, "-");
}

/* words joined by separators, e.g. "my_app--2" */
static bool valid_component(const char *p)
{
	for (;;) {
		size_t n = strspn(p, WORD_CHARS);

		if (n == 0)
			return false;
		p += n;
		if (!*p)
			return true;
		n = separator(p);
		if (n == 0)
			return false;
		p += n;
	}
}

static bool valid_path(const char *path)
{
	AUTO_FREE char *copy = str_dup(path);
	char *rest = copy;

	while (rest)
		if (!valid_component(strsep(&rest, "/")))
			return false;
	return true;
}

/* host[:port]; the letters may be upper case here */
static bool valid_domain(const char *d)
{
	size_t n = strcspn(d, ":");

	if (n == 0 || !isalnum((unsigned char)d[0]) || !isalnum((unsigned char)d[n - 1]))
		return false;
	for (size_t i = 0; i < n; i++)
		if (!isalnum((unsigned char)d[i]) && d[i] != '.' && d[i] != '-')
			return false;
	return !d[n] ||
	       (d[n + 1] && strspn(d + n + 1, "0123456789") == strlen(d + n + 1));
}

static bool valid_tag(const char *tag)
{
	size_t n = strlen(tag);

	return n > 0 && n <= TAG_MAX && tag[0] != '.' && tag[0] != '-' &&
	       strspn(tag, TAG_CHARS) == n;
}

/* The first component is a domain only if it cannot be a word of a path. */
static bool has_domain(const char *name, size_t n)
{
	return name[n] == '/' &&
	       (memchr(name, '.', n) || memchr(name, ':', n) ||
		(n == strlen("localhost") && !strncmp(name, "localhost", n)));
}

/* @name is DOMAIN/PATH or PATH: the familiar form of it, or NULL. */
static char *familiar(const char *name)
{
	size_t n = strcspn(name, "/");
	AUTO_FREE char *domain = NULL;
	const char *path = name;

	if (has_domain(name, n)) {
		domain = str_ndup(name, n);
		path = name + n + 1;
		if (!valid_domain(domain))
			return NULL;
	}
	if (!valid_path(path))
		return NULL;
	if (!domain)
		domain = str_dup("docker.io");
	if (!str_eq(domain, "docker.io") && !str_eq(domain, "index.docker.io"))
		return str_fmt("%s/%s", domain, path);
	if (str_starts(path, "library/") && !strchr(path + strlen("library/"), '/'))
		path += strlen("library/");
	/* "docker.io/a.b/c" without its domain would have the domain "a.b" */
	return has_domain(path, strcspn(path, "/")) ? str_fmt("docker.io/%s", path)
						    : str_dup(path);
}

bool refname_parse(const char *text, struct refname *ret)
{
	AUTO_FREE char *copy = str_dup(text), *name = NULL;
	char *at = strchr(copy, '@'), *slash, *colon;
	const char *tag = "latest";
	struct digest d;

	if (at) {
		*at++ = '\0';
		if (!digest_parse(at, &d))
			return false;
	}
	slash = strrchr(copy, '/');
	colon = strchr(slash ? slash : copy, ':');
	if (colon) {
		*colon = '\0';
		tag = colon + 1;
	}
	if (!valid_tag(tag))
		return false;
	name = familiar(copy);
	if (!name || strlen(name) + 1 + strlen(tag) > REFNAME_MAX)
		return false;
	ret->name = str_fmt("%s:%s", name, tag);
	ret->digest = str_dup(at);
	return true;
}

char *refname_full(const char *name)
{
	size_t n = strcspn(name, "/");

	if (has_domain(name, n))
		return str_dup(name);
	return str_fmt("docker.io/%s%s", name[n] ? "" : "library/", name);
}

/* '+' is in no name, so the two are one to one; a name never begins with a dot. */
static char *swap(const char *s, char from, char to)
{
	char *copy = str_dup(s);

	for (char *p = copy; *p; p++)
		if (*p == from)
			*p = to;
	return copy;
}

char *refname_file(const char *name)
{
	return swap(name, '/', '+');
}

char *refname_from_file(const char *file)
{
	return swap(file, '+', '/');
}
