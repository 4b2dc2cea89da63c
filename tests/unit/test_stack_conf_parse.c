/* The tree of directives, and going on after an error. */
#include "tests/lib/test.h"

#include "runtime/stack/conf/conf_parse.h"

static void print(const struct conf_node *n, struct buf *b)
{
	for (size_t i = 0; i < n->n_children; i++) {
		const struct conf_node *c = &n->children[i];

		buf_adds(b, c->name);
		for (size_t w = 0; w < c->n_words; w++)
			buf_addf(b, " %s", c->words[w].text);
		if (c->block) {
			buf_adds(b, " { ");
			print(c, b);
			buf_adds(b, "} ");
		} else {
			buf_adds(b, "; ");
		}
	}
}

/* The tree as text, and after '!' the line:column of each error. */
static char *parse(const char *text)
{
	struct conf_files files = { 0 };
	struct diag diag = { .files = &files };
	struct conf_node root = { 0 };
	struct buf b = BUF_INIT;
	struct conf_file *f = conf_files_add(&files, "x", "/x");

	buf_adds(&f->text, text);
	conf_parse(f, 3, &root, &diag);
	print(&root, &b);
	for (size_t i = 0; i < diag.n; i++)
		buf_addf(&b, "!%u:%u", diag.v[i].pos.line, diag.v[i].pos.col);
	for (size_t i = 0; i < root.n_children; i++)
		CHECK_INT(root.children[i].layer, 3);
	conf_node_clear(&root);
	diag_free(&diag);
	conf_files_free(&files);
	return buf_take(&b);
}

TEST(directives_become_a_tree)
{
	static const struct {
		const char *text, *tree;
	} rows[] = {
		{ "", "" },
		{ "a;", "a; " },
		{ "a b 'c d';", "a b c d; " },
		{ "a { b c; d { } }", "a { b c; d { } } " },
		{ "a x {\n b;\n}\nc;", "a x { b; } c; " },
		{ "\"quoted name\" b;", "quoted name b; " },
		/* errors: what could be read is there */
		{ "a b", "a b; !1:4" },
		{ "a { b c }", "a { b c; } !1:8" },
		{ "a { b;", "a { b; } !1:3" },
		{ "a; } b;", "a; b; !1:4" },
		{ "; a;", "a; !1:1" },
		{ "{ a; } b;", "b; !1:1" },
		{ "a { { x { y; } } b; }", "a { b; } !1:5" },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		AUTO_FREE char *got = parse(rows[i].text);

		CHECK_STR(got, rows[i].tree);
	}
}

TEST(nesting_is_bounded)
{
	AUTO_BUF struct buf text = BUF_INIT;
	AUTO_FREE char *got = NULL;

	for (int i = 0; i < 100000; i++)
		buf_adds(&text, "a{");
	got = parse(text.data);
	CHECK(strstr(got, "!1:34"));
}

TEST(a_megabyte_of_directives_is_read_in_a_moment)
{
	AUTO_BUF struct buf text = BUF_INIT;
	AUTO_FREE char *got = NULL;

	for (int i = 0; i < 250000; i++)
		buf_adds(&text, "a b;");
	got = parse(text.data);
	CHECK_INT(strlen(got), 250000 * 5);
}
