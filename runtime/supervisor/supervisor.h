/*
 * supervisor/supervisor.h - the contract between the resident minibox-supervisor and the
 * program.
 *
 * Two parties include this: minibox-supervisor (static, musl, base without JSON) and,
 * through the client_*.c files of this room, the full program. Everything they exchange
 * is flat and versioned: a compiled spec (file), one status record a service (file),
 * requests and events (SOCK_SEQPACKET), log segments with an index (files).
 *
 * Files below RUN/STACK (a 0700 directory on a tmpfs):
 *   .spec              struct sup_header, then n struct sup_service; replaced by rename
 *   .control           the socket
 *   .supervisor        flock'ed by the running supervisor; holds its pid in decimal
 *   SERVICE/status     struct sup_status, one pwrite at offset 0
 *   SERVICE/exit       wait status of the main process as decimal text, written by
 * minibox-init SERVICE/stdout, SERVICE/stderr  FIFOs that the supervisor reads (made by
 * the program) Below LOGS/STACK/SERVICE: out.N err.N idx.N, N from 0 upwards, the newest
 * is written. LOGS/STACK/.events: a ring of struct sup_entry, what happened to the stack.
 * SERVICE/memory is a link to its directory in the memory controller's hierarchy.
 */
#ifndef SUPERVISOR_H
#define SUPERVISOR_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "runtime/base/err.h"
#include "runtime/base/str.h"

enum {
	SUP_MAGIC = 0x3178626d, /* "mbx1" */
	SUP_VERSION = 2,
	SUP_NAME = 64, /* bytes of a service's name with its NUL */
	SUP_DEPS = 24, /* dependencies of one service */
	SUP_SERVICES = 512,
};

enum sup_state {
	SUP_CREATED,  /* not started, nothing asked */
	SUP_WAITING,  /* wanted, its dependencies are not there yet */
	SUP_STARTING, /* the launcher runs */
	SUP_RUNNING,  /* runs; has no healthcheck, or it has not passed yet */
	SUP_HEALTHY,
	SUP_UNHEALTHY,
	SUP_RESTARTING, /* ended; waits for its next start */
	SUP_STOPPING,
	SUP_PAUSED,
	SUP_EXITED,
	SUP_N_STATES
};
/** sup_state_name() - "created", "running", ... as `ps --json` prints them ("starting"
 * also for a running service whose healthcheck has not passed is decided by the caller)
 */
const char *sup_state_name(enum sup_state s);

enum sup_condition { SUP_DEP_STARTED, SUP_DEP_HEALTHY, SUP_DEP_COMPLETED };
enum sup_restart { SUP_NO, SUP_ALWAYS, SUP_UNLESS_STOPPED, SUP_ON_FAILURE };
enum sup_health {
	SUP_HEALTH_NONE,
	SUP_HEALTH_EXEC,     /* by `minibox _health STACK SERVICE` */
	SUP_HEALTH_TCP,      /* connects to the container's address */
	SUP_HEALTH_HTTP,     /* GET path: 200..399 */
	SUP_HEALTH_POSTGRES, /* start-up packet: an authentication request or a FATAL
				error other than 57P03 (cannot connect now) means it takes
				connections */
	SUP_HEALTH_REDIS,    /* PING: +PONG or -NOAUTH */
	SUP_HEALTH_UNIX,     /* connects to the socket at path in the container */
};

struct sup_header {
	uint32_t magic, version, n_services, service_size;
	char stack[SUP_NAME];
	char run_dir[256];  /* RUN, absolute */
	char root_dir[256]; /* store, absolute: MINIBOX_ROOT of helpers */
	char minibox[256];  /* absolute path of the full program */
};

struct sup_dep {
	uint16_t service; /* index in the file */
	uint16_t condition;
};

struct sup_service {
	char name[SUP_NAME];
	uint32_t instance; /* changes when the container was made anew */
	uint32_t address;  /* network order, what probes connect to; 0: none */
	uint32_t restart, restart_max; /* 0: no bound */
	uint32_t stop_signal, stop_grace_ms;
	uint32_t health, health_port;
	uint32_t health_interval_ms, health_timeout_ms, health_start_ms, health_retries;
	uint32_t health_start_interval_ms; /* 0: probe.h's own pace */
	char health_path[128];
	uint32_t log_segment_bytes, log_segments;
	uint32_t has_readers; /* run `minibox _refresh STACK SERVICE` each time it becomes
				 ready */
	uint32_t n_deps;
	struct sup_dep deps[SUP_DEPS];
};

struct sup_status {
	uint32_t seq;        /* odd while being written; equal to seq_end when whole */
	uint32_t state;      /* enum sup_state */
	int32_t pid;         /* of PID 1 on the host, 0: none */
	int32_t exit_status; /* as waitpid(2); of the last end */
	uint64_t start_time; /* of pid, /proc/PID/stat field 22 */
	uint64_t started_wall_ns, ended_wall_ns;
	uint32_t instance;
	uint32_t restarts;
	uint32_t wanted;    /* 1: should run */
	uint32_t failures;  /* health probes failed in a row */
	uint32_t ended;     /* 1: has run and ended at least once (exit_status is real) */
	char text[156];     /* why, for people: last probe's or launch's error */
	uint32_t oom_kills; /* out-of-memory kills that were noted in its group */
	uint32_t seq_end;
};

enum sup_op {
	SUP_OP_RELOAD = 1, /* .spec was replaced; services keep their state by name */
	SUP_OP_UP,   /* want service ("": all that are not wanted, or failed for good) up,
			dependencies first; answered at once */
	SUP_OP_STOP, /* stop service ("": all), and only it; of several that are stopped
			at once dependants go first; answered when it has ended */
	SUP_OP_RESTART, /* stop and start ("": all); answered when it runs again */
	SUP_OP_KILL,    /* send signal arg to the main process */
	SUP_OP_QUIT, /* answered, then the supervisor (and keeper) end; containers stay */
	SUP_OP_WATCH, /* from now on send events on this connection; answered at once */
	SUP_OP_PAUSE, /* only notes the state; freezing is the caller's */
	SUP_OP_UNPAUSE,
};
struct sup_request {
	uint32_t op;
	uint32_t id; /* echoed in the answer */
	int64_t arg; /* STOP, RESTART: timeout in ms, -1: the service's own; KILL: signal
		      */
	char service[SUP_NAME];
};
enum sup_event_type { SUP_EV_DONE = 1, SUP_EV_FAILED, SUP_EV_STATE };
struct sup_event {
	uint32_t type;
	uint32_t id;
	uint32_t state;
	int32_t exit_status;
	uint64_t wall_ns;
	char service[SUP_NAME];
	char text[160];
};

/**
 * sup_oom_victim() - the name in a record of the kernel's log, if it is of group @path
 * (pure)
 * @record: "...,task_memcg=/PATH,task=NAME,pid=N,uid=N"
 * Return: within @record, @ret_len bytes; NULL: about something else.
 */
const char *sup_oom_victim(const char *record, const char *path, size_t *ret_len);

/* What a launcher (`minibox _launch STACK SERVICE`) sends over its fd 3, a socket, once;
 * with a terminal its master comes along. */
struct sup_launch_report {
	int32_t pid;       /* 0: failed */
	int32_t exit_code; /* when failed: 125, 126, 127 */
	uint64_t start_time;
	char text[160];
};

/* One record of idx.N: @len bytes of stream 1 or 2 at @offset of out.N or err.N came at
 * @wall_ns. */
struct sup_log_record {
	uint64_t wall_ns;
	uint32_t stream;
	uint32_t len;
	uint64_t offset;
};

/**
 * sup_notify() - send @text ("READY=1" and the like) to a service manager; in both
 * programs
 * @socket_path: what $NOTIFY_SOCKET said; "@name" is an abstract one
 * @wait: while its queue is full, else it is lost (-EAGAIN)
 * The protocol is sd_notify(3)'s: one datagram, the kernel tells who sent it.
 * Return: 0 or -errno
 */
int sup_notify(const char *socket_path, const char *text, bool wait);

/* What happened, as it stands in LOGS/STACK/.events between the lines of logs. */
enum sup_entry_kind {
	SUP_ENTRY_START = 1, /* @pid; @wall_ns is when its launch began, before its output
			      */
	SUP_ENTRY_EXIT,      /* @pid; @value: as waitpid(2) */
	SUP_ENTRY_RESTART,   /* is started again: @value milliseconds from now, @count
				times by now */
	SUP_ENTRY_FAILED,    /* could not be started: @value exit code, @text */
	SUP_ENTRY_OOM,       /* @count processes killed for want of memory; @text */
	SUP_ENTRY_HEALTHY,
	SUP_ENTRY_UNHEALTHY, /* @count probes failed in a row, the last by @text */
	SUP_ENTRY_STOP,      /* was sent signal @value, has @count milliseconds */
	SUP_ENTRY_KILL,      /* was sent SIGKILL: its grace is over */
	SUP_ENTRY_PAUSE,
	SUP_ENTRY_UNPAUSE,
	SUP_ENTRY_REFRESH,  /* readers of its files see this instance; @value: wait status
			       of the helper */
	SUP_ENTRY_DROPPING, /* its log cannot be written: errno @value */
	SUP_ENTRY_DROPPED,  /* @count lines of its log were not stored; @text says why */
	SUP_ENTRY_ADOPT,    /* no service: a new supervisor (@pid) took over @count */
	SUP_ENTRY_KINDS
};
enum { SUP_ENTRIES = 1024 }; /* slots of the ring; entry N is in slot N % 1024 */
struct sup_entry {
	uint64_t seq; /* from 1 on; equal to seq_end when whole */
	uint64_t wall_ns;
	uint32_t kind;
	int32_t pid, value;
	uint32_t count;
	char service[SUP_NAME]; /* "": the stack */
	char text[152];
	uint64_t seq_end;
};
_Static_assert(sizeof(struct sup_entry) == 256, "entries do not straddle pages");

/* ---- client side: client_*.c, linked into the full program only ---- */

/* The service manager whose main process the resident becomes. */
struct sup_unit {
	const char *socket;   /* for sup_notify() */
	uint32_t watchdog_ms; /* its patience with WATCHDOG=1, 0: it needs none */
};

/**
 * sup_start() - run minibox-supervisor for @stack unless one runs; returns when it
 * listens
 * @exe_dir:  directory of the executables
 * @run_fd:   directory RUN; RUN/@stack/.spec must have been written and says where the
 * logs go
 * @in_child: called in the child before exec (it joins a cgroup there), may be NULL
 * @unit:     NULL: nobody's
 *
 * Return: 0, also if one runs already; -EIO with the supervisor's own message, other
 * -errno.
 */
must_check int sup_start(const char *exe_dir, int run_fd, const char *stack,
			 int (*in_child)(void *arg, struct err *e), void *arg,
			 const struct sup_unit *unit, struct err *e);
/** sup_keeper() - pid of the process that keeps the supervisor alive: the one that was
 * started. @stack_fd: directory RUN/STACK. -ESRCH when none runs. */
must_check int sup_keeper(int stack_fd, pid_t *ret, struct err *e);
/** sup_alive() - does a supervisor hold this stack? @stack_fd: directory RUN/STACK */
bool sup_alive(int stack_fd);
/** sup_connect() - a connection, owned by the caller; waits up to 2 s for a restarting
 * one. -ECONNREFUSED / -ENOENT when none runs. */
must_check int sup_connect(int stack_fd, int *ret_sock, struct err *e);
/** sup_call() - send a request and wait for its answer (SUP_EV_FAILED: -EIO with its
 * text)
 * @timeout_ms: -1 for ever. Other events that come meanwhile are dropped. */
must_check int sup_call(int sock, enum sup_op op, const char *service, int64_t arg,
			int timeout_ms, struct err *e);
/** sup_next_event() - 1 and *@ret filled, 0 on time-out, -errno (-EPIPE: supervisor gone)
 */
int sup_next_event(int sock, int timeout_ms, struct sup_event *ret);
/** sup_status_read() - consistent copy; a missing file is all zero (SUP_CREATED) */
must_check int sup_status_read(int stack_fd, const char *service, struct sup_status *ret,
			       struct err *e);
/** sup_spec_write() - compiled spec to .spec, by rename */
must_check int sup_spec_write(int stack_fd, const struct sup_header *h,
			      const struct sup_service *s, struct err *e);

struct sup_log_line { /* a whole line, or the unfinished last one */
	uint64_t wall_ns;
	unsigned stream;
	const char *text; /* without newline, borrowed until the next call */
	size_t len;
	unsigned skipped; /* segments before it that were removed before they were read */
};
struct sup_log_reader;
/** sup_log_open() - read a service's log from its oldest segment
 * @logs_fd: directory LOGS/STACK. A service without logs reads as empty. */
must_check int sup_log_open(int logs_fd, const char *service, struct sup_log_reader **ret,
			    struct err *e);
/** sup_log_next() - 1 and a line; 0 at the present end (more may come: call again later)
 */
int sup_log_next(struct sup_log_reader *r, struct sup_log_line *ret);
/** sup_log_flush() - 1 and the unfinished last line if there is one (when not following)
 */
int sup_log_flush(struct sup_log_reader *r, struct sup_log_line *ret);
struct sup_log_reader *sup_log_free(struct sup_log_reader *r);

struct sup_entry_reader;
/** sup_entry_open() - read what happened, from the oldest entry that is still there
 * @logs_fd: directory LOGS/STACK. A stack of which nothing is known reads as empty. */
must_check int sup_entry_open(int logs_fd, struct sup_entry_reader **ret, struct err *e);
/** sup_entry_next() - 1 and an entry; 0 at the present end (more may come). What was
 * overwritten before it was read is passed over. */
int sup_entry_next(struct sup_entry_reader *r, struct sup_entry *ret);
struct sup_entry_reader *sup_entry_free(struct sup_entry_reader *r);
/** sup_entry_name() - "start", "exit", ... as `events` prints it; "?" for an unknown kind
 */
const char *sup_entry_name(uint32_t kind);
/** sup_entry_text() - the entry in words: "exited with status 1"; owned by the caller */
char *sup_entry_text(const struct sup_entry *n);

#endif
