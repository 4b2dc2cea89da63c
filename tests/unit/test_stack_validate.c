/* What must hold between services; more cases are golden files, see test_stack_format. */
#include "tests/lib/test.h"

#include "tests/lib/conf_memory.h"

/* "" if the file is taken, else its diagnostics. */
static char *told(const char *text, struct stack_model **ret)
{
	struct memory_file files[] = { { "/p/stack.conf", text }, { NULL, NULL } };
	struct model_opts o = { 0 };
	struct buf diag = BUF_INIT;
	struct stack_model *m = NULL;
	struct err e = ERR_INIT;
	int r = memory_load(files, &o, &m, &diag, &e);

	CHECK(r == 0 || r == -EINVAL);
	memory_opts_free(&o);
	if (ret)
		*ret = m;
	else
		model_free(m);
	return buf_take(&diag);
}

TEST(conditions_left_open_are_resolved)
{
	struct stack_model *m = NULL;
	AUTO_FREE char *text = told("service a { image i; depends_on b c d e started; }"
				    "service b { image i; healthcheck { tcp 1; } }"
				    "service c { image i; }"
				    "service d { image i; healthcheck off; }"
				    "service e { image i; healthcheck { redis 1; } }",
				    &m);
	static const enum model_condition want[] = { MODEL_HEALTHY, MODEL_STARTED,
						     MODEL_STARTED, MODEL_STARTED };

	CHECK_STR(text, "");
	for (size_t i = 0; i < ARRAY_LEN(want); i++) {
		CHECK_INT(m->services[0].deps[i].cond, want[i]);
		CHECK_INT(m->services[0].deps[i].cond_written, i == 3);
	}
	model_free(m);
}

TEST(relations_that_hold_are_taken)
{
	static const char *const rows[] = {
		/* a diamond is no circle */
		"service a { image i; depends_on b c; } service b { image i; depends_on "
		"d; }"
		"service c { image i; depends_on d; } service d { image i; }",
		/* the same port by tcp and udp, and on two addresses */
		"service a { image i; ports 53:53 53:53/udp 127.0.0.2:53:53; }",
		/* completed on a service that may be tried again */
		"service a { image i; depends_on b completed; }"
		"service b { image i; restart on-failure:3; }",
		/* two readers and the owner's other volume */
		"service a { image i; volumes s:/s; } service b { image i; volumes s:/s; "
		"}"
		"service c { image i; volumes t:/t; } volume s { from c:/s; } volume t;",
		/* an alias shared by two: both answer */
		"service a { image i; networks default { aliases x; } }"
		"service b { image i; networks default { aliases x; } }",
		/* what only another profile would need is not needed */
		"service a { image i; } service b { image i; profiles p; depends_on a; }",
		"service a { image i; } service b { image i; profiles p; } volume v { "
		"from b:/x; }",
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		AUTO_FREE char *text = told(rows[i], NULL);

		CHECK_STR(text, "");
	}
}

TEST(each_circle_is_named_once)
{
	AUTO_FREE char *text = told("service a { image i; depends_on b; }\n"
				    "service b { image i; depends_on a; }\n"
				    "service c { image i; depends_on d; }\n"
				    "service d { image i; depends_on e; }\n"
				    "service e { image i; depends_on d a; }\n",
				    NULL);

	CHECK(strstr(text,
		     "2:33: services depend on each other in a circle: a -> b -> a"));
	CHECK(strstr(text,
		     "5:33: services depend on each other in a circle: d -> e -> d"));
	CHECK(!strstr(text, "c -> "));
}

TEST(bounds_of_the_supervisor_are_kept)
{
	AUTO_BUF struct buf text = BUF_INIT;
	AUTO_FREE char *diag = NULL;

	buf_adds(&text, "service all { image i; depends_on");
	for (int i = 0; i < 25; i++)
		buf_addf(&text, " s%d", i);
	buf_adds(&text, "; }\n");
	for (int i = 0; i < 513; i++)
		buf_addf(&text, "service s%d { image i; }\n", i);
	diag = told(text.data, NULL);
	CHECK(strstr(diag, "depends on more than 24 others"));
	CHECK(strstr(diag, "more than 512 services"));
}

TEST(a_long_chain_is_walked)
{
	AUTO_BUF struct buf text = BUF_INIT;
	AUTO_FREE char *diag = NULL;

	buf_adds(&text, "service s0 { image i; }\n");
	for (int i = 1; i < 500; i++)
		buf_addf(&text, "service s%d { image i; depends_on s%d; }\n", i, i - 1);
	diag = told(text.data, NULL);
	CHECK_STR(diag, "");
}
