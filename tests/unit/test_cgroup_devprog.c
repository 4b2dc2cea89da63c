/* tests/unit/test_cgroup_devprog.c - device rules as a program, run by an interpreter of
 * the few instructions that it has. The kernel's own is in test_cgroup_devices. */
#include "runtime/cgroup/devices.h"
#include "tests/lib/test.h"

enum { RULES_MAX = 16 };
enum { M = BPF_DEVCG_ACC_MKNOD, R = BPF_DEVCG_ACC_READ, W = BPF_DEVCG_ACC_WRITE };

static uint64_t loaded(const struct bpf_cgroup_dev_ctx *asked, const struct bpf_insn *i)
{
	uint32_t word;

	CHECK(i->code == (BPF_LDX | BPF_MEM | BPF_W) && i->src_reg == 1);
	memcpy(&word, (const char *)asked + i->off, sizeof(word));
	return word;
}

static uint64_t computed(uint64_t a, uint64_t b, unsigned op)
{
	CHECK(op == BPF_MOV || op == BPF_AND || op == BPF_RSH);
	return op == BPF_MOV ? b : op == BPF_AND ? a & b : a >> b;
}

static bool run(const struct bpf_insn *p, size_t n,
		const struct bpf_cgroup_dev_ctx *asked)
{
	uint64_t r[10] = { 0 };

	for (size_t at = 0; at < n; at++) {
		const struct bpf_insn *i = &p[at];
		uint64_t with = BPF_SRC(i->code) == BPF_X ? r[i->src_reg]
							  : (uint64_t)(int64_t)i->imm;

		switch (BPF_CLASS(i->code)) {
		case BPF_LDX:
			r[i->dst_reg] = loaded(asked, i);
			break;
		case BPF_ALU64:
			r[i->dst_reg] = computed(r[i->dst_reg], with, BPF_OP(i->code));
			break;
		default:
			CHECK(BPF_CLASS(i->code) == BPF_JMP && i->off >= 0);
			if (BPF_OP(i->code) == BPF_EXIT)
				return r[0] == 1;
			CHECK(BPF_OP(i->code) == BPF_JEQ || BPF_OP(i->code) == BPF_JNE);
			if ((r[i->dst_reg] == with) == (BPF_OP(i->code) == BPF_JEQ))
				at += (size_t)i->off;
		}
	}
	test_fail(__FILE__, __LINE__, "it runs over its end");
}

/* "+c 1:3 rw": one rule; "*" for any number */
static struct cgroup_device rule(const char *text)
{
	struct cgroup_device d = { .deny = *text == '-', .type = text[1] };
	char major[12], minor[12];

	CHECK(sscanf(text + 2, " %11[^:]:%11s %3s", major, minor, d.access) == 3);
	d.major = *major == '*' ? CGROUP_DEVICE_ANY : (unsigned)atoi(major);
	d.minor = *minor == '*' ? CGROUP_DEVICE_ANY : (unsigned)atoi(minor);
	return d;
}

static bool allows(const char *const *rules, char type, unsigned major, unsigned minor,
		   unsigned access)
{
	struct cgroup_device list[RULES_MAX];
	struct bpf_insn p[CGROUP_DEVICE_INSNS(RULES_MAX)];
	struct bpf_cgroup_dev_ctx asked = {
		.access_type = access << 16 |
			       (type == 'b' ? BPF_DEVCG_DEV_BLOCK : BPF_DEVCG_DEV_CHAR),
		.major = major,
		.minor = minor,
	};
	size_t n = 0, len;

	for (; rules[n]; n++)
		list[n] = rule(rules[n]);
	len = cgroup_device_program(list, n, p);
	CHECK(len <= CGROUP_DEVICE_INSNS(n));
	return run(p, len, &asked);
}

TEST(program_allows_what_no_rule_names)
{
	CHECK(allows((const char *const[]){ NULL }, 'c', 1, 3, R | W | M));
	CHECK(allows((const char *const[]){ "-b *:* rwm", NULL }, 'c', 1, 3, R | W));
	CHECK(!allows((const char *const[]){ "-b *:* rwm", NULL }, 'b', 1, 3, R));
}

TEST(program_takes_the_last_rule_for_a_device)
{
	static const char *const list[] = { "-a *:* rwm", "+c 10:* rwm", "-c 10:200 w",
					    "+b 8:0 r", NULL };

	CHECK(allows(list, 'c', 10, 229, R | W | M));
	CHECK(allows(list, 'c', 10, 200, R));
	CHECK(!allows(list, 'c', 10, 200, W));
	CHECK(!allows(list, 'c', 10, 200, R | W));
	CHECK(allows(list, 'c', 10, 200, M));
	CHECK(!allows(list, 'b', 10, 229, R));
	CHECK(allows(list, 'b', 8, 0, R));
	CHECK(!allows(list, 'b', 8, 1, R) && !allows(list, 'b', 8, 0, M));
	CHECK(!allows(list, 'c', 8, 0, R) && !allows(list, 'c', 11, 200, R));
}

TEST(program_decides_about_each_access_by_itself)
{
	static const char *const list[] = { "-a *:* rwm", "+c 1:5 r", "+c 1:* w",
					    "+c *:* m", NULL };

	CHECK(allows(list, 'c', 1, 5, R) && allows(list, 'c', 1, 5, W));
	CHECK(allows(list, 'c', 1, 5, R | W) && allows(list, 'c', 1, 5, R | W | M));
	CHECK(!allows(list, 'c', 1, 7, R) && allows(list, 'c', 1, 7, W));
	CHECK(!allows(list, 'c', 1, 7, R | W));
	CHECK(allows(list, 'c', 9, 9, M) && !allows(list, 'b', 9, 9, M));
}

TEST(program_forgets_what_stands_before_a_rule_for_everything)
{
	static const char *const open[] = { "-c 1:5 rwm", "-a *:* rwm", "+a *:* rwm",
					    NULL };
	static const char *const shut[] = { "+c 1:5 rwm", "-a *:* rwm", NULL };

	CHECK(allows(open, 'c', 1, 5, R | W | M) && allows(open, 'b', 8, 0, R));
	CHECK(!allows(shut, 'c', 1, 5, R));
}

TEST(program_keeps_a_rule_for_both_kinds_to_its_numbers)
{
	static const char *const list[] = { "-a *:* rwm", "+a 7:1 rw", NULL };

	CHECK(allows(list, 'c', 7, 1, R | W) && allows(list, 'b', 7, 1, R | W));
	CHECK(!allows(list, 'b', 7, 2, R) && !allows(list, 'b', 7, 1, M));
}

/* A look at a node that asks for nothing (F_OK) is not an opening of it. */
TEST(program_answers_when_nothing_is_asked_for)
{
	static const char *const list[] = { "-a *:* rwm", "+c 1:3 rwm", NULL };

	CHECK(allows(list, 'c', 1, 3, 0));
}
