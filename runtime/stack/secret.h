/*
 * stack/secret.h - copies of secrets and configs for one container. Private.
 *
 * They are on a tmpfs of the container's own, made with it and gone with it, that is
 * never written to a disk; the files' own bytes stand nowhere else.
 */
#ifndef STACK_SECRET_H
#define STACK_SECRET_H

#include "runtime/stack/instance.h"

enum { SECRET_MOST = 1 << 20 }; /* bytes of one */
#define SECRET_DIR "secrets"

/** secret_tmpfs() - a detached mount of a new tmpfs for secrets, root's alone; owned by
 * the caller */
must_check int secret_tmpfs(int *ret, struct err *e);
/**
 * secret_create() - copy what the service has, with owner and mode, to a tmpfs mounted at
 * "secrets" below @dir
 * @dir: the service's runtime directory. Nothing is done for a service without any.
 * An error names the secret. secret_destroy() removes what a failure leaves.
 */
must_check int secret_create(const struct instance_source *src,
			     const struct record_service *rs, int dir, struct err *e);
/** secret_destroy() - unmount that tmpfs; absent is done. Its bytes go with the last
 * container that has it mounted. */
void secret_destroy(const struct stack_host *h, const char *stack, const char *service);
/** secret_mounts() - the binds of the copies, read-only, appended to @spec (pure) */
void secret_mounts(const struct instance_source *src, const struct record_service *rs,
		   struct container_spec *spec);
/** secret_versions() - to @config, for comparing: which file each is and when it was
 * written, so that another one makes the container anew; nothing of what it holds */
void secret_versions(const struct stack_model *m, const struct model_service *svc,
		     json_t *config);

#endif
