/* stack/ids.c - see ids.h. Knows ranges; what is mapped to them is the container's. */
#include "runtime/stack/ids.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "runtime/base/fd.h"

/* systemd-nspawn takes from 524288 to 1878982656 and a range more; we begin far above. */
enum { ID_FIRST = 1879048192u + (1u << 26), ID_STEP = 65536, ID_SLOTS = 2000 };
enum { SUBIDS_MOST = 1 << 20 };

bool ids_overlap(const char *text, uint32_t base)
{
	AUTO_STRV struct strv lines = STRV_INIT;

	strv_split(&lines, text, "\n");
	strv_foreach (i, &lines) {
		AUTO_STRV struct strv f = STRV_INIT;
		unsigned long long first, count;

		strv_split(&f, lines.v[i], ":");
		if (f.n == 3 && str_u64(f.v[1], UINT32_MAX, &first) &&
		    str_u64(f.v[2], UINT32_MAX, &count) &&
		    first < (unsigned long long)base + ID_STEP && base < first + count)
			return true;
	}
	return false;
}

/* Both files in one: who is given the uids of a range or its gids has it. */
static int read_foreign(struct buf *ret, struct err *e)
{
	static const char *const files[] = { "/etc/subuid", "/etc/subgid" };

	for (size_t i = 0; i < ARRAY_LEN(files); i++) {
		AUTO_BUF struct buf one = BUF_INIT;
		int r = fd_read_file(AT_FDCWD, files[i], SUBIDS_MOST, &one, e);

		if (r == -ENOENT)
			err_clear(e);
		else if (r < 0)
			return r;
		buf_adds(ret, one.data ? one.data : "");
		buf_addc(ret, '\n');
	}
	return 0;
}

static void mark(bool *busy, unsigned id)
{
	if (id >= ID_FIRST && (id - ID_FIRST) / ID_STEP < ID_SLOTS)
		busy[(id - ID_FIRST) / ID_STEP] = true;
}

/* Somebody who is in no file: stacks of another run directory, another program's
 * containers, users of a directory service. A directory of /proc belongs to the ids of
 * its process. */
static int find_busy(bool *busy, struct err *e)
{
	DIR *proc = opendir("/proc");
	const struct dirent *d;
	struct stat st;

	if (!proc)
		return err_set(e, errno, "open '/proc'");
	while ((d = readdir(proc))) {
		if (d->d_name[0] < '1' || d->d_name[0] > '9' ||
		    fstatat(dirfd(proc), d->d_name, &st, 0) < 0)
			continue; /* no process, or gone meanwhile */
		mark(busy, st.st_uid);
		mark(busy, st.st_gid);
	}
	closedir(proc);
	return 0;
}

static bool has_range(const struct record *r, uid_t base)
{
	if (!r)
		return false;
	for (size_t i = 0; i < r->n_leases; i++)
		if (r->leases[i].base == base)
			return true;
	return r->uid_base == base;
}

int ids_lease(const struct record *own, struct record *const *others, size_t n,
	      uid_t *ret, struct err *e)
{
	AUTO_BUF struct buf foreign = BUF_INIT;
	AUTO_FREE bool *busy = mem_new(ID_SLOTS, sizeof(*busy));
	int r = read_foreign(&foreign, e);

	if (r == 0)
		r = find_busy(busy, e);
	for (unsigned slot = 0; slot < ID_SLOTS && r == 0; slot++) {
		uid_t base = ID_FIRST + slot * ID_STEP;
		bool taken = busy[slot] || has_range(own, base) ||
			     ids_overlap(foreign.data, base);

		for (size_t i = 0; i < n && !taken; i++)
			taken = has_range(others[i], base);
		if (!taken) {
			*ret = base;
			return 0;
		}
	}
	return r < 0 ? r : err_msg(e, ENOSPC, "no id range left of '%d'", ID_SLOTS);
}
