/*
 * stack/model_load.c - from files to the model: read, include, expand, merge, decode,
 * validate.
 *
 * Knows the order of the passes and how profiles choose. Does not know syntax or values.
 */
#include "runtime/stack/conf/model_load.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "runtime/base/fd.h"
#include "runtime/base/log.h"
#include "runtime/stack/conf/conf_env.h"
#include "runtime/stack/conf/conf_parse.h"
#include "runtime/stack/conf/decode.h"
#include "runtime/stack/conf/merge.h"
#include "runtime/stack/validate.h"
#include "runtime/stack/conf/value.h"

struct load {
	const struct model_opts *o;
	const struct model_io *io;
	struct conf_files files;
	struct diag diag;
	struct strv dotenv;
	struct conf_vars vars;
	struct conf_node root;
	const char *home;
	const char *open[MODEL_INCLUDE_MAX +
			 1]; /* paths of the files being read, outermost first */
	const char *last;    /* of -f, as shown */
};

static int load_file(struct load *l, const char *shown, const char *path, unsigned layer,
		     unsigned depth, struct conf_node *into, struct err *e);

/* Compose files arrive by their name's ending; they get a reader of their own. */
static bool is_compose(const char *path)
{
	return str_ends(path, ".yml") || str_ends(path, ".yaml") ||
	       str_ends(path, ".json");
}

static void include(struct load *l, const struct conf_node *node, unsigned depth,
		    struct conf_node *into)
{
	const struct conf_word *w = node->words;
	AUTO_FREE char *path = NULL;
	struct err e = ERR_INIT;

	if (node->n_words != 1 || node->block) {
		diag_at(&l->diag, node->pos, "'include' takes one file");
		return;
	}
	path = value_resolve(w->text, conf_files_dir(&l->files, &w->pos), l->home);
	if (depth == MODEL_INCLUDE_MAX) {
		diag_at(&l->diag, w->pos, "files are included deeper than %d",
			MODEL_INCLUDE_MAX);
		return;
	}
	for (unsigned i = 0; i <= depth; i++) {
		if (strcmp(l->open[i], path) != 0)
			continue;
		diag_at(&l->diag, w->pos, "'%s' includes itself", w->text);
		return;
	}
	if (load_file(l, w->text, path, node->layer, depth + 1, into, &e) < 0)
		diag_at(&l->diag, w->pos, "%s", err_text(&e));
}

/* Moves @from's directives to @into, the files that they include in their place. */
static void take_directives(struct load *l, struct conf_node *from, unsigned depth,
			    struct conf_node *into)
{
	for (size_t i = 0; i < from->n_children; i++) {
		struct conf_node *c = &from->children[i];

		if (strcmp(c->name, "include") == 0)
			include(l, c, depth, into);
		else
			conf_node_adopt(into, c);
	}
}

static int load_file(struct load *l, const char *shown, const char *path, unsigned layer,
		     unsigned depth, struct conf_node *into, struct err *e)
{
	struct conf_node tree = { 0 };
	AUTO_BUF struct buf text = BUF_INIT;
	struct conf_file *f;
	int r;

	if (is_compose(path))
		return err_msg(e, ENOTSUP, "'%s': Compose files are not supported yet",
			       shown);
	r = l->io->read(l->io->ctx, path, &text, e);
	if (r < 0)
		return r;
	f = conf_files_add(&l->files, shown, path);
	f->text = text;
	text = (struct buf)BUF_INIT;
	l->open[depth] = f->path;
	l->last = depth == 0 ? f->shown : l->last;
	conf_parse(f, layer, &tree, &l->diag);
	conf_expand_tree(&tree, &l->vars, &l->diag);
	take_directives(l, &tree, depth, into);
	conf_node_clear(&tree);
	return 0;
}

/* A file named by an option: what ~ means there the shell has said already. */
static char *absolute(const struct load *l, const char *path)
{
	AUTO_FREE char *joined = str_fmt("%s/%s", *path == '/' ? "" : l->io->cwd, path);

	return value_resolve(joined, "/", "/");
}

/* .env beside the first file; that there is none is usual. */
static int load_dotenv(struct load *l, const char *first, struct err *e)
{
	size_t n = (size_t)(strrchr(first, '/') - first);
	AUTO_FREE char *path = str_fmt("%.*s/.env", (int)n, first);
	AUTO_BUF struct buf text = BUF_INIT;
	struct conf_file *f;
	int r = l->io->read(l->io->ctx, path, &text, e);

	if (r == -ENOENT) {
		err_clear(e);
		return 0;
	}
	if (r < 0)
		return r;
	f = conf_files_add(&l->files, ".env", path);
	f->text = text;
	text = (struct buf)BUF_INIT;
	f->secret = true;
	conf_env_parse(f, &l->vars, &l->dotenv, &l->diag);
	return 0;
}

static int load_files(struct load *l, struct stack_model *m, struct err *e)
{
	int r = 0;

	strv_foreach (i, &l->o->files) {
		AUTO_FREE char *path = absolute(l, l->o->files.v[i]);

		if (i == 0) {
			m->dir = str_ndup(path, (size_t)(strrchr(path, '/') - path));
			if (!*m->dir)
				str_set(&m->dir, "/");
			r = load_dotenv(l, path, e);
		}
		if (r == 0)
			r = load_file(l, l->o->files.v[i], path, (unsigned)i, 0, &l->root,
				      e);
		if (r < 0)
			return r;
	}
	return 0;
}

/* The directory's name with what no name may have left out, as Compose does. */
static char *name_of_dir(const char *dir)
{
	const char *base = strrchr(dir, '/') + 1;
	AUTO_BUF struct buf name = BUF_INIT;

	for (; *base && name.len < 63; base++) {
		char c = (char)tolower((unsigned char)*base);
		bool first = name.len == 0;

		if (isalnum((unsigned char)c) || (!first && c && strchr("_-.", c)))
			buf_addc(&name, c);
	}
	return name.len ? buf_take(&name) : str_dup("stack");
}

static int choose_name(const struct load *l, struct stack_model *m, struct err *e)
{
	if (l->o->name) {
		if (!value_name(l->o->name))
			return err_msg(e, EINVAL,
				       "'%s' cannot be a stack's name: a-z 0-9 _ . -",
				       l->o->name);
		str_set(&m->name, l->o->name);
	}
	if (!m->name)
		m->name = name_of_dir(m->dir);
	return 0;
}

static bool is_active(const struct model_opts *o, const struct model_service *s)
{
	if (s->profiles.n == 0 || strv_has(&o->services, s->name) ||
	    strv_has(&o->profiles, "*"))
		return true;
	strv_foreach (i, &s->profiles)
		if (strv_has(&o->profiles, s->profiles.v[i]))
			return true;
	return false;
}

static void validate_and_choose(struct load *l, struct stack_model *m)
{
	AUTO_FREE bool *active = mem_new(m->n_services, sizeof(*active));
	struct diag ignored = { .files = &l->files };

	for (size_t i = 0; i < m->n_services; i++)
		active[i] = l->o->saved || is_active(l->o, &m->services[i]);
	/* It also decides what a dependency waits for; a part of a stack, as `up SERVICE`
	 * makes one, need not be a whole. */
	validate_model(m, active, l->o->saved ? &ignored : &l->diag);
	diag_free(&ignored);
	for (size_t i = m->n_services; i-- > 0;)
		if (!active[i])
			model_drop_service(m, i);
}

static void decode_all(struct load *l, struct stack_model *m)
{
	struct decode d = { .m = m,
			    .files = &l->files,
			    .diag = &l->diag,
			    .vars = &l->vars,
			    .io = l->io,
			    .home = l->home,
			    .loose = l->o->loose };

	conf_merge(&l->root);
	decode_tree(&d, &l->root);
	if (m->n_services == 0 && l->diag.n == 0) {
		struct model_pos at = { .file = l->last, .line = 1, .col = 1 };

		diag_at(&l->diag, at, "the stack has no service");
	}
	validate_and_choose(l, m);
}

static int load(struct load *l, struct stack_model *m, struct buf *diagnostics,
		struct err *e)
{
	size_t found;
	int r = load_files(l, m, e);

	if (r < 0)
		return r;
	decode_all(l, m);
	r = choose_name(l, m, e);
	if (r < 0 || l->diag.n == 0)
		return r;
	found = l->diag.n + l->diag.dropped;
	diag_format(&l->diag, diagnostics);
	return err_msg(e, EINVAL, "'%s': %zu error%s", l->o->files.v[0], found,
		       found == 1 ? "" : "s");
}

int model_load_io(const struct model_opts *o, const struct model_io *io,
		  struct stack_model **ret, struct buf *diagnostics, struct strv *unset,
		  struct err *e)
{
	struct stack_model *m;
	struct load l = { .o = o, .io = io };
	int r;

	if (o->files.n == 0)
		return err_msg(e, EINVAL, "no stack file is named");
	m = mem_new(1, sizeof(*m));
	l.diag.files = &l.files;
	l.vars =
		(struct conf_vars){ .env = &o->env, .dotenv = &l.dotenv, .unset = unset };
	l.home = strv_get_env(&o->env, "HOME");
	if (!l.home || *l.home != '/')
		l.home = "/root";
	r = load(&l, m, diagnostics, e);
	/* Positions point into these names. */
	m->shown = l.files.shown;
	m->files = l.files.paths;
	l.files.shown = l.files.paths = (struct strv)STRV_INIT;
	strv_foreach (i, &l.dotenv)
		strv_add(&m->hidden, l.dotenv.v[i] + strcspn(l.dotenv.v[i], "=") + 1);
	conf_files_free(&l.files);
	conf_node_clear(&l.root);
	diag_free(&l.diag);
	strv_free(&l.dotenv);
	if (r < 0)
		m = model_free(m);
	else
		*ret = m;
	return r;
}

static int read_from_disk(void *ctx, const char *path, struct buf *ret, struct err *e)
{
	(void)ctx;
	return fd_read_file(AT_FDCWD, path, MODEL_FILE_MAX, ret, e);
}

enum model_kind model_kind_on_disk(void *ctx, const char *path)
{
	struct stat st;

	(void)ctx;
	if (stat(path, &st) < 0)
		return MODEL_ABSENT;
	return S_ISDIR(st.st_mode) ? MODEL_DIR : MODEL_FILE;
}

int model_load(const struct model_opts *o, struct stack_model **ret,
	       struct buf *diagnostics, struct err *e)
{
	AUTO_FREE char *cwd = getcwd(NULL, 0);
	AUTO_STRV struct strv unset = STRV_INIT;
	struct model_io io = { .cwd = cwd,
			       .read = read_from_disk,
			       .kind = model_kind_on_disk };
	int r;

	if (!cwd)
		return err_set(e, errno, "working directory");
	r = model_load_io(o, &io, ret, diagnostics, &unset, e);
	strv_foreach (i, &unset)
		log_warn("'%s': variable '%s' is not set, using an empty string",
			 o->files.v[0], unset.v[i]);
	return r;
}
