/* cli/args.c - see args.h. */
#include "runtime/cli/args.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "runtime/base/proc.h"

const struct cli_opt args_global[] = {
	{ 0, "root", "DIR",
	  "where images, volumes and logs are (MINIBOX_ROOT, /var/lib/minibox)" },
	{ 0, "run", "DIR",
	  "where the state of running stacks is (MINIBOX_RUN, /run/minibox)" },
	{ 0, "max-unpacked-size", "SIZE",
	  "what one load may unpack, e.g. 4g (the disk's free space sets a limit "
	  "anyway)" },
	{ 'p', "name", "NAME", "the stack's name, instead of the file's" },
	{ 'q', "quiet", NULL, "no notes" },
	{ 0, "no-color", NULL, "no colours (also NO_COLOR)" },
	{ 'h', "help", NULL, "this text" },
	{ 0, "version", NULL, "the version" },
};
const size_t args_n_global = ARRAY_LEN(args_global);

void args_init(struct cli_args *a, const struct cli_command *cmd)
{
	memset(a, 0, sizeof(*a));
	for (size_t i = 0; cmd && i < cmd->n_opts; i++)
		a->opts[a->n_opts++] = &cmd->opts[i];
	for (size_t i = 0; i < args_n_global; i++)
		a->opts[a->n_opts++] = &args_global[i];
}

void args_free(struct cli_args *a)
{
	for (size_t i = 0; i < a->n_opts; i++)
		strv_free(&a->values[i]);
	strv_free(&a->operands);
}

static int find_long(const struct cli_args *a, const char *name, size_t len)
{
	for (size_t i = 0; i < a->n_opts; i++)
		if (strlen(a->opts[i]->name) == len &&
		    strncmp(a->opts[i]->name, name, len) == 0)
			return (int)i;
	return -1;
}

static int find_letter(const struct cli_args *a, char letter)
{
	for (size_t i = 0; i < a->n_opts; i++)
		if (a->opts[i]->letter == letter)
			return (int)i;
	return -1;
}

static int unknown(const struct cli_args *a, const char *arg, struct err *e)
{
	const char *best = NULL;
	unsigned least = 3;

	for (size_t i = 0; i < a->n_opts && str_starts(arg, "--"); i++) {
		unsigned d = str_distance(arg + 2, a->opts[i]->name, 2);

		if (d < least) {
			least = d;
			best = a->opts[i]->name;
		}
	}
	if (best)
		return err_msg(e, EINVAL, "unknown option '%s' (did you mean '--%s'?)",
			       arg, best);
	return err_msg(e, EINVAL, "unknown option '%s'", arg);
}

static int parse_long(struct cli_args *a, int argc, char **argv, int *at, struct err *e)
{
	const char *arg = argv[*at], *eq = strchr(arg, '=');
	size_t len = eq ? (size_t)(eq - arg - 2) : strlen(arg + 2);
	int i = find_long(a, arg + 2, len);

	if (i < 0)
		return unknown(a, arg, e);
	if (!a->opts[i]->arg) {
		if (eq)
			return err_msg(e, EINVAL, "option '--%s' takes no value",
				       a->opts[i]->name);
		strv_add(&a->values[i], "");
		return 0;
	}
	if (!eq && *at + 1 >= argc)
		return err_msg(e, EINVAL, "option '%s' wants a value (%s)", arg,
			       a->opts[i]->arg);
	strv_add(&a->values[i], eq ? eq + 1 : argv[++*at]);
	return 0;
}

/* "-it", "-n5", "-n 5" */
static int parse_short(struct cli_args *a, int argc, char **argv, int *at, struct err *e)
{
	const char *p = argv[*at] + 1;

	for (; *p; p++) {
		int i = find_letter(a, *p);

		if (i < 0)
			return unknown(a, argv[*at], e);
		if (!a->opts[i]->arg) {
			strv_add(&a->values[i], "");
			continue;
		}
		if (!p[1] && *at + 1 >= argc)
			return err_msg(e, EINVAL, "option '-%c' wants a value (%s)", *p,
				       a->opts[i]->arg);
		strv_add(&a->values[i], p[1] ? p + 1 : argv[++*at]);
		return 0;
	}
	return 0;
}

int args_parse(struct cli_args *a, int argc, char **argv, int *at, bool stop_at_operand,
	       bool only_options, struct err *e)
{
	int r = 0;

	for (; r == 0 && *at < argc; ++*at) {
		const char *arg = argv[*at];

		if (strcmp(arg, "--") == 0) {
			++*at;
			break;
		}
		if (arg[0] == '-' && arg[1] == '-')
			r = parse_long(a, argc, argv, at, e);
		else if (arg[0] == '-' && arg[1])
			r = parse_short(a, argc, argv, at, e);
		else if (only_options)
			return 0;
		else if (stop_at_operand)
			break;
		else
			strv_add(&a->operands, arg);
	}
	for (; r == 0 && !only_options && *at < argc; ++*at)
		strv_add(&a->operands, argv[*at]);
	return r;
}

const struct strv *args_list(const struct cli_args *a, const char *name)
{
	static const struct strv none = STRV_INIT;
	int i = find_long(a, name, strlen(name));

	return i < 0 ? &none : &a->values[i];
}

bool args_flag(const struct cli_args *a, const char *name)
{
	return args_list(a, name)->n > 0;
}

const char *args_value(const struct cli_args *a, const char *name)
{
	const struct strv *v = args_list(a, name);

	return v->n ? v->v[v->n - 1] : NULL;
}

void args_help(const struct cli_opt *opts, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		AUTO_FREE char *left =
			str_fmt("%c%c%s--%s%s%s", opts[i].letter ? '-' : ' ',
				opts[i].letter ? opts[i].letter : ' ',
				opts[i].letter ? ", " : "  ", opts[i].name,
				opts[i].arg ? " " : "", opts[i].arg ? opts[i].arg : "");

		printf("  %-24s %s\n", left, opts[i].help);
	}
}

int args_duration(const char *text, const char *what, int64_t *ret, struct err *e)
{
	int64_t total = 0;
	const char *p = text;

	while (*p >= '0' && *p <= '9') {
		int64_t v = 0, unit = 1000;

		for (; *p >= '0' && *p <= '9' && v < 1000000000; p++)
			v = v * 10 + (*p - '0');
		if (str_starts(p, "ms")) {
			unit = 1;
			p += 2;
		} else if (*p == 's') {
			p++;
		} else if (*p == 'm' || *p == 'h' || *p == 'd') {
			unit = *p == 'm' ? 60000 : *p == 'h' ? 3600000 : 86400000;
			p++;
		}
		total += v * unit;
	}
	if (p == text || *p)
		return err_msg(e, EINVAL, "%s '%s' is no duration (30s, 1m30s, 500ms)",
			       what, text);
	*ret = total;
	return 0;
}

/* What may follow the seconds in RFC 3339: a fraction, then Z or an offset. */
static bool parse_zone(const char *p, uint64_t *ret_ns, long *ret_seconds)
{
	uint64_t unit = 100000000;
	int hours = 0, minutes = 0, used = 0;

	if (*p == '.')
		for (p++; *p >= '0' && *p <= '9'; p++, unit /= 10)
			*ret_ns += (uint64_t)(*p - '0') * unit;
	if (strcmp(p, "Z") == 0 || !*p)
		return true;
	if ((*p != '+' && *p != '-') ||
	    sscanf(p + 1, "%2d:%2d%n", &hours, &minutes, &used) != 2 || p[1 + used])
		return false;
	*ret_seconds = (hours * 60L + minutes) * (*p == '-' ? -60 : 60);
	return true;
}

static bool parse_date(const char *text, uint64_t *ret)
{
	struct tm tm = { 0 };
	const char *rest = strptime(text, "%Y-%m-%d", &tm);
	uint64_t ns = 0;
	long zone = 0;
	time_t t;

	if (rest && *rest) {
		rest = strptime(rest, *rest == 'T' ? "T%H:%M:%S" : " %H:%M:%S", &tm);
		if (!rest || !parse_zone(rest, &ns, &zone))
			return false;
	}
	t = rest ? timegm(&tm) - zone : -1;
	*ret = (uint64_t)t * 1000000000u + ns;
	return t >= 0;
}

int args_since(const char *text, const char *what, uint64_t *ret, struct err *e)
{
	struct err ignored = ERR_INIT;
	uint64_t now = proc_wall_ns();
	int64_t ms = 0;

	if (args_duration(text, what, &ms, &ignored) == 0) {
		*ret = (uint64_t)ms < now / 1000000u ? now - (uint64_t)ms * 1000000u : 0;
		return 0;
	}
	if (parse_date(text, ret))
		return 0;
	return err_msg(e, EINVAL,
		       "%s '%s' is neither a duration (10m, 1h30m) nor a date "
		       "(2026-01-31T12:00:00Z)",
		       what, text);
}
