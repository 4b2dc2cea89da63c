/* supervisor/client_status.c - status records and the compiled spec. */
#include "runtime/supervisor/supervisor.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "runtime/base/fd.h"

enum { TRIES = 1000 };

int sup_status_read(int stack_fd, const char *service, struct sup_status *ret,
		    struct err *e)
{
	AUTO_FREE char *path = str_fmt("%s/status", service);
	AUTO_CLOSE int fd = openat(stack_fd, path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	struct sup_status st;

	if (fd < 0 && errno == ENOENT) {
		memset(ret, 0, sizeof(*ret));
		return 0;
	}
	if (fd < 0)
		return err_set(e, errno, "open '%s'", path);
	for (int i = 0; i < TRIES; i++) {
		ssize_t n = pread(fd, &st, sizeof(st), 0);

		if (n < 0)
			return err_set(e, errno, "read '%s'", path);
		if (n == sizeof(st) && st.seq == st.seq_end && !(st.seq & 1) &&
		    st.state < SUP_N_STATES) {
			st.text[sizeof(st.text) - 1] = '\0';
			*ret = st;
			return 0;
		}
		sched_yield(); /* it is being written */
	}
	return err_msg(e, EIO, "'%s' is damaged", path);
}

int sup_spec_write(int stack_fd, const struct sup_header *h, const struct sup_service *s,
		   struct err *e)
{
	AUTO_BUF struct buf b = BUF_INIT;
	struct sup_header head = *h;

	head.magic = SUP_MAGIC;
	head.version = SUP_VERSION;
	head.service_size = sizeof(*s);
	buf_add(&b, &head, sizeof(head));
	buf_add(&b, s, head.n_services * sizeof(*s));
	return fd_write_file(stack_fd, ".spec", b.data, b.len, 0600, e);
}
