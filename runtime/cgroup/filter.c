/*
 * cgroup/filter.c - loading a device filter and giving it to a group. See devices.h.
 *
 * Knows bpf(2). BPF_F_ALLOW_MULTI: a device must pass the filters of the group and of all
 * those above it that were attached so, as systemd and the OCI runtimes do; a group below
 * one whose filter allows nobody else gets EPERM. The group holds the program: no fd of
 * it is kept.
 */
#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "runtime/base/fd.h"
#include "runtime/cgroup/devices.h"

/* The kernel takes no more of them on one group. */
enum { FILTERS_MAX = 64 };

/* By which ours is found again. */
static const char program_name[BPF_OBJ_NAME_LEN] = "minibox_dev";

static int bpf(enum bpf_cmd cmd, union bpf_attr *attr)
{
	return (int)syscall(SYS_bpf, cmd, attr, sizeof(*attr));
}

static uint64_t pointer(const void *p)
{
	return (uint64_t)(uintptr_t)p;
}

bool cgroup_filter_is_missing(int r)
{
	return r == -ENOSYS || r == -EPERM || r == -EINVAL || r == -EOPNOTSUPP;
}

static int load(const struct cgroup_device *rules, size_t n, int *ret, struct err *e)
{
	AUTO_FREE struct bpf_insn *insns =
		mem_new(CGROUP_DEVICE_INSNS(n), sizeof(*insns));
	union bpf_attr attr = { .prog_type = BPF_PROG_TYPE_CGROUP_DEVICE };

	attr.insn_cnt = (uint32_t)cgroup_device_program(rules, n, insns);
	attr.insns = pointer(insns);
	attr.license = pointer("GPL");
	memcpy(attr.prog_name, program_name, sizeof(program_name));
	*ret = bpf(BPF_PROG_LOAD, &attr);
	if (*ret < 0)
		return err_set(e, errno, "load a device filter (BPF, %zu rules)", n);
	return 0;
}

static bool is_ours(int program)
{
	struct bpf_prog_info info = { 0 };
	union bpf_attr attr = { 0 };

	attr.info.bpf_fd = (uint32_t)program;
	attr.info.info_len = sizeof(info);
	attr.info.info = pointer(&info);
	return bpf(BPF_OBJ_GET_INFO_BY_FD, &attr) == 0 &&
	       strncmp(info.name, program_name, sizeof(info.name)) == 0;
}

/* @ret: -1 where there is none */
static int find_ours(int dir, int *ret, struct err *e)
{
	uint32_t ids[FILTERS_MAX];
	union bpf_attr attr = { 0 };

	*ret = -1;
	attr.query.target_fd = (uint32_t)dir;
	attr.query.attach_type = BPF_CGROUP_DEVICE;
	attr.query.prog_ids = pointer(ids);
	attr.query.prog_cnt = FILTERS_MAX;
	if (bpf(BPF_PROG_QUERY, &attr) < 0)
		return err_set(e, errno, "list device filters (BPF)");
	for (uint32_t i = 0; i < attr.query.prog_cnt; i++) {
		union bpf_attr by = { .prog_id = ids[i] };
		AUTO_CLOSE int program = bpf(BPF_PROG_GET_FD_BY_ID, &by);

		if (program >= 0 && is_ours(program)) {
			*ret = fd_take(&program);
			return 0;
		}
	}
	return 0;
}

int cgroup_filter_set(int dir, const struct cgroup_device *rules, size_t n, struct err *e)
{
	AUTO_CLOSE int program = -1, old = -1;
	union bpf_attr attr = { .attach_type = BPF_CGROUP_DEVICE };
	int r = load(rules, n, &program, e);

	if (r == 0)
		r = find_ours(dir, &old, e);
	if (r < 0)
		return r;
	attr.target_fd = (uint32_t)dir;
	attr.attach_bpf_fd = (uint32_t)program;
	attr.attach_flags = BPF_F_ALLOW_MULTI;
	/* one for the other in one step: there is no moment with none */
	if (old >= 0) {
		attr.attach_flags |= BPF_F_REPLACE;
		attr.replace_bpf_fd = (uint32_t)old;
	}
	if (bpf(BPF_PROG_ATTACH, &attr) < 0)
		return err_set(e, errno, "attach a device filter (BPF)");
	return 0;
}

int cgroup_filter_lift(int dir, struct err *e)
{
	AUTO_CLOSE int old = -1;
	union bpf_attr attr = { .attach_type = BPF_CGROUP_DEVICE };
	int r = find_ours(dir, &old, e);

	if (r < 0 || old < 0)
		return r;
	attr.target_fd = (uint32_t)dir;
	attr.attach_bpf_fd = (uint32_t)old;
	if (bpf(BPF_PROG_DETACH, &attr) < 0)
		return err_set(e, errno, "detach a device filter (BPF)");
	return 0;
}
