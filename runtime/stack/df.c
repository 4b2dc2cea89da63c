/*
 * stack/df.c - what containers, volumes and logs take up on the disk.
 *
 * Knows ROOT's directories; the image store counts its own (image_df()).
 */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "runtime/base/du.h"
#include "runtime/base/fd.h"
#include "runtime/stack/host.h"
#include "runtime/stack/stack.h"

/* How many there are in DIR/STACK of every stack. */
static int count_below(struct stack_host *h, const char *dir, size_t *ret, struct err *e)
{
	AUTO_STRV struct strv stacks = STRV_INIT;
	int r = fd_list(h->root_fd, dir, &stacks, e);

	for (size_t i = 0; r == 0 && i < stacks.n; i++) {
		AUTO_FREE char *path = str_fmt("%s/%s", dir, stacks.v[i]);
		AUTO_STRV struct strv names = STRV_INIT;

		r = fd_list(h->root_fd, path, &names, e);
		if (r == -ENOENT) { /* the stack has just gone */
			err_clear(e);
			r = 0;
		}
		strv_foreach (k, &names)
			*ret += names.v[k][0] != '.';
	}
	return r;
}

static int df_others(struct stack_host *h, struct du *d, uint64_t *ret, struct err *e)
{
	static const char *const counted[] = { "layers",  "images", "refs",
					       "sources", "tmp",    "containers",
					       "volumes", "logs" };
	AUTO_STRV struct strv names = STRV_INIT;
	struct stat st;
	int r = fd_list(h->root_fd, ".", &names, e);

	if (r == 0 && fstat(h->root_fd, &st) < 0)
		r = err_set(e, errno, "stat '%s'", h->root);
	if (r == 0)
		*ret += (uint64_t)st.st_blocks * DU_BLOCK;
	for (size_t i = 0; r == 0 && i < names.n; i++) {
		bool other = true;

		for (size_t k = 0; k < ARRAY_LEN(counted); k++)
			other = other && !str_eq(names.v[i], counted[k]);
		if (other)
			r = du_tree(d, h->root_fd, names.v[i], ret, e);
	}
	return r;
}

int stack_df(struct stack_host *h, struct du *d, struct stack_df *ret, struct err *e)
{
	AUTO_STRV struct strv logs = STRV_INIT;
	int r;

	*ret = (struct stack_df){ 0 };
	r = count_below(h, "containers", &ret->containers, e);
	if (r == 0)
		r = count_below(h, "volumes", &ret->volumes, e);
	if (r == 0)
		r = fd_list(h->root_fd, "logs", &logs, e);
	ret->logs = logs.n;
	if (r == 0)
		r = du_tree(d, h->root_fd, "containers", &ret->container_bytes, e);
	if (r == 0)
		r = du_tree(d, h->root_fd, "volumes", &ret->volume_bytes, e);
	if (r == 0)
		r = du_tree(d, h->root_fd, "logs", &ret->log_bytes, e);
	return r < 0 ? r : df_others(h, d, &ret->other_bytes, e);
}
