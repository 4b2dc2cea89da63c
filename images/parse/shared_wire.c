/* images/parse/shared_wire.c - see wire.h; linked into minibox and minibox-parse. */
#include "images/parse/wire.h"

#include <errno.h>
#include <string.h>

void wire_put(struct buf *b, const char *key, const char *value)
{
	buf_add(b, key, strlen(key) + 1);
	buf_add(b, value, strlen(value) + 1);
}

void wire_put_number(struct buf *b, const char *key, uint64_t value)
{
	AUTO_FREE char *text = str_fmt("%llu", (unsigned long long)value);

	wire_put(b, key, text);
}

bool wire_next(struct wire_list *l, const char **key, const char **value)
{
	size_t left = (size_t)(l->end - l->p), n, m;

	n = strnlen(l->p, left);
	if (n == left)
		return false;
	m = strnlen(l->p + n + 1, left - n - 1);
	if (m == left - n - 1)
		return false;
	*key = l->p;
	*value = l->p + n + 1;
	l->p += n + 1 + m + 1;
	return true;
}

int wire_list(const struct buf *b, struct wire_list *ret, struct err *e)
{
	struct wire_list l = { b->data, b->data + b->len };
	const char *key = "", *value = "", *last = b->data;

	while (l.p && wire_next(&l, &key, &value))
		last = key;
	if (str_eq(key, WIRE_ERROR))
		return err_msg(e, EINVAL, "%s", value);
	if (!l.p || l.p != l.end || !str_eq(key, WIRE_END))
		return err_msg(e, EPROTO, "the parser's answer has no end");
	*ret = (struct wire_list){ b->data, last };
	return 0;
}

bool wire_xattr(const struct wire_entry *en, const char **p, const char **name,
		const void **value, size_t *n)
{
	size_t left = (size_t)(en->xattrs_end - *p), len = strnlen(*p, left);
	uint32_t size;

	if (len == 0 || left - len < 1 + sizeof(size))
		return false;
	memcpy(&size, *p + len + 1, sizeof(size));
	if (size > left - len - 1 - sizeof(size))
		return false;
	*name = *p;
	*value = *p + len + 1 + sizeof(size);
	*n = size;
	*p = (const char *)*value + size;
	return true;
}

static bool is_string(const char *p, uint32_t n)
{
	return n > 0 && memchr(p, '\0', n) == p + n - 1;
}

static bool xattrs_are_whole(const struct wire_entry *en)
{
	const char *p = en->xattrs, *name;
	const void *value;
	size_t n;

	while (wire_xattr(en, &p, &name, &value, &n))
		;
	return p == en->xattrs_end;
}

int wire_split(const void *message, size_t n, struct wire_entry *ret, struct err *e)
{
	const struct wire_message *m = message;
	const char *p = (const char *)(m + 1);
	uint64_t tail;

	if (n < sizeof(*m) || m->h.size != n)
		return err_msg(e, EPROTO, "the parser sent a message of a wrong size");
	tail = (uint64_t)m->name_n + m->link_n + m->xattrs_n;
	if (tail != n - sizeof(*m))
		return err_msg(e, EPROTO,
			       "the parser sent a message that does not add up");
	*ret = (struct wire_entry){
		.m = m,
		.name = p,
		.link = p + m->name_n,
		.xattrs = p + m->name_n + m->link_n,
		.xattrs_end = p + tail,
	};
	if (!is_string(ret->name, m->name_n) || !is_string(ret->link, m->link_n) ||
	    !xattrs_are_whole(ret))
		return err_msg(e, EPROTO, "the parser sent a message that is malformed");
	return 0;
}
