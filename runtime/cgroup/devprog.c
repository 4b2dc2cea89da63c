/*
 * cgroup/devprog.c - device rules as instructions. See devices.h.
 *
 * Pure. The program walks the rules from the last to the first with the accesses that are
 * not decided yet in a register, so that an open for reading and writing may be allowed
 * by two rules. Every jump is to the next rule: no list is too long for an offset.
 */
#include <string.h>

#include "runtime/cgroup/devices.h"

/* r0 is what the kernel takes as the answer, r1 its question (struct bpf_cgroup_dev_ctx).
 */
enum { ANSWER = BPF_REG_0, ASKED = BPF_REG_1, ACCESS = BPF_REG_2, SOME = BPF_REG_3 };
enum { ALL = BPF_DEVCG_ACC_MKNOD | BPF_DEVCG_ACC_READ | BPF_DEVCG_ACC_WRITE };
enum { TYPE_BITS = 16 }; /* of access_type: "access << 16 | type" */
#define OFFSET(member) offsetof(struct bpf_cgroup_dev_ctx, member)

struct program {
	struct bpf_insn *at;
	size_t n;
};

static void put(struct program *p, unsigned code, unsigned dst, unsigned src, int off,
		int imm)
{
	p->at[p->n++] = (struct bpf_insn){ .code = (__u8)code,
					   .dst_reg = dst & 0xf,
					   .src_reg = src & 0xf,
					   .off = (__s16)off,
					   .imm = imm };
}

static void load(struct program *p, unsigned to, size_t offset)
{
	put(p, BPF_LDX | BPF_MEM | BPF_W, to, ASKED, (int)offset, 0);
}

static void answer(struct program *p, bool yes)
{
	put(p, BPF_ALU64 | BPF_MOV | BPF_K, ANSWER, 0, 0, yes);
	put(p, BPF_JMP | BPF_EXIT, 0, 0, 0, 0);
}

static int access_of(const char *s)
{
	return (strchr(s, 'm') ? BPF_DEVCG_ACC_MKNOD : 0) |
	       (strchr(s, 'r') ? BPF_DEVCG_ACC_READ : 0) |
	       (strchr(s, 'w') ? BPF_DEVCG_ACC_WRITE : 0);
}

/*
 * Read anew in each rule: from a register that lives on, the kernel's verifier would
 * learn which value each rule was not about, and follow them all (E2BIG at 1000 rules).
 * The jumps go to the end of the rule, which is not known yet: 0.
 */
static void add_match(struct program *p, const struct cgroup_device *r)
{
	const unsigned differs = BPF_JMP | BPF_JNE | BPF_K;

	if (r->type != 'a') {
		load(p, SOME, OFFSET(access_type));
		put(p, BPF_ALU64 | BPF_AND | BPF_K, SOME, 0, 0, (1 << TYPE_BITS) - 1);
		put(p, differs, SOME, 0, 0,
		    r->type == 'b' ? BPF_DEVCG_DEV_BLOCK : BPF_DEVCG_DEV_CHAR);
	}
	if (r->major != CGROUP_DEVICE_ANY) {
		load(p, SOME, OFFSET(major));
		put(p, differs, SOME, 0, 0, (int)r->major);
	}
	if (r->minor != CGROUP_DEVICE_ANY) {
		load(p, SOME, OFFSET(minor));
		put(p, differs, SOME, 0, 0, (int)r->minor);
	}
}

static void add_verdict(struct program *p, const struct cgroup_device *r)
{
	int access = access_of(r->access);

	if (r->deny) {
		put(p, BPF_ALU64 | BPF_MOV | BPF_X, SOME, ACCESS, 0, 0);
		put(p, BPF_ALU64 | BPF_AND | BPF_K, SOME, 0, 0, access);
		put(p, BPF_JMP | BPF_JEQ | BPF_K, SOME, 0, 0, 0);
	} else {
		put(p, BPF_ALU64 | BPF_AND | BPF_K, ACCESS, 0, 0, ALL & ~access);
		put(p, BPF_JMP | BPF_JNE | BPF_K, ACCESS, 0, 0, 0);
	}
	answer(p, !r->deny);
}

static void add_rule(struct program *p, const struct cgroup_device *r)
{
	size_t start = p->n;

	add_match(p, r);
	add_verdict(p, r);
	for (size_t i = start; i < p->n; i++)
		if (BPF_CLASS(p->at[i].code) == BPF_JMP &&
		    BPF_OP(p->at[i].code) != BPF_EXIT)
			p->at[i].off = (__s16)(p->n - i - 1);
}

size_t cgroup_device_program(const struct cgroup_device *rules, size_t n,
			     struct bpf_insn *ret)
{
	struct program p = { ret, 0 };

	load(&p, ACCESS, OFFSET(access_type));
	put(&p, BPF_ALU64 | BPF_RSH | BPF_K, ACCESS, 0, 0, TYPE_BITS);
	while (n-- > 0)
		add_rule(&p, &rules[n]);
	answer(&p, true);
	return p.n;
}
