/*
 * stack/conf_lex.h - the bytes of a stack.conf as tokens with positions.
 *
 * Knows quoting, escapes, comments and that ${...} belongs to one word. Does not know
 * what words mean nor which token may follow which.
 */
#ifndef STACK_CONF_LEX_H
#define STACK_CONF_LEX_H

#include "runtime/stack/conf/diag.h"

enum conf_token_type { CONF_END, CONF_WORD, CONF_SEMICOLON, CONF_OPEN, CONF_CLOSE };
struct conf_token {
	enum conf_token_type type;
	char *text; /* WORD: owned by the caller; see CONF_LITERAL */
	bool quoted;
	bool line_start;      /* nothing but white space stands before it on its line */
	struct model_pos pos; /* of its first byte */
	struct model_pos end; /* just after its last byte */
};

struct conf_lex {
	const char *p, *stop;
	struct model_pos pos;
	bool line_start;
	bool broken; /* the rest of the file is inside a quote: what is missing after it
			is not said */
	struct diag *diag;
};

/** conf_lex_init() - start at the first byte of @file, whose text must outlive the lexer
 */
void conf_lex_init(struct conf_lex *lx, const struct conf_file *file, struct diag *diag);
/** conf_lex_next() - the next token; bad bytes are noted in the diagnostics and passed
 * over */
void conf_lex_next(struct conf_lex *lx, struct conf_token *ret);

#endif
