/* images/layer/whiteout.c - see whiteout.h. */
#include "images/layer/whiteout.h"

#include <string.h>

#include "images/layer/tarname.h"

#define PREFIX ".wh."
#define META ".wh..wh."
#define OPAQUE ".wh..wh..opq"

enum whiteout whiteout_kind(const char *name, const char **ret_hidden)
{
	const char *base = tarname_base(name), *hidden;

	if (strcmp(base, OPAQUE) == 0)
		return WHITEOUT_OPAQUE;
	/* AUFS kept its own things in the root only, some of them directories. */
	if (str_starts(name, META))
		return WHITEOUT_AUFS;
	if (!str_starts(base, PREFIX))
		return WHITEOUT_NONE;
	hidden = base + strlen(PREFIX);
	if (!*hidden || strcmp(hidden, ".") == 0 || strcmp(hidden, "..") == 0)
		return WHITEOUT_BAD;
	*ret_hidden = hidden;
	return WHITEOUT_NAME;
}
