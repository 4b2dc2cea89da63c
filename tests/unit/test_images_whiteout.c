/* Which names of a layer stand for a removal. */
#include "images/layer/whiteout.h"
#include "tests/lib/test.h"

TEST(whiteout_kinds_of_names)
{
	static const struct {
		const char *name, *hidden;
		enum whiteout kind;
	} t[] = {
		{ "a", NULL, WHITEOUT_NONE },
		{ "x.wh.y", NULL, WHITEOUT_NONE },
		{ ".whx", NULL, WHITEOUT_NONE },
		{ ".wh.a", "a", WHITEOUT_NAME },
		{ "d/e/.wh.a b", "a b", WHITEOUT_NAME },
		{ "d/.wh....", "...", WHITEOUT_NAME },
		{ ".wh..wh..opq", NULL, WHITEOUT_OPAQUE },
		{ "d/.wh..wh..opq", NULL, WHITEOUT_OPAQUE },
		{ ".wh..wh.plnk", NULL, WHITEOUT_AUFS },
		{ ".wh..wh.plnk/1.2", NULL, WHITEOUT_AUFS },
		{ "d/.wh.", NULL, WHITEOUT_BAD },
		{ ".wh..", NULL, WHITEOUT_BAD },
		{ "d/.wh...", NULL, WHITEOUT_BAD },
	};

	for (size_t i = 0; i < ARRAY_LEN(t); i++) {
		const char *hidden = NULL;

		CHECK_INT(whiteout_kind(t[i].name, &hidden), t[i].kind);
		if (t[i].hidden)
			CHECK_STR(hidden, t[i].hidden);
		else
			CHECK(hidden == NULL);
	}
}
