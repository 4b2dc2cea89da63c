/* Which records of the kernel's log name a victim of a group. */
#include "runtime/stack/oom.h"

#include "tests/lib/test.h"

#define HEAD "6,1234,99,-;oom-kill:constraint=CONSTRAINT_MEMCG,nodemask=(null),"

TEST(oom_victim_is_of_the_group_asked_for)
{
	static const struct {
		const char *record, *path, *want;
	} t[] = {
		{ HEAD "oom_memcg=/minibox/a/b,task_memcg=/minibox/a/"
		       "b,task=tail,pid=7,uid=0\n",
		  "minibox/a/b", "tail" },
		{ HEAD "oom_memcg=/minibox/a,task_memcg=/below/minibox/a/"
		       "b,task=a,b,pid=7,uid=0",
		  "minibox/a/b", "a,b" },
		{ HEAD "task_memcg=/minibox/a/bb,task=tail,pid=7", "minibox/a/b", NULL },
		{ HEAD "task_memcg=/xminibox/a/b,task=tail,pid=7", "minibox/a/b", NULL },
		{ HEAD "task_memcg=minibox/a/b,task=tail,pid=7", "minibox/a/b", NULL },
		{ HEAD "task_memcg=/minibox/a/b,task=tail", "minibox/a/b", NULL },
		{ HEAD "task_memcg=b,task=tail,pid=7", "minibox/a/b", NULL },
		{ "6,1,1,-;said: task_memcg=/minibox/a/b,task=tail,pid=7", "minibox/a/b",
		  NULL },
		{ "", "minibox/a/b", NULL },
	};

	for (size_t i = 0; i < ARRAY_LEN(t); i++) {
		AUTO_FREE char *got = oom_victim(t[i].record, t[i].path);

		if (!str_eq(got, t[i].want))
			test_fail(__FILE__, __LINE__, "row %zu is %s", i,
				  got ? got : "nobody");
	}
}
