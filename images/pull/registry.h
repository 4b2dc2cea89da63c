/*
 * images/pull/registry.h - one repository of a registry: its URL, the login, GET.
 *
 * Knows distribution-spec v1.1 (pulling) and the token protocol that Docker's registries
 * use (distribution's "Token Authentication Specification"). Does not know manifests.
 */
#ifndef IMAGES_PULL_REGISTRY_H
#define IMAGES_PULL_REGISTRY_H

#include "images/pull/fetch.h"
#include "images/store.h"

struct registry;

struct registry_opts {
	const char *creds_file; /* creds.h; NULL: Docker's config.json */
	const char *ca_file;    /* PEM, instead of the system's certificates; NULL */
};

/**
 * registry_open() - of an image name in its familiar form, without tag
 * @s:    borrowed: it knows the parser of what comes
 * @name: "postgres", "quay.io/prometheus/busybox", "127.0.0.1:5000/web"
 * Nothing is asked of the registry yet.
 */
must_check int registry_open(struct image_store *s, const char *name,
			     const struct registry_opts *o, struct registry **ret,
			     struct err *e);
struct registry *registry_free(struct registry *reg);

/**
 * registry_get() - GET below /v2/REPOSITORY/, logging in when the registry asks for it
 * @path: "manifests/latest"
 * @req:  accept, max, size and exact; the rest is filled in here
 * @ret:  FETCH_INIT; on 0 its status is 200 and the caller calls fetch_end(). Otherwise
 *        nothing is left to do.
 * May be called by several threads at once. -errno: the error names the registry and says
 * what it answered; no secret is in it.
 */
must_check int registry_get(struct registry *reg, const char *path,
			    const struct fetch_request *req, struct fetch *ret,
			    struct err *e);

#endif
