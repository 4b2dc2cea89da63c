/*
 * container/caps.c - see caps.h.
 *
 * The default is Docker's set without MKNOD: no device node works in a user namespace,
 * and without one a container has no business making them. AUDIT_WRITE is given only
 * without a user namespace: inside one the kernel refuses audit before it looks at the
 * capability.
 */
#include "runtime/container/caps.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <strings.h>
#include <sys/capability.h>
#include <sys/prctl.h>

#include "runtime/base/fd.h"
#include "runtime/base/log.h"
#include "runtime/container/exact.h"

#define BIT(cap) (UINT64_C(1) << (cap))

static const uint64_t default_caps =
	BIT(CAP_CHOWN) | BIT(CAP_DAC_OVERRIDE) | BIT(CAP_FSETID) | BIT(CAP_FOWNER) |
	BIT(CAP_NET_RAW) | BIT(CAP_SETGID) | BIT(CAP_SETUID) | BIT(CAP_SETFCAP) |
	BIT(CAP_SETPCAP) | BIT(CAP_NET_BIND_SERVICE) | BIT(CAP_SYS_CHROOT) |
	BIT(CAP_KILL);

static uint64_t all_caps(void)
{
	return BIT(cap_max_bits()) - 1;
}

static int parse_name(const char *name, uint64_t *ret, struct err *e)
{
	AUTO_FREE char *full = NULL;
	cap_value_t v;

	if (strcasecmp(name, "ALL") == 0) {
		*ret = all_caps();
		return 0;
	}
	full = strncasecmp(name, "CAP_", 4) == 0 ? str_dup(name)
						 : str_fmt("CAP_%s", name);
	if (cap_from_name(full, &v) < 0 || v >= cap_max_bits())
		return err_msg(e, EINVAL, "capability '%s' is unknown", name);
	*ret = BIT(v);
	return 0;
}

static int parse_list(const struct strv *list, uint64_t *ret, struct err *e)
{
	*ret = 0;
	strv_foreach (i, list) {
		uint64_t one;
		int r = parse_name(list->v[i], &one, e);

		if (r < 0)
			return r;
		*ret |= one;
	}
	return 0;
}

static uint64_t host_caps(void)
{
	uint64_t have = 0;

	for (int c = 0; c < cap_max_bits(); c++)
		if (cap_get_bound(c) == 1)
			have |= BIT(c);
	return have;
}

static void note_missing(const struct strv *asked, uint64_t missing)
{
	strv_foreach (i, asked) {
		struct err ignored = ERR_INIT;
		uint64_t one = 0;

		if (strcasecmp(asked->v[i], "ALL") != 0 &&
		    parse_name(asked->v[i], &one, &ignored) == 0 && (one & missing))
			log_note("the host itself has no capability '%s', leaving it out",
				 asked->v[i]);
	}
}

int container_caps_decide(const struct container_spec *s, bool userns, uint64_t *ret,
			  struct err *e)
{
	uint64_t caps = default_caps | (userns ? 0 : BIT(CAP_AUDIT_WRITE)), add, drop,
		 missing;
	int r = parse_list(&s->cap_add, &add, e);

	if (r == 0)
		r = parse_list(&s->cap_drop, &drop, e);
	if (r < 0)
		return r;
	/* "cap_drop ALL; cap_add CHOWN" leaves CHOWN; "cap_add ALL; cap_drop CHOWN" all
	 * others. */
	if (s->privileged)
		caps = all_caps();
	else if (add == all_caps())
		caps = add & ~drop;
	else
		caps = (caps & ~drop) | add;
	missing = userns ? 0 : caps & ~host_caps();
	note_missing(&s->cap_add, missing);
	*ret = caps & ~missing;
	return 0;
}

int container_caps_asked(const struct container_spec *s, uint64_t caps, uint64_t *ret,
			 struct err *e)
{
	int r = parse_list(&s->cap_add, ret, e);

	*ret &= caps;
	return r;
}

int container_caps_bound(uint64_t caps, struct err *e)
{
	for (int c = 0; c < cap_max_bits(); c++) {
		if ((caps & BIT(c)) || cap_get_bound(c) != 1)
			continue;
		if (cap_drop_bound(c) < 0)
			return err_set(e, errno, "drop capability '%d' for good", c);
	}
	/* EINVAL: a kernel without ambient capabilities */
	if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) < 0 &&
	    errno != EINVAL)
		return err_set(e, errno, "clear 'ambient' capabilities");
	return 0;
}

int container_caps_parse(const struct strv *names, uint64_t *ret, struct err *e)
{
	*ret = 0;
	strv_foreach (i, names) {
		uint64_t one = 0;
		int r = str_starts(names->v[i], "CAP_")
				? parse_name(names->v[i], &one, e)
				: err_msg(e, EINVAL, "capability '%s' is unknown",
					  names->v[i]);

		if (r < 0)
			return r;
		*ret |= one;
	}
	return 0;
}

void container_caps_names(struct strv *ret)
{
	for (cap_value_t c = 0; c < cap_max_bits(); c++) {
		char *name = cap_to_name(c);

		for (char *p = name; p && *p; p++)
			*p = (char)toupper((unsigned char)*p);
		if (name)
			strv_add(ret, name);
		cap_free(name);
	}
}

static uint64_t own_caps(void)
{
	cap_t now = cap_get_proc();
	uint64_t have = 0;

	for (cap_value_t c = 0; now && c < cap_max_bits(); c++) {
		cap_flag_value_t on = CAP_CLEAR;

		if (cap_get_flag(now, c, CAP_PERMITTED, &on) == 0 && on == CAP_SET)
			have |= BIT(c);
	}
	cap_free(now);
	return have;
}

int container_caps_regain(struct err *e)
{
	uint64_t have = own_caps();

	return container_caps_set(have, have, 0, e);
}

static int raise_ambient(uint64_t caps, struct err *e)
{
	for (int c = 0; c < cap_max_bits(); c++)
		if ((caps & BIT(c)) &&
		    prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, c, 0, 0) < 0)
			return err_set(e, errno, "raise ambient capability '%d'", c);
	return 0;
}

int container_caps_exact(const struct container_exact *x, struct err *e)
{
	uint64_t have = own_caps(), permitted = x->permitted & have;
	int r = container_caps_set(x->effective & permitted, permitted,
				   x->inheritable & have & host_caps(), e);

	return r < 0 ? r : raise_ambient(x->ambient & permitted & x->inheritable, e);
}

int container_caps_apply(uint64_t caps, struct err *e)
{
	return container_caps_set(caps, caps, 0, e);
}

int container_caps_lend(uint64_t caps, struct err *e)
{
	int r = container_caps_set(caps, caps, caps, e);

	return r < 0 ? r : raise_ambient(caps, e);
}

int container_caps_set(uint64_t effective, uint64_t permitted, uint64_t inheritable,
		       struct err *e)
{
	cap_t set = cap_init();
	int r = set ? 0 : -1;

	for (cap_value_t c = 0; r == 0 && c < cap_max_bits(); c++) {
		if (effective & BIT(c))
			r |= cap_set_flag(set, CAP_EFFECTIVE, 1, &c, CAP_SET);
		if (permitted & BIT(c))
			r |= cap_set_flag(set, CAP_PERMITTED, 1, &c, CAP_SET);
		if (inheritable & BIT(c))
			r |= cap_set_flag(set, CAP_INHERITABLE, 1, &c, CAP_SET);
	}
	if (r == 0)
		r = cap_set_proc(set);
	if (r < 0)
		r = err_set(e, errno, "set 'capabilities'");
	if (set)
		cap_free(set);
	return r;
}
