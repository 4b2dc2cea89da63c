/* supervisor/specfile.c - see specfile.h. */
#include "runtime/supervisor/specfile.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "runtime/base/fd.h"
#include "runtime/supervisor/control.h"
#include "runtime/supervisor/logpump.h"
#include "runtime/supervisor/status.h"
#include "runtime/supervisor/text.h"

static bool is_string(const char *s, size_t n)
{
	return memchr(s, '\0', n) != NULL;
}

static bool is_name(const char *s)
{
	return is_string(s, SUP_NAME) && *s && *s != '.' && !strchr(s, '/');
}

static const char *check_service(const struct sup_service *s, uint32_t n)
{
	if (!is_name(s->name))
		return "a service's name is not one";
	if (!is_string(s->health_path, sizeof(s->health_path)))
		return "a path is not terminated";
	if (s->n_deps > SUP_DEPS)
		return "too many dependencies";
	for (uint32_t i = 0; i < s->n_deps; i++)
		if (s->deps[i].service >= n || s->deps[i].condition > SUP_DEP_COMPLETED)
			return "a dependency is out of range";
	if (s->restart > SUP_ON_FAILURE || s->health > SUP_HEALTH_UNIX)
		return "an unknown kind of restart or healthcheck";
	if (s->stop_signal == 0 || s->stop_signal > 64)
		return "a stop signal is out of range";
	return NULL;
}

static bool is_placed(const uint8_t *placed, uint32_t i)
{
	return placed[i / 8] & (1u << (i % 8));
}

/* Repeatedly places what depends only on placed ones: what is left over is a cycle. */
static bool has_cycle(const struct sup_service *s, uint32_t n)
{
	uint8_t placed[SUP_SERVICES / 8] = { 0 };
	uint32_t left = n;
	bool progress = true;

	while (left && progress) {
		progress = false;
		for (uint32_t i = 0; i < n; i++) {
			uint32_t d = 0;

			while (d < s[i].n_deps && is_placed(placed, s[i].deps[d].service))
				d++;
			if (d < s[i].n_deps || is_placed(placed, i))
				continue;
			placed[i / 8] |= (uint8_t)(1u << (i % 8));
			left--;
			progress = true;
		}
	}
	return left > 0;
}

const char *specfile_check(const void *data, size_t size)
{
	const struct sup_header *h = data;
	const struct sup_service *s = (const void *)(h + 1);

	if (size < sizeof(*h) || h->magic != SUP_MAGIC || h->version != SUP_VERSION ||
	    h->service_size != sizeof(*s))
		return "not made by this version of minibox";
	if (h->n_services > SUP_SERVICES ||
	    size != sizeof(*h) + h->n_services * sizeof(*s))
		return "its size is wrong";
	if (!is_name(h->stack) || !is_string(h->run_dir, sizeof(h->run_dir)) ||
	    !is_string(h->root_dir, sizeof(h->root_dir)) ||
	    !is_string(h->minibox, sizeof(h->minibox)))
		return "a string of its header is wrong";
	for (uint32_t i = 0; i < h->n_services; i++) {
		const char *why = check_service(&s[i], h->n_services);

		if (why)
			return why;
		for (uint32_t j = 0; j < i; j++)
			if (strcmp(s[i].name, s[j].name) == 0)
				return "a service's name stands twice";
	}
	return has_cycle(s, h->n_services) ? "services depend on each other in a circle"
					   : NULL;
}

static struct service *find(struct supervisor *sup, const char *name)
{
	for (uint32_t i = 0; i < sup->n; i++)
		if (strcmp(sup->service[i].spec.name, name) == 0)
			return &sup->service[i];
	return NULL;
}

static bool is_kept(const struct sup_header *h, const char *name)
{
	const struct sup_service *s = (const void *)(h + 1);

	for (uint32_t i = 0; i < h->n_services; i++)
		if (strcmp(s[i].name, name) == 0)
			return true;
	return false;
}

static void clear(struct service *s)
{
	memset(s, 0, sizeof(*s));
	s->pidfd = s->report = s->oom = s->probe.fd = s->log.index = -1;
	s->tty = s->tty_out = -1;
	for (unsigned i = 0; i < LOG_STREAMS; i++)
		s->log.stream[i].fifo = s->log.stream[i].file = -1;
}

static bool is_busy(const struct service *s)
{
	return service_is_live(s) || s->launcher || s->refresher;
}

static const char *find_busy(const struct supervisor *sup, const struct sup_header *h)
{
	for (uint32_t i = 0; i < sup->n; i++) {
		const struct service *s = &sup->service[i];

		if (s->spec.name[0] && is_busy(s) && !is_kept(h, s->spec.name))
			return s->spec.name;
	}
	return NULL;
}

static void remove_others(struct supervisor *sup, const struct sup_header *h)
{
	for (uint32_t i = 0; i < sup->n; i++) {
		struct service *s = &sup->service[i];

		if (!s->spec.name[0] || is_kept(h, s->spec.name))
			continue;
		control_forget(sup, i);
		logpump_close(s);
		clear(s);
	}
}

static struct service *take_slot(struct supervisor *sup)
{
	struct service *s = find(sup, "");

	if (!s)
		s = &sup->service[sup->n++];
	clear(s);
	return s;
}

/* A container made anew has no history; while none runs, nobody has asked for it yet. */
static void renew(struct supervisor *sup, struct service *s)
{
	s->st.restarts = s->st.ended = s->st.failures = s->st.oom_kills = 0;
	s->st.exit_status = 0;
	s->streak = 0;
	s->st.text[0] = '\0';
	if (s->st.state == SUP_EXITED) {
		s->st.state = SUP_CREATED;
		s->st.wanted = 0;
	}
	status_publish(sup, s);
}

static void apply(struct supervisor *sup, const struct sup_header *h)
{
	const struct sup_service *from = (const void *)(h + 1);
	uint16_t slots[SUP_SERVICES];

	remove_others(sup, h);
	sup->head = *h;
	for (uint32_t i = 0; i < h->n_services; i++) {
		struct service *s = find(sup, from[i].name);
		bool is_new = !s;
		uint32_t old;

		if (is_new)
			s = take_slot(sup);
		old = s->spec.instance;
		s->spec = from[i];
		slots[i] = (uint16_t)service_slot(sup, s);
		if (!is_new && old != s->spec.instance)
			renew(sup, s);
	}
	for (uint32_t i = 0; i < h->n_services; i++) {
		struct sup_service *s = &sup->service[slots[i]].spec;

		for (uint32_t d = 0; d < s->n_deps; d++)
			s->deps[d].service = slots[s->deps[d].service];
	}
	sup->unsettled = true;
}

static int refuse(char *why, size_t n, int code, const char *what, const char *name)
{
	struct text t = text_over(why, n);

	text_str(&t, what);
	if (name)
		text_quote(&t, " ", name);
	return -code;
}

int specfile_load(struct supervisor *sup, char *why, size_t n)
{
	AUTO_CLOSE int fd = open(".spec", O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	const char *wrong, *busy = NULL;
	struct stat st;
	void *map;
	int r = 0;

	if (fd < 0 || fstat(fd, &st) < 0 || st.st_size == 0)
		return refuse(why, n, ENOENT, "there is no", ".spec");
	map = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (map == MAP_FAILED)
		return refuse(why, n, errno, "cannot map", ".spec");
	wrong = specfile_check(map, (size_t)st.st_size);
	if (!wrong)
		busy = find_busy(sup, map);
	if (wrong)
		r = refuse(why, n, EINVAL, wrong, ".spec");
	else if (busy)
		r = refuse(why, n, EBUSY, "still running, cannot forget service", busy);
	else
		apply(sup, map);
	munmap(map, (size_t)st.st_size);
	return r;
}
