/*
 * stack/decode_device.c - devices of the host that a service may use.
 *
 * Knows the words. That a source exists is looked up; that it is a device, and its
 * number, is found out when the container is made.
 */
#include "runtime/stack/conf/decode.h"

#include <string.h>

#include "runtime/stack/conf/value.h"

/* r, w and m, each at most once. */
static bool is_access(const char *s)
{
	size_t n = strlen(s);

	return n > 0 && n <= 3 && strspn(s, "rwm") == n && (n < 2 || s[0] != s[1]) &&
	       (n < 3 || (s[0] != s[2] && s[1] != s[2]));
}

static bool below(const char *path, const char *dir)
{
	size_t n = strlen(dir);

	return strncmp(path, dir, n) == 0 && (!path[n] || path[n] == '/');
}

static bool check_paths(struct decode *d, const struct conf_node *node,
			const struct conf_word *w, const struct model_device *dev)
{
	if (!dev->source || !dev->target || strcmp(dev->target, "/") == 0 ||
	    strcmp(dev->target, "/dev") == 0 || below(dev->target, "/proc") ||
	    below(dev->target, "/sys")) {
		decode_bad(d, node, w, "HOST_PATH[:TARGET[:rwm]]");
		return false;
	}
	if (d->loose || d->io->kind(d->io->ctx, dev->source) != MODEL_ABSENT)
		return true;
	diag_at(d->diag, w->pos, "device '%s' does not exist", dev->source);
	return false;
}

static void add_device(struct decode *d, struct model_service *s,
		       const struct conf_node *node, const struct conf_word *w,
		       struct model_device *dev)
{
	enum decode_turn turn = decode_turn(d, node, w, "device", dev->target);
	size_t i = 0;

	if (turn == DECODE_REPEATED)
		return;
	while (i < s->n_devices && strcmp(s->devices[i].target, dev->target) != 0)
		i++;
	if (i == s->n_devices) {
		s->devices = mem_grow(s->devices, ++s->n_devices, sizeof(*s->devices));
		s->devices[i] = (struct model_device){ 0 };
	}
	free(s->devices[i].source);
	free(s->devices[i].target);
	s->devices[i] = *dev;
	*dev = (struct model_device){ 0 };
}

/* HOST, HOST:TARGET, HOST:TARGET:ACCESS and, as Docker has it, HOST:ACCESS. */
static void decode_one(struct decode *d, struct model_service *s,
		       const struct conf_node *node, const struct conf_word *w)
{
	AUTO_STRV struct strv p = STRV_INIT;
	struct model_device dev = { .access = "rwm", .pos = w->pos };
	const char *target, *access = NULL;

	strv_split(&p, w->text, ":");
	target = p.n > 1 ? p.v[1] : p.n > 0 ? p.v[0] : "";
	if (p.n == 2 && is_access(p.v[1])) {
		target = p.v[0];
		access = p.v[1];
	} else if (p.n == 3) {
		access = p.v[2];
	}
	if (p.n > 3 || (access && !is_access(access))) {
		decode_bad(d, node, w, "HOST_PATH[:TARGET[:rwm]]");
		return;
	}
	if (access)
		memcpy(dev.access, access, strlen(access) + 1);
	dev.source = p.n > 0 ? value_path(p.v[0]) : NULL;
	dev.target = value_path(target);
	if (check_paths(d, node, w, &dev))
		add_device(d, s, node, w, &dev);
	free(dev.source);
	free(dev.target);
}

DECODER(decode_devices)
{
	for (size_t i = 0; i < node->n_words; i++)
		decode_one(d, s, node, &node->words[i]);
}
