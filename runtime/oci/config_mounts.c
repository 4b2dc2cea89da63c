/* oci/config_mounts.c - "mounts" of a config.json. See config.h. Knows mount options. */
#include <errno.h>
#include <string.h>
#include <sys/mount.h>

#include "runtime/oci/config.h"
#include "runtime/oci/member.h"

/* What a word does. One that is no option of a mount is an option of the file system. */
static const struct option {
	const char *name;
	unsigned set, clear, set_rec, propagation;
	bool recursive; /* of the propagation */
	enum { PLAIN, BIND, RBIND, IDMAP, NOTHING } kind;
} options[] = {
	{ .name = "ro", .set = MOUNT_ATTR_RDONLY },
	{ .name = "rw", .clear = MOUNT_ATTR_RDONLY },
	{ .name = "nosuid", .set = MOUNT_ATTR_NOSUID },
	{ .name = "suid", .clear = MOUNT_ATTR_NOSUID },
	{ .name = "nodev", .set = MOUNT_ATTR_NODEV },
	{ .name = "dev", .clear = MOUNT_ATTR_NODEV },
	{ .name = "noexec", .set = MOUNT_ATTR_NOEXEC },
	{ .name = "exec", .clear = MOUNT_ATTR_NOEXEC },
	{ .name = "nosymfollow", .set = MOUNT_ATTR_NOSYMFOLLOW },
	{ .name = "symfollow", .clear = MOUNT_ATTR_NOSYMFOLLOW },
	{ .name = "noatime", .set = MOUNT_ATTR_NOATIME, .clear = MOUNT_ATTR__ATIME },
	{ .name = "atime", .clear = MOUNT_ATTR__ATIME },
	{ .name = "relatime", .clear = MOUNT_ATTR__ATIME },
	{ .name = "norelatime", .clear = MOUNT_ATTR__ATIME },
	{ .name = "strictatime",
	  .set = MOUNT_ATTR_STRICTATIME,
	  .clear = MOUNT_ATTR__ATIME },
	{ .name = "nostrictatime", .clear = MOUNT_ATTR__ATIME },
	{ .name = "nodiratime", .set = MOUNT_ATTR_NODIRATIME },
	{ .name = "diratime", .clear = MOUNT_ATTR_NODIRATIME },
	{ .name = "rro", .set_rec = MOUNT_ATTR_RDONLY },
	{ .name = "rnosuid", .set_rec = MOUNT_ATTR_NOSUID },
	{ .name = "rnodev", .set_rec = MOUNT_ATTR_NODEV },
	{ .name = "rnoexec", .set_rec = MOUNT_ATTR_NOEXEC },
	{ .name = "rnosymfollow", .set_rec = MOUNT_ATTR_NOSYMFOLLOW },
	{ .name = "rnodiratime", .set_rec = MOUNT_ATTR_NODIRATIME },
	{ .name = "private", .propagation = MS_PRIVATE },
	{ .name = "rprivate", .propagation = MS_PRIVATE, .recursive = true },
	{ .name = "shared", .propagation = MS_SHARED },
	{ .name = "rshared", .propagation = MS_SHARED, .recursive = true },
	{ .name = "slave", .propagation = MS_SLAVE },
	{ .name = "rslave", .propagation = MS_SLAVE, .recursive = true },
	{ .name = "unbindable", .propagation = MS_UNBINDABLE },
	{ .name = "runbindable", .propagation = MS_UNBINDABLE, .recursive = true },
	{ .name = "bind", .kind = BIND },
	{ .name = "rbind", .kind = RBIND },
	{ .name = "idmap", .kind = IDMAP },
	{ .name = "ridmap", .kind = IDMAP },
	{ .name = "defaults", .kind = NOTHING },
	{ .name = "async", .kind = NOTHING },
	{ .name = "loud", .kind = NOTHING },
	{ .name = "silent", .kind = NOTHING },
	{ .name = "nomand", .kind = NOTHING },
	{ .name = "nolazytime", .kind = NOTHING },
	{ .name = "tmpcopyup", .kind = NOTHING },
	/* The mount is new: there is nothing to be mounted again. */
	{ .name = "remount", .kind = NOTHING },
};

void oci_mount_option_names(struct strv *ret)
{
	for (size_t i = 0; i < ARRAY_LEN(options); i++)
		if (!str_eq(options[i].name, "tmpcopyup"))
			strv_add(ret, options[i].name);
}

struct words {
	bool bind, recursive, idmap, copy_up;
	struct buf data;
};

static void take_word(const char *word, struct container_exact_mount *m, struct words *w)
{
	const struct option *o = options, *end = options + ARRAY_LEN(options);

	while (o < end && !str_eq(o->name, word))
		o++;
	if (o == end) {
		buf_addf(&w->data, "%s%s", w->data.len ? "," : "", word);
		return;
	}
	m->set = (m->set & ~o->clear) | o->set;
	m->clear = (m->clear & ~o->set) | o->clear;
	m->set_rec |= o->set_rec;
	if (o->propagation) {
		m->propagation = o->propagation;
		m->propagation_rec = o->recursive;
	}
	w->bind |= o->kind == BIND || o->kind == RBIND;
	w->recursive |= o->kind == RBIND;
	w->idmap |= o->kind == IDMAP;
	w->copy_up |= str_eq(word, "tmpcopyup");
}

static int parse_idmap(struct oci_at at, bool wanted, struct oci_config *c, struct err *e)
{
	const json_t *uids = NULL, *gids = NULL;
	struct oci_idmapped *m;
	int r = oci_array(at, "uidMappings", &uids, e);

	if (r == 0)
		r = oci_array(at, "gidMappings", &gids, e);
	if (r < 0 || (!wanted && !uids && !gids))
		return r;
	if (!uids != !gids)
		return oci_bad(e, at, "uidMappings", "and 'gidMappings' go together");
	if (c->exact.mounts[c->exact.n_mounts - 1].kind != CONTAINER_EXACT_BIND)
		return oci_bad(e, at, "uidMappings", "is for bind mounts only");
	c->idmapped = mem_grow(c->idmapped, c->n_idmapped + 1, sizeof(*c->idmapped));
	m = &c->idmapped[c->n_idmapped++];
	*m = (struct oci_idmapped){ .mount = c->exact.n_mounts - 1, .fd = -1 };
	r = oci_config_idmaps(uids, "mounts.uidMappings.", &m->uids, e);
	return r < 0 ? r : oci_config_idmaps(gids, "mounts.gidMappings.", &m->gids, e);
}

/* What a file system type means for the mount; source only matters where there is one. */
static int settle(struct oci_at at, const char *type, const char *source,
		  const char *bundle, struct container_exact_mount *m, struct words *w,
		  struct err *e)
{
	if (w->bind || str_eq(type, "bind")) {
		m->kind = CONTAINER_EXACT_BIND;
		m->recursive = w->recursive;
		if (!source || !*source)
			return oci_bad(e, at, "source", "is missing for the bind on %s",
				       m->target);
		m->source = *source == '/' ? str_dup(source)
					   : str_fmt("%s/%s", bundle, source);
		return 0;
	}
	if (!type || !*type)
		return oci_bad(e, at, "type", "is missing for the mount on %s",
			       m->target);
	m->kind = str_eq(type, "cgroup") || str_eq(type, "cgroup2")
			  ? CONTAINER_EXACT_CGROUP
			  : CONTAINER_EXACT_FS;
	m->type = str_dup(type);
	m->source = str_dup(source);
	m->copy_up = w->copy_up && str_eq(type, "tmpfs");
	m->data = buf_take(&w->data);
	return 0;
}

static int parse_mount(struct oci_at at, const char *bundle, struct oci_config *c,
		       struct err *e)
{
	const char *target = NULL, *type = NULL, *source = NULL;
	AUTO_STRV struct strv list = STRV_INIT;
	struct container_exact_mount *m;
	struct words w = { 0 };
	int r = oci_need(at, "destination", &target, e);

	if (r == 0)
		r = oci_text(at, "type", &type, e);
	if (r == 0)
		r = oci_text(at, "source", &source, e);
	if (r == 0)
		r = oci_texts(at, "options", &list, e);
	if (r < 0)
		return r;
	m = container_exact_add_mount(&c->exact);
	/* Runtimes of old took relative ones, which 1.2 deprecates: told from the root.
	 */
	m->target = *target == '/' ? str_dup(target) : str_fmt("/%s", target);
	strv_foreach (i, &list)
		take_word(list.v[i], m, &w);
	r = settle(at, type, source, bundle, m, &w, e);
	buf_free(&w.data);
	return r < 0 ? r : parse_idmap(at, w.idmap, c, e);
}

int oci_config_mounts(const json_t *list, const char *bundle, struct oci_config *c,
		      struct err *e)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < json_array_size(list); i++) {
		struct oci_at at;

		r = oci_item(list, i, "mounts.", &at, e);
		if (r == 0)
			r = parse_mount(at, bundle, c, e);
	}
	return r;
}
