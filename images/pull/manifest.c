/* images/pull/manifest.c - see manifest.h. */
#include "images/pull/manifest.h"

#include <errno.h>

#include "images/archive/descriptor.h"
#include "images/imgconf.h"
#include "images/jail.h"

void pull_manifest_free(struct pull_manifest *m)
{
	free(m->layers);
	*m = (struct pull_manifest){ 0 };
}

static int get_blob(const struct descriptor *d, struct pull_blob *ret, struct err *e)
{
	int r = descriptor_blob(d, &ret->digest, &ret->size, e);

	return r < 0 ? err_ctx(e, "%s", d->kind) : 0;
}

/* A registry also holds charts, signatures and other things in the form of manifests. */
static bool is_image(const char *type)
{
	return !type || !*type ||
	       str_eq(type, "application/vnd.oci.image.config.v1+json") ||
	       str_eq(type, "application/vnd.docker.container.image.v1+json");
}

static int get_layer(const struct descriptor *d, struct pull_manifest *ret, struct err *e)
{
	if (ret->n_layers >= IMGCONF_LAYERS_MAX)
		return err_msg(e, E2BIG, "it has more than %d layers",
			       IMGCONF_LAYERS_MAX);
	ret->layers = mem_grow(ret->layers, ret->n_layers + 1, sizeof(*ret->layers));
	return get_blob(d, &ret->layers[ret->n_layers++], e);
}

static int get_manifest(struct wire_list list, struct pull_manifest *ret, struct err *e)
{
	struct descriptor d;
	bool has_config = false;
	int r = 0;

	while (r == 0 && descriptor_next(&list, &d)) {
		if (str_eq(d.kind, "layer")) {
			r = get_layer(&d, ret, e);
			continue;
		}
		if (!is_image(d.type))
			return err_msg(e, EINVAL, "it is no image, but '%.150s'", d.type);
		has_config = true;
		r = get_blob(&d, &ret->config, e);
	}
	return r == 0 && !has_config ? err_msg(e, EINVAL, "it has no config") : r;
}

static int get_index(struct wire_list list, const char *machine,
		     struct pull_manifest *ret, struct err *e)
{
	struct descriptor d;
	int r = descriptor_choose(list, machine, &d, e);

	ret->is_index = true;
	return r < 0 ? r : get_blob(&d, &ret->next, e);
}

int pull_manifest_parse(struct image_store *s, const struct buf *text,
			const char *machine, struct pull_manifest *ret, struct err *e)
{
	AUTO_BUF struct buf answer = BUF_INIT;
	const char *key = "", *value;
	struct wire_list list, rest;
	int r = jail_document(s, WIRE_INDEX, text->data ? text->data : "", text->len,
			      &answer, &list, e);

	if (r < 0)
		return r;
	rest = list;
	if (wire_next(&rest, &key, &value) && str_eq(key, "index"))
		return get_index(rest, machine, ret, e);
	return get_manifest(list, ret, e);
}
