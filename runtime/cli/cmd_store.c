/* cli/cmd_store.c - `tag`, `prune`, `df`, `mount`, `umount`: looking after the store. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "runtime/base/fd.h"
#include "runtime/base/proc.h"
#include "runtime/cli/context.h"

static int tag_run(struct cli *c, const struct cli_args *a, struct err *e)
{
	const char *ref = a->operands.v[0], *name = a->operands.v[1];
	struct image_store *store = NULL;
	int r = cli_store(c, &store, e);

	if (r == 0)
		r = image_tag(store, ref, name, e);
	if (r == IMAGE_E_NOT_FOUND)
		r = err_msg(e, ENOENT, "there is no image '%s'", ref);
	return r;
}

const struct cli_command cmd_tag = {
	.name = "tag",
	.operands = "IMAGE NAME",
	.summary = "Give an image another name",
	.more = "  minibox tag web:1 registry.example/team/web:stable\n\n"
		"An image that had NAME before loses it, and stays. NAME without a tag "
		"means\nNAME:latest. `rmi NAME` takes the name away again.",
	.min_operands = 2,
	.max_operands = 2,
	.run = tag_run,
};

static void print_pruned(const struct image_pruned *p, bool dry_run)
{
	const char *done = dry_run ? "would remove" : "removed";
	char size[16];

	for (size_t i = 0; i < p->n; i++) {
		const struct image *img = p->images[i];

		for (size_t k = 0; k < (img->names.n ? img->names.n : 1); k++)
			printf("%s image %s  %.19s\n", done,
			       img->names.n ? img->names.v[k] : "<none>", img->id);
	}
	if (p->layers)
		printf("%s %zu %s\n", done, p->layers,
		       p->layers > 1 ? "layers" : "layer");
	printf("%s %s\n", dry_run ? "would free" : "freed", cli_size(p->bytes, size));
	if (p->layers_in_use)
		fprintf(stderr, "minibox: images are being loaded or saved: layers are "
				"left for the next prune\n");
}

/* Everything loaded after it is kept. */
static int prune_since(const struct cli_args *a, uint64_t *ret, struct err *e)
{
	const char *text = args_value(a, "older-than");
	uint64_t now = proc_wall_ns(), age;
	int64_t ms = 0;
	int r = text ? args_duration(text, "--older-than", &ms, e) : 0;

	age = (uint64_t)ms * 1000000;
	if (text)
		*ret = age < now ? now - age : 0;
	return r;
}

static int prune_run(struct cli *c, const struct cli_args *a, struct err *e)
{
	AUTO_STRV struct strv used = STRV_INIT;
	struct image_prune_opts o = { .all = args_flag(a, "all"),
				      .dry_run = args_flag(a, "dry-run"),
				      .since_ns = UINT64_MAX,
				      .used_ids = &used };
	struct image_pruned pruned = { 0 };
	struct image_store *store = NULL;
	AUTO_CLOSE int lock = -1;
	int r = prune_since(a, &o.since_ns, e);

	if (r < 0) {
		c->fail_status = 2;
		return r;
	}
	r = cli_store(c, &store, e);
	if (r == 0)
		r = stack_used_images(c->host, &used, &lock, e);
	if (r == 0) {
		r = image_prune(store, &o, &pruned, e);
		print_pruned(&pruned, o.dry_run);
		image_pruned_free(&pruned);
	}
	return r;
}

static const struct cli_opt prune_opts[] = {
	{ 'a', "all", NULL, "images with a name, too" },
	{ 0, "older-than", "T", "only images loaded longer ago: 90m, 24h, 7d" },
	{ 0, "dry-run", NULL, "only say what would go" },
};

const struct cli_command cmd_prune = {
	.name = "prune",
	.operands = "",
	.summary = "Remove images that no stack uses, and layers that no image has",
	.more = "Without --all only images that have lost their last name go. What a "
		"container\nwas made from stays, whether it runs or not.",
	.opts = prune_opts,
	.n_opts = ARRAY_LEN(prune_opts),
	.run = prune_run,
};

static void print_df(const struct image_df *im, const struct stack_df *st, uint64_t total)
{
	const struct {
		const char *what;
		size_t n;
		uint64_t bytes;
	} rows[] = { { "images", im->images, im->image_bytes },
		     { "layers", im->layers, im->layer_bytes },
		     { "containers", st->containers, st->container_bytes },
		     { "volumes", st->volumes, st->volume_bytes },
		     { "logs", st->logs, st->log_bytes } };
	char size[16];

	printf("%-10s  %5s  %s\n", "WHAT", "COUNT", "SIZE");
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		printf("%-10s  %5zu  %s\n", rows[i].what, rows[i].n,
		       cli_size(rows[i].bytes, size));
	printf("%-10s  %5s  %s\n", "other", "",
	       cli_size(im->tmp_bytes + st->other_bytes, size));
	printf("%-10s  %5s  %s\n", "total", "", cli_size(total, size));
	if (im->shared_bytes)
		printf("%s of the layers are shared by several images\n",
		       cli_size(im->shared_bytes, size));
	if (im->unused_bytes)
		printf("%s of the layers belong to no image: minibox prune\n",
		       cli_size(im->unused_bytes, size));
}

static json_t *df_json(const struct image_df *im, const struct stack_df *st,
		       uint64_t total)
{
	return json_pack("{s:{s:I,s:I}, s:{s:I,s:I,s:I,s:I}, s:{s:I,s:I}, s:{s:I,s:I}, "
			 "s:{s:I,s:I}, s:I, s:I}",
			 "images", "count", (json_int_t)im->images, "bytes",
			 (json_int_t)im->image_bytes, "layers", "count",
			 (json_int_t)im->layers, "bytes", (json_int_t)im->layer_bytes,
			 "shared_bytes", (json_int_t)im->shared_bytes, "unused_bytes",
			 (json_int_t)im->unused_bytes, "containers", "count",
			 (json_int_t)st->containers, "bytes",
			 (json_int_t)st->container_bytes, "volumes", "count",
			 (json_int_t)st->volumes, "bytes", (json_int_t)st->volume_bytes,
			 "logs", "count", (json_int_t)st->logs, "bytes",
			 (json_int_t)st->log_bytes, "other_bytes",
			 (json_int_t)(im->tmp_bytes + st->other_bytes), "total_bytes",
			 (json_int_t)total);
}

static int df_run(struct cli *c, const struct cli_args *a, struct err *e)
{
	AUTO_DU struct du d = DU_INIT;
	struct image_store *store = NULL;
	struct image_df im;
	struct stack_df st;
	uint64_t total;
	int r = cli_store(c, &store, e);

	if (r == 0)
		r = image_df(store, &d, &im, e);
	if (r == 0)
		r = stack_df(c->host, &d, &st, e);
	if (r < 0)
		return r;
	total = im.image_bytes + im.layer_bytes + im.tmp_bytes + st.container_bytes +
		st.volume_bytes + st.log_bytes + st.other_bytes;
	if (args_flag(a, "json"))
		cli_print_json(df_json(&im, &st, total));
	else
		print_df(&im, &st, total);
	return 0;
}

static const struct cli_opt df_opts[] = {
	{ 0, "json", NULL, "one object, sizes in bytes" },
};

const struct cli_command cmd_df = {
	.name = "df",
	.operands = "",
	.summary = "Show what images, containers, volumes and logs take up on the disk",
	.more = "Whole blocks are counted, a file of several names once: the total is "
		"what\n"
		"`du -s` says of the directory that --root names.",
	.opts = df_opts,
	.n_opts = ARRAY_LEN(df_opts),
	.run = df_run,
};

static int find_image(struct cli *c, const char *ref, struct image **ret, struct err *e)
{
	struct image_store *store = NULL;
	int r = cli_store(c, &store, e);

	if (r == 0)
		r = image_find(store, ref, ret, e);
	return r == IMAGE_E_NOT_FOUND ? err_msg(e, ENOENT, "there is no image '%s'", ref)
				      : r;
}

static int mount_run(struct cli *c, const struct cli_args *a, struct err *e)
{
	struct image *img = NULL;
	AUTO_FREE char *path = NULL;
	int r = find_image(c, a->operands.v[0], &img, e);

	if (r == 0)
		r = stack_mount_image(c->host, c->store, img, &path, e);
	if (r == 0)
		puts(path);
	image_free(img);
	return r;
}

const struct cli_command cmd_mount = {
	.name = "mount",
	.operands = "IMAGE",
	.summary = "Mount an image read-only for a look, and print where",
	.more = "  ls \"$(minibox mount web:1)/etc\"; minibox umount web:1\n\n"
		"A mounted image is in use: `rmi` and `prune` leave it alone.",
	.min_operands = 1,
	.max_operands = 1,
	.run = mount_run,
};

static int umount_run(struct cli *c, const struct cli_args *a, struct err *e)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < a->operands.n; i++) {
		struct image *img = NULL;

		r = find_image(c, a->operands.v[i], &img, e);
		if (r == 0)
			r = stack_umount_image(c->host, img, e);
		if (r == STACK_E_ABSENT)
			r = err_msg(e, ENOENT, "image '%s' is not mounted",
				    a->operands.v[i]);
		image_free(img);
	}
	return r;
}

const struct cli_command cmd_umount = {
	.name = "umount",
	.operands = "IMAGE...",
	.summary = "Unmount what `mount` has mounted",
	.min_operands = 1,
	.max_operands = -1,
	.run = umount_run,
};
