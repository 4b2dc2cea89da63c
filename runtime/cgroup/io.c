/*
 * cgroup/io.c - weight and rates of disks, v1 blkio and v2 io. See hier.h, cgroup.h.
 *
 * Knows that each scheduler has a weight file of its own, and that a kernel may have
 * none. Kernel documents: admin-guide/cgroup-v1/blkio-controller.rst, cgroup-v2.rst "IO".
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "runtime/base/fd.h"
#include "runtime/cgroup/hier.h"

static const struct {
	const char *v1, *v2;
} rates[CGROUP_IO_RATES] = {
	[CGROUP_READ_BPS] = { "blkio.throttle.read_bps_device", "rbps" },
	[CGROUP_WRITE_BPS] = { "blkio.throttle.write_bps_device", "wbps" },
	[CGROUP_READ_IOPS] = { "blkio.throttle.read_iops_device", "riops" },
	[CGROUP_WRITE_IOPS] = { "blkio.throttle.write_iops_device", "wiops" },
};

/* The first of @files that this kernel has; @ret_scaled: it counts to 10000. */
static const char *weight_file(int dir, bool unified, bool *ret_scaled)
{
	static const char *const files[][2] = {
		{ "blkio.bfq.weight", "blkio.weight" },
		{ "io.bfq.weight", "io.weight" },
	};

	for (size_t i = 0; i < ARRAY_LEN(files[0]); i++) {
		*ret_scaled = unified && i == 1;
		if (faccessat(dir, files[unified][i], F_OK, 0) == 0)
			return files[unified][i];
	}
	return NULL;
}

int cgroup_io_weight(int dir, bool unified, const struct cgroup_limits *l, struct err *e)
{
	uint64_t want = l->io_weight, got = 0;
	bool scaled;
	const char *file = weight_file(dir, unified, &scaled);
	char text[24];
	int r;

	if (!file && want == 0)
		return 0;
	if (!file)
		return err_msg(e, ENOTSUP,
			       "this kernel weighs no disks: it has neither '%s'",
			       unified ? "io.bfq.weight' nor 'io.weight"
				       : "blkio.bfq.weight' nor 'blkio.weight");
	if (want == 0)
		want = scaled ? 100 : 0;
	else if (scaled)
		want = 1 + (want - 10) * 9999 / 990;
	if (want == 0)
		return 0;
	snprintf(text, sizeof(text), "%llu", (unsigned long long)want);
	r = fd_write_str(dir, file, text, e);
	if (r < 0)
		return r;
	got = cgroup_read_key(dir, file, "default");
	if (got == 0)
		r = cgroup_read_u64(dir, file, &got, e);
	if (r == 0 && got != want)
		r = err_msg(e, EINVAL, "the kernel made %llu of the %llu for '%s'",
			    (unsigned long long)got, (unsigned long long)want, file);
	return r;
}

/* "254:0 rbps=1048576 wbps=max riops=max wiops=max", or v1's "254:0 1048576": 0 if none.
 */
static uint64_t read_rate(int dir, const char *file, const char *device, const char *word)
{
	AUTO_BUF struct buf text = BUF_INIT;
	struct err ignored = ERR_INIT;
	size_t n = strlen(device);
	char *at;

	if (fd_read_file(dir, file, 65536, &text, &ignored) < 0)
		return 0;
	for (char *save = NULL, *l = strtok_r(text.data, "\n", &save); l;
	     l = strtok_r(NULL, "\n", &save)) {
		if (strncmp(l, device, n) != 0 || l[n] != ' ')
			continue;
		at = *word ? strstr(l + n, word) : l + n;
		return at ? strtoull(at + strlen(word) + 1, NULL, 10) : 0;
	}
	return 0;
}

static int set_rate(int dir, bool unified, const struct cgroup_io *io, size_t k,
		    struct err *e)
{
	const char *file = unified ? "io.max" : rates[k].v1;
	const char *word = unified ? rates[k].v2 : "";
	uint64_t got;
	char device[24];
	AUTO_FREE char *text = NULL;
	int r;

	snprintf(device, sizeof(device), "%u:%u", io->major, io->minor);
	text = str_fmt("%s %s%s%llu", device, word, unified ? "=" : "",
		       (unsigned long long)io->rate[k]);
	r = fd_write_str(dir, file, text, e);
	if (r < 0)
		return err_ctx(e, "'%s' for device %s", text, device);
	got = read_rate(dir, file, device, word);
	if (got == io->rate[k])
		return 0;
	return err_msg(
		e, EINVAL, "the kernel made %llu of the %llu for '%s' of device %s",
		(unsigned long long)got, (unsigned long long)io->rate[k], file, device);
}

/* What an earlier run had limited: each device that @file names is let go. */
static int lift(int dir, const char *file, const char *none, struct err *e)
{
	AUTO_BUF struct buf text = BUF_INIT;
	int r = fd_read_file(dir, file, 65536, &text, e);

	if (r < 0)
		return r;
	for (char *save = NULL, *l = strtok_r(text.data, "\n", &save); l && r == 0;
	     l = strtok_r(NULL, "\n", &save)) {
		AUTO_FREE char *line = str_fmt("%.*s %s", (int)strcspn(l, " "), l, none);

		r = fd_write_str(dir, file, line, e);
	}
	return r;
}

int cgroup_io_rates(int dir, bool unified, const struct cgroup_limits *l, struct err *e)
{
	int r = 0;

	if (unified)
		r = lift(dir, "io.max", "rbps=max wbps=max riops=max wiops=max", e);
	for (size_t k = 0; k < CGROUP_IO_RATES && !unified && r == 0; k++)
		r = lift(dir, rates[k].v1, "0", e);
	for (size_t i = 0; i < l->n_io; i++)
		for (size_t k = 0; k < CGROUP_IO_RATES && r == 0; k++)
			if (l->io[i].rate[k])
				r = set_rate(dir, unified, &l->io[i], k, e);
	return r;
}
