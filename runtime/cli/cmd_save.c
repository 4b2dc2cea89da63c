/* cli/cmd_save.c - `save`: images out of the store. */
#include "runtime/cli/context.h"
#include "runtime/cli/outfile.h"

static int save_run(struct cli *c, const struct cli_args *a, struct err *e)
{
	AUTO_OUTFILE struct outfile out = OUTFILE_INIT;
	struct image_store *store = NULL;
	int r = cli_store(c, &store, e);

	if (r == 0)
		r = outfile_open(args_value(a, "output"), &out, e);
	if (r == 0)
		r = image_save(store, &a->operands, out.fd, out.what, e);
	return r < 0 ? r : outfile_finish(&out, e);
}

static const struct cli_opt save_opts[] = {
	{ 'o', "output", "FILE", "where to; else, or for -, standard output" },
};

const struct cli_command cmd_save = {
	.name = "save",
	.operands = "IMAGE...",
	.summary = "Write images as one archive, with all their names",
	.more = "  minibox save -o web.tar web:1\n"
		"  minibox save web:1 | ssh host minibox load -\n\n"
		"The archive is an OCI layout and a `docker save` archive at once; its\n"
		"layers are uncompressed and byte for byte what was loaded. FILE "
		"appears\n"
		"when it is complete.",
	.min_operands = 1,
	.max_operands = -1,
	.opts = save_opts,
	.n_opts = ARRAY_LEN(save_opts),
	.run = save_run,
};
