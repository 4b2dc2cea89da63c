/*
 * stack/decode.h - the tree of directives as the model. Private to decode*.c and its
 * callers.
 *
 * Knows every directive. Depends on the tree only, so any syntax that makes one is
 * served; relations between services are validate's.
 */
#ifndef STACK_DECODE_H
#define STACK_DECODE_H

#include "runtime/stack/conf/conf_expand.h"
#include "runtime/stack/conf/model_load.h"

/* What a service's lists have got so far, so that a later -f file replaces and a
 * repetition within one file is an error. */
struct decode_seen {
	char *key;
	unsigned layer;
};

struct decode {
	struct stack_model *m;
	struct conf_files *files;
	struct diag *diag;
	const struct conf_vars *vars;
	const struct model_io *io;
	const char *home; /* what ~ means; borrowed */
	bool loose;
	struct decode_seen *seen; /* of the service being decoded */
	size_t n_seen;
};

enum decode_turn { DECODE_NEW, DECODE_REPLACE, DECODE_REPEATED };
/** decode_turn() - has @kind @name been there? Notes it, and the error if REPEATED. */
enum decode_turn decode_turn(struct decode *d, const struct conf_node *node,
			     const struct conf_word *w, const char *kind,
			     const char *name);

/* One row per directive of a service: what may stand behind it and who reads it. */
struct service_key {
	const char *name;
	bool many; /* repeatable; files merge by adding. Else it stands once, the last
		      file wins */
	bool block;
	bool ours;       /* not a key of Compose's */
	size_t min, max; /* words; max 0: any number */
	/* NULL: known, but not yet to be had */
	void (*decode)(struct decode *d, struct model_service *s,
		       const struct conf_node *node);
	const char *takes; /* for messages: "a size such as 128m"; without decode: advice
			      or NULL */
};
/** service_keys() - the table, ended by a NULL name; in the order they must be decoded */
const struct service_key *service_keys(void);
/** service_key() - a row by name, or NULL */
const struct service_key *service_key(const char *name);

/** decode_tree() - all of a merged and expanded tree into d->m; errors go to d->diag */
void decode_tree(struct decode *d, const struct conf_node *root);
/** decode_defaults() - what a service is of which nothing is written */
void decode_defaults(struct model_service *s);
/** decode_service() - one `service NAME { ... }`, appended to the model */
void decode_service(struct decode *d, const struct conf_node *node);
/** decode_unknown() - the error for a name that is no directive, with a suggestion
 * @where: "in service 'db'", or "" at the top; @names: NULL-terminated */
void decode_unknown(struct decode *d, const struct conf_node *node, const char *where,
		    const char *const *names);
/** decode_shape() - check words and block against @min, @max (0: any) and @block
 * Return: false with an error noted. */
bool decode_shape(struct decode *d, const struct conf_node *node, size_t min, size_t max,
		  bool block, const char *takes);
/** decode_bad() - the error for a word that is not what @takes says */
void decode_bad(struct decode *d, const struct conf_node *node, const struct conf_word *w,
		const char *takes);

/** decode_check_memory() - the error for a memory limit that nothing fits into */
void decode_check_memory(struct decode *d, const struct conf_word *w, uint64_t bytes);
/** decode_pids() - a number of processes, -1 and 0 as "no limit"; false: error noted */
bool decode_pids(struct decode *d, const struct conf_node *node, uint64_t *ret);
/** decode_budget() - what stands in a stack's block */
void decode_budget(struct decode *d, const struct conf_node *node);

/** decode_secret() - `secret NAME { file PATH; }` or the same of `config` */
void decode_secret(struct decode *d, const struct conf_node *node);

/** decode_is_health_test() - does @name say what a healthcheck tries? Files merge such as
 * one */
bool decode_is_health_test(const char *name);

/* Readers of single directives, by file. All append to or set fields of @s. */
#define DECODER(name)                                                                    \
	void name(struct decode *d, struct model_service *s, const struct conf_node *node)
DECODER(decode_mounts); /* volumes: decode_mount.c */
DECODER(decode_tmpfs);
DECODER(decode_nocopy);
DECODER(decode_secrets); /* and configs: decode_secret.c */
DECODER(decode_ports);   /* decode_port.c */
DECODER(decode_expose);
DECODER(decode_healthcheck); /* decode_health.c */
DECODER(decode_env_file);    /* decode_env.c */
DECODER(decode_environment);
DECODER(decode_labels);
DECODER(decode_sysctls);
DECODER(decode_depends_on); /* decode_net.c: other machines and services */
DECODER(decode_networks);
DECODER(decode_extra_hosts);
DECODER(decode_dns);
DECODER(decode_image); /* decode_process.c */
DECODER(decode_command);
DECODER(decode_entrypoint);
DECODER(decode_user);
DECODER(decode_working_dir);
DECODER(decode_hostname);
DECODER(decode_restart);
DECODER(decode_stop_signal);
DECODER(decode_stop_grace_period);
DECODER(decode_init);
DECODER(decode_tty);
DECODER(decode_stdin_open);
DECODER(decode_profiles);
DECODER(decode_mem_limit); /* decode_confine.c: limits and rights */
DECODER(decode_cpus);
DECODER(decode_pids_limit);
DECODER(decode_shm_size);
DECODER(decode_ulimits);
DECODER(decode_read_only);
DECODER(decode_privileged);
DECODER(decode_cap_add);
DECODER(decode_cap_drop);
DECODER(decode_security_opt);
DECODER(decode_userns);
DECODER(decode_userns_mode);
DECODER(decode_mem_reservation); /* decode_limits.c */
DECODER(decode_memswap_limit);
DECODER(decode_cpu_shares);
DECODER(decode_cpu_period);
DECODER(decode_cpu_quota);
DECODER(decode_cpuset);
DECODER(decode_blkio_config);
DECODER(decode_oom_group);
DECODER(decode_oom_score_adj);
DECODER(decode_devices); /* decode_device.c */
DECODER(decode_logging); /* decode_logging.c */

#endif
