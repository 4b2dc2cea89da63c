/*
 * supervisor/oom.c - see oom.h.
 *
 * Knows memory.events of cgroup v2, whose changes poll(2) reports as POLLPRI
 * (admin-guide/cgroup-v2.rst), and the eventfd of v1's memory.oom_control, which comes
 * before the kill (cgroup-v1/memory.rst, 10). Whose directory SERVICE/memory is, the
 * launcher knows.
 */
#include "runtime/supervisor/oom.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

#include "runtime/base/fd.h"
#include "runtime/supervisor/journal.h"
#include "runtime/supervisor/loop.h"
#include "runtime/supervisor/status.h"
#include "runtime/supervisor/text.h"

enum { RECORD_MOST = 8192, LOOKS_AGAIN = 50 };

static int open_group(const struct service *s)
{
	char path[SUP_NAME + 16];

	status_path(s, "memory", path, sizeof(path));
	return open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
}

static size_t read_text(int group, const char *name, char *buf, size_t n)
{
	AUTO_CLOSE int fd = openat(group, name, O_RDONLY | O_CLOEXEC);
	ssize_t got = fd < 0 ? 0 : read(fd, buf, n - 1);

	buf[got > 0 ? got : 0] = '\0';
	return got > 0 ? (size_t)got : 0;
}

static uint32_t kills(int group)
{
	static const char key[] = "\noom_kill ";
	char text[512], *at = text;

	if (!read_text(group, "memory.events", text, sizeof(text)))
		read_text(group, "memory.oom_control", text, sizeof(text));
	while (*at && strncmp(at, key, strlen(key)) != 0)
		at++;
	return *at ? (uint32_t)text_to_num(at + strlen(key), 10) : 0;
}

static int watch_v1(int group)
{
	AUTO_CLOSE int control =
		openat(group, "memory.oom_control", O_RDONLY | O_CLOEXEC);
	AUTO_CLOSE int to = openat(group, "cgroup.event_control", O_WRONLY | O_CLOEXEC);
	AUTO_CLOSE int event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	char order[48];
	struct text t = text_over(order, sizeof(order));

	if (control < 0 || to < 0 || event < 0)
		return -1;
	text_num(&t, (uint64_t)event);
	text_str(&t, " ");
	text_num(&t, (uint64_t)control);
	return write(to, order, strlen(order)) < 0 ? -1 : fd_take(&event);
}

void oom_watch(struct supervisor *sup, struct service *s)
{
	AUTO_CLOSE int group = open_group(s);
	char text[512];

	loop_close(&s->oom);
	s->oom_looks = 0;
	if (group < 0)
		return;
	s->oom = openat(group, "memory.events", O_RDONLY | O_CLOEXEC);
	/* only what has been read once is waited for */
	if (s->oom >= 0)
		(void)!pread(s->oom, text, sizeof(text), 0);
	else
		s->oom = watch_v1(group);
	if (s->oom >= 0)
		loop_watch(sup, s->oom, TOKEN_OOM, service_slot(sup, s),
			   EPOLLIN | EPOLLPRI | EPOLLET);
	oom_look(sup, s);
}

void oom_event(struct supervisor *sup, struct service *s)
{
	uint32_t known = s->st.oom_kills;
	char text[512]; /* an eventfd's count as well as a file's text */

	if (s->oom < 0)
		return;
	if (pread(s->oom, text, sizeof(text), 0) < 0)
		(void)!read(s->oom, text, sizeof(uint64_t));
	oom_look(sup, s);
	s->oom_looks = s->st.oom_kills == known ? LOOKS_AGAIN : 0;
}

/* The last record of the kernel's log about this group; each read(2) gives one. */
static void add_victim(struct text *t, const char *group)
{
	AUTO_CLOSE int fd = open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	/* not on the stack, where it would stay resident */
	char *record = mmap(NULL, RECORD_MOST, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	char name[32] = "unknown";
	size_t len;
	ssize_t n;

	while (record != MAP_FAILED && fd >= 0 &&
	       ((n = read(fd, record, RECORD_MOST - 1)) > 0 || errno == EPIPE)) {
		const char *victim;

		record[n > 0 ? n : 0] = '\0';
		victim = sup_oom_victim(record, group, &len);
		if (victim)
			text_copy(name, sizeof(name), victim, len);
	}
	if (record != MAP_FAILED)
		munmap(record, RECORD_MOST);
	text_quote(t, ", the last ", name);
}

static void add_bytes(struct text *t, const char *what, int group, const char *v2,
		      const char *v1)
{
	char text[32];
	uint64_t n;

	if (!read_text(group, v2, text, sizeof(text)))
		read_text(group, v1, text, sizeof(text));
	n = text_to_num(text, sizeof(text));
	text_str(t, what);
	if (n == 0 || n > 1ull << 60) {
		text_str(t, "none of its own");
		return;
	}
	text_num(t, (n + 524288) >> 20);
	text_str(t, " MiB");
}

/* "minibox/STACK/SERVICE": the last three components of where the link leads. */
static const char *group_name(const struct service *s, char *buf, size_t n)
{
	char path[SUP_NAME + 16];
	ssize_t got;
	int slashes = 0;

	status_path(s, "memory", path, sizeof(path));
	got = readlink(path, buf, n - 1);
	buf[got > 0 ? got : 0] = '\0';
	while (got > 0 && slashes < 3)
		slashes += buf[--got] == '/';
	return slashes == 3 ? buf + got + 1 : buf;
}

void oom_look(struct supervisor *sup, struct service *s)
{
	AUTO_CLOSE int group = open_group(s);
	uint32_t known = s->st.oom_kills, now = group < 0 ? known : kills(group);
	char link[256], text[sizeof(((struct sup_entry *)0)->text)];
	struct text t = text_over(text, sizeof(text));

	if (now == known)
		return;
	s->st.oom_kills = now;
	s->oom_looks = 0;
	status_write(sup, s);
	if (now < known) /* a new group */
		return;
	add_victim(&t, group_name(s, link, sizeof(link)));
	add_bytes(&t, ", peak ", group, "memory.peak", "memory.max_usage_in_bytes");
	add_bytes(&t, ", limit ", group, "memory.max", "memory.limit_in_bytes");
	journal_add(sup, s, SUP_ENTRY_OOM, 0, now - known, text);
}
