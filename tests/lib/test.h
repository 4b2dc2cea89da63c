/*
 * tests/lib/test.h - the unit tests' harness: each TEST() runs in a process of its own,
 * TAP out.
 *
 * A test that lacks something it needs calls SKIP("what"): counted and named, never
 * silent. Include once per test program, which then needs no main().
 */
#ifndef TEST_H
#define TEST_H

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "runtime/base/fd.h"

struct test_case {
	const char *name;
	void (*run)(void);
};

#define TEST(fn)                                                                         \
	static void fn(void);                                                            \
	static const struct test_case test_case_##fn = { #fn, fn };                      \
	__attribute__((                                                                  \
		used,                                                                    \
		section("test_cases"))) static const struct test_case *test_ptr_##fn =   \
		&test_case_##fn;                                                         \
	static void fn(void)

#define CHECK(cond)                                                                      \
	do {                                                                             \
		if (!(cond))                                                             \
			test_fail(__FILE__, __LINE__, "%s", #cond);                      \
	} while (0)
#define CHECK_INT(a, b)                                                                  \
	do {                                                                             \
		long long a_ = (long long)(a), b_ = (long long)(b);                      \
		if (a_ != b_)                                                            \
			test_fail(__FILE__, __LINE__, "%s is %lld, wanted %lld", #a, a_, \
				  b_);                                                   \
	} while (0)
#define CHECK_STR(a, b)                                                                  \
	do {                                                                             \
		const char *a_ = (a), *b_ = (b);                                         \
		if (!a_ || strcmp(a_, b_) != 0)                                          \
			test_fail(__FILE__, __LINE__, "%s is '%s', wanted '%s'", #a,     \
				  a_ ? a_ : "(null)", b_);                               \
	} while (0)
/* CHECK_OK: a call that must give 0; prints the struct err otherwise. */
#define CHECK_OK(call, err)                                                              \
	do {                                                                             \
		int r_ = (call);                                                         \
		if (r_ != 0)                                                             \
			test_fail(__FILE__, __LINE__, "%s gave %d: %s", #call, r_,       \
				  err_text(err));                                        \
	} while (0)
#define SKIP(why)                                                                        \
	do {                                                                             \
		printf("# skip: %s\n", why);                                             \
		fflush(stdout);                                                          \
		_exit(77);                                                               \
	} while (0)

__attribute__((format(printf, 3, 4), noreturn, unused)) static void
test_fail(const char *file, int line, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	printf("# %s:%d: ", file, line);
	vprintf(fmt, ap);
	printf("\n");
	va_end(ap);
	fflush(stdout);
	_exit(1);
}

static char test_scratch_path[64];

/* A fresh directory, removed when the test program ends; the fd is the caller's. */
__attribute__((unused)) static int scratch_dir(void)
{
	char path[128];
	static int n;

	snprintf(path, sizeof(path), "%s/%d-%d", test_scratch_path, (int)getpid(), n++);
	if (mkdir(path, 0700) < 0)
		test_fail(__FILE__, __LINE__, "mkdir %s", path);
	return open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

extern const struct test_case *__start_test_cases[], *__stop_test_cases[];

int main(int argc, char **argv)
{
	size_t n = (size_t)(__stop_test_cases - __start_test_cases);
	struct err e = ERR_INIT;
	const char *tmp = getenv("TMPDIR"), *slow = getenv("SLOW");
	unsigned limit = 60 * (slow && atoi(slow) > 0 ? (unsigned)atoi(slow) : 1);
	int failed = 0;

	snprintf(test_scratch_path, sizeof(test_scratch_path), "%s/minibox-unit.XXXXXX",
		 tmp ? tmp : "/tmp");
	if (!mkdtemp(test_scratch_path))
		return 1;
	printf("1..%zu\n", n);
	for (size_t i = 0; i < n; i++) {
		const struct test_case *t = __start_test_cases[i];
		int st = 0;
		pid_t pid;

		if (argc > 1 && strcmp(argv[1], t->name) != 0)
			continue;
		fflush(stdout);
		pid = fork();
		if (pid == 0) {
			alarm(limit);
			t->run();
			fflush(stdout);
			_exit(0);
		}
		waitpid(pid, &st, 0);
		if (WIFEXITED(st) && WEXITSTATUS(st) == 77)
			printf("ok %zu - %s # SKIP\n", i + 1, t->name);
		else if (WIFEXITED(st) && WEXITSTATUS(st) == 0)
			printf("ok %zu - %s\n", i + 1, t->name);
		else
			printf("not ok %zu - %s (status 0x%x)\n", i + 1, t->name, st),
				failed++;
	}
	if (fd_rm_rf(AT_FDCWD, test_scratch_path, &e) < 0)
		printf("# %s\n", err_text(&e));
	return failed ? 1 : 0;
}

#endif
