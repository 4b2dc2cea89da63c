/* Tokens of a stack.conf: quoting, escapes, comments, positions. */
#include "tests/lib/test.h"

#include "runtime/stack/conf/conf_lex.h"

struct lexed {
	struct conf_files files;
	struct diag diag;
	struct conf_lex lex;
};

static void start(struct lexed *l, const char *text)
{
	struct conf_file *f;

	*l = (struct lexed){ 0 };
	f = conf_files_add(&l->files, "x", "/x");
	buf_adds(&f->text, text);
	l->diag.files = &l->files;
	conf_lex_init(&l->lex, f, &l->diag);
}

static void stop(struct lexed *l)
{
	diag_free(&l->diag);
	conf_files_free(&l->files);
}

/* All tokens as one text: words in [], marks of literal bytes as '^'. */
static char *tokens(const char *text, size_t *ret_errors)
{
	static const char *const names[] = {
		[CONF_SEMICOLON] = ";", [CONF_OPEN] = "{", [CONF_CLOSE] = "}"
	};
	AUTO_BUF struct buf b = BUF_INIT;
	struct conf_token t;
	struct lexed l;

	start(&l, text);
	for (conf_lex_next(&l.lex, &t); t.type != CONF_END; conf_lex_next(&l.lex, &t)) {
		if (t.type == CONF_WORD)
			buf_addf(&b, "[%s]", t.text);
		else
			buf_adds(&b, names[t.type]);
		free(t.text);
	}
	if (ret_errors)
		*ret_errors = l.diag.n;
	stop(&l);
	for (size_t i = 0; i < b.len; i++)
		if (b.data[i] == CONF_LITERAL)
			b.data[i] = '^';
	return buf_take(&b);
}

TEST(words_are_split_quoted_and_escaped)
{
	static const struct {
		const char *text, *tokens;
	} rows[] = {
		{ "", "" },
		{ "a b;", "[a][b];" },
		{ "a{b}c", "[a]{[b]}[c]" },
		{ "a # b\nc#d", "[a][c#d]" },
		{ "'a b' \"c;d\" e'f'\"g\"", "[a b][c;d][efg]" },
		{ "\"\" ''", "[][]" },
		{ "a\\ b \\; \\{", "[a b][;][{]" },
		{ "'\\d' '\\'' '\\\\'", "[\\d]['][\\]" },
		{ "\"\\d\" \"\\\"\"", "[d][\"]" },
		{ "$A \\$A '$A' \"$A\" \"\\$A\"", "[$A][^$A][^$A][$A][^$A]" },
		{ "${A:-b c;{}} x", "[${A:-b c;{}}][x]" },
		{ "$${A", "[$$]{[A]" },
		{ "a \\\n  b", "[a][b]" },
		{ "a\\\nb", "[ab]" },
		{ "\"a\nb\"", "[a\nb]" },
		{ "a\r\nb\t;\r\n", "[a][b];" },
		{ "\xef\xbb\xbfx", "[x]" },
		{ "gr\xc3\xb6\xc3\x9f"
		  "e",
		  "[gr\xc3\xb6\xc3\x9f"
		  "e]" },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		size_t errors;
		AUTO_FREE char *got = tokens(rows[i].text, &errors);

		CHECK_STR(got, rows[i].tokens);
		CHECK_INT(errors, 0);
	}
}

TEST(broken_bytes_are_errors)
{
	static const char *const rows[] = { "'a",    "\"a",   "${a\n}", "a\\",
					    "a\x07", "\"${A", "\x7f" };

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		size_t errors;
		AUTO_FREE char *got = tokens(rows[i], &errors);

		/* ${ in quotes is looked at when it is replaced; here the quote is open
		 */
		CHECK_INT(errors, 1);
	}
}

TEST(a_nul_byte_is_an_error_and_no_end)
{
	struct conf_token t;
	struct lexed l;

	start(&l, "");
	buf_add(&l.files.v[0]->text, "a\0b 'c\0d' \\\0;", 13);
	conf_lex_init(&l.lex, l.files.v[0], &l.diag);
	for (conf_lex_next(&l.lex, &t); t.type != CONF_END; conf_lex_next(&l.lex, &t))
		free(t.text);
	CHECK_INT(l.diag.n, 3);
	stop(&l);
}

TEST(positions_count_lines_and_characters)
{
	static const struct {
		unsigned line, col;
		bool line_start;
	} want[] = { { 1, 1, true },  { 1, 4, false }, { 2, 2, true },
		     { 2, 8, false }, { 3, 1, true },  { 3, 2, false } };
	struct conf_token t;
	struct lexed l;

	start(&l, "ab c\n\t\"\xc3\xb6\\x\" d\n{;");
	for (size_t i = 0; i < ARRAY_LEN(want); i++) {
		conf_lex_next(&l.lex, &t);
		CHECK_INT(t.pos.line, want[i].line);
		CHECK_INT(t.pos.col, want[i].col);
		CHECK_INT(t.line_start, want[i].line_start);
		free(t.text);
	}
	stop(&l);
}
