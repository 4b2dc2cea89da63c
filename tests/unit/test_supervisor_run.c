/* The real minibox-supervisor over a stack of shell scripts: order, restarts, stops,
 * health. */
#include "tests/lib/fakestack.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <sys/socket.h>

#define FOREVER "exec sleep 1000\n"

static int listen_on(uint16_t *port)
{
	struct sockaddr_in a = { .sin_family = AF_INET,
				 .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t n = sizeof(a);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), one = 1;

	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	a.sin_port = htons(*port);
	CHECK(bind(fd, (struct sockaddr *)&a, sizeof(a)) == 0 &&
	      getsockname(fd, (void *)&a, &n) == 0);
	*port = ntohs(a.sin_port);
	return fd;
}

static void probe_by(struct sup_service *s, enum sup_health kind, uint16_t port)
{
	s->health = kind;
	s->health_port = port;
	s->address = htonl(INADDR_LOOPBACK);
}

/* Answers every connection, after its first bytes, with @n bytes; a process of its own.
 */
static int serve(int fd, const void *answer, size_t n)
{
	int pid = fork();

	if (pid > 0)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (;;) {
		int c = accept(fd, NULL, NULL);
		char request[256];

		if (read(c, request, sizeof(request)) > 0 && write(c, answer, n) < 0)
			_exit(1);
		close(c);
	}
}

static int count_calls(struct fakestack *f, const char *line)
{
	AUTO_FREE char *calls = fake_read(f, "calls");
	int n = 0;

	for (char *p = calls; (p = strstr(p, line)); p++)
		n++;
	return n;
}

TEST(services_start_in_order_of_their_dependencies)
{
	struct fakestack f = fake_stack();
	uint16_t port = 0;
	int fd = listen_on(&port);
	struct sup_service *db = fake_service(&f, "db", FOREVER);
	struct sup_service *web = fake_service(&f, "web", FOREVER);
	struct sup_service *nginx = fake_service(&f, "nginx", FOREVER);

	probe_by(db, SUP_HEALTH_TCP, port);
	db->health_start_ms = 10000;
	fake_depends(&f, nginx, web, SUP_DEP_STARTED);
	fake_depends(&f, web, db, SUP_DEP_HEALTHY);
	fake_up(&f);
	fake_call(&f, SUP_OP_UP, "nginx"); /* and with it all it needs */
	fake_wait(&f, "db", SUP_RUNNING);
	usleep(300000);
	CHECK_STR(fake_status(&f, "web").text, "waits for 'db'");
	CHECK_STR(fake_status(&f, "db").text, "connect: connection refused");
	CHECK_INT(fake_status(&f, "db").failures, 0);
	CHECK(listen(fd, 8) == 0);
	fake_wait(&f, "nginx", SUP_RUNNING);
	fake_wait(&f, "db", SUP_HEALTHY);
	CHECK_STR(fake_read(&f, "calls"), "launch db\nlaunch web\nlaunch nginx\n");
	fake_down(&f);
}

TEST(a_completed_dependency_lets_go_and_a_failed_one_holds)
{
	struct fakestack f = fake_stack();
	struct sup_service *migrate = fake_service(&f, "migrate", "sleep 0.2\n");
	struct sup_service *bad = fake_service(&f, "bad", "exit 3\n");
	struct sup_service *web = fake_service(&f, "web", FOREVER);
	struct sup_service *never = fake_service(&f, "never", FOREVER);

	fake_depends(&f, web, migrate, SUP_DEP_COMPLETED);
	fake_depends(&f, never, bad, SUP_DEP_COMPLETED);
	fake_up(&f);
	fake_call(&f, SUP_OP_UP, "");
	fake_wait(&f, "web", SUP_RUNNING);
	CHECK_INT(fake_wait(&f, "migrate", SUP_EXITED).exit_status, 0);
	CHECK_INT(fake_wait(&f, "bad", SUP_EXITED).exit_status, 3 << 8);
	usleep(50000);
	CHECK_INT(fake_status(&f, "never").state, SUP_WAITING);
	CHECK_STR(fake_status(&f, "never").text,
		  "dependency 'bad' failed: exited with status 3");
	/* Asked again: what failed gets another chance, what is done stays done. */
	fake_write(&f, "bad/cmd", "exit 0\n");
	fake_call(&f, SUP_OP_UP, "");
	fake_wait(&f, "never", SUP_RUNNING);
	CHECK_INT(count_calls(&f, "launch migrate"), 1);
	fake_down(&f);
}

TEST(a_crashing_service_is_restarted_with_backoff_and_a_bound)
{
	struct fakestack f = fake_stack();
	struct sup_service *loop = fake_service(&f, "loop", "exit 1\n");
	struct sup_service *bound = fake_service(&f, "bound", "exit 1\n");
	struct sup_service *absent = fake_service(&f, "absent", NULL);
	uint32_t restarts;

	loop->restart = SUP_ALWAYS;
	bound->restart = SUP_ON_FAILURE;
	bound->restart_max = 2;
	absent->restart = SUP_NO;
	fake_up(&f);
	fake_call(&f, SUP_OP_UP, "");
	CHECK_INT(fake_wait(&f, "absent", SUP_EXITED).exit_status, 127 << 8);
	CHECK_STR(fake_status(&f, "absent").text, "exec 'absent': No such file");
	usleep(1100000); /* starts at 0, 0.1, 0.3, 0.7, 1.5 s */
	restarts = fake_status(&f, "loop").restarts;
	CHECK(restarts == 3 || restarts == 4);
	CHECK_INT(fake_wait(&f, "bound", SUP_EXITED).restarts, 2);
	CHECK_INT(count_calls(&f, "launch bound"), 3);
	fake_call(&f, SUP_OP_STOP, "loop");
	CHECK_INT(fake_status(&f, "loop").state, SUP_EXITED);
	CHECK_INT(fake_status(&f, "loop").wanted, 0);
	fake_down(&f);
}

TEST(stopping_goes_backwards_and_kills_after_the_grace)
{
#define SAYS(name)                                                                       \
	"trap 'echo " name " >>../order; exit 0' TERM\nwhile :; do sleep 0.05; done\n"
	struct fakestack f = fake_stack();
	struct sup_service *db = fake_service(&f, "db", SAYS("db"));
	struct sup_service *web = fake_service(&f, "web", SAYS("web"));
	struct sup_service *nginx = fake_service(&f, "nginx", SAYS("nginx"));
	struct sup_service *deaf =
		fake_service(&f, "deaf", "trap '' TERM\nwhile :; do sleep 1; done\n");

	fake_depends(&f, nginx, web, SUP_DEP_HEALTHY);
	fake_depends(&f, web, db, SUP_DEP_HEALTHY);
	deaf->stop_grace_ms = 300;
	fake_up(&f);
	fake_call(&f, SUP_OP_UP, "");
	fake_wait(&f, "nginx", SUP_RUNNING);
	fake_wait(&f, "deaf", SUP_RUNNING);
	usleep(200000);
	fake_call(&f, SUP_OP_STOP, "");
	CHECK_STR(fake_read(&f, "order"), "nginx\nweb\ndb\n");
	CHECK_INT(fake_status(&f, "deaf").exit_status, SIGKILL);
	CHECK_INT(fake_status(&f, "db").state, SUP_EXITED);
	CHECK_INT(fake_status(&f, "db").exit_status, 0);
	fake_down(&f);
}

TEST(restart_stops_one_service_and_answers_when_it_runs)
{
	struct fakestack f = fake_stack();
	struct sup_service *db = fake_service(&f, "db", FOREVER);
	struct sup_service *web = fake_service(&f, "web", FOREVER);
	struct sup_status before, after;

	fake_depends(&f, web, db, SUP_DEP_HEALTHY);
	fake_up(&f);
	fake_call(&f, SUP_OP_UP, "");
	fake_wait(&f, "web", SUP_RUNNING);
	before = fake_status(&f, "db");
	fake_call(&f, SUP_OP_RESTART, "db");
	after = fake_status(&f, "db");
	CHECK_INT(after.state, SUP_RUNNING);
	CHECK(after.pid != before.pid && after.wanted == 1 && after.restarts == 0);
	CHECK_INT(count_calls(&f, "launch web"), 1);
	fake_call(&f, SUP_OP_RESTART, "");
	CHECK_INT(count_calls(&f, "launch web"), 2);
	CHECK_INT(count_calls(&f, "launch db"), 3);
	fake_down(&f);
}

TEST(an_exec_healthcheck_tells_its_reason_and_sickness_restarts)
{
	struct fakestack f = fake_stack();
	struct sup_service *app = fake_service(&f, "app", FOREVER);
	struct sup_status st;

	app->health = SUP_HEALTH_EXEC;
	app->restart = SUP_ON_FAILURE;
	app->health_interval_ms = 100;
	fake_write(&f, "app/health", "exit 0\n");
	fake_up(&f);
	fake_call(&f, SUP_OP_UP, "");
	st = fake_wait(&f, "app", SUP_HEALTHY);
	fake_write(&f, "app/health", "echo first; echo no luck; exit 1\n");
	for (int i = 0; i < 500 && fake_status(&f, "app").failures == 0; i++)
		usleep(1000);
	CHECK_STR(fake_status(&f, "app").text, "first?no luck");
	while (fake_status(&f, "app").restarts == 0)
		usleep(1000);
	fake_write(&f, "app/health", "exit 0\n");
	CHECK(fake_wait(&f, "app", SUP_HEALTHY).pid != st.pid);
	CHECK_INT(fake_status(&f, "app").failures, 0);
	fake_down(&f);
}

TEST(an_exec_healthcheck_that_hangs_is_killed)
{
	struct fakestack f = fake_stack();
	struct sup_service *app = fake_service(&f, "app", FOREVER);

	app->health = SUP_HEALTH_EXEC;
	app->health_timeout_ms = 200;
	app->health_retries = 2;
	fake_write(&f, "app/health", "echo $$ >>pids; sleep 1000 & sleep 1000\n");
	fake_up(&f);
	fake_call(&f, SUP_OP_UP, "");
	CHECK_STR(fake_wait(&f, "app", SUP_UNHEALTHY).text, "the healthcheck timed out");
	fake_call(&f, SUP_OP_STOP, "app");
	usleep(100000);
	for (char *p = fake_read(&f, "app/pids"); *p; p = strchr(p, '\n') + 1)
		CHECK(kill(-atoi(p), 0) < 0);
	fake_down(&f);
}

TEST(postgres_counts_as_healthy_once_it_takes_connections)
{
	static const char starting[] =
		"E\0\0\0\x3aSFATAL\0C57P03\0Mthe database system is starting up\0";
	static const char auth[] = "R\0\0\0\x17\0\0\0\x0aSCRAM-SHA-256\0";
	struct fakestack f = fake_stack();
	struct sup_service *db = fake_service(&f, "db", FOREVER);
	uint16_t port = 0;
	int fd = listen_on(&port), server;

	CHECK(listen(fd, 8) == 0);
	server = serve(fd, starting, sizeof(starting));
	probe_by(db, SUP_HEALTH_POSTGRES, port);
	db->health_start_ms = 10000;
	fake_up(&f);
	fake_call(&f, SUP_OP_UP, "");
	fake_wait(&f, "db", SUP_RUNNING);
	usleep(500000);
	CHECK_INT(fake_status(&f, "db").state, SUP_RUNNING);
	CHECK_STR(fake_status(&f, "db").text,
		  "postgres: the database system is starting up");
	kill(server, SIGKILL);
	waitpid(server, NULL, 0);
	server = serve(fd, auth, sizeof(auth));
	CHECK_STR(fake_wait(&f, "db", SUP_HEALTHY).text, "");
	kill(server, SIGKILL);
	fake_down(&f);
}

TEST(http_and_redis_are_asked_in_their_own_words)
{
	struct fakestack f = fake_stack();
	struct sup_service *web = fake_service(&f, "web", FOREVER);
	struct sup_service *cache = fake_service(&f, "cache", FOREVER);
	struct sup_service *sick = fake_service(&f, "sick", FOREVER);
	uint16_t ports[3] = { 0 };
	static const char *const answers[] = { "HTTP/1.1 302 Found\r\n\r\n", "+PONG\r\n",
					       "HTTP/1.1 503 Busy\r\n\r\n" };
	int servers[3];

	for (int i = 0; i < 3; i++) {
		int fd = listen_on(&ports[i]);

		CHECK(listen(fd, 8) == 0);
		servers[i] = serve(fd, answers[i], strlen(answers[i]));
	}
	probe_by(web, SUP_HEALTH_HTTP, ports[0]);
	probe_by(cache, SUP_HEALTH_REDIS, ports[1]);
	probe_by(sick, SUP_HEALTH_HTTP, ports[2]);
	fake_up(&f);
	fake_call(&f, SUP_OP_UP, "");
	fake_wait(&f, "web", SUP_HEALTHY);
	fake_wait(&f, "cache", SUP_HEALTHY);
	CHECK_STR(fake_wait(&f, "sick", SUP_UNHEALTHY).text, "HTTP status 503");
	for (int i = 0; i < 3; i++)
		kill(servers[i], SIGKILL);
	fake_down(&f);
}

TEST(readers_are_refreshed_before_dependants_start)
{
	struct fakestack f = fake_stack();
	struct sup_service *web = fake_service(&f, "web", FOREVER);
	struct sup_service *nginx = fake_service(&f, "nginx", FOREVER);

	web->has_readers = 1;
	fake_write(&f, "web/refresh", "sleep 0.3; echo refreshed >>../calls\n");
	fake_depends(&f, nginx, web, SUP_DEP_HEALTHY);
	fake_up(&f);
	fake_call(&f, SUP_OP_UP, "");
	fake_wait(&f, "nginx", SUP_RUNNING);
	CHECK_STR(fake_read(&f, "calls"),
		  "launch web\nrefresh web\nrefreshed\nlaunch nginx\n");
	fake_down(&f);
}

TEST(watchers_hear_of_every_change)
{
	struct fakestack f = fake_stack();
	uint32_t want[] = { SUP_WAITING, SUP_STARTING, SUP_RUNNING, SUP_EXITED };
	struct err e = ERR_INIT;
	struct sup_event ev;
	unsigned at = 0;
	int watch;

	fake_service(&f, "job", "exit 5\n");
	fake_up(&f);
	CHECK_OK(sup_connect(f.stack, &watch, &e), &e);
	CHECK_OK(sup_call(watch, SUP_OP_WATCH, "", 0, 1000, &e), &e);
	fake_call(&f, SUP_OP_UP, "job");
	while (at < 4 && sup_next_event(watch, 5000, &ev) == 1) {
		CHECK_STR(ev.service, "job");
		if (ev.state == want[at])
			at++;
	}
	CHECK_INT(at, 4);
	CHECK_INT(ev.exit_status, 5 << 8);
	CHECK_STR(ev.text, "exited with status 5");
	CHECK(sup_call(f.sock, SUP_OP_UP, "nobody", 0, 1000, &e) == -EIO);
	CHECK_STR(err_text(&e), "service 'nobody': no such service");
	fake_down(&f);
}

TEST(pause_is_noted_and_a_kill_reaches_the_main_process)
{
	struct fakestack f = fake_stack();

	fake_service(&f, "app", "trap 'exit 9' USR1\nwhile :; do sleep 0.05; done\n");
	fake_up(&f);
	fake_call(&f, SUP_OP_UP, "");
	fake_wait(&f, "app", SUP_RUNNING);
	usleep(100000);
	fake_call(&f, SUP_OP_PAUSE, "app");
	CHECK_INT(fake_status(&f, "app").state, SUP_PAUSED);
	fake_call(&f, SUP_OP_UNPAUSE, "app");
	CHECK_INT(fake_status(&f, "app").state, SUP_RUNNING);
	{
		struct err e = ERR_INIT;

		CHECK_OK(sup_call(f.sock, SUP_OP_KILL, "app", SIGUSR1, 1000, &e), &e);
	}
	CHECK_INT(fake_wait(&f, "app", SUP_EXITED).exit_status, 9 << 8);
	fake_down(&f);
}

TEST(a_second_stop_shortens_the_grace_of_the_first)
{
	struct fakestack f = fake_stack();
	struct sup_service *deaf =
		fake_service(&f, "deaf", "trap '' TERM\nwhile :; do sleep 1; done\n");
	struct sup_request req = {
		.op = SUP_OP_STOP, .id = 1, .arg = -1, .service = "deaf"
	};
	struct err e = ERR_INIT;
	uint64_t begun;

	deaf->stop_grace_ms = 60000;
	fake_up(&f);
	fake_call(&f, SUP_OP_UP, "");
	fake_wait(&f, "deaf", SUP_RUNNING);
	usleep(100000);
	CHECK(send(f.sock, &req, sizeof(req), 0) == sizeof(req));
	usleep(100000);
	CHECK_INT(fake_status(&f, "deaf").state, SUP_STOPPING);
	begun = proc_now_ns();
	CHECK_OK(sup_call(f.sock, SUP_OP_STOP, "deaf", 0, 5000, &e), &e);
	CHECK(proc_now_ns() - begun < 1000000000u);
	fake_down(&f);
}
