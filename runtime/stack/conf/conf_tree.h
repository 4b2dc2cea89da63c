/*
 * stack/conf_tree.h - the tree of directives that every kind of stack file becomes.
 *
 * Knows names, words, children and where each stood. Does not know what any name means,
 * nor which syntax it was written in: decoding depends on this tree alone.
 */
#ifndef STACK_CONF_TREE_H
#define STACK_CONF_TREE_H

#include "runtime/stack/model.h"

/* A file that was read. Positions point to its `shown`, so it lives as long as the model.
 */
struct conf_file {
	const char *shown; /* as the user gave it; borrowed from the set */
	const char *path;  /* absolute; borrowed from the set */
	char *dir;         /* absolute directory of path */
	struct buf text;
	bool secret; /* its lines are never shown */
};

struct conf_files {
	struct conf_file **v;
	size_t n;
	struct strv shown, paths; /* handed to the model */
};

void conf_files_free(struct conf_files *fs);
/** conf_files_add() - note a file; @path absolute. The set owns the result. */
struct conf_file *conf_files_add(struct conf_files *fs, const char *shown,
				 const char *path);
/** conf_files_find() - the file a position points into, or NULL (a default's position) */
const struct conf_file *conf_files_find(const struct conf_files *fs,
					const struct model_pos *pos);
/** conf_files_dir() - the directory that relative paths at @pos are meant from */
const char *conf_files_dir(const struct conf_files *fs, const struct model_pos *pos);

/*
 * Text of a word: CONF_LITERAL before a byte says that the byte stands for itself ('$' in
 * single quotes, or after a backslash). It is gone after conf_expand_tree().
 */
enum { CONF_LITERAL = '\001' };

struct conf_word {
	char *text;
	struct model_pos pos;
	bool quoted;     /* any part of it was in quotes */
	bool line_start; /* unquoted, and the first thing on a line below its directive's
			    name */
};

struct conf_node {
	char *name;
	struct model_pos pos;
	struct model_pos end; /* just after the last word: where a ';' is missed */
	struct conf_word *words;
	size_t n_words;
	struct conf_node *children;
	size_t n_children;
	bool block;     /* has { }, perhaps empty */
	unsigned layer; /* which -f file it came from, from 0; included files share it */
};

/** conf_node_clear() - free what @node holds, leave it zeroed */
void conf_node_clear(struct conf_node *node);
/** conf_node_add() - append a zeroed child; borrowed, valid until the next append */
struct conf_node *conf_node_add(struct conf_node *parent);
/** conf_node_adopt() - move @child to the end of @parent's children; @child is left
 * zeroed */
void conf_node_adopt(struct conf_node *parent, struct conf_node *child);
/** conf_node_remove() - free child @i and close the gap */
void conf_node_remove(struct conf_node *parent, size_t i);
/** conf_word_add() - append a word, taking @text; borrowed */
struct conf_word *conf_word_add(struct conf_node *node, char *text, struct model_pos pos);

#endif
