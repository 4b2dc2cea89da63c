/* images/fetch/transfer.c - see transfer.h. */
#include "images/fetch/transfer.h"

#include <curl/curl.h>
#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include "images/fetch/challenge.h"
#include "images/fetch/target.h"
#include "runtime/base/fd.h"

enum {
	REDIRECTS_MAX = 5,
	ATTEMPTS_MAX = 5,
	PAUSE_MS = 200,
	WORTH_BYTES = 1 << 20, /* an attempt that brought as much was not in vain */
	CONNECT_SECONDS = 20,
	STALL_SECONDS = 30,
	BUFFER_SIZE = 128 << 10
};

struct transfer {
	CURL *curl;
	int out, say;
	/* the request */
	const char *url, *auth, *ca;
	struct curl_slist *accept;
	uint64_t max, size;
	bool exact; /* size was given */
	/* this hop */
	struct target first, at;
	struct curl_slist *headers;
	long status;
	bool looked;    /* at the head of this answer */
	uint64_t skip;  /* bytes that a server without ranges sends again */
	uint64_t aside; /* bytes of a body that is not what was asked for */
	bool enough;    /* of it */
	char text[CURL_ERROR_SIZE];
	/* all hops and attempts */
	bool said;      /* the head */
	uint64_t got;   /* bytes of the body that went to out */
	struct err err; /* of a callback: curl only sees that it failed */
};

static const char *header(struct transfer *t, const char *name, size_t i)
{
	struct curl_header *h = NULL;

	return curl_easy_header(t->curl, name, i, CURLH_HEADER, -1, &h) == CURLHE_OK
		       ? h->value
		       : NULL;
}

static void add_header(struct transfer *t, struct buf *b, const char *key,
		       const char *name)
{
	const char *value = header(t, name, 0);

	if (value)
		records_add(b, key, value);
}

static void add_challenge(struct transfer *t, struct buf *b)
{
	static const char *const schemes[] = { NULL, "basic", "bearer" };
	struct challenge c = { 0 };
	const char *value;

	for (size_t i = 0; (value = header(t, "WWW-Authenticate", i)); i++)
		challenge_parse(value, &c);
	if (schemes[c.scheme])
		records_add(b, "scheme", schemes[c.scheme]);
	if (c.realm)
		records_add(b, "realm", c.realm);
	if (c.service)
		records_add(b, "service", c.service);
	if (c.scope)
		records_add(b, "scope", c.scope);
	challenge_free(&c);
}

static int say_head(struct transfer *t)
{
	AUTO_BUF struct buf b = BUF_INIT;
	char status[16];

	snprintf(status, sizeof(status), "%ld", t->status);
	records_add(&b, "status", status);
	add_header(t, &b, "type", "Content-Type");
	add_header(t, &b, "digest", "Docker-Content-Digest");
	add_header(t, &b, "retry-after", "Retry-After");
	if (t->status == 401)
		add_challenge(t, &b);
	records_add(&b, "", "");
	if (b.len > FETCH_ANSWER_MAX)
		return err_msg(&t->err, EFBIG, "'%s': its answer's head is too large",
			       t->at.host);
	t->said = true;
	return fd_write_all(t->say, b.data, b.len, "the answer's pipe", &t->err);
}

static bool is_redirect(long status)
{
	return status == 301 || status == 302 || status == 303 || status == 307 ||
	       status == 308;
}

/* What a resumed request brought: the rest, or all of it again. */
static int check_resumed(struct transfer *t)
{
	const char *range = header(t, "Content-Range", 0);
	uint64_t from = 0;

	if (t->status == 200) {
		t->skip = t->got;
		return 0;
	}
	if (t->status != 206)
		return err_msg(&t->err, EIO,
			       "'%s': the connection was lost after %" PRIu64
			       " bytes, and resuming gave HTTP status %ld",
			       t->at.host, t->got, t->status);
	if (!range || sscanf(range, "bytes %" SCNu64 "-", &from) != 1 || from != t->got)
		return err_msg(&t->err, EIO,
			       "'%s': asked for the bytes from %" PRIu64
			       " on, it sent others",
			       t->at.host, t->got);
	return 0;
}

static int check_length(struct transfer *t)
{
	curl_off_t n = -1;

	curl_easy_getinfo(t->curl, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &n);
	if (n < 0)
		return 0;
	if (t->exact && (uint64_t)n != t->size)
		return err_msg(&t->err, EINVAL,
			       "'%s' sends %lld bytes, its descriptor says %" PRIu64,
			       t->at.host, (long long)n, t->size);
	if ((uint64_t)n > t->max)
		return err_msg(&t->err, EFBIG,
			       "'%s' sends %lld bytes, more than %" PRIu64, t->at.host,
			       (long long)n, t->max);
	return 0;
}

/* Once an answer: at its first byte, or at its end if it has none. */
static int look(struct transfer *t)
{
	int r = 0;

	t->looked = true;
	curl_easy_getinfo(t->curl, CURLINFO_RESPONSE_CODE, &t->status);
	if (is_redirect(t->status))
		return 0;
	if (t->said)
		return check_resumed(t);
	if (t->status == 200)
		r = check_length(t);
	return r == 0 ? say_head(t) : r;
}

/* A redirect's body is dropped, an error's handed on; neither may go on for ever. */
static int pass_aside(struct transfer *t, const char *data, size_t n)
{
	t->aside += n;
	t->enough = t->aside > FETCH_ERROR_BODY_MAX;
	if (t->enough || is_redirect(t->status))
		return 0;
	return fd_write_all(t->out, data, n, "the body's pipe", &t->err);
}

static int pass_on(struct transfer *t, const char *data, size_t n)
{
	if (t->skip) {
		size_t drop = t->skip < n ? (size_t)t->skip : n;

		t->skip -= drop;
		data += drop;
		n -= drop;
	}
	if (n > t->max - t->got)
		return err_msg(&t->err, EFBIG, "'%s' sends more than %" PRIu64 " bytes",
			       t->at.host, t->max);
	t->got += n;
	return fd_write_all(t->out, data, n, "the body's pipe", &t->err);
}

static size_t on_body(char *data, size_t one, size_t n, void *arg)
{
	struct transfer *t = arg;
	int r = t->looked ? 0 : look(t);

	if (r == 0)
		r = t->status / 100 == 2 ? pass_on(t, data, one * n)
					 : pass_aside(t, data, one * n);
	return r == 0 && !t->enough ? one * n : CURL_WRITEFUNC_ERROR;
}

/* A name like localhost may resolve to anything. */
static curl_socket_t on_socket(void *arg, curlsocktype purpose, struct curl_sockaddr *a)
{
	const struct transfer *t = arg;

	if (purpose != CURLSOCKTYPE_IPCXN ||
	    (t->at.plain && !target_is_loopback(&a->addr))) {
		errno = EPERM;
		return CURL_SOCKET_BAD;
	}
	return socket(a->family, a->socktype | SOCK_CLOEXEC, a->protocol);
}

static void set_headers(struct transfer *t)
{
	AUTO_FREE char *auth = NULL, *range = NULL;

	curl_slist_free_all(t->headers);
	t->headers = NULL;
	for (const struct curl_slist *a = t->accept; a; a = a->next)
		t->headers = curl_slist_append(t->headers, a->data);
	if (t->auth && target_same(&t->first, &t->at)) {
		auth = str_fmt("Authorization: %s", t->auth);
		t->headers = curl_slist_append(t->headers, auth);
	}
	if (t->got) { /* not by curl's own option: that gives up on a 200 */
		range = str_fmt("Range: bytes=%" PRIu64 "-", t->got);
		t->headers = curl_slist_append(t->headers, range);
	}
	curl_easy_setopt(t->curl, CURLOPT_HTTPHEADER, t->headers);
}

static void set_options(struct transfer *t)
{
	struct curl_blob ca = { .flags = CURL_BLOB_NOCOPY };

	curl_easy_setopt(t->curl, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(t->curl, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(t->curl, CURLOPT_USERAGENT, "minibox/" MINIBOX_VERSION);
	curl_easy_setopt(t->curl, CURLOPT_BUFFERSIZE, (long)BUFFER_SIZE);
	curl_easy_setopt(t->curl, CURLOPT_CONNECTTIMEOUT, (long)CONNECT_SECONDS);
	curl_easy_setopt(t->curl, CURLOPT_LOW_SPEED_LIMIT, 1L);
	curl_easy_setopt(t->curl, CURLOPT_LOW_SPEED_TIME, (long)STALL_SECONDS);
	curl_easy_setopt(t->curl, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
	curl_easy_setopt(t->curl, CURLOPT_WRITEFUNCTION, on_body);
	curl_easy_setopt(t->curl, CURLOPT_WRITEDATA, t);
	curl_easy_setopt(t->curl, CURLOPT_OPENSOCKETFUNCTION, on_socket);
	curl_easy_setopt(t->curl, CURLOPT_OPENSOCKETDATA, t);
	curl_easy_setopt(t->curl, CURLOPT_ERRORBUFFER, t->text);
	if (t->ca) { /* instead of the system's, not beside them */
		ca.data = (void *)(uintptr_t)t->ca;
		ca.len = strlen(t->ca);
		curl_easy_setopt(t->curl, CURLOPT_CAPATH, NULL);
		curl_easy_setopt(t->curl, CURLOPT_CAINFO_BLOB, &ca);
	}
}

/* One answer, redirects not followed. */
static CURLcode hop(struct transfer *t, const char *url)
{
	CURLcode code;

	t->looked = false;
	t->status = 0;
	t->skip = t->aside = 0;
	t->enough = false;
	t->text[0] = '\0';
	set_headers(t);
	curl_easy_setopt(t->curl, CURLOPT_URL, url);
	curl_easy_setopt(t->curl, CURLOPT_NOPROXY, t->at.plain ? "*" : NULL);
	code = curl_easy_perform(t->curl);
	if (code == CURLE_OK && !t->looked && look(t) < 0)
		return CURLE_WRITE_ERROR;
	return t->enough ? CURLE_OK : code;
}

static int follow(struct transfer *t, char **url, struct err *e)
{
	struct target next = { 0 };
	char *to = NULL;
	int r;

	curl_easy_getinfo(t->curl, CURLINFO_REDIRECT_URL, &to);
	if (!to)
		return err_msg(e, EIO, "'%s' redirects to nowhere", t->at.host);
	r = target_parse(to, &next, e);
	if (r == 0 && next.plain && !t->at.plain)
		r = err_msg(e, EPERM, "it leads from TLS to plain http");
	if (r < 0) {
		target_free(&next);
		return err_ctx(e, "'%s' redirects to '%.200s'", t->at.host, to);
	}
	str_set(url, to);
	target_free(&t->at);
	t->at = next;
	return 0;
}

static int failed(const struct transfer *t, CURLcode code, struct err *e)
{
	const char *text = t->text[0] ? t->text : curl_easy_strerror(code);

	return err_msg(e, EIO, "'%s': %s%s", t->at.host,
		       code == CURLE_SSL_CONNECT_ERROR ? "no TLS comes about: " : "",
		       text);
}

/* From the request's URL to an answer that is no redirect: addresses that a registry
 * redirects to are good for a while only. */
static CURLcode attempt(struct transfer *t, struct err *e)
{
	AUTO_FREE char *url = str_dup(t->url);
	CURLcode code = CURLE_OK;

	target_free(&t->at);
	if (target_parse(url, &t->at, e) < 0)
		return CURLE_URL_MALFORMAT;
	for (int i = 0; i <= REDIRECTS_MAX; i++) {
		code = hop(t, url);
		if (code != CURLE_OK || !is_redirect(t->status))
			return code;
		if (follow(t, &url, e) < 0)
			return CURLE_URL_MALFORMAT;
	}
	(void)err_msg(e, ELOOP, "'%s' redirects more than %d times", t->first.host,
		      REDIRECTS_MAX);
	return CURLE_TOO_MANY_REDIRECTS;
}

/* A body of known size that is not there yet is lost, however politely it ended. */
static bool is_lost(const struct transfer *t, CURLcode code)
{
	switch (code) {
	case CURLE_OK:
		return t->exact && t->got < t->size &&
		       (t->status == 200 || t->status == 206);
	case CURLE_PARTIAL_FILE:
	case CURLE_RECV_ERROR:
	case CURLE_SEND_ERROR:
	case CURLE_GOT_NOTHING:
	case CURLE_OPERATION_TIMEDOUT:
	case CURLE_HTTP2:
	case CURLE_HTTP2_STREAM:
		return t->exact || !t->said;
	case CURLE_COULDNT_CONNECT:
	case CURLE_COULDNT_RESOLVE_HOST:
	case CURLE_SSL_CONNECT_ERROR: /* it was there a moment ago */
		return t->exact && t->said;
	default:
		return false;
	}
}

static bool speaks_no_tls(const struct transfer *t, CURLcode code)
{
	return !t->said && !t->at.plain && target_same(&t->at, &t->first) &&
	       (code == CURLE_SSL_CONNECT_ERROR || code == CURLE_COULDNT_CONNECT);
}

static void pause_ms(unsigned ms)
{
	const struct timespec ts = { ms / 1000, (long)(ms % 1000) * 1000000 };

	nanosleep(&ts, NULL);
}

static int run(struct transfer *t, struct err *e)
{
	unsigned in_vain = 0;

	for (;;) {
		uint64_t before = t->got;
		CURLcode code = attempt(t, e);

		if (t->err.code)
			*e = t->err;
		if (e->code)
			return -e->code;
		if (!is_lost(t, code)) {
			if (code == CURLE_OK)
				return 0;
			(void)failed(t, code, e);
			return speaks_no_tls(t, code) ? TRANSFER_E_NO_TLS : -e->code;
		}
		in_vain = t->got - before >= WORTH_BYTES ? 1 : in_vain + 1;
		if (in_vain > ATTEMPTS_MAX) {
			(void)failed(t, code == CURLE_OK ? CURLE_PARTIAL_FILE : code, e);
			return err_ctx(e, "the connection was lost %u times", in_vain);
		}
		pause_ms(PAUSE_MS << (in_vain - 1));
	}
}

static bool read_number(const struct buf *request, const char *key, uint64_t *ret)
{
	const char *text = records_get(request, key);
	unsigned long long n;

	if (!text || !str_u64(text, UINT64_MAX, &n))
		return false;
	*ret = n;
	return true;
}

static int read_request(struct transfer *t, const struct buf *request, struct err *e)
{
	const char *key, *value;
	size_t at = 0;

	t->url = records_get(request, "url");
	t->auth = records_get(request, "auth");
	t->ca = records_get(request, "ca");
	t->exact = read_number(request, "size", &t->size);
	if (!t->url || !read_number(request, "max", &t->max))
		return err_msg(e, EINVAL, "the request has no 'url' or no 'max'");
	while (records_next(request, &at, &key, &value)) {
		AUTO_FREE char *line = str_fmt("Accept: %s", value);

		if (strcmp(key, "accept") == 0)
			t->accept = curl_slist_append(t->accept, line);
	}
	return target_parse(t->url, &t->first, e);
}

int transfer_run(const struct buf *request, int out, int say, struct err *e)
{
	struct transfer t = { .out = out, .say = say, .err = ERR_INIT };
	int r;

	if (curl_global_init(CURL_GLOBAL_DEFAULT) != 0 || !(t.curl = curl_easy_init()))
		return err_msg(e, ENOMEM, "libcurl does not start");
	r = read_request(&t, request, e);
	if (r == 0) {
		set_options(&t);
		r = run(&t, e);
	}
	curl_easy_cleanup(t.curl);
	curl_slist_free_all(t.headers);
	curl_slist_free_all(t.accept);
	target_free(&t.first);
	target_free(&t.at);
	return r;
}
