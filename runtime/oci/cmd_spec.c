/* oci/cmd_spec.c - spec and features: what this runtime says of itself. See command.h. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "runtime/base/fd.h"
#include "runtime/oci/command.h"

/* A container that runs a shell on a rootfs beside the file. */
static const char example[] =
	"{\n"
	"  \"ociVersion\": \"" OCI_VERSION "\",\n"
	"  \"process\": {\n"
	"    \"terminal\": true,\n"
	"    \"user\": { \"uid\": 0, \"gid\": 0 },\n"
	"    \"args\": [ \"sh\" ],\n"
	"    \"env\": [\n"
	"      \"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin\",\n"
	"      \"TERM=xterm\"\n"
	"    ],\n"
	"    \"cwd\": \"/\",\n"
	"    \"capabilities\": {\n"
	"      \"bounding\": [ \"CAP_AUDIT_WRITE\", \"CAP_KILL\", "
	"\"CAP_NET_BIND_SERVICE\" ],\n"
	"      \"effective\": [ \"CAP_AUDIT_WRITE\", \"CAP_KILL\", "
	"\"CAP_NET_BIND_SERVICE\" ],\n"
	"      \"permitted\": [ \"CAP_AUDIT_WRITE\", \"CAP_KILL\", "
	"\"CAP_NET_BIND_SERVICE\" ]\n"
	"    },\n"
	"    \"rlimits\": [ { \"type\": \"RLIMIT_NOFILE\", \"hard\": 1024, \"soft\": "
	"1024 } "
	"],\n"
	"    \"noNewPrivileges\": true\n"
	"  },\n"
	"  \"root\": { \"path\": \"rootfs\", \"readonly\": true },\n"
	"  \"hostname\": \"minibox\",\n"
	"  \"mounts\": [\n"
	"    { \"destination\": \"/proc\", \"type\": \"proc\", \"source\": \"proc\",\n"
	"      \"options\": [ \"nosuid\", \"noexec\", \"nodev\" ] },\n"
	"    { \"destination\": \"/dev\", \"type\": \"tmpfs\", \"source\": \"tmpfs\",\n"
	"      \"options\": [ \"nosuid\", \"strictatime\", \"mode=755\", \"size=65536k\" "
	"] "
	"},\n"
	"    { \"destination\": \"/dev/pts\", \"type\": \"devpts\", \"source\": "
	"\"devpts\",\n"
	"      \"options\": [ \"nosuid\", \"noexec\", \"newinstance\", "
	"\"ptmxmode=0666\",\n"
	"                   \"mode=0620\", \"gid=5\" ] },\n"
	"    { \"destination\": \"/dev/shm\", \"type\": \"tmpfs\", \"source\": \"shm\",\n"
	"      \"options\": [ \"nosuid\", \"noexec\", \"nodev\", \"mode=1777\", "
	"\"size=65536k\" ] },\n"
	"    { \"destination\": \"/dev/mqueue\", \"type\": \"mqueue\", \"source\": "
	"\"mqueue\",\n"
	"      \"options\": [ \"nosuid\", \"noexec\", \"nodev\" ] },\n"
	"    { \"destination\": \"/sys\", \"type\": \"sysfs\", \"source\": \"sysfs\",\n"
	"      \"options\": [ \"nosuid\", \"noexec\", \"nodev\", \"ro\" ] },\n"
	"    { \"destination\": \"/sys/fs/cgroup\", \"type\": \"cgroup\", \"source\": "
	"\"cgroup\",\n"
	"      \"options\": [ \"nosuid\", \"noexec\", \"nodev\", \"relatime\", \"ro\" ] "
	"}\n"
	"  ],\n"
	"  \"linux\": {\n"
	"    \"resources\": { \"devices\": [ { \"allow\": false, \"access\": \"rwm\" } ] "
	"},\n"
	"    \"namespaces\": [\n"
	"      { \"type\": \"pid\" }, { \"type\": \"network\" }, { \"type\": \"ipc\" },\n"
	"      { \"type\": \"uts\" }, { \"type\": \"mount\" }, { \"type\": \"cgroup\" }\n"
	"    ],\n"
	"    \"maskedPaths\": [\n"
	"      \"/proc/acpi\", \"/proc/asound\", \"/proc/interrupts\", \"/proc/kcore\",\n"
	"      \"/proc/keys\", \"/proc/latency_stats\", \"/proc/sched_debug\", "
	"\"/proc/scsi\",\n"
	"      \"/proc/timer_list\", \"/proc/timer_stats\", \"/sys/firmware\",\n"
	"      \"/sys/devices/virtual/powercap\"\n"
	"    ],\n"
	"    \"readonlyPaths\": [\n"
	"      \"/proc/bus\", \"/proc/fs\", \"/proc/irq\", \"/proc/sys\", "
	"\"/proc/sysrq-trigger\"\n"
	"    ]\n"
	"  }\n"
	"}\n";

static int spec_run(struct oci_run *o, const struct oci_args *a, struct err *e)
{
	const char *bundle = oci_args_value(a, "bundle");
	AUTO_CLOSE int dir =
		open(bundle ? bundle : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	(void)o;
	if (dir < 0)
		return err_set(e, errno, "open bundle '%s'", bundle ? bundle : ".");
	if (faccessat(dir, "config.json", F_OK, AT_SYMLINK_NOFOLLOW) == 0)
		return err_msg(e, EEXIST, "'config.json' exists already");
	return fd_write_file(dir, "config.json", example, strlen(example), 0644, e);
}

static json_t *hook_names(void)
{
	return json_pack("[s,s,s,s,s,s]", "prestart", "createRuntime", "createContainer",
			 "startContainer", "poststart", "poststop");
}

static json_t *linux_features(void)
{
	AUTO_STRV struct strv caps = STRV_INIT, actions = STRV_INIT,
			      operators = STRV_INIT, archs = STRV_INIT;
	json_t *j = json_object(), *kinds = json_array();

	for (size_t i = 0; i < OCI_NAMESPACES; i++)
		json_array_append_new(kinds, json_string(oci_namespaces[i].name));
	container_caps_names(&caps);
	container_seccomp_features(&actions, &operators, &archs);
	json_object_set_new(j, "namespaces", kinds);
	json_object_set_new(j, "capabilities", json_from_strv(&caps));
	json_object_set_new(j, "cgroup",
			    json_pack("{s:b,s:b,s:b,s:b}", "v1", 1, "v2", 1, "systemd", 0,
				      "systemdUser", 0));
	json_object_set_new(j, "seccomp",
			    json_pack("{s:b,s:o,s:o,s:o}", "enabled", 1, "actions",
				      json_from_strv(&actions), "operators",
				      json_from_strv(&operators), "archs",
				      json_from_strv(&archs)));
	json_object_set_new(j, "apparmor", json_pack("{s:b}", "enabled", 1));
	json_object_set_new(j, "selinux", json_pack("{s:b}", "enabled", 0));
	json_object_set_new(j, "intelRdt", json_pack("{s:b}", "enabled", 0));
	json_object_set_new(j, "mountExtensions",
			    json_pack("{s:{s:b}}", "idmap", "enabled", 1));
	return j;
}

static int features_run(struct oci_run *o, const struct oci_args *a, struct err *e)
{
	AUTO_STRV struct strv options = STRV_INIT;
	AUTO_JSON json_t *j = json_object();
	AUTO_FREE char *text = NULL;

	(void)o;
	(void)a;
	oci_mount_option_names(&options);
	json_object_set_new(j, "ociVersionMin", json_string("1.0.0"));
	json_object_set_new(j, "ociVersionMax", json_string(OCI_VERSION));
	json_object_set_new(j, "hooks", hook_names());
	json_object_set_new(j, "mountOptions", json_from_strv(&options));
	json_object_set_new(j, "linux", linux_features());
	text = json_dumps(j, JSON_INDENT(2));
	if (!text)
		return err_msg(e, ENOMEM, "cannot write the 'features' as JSON");
	printf("%s\n", text);
	return 0;
}

static const struct oci_option spec_options[] = {
	{ "bundle", 'b', "DIR", "where to make it (default: this directory)" },
};

const struct oci_command oci_cmd_spec = {
	.name = "spec",
	.operands = "",
	.summary = "Make a config.json to begin with",
	.max_operands = 0,
	.stateless = true,
	.options = spec_options,
	.n_options = ARRAY_LEN(spec_options),
	.run = spec_run,
};

const struct oci_command oci_cmd_features = {
	.name = "features",
	.operands = "",
	.summary = "Print what this runtime supports",
	.max_operands = 0,
	.stateless = true,
	.run = features_run,
};
