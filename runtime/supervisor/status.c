/* supervisor/status.c - see status.h. */
#include "runtime/supervisor/status.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "runtime/base/fd.h"
#include "runtime/supervisor/control.h"
#include "runtime/supervisor/note.h"
#include "runtime/supervisor/text.h"

enum { PATH_BYTES = SUP_NAME + 16 };

void status_path(const struct service *s, const char *leaf, char *buf, size_t n)
{
	struct text t = text_over(buf, n);

	text_str(&t, s->spec.name);
	text_str(&t, "/");
	text_str(&t, leaf);
}

void status_write(struct supervisor *sup, struct service *s)
{
	char path[PATH_BYTES];
	AUTO_CLOSE int fd = -1;
	struct sup_status st;

	s->st.seq += 2;
	s->st.seq_end = s->st.seq;
	s->st.instance = s->spec.instance;
	st = s->st;
	status_path(s, "status", path, sizeof(path));
	fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0 || pwrite(fd, &st, sizeof(st), 0) != sizeof(st))
		note(sup, s->spec.name, "cannot write its status", 0);
}

void status_publish(struct supervisor *sup, struct service *s)
{
	status_write(sup, s);
	control_announce(sup, s);
}

bool status_load(struct service *s)
{
	char path[PATH_BYTES];
	AUTO_CLOSE int fd = -1;
	struct sup_status st;

	status_path(s, "status", path, sizeof(path));
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0 || pread(fd, &st, sizeof(st), 0) != sizeof(st))
		return false;
	/* A writer killed inside pwrite leaves two different numbers: better forgotten.
	 */
	if (st.seq != st.seq_end || (st.seq & 1) || st.state >= SUP_N_STATES)
		return false;
	st.text[sizeof(st.text) - 1] = '\0';
	s->st = st;
	return true;
}

bool status_read_exit(const struct service *s, int *ret_status)
{
	char path[PATH_BYTES], digits[16];
	AUTO_CLOSE int fd = -1;
	ssize_t n;

	status_path(s, "exit", path, sizeof(path));
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return false;
	n = read(fd, digits, sizeof(digits));
	if (n <= 0 || digits[0] < '0' || digits[0] > '9')
		return false;
	*ret_status = (int)text_to_num(digits, (size_t)n);
	return true;
}

void status_clear_exit(const struct service *s)
{
	char path[PATH_BYTES];

	status_path(s, "exit", path, sizeof(path));
	unlink(path);
}
