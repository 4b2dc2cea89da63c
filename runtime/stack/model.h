/*
 * stack/model.h - what a stack file says, decoded, with every default filled in. Plain
 * data.
 *
 * Made by model_load() from one or more files; nothing here touches the system. Every
 * part keeps the position it came from, so that a later failure can name
 * file:line:column.
 */
#ifndef STACK_MODEL_H
#define STACK_MODEL_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>

#include "runtime/base/err.h"
#include "runtime/base/json.h"
#include "runtime/base/str.h"

struct model_pos {
	const char *file; /* as the user gave it; owned by the model; NULL with line 0 */
	unsigned line, col; /* from 1; 0: a default, not written */
};

enum model_condition { MODEL_STARTED, MODEL_HEALTHY, MODEL_COMPLETED };
struct model_dep {
	char *service;
	/* Without a word: healthy where the file gives that service a healthcheck, else
	 * started; only the image can say more then (health.type is MODEL_HEALTH_IMAGE).
	 */
	enum model_condition cond;
	bool cond_written;
	bool restart; /* when that service is made anew, this one starts again */
	struct model_pos pos;
};

/* Which directive says what. */
struct model_where {
	char *key; /* "user"; "environment.COLOUR" and the like for a part of a list */
	struct model_pos pos;
};

enum model_mount_type { MODEL_VOLUME, MODEL_BIND, MODEL_TMPFS };
struct model_mount {
	enum model_mount_type type;
	char *source;  /* volume name, or absolute host path; NULL: tmpfs */
	char *target;  /* absolute */
	char *options; /* tmpfs: "size=67108864,mode=1777", for the kernel; else NULL */
	bool read_only, nocopy;
	struct model_pos pos;
};

struct model_port {
	struct in_addr host_addr; /* default 127.0.0.1 */
	uint16_t host_port, port;
	bool udp, direct;
	struct model_pos pos;
};

enum model_health_type {
	MODEL_HEALTH_IMAGE, /* not written: the image's, if it has one */
	MODEL_HEALTH_NONE,  /* `healthcheck off;` or test NONE */
	MODEL_HEALTH_EXEC,
	MODEL_HEALTH_TCP,
	MODEL_HEALTH_HTTP,
	MODEL_HEALTH_POSTGRES,
	MODEL_HEALTH_REDIS,
	MODEL_HEALTH_UNIX,
};
struct model_health {
	enum model_health_type type;
	struct strv test; /* argv for EXEC (`shell "x"` is already /bin/sh -c x) */
	uint16_t port;
	char *path;                                                 /* HTTP, UNIX */
	uint32_t interval_ms, timeout_ms, start_period_ms, retries; /* 30 s, 30 s, 0, 3 */
	uint32_t start_interval_ms; /* 0: not written, the supervisor's own pace */
	struct model_pos pos;
};

enum model_restart { MODEL_NO, MODEL_ALWAYS, MODEL_UNLESS_STOPPED, MODEL_ON_FAILURE };
enum model_userns {
	MODEL_USERNS_ON,
	MODEL_USERNS_REQUIRED,
	MODEL_USERNS_HOST,
	MODEL_USERNS_ISOLATED
};

/* How much of a service's output is kept: so many files of this size. */
struct model_logging {
	uint64_t max_size;  /* bytes, 10 MiB; an index of its times counts, too */
	uint32_t max_files; /* 3 */
};

struct model_rlimit {
	int resource;
	uint64_t soft, hard; /* UINT64_MAX: unlimited */
};

/* What may be read and written of one disk each second; 0: no limit. */
enum { MODEL_READ_BPS, MODEL_WRITE_BPS, MODEL_READ_IOPS, MODEL_WRITE_IOPS, MODEL_RATES };
struct model_blkio {
	char *path; /* of the host */
	uint64_t rate[MODEL_RATES];
};

struct model_device {
	char *source, *target; /* absolute paths of the host and in the service */
	char access[4];        /* of "rwm" */
	struct model_pos pos;
};

/* A secret or config: a file of the host that is copied for whoever names it. */
struct model_secret {
	char *name;
	bool config;
	char *file; /* absolute; NULL: not written, which is an error */
	struct model_pos pos;
};
struct model_secret_use {
	char *name, *target; /* target: absolute */
	bool config;
	uint32_t uid, gid, mode; /* 0, 0, 0444; the service's own ids */
	struct buf kept;         /* in a model that was kept: what the file held, … */
	json_t *version; /* … and which it was; NULL: it is the file that counts */
	struct model_pos pos;
};

struct model_service {
	char *name;
	struct model_pos pos;
	char *image; /* a name as written, or a file's absolute path */
	struct model_pos image_pos;
	bool has_command, has_entrypoint; /* written, possibly empty */
	struct strv command, entrypoint;
	struct strv env; /* NAME=VALUE; env_file first, environment over it; secrets live
			    here */
	struct strv env_secret; /* the names in @env whose value came from an env_file */
	struct model_mount *mounts;
	size_t n_mounts;
	struct model_secret_use *secrets; /* configs, too */
	size_t n_secrets;
	struct model_port *ports;
	size_t n_ports;
	struct model_dep *deps;
	size_t n_deps;
	struct model_health health;
	enum model_restart restart; /* no */
	uint32_t restart_max;       /* on-failure:N; 0: no bound */
	/* NULL: image's or default. stop_signal is "SIGTERM" or "SIGRTMIN+3", see below.
	 */
	char *user, *working_dir, *hostname, *stop_signal;
	uint32_t stop_grace_ms; /* 10000 */
	struct model_logging logging;
	uint64_t mem_limit, shm_size; /* bytes; 0: none / default 64 MiB */
	uint64_t cpu_millis;          /* 0: none */
	struct model_pos mem_pos, cpus_pos;
	uint64_t pids_limit;      /* 0: written as 0 or -1, no limit; default 4096 */
	uint64_t mem_reservation; /* bytes; 0: none */
	uint64_t memswap_limit;   /* memory and swap; 0: twice mem_limit; ~0: no limit */
	uint64_t cpu_shares;      /* 2..262144; 0: the kernel's */
	uint64_t cpu_period_usec, cpu_quota_usec; /* 0: 100 ms, none */
	char *cpuset;                             /* "0-2,4"; NULL: all */
	uint64_t blkio_weight;                    /* 10..1000; 0: the kernel's */
	struct model_blkio *blkio;
	size_t n_blkio;
	struct model_device *devices;
	size_t n_devices;
	bool oom_group;    /* one out-of-memory kill takes the whole service */
	int oom_score_adj; /* -1000..1000 */
	bool read_only, tty, privileged;
	bool stdin_open; /* standard input never ends; else it is /dev/null */
	bool init;       /* on unless written */
	enum model_userns userns;
	struct strv cap_add, cap_drop; /* "NET_ADMIN", "ALL" */
	struct strv sysctls, labels;   /* NAME=VALUE */
	struct strv extra_hosts;       /* NAME=ADDRESS or NAME=host-gateway */
	struct strv dns;               /* addresses */
	struct strv profiles, aliases;
	struct strv expose; /* "PORT" or "PORT/udp": words to people, nothing opens */
	bool seccomp_off;   /* security_opt seccomp=unconfined */
	char *seccomp_file,
		*seccomp_profile; /* seccomp=FILE: its path and text, or NULL */
	char *apparmor; /* security_opt apparmor=…: a profile or "unconfined", or NULL */
	struct model_rlimit *rlimits;
	size_t n_rlimits;
	struct model_where *where; /* in the order of decoding: a later one wins */
	size_t n_where;
};

enum { MODEL_KEEP_MAX = 16 };

struct model_volume {
	char *name;
	char *from_service, *from_path; /* NULL: an ordinary named volume */
	uint32_t keep; /* generations of `from` shown at once; 0: unsaid */
	struct model_pos pos;
};

/* What all services of a stack may use together; 0: no limit. */
struct model_budget {
	uint64_t mem_limit, cpu_millis, pids_limit;
};

struct stack_model {
	char *name;
	char *dir;                      /* absolute directory of the first file */
	struct model_service *services; /* in file order */
	size_t n_services;
	struct model_volume *volumes;
	size_t n_volumes;
	struct model_secret *secrets; /* configs, too */
	size_t n_secrets;
	struct model_budget budget;
	struct strv files;  /* absolute, all that were read, env_files too */
	struct strv shown;  /* the same as the user gave them (positions point into it) */
	struct strv hidden; /* values of .env, which no message may show */
};

struct model_opts {
	struct strv files;    /* paths, at least one; later ones merge over earlier */
	const char *name;     /* -p; NULL: from the file, else the directory */
	struct strv profiles; /* active ones; services with other profiles are left out */
	struct strv services; /* named by the user: kept whatever their profiles */
	struct strv env;      /* NAME=VALUE for ${}: the process's environment */
	bool saved;           /* all services are wanted, and were validated once */
	bool loose; /* for down, ps, logs: bind sources and env_files may be missing */
};
/**
 * model_load() - read, parse, decode and validate stack files
 * @diagnostics: every error found, ready to print, one or more lines each with caret and
 * hint; empty on success Return: 0; -EINVAL with a one-line summary in @e when
 * @diagnostics is not empty; other -errno when a file could not be read. Reads env_file
 * and .env below the files' directory; writes nothing.
 */
must_check int model_load(const struct model_opts *o, struct stack_model **ret,
			  struct buf *diagnostics, struct err *e);
/* Services that were decoded before, as they are kept. All borrowed. */
struct model_saved {
	const char *name, *dir;
	const char *text;         /* of model_format_service() */
	const struct strv *paths; /* of files that it names, … */
	const struct strv *texts; /* … and what they said then */
};
/**
 * model_load_saved() - read such services back, whatever has become of their files
 * What they have to do with each other is not checked again; volumes and budget are the
 * caller's to add. -EINVAL: a bind's source is gone.
 */
must_check int model_load_saved(const struct model_saved *saved, struct stack_model **ret,
				struct err *e);
struct stack_model *model_free(struct stack_model *m);
/** model_service() - by name, or NULL; borrowed */
struct model_service *model_service(const struct stack_model *m, const char *name);
struct model_volume *model_volume(const struct stack_model *m, const char *name);
/** model_secret() - a secret, or a config, by name, or NULL; borrowed */
struct model_secret *model_secret(const struct stack_model *m, bool config,
				  const char *name);
/**
 * model_where() - the directive that says a service's @key, as model_format_json() names
 * it; a part of a value as "KEY.PART.PART", an element of ports and volumes as "KEY[N]"
 * Where only the whole is written its directive is meant, and for what is not written at
 * all, the service.
 */
struct model_pos model_where(const struct model_service *s, const char *key);
/** model_where_add() - @key is said at @pos */
void model_where_add(struct model_service *s, const char *key, struct model_pos pos);
/** model_signal_number() - of "SIGTERM", "TERM", "15" or "SIGRTMIN+3"; 0 if there is no
 * such */
int model_signal_number(const char *name);
/** model_format_conf() - the whole model as a stack.conf with every default written out
 * @show_secrets: false masks environment values that came from an env_file as ****** */
void model_format_conf(const struct stack_model *m, bool show_secrets, struct buf *ret);
/** model_format_service() - one service of it, secrets shown; appended to @ret */
void model_format_service(const struct stack_model *m, const struct model_service *s,
			  struct buf *ret);
/** model_budget_json() - the stack's budget alone, every member there; owned by the
 * caller */
json_t *model_budget_json(const struct model_budget *b);
/** model_format_json() - the same as JSON; owned by the caller */
json_t *model_format_json(const struct stack_model *m, bool show_secrets);
/** model_default_json() - a service of it of which nothing is written; owned by the
 * caller
 */
json_t *model_default_json(void);

#endif
