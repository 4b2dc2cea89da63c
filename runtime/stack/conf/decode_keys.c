/*
 * stack/decode_keys.c - every directive of a service: ours, Compose's, and those still to
 * come.
 *
 * Knows names and shapes. Does not know values: a row names the function that does.
 */
#include "runtime/stack/conf/decode.h"

#include <string.h>

#define ONE(n, most, t)                                                                  \
	{                                                                                \
		.name = #n, .min = 1, .max = most, .decode = decode_##n, .takes = t      \
	}
#define MANY(n, t)                                                                       \
	{                                                                                \
		.name = #n, .many = true, .min = 1, .decode = decode_##n, .takes = t     \
	}
#define NOT_YET(n, advice)                                                               \
	{                                                                                \
		.name = n, .many = true, .takes = advice                                 \
	}
#define OURS_NOT_YET(n)                                                                  \
	{                                                                                \
		.name = n, .many = true, .ours = true                                    \
	}

/* env_file stands before environment, which overrides it; what mounts before nocopy. */
static const struct service_key keys[] = {
	ONE(image, 1, "a path, or a name in the store"),
	ONE(entrypoint, 0, "a program and its arguments"),
	ONE(command, 0, "a program and its arguments"),
	MANY(env_file, "paths"),
	MANY(environment, "NAME=VALUE or NAME"),
	{ .name = "volumes",
	  .many = true,
	  .min = 1,
	  .decode = decode_mounts,
	  .takes = "SOURCE:TARGET[:ro]" },
	MANY(tmpfs, "TARGET[:size=64m,mode=1777]"),
	MANY(nocopy, "a target of 'volumes'"),
	{ .name = "secrets",
	  .many = true,
	  .block = true,
	  .min = 1,
	  .decode = decode_secrets,
	  .takes = "NAME[:TARGET]" },
	{ .name = "configs",
	  .many = true,
	  .block = true,
	  .min = 1,
	  .decode = decode_secrets,
	  .takes = "NAME[:TARGET]" },
	MANY(ports, "[ADDRESS:]HOST_PORT:PORT[/udp]"),
	MANY(expose, "ports"),
	MANY(depends_on, "SERVICE [started|healthy|completed] [restart]"),
	{ .name = "healthcheck",
	  .block = true,
	  .max = 1,
	  .decode = decode_healthcheck,
	  .takes = "a { block } or off" },
	ONE(restart, 1, "no, always, unless-stopped or on-failure[:N]"),
	ONE(user, 1, "a user or uid, with :group"),
	ONE(working_dir, 1, "an absolute path"),
	ONE(hostname, 1, "a host name"),
	ONE(mem_limit, 1, "a size such as 128m"),
	ONE(cpus, 1, "a number such as 0.5"),
	ONE(pids_limit, 1, "a number, or -1 for no limit"),
	ONE(mem_reservation, 1, "a size such as 64m"),
	ONE(memswap_limit, 1, "a size such as 256m, or -1 for no limit"),
	ONE(cpu_shares, 1, "a number from 2 to 262144"),
	ONE(cpu_period, 1, "microseconds, or a duration such as 100ms"),
	ONE(cpu_quota, 1, "microseconds, or a duration such as 50ms"),
	ONE(cpuset, 1, "processors such as 0-2,4"),
	{ .name = "blkio_config",
	  .block = true,
	  .decode = decode_blkio_config,
	  .takes = "a { block }" },
	ONE(oom_group, 1, "on or off"),
	ONE(oom_score_adj, 1, "a number from -1000 to 1000"),
	MANY(devices, "HOST_PATH[:TARGET[:rwm]]"),
	ONE(read_only, 1, "on or off"),
	ONE(stop_signal, 1, "a signal such as SIGTERM"),
	ONE(stop_grace_period, 1, "a duration such as 10s"),
	ONE(init, 1, "on or off"),
	ONE(tty, 1, "on or off"),
	ONE(stdin_open, 1, "on or off"),
	{ .name = "logging",
	  .block = true,
	  .decode = decode_logging,
	  .takes = "a { block }" },
	MANY(cap_add, "capabilities such as NET_ADMIN"),
	MANY(cap_drop, "capabilities such as NET_RAW, or ALL"),
	ONE(privileged, 1, "on or off"),
	ONE(shm_size, 1, "a size such as 64m"),
	MANY(sysctls, "NAME=VALUE"),
	MANY(ulimits, "NAME=SOFT[:HARD]"),
	MANY(labels, "NAME=VALUE"),
	MANY(profiles, "names"),
	MANY(extra_hosts, "NAME:ADDRESS"),
	MANY(dns, "addresses"),
	MANY(security_opt,
	     "no-new-privileges, seccomp=FILE, apparmor=PROFILE or either =unconfined"),
	ONE(userns, 1, "on, required, isolated or host"),
	ONE(userns_mode, 1, "host"),
	{ .name = "networks",
	  .many = true,
	  .block = true,
	  .min = 1,
	  .decode = decode_networks,
	  .takes = "default" },
	NOT_YET("annotations", NULL),
	NOT_YET("attach", NULL),
	NOT_YET("build", "build the image first and name its file with 'image'"),
	NOT_YET("cgroup", NULL),
	NOT_YET("cgroup_parent", NULL),
	OURS_NOT_YET("collect"),
	NOT_YET("container_name", "a container is called by its service's name"),
	NOT_YET("cpu_count", "use 'cpus'"),
	NOT_YET("cpu_percent", "use 'cpus'"),
	NOT_YET("cpu_rt_period", NULL),
	NOT_YET("cpu_rt_runtime", NULL),
	NOT_YET("credential_spec", NULL),
	NOT_YET("deploy", "use 'mem_limit', 'cpus' and 'restart'"),
	NOT_YET("develop", NULL),
	NOT_YET("device_cgroup_rules", NULL),
	NOT_YET("dns_opt", NULL),
	NOT_YET("dns_search", NULL),
	NOT_YET("domainname", "write the whole name in 'hostname'"),
	OURS_NOT_YET("egress"),
	NOT_YET("extends", "use a second -f FILE, which is merged over the first"),
	NOT_YET("external_links", NULL),
	NOT_YET("gpus", NULL),
	NOT_YET("group_add", NULL),
	NOT_YET("ipc", NULL),
	NOT_YET("isolation", NULL),
	NOT_YET("label_file", "use 'labels'"),
	NOT_YET("links", "services of a stack find each other by name; use 'depends_on'"),
	NOT_YET("log_driver", "use 'logging'"),
	NOT_YET("log_opt", "use 'logging'"),
	NOT_YET("mac_address", NULL),
	NOT_YET("mem_swappiness", NULL),
	NOT_YET("models", NULL),
	NOT_YET("net", NULL),
	NOT_YET("network_mode", NULL),
	NOT_YET("oom_kill_disable", NULL),
	NOT_YET("pid", NULL),
	NOT_YET("platform", NULL),
	NOT_YET("post_start", NULL),
	NOT_YET("pre_stop", NULL),
	NOT_YET("provider", NULL),
	NOT_YET("pull_policy", NULL),
	OURS_NOT_YET("route"),
	NOT_YET("runtime", NULL),
	NOT_YET("scale", NULL),
	NOT_YET("storage_opt", NULL),
	OURS_NOT_YET("update"),
	NOT_YET("use_api_socket", NULL),
	NOT_YET("uts", NULL),
	NOT_YET("volume_driver", NULL),
	NOT_YET("volumes_from", "name the volumes in 'volumes'"),
	{ .name = NULL },
};

const struct service_key *service_keys(void)
{
	return keys;
}

const struct service_key *service_key(const char *name)
{
	for (const struct service_key *k = keys; k->name; k++)
		if (strcmp(k->name, name) == 0)
			return k;
	return NULL;
}
