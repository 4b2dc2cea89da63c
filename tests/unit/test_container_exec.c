/* tests/unit/test_container_exec.c - a further process in a running container. */
#include "tests/lib/container_fixture.h"

/* A container that sleeps, and a copy of its spec as the CLI would have it from the
 * store. */
struct exec_fixture {
	struct fixture *f;
	struct container *c;
	struct container_spec stored;
};

static struct exec_fixture running(const char *script, const char *user)
{
	struct exec_fixture x = { .f = fix_new() };
	struct err e = ERR_INIT;
	AUTO_JSON json_t *j = NULL;

	x.f->spec.user = str_dup(user);
	fix_script(x.f, script);
	CHECK_OK(container_create(&x.f->spec, &x.c, &e), &e);
	CHECK_OK(container_start(x.c, &e), &e);
	j = container_spec_format(&x.f->spec);
	container_spec_init(&x.stored);
	CHECK_OK(container_spec_parse(j, &x.stored, &e), &e);
	return x;
}

static int exec_script(struct exec_fixture *x, const char *script, char *out, size_t n,
		       struct err *e)
{
	struct container *c = NULL;
	int p[2], st, r;

	strv_free(&x->stored.args);
	strv_add(&x->stored.args, "busybox");
	strv_add(&x->stored.args, "sh");
	strv_add(&x->stored.args, "-c");
	strv_add(&x->stored.args, script);
	CHECK(pipe2(p, O_CLOEXEC) == 0);
	x->stored.stdio[1] = x->stored.stdio[2] = p[1];
	r = container_exec(&x->stored, container_pid(x->c), container_pidfd(x->c), &c, e);
	close(p[1]);
	if (r < 0) {
		container_free(c);
		return r;
	}
	fix_read_all(p[0], out, n);
	close(p[0]);
	CHECK_OK(container_wait(c, &st, e), e);
	container_free(c);
	return fix_exit_code(st);
}

TEST(exec_joins_all_namespaces_with_the_same_confinement)
{
	struct exec_fixture x = running("exec sleep 60", "");
	struct err e = ERR_INIT;
	char out[4096];
	int r = exec_script(&x,
			    "for n in user mnt net ipc uts pid cgroup; do"
			    " [ $(readlink /proc/self/ns/$n) = $(readlink /proc/1/ns/$n) "
			    "] || echo $n; done;"
			    "for k in CapEff CapBnd CapPrm Seccomp: NoNewPrivs; do"
			    " [ \"$(grep $k /proc/self/status)\" = \"$(grep $k "
			    "/proc/1/status)\" ] || echo $k;"
			    "done; [ $(hostname) = box ] && [ $(id -u) = 0 ]; ls "
			    "/proc/self/fd | tr '\\n' ' '",
			    out, sizeof(out), &e);

	CHECK_INT(r, 0);
	CHECK_STR(out, "0 1 2 3 ");
	container_abort(x.c);
}

TEST(exec_as_the_user_of_the_image_in_its_directory)
{
	struct exec_fixture x = running("exec sleep 60", "app");
	struct err e = ERR_INIT;
	char out[4096];

	x.stored.cwd = str_dup("/home/app");
	CHECK_INT(exec_script(&x, "id -u; pwd; echo $HOME; exit 9", out, sizeof(out), &e),
		  9);
	CHECK_STR(out, "1000\n/home/app\n/home/app\n");
	container_abort(x.c);
}

TEST(exec_tells_127_from_126)
{
	struct exec_fixture x = running("exec sleep 60", "");
	struct container *c = NULL;
	struct err e = ERR_INIT;

	strv_free(&x.stored.args);
	strv_add(&x.stored.args, "nosuch");
	CHECK_INT(container_exec(&x.stored, container_pid(x.c), container_pidfd(x.c), &c,
				 &e),
		  -ENOENT);
	CHECK(c);
	CHECK_INT(container_exec_errno(c), ENOENT);
	CHECK_STR(err_text(&e), "execute 'nosuch': No such file or directory");
	container_free(c);
	container_abort(x.c);
	CHECK(waitpid(-1, NULL, WNOHANG) < 0 && errno == ECHILD);
}

TEST(exec_in_a_container_that_is_gone_is_an_error)
{
	struct exec_fixture x = running("exec sleep 60", "");
	struct container *c = NULL;
	struct err e = ERR_INIT;
	AUTO_CLOSE int pidfd = dup(container_pidfd(x.c));
	pid_t pid = container_pid(x.c);

	container_abort(x.c);
	CHECK_INT(container_exec(&x.stored, pid, pidfd, &c, &e), -ESRCH);
	CHECK(!c);
}

TEST(exec_with_a_terminal)
{
	struct exec_fixture x = running("exec sleep 60", "app");
	struct container *c = NULL;
	struct err e = ERR_INIT;
	char out[4096];
	int st;

	x.stored.tty = true;
	strv_free(&x.stored.args);
	strv_add(&x.stored.args, "/bin/busybox");
	strv_add(&x.stored.args, "sh");
	strv_add(&x.stored.args, "-c");
	strv_add(&x.stored.args, "tty; echo ok > /dev/tty");
	CHECK_OK(container_exec(&x.stored, container_pid(x.c), container_pidfd(x.c), &c,
				&e),
		 &e);
	CHECK(isatty(container_tty(c)));
	fix_read_all(container_tty(c), out, sizeof(out));
	CHECK_OK(container_wait(c, &st, &e), &e);
	CHECK_STR(out, "/dev/pts/0\r\nok\r\n");
	CHECK_INT(st, 0);
	container_free(c);
	container_abort(x.c);
}

/* CVE-2016-9962: root of the container must not see into a process that joins it. */
TEST(exec_cannot_be_looked_into_before_it_is_the_containers_own)
{
	struct exec_fixture x = running(
		"while :; do for p in /proc/[0-9]*; do"
		" case $p in /proc/1) continue;; esac;"
		" l=$(readlink $p/exe 2>/dev/null) && [ \"$l\" != /bin/busybox ] &&"
		" echo saw $l >> /data/seen;"
		" for fd in $p/fd/*; do l=$(readlink $fd 2>/dev/null) && case $l in"
		" pipe*|/dev/null|socket*|/proc/*|/data/*) ;; *) echo fd $l >> "
		"/data/seen;; esac; done;"
		" done; done",
		"");
	struct err e = ERR_INIT;
	char out[4096];

	for (int i = 0; i < 40; i++)
		CHECK_INT(exec_script(&x, "true", out, sizeof(out), &e), 0);
	if (faccessat(x.f->tree, "data/seen", F_OK, 0) == 0) {
		AUTO_BUF struct buf seen = BUF_INIT;

		CHECK_OK(fd_read_file(x.f->tree, "data/seen", 1 << 20, &seen, &e), &e);
		test_fail(__FILE__, __LINE__, "%s", seen.data);
	}
	container_abort(x.c);
}

/* CVE-2024-21626: a working directory through one of our fds. */
TEST(exec_refuses_a_working_directory_of_the_host)
{
	struct exec_fixture x = running("exec sleep 60", "");
	struct err e = ERR_INIT;
	char out[256], path[64];

	for (int fd = 3; fd < 12; fd++) {
		snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
		str_set(&x.stored.cwd, path);
		CHECK(exec_script(&x, "true", out, sizeof(out), &e) < 0);
		err_clear(&e);
	}
	container_abort(x.c);
}
