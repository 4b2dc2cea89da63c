/*
 * images/parse/registry.c - the JSON that a registry sends beside manifests → lists.
 *
 * Knows distribution-spec v1.1's error codes and the token answer of distribution's
 * "Token Authentication". What is a secret is in no error.
 */
#include <errno.h>

#include "images/parse/job.h"
#include "runtime/base/json.h"

int job_token(const char *json, size_t n, struct buf *ret, struct err *e)
{
	AUTO_JSON json_t *j = NULL;
	struct err quotes = ERR_INIT; /* what it stumbled over, which may be a token */
	const char *token;

	if (json_parse(json, n, "token", &j, &quotes) < 0)
		return err_msg(e, EINVAL, "its answer is not valid JSON");
	token = json_str(j, "token", json_str(j, "access_token", NULL));
	if (!token)
		return err_msg(e, EINVAL, "its answer has no token");
	wire_put(ret, "token", token);
	return 0;
}

int job_refusal(const char *json, size_t n, struct buf *ret, struct err *e)
{
	AUTO_JSON json_t *j = NULL;
	const json_t *first;
	const char *message;
	int r = json_parse(json, n, "refusal", &j, e);

	if (r < 0)
		return r;
	first = json_array_get(json_object_get(j, "errors"), 0);
	message = json_str(first, "message", json_str(first, "code", NULL));
	if (message)
		wire_put(ret, "message", message);
	return 0;
}
