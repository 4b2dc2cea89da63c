/* cli/cmd_pull.c - `pull`: images from a registry. */
#include <stdio.h>

#include "runtime/cli/context.h"

static int pull_run(struct cli *c, const struct cli_args *a, struct err *e)
{
	const struct image_pull_opts o = { .creds_file = args_value(a, "creds"),
					   .ca_file = args_value(a, "ca") };
	struct stack_watch w = cli_watch(c);
	struct image_store *store = NULL;
	int r;

	if (str_eq(o.creds_file, "-") && a->operands.n > 1)
		return cli_usage(c, e, "'--creds -' is read once, so it is for one NAME");
	r = cli_store(c, &store, e);
	c->progress.plain = !c->quiet;
	strv_foreach (i, &a->operands) {
		struct image *img = NULL;

		if (r < 0)
			break;
		r = image_pull(store, a->operands.v[i], &o, w.images, &img, e);
		if (r == 0)
			printf("%s  %.19s\n", a->operands.v[i], img->id);
		image_free(img);
	}
	return r;
}

static const struct cli_opt pull_opts[] = {
	{ 0, "creds", "FILE", "its first line is USER:PASSWORD; - is standard input" },
	{ 0, "ca", "FILE", "trust these certificates (PEM), and no others" },
};

const struct cli_command cmd_pull = {
	.name = "pull",
	.operands = "NAME...",
	.summary = "Fetch images from a registry into the store",
	.more = "  minibox pull postgres:16\n"
		"  minibox pull --creds /etc/minibox/quay quay.io/team/web:1.2\n\n"
		"NAME is [HOST[:PORT]/]PATH[:TAG][@DIGEST]; without a host it is Docker "
		"Hub's. With\na digest and no tag the image gets no name.\n"
		"Layers that are in the store already are not fetched. Without --creds "
		"the login is\n"
		"that of DOCKER_CONFIG/config.json or ~/.docker/config.json, if it has "
		"one. TLS is\n"
		"always verified (--ca, SSL_CERT_FILE); only a registry on loopback may "
		"be without.",
	.min_operands = 1,
	.max_operands = -1,
	.opts = pull_opts,
	.n_opts = ARRAY_LEN(pull_opts),
	.run = pull_run,
};
