/* oci/args.c - options as runc takes them. See command.h. */
#include <errno.h>
#include <string.h>

#include "runtime/oci/command.h"

static const struct oci_option *find(const struct oci_option *options, size_t n,
				     const char *name, size_t len)
{
	for (size_t i = 0; i < n; i++)
		if ((strlen(options[i].name) == len &&
		     strncmp(options[i].name, name, len) == 0) ||
		    (len == 1 && options[i].letter == *name))
			return &options[i];
	return NULL;
}

int oci_args_parse(struct oci_args *a, char **argv, int *at,
		   const struct oci_option *options, size_t n, struct err *e)
{
	for (; argv[*at]; ++*at) {
		const char *word = argv[*at], *name, *value;
		const struct oci_option *o;
		size_t len;

		if (*word != '-' || !word[1])
			return 0;
		if (str_eq(word, "--")) {
			++*at;
			return 0;
		}
		name = word + (word[1] == '-' ? 2 : 1);
		len = strcspn(name, "=");
		o = find(options, n, name, len);
		if (!o)
			return err_msg(e, EINVAL, "unknown option '%.*s'",
				       (int)(len + (size_t)(name - word)), word);
		value = name[len] ? name + len + 1 : NULL;
		if (o->arg && !value)
			value = argv[*at + 1] ? argv[++*at] : NULL;
		if (o->arg && !value)
			return err_msg(e, EINVAL, "option '%s' wants a value", word);
		/* a Go program's flags may be told true or false */
		if (!o->arg && value && str_eq(value, "false"))
			continue;
		strv_take(&a->values,
			  str_fmt("%s=%s", o->name, o->arg && value ? value : ""));
	}
	return 0;
}

void oci_args_free(struct oci_args *a)
{
	strv_free(&a->values);
	strv_free(&a->operands);
}

void oci_args_list(const struct oci_args *a, const char *name, struct strv *ret)
{
	size_t len = strlen(name);

	strv_foreach (i, &a->values)
		if (strncmp(a->values.v[i], name, len) == 0 && a->values.v[i][len] == '=')
			strv_add(ret, a->values.v[i] + len + 1);
}

const char *oci_args_value(const struct oci_args *a, const char *name)
{
	const char *last = NULL;
	size_t len = strlen(name);

	strv_foreach (i, &a->values)
		if (strncmp(a->values.v[i], name, len) == 0 && a->values.v[i][len] == '=')
			last = a->values.v[i] + len + 1;
	return last;
}

bool oci_args_flag(const struct oci_args *a, const char *name)
{
	return oci_args_value(a, name) != NULL;
}
