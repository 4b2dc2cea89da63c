/*
 * base/err.h - errors by value.
 *
 * Knows: a message and an errno. Does not know who prints it; rooms never print or exit.
 *
 * The contract of every fallible function of this project, `int f(..., struct err *e)`:
 *   0    done
 *   < 0  -errno; *e was filled exactly once. The caller adds err_ctx() or returns it on.
 *   > 0  an outcome named in the function's header (ROOM_E_*); *e is empty and the caller
 *        must handle it.
 * Messages name their object in single quotes: "open 'x.tar': No such file or directory".
 */
#ifndef BASE_ERR_H
#define BASE_ERR_H

#define must_check __attribute__((warn_unused_result))
#define printf_like(f, a) __attribute__((format(printf, f, a)))

/* 512 bytes: at most PIPE_BUF, so a cloned child sends its whole failure in one atomic
 * write. */
struct err {
	int code;       /* errno, positive; 0 = empty */
	char text[508]; /* NUL-terminated; context grows to the left, the root cause is
			   kept */
};

#define ERR_INIT                                                                         \
	{                                                                                \
		0, ""                                                                    \
	}

/**
 * err_set() - fill an empty error: "<fmt...>: <strerror(code)>"
 * @e:    must be empty (asserted in every build: a second set would hide the first)
 * @code: errno value, > 0
 * Return: -code, so that `return err_set(...)` is one line.
 */
int err_set(struct err *e, int code, const char *fmt, ...) printf_like(3, 4);

/**
 * err_msg() - like err_set(), without the strerror() suffix
 *
 * For failures that errno does not describe ("layer 'x': digest mismatch").
 * Return: -code.
 */
int err_msg(struct err *e, int code, const char *fmt, ...) printf_like(3, 4);

/**
 * err_ctx() - put "<fmt...>: " before the text of a filled error
 * Return: -code of @e. When the text overflows, the outermost context is cut, never the
 * cause.
 */
int err_ctx(struct err *e, const char *fmt, ...) printf_like(2, 3);

/** err_clear() - forget a failure that the caller has decided to live with */
void err_clear(struct err *e);

/** err_keep_first() - for work that goes on past failures: take @next over unless @first
 * is filled already; @next is empty afterwards */
void err_keep_first(struct err *first, struct err *next);

/** err_text() - the message, "" if empty; borrowed from @e */
const char *err_text(const struct err *e);

#endif
