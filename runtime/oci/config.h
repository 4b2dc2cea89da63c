/*
 * oci/config.h - config.json of the OCI runtime specification 1.2 as a container spec.
 * Private.
 *
 * Knows the document. Parsing does no I/O; what is to be opened (rootfs, namespaces) is
 * opened by oci_config_open(). Unknown members are ignored, as the specification says;
 * known ones must have the type and the value that it names.
 */
#ifndef OCI_CONFIG_H
#define OCI_CONFIG_H

#include "runtime/container/container.h"
#include "runtime/container/exact.h"

enum { OCI_NAMESPACES = 8 };

struct oci_config {
	json_t *json; /* the whole document */
	struct container_spec spec;
	struct container_exact exact;
	char *rootfs;                  /* absolute host path */
	char *ns_path[OCI_NAMESPACES]; /* as oci_namespaces[]; NULL: not by path */
	int namespaces;                /* CLONE_NEW* of all that are listed */
	struct container_idmaps uids, gids;
	struct oci_idmapped {
		size_t mount;                       /* index */
		struct container_idmaps uids, gids; /* empty: those of the container */
		int fd;
	} * idmapped;
	size_t n_idmapped;
	char *cgroups_path; /* NULL: none told */
};

extern const struct oci_namespace {
	const char *name;
	int flag;
} oci_namespaces[OCI_NAMESPACES];

void oci_config_init(struct oci_config *c);
void oci_config_free(struct oci_config *c);
/**
 * oci_config_parse() - the whole document; @c is initialised, and to be freed in any case
 * @json:   stays in c->json (a reference is taken)
 * @bundle: absolute; relative paths are told from there
 */
must_check int oci_config_parse(json_t *json, const char *bundle, struct oci_config *c,
				struct err *e);
/** oci_config_process() - the object "process" alone, over what @c has for it */
must_check int oci_config_process(const json_t *process, struct oci_config *c,
				  struct err *e);
/** oci_config_mounts() - the array "mounts". Part of oci_config_parse() */
must_check int oci_config_mounts(const json_t *list, const char *bundle,
				 struct oci_config *c, struct err *e);
/** oci_config_linux() - the object "linux" but for its resources. Part of
 * oci_config_parse() */
must_check int oci_config_linux(const json_t *linux_, struct oci_config *c,
				struct err *e);
/** oci_config_idmaps() - an array of mappings, at most 340 */
must_check int oci_config_idmaps(const json_t *list, const char *where,
				 struct container_idmaps *ret, struct err *e);
/** oci_config_open() - rootfs, namespaces by path, user namespaces; closed by
 * oci_config_free() */
must_check int oci_config_open(struct oci_config *c, struct err *e);

/** oci_mount_option_names() - for `features` */
void oci_mount_option_names(struct strv *ret);

#endif
