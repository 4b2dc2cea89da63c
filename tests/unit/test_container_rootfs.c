/* tests/unit/test_container_rootfs.c - mounts, masks and /dev as a container sees them.
 */
#include "tests/lib/container_fixture.h"

static struct container_mount *add_bind(struct fixture *f, const char *source,
					const char *target)
{
	struct container_mount *m = container_spec_add_mount(&f->spec);

	m->type = CONTAINER_MOUNT_BIND;
	m->source = str_dup(source);
	m->target = str_dup(target);
	return m;
}

static char *scratch_path(int dir)
{
	char link[64], path[4096];
	ssize_t n;

	snprintf(link, sizeof(link), "/proc/self/fd/%d", dir);
	n = readlink(link, path, sizeof(path) - 1);
	CHECK(n > 0);
	path[n] = '\0';
	return str_dup(path);
}

TEST(rootfs_shows_nothing_of_the_host)
{
	struct fixture *f = fix_new();

	fix_check(f, "[ \"$(ls / | tr '\\n' ' ')\" = 'bin data dev etc home proc sys tmp "
		     "' ] &&"
		     "! grep -qE ' /(mnt|work|run)|/dev/vda' /proc/self/mountinfo &&"
		     "[ $(ls -d /proc/[0-9]* | wc -l) -le 5 ]");
}

TEST(rootfs_masks_paths_of_proc_and_sys)
{
	struct fixture *f = fix_new();

	fix_check(
		f,
		"for p in kcore keys timer_list latency_stats sched_debug interrupts; do"
		" [ ! -s /proc/$p ] || { echo $p; exit 1; }; "
		" [ -z \"$(cat /proc/$p 2>/dev/null)\" ] || { echo $p; exit 1; }; done;"
		"for p in /proc/acpi /proc/scsi /sys/firmware "
		"/sys/devices/virtual/powercap; do"
		" [ -z \"$(ls $p 2>/dev/null)\" ] || { echo $p; exit 1; }; done");
	fix_check(f, "for p in /proc/sys/kernel/hostname /proc/sysrq-trigger /proc/irq/x"
		     " /proc/sys/net/core/somaxconn /proc/fs/x /proc/bus/x /sys/x; do"
		     " (echo 1 > $p) 2>/dev/null && { echo $p; exit 1; }; done; true");
}

TEST(rootfs_masked_paths_exist_here_so_that_the_test_means_something)
{
	CHECK(access("/proc/keys", F_OK) == 0 && access("/proc/interrupts", F_OK) == 0);
	CHECK(access("/proc/irq", F_OK) == 0 && access("/sys/firmware", F_OK) == 0);
}

TEST(rootfs_sysfs_shows_the_containers_own_network)
{
	struct fixture *f = fix_new();

	fix_check(f, "[ \"$(ls /sys/class/net | grep -v -e tunl -e sit -e gre -e erspan "
		     "-e ip_vti"
		     " -e ip6)\" = lo ] && grep -q ' /sys .*ro,.* - sysfs ' "
		     "/proc/self/mountinfo");
}

TEST(rootfs_falls_back_to_a_bound_sysfs_in_the_hosts_network)
{
	struct fixture *f = fix_new();

	f->spec.netns_fd = -1;
	fix_check(f, "[ -d /sys/class/net/lo ] && ! (echo 1 > /sys/x) 2>/dev/null &&"
		     "[ -z \"$(ls /sys/firmware)\" ]");
}

TEST(rootfs_dev_is_minimal_and_works)
{
	struct fixture *f = fix_new();

	fix_check(f,
		  "[ \"$(ls /dev | tr '\\n' ' ')\" = 'fd full mqueue null ptmx pts "
		  "random shm"
		  " stderr stdin stdout tty urandom zero ' ] && echo x > /dev/null &&"
		  "[ $(head -c 4 /dev/zero | wc -c) = 4 ] &&"
		  "[ $(head -c 4 /dev/urandom | wc -c) = 4 ] &&"
		  "! (echo x > /dev/full) 2>/dev/null && [ ! -e /dev/core ] &&"
		  "[ $(df -k /dev/shm | awk 'END{print $2}') = 65536 ] &&"
		  "touch /dev/shm/a /dev/mqueue/q && chmod 1777 /dev/mqueue /dev/shm &&"
		  "[ \"$(stat -c %u:%g:%a /dev/mqueue /dev/shm | uniq)\" = 0:0:1777 ] && "
		  "[ $(stat -c %a /dev/ptmx) = 777 ] &&"
		  "[ $(stat -L -c %a /dev/ptmx) = 666 ]");
	f->spec.shm_bytes = 1 << 20;
	fix_check(f, "[ $(df -k /dev/shm | awk 'END{print $2}') = 1024 ]");
}

TEST(rootfs_honours_no_device_node_of_an_image)
{
	struct fixture *f = fix_new();

	CHECK(mknodat(f->tree, "data/null", S_IFCHR | 0666, 1 << 8 | 3) == 0);
	fix_check(f, "[ -c /data/null ] && ! (echo x > /data/null) 2>/dev/null");
	f->spec.userns_fd = f->spec.netns_fd = -1;
	f->spec.rootfs_fd = f->tree;
	fix_check(f, "[ -c /data/null ] && ! (echo x > /data/null) 2>/dev/null");
}

TEST(rootfs_binds_directories_and_files_on_targets_it_makes)
{
	struct fixture *f = fix_new();
	AUTO_CLOSE int dir = scratch_dir();
	AUTO_FREE char *path = scratch_path(dir), *file = str_fmt("%s/file", path);
	struct err e = ERR_INIT;
	struct container_mount *m;

	if (container_can_idmap(dir, f->userns, &e) != 0)
		SKIP("a file system below /tmp that can be idmapped");
	CHECK(fchmod(dir, 0755) == 0);
	fix_write(dir, "file", "content\n", 0644);
	add_bind(f, path, "/new/deep/dir")->read_only = true;
	add_bind(f, file, "/etc/new/file");
	/* an inner user's root may write what the host's root owns only through an idmap
	 */
	m = add_bind(f, path, "/mapped");
	m->idmap = true;
	m->nosuid = m->nodev = m->noexec = true;
	fix_check(f, "[ $(cat /new/deep/dir/file) = content ] && [ $(cat /etc/new/file) "
		     "= content ]"
		     "&& ! touch /new/deep/dir/x 2>/dev/null && ! touch /etc/new/file "
		     "2>/dev/null"
		     "&& touch /mapped/made && [ $(stat -c %u /mapped/file) = 0 ]"
		     "&& grep -q ' /mapped rw,nosuid,nodev,noexec' /proc/self/mountinfo");
	CHECK(faccessat(dir, "made", F_OK, 0) == 0);
	/* by fd, as the program hands over volumes */
	m = container_spec_add_mount(&f->spec);
	m->source_fd = dir;
	m->target = str_dup("/byfd");
	fix_check(f, "[ $(cat /byfd/file) = content ]");
	add_bind(f, "/nowhere/at/all", "/x");
	fix_script(f, "true");
	CHECK_INT(fix_run(f, &e), -1);
	CHECK_STR(err_text(&e),
		  "create container: bind '/nowhere/at/all' at '/x': No such file "
		  "or directory");
}

TEST(rootfs_resolves_targets_inside_the_container_only)
{
	struct fixture *f = fix_new();
	AUTO_CLOSE int dir = scratch_dir();
	AUTO_FREE char *path = scratch_path(dir);
	AUTO_FREE char *target = str_fmt("/escape%s/in", path);
	struct err e = ERR_INIT;

	fix_write(dir, "file", "content\n", 0644);
	/* an image whose directory is a link to the top: it must be the container's top
	 */
	CHECK(symlinkat("../../../../..", f->tree, "escape") == 0);
	add_bind(f, path, target);
	fix_check(f, "true");
	CHECK(faccessat(dir, "in", F_OK, 0) < 0);
	add_bind(f, path, "/a/../../b");
	fix_script(f, "true");
	CHECK_INT(fix_run(f, &e), -1);
	CHECK_STR(err_text(&e),
		  "create container: mount '/a/../../b': path '/a/../../b' has a "
		  "'..'");
}

TEST(rootfs_refuses_an_image_with_a_link_for_proc)
{
	struct fixture *f = fix_new();
	struct err e = ERR_INIT;

	CHECK(symlinkat("data", f->tree, "proc") == 0);
	fix_script(f, "true");
	CHECK_INT(fix_run(f, &e), -1);
	CHECK_STR(err_text(&e),
		  "create container: mount '/proc': open '/proc' in the container: "
		  "Too many levels of symbolic links");
}

/* CVE-2019-16884 */
TEST(rootfs_mounts_nothing_below_proc_but_what_lxcfs_does)
{
	static const char *const targets[] = { "/proc/self", "/proc/sys", "/lead/attr" };
	AUTO_CLOSE int dir = scratch_dir();
	AUTO_FREE char *path = scratch_path(dir), *file = str_fmt("%s/cpuinfo", path);
	struct fixture *f = fix_new();

	CHECK(symlinkat("/proc/self", f->tree, "lead") == 0);
	for (size_t i = 0; i < ARRAY_LEN(targets); i++) {
		AUTO_FREE char *want = str_fmt("create container: mount '%s': nothing "
					       "can be mounted below '/proc'",
					       targets[i]);
		struct err e = ERR_INIT;

		f->spec.n_mounts = 0;
		add_bind(f, path, targets[i]);
		fix_script(f, "true");
		CHECK_INT(fix_run(f, &e), -1);
		CHECK_STR(err_text(&e), want);
	}
	fix_write(dir, "cpuinfo", "none\n", 0644);
	f->spec.n_mounts = 0;
	add_bind(f, file, "/proc/cpuinfo");
	fix_check(f, "[ $(cat /proc/cpuinfo) = none ]");
}

/* What is there is not for us to give away. */
TEST(rootfs_working_directory_that_is_there_keeps_its_owner)
{
	struct fixture *f = fix_new();

	f->spec.user = str_dup("app");
	f->spec.cwd = str_dup("/data");
	fix_check(f, "[ $(stat -c %u /data) = 0 ]");
	str_set(&f->spec.cwd, "/data/new");
	fix_check(f, "[ $(stat -c %u /data) = 0 ] && [ $(stat -c %u /data/new) = 1000 ]");
}

TEST(rootfs_mounts_tmpfs_with_options)
{
	struct fixture *f = fix_new();
	struct container_mount *m = container_spec_add_mount(&f->spec);
	struct err e = ERR_INIT;

	m->type = CONTAINER_MOUNT_TMPFS;
	m->target = str_dup("/run/t");
	m->options = str_dup("size=64k,mode=1770,uid=1000,noexec,nosuid");
	fix_check(f, "[ $(stat -c '%a %u' /run/t | tr ' ' -) = 1770-1000 ] &&"
		     "[ $(df -k /run/t | awk 'END{print $2}') = 64 ] &&"
		     "grep -q ' /run/t rw,nosuid,nodev,noexec' /proc/self/mountinfo");
	str_set(&m->options, "sise=1");
	CHECK_INT(fix_run(f, &e), -1);
	CHECK_STR(err_text(&e),
		  "create container: mount '/run/t': file system 'tmpfs': option "
		  "'sise': Invalid argument");
}

TEST(rootfs_is_read_only_when_asked_but_its_mounts_are_not)
{
	struct fixture *f = fix_new();
	struct container_mount *m = container_spec_add_mount(&f->spec);

	m->type = CONTAINER_MOUNT_TMPFS;
	m->target = str_dup("/tmp");
	f->spec.read_only = true;
	fix_check(f, "! touch /etc/x 2>/dev/null && touch /tmp/x && touch /dev/shm/x");
}

TEST(rootfs_mounts_inside_never_reach_the_host)
{
	struct fixture *f = fix_new();
	AUTO_CLOSE int dir = scratch_dir();
	AUTO_FREE char *path = scratch_path(dir);
	AUTO_BUF struct buf text = BUF_INIT;
	struct err e = ERR_INIT;

	CHECK(mount("none", path, "tmpfs", 0, NULL) == 0);
	CHECK(mount(NULL, path, NULL, MS_SHARED, NULL) == 0);
	CHECK(mkdirat(AT_FDCWD, str_fmt("%s/sub", path), 0777) == 0);
	add_bind(f, path, "/shared");
	f->spec.privileged = true;
	fix_check(f, "mount -t tmpfs inner /shared/sub && grep -q /shared/sub "
		     "/proc/self/mountinfo");
	CHECK_OK(fd_read_file(AT_FDCWD, "/proc/self/mountinfo", 1 << 20, &text, &e), &e);
	CHECK(!strstr(text.data, "/sub "));
	CHECK(umount2(path, MNT_DETACH) == 0);
}
