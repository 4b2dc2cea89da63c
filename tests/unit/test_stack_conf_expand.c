/* ${} in words, and the lines of .env and env_file. */
#include "tests/lib/test.h"

#include "runtime/stack/conf/conf_env.h"

TEST(variables_are_replaced_as_compose_does)
{
	static const struct {
		const char *text, *result; /* NULL: an error */
	} rows[] = {
		{ "plain", "plain" },
		{ "${SET}", "v" },
		{ "a${SET}b$SET-c", "avbv-c" },
		{ "$$SET $${SET}", "$SET ${SET}" },
		{ "${UNSET}", "" },
		{ "$UNSET.", "." },
		{ "${DOTENV}", "from .env" },
		{ "${BOTH}", "process" },
		{ "${UNSET:-d}", "d" },
		{ "${UNSET-d}", "d" },
		{ "${EMPTY:-d}", "d" },
		{ "${EMPTY-d}", "" },
		{ "${SET:-d}${SET-d}", "vv" },
		{ "${SET:+a}", "a" },
		{ "${UNSET:+a}", "" },
		{ "${EMPTY:+a}", "" },
		{ "${EMPTY+a}", "a" },
		{ "${SET:?m}${SET?m}", "vv" },
		{ "${EMPTY?m}", "" },
		{ "${UNSET:?say it}", NULL },
		{ "${UNSET?say it}", NULL },
		{ "${EMPTY:?say it}", NULL },
		{ "${UNSET:-${SET}-${EMPTY:-x}}!", "v-x!" },
		{ "${UNSET:-}", "" },
		{ "${UNSET:-a:-b}", "a:-b" },
		{ "\001$SET \001\001", "$SET \001" },
		{ "${UNSET:-\001}}", "}" },
		{ "$", NULL },
		{ "$1", NULL },
		{ "${}", NULL },
		{ "${1A}", NULL },
		{ "${SET", NULL },
		{ "${SET!}", NULL },
		{ "${SET:}", NULL },
		{ "${SET:x}", NULL },
		{ "${a:-${a:-${a:-${a:-${a:-${a:-${a:-${a:-${a:-x}}}}}}}}}", NULL },
	};
	AUTO_STRV struct strv env = STRV_INIT, dotenv = STRV_INIT, unset = STRV_INIT;
	struct conf_vars vars = { .env = &env, .dotenv = &dotenv, .unset = &unset };

	strv_add(&env, "SET=v");
	strv_add(&env, "EMPTY=");
	strv_add(&env, "BOTH=process");
	strv_add(&dotenv, "BOTH=file");
	strv_add(&dotenv, "DOTENV=from .env");
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		AUTO_FREE char *why = NULL;
		AUTO_FREE char *got = conf_expand(rows[i].text, &vars, &why);

		if (rows[i].result)
			CHECK_STR(got, rows[i].result);
		else if (got || !why)
			test_fail(__FILE__, __LINE__, "%s became %s", rows[i].text, got);
	}
	CHECK_INT(unset.n, 1); /* each name once, defaults are no news */
	CHECK_STR(unset.v[0], "UNSET");
}

TEST(a_required_variable_says_why)
{
	struct conf_vars vars = { 0 };
	AUTO_FREE char *why = NULL;

	CHECK(!conf_expand("${TOKEN:?see the README}", &vars, &why));
	CHECK_STR(why, "variable 'TOKEN' is not set: see the README");
}

TEST(growth_is_bounded)
{
	AUTO_STRV struct strv env = STRV_INIT;
	struct conf_vars vars = { .env = &env };
	AUTO_BUF struct buf big = BUF_INIT, text = BUF_INIT;
	AUTO_FREE char *why = NULL;

	buf_adds(&big, "A=");
	for (int i = 0; i < 100000; i++)
		buf_addc(&big, 'x');
	strv_add(&env, big.data);
	for (int i = 0; i < 100000; i++)
		buf_adds(&text, "${A}");
	CHECK(!conf_expand(text.data, &vars, &why));
}

/* All pairs joined by '|', and after '!' the line of each error. */
static char *parse_env(const char *text)
{
	struct conf_files files = { 0 };
	struct diag diag = { .files = &files };
	AUTO_STRV struct strv env = STRV_INIT, ret = STRV_INIT;
	struct conf_vars vars = { .env = &env };
	struct conf_file *f = conf_files_add(&files, "x", "/x");
	struct buf b = BUF_INIT;

	strv_add(&env, "SET=v");
	buf_adds(&f->text, text);
	conf_env_parse(f, &vars, &ret, &diag);
	strv_foreach (i, &ret)
		buf_addf(&b, "%s|", ret.v[i]);
	for (size_t i = 0; i < diag.n; i++)
		buf_addf(&b, "!%u", diag.v[i].pos.line);
	diag_free(&diag);
	conf_files_free(&files);
	return buf_take(&b);
}

TEST(env_files_are_read_as_compose_does)
{
	static const struct {
		const char *text, *result;
	} rows[] = {
		{ "", "" },
		{ "A=1\nB=2", "A=1|B=2|" },
		{ "# c\n\n  A=1  \n", "A=1|" },
		{ "export A=1\nexport\tB=2\n", "A=1|B=2|" },
		{ "export=1\n", "export=1|" },
		{ "A = 1\n", "A=1|" },
		{ "A=\n", "A=|" },
		{ "A=a b # c\nB=a#b\nC=# c\n", "A=a b|B=a#b|C=|" },
		{ "A='a $SET # \\n'\n", "A=a $SET # \\n|" },
		{ "A=\"a\\tb\\n\\\"\\$c\" # x\n", "A=a\tb\n\"$c|" },
		{ "A=\"one\ntwo\"\nB=3\n", "A=one\ntwo|B=3|" },
		{ "A=$SET ${X:-d}\nB=$A$$\n", "A=v d|B=v d$|" },
		{ "A=1\nA=2\n", "A=2|" },
		{ "SET\nUNSET\n", "SET=v|" },
		{ "A=1\r\nB=\"2\"\r\n", "A=1|B=2|" },
		{ "\xef\xbb\xbf"
		  "A=1\n",
		  "A=1|" },
		{ "A.b-c=1\n", "A.b-c=1|" },
		{ "=x\nA=1\n", "A=1|!1" },
		{ "A b\nB=1\n", "B=1|!1" },
		{ "A='x\n", "!1" },
		{ "A='x' y\nB=1\n", "B=1|!1" },
		{ "A=${\nB=1\n", "B=1|!1" },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		AUTO_FREE char *got = parse_env(rows[i].text);

		CHECK_STR(got, rows[i].result);
	}
}
