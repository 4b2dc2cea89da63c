/* images/archive/descriptor.c - see descriptor.h. */
#include "images/archive/descriptor.h"

#include <errno.h>
#include <sys/utsname.h>

struct machine {
	const char *name, *arch; /* uname's word, Go's word */
	unsigned variant;        /* the highest it runs; of amd64 not looked into */
};

static const struct machine machines[] = {
	{ "x86_64", "amd64", 1 },    { "aarch64", "arm64", 8 },
	{ "armv7l", "arm", 7 },      { "armv6l", "arm", 6 },
	{ "i686", "386", 0 },        { "i386", "386", 0 },
	{ "ppc64le", "ppc64le", 0 }, { "s390x", "s390x", 0 },
	{ "riscv64", "riscv64", 0 }, { "loongarch64", "loong64", 0 }
};

static struct machine find_machine(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(machines); i++)
		if (str_eq(machines[i].name, name))
			return machines[i];
	return (struct machine){ name, name, 0 };
}

char *descriptor_host(void)
{
	struct utsname u;

	uname(&u);
	return str_dup(find_machine(u.machine).arch);
}

bool descriptor_is_host(const char *arch)
{
	struct utsname u;

	uname(&u);
	return str_eq(arch, find_machine(u.machine).arch);
}

static const char **member(struct descriptor *d, const char *key)
{
	const struct {
		const char *key, **to;
	} members[] = {
		{ "digest", &d->digest },       { "size", &d->size },
		{ "type", &d->type },           { "os", &d->os },
		{ "variant", &d->variant },     { "architecture", &d->architecture },
		{ "full_name", &d->full_name }, { "ref_name", &d->ref_name }
	};

	for (size_t i = 0; i < ARRAY_LEN(members); i++)
		if (str_eq(members[i].key, key))
			return members[i].to;
	return NULL;
}

bool descriptor_next(struct wire_list *l, struct descriptor *d)
{
	const char *key, *value, **to;

	*d = (struct descriptor){ .digest = "", .size = "" };
	if (!wire_next(l, &d->kind, &value))
		return false;
	for (struct wire_list ahead = *l; wire_next(&ahead, &key, &value); *l = ahead) {
		to = member(d, key);
		if (to)
			*to = value;
		else if (str_eq(key, "attestation"))
			d->attestation = true;
		else
			break; /* the next one's kind */
	}
	return true;
}

int descriptor_blob(const struct descriptor *d, struct digest *ret_digest,
		    uint64_t *ret_size, struct err *e)
{
	unsigned long long size;

	if (!digest_parse(d->digest, ret_digest))
		return err_msg(e, EINVAL, "'%s' is not a digest", d->digest);
	if (!str_u64(d->size, INT64_MAX, &size))
		return err_msg(e, EINVAL, "the size of blob '%s' is not a number",
			       d->digest);
	*ret_size = size;
	return 0;
}

/* Attestations of a build hang in an index like images of platform unknown/unknown. */
static bool is_attestation(const struct descriptor *d)
{
	return d->attestation || str_eq(d->os, "unknown");
}

/* image-index.md: "An encountered mediaType that is unknown to the implementation MUST be
 * ignored." One that states none is taken at its word. */
static bool is_unknown(const struct descriptor *d)
{
	static const char *const known[] = {
		"application/vnd.oci.image.manifest.v1+json",
		"application/vnd.oci.image.index.v1+json",
		"application/vnd.docker.distribution.manifest.v2+json",
		"application/vnd.docker.distribution.manifest.list.v2+json"
	};

	for (size_t i = 0; i < ARRAY_LEN(known); i++)
		if (str_eq(d->type, known[i]))
			return false;
	return d->type && *d->type;
}

int descriptor_rank(const struct descriptor *d, const char *machine)
{
	const struct machine m = find_machine(machine);
	unsigned long long variant;

	if (is_attestation(d) || is_unknown(d))
		return 0;
	if (!d->os)
		return 1;
	if (!str_eq(d->os, "linux") || !str_eq(d->architecture, m.arch))
		return 0;
	if (!d->variant || !*d->variant)
		return 2;
	if (d->variant[0] != 'v' || !str_u64(d->variant + 1, m.variant, &variant))
		return 0;
	return 3 + (int)variant;
}

static int no_match(struct wire_list list, const char *machine, struct err *e)
{
	AUTO_BUF struct buf has = BUF_INIT;
	struct descriptor d;

	while (descriptor_next(&list, &d))
		if (!is_attestation(&d) && !is_unknown(&d) && has.len < 100)
			buf_addf(&has, " %.20s/%.20s", d.os ? d.os : "?",
				 d.architecture ? d.architecture : "?");
	return err_msg(e, EINVAL, "it has no image for linux/%s, but for%s",
		       find_machine(machine).arch, has.len ? has.data : " nothing");
}

int descriptor_choose(struct wire_list list, const char *machine, struct descriptor *ret,
		      struct err *e)
{
	struct wire_list all = list;
	struct descriptor d;
	int best = 0;

	while (descriptor_next(&list, &d)) {
		int rank = descriptor_rank(&d, machine);

		if (rank > best) {
			best = rank;
			*ret = d;
		}
	}
	return best > 0 ? 0 : no_match(all, machine, e);
}
