/* images/fetch/target.c - see target.h. */
#include "images/fetch/target.h"

#include <arpa/inet.h>
#include <curl/curl.h>
#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <strings.h>

#include "runtime/base/str.h"

void target_free(struct target *t)
{
	free(t->scheme);
	free(t->host);
	free(t->port);
	*t = (struct target){ 0 };
}

static char *part(CURLU *u, CURLUPart which, unsigned flags)
{
	char *text = NULL, *copy = NULL;

	if (curl_url_get(u, which, &text, flags) == CURLUE_OK)
		copy = str_dup(text);
	curl_free(text);
	return copy;
}

static bool name_is_loopback(const char *host)
{
	struct in_addr a;

	return strcasecmp(host, "localhost") == 0 || strcmp(host, "[::1]") == 0 ||
	       (inet_pton(AF_INET, host, &a) == 1 && ntohl(a.s_addr) >> 24 == 127);
}

static int check(const struct target *t, const char *url, struct err *e)
{
	if (!t->scheme || !t->host || !t->port ||
	    (strcmp(t->scheme, "http") != 0 && strcmp(t->scheme, "https") != 0))
		return err_msg(e, EINVAL, "'%.200s' is no https URL", url);
	if (t->plain && !name_is_loopback(t->host))
		return err_msg(e, EPERM,
			       "plain http to '%s' is refused: only loopback may be "
			       "without TLS",
			       t->host);
	return 0;
}

int target_parse(const char *url, struct target *ret, struct err *e)
{
	struct target t = { 0 };
	CURLU *u = curl_url();
	int r;

	if (u &&
	    curl_url_set(u, CURLUPART_URL, url, CURLU_NON_SUPPORT_SCHEME) == CURLUE_OK) {
		t.scheme = part(u, CURLUPART_SCHEME, 0);
		t.host = part(u, CURLUPART_HOST, 0);
		t.port = part(u, CURLUPART_PORT, CURLU_DEFAULT_PORT);
		t.plain = str_eq(t.scheme, "http");
	}
	curl_url_cleanup(u);
	r = check(&t, url, e);
	if (r < 0)
		target_free(&t);
	else
		*ret = t;
	return r;
}

bool target_same(const struct target *a, const struct target *b)
{
	return str_eq(a->scheme, b->scheme) && strcasecmp(a->host, b->host) == 0 &&
	       str_eq(a->port, b->port);
}

bool target_is_loopback(const struct sockaddr *sa)
{
	const struct sockaddr_in *v4 = (const void *)sa;
	const struct sockaddr_in6 *v6 = (const void *)sa;

	if (sa->sa_family == AF_INET)
		return ntohl(v4->sin_addr.s_addr) >> 24 == 127;
	return sa->sa_family == AF_INET6 && IN6_IS_ADDR_LOOPBACK(&v6->sin6_addr);
}
