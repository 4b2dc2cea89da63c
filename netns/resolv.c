/*
 * netns/resolv.c - the text of a container's /etc/resolv.conf.
 *
 * Knows the file's syntax and where the usual stub resolvers keep the real servers. A
 * container's 127.0.0.1 is its own: a stub listening on the host's is of no use to it.
 */
#include "netns/netns.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "runtime/base/fd.h"

enum server { SERVER_NONE, SERVER_V4, SERVER_V6 };

/* SERVER_NONE: loopback, or a link-local address whose zone only the host has. */
static enum server server_kind(const char *s)
{
	struct in6_addr v6;
	struct in_addr v4;

	if (inet_pton(AF_INET, s, &v4) == 1) {
		if (ntohl(v4.s_addr) >> 24 == IN_LOOPBACKNET ||
		    v4.s_addr == htonl(INADDR_ANY))
			return SERVER_NONE;
		return SERVER_V4;
	}
	if (inet_pton(AF_INET6, s, &v6) != 1 || IN6_IS_ADDR_LOOPBACK(&v6) ||
	    IN6_IS_ADDR_UNSPECIFIED(&v6) || IN6_IS_ADDR_LINKLOCAL(&v6))
		return SERVER_NONE;
	return SERVER_V6;
}

struct resolv {
	struct strv v4, v6;
	struct buf rest; /* search, options, … as they stand */
};

static void resolv_free(struct resolv *r)
{
	strv_free(&r->v4);
	strv_free(&r->v6);
	buf_free(&r->rest);
}

static void parse_line(struct resolv *r, const char *line)
{
	AUTO_STRV struct strv words = STRV_INIT;

	strv_split(&words, line, " \t\r");
	if (words.n == 0 || words.v[0][0] == '#' || words.v[0][0] == ';')
		return;
	if (strcmp(words.v[0], "nameserver") != 0) {
		strv_foreach (i, &words)
			buf_addf(&r->rest, "%s%s", i ? " " : "", words.v[i]);
		buf_addc(&r->rest, '\n');
		return;
	}
	if (words.n < 2)
		return;
	if (server_kind(words.v[1]) == SERVER_V4)
		strv_add(&r->v4, words.v[1]);
	else if (server_kind(words.v[1]) == SERVER_V6)
		strv_add(&r->v6, words.v[1]);
}

static int read_conf(const char *dir, const char *name, struct resolv *ret, struct err *e)
{
	AUTO_FREE char *path = str_fmt("%s/%s", dir, name);
	AUTO_BUF struct buf text = BUF_INIT;
	AUTO_STRV struct strv lines = STRV_INIT;
	int r = fd_read_file(AT_FDCWD, path, 1 << 20, &text, e);

	if (r == -ENOENT) {
		err_clear(e);
		return 0;
	}
	if (r < 0)
		return r;
	strv_split(&lines, text.data, "\n");
	strv_foreach (i, &lines)
		parse_line(ret, lines.v[i]);
	return 0;
}

static char *format(const struct resolv *r)
{
	AUTO_BUF struct buf b = BUF_INIT;

	/* IPv4 first: resolvers ask the first three only, and containers are sure to have
	 * IPv4 */
	strv_foreach (i, &r->v4)
		buf_addf(&b, "nameserver %s\n", r->v4.v[i]);
	strv_foreach (i, &r->v6)
		buf_addf(&b, "nameserver %s\n", r->v6.v[i]);
	if (r->rest.len)
		buf_add(&b, r->rest.data, r->rest.len);
	return buf_take(&b);
}

int netns_resolv_conf(const char *etc, const char *run, char **ret, struct err *e)
{
	static const char *const behind_stub[] = {
		"systemd/resolve/resolv.conf",
		"NetworkManager/no-stub-resolv.conf",
	};
	AUTO(resolv_free) struct resolv conf = { STRV_INIT, STRV_INIT, BUF_INIT };
	int r = read_conf(etc, "resolv.conf", &conf, e);

	for (size_t i = 0; r == 0 && i < ARRAY_LEN(behind_stub); i++) {
		AUTO(resolv_free) struct resolv real = { STRV_INIT, STRV_INIT, BUF_INIT };

		if (conf.v4.n + conf.v6.n > 0)
			break;
		r = read_conf(run, behind_stub[i], &real, e);
		if (r < 0 || real.v4.n + real.v6.n == 0)
			continue;
		/* its search list and options too: the stub's may be about the stub
		 * (trust-ad) */
		resolv_free(&conf);
		conf = real;
		memset(&real, 0, sizeof(real));
	}
	if (r == 0)
		*ret = format(&conf);
	return r;
}
