/* tests/unit/test_netns_resolv.c - a container's resolv.conf. */
#include "netns/netns.h"

#include "tests/lib/test.h"

#define REAL_FILE "systemd/resolve/resolv.conf"
#define NM_FILE "NetworkManager/no-stub-resolv.conf"

static void put(int dir, const char *name, const char *text)
{
	struct err e = ERR_INIT;
	AUTO_CLOSE int sub = -1;
	const char *slash = strrchr(name, '/');
	AUTO_FREE char *parent =
		slash ? str_ndup(name, (size_t)(slash - name)) : str_dup(".");

	CHECK_OK(fd_mkdirs(dir, parent, 0755, &sub, &e), &e);
	CHECK_OK(fd_write_file(sub, slash ? slash + 1 : name, text, strlen(text), 0644,
			       &e),
		 &e);
}

/* fd_mkdirs takes a relative path from the working directory: each case has its own. */
static char *resolv(const char *etc_text, const char *run_name, const char *run_text)
{
	AUTO_CLOSE int dir = scratch_dir();
	struct err e = ERR_INIT;
	char *ret = NULL;

	CHECK(fchdir(dir) == 0);
	if (etc_text)
		put(dir, "resolv.conf", etc_text);
	if (run_name)
		put(dir, run_name, run_text);
	CHECK_OK(netns_resolv_conf(".", ".", &ret, &e), &e);
	return ret;
}

TEST(resolv_conf_never_holds_a_loopback_stub)
{
	static const struct {
		const char *etc, *run_name, *run, *want;
	} rows[] = {
		{ "nameserver 192.0.2.53\n", NULL, NULL, "nameserver 192.0.2.53\n" },
		{ "# c\n; c\n\nsearch a.example b.example\nnameserver 192.0.2.53 # mine\n"
		  "options ndots:2\n",
		  NULL, NULL,
		  "nameserver 192.0.2.53\nsearch a.example b.example\noptions "
		  "ndots:2\n" },
		{ "nameserver 127.0.0.53\noptions edns0 trust-ad\nsearch x\n", REAL_FILE,
		  "nameserver 192.0.2.1\nnameserver 192.0.2.2\nsearch corp.example\n",
		  "nameserver 192.0.2.1\nnameserver 192.0.2.2\nsearch corp.example\n" },
		{ "nameserver 127.0.0.1\n", NM_FILE, "nameserver 192.0.2.7\n",
		  "nameserver 192.0.2.7\n" },
		/* a real server beside the stub: the file is not a stub's */
		{ "nameserver 127.0.0.53\nnameserver 192.0.2.9\n", REAL_FILE,
		  "nameserver 192.0.2.1\n", "nameserver 192.0.2.9\n" },
		{ "nameserver 127.0.0.53\nsearch x\n", NULL, NULL, "search x\n" },
		{ "nameserver 127.0.0.53\n", REAL_FILE, "nameserver 127.0.0.1\n", "" },
		{ "nameserver ::1\nnameserver 0.0.0.0\nnameserver "
		  "fe80::1%eth0\nnameserver fe80::1\n"
		  "nameserver\nnameserver nonsense\n",
		  NULL, NULL, "" },
		{ "nameserver 2001:db8::53\nnameserver 192.0.2.53\n", NULL, NULL,
		  "nameserver 192.0.2.53\nnameserver 2001:db8::53\n" },
		{ "nameserver\t192.0.2.53\r\n", NULL, NULL, "nameserver 192.0.2.53\n" },
		{ NULL, NULL, NULL, "" },
		{ NULL, REAL_FILE, "nameserver 192.0.2.1\n", "nameserver 192.0.2.1\n" },
		{ "", NULL, NULL, "" },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		AUTO_FREE char *got = resolv(rows[i].etc, rows[i].run_name, rows[i].run);

		CHECK_STR(got, rows[i].want);
	}
}

TEST(resolv_conf_says_which_file_cannot_be_read)
{
	AUTO_CLOSE int dir = scratch_dir();
	struct err e = ERR_INIT;
	char *ret = NULL;

	CHECK(fchdir(dir) == 0 && mkdirat(dir, "resolv.conf", 0755) == 0);
	CHECK_INT(netns_resolv_conf(".", ".", &ret, &e), -EISDIR);
	CHECK_STR(err_text(&e), "read './resolv.conf': Is a directory");
}
