/*
 * netns/nft.c - see nft.h.
 */
#include "netns/nft.h"

#include <dlfcn.h>
#include <errno.h>
#include <nftables/libnftables.h>
#include <string.h>

struct nft {
	struct nft_ctx *ctx;
	__typeof__(nft_ctx_free) *free_ctx;
	__typeof__(nft_ctx_get_output_buffer) *output;
	__typeof__(nft_ctx_get_error_buffer) *errors;
	__typeof__(nft_run_cmd_from_buffer) *run;
};

static void nft_close(struct nft *n)
{
	if (n->ctx)
		n->free_ctx(n->ctx);
}

static bool symbol(void *lib, const char *name, void *ret_fn)
{
	void *fn = dlsym(lib, name);

	memcpy(ret_fn, &fn, sizeof(fn)); /* ISO C has no cast from void * to a function */
	return fn != NULL;
}

static int nft_open(unsigned flags, struct nft *n, struct err *e)
{
	/* Opened here and not linked: commands that need no rules do not pay for it. It
	 * stays loaded, a second call is then nearly free. */
	void *lib = dlopen("libnftables.so.1", RTLD_NOW | RTLD_NODELETE);
	__typeof__(nft_ctx_output_set_flags) *set_flags = NULL;
	__typeof__(nft_ctx_buffer_output) *buffer_output = NULL;
	__typeof__(nft_ctx_buffer_error) *buffer_error = NULL;
	__typeof__(nft_ctx_new) *new_ctx = NULL;
	bool ok;

	if (!lib)
		return err_msg(e, ENOENT,
			       "library 'libnftables.so.1' (package libnftables1): %s",
			       dlerror());
	ok = symbol(lib, "nft_ctx_new", &new_ctx) &&
	     symbol(lib, "nft_ctx_free", &n->free_ctx) &&
	     symbol(lib, "nft_ctx_output_set_flags", &set_flags) &&
	     symbol(lib, "nft_ctx_buffer_output", &buffer_output) &&
	     symbol(lib, "nft_ctx_buffer_error", &buffer_error) &&
	     symbol(lib, "nft_ctx_get_output_buffer", &n->output) &&
	     symbol(lib, "nft_ctx_get_error_buffer", &n->errors) &&
	     symbol(lib, "nft_run_cmd_from_buffer", &n->run);
	dlclose(lib);
	if (!ok)
		return err_msg(e, ENOSYS, "library 'libnftables.so.1' lacks a function");
	n->ctx = new_ctx(NFT_CTX_DEFAULT);
	if (!n->ctx)
		return err_set(e, ENOMEM, "nftables context '%x'", flags);
	set_flags(n->ctx, flags);
	if (buffer_output(n->ctx) != 0 || buffer_error(n->ctx) != 0)
		return err_set(e, ENOMEM, "nftables context '%x'", flags);
	return 0;
}

static int nft_do(struct nft *n, const char *commands, const char *what, struct err *e)
{
	const char *text;

	errno = 0;
	if (n->run(n->ctx, commands) == 0)
		return 0;
	text = n->errors(n->ctx);
	/* the library is not strict about errno; its text is the cause */
	return err_msg(e, errno > 0 ? errno : EIO, "nftables %s: %.*s", what,
		       text ? (int)strcspn(text, "\n") : 0, text ? text : "");
}

int netns_nft_run(const char *commands, const char *what, struct err *e)
{
	AUTO(nft_close) struct nft n = { 0 };
	int r = nft_open(0, &n, e);

	return r < 0 ? r : nft_do(&n, commands, what, e);
}

int netns_nft_query(const char *command, json_t **ret, struct err *e)
{
	AUTO(nft_close) struct nft n = { 0 };
	const char *text;
	int r = nft_open(NFT_CTX_OUTPUT_JSON, &n, e);

	if (r == 0)
		r = nft_do(&n, command, command, e);
	if (r < 0)
		return r;
	text = n.output(n.ctx);
	return json_parse(text ? text : "", text ? strlen(text) : 0, command, ret, e);
}
