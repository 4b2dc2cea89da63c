/* cli/cmd_image.c - `load`, `images` and `images --verify`, `rmi`: the image store. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "runtime/base/fd.h"
#include "runtime/cli/context.h"

static void free_images(struct image **list, size_t n)
{
	for (size_t i = 0; i < n; i++)
		image_free(list[i]);
	free(list);
}

/* All its names: the one that was in the archive need not be the first. */
static void print_loaded(const struct image *img)
{
	for (size_t k = 0; k < (img->names.n ? img->names.n : 1); k++)
		printf("%s  %.19s\n", img->names.n ? img->names.v[k] : "<no name>",
		       img->id);
}

static int load_run(struct cli *c, const struct cli_args *a, struct err *e)
{
	struct stack_watch w = cli_watch(c);
	struct image_store *store = NULL;
	int r = cli_store(c, &store, e);

	strv_foreach (i, &a->operands) {
		struct image **list = NULL;
		size_t n = 0;

		if (r < 0)
			break;
		r = image_load(store, AT_FDCWD, a->operands.v[i], w.images, &list, &n, e);
		for (size_t k = 0; r == 0 && k < n; k++)
			print_loaded(list[k]);
		free_images(list, n);
	}
	return r;
}

const struct cli_command cmd_load = {
	.name = "load",
	.operands = "FILE...",
	.summary = "Load image archives into the store",
	.more = "  minibox load images/web.tar\n  ssh host docker save web | minibox "
		"load -\n\n"
		"FILE is an OCI image archive, an OCI layout directory, a `docker save` "
		"archive,\n"
		"or - for standard input. A stack file's image paths are loaded by up "
		"itself.",
	.min_operands = 1,
	.max_operands = -1,
	.run = load_run,
};

static json_t *image_json(const struct image *img)
{
	return json_pack("{s:s,s:o,s:I,s:I,s:s,s:s,s:s,s:i}", "id", img->id, "names",
			 json_from_strv(&img->names), "size_bytes",
			 (json_int_t)img->size_bytes, "unique_bytes",
			 (json_int_t)img->unique_bytes, "created", img->created, "os",
			 img->os, "architecture", img->architecture, "layers",
			 (int)img->layers.n);
}

static void print_images(struct image **list, size_t n)
{
	int width = 4;

	for (size_t i = 0; i < n; i++)
		strv_foreach (k, &list[i]->names)
			if ((int)strlen(list[i]->names.v[k]) > width)
				width = (int)strlen(list[i]->names.v[k]);
	printf("%-*s  %-12s  %-10s  %-10s  %s\n", width, "NAME", "ID", "SIZE", "UNIQUE",
	       "CREATED");
	for (size_t i = 0; i < n; i++) {
		const struct image *img = list[i];
		char size[16], unique[16], created[20];

		snprintf(created, sizeof(created), "%s", img->created);
		str_sanitize(created); /* the config says it, and may say anything */
		for (size_t k = 0; k < (img->names.n ? img->names.n : 1); k++)
			printf("%-*s  %.12s  %-10s  %-10s  %s\n", width,
			       img->names.n ? img->names.v[k] : "<none>",
			       img->id + strlen("sha256:"),
			       cli_size(img->size_bytes, size),
			       cli_size(img->unique_bytes, unique), created);
	}
}

static void on_fault(void *arg, const char *image, const char *layer, const char *path,
		     const char *what)
{
	AUTO_BUF struct buf b = BUF_INIT;

	(void)arg;
	buf_addf(&b, "image '%s': ", image);
	if (*layer)
		buf_addf(&b, "layer '%s': ", layer);
	if (*path)
		buf_addf(&b, "'%s' ", path);
	buf_adds(&b, what);
	str_sanitize(b.data); /* names may come from an image */
	printf("%s\n", b.data);
}

static const char *s_of(size_t n)
{
	return n == 1 ? "" : "s";
}

static int verify(struct image_store *store, const struct strv *refs, struct err *e)
{
	struct image_verify v = { .fault = on_fault };
	int r = image_verify(store, refs, &v, e);

	if (r < 0)
		return r;
	printf("%zu image%s, %zu layer%s: %zu fault%s\n", v.images, s_of(v.images),
	       v.layers, s_of(v.layers), v.faults, s_of(v.faults));
	return v.faults ? 1 : 0;
}

static int images_run(struct cli *c, const struct cli_args *a, struct err *e)
{
	struct image_store *store = NULL;
	struct image **list = NULL;
	json_t *out;
	size_t n = 0;
	bool verifies = args_flag(a, "verify");
	int r;

	if (a->operands.n && !verifies)
		return cli_usage(c, e, "'images' takes '%s' with --verify only",
				 a->operands.v[0]);
	r = cli_store(c, &store, e);
	if (r == 0 && verifies)
		return verify(store, &a->operands, e);
	if (r == 0)
		r = image_list(store, &list, &n, e);
	if (r < 0)
		return r;
	if (args_flag(a, "json")) {
		out = json_array();
		for (size_t i = 0; i < n; i++)
			json_array_append_new(out, image_json(list[i]));
		cli_print_json(out);
	} else {
		print_images(list, n);
	}
	free_images(list, n);
	return 0;
}

static const struct cli_opt images_opts[] = {
	{ 0, "json", NULL, "an array of objects" },
	{ 0, "verify", NULL,
	  "compare all in the store with the digests it was loaded by" },
};

const struct cli_command cmd_images = {
	.name = "images",
	.operands = "[--verify [IMAGE...]]",
	.summary = "List the images in the store, or verify them",
	.more = "UNIQUE is what no other image has of an image's SIZE.\n\n"
		"  minibox images --verify web:1\n\n"
		"finds whatever has changed since the image was loaded: a line for each "
		"fault,\nnaming image, layer and path, and exit status 1. Without IMAGE "
		"it "
		"verifies all.",
	.max_operands = -1,
	.opts = images_opts,
	.n_opts = ARRAY_LEN(images_opts),
	.run = images_run,
};

static int rmi_run(struct cli *c, const struct cli_args *a, struct err *e)
{
	AUTO_STRV struct strv used = STRV_INIT;
	struct image_store *store = NULL;
	AUTO_CLOSE int lock = -1;
	int r = cli_store(c, &store, e);

	if (r == 0)
		r = stack_used_images(c->host, &used, &lock, e);
	strv_foreach (i, &a->operands) {
		const char *ref = a->operands.v[i];

		if (r != 0)
			break;
		r = image_remove(store, ref, &used, e);
		if (r == IMAGE_E_NOT_FOUND)
			r = err_msg(e, ENOENT, "there is no image '%s'", ref);
		else if (r == IMAGE_E_IN_USE)
			r = err_msg(
				e, EBUSY,
				"image '%s' is used by a container (minibox ps -a), or "
				"mounted (minibox umount)",
				ref);
	}
	return r;
}

const struct cli_command cmd_rmi = {
	.name = "rmi",
	.operands = "IMAGE...",
	.summary = "Remove images, and the layers that no other image uses",
	.more = "IMAGE is a name, NAME:TAG, an id or the beginning of one.",
	.min_operands = 1,
	.max_operands = -1,
	.run = rmi_run,
};
