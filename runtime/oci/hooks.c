/* oci/hooks.c - see hooks.h. */
#include "runtime/oci/hooks.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "runtime/base/fd.h"
#include "runtime/base/log.h"
#include "runtime/base/proc.h"

static const json_t *list_of(const json_t *config, const char *kind)
{
	return json_object_get(json_object_get(config, "hooks"), kind);
}

bool oci_hooks_any(const json_t *config, const char *kind)
{
	return json_array_size(list_of(config, kind)) > 0;
}

/* Standard output is the container's: what a hook has to say goes beside it. */
static void become_hook(const char *path, char **argv, char **envp, int in)
	__attribute__((noreturn));
static void become_hook(const char *path, char **argv, char **envp, int in)
{
	sigset_t none;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	if (dup2(in, 0) < 0 || dup2(2, 1) < 0)
		_exit(126);
	if (close_range(3, ~0U, CLOSE_RANGE_CLOEXEC) < 0)
		_exit(126);
	execve(path, argv, envp);
	_exit(errno == ENOENT ? 127 : 126);
}

static int wait_hook(pid_t pid, long long timeout_s, const char *path, struct err *e)
{
	AUTO_CLOSE int pidfd = proc_pidfd(pid);
	bool late = false;
	int st = 0;

	if (timeout_s > 0 && pidfd >= 0 &&
	    proc_wait_exit(pidfd, (int)(timeout_s > 86400 ? 86400 : timeout_s) * 1000) ==
		    0) {
		late = true;
		(void)kill(pid, SIGKILL);
	}
	while (waitpid(pid, &st, 0) < 0 && errno == EINTR)
		;
	if (late)
		return err_msg(e, ETIMEDOUT, "hook '%s' did not end in %lld s", path,
			       timeout_s);
	if (WIFSIGNALED(st))
		return err_msg(e, EIO, "hook '%s' was killed by signal %d", path,
			       WTERMSIG(st));
	if (WEXITSTATUS(st))
		return err_msg(e, EIO, "hook '%s' ended with status %d", path,
			       WEXITSTATUS(st));
	return 0;
}

/* A memory file rather than a pipe: a hook that does not read it costs us nothing. */
static int state_file(const json_t *state, int *ret, struct err *e)
{
	AUTO_FREE char *text = json_dumps(state, JSON_COMPACT);
	AUTO_CLOSE int fd = memfd_create("state", MFD_CLOEXEC);
	int r;

	if (fd < 0 || !text)
		return err_set(e, errno, "make the hook's 'state'");
	r = fd_write_all(fd, text, strlen(text), "state", e);
	if (r < 0)
		return r;
	if (lseek(fd, 0, SEEK_SET) < 0)
		return err_set(e, errno, "rewind the hook's 'state'");
	*ret = fd_take(&fd);
	return 0;
}

static int run_hook(const json_t *hook, const json_t *state, struct err *e)
{
	const char *path = json_str(hook, "path", "");
	AUTO_STRV struct strv argv = STRV_INIT, envp = STRV_INIT;
	AUTO_CLOSE int in = -1;
	char *no_env[] = { NULL };
	pid_t pid;
	int r = state_file(state, &in, e);

	if (r < 0)
		return r;
	json_strv(hook, "args", &argv);
	json_strv(hook, "env", &envp);
	if (argv.n == 0)
		strv_add(&argv, path);
	pid = fork();
	if (pid < 0)
		return err_set(e, errno, "fork for hook '%s'", path);
	if (pid == 0)
		become_hook(path, argv.v, envp.v ? envp.v : no_env, in);
	return wait_hook(pid, json_int(hook, "timeout", 0), path, e);
}

int oci_hooks_run(const json_t *config, const char *kind, const json_t *state,
		  struct err *e)
{
	const json_t *list = list_of(config, kind), *hook;
	size_t i;

	json_array_foreach (list, i, hook)
		if (run_hook(hook, state, e) < 0)
			return err_ctx(e, "%s", kind);
	return 0;
}

void oci_hooks_run_all(const json_t *config, const char *kind, const json_t *state)
{
	const json_t *list = list_of(config, kind), *hook;
	size_t i;

	json_array_foreach (list, i, hook) {
		struct err e = ERR_INIT;

		if (run_hook(hook, state, &e) < 0)
			log_warn("%s: %s, ignoring", kind, err_text(&e));
	}
}
