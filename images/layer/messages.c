/* images/layer/messages.c - see messages.h. */
#include "images/layer/messages.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

struct messages {
	int fd;
	char *buf;
	size_t cap, at, n; /* @n bytes from @at on have been read and not handed out */
	struct buf one;    /* the message handed out: aligned, as the other may not be */
};

enum { READ_SIZE = 64 << 10 };

struct messages *messages_new(int fd)
{
	struct messages *in = mem_new(1, sizeof(*in));

	in->fd = fd;
	in->cap = READ_SIZE;
	in->buf = mem_new(1, in->cap);
	return in;
}

/* Until @want bytes are at hand. Return: 1; 0 at the end of the pipe; -errno. */
static int want_bytes(struct messages *in, size_t want, struct err *e)
{
	if (in->n < want && in->at) {
		memmove(in->buf, in->buf + in->at, in->n);
		in->at = 0;
	}
	if (want > in->cap) {
		in->cap = want;
		in->buf = mem_grow(in->buf, in->cap, 1);
	}
	while (in->n < want) {
		ssize_t n = read(in->fd, in->buf + in->n, in->cap - in->n);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_set(e, errno, "read from the image parser");
		if (n == 0)
			return 0;
		in->n += (size_t)n;
	}
	return 1;
}

/* The whole of the next message is at hand. Return: 1; 0 at the end of the pipe; -errno.
 */
static int want_message(struct messages *in, struct wire_head *ret, struct err *e)
{
	int r = want_bytes(in, sizeof(*ret), e);

	if (r <= 0)
		return r;
	memcpy(ret, in->buf + in->at, sizeof(*ret));
	if (ret->size < sizeof(*ret) || ret->size > WIRE_MESSAGE_MAX)
		return err_msg(e, EPROTO, "the parser sent a message of %u bytes",
			       ret->size);
	return want_bytes(in, ret->size, e);
}

static void consume(struct messages *in, size_t n)
{
	in->at += n;
	in->n -= n;
}

int messages_next(struct messages *in, struct wire_entry *ret, struct err *e)
{
	struct wire_head head;
	int r = want_message(in, &head, e);

	if (r <= 0)
		return r < 0 ? r : MESSAGES_E_END;
	in->one.len = 0;
	buf_add(&in->one, in->buf + in->at, head.size);
	consume(in, head.size);
	if (head.kind == WIRE_ENTRY || head.kind == WIRE_FAIL)
		return wire_split(in->one.data, in->one.len, ret, e);
	*ret = (struct wire_entry){ .m = (const void *)in->one.data };
	return 0;
}

int messages_data(struct messages *in, struct wire_data *ret, struct err *e)
{
	struct wire_head head;
	int r = want_message(in, &head, e);

	if (r <= 0 || (head.kind != WIRE_DATA && head.kind != WIRE_NEED))
		return r < 0 ? r : 0;
	if (head.size != (head.kind == WIRE_DATA ? sizeof(*ret) : sizeof(head)))
		return err_msg(e, EPROTO, "the parser sent a message of a wrong size");
	*ret = (struct wire_data){ .h = head };
	memcpy(ret, in->buf + in->at, head.size);
	consume(in, head.size);
	return 1;
}

struct messages *messages_free(struct messages *in)
{
	if (!in)
		return NULL;
	close(in->fd);
	buf_free(&in->one);
	free(in->buf);
	free(in);
	return NULL;
}
