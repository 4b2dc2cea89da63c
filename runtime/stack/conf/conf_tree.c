/*
 * stack/conf_tree.c - see conf_tree.h. Knows memory; does not know any syntax.
 */
#include "runtime/stack/conf/conf_tree.h"

#include <string.h>

void conf_files_free(struct conf_files *fs)
{
	for (size_t i = 0; i < fs->n; i++) {
		free(fs->v[i]->dir);
		buf_free(&fs->v[i]->text);
		free(fs->v[i]);
	}
	free(fs->v);
	strv_free(&fs->shown);
	strv_free(&fs->paths);
	*fs = (struct conf_files){ 0 };
}

struct conf_file *conf_files_add(struct conf_files *fs, const char *shown,
				 const char *path)
{
	struct conf_file *f = mem_new(1, sizeof(*f));
	const char *slash = strrchr(path, '/');
	size_t n = slash ? (size_t)(slash - path) : 0;

	strv_add(&fs->shown, shown);
	strv_add(&fs->paths, path);
	f->shown = fs->shown.v[fs->shown.n - 1];
	f->path = fs->paths.v[fs->paths.n - 1];
	f->dir = n > 0 ? str_ndup(path, n) : str_dup("/");
	fs->v = mem_grow(fs->v, fs->n + 1, sizeof(*fs->v));
	fs->v[fs->n++] = f;
	return f;
}

const struct conf_file *conf_files_find(const struct conf_files *fs,
					const struct model_pos *pos)
{
	/* The same file may be read twice (two layers): the pointer tells them apart. */
	for (size_t i = 0; i < fs->n; i++)
		if (fs->v[i]->shown == pos->file)
			return fs->v[i];
	return NULL;
}

const char *conf_files_dir(const struct conf_files *fs, const struct model_pos *pos)
{
	const struct conf_file *f = conf_files_find(fs, pos);

	return f ? f->dir : "/";
}

void conf_node_clear(struct conf_node *node)
{
	free(node->name);
	for (size_t i = 0; i < node->n_words; i++)
		free(node->words[i].text);
	free(node->words);
	for (size_t i = 0; i < node->n_children; i++)
		conf_node_clear(&node->children[i]);
	free(node->children);
	*node = (struct conf_node){ 0 };
}

static bool full(size_t n)
{
	return (n & (n - 1)) == 0;
}

struct conf_node *conf_node_add(struct conf_node *parent)
{
	struct conf_node *child;

	/* Grows at powers of two: a file of a megabyte may hold half a million
	 * directives. */
	if (full(parent->n_children))
		parent->children = mem_grow(
			parent->children, parent->n_children ? parent->n_children * 2 : 1,
			sizeof(*parent->children));
	child = &parent->children[parent->n_children++];
	*child = (struct conf_node){ 0 };
	return child;
}

void conf_node_adopt(struct conf_node *parent, struct conf_node *child)
{
	*conf_node_add(parent) = *child;
	*child = (struct conf_node){ 0 };
}

void conf_node_remove(struct conf_node *parent, size_t i)
{
	struct conf_node *at = &parent->children[i];

	conf_node_clear(at);
	memmove(at, at + 1, (parent->n_children - i - 1) * sizeof(*at));
	parent->n_children--;
}

struct conf_word *conf_word_add(struct conf_node *node, char *text, struct model_pos pos)
{
	struct conf_word *w;

	if (full(node->n_words))
		node->words = mem_grow(node->words, node->n_words ? node->n_words * 2 : 1,
				       sizeof(*node->words));
	w = &node->words[node->n_words++];
	*w = (struct conf_word){ .text = text, .pos = pos };
	return w;
}
