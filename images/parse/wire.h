/*
 * images/parse/wire.h - what minibox and its confined parser say to each other.
 *
 * minibox-parse is run once per thing to parse, sees nothing but that thing, and answers
 * in one of two forms: a list of strings (documents, members of a tarball), or messages
 * that describe the entries of a layer while it streams by. minibox trusts neither:
 * whatever comes through here is checked as if it came from the archive itself.
 *
 * Standard input is what is parsed, standard output the answer. Descriptor 3 is:
 *   inflate  where to say what is wrong ("" if nothing is)
 *   entries  the ring: a shared memory file in which byte N of the tar stream stands at
 *            N modulo its size; standard input then carries 64-bit counts of how many
 *            bytes have come so far, and its end means the stream's
 * Descriptor WIRE_FD_EMPTY is an empty directory, the parser's whole file system.
 * Exit status WIRE_E_CONFINE: it could not confine itself, so it has read nothing.
 */
#ifndef PARSE_WIRE_H
#define PARSE_WIRE_H

#include <stdint.h>

#include "runtime/base/err.h"
#include "runtime/base/str.h"

enum {
	WIRE_FD_SIDE = 3,
	WIRE_FD_EMPTY = 4,
	WIRE_E_CONFINE = 3,
	WIRE_LIST_MAX = 64 << 20,  /* of one answer in list form */
	WIRE_MESSAGE_MAX = 4 << 20 /* a header with every xattr a kernel takes fits */
};

/* The jobs, by the names they have on minibox-parse's command line. */
#define WIRE_MEMBERS "members" /* tarball → files it holds */
#define WIRE_INDEX "index"     /* OCI index or manifest */
#define WIRE_VERSION "version" /* oci-layout */
#define WIRE_DOCKER "docker"   /* manifest.json of a docker-archive */
#define WIRE_CONFIG "config"   /* image configuration */
#define WIRE_TOKEN "token"     /* a token server's answer */
#define WIRE_REFUSAL "refusal" /* a registry's answer that is not 200 */
#define WIRE_INFLATE "inflate" /* gzip or zstd → bytes */
#define WIRE_ENTRIES "entries" /* a layer's tar stream → messages */

/* ---- lists: pairs of strings, the last of which is WIRE_END or WIRE_ERROR ---- */
#define WIRE_END "end"
#define WIRE_ERROR "error"

/** wire_put() - append a pair; neither string may hold a NUL, of course */
void wire_put(struct buf *b, const char *key, const char *value);
void wire_put_number(struct buf *b, const char *key, uint64_t value);

struct wire_list {
	const char *p, *end;
};
/**
 * wire_list() - begin to read the list in @b (borrowed)
 * -EINVAL with the parser's words if it ends in WIRE_ERROR; -EPROTO if it has no end.
 */
must_check int wire_list(const struct buf *b, struct wire_list *ret, struct err *e);
/** wire_next() - the next pair, borrowed; false at the end */
bool wire_next(struct wire_list *l, const char **key, const char **value);

/* ---- messages of WIRE_ENTRIES, in the host's own byte order ---- */
enum wire_kind {
	WIRE_ENTRY =
		1, /* struct wire_message: an entry; the stream has been read to @at */
	WIRE_DATA, /* struct wire_data: content of the last entry, which stands at @at */
	WIRE_NEED, /* all before @at has been read and is wanted no more */
	WIRE_DONE, /* the archive ends; the stream may go on */
	WIRE_FAIL  /* struct wire_message: @name says why */
};

struct wire_head {
	uint32_t size; /* of the whole message */
	uint32_t kind;
	uint64_t at; /* in the stream */
};

struct wire_data {
	struct wire_head h;
	uint64_t offset, length; /* in the file */
};

/* What follows: name, link, both with their NUL; for each xattr its name with NUL, its
 * length (4 bytes), its value. */
struct wire_message {
	struct wire_head h;
	int64_t file_size, uid, gid, mtime, dev_major, dev_minor;
	uint32_t mtime_ns, mode;           /* mode: type and permissions, as in stat(2) */
	uint32_t name_n, link_n, xattrs_n; /* bytes */
	uint32_t hardlink;                 /* link is a hard link's target */
};

/* A message taken apart; all strings point into it. */
struct wire_entry {
	const struct wire_message *m;
	const char *name, *link; /* link: "" if it is none */
	const char *xattrs, *xattrs_end;
};

/** wire_split() - take the @n bytes of a message apart, checking every length; -EPROTO */
must_check int wire_split(const void *message, size_t n, struct wire_entry *ret,
			  struct err *e);
/** wire_xattr() - the next xattr of @en (state in @p, which begins as en->xattrs)
 * Return: false at the end; a malformed one is the end as well, as wire_split() has
 * refused the message then. */
bool wire_xattr(const struct wire_entry *en, const char **p, const char **name,
		const void **value, size_t *n);

#endif
