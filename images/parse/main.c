/*
 * images/parse/main.c - minibox-parse JOB [RING_SIZE]: confine itself, then parse one
 * thing.
 *
 * Knows which job is which. Run by minibox only; see wire.h for the descriptors.
 */
#include <iconv.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include "images/parse/confine.h"
#include "images/parse/job.h"
#include "runtime/base/fd.h"
#include "runtime/base/json.h"

static const struct {
	const char *name;
	int (*run)(const char *json, size_t n, struct buf *ret, struct err *e);
} documents[] = {
	{ WIRE_INDEX, job_index },   { WIRE_VERSION, job_version },
	{ WIRE_DOCKER, job_docker }, { WIRE_CONFIG, job_config },
	{ WIRE_TOKEN, job_token },   { WIRE_REFUSAL, job_refusal },
};

/* What libraries would otherwise open files for when it is too late. */
static void warm_up(void)
{
	iconv_t ic = iconv_open("UTF-8", "ANSI_X3.4-1968");

	if (ic != (iconv_t)-1)
		iconv_close(ic);
	json_object_seed(0);
}

static int answer(struct buf *list, int r, const struct err *e)
{
	struct err ignored = ERR_INIT;

	wire_put(list, r < 0 ? WIRE_ERROR : WIRE_END, r < 0 ? err_text(e) : "");
	return fd_write_all(STDOUT_FILENO, list->data, list->len, "answer", &ignored) < 0;
}

static int run_document(size_t i)
{
	AUTO_BUF struct buf json = BUF_INIT, list = BUF_INIT;
	struct err e = ERR_INIT;
	int r = fd_read_all(STDIN_FILENO, WIRE_LIST_MAX, &json, "document", &e);

	if (r == 0)
		r = documents[i].run(json.data ? json.data : "", json.len, &list, &e);
	return answer(&list, r, &e);
}

static int run_members(void)
{
	AUTO_BUF struct buf list = BUF_INIT;
	struct err e = ERR_INIT;
	int r = job_members(STDIN_FILENO, &list, &e);

	return answer(&list, r, &e);
}

static int run_inflate(void)
{
	struct err e = ERR_INIT;

	if (job_inflate(STDIN_FILENO, STDOUT_FILENO, &e) == 0)
		return 0;
	(void)!write(WIRE_FD_SIDE, err_text(&e), strlen(err_text(&e)));
	return 1;
}

int main(int argc, char **argv)
{
	unsigned long long ring = 0;
	struct err e = ERR_INIT;

	if (argc < 2 || (argc > 2 && !str_u64(argv[2], SIZE_MAX, &ring)))
		return 2;
	warm_up();
	if (confine(&e) < 0)
		return WIRE_E_CONFINE;
	for (size_t i = 0; i < ARRAY_LEN(documents); i++)
		if (str_eq(argv[1], documents[i].name))
			return run_document(i);
	if (str_eq(argv[1], WIRE_MEMBERS))
		return run_members();
	if (str_eq(argv[1], WIRE_INFLATE))
		return run_inflate();
	if (str_eq(argv[1], WIRE_ENTRIES))
		return job_ring(ring);
	return 2;
}
