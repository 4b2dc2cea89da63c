/*
 * images/fetch/main.c - minibox-fetch: one confined HTTP request for `minibox pull`.
 *
 * Knows the order of things: first confined, then the request is read, then done.
 * records.h says what comes in and goes out. Does not know registries or images.
 */
#include <unistd.h>

#include "images/fetch/confine.h"
#include "images/fetch/transfer.h"
#include "runtime/base/fd.h"

static int fetch(struct err *e)
{
	AUTO_BUF struct buf request = BUF_INIT;
	int r = confine(e);

	if (r == 0)
		r = fd_read_all(STDIN_FILENO, FETCH_REQUEST_MAX, &request, "the request",
				e);
	if (r == 0)
		r = transfer_run(&request, STDOUT_FILENO, STDERR_FILENO, e);
	return r;
}

int main(void)
{
	AUTO_BUF struct buf answer = BUF_INIT;
	struct err e = ERR_INIT, ignored = ERR_INIT;
	int r = fetch(&e);

	if (r == 0)
		return 0;
	records_add(&answer, "error", err_text(&e));
	(void)!fd_write_all(STDERR_FILENO, answer.data, answer.len, "answer", &ignored);
	return r == TRANSFER_E_NO_TLS ? FETCH_NO_TLS : 1;
}
