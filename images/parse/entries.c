/*
 * images/parse/entries.c - a layer's tar stream → one message an entry.
 *
 * Knows libarchive. Does not judge: what an entry may be is for whoever applies it. The
 * data stay where they are; a message only says at which byte of the stream they begin.
 */
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "images/parse/job.h"

struct parse {
	const struct job_stream *s;
	uint64_t at; /* of the next byte to ask for */
	bool gave_up;
};

static la_ssize_t on_read(struct archive *a, void *arg, const void **ret)
{
	struct parse *p = arg;
	struct wire_head need = { sizeof(need), WIRE_NEED, p->at };
	ssize_t n = -1;

	if (!p->gave_up && p->s->emit(p->s->arg, &need, sizeof(need)) == 0)
		n = p->s->read(p->s->arg, p->at, ret);
	if (n < 0) {
		p->gave_up = true;
		archive_set_error(a, EIO, "nobody listens");
		return ARCHIVE_FATAL;
	}
	p->at += (uint64_t)n;
	return n;
}

static int fail(struct parse *p, const char *why)
{
	AUTO_BUF struct buf b = BUF_INIT;
	struct wire_message m = { .h.kind = WIRE_FAIL };

	if (p->gave_up)
		return -1;
	m.name_n = (uint32_t)strlen(why) + 1;
	m.link_n = 1;
	m.h.size = (uint32_t)sizeof(m) + m.name_n + m.link_n;
	buf_add(&b, &m, sizeof(m));
	buf_add(&b, why, m.name_n);
	buf_add(&b, "", 1);
	return p->s->emit(p->s->arg, b.data, b.len);
}

/* ---- one entry as a message ---- */

static uint32_t put_xattrs(struct buf *b, struct archive_entry *ae)
{
	size_t before = b->len, size;
	const char *name;
	const void *value;
	uint32_t n;

	if (archive_entry_xattr_reset(ae) == 0)
		return 0;
	while (archive_entry_xattr_next(ae, &name, &value, &size) == ARCHIVE_OK) {
		if (!name || !*name || size > UINT32_MAX || b->len > WIRE_MESSAGE_MAX)
			continue;
		n = (uint32_t)size;
		buf_add(b, name, strlen(name) + 1);
		buf_add(b, &n, sizeof(n));
		buf_add(b, value, size);
	}
	return (uint32_t)(b->len - before);
}

static uint32_t put_string(struct buf *b, const char *s)
{
	uint32_t n = s ? (uint32_t)strlen(s) + 1 : 1;

	buf_add(b, s ? s : "", n);
	return n;
}

static void describe(struct archive *a, struct archive_entry *ae, struct wire_message *m,
		     struct buf *b)
{
	const char *hard = archive_entry_hardlink(ae);
	long nsec = archive_entry_mtime_nsec(ae);
	bool back = archive_entry_mtime(ae) < 0 && nsec > 0;

	/* libarchive reads "-1.5" as the second -1 and half a second, both counted away
	 * from zero; everyone else counts the half second forwards */
	*m = (struct wire_message){
		.h = { 0, WIRE_ENTRY, (uint64_t)archive_filter_bytes(a, 0) },
		.file_size = archive_entry_size(ae),
		.uid = archive_entry_uid(ae),
		.gid = archive_entry_gid(ae),
		.mtime = archive_entry_mtime(ae) - back,
		.mtime_ns = (uint32_t)(back ? 1000000000 - nsec : nsec),
		.mode = (uint32_t)archive_entry_mode(ae),
		.dev_major = archive_entry_rdevmajor(ae),
		.dev_minor = archive_entry_rdevminor(ae),
		.hardlink = hard != NULL,
	};
	b->len = 0;
	buf_add(b, m, sizeof(*m));
	m->name_n = put_string(b, archive_entry_pathname(ae));
	m->link_n = put_string(b, hard ? hard : archive_entry_symlink(ae));
	m->xattrs_n = put_xattrs(b, ae);
	m->h.size = (uint32_t)b->len;
	memcpy(b->data, m, sizeof(*m));
}

static int put_entry(struct parse *p, struct archive *a, struct archive_entry *ae,
		     struct buf *b)
{
	struct wire_message m;

	describe(a, ae, &m, b);
	if (b->len > WIRE_MESSAGE_MAX) {
		(void)!fail(p, "an entry's header is too large");
		return -1;
	}
	return p->s->emit(p->s->arg, b->data, b->len);
}

/* Where in the stream the content stands, as libarchive finds it: it does not hand out
 * what it read last before it is asked for more, so that is where the stream is. The gaps
 * of a sparse file are in no block. */
static int put_data(struct parse *p, struct archive *a)
{
	const void *block;
	la_int64_t offset;
	size_t n;
	int r;

	while ((r = archive_read_data_block(a, &block, &n, &offset)) == ARCHIVE_OK) {
		struct wire_data d = { { sizeof(d), WIRE_DATA,
					 (uint64_t)archive_filter_bytes(a, 0) },
				       (uint64_t)offset,
				       n };

		if (n > 0 && p->s->emit(p->s->arg, &d, sizeof(d)) < 0)
			return -1;
	}
	return r == ARCHIVE_EOF ? 0 : ARCHIVE_FATAL;
}

/* In the C locale a name in UTF-8 cannot be converted; libarchive says so and keeps its
 * bytes. */
static bool is_only_charset(struct archive *a)
{
	const char *text = archive_error_string(a);

	return text && strstr(text, "can't be converted");
}

/* Says which entry it was in, or after: the header itself may be what is damaged. */
static int damaged(struct parse *p, struct archive *a, const char *where,
		   const struct buf *last)
{
	AUTO_FREE char *text = NULL;
	const struct wire_message *m = (const void *)last->data;

	if (p->gave_up)
		return -1;
	text = !m ? str_fmt("its tar data is damaged: %s", archive_error_string(a))
		  : str_fmt("its tar data is damaged %s entry '%.200s': %s", where,
			    last->data + sizeof(*m), archive_error_string(a));
	return fail(p, text);
}

static int read_all(struct parse *p, struct archive *a)
{
	AUTO_BUF struct buf b = BUF_INIT;
	struct archive_entry *ae;
	int r;

	for (;;) {
		r = archive_read_next_header(a, &ae);
		if (r != ARCHIVE_OK && !(r == ARCHIVE_WARN && is_only_charset(a)))
			break;
		if (put_entry(p, a, ae, &b) < 0)
			return -1;
		if (archive_entry_filetype(ae) != AE_IFREG || archive_entry_hardlink(ae))
			continue;
		r = put_data(p, a);
		if (r != 0)
			return r == -1 ? -1 : damaged(p, a, "in", &b);
	}
	if (r == ARCHIVE_EOF) {
		struct wire_head m = { sizeof(m), WIRE_DONE, 0 };

		return p->s->emit(p->s->arg, &m, sizeof(m));
	}
	return damaged(p, a, "after", &b);
}

int job_entries(const struct job_stream *s)
{
	struct parse p = { .s = s };
	struct archive *a = archive_read_new();
	AUTO_FREE char *text = NULL;
	int r;

	if (!a || archive_read_support_format_tar(a) != ARCHIVE_OK ||
	    archive_read_support_format_empty(a) != ARCHIVE_OK ||
	    archive_read_open(a, &p, NULL, on_read, NULL) != ARCHIVE_OK) {
		text = str_fmt("it is not a tar archive: %s",
			       a ? archive_error_string(a) : "out of memory");
		r = fail(&p, text);
	} else {
		r = read_all(&p, a);
	}
	archive_read_free(a);
	return r;
}
