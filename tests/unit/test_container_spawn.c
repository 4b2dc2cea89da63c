/* tests/unit/test_container_spawn.c - a helper on our own memory, and where it cannot be
 * born in a cgroup. */
#include "runtime/container/spawn.h"

#include <errno.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "tests/lib/test.h"

static int note_pid(void *arg, struct err *e)
{
	(void)e;
	*(pid_t *)arg = (pid_t)syscall(SYS_getpid);
	return 0;
}

static int refuse(void *arg, struct err *e)
{
	(void)arg;
	return err_msg(e, ENOENT, "there is no '%s'", "such");
}

static int die(void *arg, struct err *e)
{
	(void)arg;
	(void)e;
	return kill((pid_t)syscall(SYS_getpid), SIGKILL);
}

TEST(spawn_runs_on_our_memory_and_is_waited_for)
{
	struct err e = ERR_INIT;
	pid_t pid = 0;

	CHECK_OK(container_spawn(note_pid, &pid, -1, "helper", &e), &e);
	CHECK(pid > 0 && pid != getpid() && kill(pid, 0) < 0);
	CHECK_INT(container_spawn(refuse, NULL, -1, "helper", &e), -ENOENT);
	CHECK_STR(err_text(&e), "there is no 'such'");
	err_clear(&e);
	CHECK_INT(container_spawn(die, NULL, -1, "helper", &e), -EIO);
	CHECK_STR(err_text(&e), "'helper' was killed by signal 9");
}

/* As where the kernel knows no CLONE_INTO_CGROUP, or the group is not to be born in. */
TEST(spawn_into_what_is_no_cgroup_is_an_outcome)
{
	AUTO_CLOSE int dir = scratch_dir();
	struct err e = ERR_INIT;
	pid_t pid = 0;

	CHECK_INT(container_spawn(note_pid, &pid, dir, "helper", &e), -EOPNOTSUPP);
	CHECK(pid == 0 && e.code == 0);
}
