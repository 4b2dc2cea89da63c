/*
 * container/user.c - "user[:group]" by the image's own /etc/passwd and /etc/group.
 *
 * Knows the two files' format. They are foreign bytes: sizes are bounded, odd lines
 * skipped, nothing but a regular file is read. Does not know user namespaces: ids are the
 * container's.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "runtime/base/fd.h"
#include "runtime/container/container.h"

enum { FILE_MAX = 4 << 20, ID_MAX = 0x7fffffff, GROUPS_MAX = 1024 };

/* One line of passwd or group, cut at ':' in place. */
struct record {
	char *field[7];
	size_t n;
};

static struct record split_record(char *line)
{
	struct record r = { .n = 0 };

	while (r.n < ARRAY_LEN(r.field)) {
		r.field[r.n++] = line;
		line = strchr(line, ':');
		if (!line)
			break;
		*line++ = '\0';
	}
	return r;
}

/* An image without the file is the same as an empty file. */
static int read_table(int root, const char *path, struct buf *ret, struct err *e)
{
	/* NONBLOCK: a FIFO of this name must not hold us. */
	AUTO_CLOSE int fd = fd_open_in_root(root, path, O_RDONLY | O_NONBLOCK | O_NOCTTY);
	struct stat st;

	buf_add(ret, "", 0);
	if (fd < 0)
		return errno == ENOENT || errno == ENOTDIR
			       ? 0
			       : err_set(e, errno, "open '%s' in the container", path);
	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
		return err_msg(e, EINVAL, "'%s' in the container is not a file", path);
	/* The files of /proc have no size. We would read them with the host's rights, and
	 * of /proc/kmsg take what the host's log daemon waits for. */
	if (st.st_size == 0)
		return 0;
	return fd_read_all(fd, FILE_MAX, ret, path, e);
}

static bool parse_id(const char *s, unsigned *ret)
{
	unsigned long long n;

	if (!str_u64(s, ID_MAX, &n))
		return false;
	*ret = (unsigned)n;
	return true;
}

/* A name wins over a number, as in every other runtime: a user may be called "1000". */
static bool record_is(const struct record *r, const char *want, size_t min_fields)
{
	unsigned id, wanted;

	if (r->n < min_fields || !parse_id(r->field[2], &id))
		return false;
	return str_eq(r->field[0], want) || (parse_id(want, &wanted) && id == wanted);
}

/* Finds the passwd line of @name; sets uid, gid, home and *@ret_login (borrowed from
 * @text). */
static bool find_user(char *text, const char *name, struct container_user *u,
		      const char **ret_login)
{
	bool found = false;

	for (char *save = NULL, *l = strtok_r(text, "\n", &save); l;
	     l = strtok_r(NULL, "\n", &save)) {
		struct record r = split_record(l);
		unsigned gid;

		if (!record_is(&r, name, 6) || !parse_id(r.field[3], &gid))
			continue;
		if (found && !str_eq(r.field[0], name))
			continue; /* the first of a number, but a name of its own is
				     better */
		found = true;
		(void)parse_id(r.field[2], &u->uid);
		u->gid = gid;
		str_set(&u->home, *r.field[5] ? r.field[5] : "/");
		*ret_login = r.field[0];
		if (str_eq(r.field[0], name))
			break;
	}
	return found;
}

static void add_group(struct container_user *u, gid_t gid)
{
	if (u->n_groups == GROUPS_MAX || gid == u->gid)
		return;
	for (size_t i = 0; i < u->n_groups; i++)
		if (u->groups[i] == gid)
			return;
	u->groups = mem_grow(u->groups, u->n_groups + 1, sizeof(*u->groups));
	u->groups[u->n_groups++] = gid;
}

static bool is_member(char *list, const char *login)
{
	for (char *save = NULL, *m = strtok_r(list, ",", &save); m;
	     m = strtok_r(NULL, ",", &save))
		if (str_eq(m, login))
			return true;
	return false;
}

/* With @want set: its gid. Otherwise: every group that lists @login. True when @want is
 * found. */
static bool scan_groups(char *text, const char *want, const char *login,
			struct container_user *u)
{
	for (char *save = NULL, *l = strtok_r(text, "\n", &save); l;
	     l = strtok_r(NULL, "\n", &save)) {
		struct record r = split_record(l);
		unsigned gid;

		if (r.n < 3 || !parse_id(r.field[2], &gid))
			continue;
		if (want && record_is(&r, want, 3)) {
			u->gid = gid;
			return true;
		}
		if (!want && login && r.n >= 4 && is_member(r.field[3], login))
			add_group(u, gid);
	}
	return false;
}

static int resolve_group(int root, const char *group, const char *login,
			 struct container_user *u, struct err *e)
{
	AUTO_BUF struct buf text = BUF_INIT;
	int r = read_table(root, "/etc/group", &text, e);

	if (r < 0)
		return r;
	if (scan_groups(text.data, group, login, u) || !group || parse_id(group, &u->gid))
		return 0;
	return err_msg(e, ENOENT, "group '%s' is not in the container's /etc/group",
		       group);
}

static int resolve(int root, char *name, struct container_user *u, struct err *e)
{
	AUTO_BUF struct buf text = BUF_INIT;
	char *group = strchr(name, ':');
	const char *login = NULL, *wanted = name;
	int r = read_table(root, "/etc/passwd", &text, e);

	if (r < 0)
		return r;
	if (group)
		*group++ = '\0';
	if (!*name)
		wanted = "0";
	if (!find_user(text.data, wanted, u, &login) && !parse_id(wanted, &u->uid))
		return err_msg(e, ENOENT,
			       "user '%s' is not in the container's /etc/passwd", wanted);
	return resolve_group(root, group && *group ? group : NULL, login, u, e);
}

int container_user_resolve(int rootfs_fd, const char *user, struct container_user *ret,
			   struct err *e)
{
	AUTO_FREE char *name = str_dup(user ? user : "");
	struct container_user u = { .home = str_dup("/") };
	int r = resolve(rootfs_fd, name, &u, e);

	if (r < 0) {
		container_user_free(&u);
		return r;
	}
	*ret = u;
	return 0;
}

void container_user_free(struct container_user *u)
{
	free(u->groups);
	free(u->home);
	*u = (struct container_user){ .home = NULL };
}
