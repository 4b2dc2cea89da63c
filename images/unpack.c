/* images/unpack.c - see unpack.h. */
#include "images/unpack.h"

#include <errno.h>
#include <locale.h>
#include <string.h>

#include "images/inflate.h"

enum {
	ENTRIES_MAX = 4 << 20
}; /* inodes run out unnoticed by byte limits; real layers have 10^5 */

struct stream {
	const struct unpack_job *job;
	struct inflate *in;
	struct digest_ctx raw, plain;
	uint64_t told; /* bytes of the last progress report */
	uint64_t out;
	struct err err; /* libarchive has no way to hand our error through */
};

static ssize_t stream_next(struct stream *s, const void **ret)
{
	uint64_t done;
	ssize_t n;

	if (s->err.code) /* libarchive may ask again after a failure */
		return -s->err.code;
	n = inflate_next(s->in, ret, &s->err);
	done = inflate_consumed(s->in);
	if (n > 0) {
		digest_update(&s->plain, *ret, (size_t)n);
		s->out += (uint64_t)n;
	}
	if (s->job->progress && done - s->told >= (1 << 20)) {
		s->told = done;
		s->job->progress(s->job->arg, done, s->job->blob.size);
	}
	return n;
}

static la_ssize_t on_read(struct archive *a, void *arg, const void **ret)
{
	struct stream *s = arg;
	ssize_t n = stream_next(s, ret);

	if (n < 0)
		archive_set_error(a, s->err.code, "%s", err_text(&s->err));
	return n < 0 ? ARCHIVE_FATAL : n;
}

/* In the C locale a name in UTF-8 cannot be converted; libarchive says so and keeps its
 * bytes. */
static bool is_only_charset(struct archive *a)
{
	const char *text = archive_error_string(a);

	return text && strstr(text, "can't be converted");
}

static int next_entry(struct archive *a, struct archive_entry **ae, struct err *e)
{
	int r = archive_read_next_header(a, ae);

	if (r == ARCHIVE_OK || r == ARCHIVE_EOF ||
	    (r == ARCHIVE_WARN && is_only_charset(a)))
		return r == ARCHIVE_EOF;
	return err_msg(e, EINVAL, "its tar data is damaged: %s", archive_error_string(a));
}

static int read_entries(struct archive *a, struct tree *t, struct unpack_result *ret,
			struct err *e)
{
	struct archive_entry *ae;
	int r;

	while ((r = next_entry(a, &ae, e)) == 0) {
		if (++ret->entries > ENTRIES_MAX)
			return err_msg(e, E2BIG, "it has more than %d entries",
				       ENTRIES_MAX);
		r = entry_apply(t, a, ae, &ret->totals, e);
		if (r != 0)
			return r;
	}
	return r < 0 ? r : 0;
}

/* The digests cover what follows the end of the archive, too. */
static int drain(struct stream *s, struct err *e)
{
	const void *data;
	ssize_t n;

	while ((n = stream_next(s, &data)) > 0)
		;
	if (n < 0)
		*e = s->err;
	return n < 0 ? -e->code : 0;
}

static int verify(struct stream *s, struct err *e)
{
	AUTO_FREE char *want = NULL, *got = NULL;
	struct digest d;

	if (s->job->digest) {
		digest_final(&s->raw, &d);
		if (!digest_eq(&d, s->job->digest)) {
			got = digest_text(&d);
			return err_msg(e, EINVAL, "its blob has the digest '%s'", got);
		}
	}
	digest_final(&s->plain, &d);
	if (digest_eq(&d, &s->job->diff_id))
		return 0;
	want = digest_text(&s->job->diff_id);
	got = digest_text(&d);
	return err_msg(e, EINVAL, "its content is '%s', the config says '%s'", got, want);
}

static void free_archive(struct archive **a)
{
	archive_read_free(*a);
}

static int unpack_stream(struct stream *s, struct tree *t, struct unpack_result *ret,
			 struct err *e)
{
	AUTO(free_archive) struct archive *a = archive_read_new();
	int r = 0;

	if (!a || archive_read_support_format_tar(a) != ARCHIVE_OK ||
	    archive_read_support_format_empty(a) != ARCHIVE_OK ||
	    archive_read_open(a, s, NULL, on_read, NULL) != ARCHIVE_OK)
		r = err_msg(e, EINVAL, "it is not a tar archive: %s",
			    a ? archive_error_string(a) : "out of memory");
	if (r == 0)
		r = read_entries(a, t, ret, e);
	if (r < 0 && s->err.code) { /* the cause, where libarchive only saw the effect */
		*e = s->err;
		return -e->code;
	}
	if (r == 0)
		r = drain(s, e);
	if (r == 0)
		r = verify(s, e);
	if (r == 0)
		tree_set_mtimes(t);
	return r;
}

static int unpack_in_locale(const struct unpack_job *job, struct unpack_result *ret,
			    struct err *e)
{
	struct stream s = { .job = job, .err = ERR_INIT };
	struct tree t;
	int r;

	*ret = (struct unpack_result){ 0 };
	digest_init(&s.raw, job->digest ? job->digest->alg : DIGEST_SHA256);
	digest_init(&s.plain, job->diff_id.alg);
	r = inflate_open(job->blob.fd, job->blob.offset, job->blob.size,
			 job->digest ? &s.raw : NULL, &s.in, e);
	if (r < 0)
		return r;
	tree_init(&t, job->root, job->below, job->mode);
	r = unpack_stream(&s, &t, ret, e);
	ret->depends = t.depends;
	tree_free(&t);
	inflate_free(s.in);
	return r;
}

int unpack_layer(const struct unpack_job *job, struct unpack_result *ret, struct err *e)
{
	/* Names are bytes: libarchive must not recode them by whatever locale the caller
	 * set. */
	locale_t c = newlocale(LC_ALL_MASK, "C", (locale_t)0);
	locale_t old = c ? uselocale(c) : (locale_t)0;
	int r = unpack_in_locale(job, ret, e);

	if (c) {
		uselocale(old);
		freelocale(c);
	}
	return r;
}
