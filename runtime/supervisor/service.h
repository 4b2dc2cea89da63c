/*
 * supervisor/service.h - what the resident program remembers: one struct, one slot a
 * service.
 *
 * Knows the memory; every file of the resident acts on it. All of it lies in one
 * anonymous mapping sized for the largest stack: pages of slots never used are never
 * touched, so three services cost one page and no allocator is linked.
 */
#ifndef SUPERVISOR_SERVICE_H
#define SUPERVISOR_SERVICE_H

#include <stddef.h>

#include "runtime/supervisor/supervisor.h"

enum {
	CLIENTS = 24, /* connections to .control at once; further ones are closed */
	PENDING =
		24, /* STOP and RESTART requests that wait for their end: one a client */
	LAUNCHES = 8, /* launchers at once: each is a whole minibox of some MiB */
	ALL_SERVICES = 0xffff,
	LOG_STREAMS = 2,
};

/* What an epoll event is about; the upper half of its data, the slot is in the lower. */
enum token_kind {
	TOKEN_SIGNAL,
	TOKEN_LISTEN,
	TOKEN_CLIENT,
	TOKEN_REPORT,
	TOKEN_STDOUT,
	TOKEN_STDERR,
	TOKEN_PIDFD,
	TOKEN_PROBE,
	TOKEN_TTY,
	TOKEN_OOM,
};

enum after_stop {
	AFTER_IDLE,    /* stays stopped */
	AFTER_START,   /* is started again at once (RESTART) */
	AFTER_BACKOFF, /* was unhealthy: as if it had ended by itself with a failure */
};

enum probe_phase { PROBE_IDLE, PROBE_CONNECT, PROBE_REPLY, PROBE_EXEC };

struct probe {
	int fd;         /* socket, or the helper's standard output */
	int pid;        /* of the helper */
	uint32_t phase; /* enum probe_phase */
	uint32_t text_len;
	uint64_t due_ns;   /* next probe, or the time limit of the present one; 0: none */
	uint64_t count_ns; /* before its first success: no failure counts before this */
	char text[144];    /* last bytes that the helper said */
};

struct log_stream {
	int fifo, file;
	uint64_t size, covered; /* bytes in the segment; of them with an index record */
};

struct service_log {
	struct log_stream stream[LOG_STREAMS];
	int index;
	uint32_t first, last;   /* segment numbers on disk; last is written */
	uint32_t dropped_lines; /* not stored since the disk refused */
	uint64_t index_size;
	uint64_t dropped; /* bytes of them */
};

struct service {
	struct sup_service spec; /* deps[].service is a slot; an empty name: free slot */
	struct sup_status st;    /* as last published, but for the change in progress */
	int pidfd, report;       /* report: read end of the launcher's fd 3 */
	int oom;                 /* speaks when memory ran out in its group */
	int launcher, refresher; /* pids of helpers */
	int tty, tty_out;        /* master of its terminal; FIFO it is read into */
	bool stop_pending;       /* to be stopped as soon as its dependants are */
	bool ready;              /* was announced as ready for this pid */
	bool adopted;            /* its process is not our child */
	bool killed;             /* was sent SIGKILL by us */
	uint8_t after;           /* enum after_stop */
	uint8_t oom_looks;       /* memory ran out: so often yet for the kill */
	uint32_t streak;         /* restarts in a row without 10 s of uptime */
	uint32_t tries;          /* looks for the exit status of an adopted process */
	int64_t stop_ms;         /* grace of the present stop; -1: the spec's */
	uint64_t due_ns;         /* backoff, grace or launch limit; 0: none */
	uint64_t begun_ns;       /* CLOCK_MONOTONIC of its start */
	struct probe probe;
	struct service_log log;
};

struct client {
	int fd;
};
_Static_assert(CLIENTS <= 32, "a bit for each in watching");

struct pending {
	uint32_t id;
	uint16_t op; /* 0: free */
	uint16_t client;
	uint16_t service; /* slot or ALL_SERVICES */
};

struct supervisor {
	int epoll, logs, listener, signals;
	int store[2];     /* see terminal.h */
	uint32_t *beat;   /* counts turns of the loop for the keeper; NULL: it need not */
	uint32_t beat_ms; /* the loop turns at least this often, where it counts */
	uint32_t n;       /* slots in use lie below this */
	uint32_t watching; /* a bit for each client that wants events */
	bool unsettled; /* something changed that dependants or requests may wait for */
	bool quitting;
	uint64_t entries; /* written to .events so far */
	struct client client[CLIENTS];
	struct pending pending[PENDING];
	struct sup_header head;
	struct service service[SUP_SERVICES];
};
_Static_assert(offsetof(struct supervisor, service) + 3 * sizeof(struct service) <= 4096,
	       "db, web and proxy fit one page");

/** service_is_live() - is there a process, or one on its way? */
static inline bool service_is_live(const struct service *s)
{
	return s->st.state >= SUP_STARTING && s->st.state <= SUP_PAUSED &&
	       s->st.state != SUP_RESTARTING;
}

/** service_slot() - index of @s */
static inline uint32_t service_slot(const struct supervisor *sup, const struct service *s)
{
	return (uint32_t)(s - sup->service);
}

#endif
