/* tests for runtime/stack/conf/model_where.c: which directive says what. */
#include "tests/lib/test.h"

#include "tests/lib/conf_memory.h"

static void at(const struct stack_model *m, const char *key, unsigned line, unsigned col)
{
	struct model_pos pos = model_where(&m->services[0], key);

	if (!pos.file || strcmp(pos.file, "stack.conf") != 0 || pos.line != line ||
	    pos.col != col)
		test_fail(__FILE__, __LINE__, "'%s' is at %s:%u:%u, wanted line %u:%u",
			  key, pos.file ? pos.file : "", pos.line, pos.col, line, col);
}

TEST(where_finds_the_directive_its_part_or_the_service)
{
	struct memory_file files[] = { { "/p/stack.conf",
					 "stack s;\n"
					 "service a {\n"
					 "  image b;\n"
					 "  environment A=1\n"
					 "     B=2;\n"
					 "  env_file e;\n"
					 "  ports 80:80 81:81;\n"
					 "  healthcheck { tcp 80;\n"
					 "     interval 5s; }\n"
					 "  ulimits nofile=5;\n"
					 "  sysctls net.core.somaxconn=5;\n"
					 "  tmpfs /t;\n"
					 "  security_opt seccomp=unconfined;\n"
					 "}\n" },
				       { "/p/e", "B=3\nC=4\n" },
				       { NULL, NULL } };
	AUTO_BUF struct buf diag = BUF_INIT;
	struct model_opts o = { 0 };
	struct stack_model *m = NULL;
	struct err e = ERR_INIT;

	CHECK_OK(memory_load(files, &o, &m, &diag, &e), &e);
	at(m, "image", 3, 3);
	at(m, "environment.A", 4, 15);
	at(m, "environment.B", 5, 6); /* it wins over the file of line 6 */
	at(m, "environment.C", 6, 12);
	at(m, "ports[0]", 7, 9);
	at(m, "ports[1]", 7, 15);
	at(m, "healthcheck.interval", 9, 6);
	at(m, "healthcheck.retries", 8, 3); /* not written: the whole */
	at(m, "ulimits.nofile.soft", 10, 11);
	at(m, "sysctls.net.core.somaxconn", 11, 11);
	at(m, "volumes", 12, 3);
	at(m, "seccomp_profile", 13, 3);
	at(m, "user", 2, 9); /* a default */
	memory_opts_free(&o);
	model_free(m);
}

TEST(where_a_later_file_replaces_what_an_earlier_one_said)
{
	struct memory_file files[] = {
		{ "/p/a.conf", "service a { image b; user root; environment A=1; }" },
		{ "/p/b.conf", "\nservice a { user www; environment A=2; }" },
		{ NULL, NULL }
	};
	AUTO_BUF struct buf diag = BUF_INIT;
	struct model_opts o = { 0 };
	struct stack_model *m = NULL;
	struct err e = ERR_INIT;

	strv_add(&o.files, "a.conf");
	strv_add(&o.files, "b.conf");
	CHECK_OK(memory_load(files, &o, &m, &diag, &e), &e);
	CHECK_STR(model_where(&m->services[0], "user").file, "b.conf");
	CHECK_STR(model_where(&m->services[0], "environment.A").file, "b.conf");
	CHECK_STR(model_where(&m->services[0], "image").file, "a.conf");
	memory_opts_free(&o);
	model_free(m);
}
