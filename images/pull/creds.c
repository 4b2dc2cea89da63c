/* images/pull/creds.c - see creds.h. */
#include "images/pull/creds.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "runtime/base/fd.h"
#include "runtime/base/json.h"
#include "runtime/base/log.h"

enum { FILE_MAX = 1 << 20 };

static const char digits64[] =
	"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

static void wipe(char *text)
{
	if (text)
		explicit_bzero(text, strlen(text));
	free(text);
}

static void wipe_buf(struct buf *b)
{
	if (b->data)
		explicit_bzero(b->data, b->len);
	buf_free(b);
}

void creds_free(struct creds *c)
{
	wipe(c->basic);
	free(c->user);
	*c = (struct creds){ NULL, NULL };
}

void creds_encode64(const void *data, size_t n, struct buf *ret)
{
	const unsigned char *p = data;

	for (size_t i = 0; i < n; i += 3) {
		unsigned v = (unsigned)p[i] << 16;

		v |= i + 1 < n ? (unsigned)p[i + 1] << 8 : 0;
		v |= i + 2 < n ? p[i + 2] : 0;
		buf_addc(ret, digits64[v >> 18]);
		buf_addc(ret, digits64[v >> 12 & 63]);
		buf_addc(ret, i + 1 < n ? digits64[v >> 6 & 63] : '=');
		buf_addc(ret, i + 2 < n ? digits64[v & 63] : '=');
	}
}

bool creds_decode64(const char *text, struct buf *ret)
{
	size_t n = strlen(text);
	size_t pad = str_ends(text, "==") ? 2 : str_ends(text, "=") ? 1 : 0;

	if (n % 4 != 0)
		return false;
	for (size_t i = 0; i < n; i += 4) {
		size_t bytes = i + 4 == n ? 3 - pad : 3;
		unsigned v = 0;

		for (size_t k = 0; k < 4; k++) {
			const char *at = strchr(digits64, text[i + k]);

			if (at)
				v = v << 6 | (unsigned)(at - digits64);
			else if (k > bytes)
				v <<= 6;
			else
				return false;
		}
		for (size_t k = 0; k < bytes; k++)
			buf_addc(ret, (char)(v >> (16 - 8 * k) & 255));
	}
	return true;
}

/* "USER:PASSWORD", as it stands. */
static bool take(const char *pair, size_t n, struct creds *ret)
{
	const char *colon = memchr(pair, ':', n);
	AUTO(wipe_buf) struct buf b = BUF_INIT;

	if (!colon || colon == pair || memchr(pair, '\0', n))
		return false;
	buf_adds(&b, "Basic ");
	creds_encode64(pair, n, &b);
	ret->user = str_ndup(pair, (size_t)(colon - pair));
	ret->basic = str_dup(b.data);
	return true;
}

static int from_file(const char *file, struct creds *ret, struct err *e)
{
	AUTO(wipe_buf) struct buf b = BUF_INIT;
	int r = str_eq(file, "-")
			? fd_read_all(STDIN_FILENO, FILE_MAX, &b, "standard input", e)
			: fd_read_file(AT_FDCWD, file, FILE_MAX, &b, e);

	if (r < 0)
		return err_ctx(e, "credentials");
	if (!b.data || !take(b.data, strcspn(b.data, "\r\n"), ret))
		return err_msg(e, EINVAL, "the first line of '%s' is not USER:PASSWORD",
			       file);
	return 0;
}

/* "https://index.docker.io/v1/" and "registry:5000" name hosts. */
static bool names_host(const char *key, const char *host)
{
	const char *at = strstr(key, "://");
	size_t n;

	if (str_eq(host, "docker.io"))
		host = "index.docker.io";
	at = at ? at + strlen("://") : key;
	n = strcspn(at, "/");
	return strlen(host) == n && strncmp(at, host, n) == 0;
}

static int from_auths(const json_t *config, const char *path, const char *host,
		      struct creds *ret, struct err *e)
{
	json_t *auths = json_object_get(config, "auths"), *entry;
	const char *key;

	json_object_foreach (auths, key, entry) {
		const char *auth = json_str(entry, "auth", "");
		AUTO(wipe_buf) struct buf pair = BUF_INIT;

		if (!names_host(key, host))
			continue;
		if (!*auth) {
			log_warn("'%s' has no password for '%s': a helper may have it, "
				 "which is not run, ignoring the entry",
				 path, host);
			return 0;
		}
		if (!creds_decode64(auth, &pair) || !take(pair.data, pair.len, ret))
			return err_msg(e, EINVAL,
				       "'auth' of '%s' in '%s' is not "
				       "USER:PASSWORD in base64",
				       host, path);
		return 0;
	}
	return 0;
}

static char *config_path(void)
{
	const char *dir = getenv("DOCKER_CONFIG"), *home = getenv("HOME");

	if (dir && *dir)
		return str_fmt("%s/config.json", dir);
	return home && *home ? str_fmt("%s/.docker/config.json", home) : NULL;
}

int creds_load(const char *file, const char *host, struct creds *ret, struct err *e)
{
	AUTO_FREE char *path = NULL;
	AUTO_JSON json_t *config = NULL;
	AUTO(wipe_buf) struct buf text = BUF_INIT;
	struct err quotes = ERR_INIT; /* what it stumbled over, which may be a secret */

	if (file)
		return from_file(file, ret, e);
	path = config_path();
	if (!path || access(path, F_OK) < 0)
		return 0;
	if (fd_read_file(AT_FDCWD, path, FILE_MAX, &text, e) < 0)
		return err_ctx(e, "credentials");
	if (json_parse(text.data, text.len, path, &config, &quotes) < 0)
		return err_msg(e, EINVAL, "credentials: '%s' is not valid JSON", path);
	return from_auths(config, path, host, ret, e);
}
