/*
 * images/pull/creds.h - who we are at a registry.
 *
 * Knows a file of "USER:PASSWORD" and Docker's config.json. Runs no credential helper.
 * Does not know what is done with it.
 */
#ifndef IMAGES_PULL_CREDS_H
#define IMAGES_PULL_CREDS_H

#include "runtime/base/str.h"

struct creds {
	char *basic; /* "Basic …", a value of Authorization; NULL: anonymous */
	char *user;  /* for messages */
};
/** creds_free() - also wipes the secret */
void creds_free(struct creds *c);

/**
 * creds_load() - the credentials for @host
 * @file: its first line is USER:PASSWORD; "-": standard input. NULL: Docker's config.json
 *        below DOCKER_CONFIG or else ~/.docker, if it is there
 * @host: as in the image's name, "docker.io" for Docker's own
 * @ret:  zeroed by the caller, who calls creds_free() always
 * Return: 0, also when there are none; -errno naming the file, never what it holds
 */
must_check int creds_load(const char *file, const char *host, struct creds *ret,
			  struct err *e);
/** creds_decode64() - RFC 4648 base64 with padding; false if @text is none. The bytes are
 * appended to @ret. */
bool creds_decode64(const char *text, struct buf *ret);
/** creds_encode64() - RFC 4648 base64 with padding, appended to @ret */
void creds_encode64(const void *data, size_t n, struct buf *ret);

#endif
