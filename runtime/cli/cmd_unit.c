/*
 * cli/cmd_unit.c - `unit`: a systemd unit for a stack.
 *
 * The main process is `up --unit`, and once all is up the supervisor's keeper: it is the
 * process whose end means that nobody looks after the stack any more. KillMode=mixed
 * leaves the order of stopping to ExecStop= and to the main process.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "runtime/base/proc.h"
#include "runtime/cli/context.h"

enum { STOP_MARGIN_S = 20, WATCHDOG_S = 30 };

/* systemd.service(5), "Command lines": % and $ mean something within quotes, too. */
static void add_word(struct buf *b, const char *word)
{
	buf_adds(b, b->len ? " \"" : "\"");
	for (const char *p = word; *p; p++) {
		if (*p == '%' || *p == '$')
			buf_addc(b, *p);
		if (*p == '"' || *p == '\\')
			buf_addc(b, '\\');
		buf_addc(b, *p);
	}
	buf_addc(b, '"');
}

/* Without quotes where none are needed: it is to be read by people. */
static void add_plain(struct buf *b, const char *word)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				    "0123456789/._-=:@+,";

	if (!*word || word[strspn(word, plain)])
		add_word(b, word);
	else
		buf_addf(b, "%s%s", b->len ? " " : "", word);
}

static void add_option(struct buf *b, const char *option, const char *value,
		       const char *fallback)
{
	if (str_eq(value, fallback))
		return;
	add_plain(b, option);
	add_plain(b, value);
}

/* "minibox COMMAND --unit -p NAME" and, where it is about files, these. */
static char *command_line(const struct cli *c, const struct cli_args *a,
			  const struct stack_model *m, const struct strv *files,
			  const char *command, const char *option)
{
	AUTO_BUF struct buf b = BUF_INIT;
	AUTO_FREE char *exe = str_fmt("%s/minibox", c->host->exe_dir);

	add_plain(&b, exe);
	add_plain(&b, command);
	add_plain(&b, option);
	add_option(&b, "--root", c->host->root, "/var/lib/minibox");
	add_option(&b, "--run", c->host->run, "/run/minibox");
	if (!files) {
		add_plain(&b, m->name);
		return buf_take(&b);
	}
	add_option(&b, "-p", m->name, NULL);
	strv_foreach (i, args_list(a, "profile"))
		add_option(&b, "--profile", args_list(a, "profile")->v[i], NULL);
	strv_foreach (i, files)
		add_option(&b, "-f", files->v[i], NULL);
	return buf_take(&b);
}

/* Seconds that a stop may take: services that depend on each other end one after the
 * other. Dependencies have no circle: the model was validated. */
static uint64_t chain_ms(const struct stack_model *m, const struct model_service *svc)
{
	uint64_t longest = 0;

	for (size_t i = 0; i < svc->n_deps; i++) {
		const struct model_service *dep = model_service(m, svc->deps[i].service);
		uint64_t below = dep ? chain_ms(m, dep) : 0;

		if (below > longest)
			longest = below;
	}
	return longest + svc->stop_grace_ms;
}

static uint64_t stop_seconds(const struct stack_model *m)
{
	uint64_t longest = 0;

	for (size_t i = 0; i < m->n_services; i++) {
		uint64_t ms = chain_ms(m, &m->services[i]);

		if (ms > longest)
			longest = ms;
	}
	return longest / 1000 + STOP_MARGIN_S;
}

static void print_unit(const struct cli *c, const struct cli_args *a,
		       const struct stack_model *m, const struct strv *files)
{
	AUTO_FREE char *start = command_line(c, a, m, files, "up", "--unit");
	AUTO_FREE char *reload = command_line(c, a, m, files, "up", "-d");
	AUTO_FREE char *stop = command_line(c, a, m, NULL, "stop", "--unit");
	AUTO_BUF struct buf mounts = BUF_INIT;

	add_plain(&mounts, c->host->root);
	add_plain(&mounts, m->dir);
	printf("# /etc/systemd/system/minibox-%s.service; then: systemctl daemon-reload\n"
	       "# and: systemctl enable --now minibox-%s\n"
	       "[Unit]\n"
	       "Description=minibox stack %s\n"
	       "Wants=network-online.target\n"
	       "After=network-online.target nftables.service ufw.service docker.service "
	       "firewalld.service\n"
	       "RequiresMountsFor=%s\n"
	       "\n[Service]\n"
	       "Type=notify\n"
	       "NotifyAccess=main\n"
	       "ExecStart=%s\n"
	       "ExecReload=%s\n"
	       "ExecStop=%s\n",
	       m->name, m->name, m->name, mounts.data, start, reload, stop);
	printf("Restart=on-failure\n"
	       "RestartSec=2\n"
	       "# it waits for what is not healthy; ending would take down what is\n"
	       "TimeoutStartSec=infinity\n"
	       "TimeoutStopSec=%llu\n"
	       "WatchdogSec=%d\n"
	       "Delegate=yes\n"
	       "KillMode=mixed\n"
	       "# limits are the services' own\n"
	       "OOMPolicy=continue\n"
	       "OOMScoreAdjust=-900\n"
	       "TasksMax=infinity\n"
	       "\n[Install]\n"
	       "WantedBy=multi-user.target\n",
	       (unsigned long long)stop_seconds(m), WATCHDOG_S);
}

static int unit_run(struct cli *c, const struct cli_args *a, struct err *e)
{
	const char *operand = a->operands.n ? a->operands.v[0] : NULL;
	AUTO_STRV struct strv files = STRV_INIT;
	struct stack_model *m = NULL;
	struct stack_host *h = NULL;
	int r = cli_host(c, &h, e);

	if (r == 0)
		r = cli_model(c, a, operand, NULL, &m, e);
	if (r == 0)
		r = cli_files(c, a, operand, &files, e);
	if (r == 0)
		print_unit(c, a, m, &files);
	model_free(m);
	return r;
}

static const struct cli_opt unit_opts[] = {
	{ 'f', "file", "FILE", "a stack file; a second one is merged over the first" },
	{ 0, "profile", "NAME", "switch a profile on; may be repeated" },
};

const struct cli_command cmd_unit = {
	.name = "unit",
	.operands = "[FILE]",
	.summary = "Print a systemd unit for a stack",
	.more = "  minibox unit >/etc/systemd/system/minibox-shop.service\n"
		"  systemctl daemon-reload && systemctl enable --now minibox-shop\n\n"
		"With it the stack comes back after a reboot, services are stopped in "
		"order at\n"
		"shutdown, and it counts as started once every service is healthy.",
	.max_operands = 1,
	.opts = unit_opts,
	.n_opts = ARRAY_LEN(unit_opts),
	.run = unit_run,
};
