/*
 * supervisor/text.h - messages without printf, which would be a third of the resident
 * program.
 */
#ifndef SUPERVISOR_TEXT_H
#define SUPERVISOR_TEXT_H

#include <stddef.h>
#include <stdint.h>

struct text { /* a buffer being filled; always NUL-terminated, overflow is cut */
	char *at, *end;
};

/** text_over() - start a message in @buf of @n > 0 bytes */
struct text text_over(char *buf, size_t n);
/** text_str() - append @s */
void text_str(struct text *t, const char *s);
/** text_num() - append @v in decimal */
void text_num(struct text *t, uint64_t v);
/** text_quote() - append @before, then @name in single quotes */
void text_quote(struct text *t, const char *before, const char *name);
/** text_copy() - @n bytes of foreign text to @buf: control characters become '?', ends
 * trimmed */
void text_copy(char *buf, size_t size, const char *data, size_t n);
/** text_to_num() - decimal digits at @s (at most @n bytes); stops at anything else */
uint64_t text_to_num(const char *s, size_t n);

#endif
