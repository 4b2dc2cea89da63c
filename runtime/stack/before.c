/*
 * stack/before.c - see before.h.
 *
 * Knows the two files' form and when a model is worth going back to. Does not know how
 * one is brought up.
 */
#include "runtime/stack/before.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "runtime/base/fd.h"
#include "runtime/stack/kept.h"

#define SERVICE_FILE "model.json"
#define BEFORE_FILE ".before."

int before_note(const struct stack_model *m, const struct model_service *svc, int dir,
		struct err *e)
{
	AUTO_BUF struct buf text = BUF_INIT;
	AUTO_JSON json_t *j = json_object();

	model_format_service(m, svc, &text);
	json_object_set_new(j, "text", json_text(text.data));
	if (svc->seccomp_file) {
		json_object_set_new(j, "file", json_text(svc->seccomp_file));
		json_object_set_new(j, "file_text", json_text(svc->seccomp_profile));
	}
	return json_write(dir, SERVICE_FILE, j, 0600, e);
}

static char *file_name(uint32_t number)
{
	return str_fmt(BEFORE_FILE "%u", number);
}

/* One service: its own file, and what only the record knows. */
static int service_json(const struct up *u, const struct record_service *rs, json_t *list,
			struct err *e)
{
	AUTO_FREE char *path = str_fmt("%s/" SERVICE_FILE, rs->name);
	json_t *j = NULL;
	int r = json_read(u->stack_fd, path, &j, e);

	if (r < 0)
		return r;
	json_object_set_new(j, "name", json_text(rs->name));
	json_object_set_new(j, "image_id", json_text(rs->image_id));
	json_object_set_new(j, "versions", kept_versions(rs));
	return json_array_append_new(list, j) < 0 ? err_set(e, ENOMEM, "'%s'", path) : 0;
}

/* Which volumes there are follows from who mounts them. */
static void add_volumes(const struct record_service *rs, json_t *volumes)
{
	const json_t *from = json_object_get(rs->config, "from");
	const json_t *m;
	size_t i;

	json_array_foreach (json_object_get(rs->config, "volumes"), i, m) {
		const char *name = json_str(m, "source", "");
		const json_t *share = json_object_get(from, name);

		if (str_eq(json_str(m, "type", ""), "volume"))
			json_object_set_new(volumes, name,
					    share ? json_deep_copy(share) : json_null());
	}
}

static int write_file(const struct up *u, uint32_t number, struct err *e)
{
	AUTO_FREE char *name = file_name(number);
	AUTO_JSON json_t *j = NULL;
	json_t *services = json_array(), *volumes = json_object(), *keeps = json_object();
	int r = 0;

	for (size_t i = 0; r == 0 && i < u->rec->n_services; i++) {
		if (u->rec->services[i].oneoff)
			continue;
		r = service_json(u, &u->rec->services[i], services, e);
		add_volumes(&u->rec->services[i], volumes);
		json_object_update(keeps,
				   json_object_get(u->rec->services[i].config, "keep"));
	}
	j = json_pack("{s:s,s:o,s:o,s:o,s:o,s:o,s:O*}", "dir", u->rec->dir, "files",
		      json_from_strv(&u->rec->files), "hidden",
		      json_from_strv(&u->rec->hidden), "services", services, "volumes",
		      volumes, "keep", keeps, "budget", u->rec->budget);
	return r < 0 ? r : json_write(u->stack_fd, name, j, 0600, e);
}

/* All but those that the record speaks of: a killed command may have left one, too. */
static int remove_others(const struct record *rec, int stack_fd, struct err *e)
{
	AUTO_FREE char *before = file_name(rec->before);
	AUTO_FREE char *next = file_name(rec->next_before);
	AUTO_STRV struct strv names = STRV_INIT;
	int r = fd_list(stack_fd, ".", &names, e);

	strv_foreach (i, &names)
		if (str_starts(names.v[i], BEFORE_FILE) && strcmp(names.v[i], before) &&
		    strcmp(names.v[i], next))
			(void)unlinkat(stack_fd, names.v[i], 0);
	return r < 0 ? r : kept_remove_others(stack_fd, rec->before, rec->next_before, e);
}

static bool has_services(const struct record *rec)
{
	for (size_t i = 0; i < rec->n_services; i++)
		if (!rec->services[i].oneoff)
			return true;
	return false;
}

/* What never came up is kept only where there is nothing better, and by an `up` alone: a
 * rollback leaves it because it is not worth to be gone back to. */
static bool is_worth_keeping(const struct up *u)
{
	const struct record *rec = u->rec;

	if (!rec->whole || !has_services(rec))
		return false;
	return rec->proven || wait_all_up(rec, u->stack_fd) ||
	       (!rec->before && !u->rolling_back);
}

int before_keep(struct up *u, struct err *e)
{
	struct record *rec = u->rec;
	uint32_t last = rec->before > rec->next_before ? rec->before : rec->next_before;
	bool keep = is_worth_keeping(u);
	int r = keep ? remove_others(rec, u->stack_fd, e) : 0;

	if (r == 0 && keep)
		r = kept_save(rec, u->stack_fd, last + 1, e);
	if (r == 0 && keep)
		r = write_file(u, last + 1, e);
	if (r < 0)
		return err_ctx(e, "keep the model before");
	u->was_whole = rec->whole || !has_services(rec);
	if (keep && u->rolling_back)
		rec->next_before = last + 1;
	else if (keep)
		rec->before = last + 1;
	if (!u->rolling_back)
		rec->next_before = 0;
	rec->whole = rec->proven = rec->rolled_back = false;
	r = record_save(u->stack_fd, rec, e);
	return r < 0 ? r : remove_others(rec, u->stack_fd, e);
}

int before_done(struct up *u, bool all, struct err *e)
{
	struct record *rec = u->rec;
	int r;

	rec->whole = all || u->was_whole;
	rec->rolled_back = u->rolling_back;
	r = record_save(u->stack_fd, rec, e);
	return r < 0 ? r : remove_others(rec, u->stack_fd, e);
}

/* Until then the model to go back to stays the one that is being gone back to: a rollback
 * that is asked for once more, because it was killed, must not turn round. */
int before_proven(struct record *rec, int stack_fd, struct err *e)
{
	int r;

	rec->proven = true;
	if (rec->rolled_back) {
		rec->before = rec->next_before;
		rec->next_before = 0;
		rec->rolled_back = false;
	}
	r = record_save(stack_fd, rec, e);
	return r < 0 ? r : remove_others(rec, stack_fd, e);
}

static int read_file(int stack_fd, uint32_t number, json_t **ret, struct err *e)
{
	AUTO_FREE char *name = file_name(number);

	return json_read(stack_fd, name, ret, e);
}

static void load_volumes(json_t *volumes, const json_t *keep, struct stack_model *m)
{
	const char *name;
	json_t *from;

	json_object_foreach (volumes, name, from) {
		const char *text = json_string_value(from);
		size_t n = text ? strcspn(text, ":") : 0;

		m->volumes = mem_grow(m->volumes, m->n_volumes + 1, sizeof(*m->volumes));
		m->volumes[m->n_volumes++] = (struct model_volume){
			.name = str_dup(name),
			.from_service = text ? str_ndup(text, n) : NULL,
			.from_path = text && text[n] ? str_dup(text + n + 1) : NULL,
			.keep = (uint32_t)json_int(keep, name, 0),
		};
	}
}

static void load_budget(const json_t *j, struct model_budget *b)
{
	b->mem_limit = (uint64_t)json_int(j, "mem_limit", 0);
	b->cpu_millis =
		(uint64_t)(json_number_value(json_object_get(j, "cpus")) * 1000 + 0.5);
	b->pids_limit = (uint64_t)json_int(j, "pids_limit", 0);
}

static void gather(const json_t *services, struct buf *text, struct strv *paths,
		   struct strv *texts)
{
	const json_t *s;
	size_t i;

	json_array_foreach (services, i, s) {
		buf_adds(text, json_str(s, "text", ""));
		if (!json_object_get(s, "file"))
			continue;
		strv_add(paths, json_str(s, "file", ""));
		strv_add(texts, json_str(s, "file_text", ""));
	}
}

static int load_model(const struct up *u, json_t *j, struct stack_model **ret,
		      struct err *e)
{
	AUTO_STRV struct strv paths = STRV_INIT, texts = STRV_INIT;
	AUTO_BUF struct buf text = BUF_INIT;
	struct model_saved saved = { .name = u->name,
				     .dir = json_str(j, "dir", "/"),
				     .paths = &paths,
				     .texts = &texts };
	const json_t *services = json_object_get(j, "services");
	struct stack_model *m = NULL;
	int r;

	gather(services, &text, &paths, &texts);
	saved.text = text.data ? text.data : "";
	r = model_load_saved(&saved, &m, e);
	if (r < 0)
		return r;
	load_volumes(json_object_get(j, "volumes"), json_object_get(j, "keep"), m);
	load_budget(json_object_get(j, "budget"), &m->budget);
	for (size_t i = 0; r == 0 && i < m->n_services; i++)
		r = kept_load(u->stack_fd, u->rec->before, &m->services[i],
			      json_object_get(json_array_get(services, i), "versions"),
			      e);
	if (r < 0) {
		model_free(m);
		return r;
	}
	strv_free(&m->files);
	json_strv(j, "files", &m->files);
	json_strv(j, "hidden", &m->hidden);
	*ret = m;
	return 0;
}

int before_load(const struct up *u, struct stack_model **ret, char ***ret_ids,
		struct err *e)
{
	AUTO_JSON json_t *j = NULL;
	const json_t *services;
	size_t n;
	int r;

	if (!u->rec->before)
		return STACK_E_NO_EARLIER;
	r = read_file(u->stack_fd, u->rec->before, &j, e);
	if (r == 0)
		r = load_model(u, j, ret, e);
	if (r < 0)
		return err_ctx(e, "the model before");
	services = json_object_get(j, "services");
	n = json_array_size(services);
	*ret_ids = mem_new(n + 1, sizeof(**ret_ids));
	for (size_t i = 0; i < n; i++) /* the model's order is that of the text */
		(*ret_ids)[i] =
			str_dup(json_str(json_array_get(services, i), "image_id", ""));
	return 0;
}

int before_images(int stack_fd, const struct record *rec, struct strv *ret, struct err *e)
{
	const uint32_t numbers[] = { rec->before, rec->next_before };
	int r = 0;

	for (size_t k = 0; r == 0 && k < ARRAY_LEN(numbers); k++) {
		AUTO_JSON json_t *j = NULL;
		const json_t *s;
		size_t i;

		if (numbers[k])
			r = read_file(stack_fd, numbers[k], &j, e);
		if (r == -ENOENT) { /* replaced meanwhile */
			err_clear(e);
			r = 0;
		}
		json_array_foreach (json_object_get(j, "services"), i, s)
			if (!strv_has(ret, json_str(s, "image_id", "")))
				strv_add(ret, json_str(s, "image_id", ""));
	}
	return r;
}
