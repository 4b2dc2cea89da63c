/* images/pull/registry.c - see registry.h. */
#include "images/pull/registry.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <string.h>
#include <strings.h>

#include "images/jail.h"
#include "images/pull/creds.h"
#include "runtime/base/fd.h"

enum {
	CA_MAX = 1 << 20,
	TOKEN_ANSWER_MAX = 64 << 10,
	TRIES = 3,
	TOKEN_MAX = 32 << 10,
	MESSAGE_MAX = 160
};

struct registry {
	struct image_store *s;
	char *host, *repo; /* host[:port] as in the name */
	char *address;     /* host[:port] to talk to */
	bool loopback;     /* may be without TLS */
	bool plain;        /* and is */
	struct creds creds;
	char *ca;             /* text */
	char *auth;           /* a value of Authorization; NULL: none yet */
	pthread_mutex_t lock; /* of plain and auth, and while logging in */
};

struct registry *registry_free(struct registry *reg)
{
	if (!reg)
		return NULL;
	creds_free(&reg->creds);
	if (reg->auth)
		explicit_bzero(reg->auth, strlen(reg->auth));
	pthread_mutex_destroy(&reg->lock);
	free(reg->host);
	free(reg->repo);
	free(reg->address);
	free(reg->ca);
	free(reg->auth);
	free(reg);
	return NULL;
}

static void free_registry(struct registry **reg)
{
	registry_free(*reg);
}

static bool is_loopback(const char *address)
{
	AUTO_FREE char *host = str_ndup(address, strcspn(address, ":"));
	struct in_addr a;

	return strcasecmp(host, "localhost") == 0 ||
	       (inet_pton(AF_INET, host, &a) == 1 && ntohl(a.s_addr) >> 24 == 127);
}

/* The familiar form names a host only if its first word cannot be one of a path. */
static void split(struct registry *reg, const char *name)
{
	size_t n = strcspn(name, "/");
	bool has_host = name[n] && (memchr(name, '.', n) || memchr(name, ':', n) ||
				    strncmp(name, "localhost/", n + 1) == 0);

	reg->host = has_host ? str_ndup(name, n) : str_dup("docker.io");
	name += has_host ? n + 1 : 0;
	if (str_eq(reg->host, "docker.io")) {
		reg->repo = str_fmt("%s%s", strchr(name, '/') ? "" : "library/", name);
		reg->address = str_dup("registry-1.docker.io");
	} else {
		reg->repo = str_dup(name);
		reg->address = str_dup(reg->host);
	}
	reg->loopback = is_loopback(reg->address);
}

static int read_ca(struct registry *reg, const char *file, struct err *e)
{
	AUTO_BUF struct buf b = BUF_INIT;
	int r;

	if (!file)
		file = getenv("SSL_CERT_FILE");
	if (!file || !*file)
		return 0;
	r = fd_read_file(AT_FDCWD, file, CA_MAX, &b, e);
	if (r < 0)
		return err_ctx(e, "certificates");
	if (!b.data || !strstr(b.data, "-----BEGIN"))
		return err_msg(e, EINVAL, "'%s' holds no PEM certificates", file);
	reg->ca = buf_take(&b);
	return 0;
}

int registry_open(struct image_store *s, const char *name, const struct registry_opts *o,
		  struct registry **ret, struct err *e)
{
	AUTO(free_registry) struct registry *reg = mem_new(1, sizeof(*reg));
	int r;

	reg->s = s;
	pthread_mutex_init(&reg->lock, NULL);
	split(reg, name);
	r = read_ca(reg, o->ca_file, e);
	if (r == 0)
		r = creds_load(o->creds_file, reg->host, &reg->creds, e);
	if (r == 0)
		*ret = TAKE(reg);
	return r;
}

/* What may stand in a query: RFC 3986's unreserved characters; the rest as %XX. */
static void add_quoted(struct buf *b, const char *text)
{
	for (const unsigned char *p = (const void *)text; *p; p++)
		if ((*p >= '0' && *p <= '9') || (*p >= 'a' && *p <= 'z') ||
		    (*p >= 'A' && *p <= 'Z') || strchr("-._~", *p))
			buf_addc(b, (char)*p);
		else
			buf_addf(b, "%%%02X", *p);
}

static char *token_url(const struct registry *reg, const struct fetch *asked)
{
	const char *realm = fetch_get(asked, "realm");
	const char *service = fetch_get(asked, "service");
	const char *scope = fetch_get(asked, "scope");
	AUTO_FREE char *own = str_fmt("repository:%s:pull", reg->repo);
	AUTO_BUF struct buf b = BUF_INIT;

	buf_adds(&b, realm);
	buf_addc(&b, strchr(realm, '?') ? '&' : '?');
	if (service) {
		buf_adds(&b, "service=");
		add_quoted(&b, service);
		buf_addc(&b, '&');
	}
	buf_adds(&b, "scope=");
	add_quoted(&b, scope ? scope : own);
	return buf_take(&b);
}

/* A token's server is who the registry says it is; over TLS, or as plain as itself. */
static int check_realm(const struct registry *reg, const char *realm, struct err *e)
{
	if (str_starts(realm, "https://") || (reg->plain && str_starts(realm, "http://")))
		return 0;
	return err_msg(e, EPERM, "it wants a login at '%.200s', which is not https",
		       realm);
}

/* End a request whose answer does not matter any more. */
static void forget(struct fetch *f)
{
	struct err ignored = ERR_INIT;

	(void)!fetch_end(f, &ignored);
}

/* It becomes part of a header's line. */
static bool is_token(const char *s)
{
	size_t n = strlen(s);

	for (const char *p = s; *p; p++)
		if (*p <= ' ' || *p > '~')
			return false;
	return n > 0 && n <= TOKEN_MAX;
}

static int read_token(struct registry *reg, const struct buf *text, char **ret,
		      struct err *e)
{
	AUTO_BUF struct buf answer = BUF_INIT;
	const char *key, *token = "";
	struct wire_list list;
	int r = jail_document(reg->s, WIRE_TOKEN, text->data ? text->data : "", text->len,
			      &answer, &list, e);

	if (r == 0 && (!wire_next(&list, &key, &token) || !is_token(token)))
		r = err_msg(e, EINVAL, "its answer has no token");
	if (r == 0)
		*ret = str_fmt("Bearer %s", token);
	if (answer.data)
		explicit_bzero(answer.data, answer.len);
	return r;
}

static int get_token(struct registry *reg, const struct fetch *asked, char **ret,
		     struct err *e)
{
	const char *realm = fetch_get(asked, "realm");
	AUTO_FREE char *url = NULL;
	AUTO_BUF struct buf body = BUF_INIT;
	struct fetch f = FETCH_INIT;
	struct fetch_request req = { .auth = reg->creds.basic,
				     .ca = reg->ca,
				     .max = TOKEN_ANSWER_MAX };
	int status, r;

	if (!realm)
		return err_msg(e, EINVAL,
			       "it wants a token, but does not say from where");
	r = check_realm(reg, realm, e);
	if (r < 0)
		return r;
	req.url = url = token_url(reg, asked);
	r = fetch_start(&req, &f, e);
	if (r < 0) {
		forget(&f);
		return err_ctx(e, "token server '%.150s'", realm);
	}
	status = fetch_status(&f);
	r = fetch_body(&f, TOKEN_ANSWER_MAX, &body, e);
	if (r == 0 && status != 200)
		r = err_msg(e, EACCES, "it refuses %s (HTTP status %d)",
			    reg->creds.basic ? "the login" : "to serve without a login",
			    status);
	if (r == 0)
		r = read_token(reg, &body, ret, e);
	if (body.data)
		explicit_bzero(body.data, body.len);
	return r < 0 ? err_ctx(e, "token server '%.150s'", realm) : 0;
}

static int no_login(const struct registry *reg, struct err *e)
{
	if (reg->creds.user)
		return err_msg(e, EACCES, "it refuses the login of '%s'",
			       reg->creds.user);
	return err_msg(e, EACCES,
		       "it wants a login (--creds FILE, or ~/.docker/config.json)");
}

/* After a 401: an answer to its challenge. @used: what was sent, so that of several
 * threads only the first logs in again. */
static int log_in(struct registry *reg, const struct fetch *asked, const char *used,
		  struct err *e)
{
	const char *scheme = fetch_get(asked, "scheme");
	AUTO_FREE char *fresh = NULL;
	int r = 0;

	if (!str_eq(used, reg->auth))
		return 0;
	if (str_eq(scheme, "bearer"))
		r = get_token(reg, asked, &fresh, e);
	else if (str_eq(scheme, "basic") && reg->creds.basic)
		fresh = str_dup(reg->creds.basic);
	else
		r = no_login(reg, e);
	if (r < 0)
		return r;
	if (str_eq(fresh, used)) /* the same password will not do the second time */
		return no_login(reg, e);
	free(reg->auth);
	reg->auth = TAKE(fresh);
	return 0;
}

/* The registry's own words, for people; NULL if there are none. */
static char *read_refusal(const struct registry *reg, struct fetch *f)
{
	AUTO_BUF struct buf body = BUF_INIT, answer = BUF_INIT;
	struct err ignored = ERR_INIT;
	const char *key, *message;
	struct wire_list list;
	char *copy;

	if (fetch_body(f, FETCH_ERROR_BODY_MAX, &body, &ignored) < 0 || !body.data ||
	    jail_document(reg->s, WIRE_REFUSAL, body.data, body.len, &answer, &list,
			  &ignored) < 0 ||
	    !wire_next(&list, &key, &message) || !*message)
		return NULL;
	copy = str_ndup(message, MESSAGE_MAX);
	str_sanitize(copy);
	return copy;
}

static int no_such(const struct registry *reg, const char *path, const char *said,
		   struct err *e)
{
	const char *ref = strchr(path, '/') + 1;

	if (!str_starts(path, "manifests/"))
		return err_msg(e, ENOENT, "it lacks blob '%s' of '%s' (%s)", ref,
			       reg->repo, said);
	return err_msg(e, ENOENT, "it has no image '%s%c%s' (%s)", reg->repo,
		       strchr(ref, ':') ? '@' : ':', ref, said);
}

/* An answer that is neither 200 nor one that a login may change. */
static int refused(const struct registry *reg, const char *path, struct fetch *f,
		   struct err *e)
{
	AUTO_FREE char *retry = str_dup(fetch_get(f, "retry-after"));
	int status = fetch_status(f);
	AUTO_FREE char *message = read_refusal(reg, f);
	unsigned long long seconds;
	const char *said;

	said = message ? message : "no reason given";
	switch (status) {
	case 401:
		return no_login(reg, e);
	case 403:
		return err_msg(e, EACCES, "it denies access to '%s' (%s)", reg->repo,
			       said);
	case 404:
		return no_such(reg, path, said, e);
	case 429:
		if (retry && str_u64(retry, 1000000, &seconds))
			return err_msg(e, EAGAIN,
				       "it had too many requests: try again in %llu s",
				       seconds);
		return err_msg(e, EAGAIN,
			       "it had too many requests: try again later (%s)", said);
	default:
		return err_msg(e, EIO, "it answers '%s' with HTTP status %d (%s)", path,
			       status, said);
	}
}

/* One request with what is known so far. Return: 0, or -errno. */
static int ask(struct registry *reg, const char *path, const struct fetch_request *req,
	       const char *auth, bool plain, struct fetch *ret, struct err *e)
{
	AUTO_FREE char *url = str_fmt("%s://%s/v2/%s/%s", plain ? "http" : "https",
				      reg->address, reg->repo, path);
	struct fetch_request full = *req;
	int r;

	full.url = url;
	full.auth = auth;
	full.ca = reg->ca;
	r = fetch_start(&full, ret, e);
	if (r < 0)
		forget(ret);
	return r;
}

static void known(struct registry *reg, char **ret_auth, bool *ret_plain)
{
	pthread_mutex_lock(&reg->lock);
	free(*ret_auth);
	*ret_auth = str_dup(reg->auth);
	*ret_plain = reg->plain;
	pthread_mutex_unlock(&reg->lock);
}

/* TLS is tried first everywhere. On loopback, where nobody listens in, a registry that
 * does not speak it is asked again without. A certificate that is wrong stays wrong. */
static bool go_plain(struct registry *reg, const struct fetch *f, struct err *e)
{
	if (!reg->loopback || !f->no_tls)
		return false;
	pthread_mutex_lock(&reg->lock);
	reg->plain = true;
	pthread_mutex_unlock(&reg->lock);
	err_clear(e);
	return true;
}

static int try_get(struct registry *reg, const char *path,
		   const struct fetch_request *req, struct fetch *ret, struct err *e)
{
	AUTO_FREE char *auth = NULL;
	bool plain;
	int r;

	for (int i = 0; i < TRIES; i++) {
		known(reg, &auth, &plain);
		*ret = (struct fetch)FETCH_INIT;
		r = ask(reg, path, req, auth, plain, ret, e);
		if (r < 0 && !plain && go_plain(reg, ret, e))
			continue;
		if (r < 0 || fetch_status(ret) == 200)
			return r;
		if (fetch_status(ret) != 401)
			return refused(reg, path, ret, e);
		pthread_mutex_lock(&reg->lock);
		r = log_in(reg, ret, auth, e);
		pthread_mutex_unlock(&reg->lock);
		forget(ret);
		if (r < 0)
			return r;
	}
	return no_login(reg, e);
}

int registry_get(struct registry *reg, const char *path, const struct fetch_request *req,
		 struct fetch *ret, struct err *e)
{
	int r = try_get(reg, path, req, ret, e);

	return r < 0 ? err_ctx(e, "registry '%s'", reg->host) : r;
}
