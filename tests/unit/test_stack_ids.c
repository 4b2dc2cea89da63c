/* Which ranges are somebody else's. */
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "runtime/stack/ids.h"
#include "tests/lib/test.h"

enum { BASE = 2000000000 };

TEST(ids_overlap_is_told_at_the_edges)
{
	static const struct {
		const char *text;
		bool want;
	} t[] = {
		{ "", false },
		{ "a:100000:65536\n", false },
		{ "a:1999999999:1\n", false },
		{ "a:1999999999:2\n", true },
		{ "a:2000065535:1\n", true },
		{ "a:2000065536:1\n", false },
		{ "x:1:2\na:1000000000:2000000000", true },
		{ "a:2000000000:0\n", false },
		{ "a:2000000000\na:b:c\n:::\n", false },
	};

	for (size_t i = 0; i < ARRAY_LEN(t); i++)
		if (ids_overlap(t[i].text, BASE) != t[i].want)
			test_fail(__FILE__, __LINE__, "row %zu", i);
}

TEST(ids_lease_avoids_every_record)
{
	struct record *a = record_new("a", "/"), *b = record_new("b", "/");
	struct err e = ERR_INIT;
	uid_t first = 0, second = 0, third = 0;

	CHECK_OK(ids_lease(NULL, NULL, 0, &first, &e), &e);
	a->uid_base = first;
	CHECK_OK(ids_lease(NULL, &a, 1, &second, &e), &e);
	CHECK(second >= first + 65536);
	b->uid_base = second;
	b->leases = mem_new(1, sizeof(*b->leases));
	b->leases[b->n_leases++] = (struct record_lease){ str_dup("s"), second + 65536 };
	CHECK_OK(ids_lease(b, &a, 1, &third, &e), &e);
	CHECK(third >= second + 2 * 65536);
	CHECK(record_ids(b, "s") == second + 65536);
	CHECK(record_ids(b, "t") == second);
	record_free(a);
	record_free(b);
}

/* systemd's UIDS-GIDS: containers up to 1879048191, foreign ids from 2147352576 on. */
TEST(ids_lie_between_what_systemd_has)
{
	struct record *own = record_new("a", "/");
	struct err e = ERR_INIT;
	uid_t id = 0;

	own->leases = mem_new(2000, sizeof(*own->leases));
	for (uid_t i = 0; i < 1900; i++)
		own->leases[own->n_leases++] =
			(struct record_lease){ str_dup("s"), 1946157056 + i * 65536 };
	while (ids_lease(own, NULL, 0, &id, &e) == 0) {
		CHECK(id > 1879048191 && id + 65535 < 2147352576 && id % 65536 == 0);
		own->leases[own->n_leases++] = (struct record_lease){ str_dup("s"), id };
	}
	CHECK(own->n_leases > 1900);
	CHECK_STR(err_text(&e), "no id range left of '2000'");
	record_free(own);
}

static pid_t run_as(uid_t uid, gid_t gid)
{
	pid_t pid = fork();

	if (pid == 0) {
		if (setresgid(gid, gid, gid) < 0 || setresuid(uid, uid, uid) < 0)
			_exit(1);
		/* as execve would leave it */
		prctl(PR_SET_DUMPABLE, 1);
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		raise(SIGSTOP);
		_exit(0);
	}
	CHECK(waitpid(pid, NULL, WUNTRACED) == pid);
	return pid;
}

TEST(ids_lease_avoids_what_a_process_runs_with)
{
	uid_t first = 0, second = 0, third = 0;
	struct err e = ERR_INIT;
	pid_t a, b;

	CHECK_OK(ids_lease(NULL, NULL, 0, &first, &e), &e);
	a = run_as(first + 65535, 0);
	CHECK_OK(ids_lease(NULL, NULL, 0, &second, &e), &e);
	CHECK(second != first);
	b = run_as(0, second);
	CHECK_OK(ids_lease(NULL, NULL, 0, &third, &e), &e);
	CHECK(third != first && third != second);
	CHECK(kill(a, SIGKILL) == 0 && kill(b, SIGKILL) == 0);
	CHECK(waitpid(a, NULL, 0) == a && waitpid(b, NULL, 0) == b);
}
