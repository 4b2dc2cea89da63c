/*
 * base/str.h - heap strings, growing buffers and string vectors.
 *
 * Out of memory ends the process with one line (str_oom): a tool that cannot get a few
 * bytes cannot report either, and every kernel object it made is found again by name.
 */
#ifndef BASE_STR_H
#define BASE_STR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>

#include "runtime/base/err.h"

/* AUTO_FREE: freed when the variable leaves scope; hand over with TAKE(). */
static inline void str_auto_free(void *pp)
{
	free(*(void **)pp);
}
#define AUTO_FREE __attribute__((cleanup(str_auto_free)))
#define TAKE(p)                                                                          \
	({                                                                               \
		__typeof__(p) take_ = (p);                                               \
		(p) = NULL;                                                              \
		take_;                                                                   \
	})
/* AUTO(fn): calls fn(&variable) at scope end, for types with a `void fn(T *)`. */
#define AUTO(fn) __attribute__((cleanup(fn)))

#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))

/** mem_new() - zeroed memory for @n objects of @size bytes; never NULL */
void *mem_new(size_t n, size_t size);
/** mem_grow() - realloc that never returns NULL; new bytes are not zeroed */
void *mem_grow(void *p, size_t n, size_t size);

/** str_dup() - heap copy; NULL stays NULL */
char *str_dup(const char *s);
/** str_ndup() - heap copy of at most @n bytes, NUL-terminated */
char *str_ndup(const char *s, size_t n);
/** str_fmt() - heap string by printf */
char *str_fmt(const char *fmt, ...) printf_like(1, 2);
/** str_set() - replace *@dst (freed) by a copy of @s */
void str_set(char **dst, const char *s);
bool str_eq(const char *a, const char *b); /* NULL equals only NULL */
bool str_starts(const char *s, const char *prefix);
bool str_ends(const char *s, const char *suffix);
/** str_u64() - all of @s as a decimal number up to @max; false otherwise (no sign, no
 * space) */
bool str_u64(const char *s, unsigned long long max, unsigned long long *ret);
/** str_distance() - edit distance (insert, delete, replace), capped at @cap + 1 */
unsigned str_distance(const char *a, const char *b, unsigned cap);
/** str_hash() - 32 bits of FNV-1a: for names, not against an adversary */
unsigned str_hash(const char *s);
/** str_sanitize() - replace control characters by '?', in place (for text from images) */
void str_sanitize(char *s);

/* struct buf: bytes that grow; data is NUL-terminated whenever it is not NULL. */
struct buf {
	char *data;
	size_t len, cap;
};
#define BUF_INIT                                                                         \
	{                                                                                \
		NULL, 0, 0                                                               \
	}
void buf_free(struct buf *b);
#define AUTO_BUF __attribute__((cleanup(buf_free)))
void buf_add(struct buf *b, const void *data, size_t n);
void buf_adds(struct buf *b, const char *s);
void buf_addc(struct buf *b, char c);
void buf_addf(struct buf *b, const char *fmt, ...) printf_like(2, 3);
/** buf_take() - the string, owned by the caller ("" if empty); @b is empty afterwards */
char *buf_take(struct buf *b);

/* struct strv: a vector of owned strings; v is NULL-terminated whenever it is not NULL.
 */
struct strv {
	char **v;
	size_t n;
};
#define STRV_INIT                                                                        \
	{                                                                                \
		NULL, 0                                                                  \
	}
void strv_free(struct strv *v);
#define AUTO_STRV __attribute__((cleanup(strv_free)))
void strv_add(struct strv *v, const char *s);             /* copies */
void strv_take(struct strv *v, char *s);                  /* takes ownership */
void strv_copy(struct strv *dst, const struct strv *src); /* appends copies */
bool strv_has(const struct strv *v, const char *s);
void strv_sort(struct strv *v); /* by bytes */
void strv_remove(struct strv *v, size_t i);
/** strv_get_env() - value of NAME in a vector of NAME=VALUE, or NULL; borrowed */
const char *strv_get_env(const struct strv *v, const char *name);
/** strv_set_env() - replace NAME's entry or append @pair ("NAME=VALUE") */
void strv_set_env(struct strv *v, const char *pair);
/** strv_split() - append the non-empty pieces of @s between any of @seps */
void strv_split(struct strv *v, const char *s, const char *seps);
#define strv_foreach(it, vec) for (size_t it = 0; it < (vec)->n; it++)

#endif
