/*
 * stack/value_names.c - signals, capabilities and resource limits by their kernel names;
 * see value.h. Knows the names of this kernel's headers only.
 */
#include "runtime/stack/conf/value.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/resource.h>

#include "runtime/base/str.h"
#include "runtime/stack/model.h"

/* The C library keeps the first two for itself; a container counts from the kernel's own
 * 32, but every libc calls 34 SIGRTMIN, and so does the image's documentation. */
enum { RTMIN = 34, RTMAX = 64 };

static int realtime_signal(const char *s)
{
	unsigned long long n = 0;

	if (str_eq(s, "RTMIN") ||
	    (str_starts(s, "RTMIN+") && str_u64(s + 6, RTMAX - RTMIN, &n)))
		return RTMIN + (int)n;
	if (str_eq(s, "RTMAX") ||
	    (str_starts(s, "RTMAX-") && str_u64(s + 6, RTMAX - RTMIN, &n)))
		return RTMAX - (int)n;
	return 0;
}

int model_signal_number(const char *name)
{
	const char *s = strncasecmp(name, "SIG", 3) == 0 ? name + 3 : name;
	unsigned long long n;

	if (str_u64(name, RTMAX, &n))
		return (int)n;
	for (int i = 1; i < RTMIN; i++) {
		const char *abbrev = sigabbrev_np(i);

		if (abbrev && strcasecmp(abbrev, s) == 0)
			return i;
	}
	return realtime_signal(s);
}

char *value_signal(const char *s)
{
	int n = model_signal_number(s);

	if (n <= 0)
		return NULL;
	if (n >= RTMIN)
		return n == RTMIN ? str_dup("SIGRTMIN")
				  : str_fmt("SIGRTMIN+%d", n - RTMIN);
	return sigabbrev_np(n) ? str_fmt("SIG%s", sigabbrev_np(n)) : NULL;
}

static const char *const capabilities[] = {
	"ALL",
	"AUDIT_CONTROL",
	"AUDIT_READ",
	"AUDIT_WRITE",
	"BLOCK_SUSPEND",
	"BPF",
	"CHECKPOINT_RESTORE",
	"CHOWN",
	"DAC_OVERRIDE",
	"DAC_READ_SEARCH",
	"FOWNER",
	"FSETID",
	"IPC_LOCK",
	"IPC_OWNER",
	"KILL",
	"LEASE",
	"LINUX_IMMUTABLE",
	"MAC_ADMIN",
	"MAC_OVERRIDE",
	"MKNOD",
	"NET_ADMIN",
	"NET_BIND_SERVICE",
	"NET_BROADCAST",
	"NET_RAW",
	"PERFMON",
	"SETFCAP",
	"SETGID",
	"SETPCAP",
	"SETUID",
	"SYSLOG",
	"SYS_ADMIN",
	"SYS_BOOT",
	"SYS_CHROOT",
	"SYS_MODULE",
	"SYS_NICE",
	"SYS_PACCT",
	"SYS_PTRACE",
	"SYS_RAWIO",
	"SYS_RESOURCE",
	"SYS_TIME",
	"SYS_TTY_CONFIG",
	"WAKE_ALARM",
	NULL,
};

const char *const *value_capabilities(void)
{
	return capabilities;
}

const char *value_capability(const char *s)
{
	if (strncasecmp(s, "CAP_", 4) == 0)
		s += 4;
	for (const char *const *c = capabilities; *c; c++)
		if (strcasecmp(*c, s) == 0)
			return *c;
	return NULL;
}

static const char *const rlimit_names[] = {
	"as",      "core",     "cpu",        "data",   "fsize", "locks",
	"memlock", "msgqueue", "nice",       "nofile", "nproc", "rss",
	"rtprio",  "rttime",   "sigpending", "stack",  NULL,
};
static const int rlimit_numbers[] = {
	RLIMIT_AS,     RLIMIT_CORE,   RLIMIT_CPU,        RLIMIT_DATA,
	RLIMIT_FSIZE,  RLIMIT_LOCKS,  RLIMIT_MEMLOCK,    RLIMIT_MSGQUEUE,
	RLIMIT_NICE,   RLIMIT_NOFILE, RLIMIT_NPROC,      RLIMIT_RSS,
	RLIMIT_RTPRIO, RLIMIT_RTTIME, RLIMIT_SIGPENDING, RLIMIT_STACK,
};
_Static_assert(ARRAY_LEN(rlimit_names) == ARRAY_LEN(rlimit_numbers) + 1,
	       "names and numbers");

const char *const *value_rlimit_names(void)
{
	return rlimit_names;
}

int value_rlimit(const char *s)
{
	for (size_t i = 0; rlimit_names[i]; i++)
		if (strcmp(rlimit_names[i], s) == 0)
			return rlimit_numbers[i];
	return -1;
}

const char *value_rlimit_name(int resource)
{
	for (size_t i = 0; rlimit_names[i]; i++)
		if (rlimit_numbers[i] == resource)
			return rlimit_names[i];
	return NULL;
}
