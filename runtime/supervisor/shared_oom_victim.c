/*
 * supervisor/shared_oom_victim.c - the one line of the kernel's log that names a victim
 * (mm/oom_kill.c, since Linux 4.19).
 */
#include <string.h>

#include "runtime/supervisor/supervisor.h"

/* strstr(3) would bring a kilobyte of code into the resident. */
static const char *find(const char *in, const char *what)
{
	size_t n = strlen(what);

	while (*in && strncmp(in, what, n) != 0)
		in++;
	return *in ? in : NULL;
}

const char *sup_oom_victim(const char *record, const char *path, size_t *ret_len)
{
	static const char group[] = "task_memcg=", task[] = ",task=";
	const char *at = find(record, group), *end, *name;
	size_t n = strlen(path);

	if (!at || !find(record, "oom-kill:"))
		return NULL;
	at += strlen(group);
	end = find(at, task);
	/* below whatever group the hierarchy's mount begins at */
	if (!end || (size_t)(end - at) < n + 1 || strncmp(end - n, path, n) != 0 ||
	    end[-(ptrdiff_t)n - 1] != '/')
		return NULL;
	name = end + strlen(task);
	end = find(name, ",pid=");
	if (!end)
		return NULL;
	*ret_len = (size_t)(end - name);
	return name;
}
