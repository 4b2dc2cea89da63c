/*
 * stack/conf_parse.c - see conf_parse.h. Knows the order of tokens; does not know names.
 */
#include "runtime/stack/conf/conf_parse.h"

#include "runtime/stack/conf/conf_lex.h"

struct parse {
	struct conf_lex lex;
	struct conf_token tok;
	struct diag *diag;
	unsigned layer;
};

static void next(struct parse *p)
{
	free(p->tok.text);
	conf_lex_next(&p->lex, &p->tok);
}

static void parse_block(struct parse *p, struct conf_node *parent, unsigned depth);

/* A block nested too deep is passed over, so that one error is all it gives. */
static void skip_block(struct parse *p)
{
	size_t depth = 0;

	do {
		depth += p->tok.type == CONF_OPEN;
		depth -= p->tok.type == CONF_CLOSE;
		next(p);
	} while (depth > 0 && p->tok.type != CONF_END);
}

static void parse_children(struct parse *p, struct conf_node *node, unsigned depth)
{
	struct model_pos open = p->tok.pos;

	node->block = true;
	if (depth == CONF_DEPTH_MAX) {
		diag_at(p->diag, open, "blocks are nested deeper than %d",
			CONF_DEPTH_MAX);
		skip_block(p);
		return;
	}
	next(p);
	parse_block(p, node, depth + 1);
	if (p->tok.type == CONF_CLOSE) {
		next(p);
		return;
	}
	if (!p->lex.broken)
		diag_at(p->diag, open, "this { of '%s' is not closed", node->name);
}

/* At a name. Reads its words and its end. */
static void parse_directive(struct parse *p, struct conf_node *parent, unsigned depth)
{
	struct conf_node *node = conf_node_add(parent);

	node->name = TAKE(p->tok.text);
	node->pos = p->tok.pos;
	node->end = p->tok.end;
	node->layer = p->layer;
	for (next(p); p->tok.type == CONF_WORD; next(p)) {
		struct conf_word *w = conf_word_add(node, TAKE(p->tok.text), p->tok.pos);

		w->quoted = p->tok.quoted;
		w->line_start = p->tok.line_start && !p->tok.quoted;
		node->end = p->tok.end;
	}
	if (p->tok.type == CONF_OPEN) {
		parse_children(p, node, depth);
	} else if (p->tok.type == CONF_SEMICOLON) {
		next(p);
	} else if (!p->lex.broken) {
		diag_at(p->diag, node->end, "missing ';' after '%s'", node->name);
	}
}

/* Up to a '}' that is left to the caller, or the end. */
static void parse_block(struct parse *p, struct conf_node *parent, unsigned depth)
{
	while (p->tok.type != CONF_END && p->tok.type != CONF_CLOSE) {
		if (p->tok.type == CONF_WORD) {
			parse_directive(p, parent, depth);
		} else if (p->tok.type == CONF_OPEN) {
			diag_at(p->diag, p->tok.pos, "a { without a name before it");
			skip_block(p);
		} else {
			diag_at(p->diag, p->tok.pos,
				"a ';' without a directive before it");
			next(p);
		}
	}
}

void conf_parse(const struct conf_file *file, unsigned layer, struct conf_node *root,
		struct diag *diag)
{
	struct parse p = { .diag = diag, .layer = layer };

	conf_lex_init(&p.lex, file, diag);
	next(&p);
	for (;;) {
		parse_block(&p, root, 0);
		if (p.tok.type == CONF_END)
			break;
		diag_at(diag, p.tok.pos, "a } that closes nothing");
		next(&p);
	}
	free(p.tok.text);
}
