/*
 * stack/admission.c - do the memory limits of all stacks fit into this host?
 *
 * A limit is a promise to a service: where all of them together are more than memory and
 * swap, the kernel will one day have to break one. A service without a limit promises
 * nothing and counts for nothing.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "runtime/base/fd.h"
#include "runtime/base/log.h"
#include "runtime/stack/up.h"

struct promise {
	uint64_t sum;
	bool open; /* to a service without a limit of its own */
};

static void add_limit(struct promise *p, uint64_t bytes)
{
	p->sum += bytes;
	p->open |= bytes == 0;
}

/* All of a stack's services together get no more than its budget. */
static uint64_t within(const struct promise *p, uint64_t budget)
{
	return budget && (p->open || p->sum > budget) ? budget : p->sum;
}

static uint64_t limits_of_record(const struct record *rec)
{
	struct promise p = { 0, false };

	for (size_t i = 0; i < rec->n_services; i++)
		add_limit(&p,
			  (uint64_t)json_int(rec->services[i].config, "mem_limit", 0));
	return within(&p, (uint64_t)json_int(rec->budget, "mem_limit", 0));
}

/* What will exist of it: the services of the plan, and those that it leaves alone. */
static uint64_t limits_of_model(const struct up *u)
{
	struct promise p = { 0, false };

	for (size_t i = 0; i < u->model->n_services; i++) {
		const struct model_service *svc = &u->model->services[i];
		bool planned = u->rec && record_service(u->rec, svc->name);

		for (size_t k = 0; k < u->plan.n; k++)
			planned |= str_eq(u->plan.steps[k].service, svc->name);
		if (planned)
			add_limit(&p, svc->mem_limit);
	}
	return within(&p, u->model->budget.mem_limit);
}

static uint64_t field_kib(const char *text, const char *name)
{
	const char *at = strstr(text, name);
	unsigned long long kib = 0;

	return at && sscanf(at + strlen(name), " %llu kB", &kib) == 1 ? kib : 0;
}

static int read_memory(uint64_t *ret_bytes, struct err *e)
{
	AUTO_BUF struct buf b = BUF_INIT;
	int r = fd_read_file(AT_FDCWD, "/proc/meminfo", 65536, &b, e);

	if (r == 0)
		*ret_bytes = (field_kib(b.data, "MemTotal:") +
			      field_kib(b.data, "SwapTotal:")) *
			     1024;
	return r;
}

int up_admit(struct up *u, bool strict, struct err *e)
{
	uint64_t ours = limits_of_model(u), others = 0, memory = 0;
	struct record **list = NULL;
	AUTO_FREE char *text = NULL;
	size_t n = 0;
	int r = read_memory(&memory, e);

	if (r == 0)
		r = host_records(u->h, u->name, &list, &n, e);
	for (size_t i = 0; r == 0 && i < n; i++)
		others += limits_of_record(list[i]);
	if (list)
		host_records_free(list, n);
	if (r < 0 || ours == 0 || ours + others <= memory)
		return r;
	text = str_fmt("stack '%s': memory limits of %llu MiB%s exceed the %llu MiB of "
		       "memory and swap that this host has",
		       u->name, (unsigned long long)((ours + others) >> 20),
		       others ? ", those of other stacks with them," : "",
		       (unsigned long long)(memory >> 20));
	if (strict)
		return err_msg(e, ENOMEM, "%s", text);
	log_warn("%s", text);
	return 0;
}
