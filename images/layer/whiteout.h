/*
 * images/layer/whiteout.h - which names of a layer stand for a removal.
 *
 * Pure. image-spec layer.md: ".wh.NAME" hides NAME of the layers below, ".wh..wh..opq"
 * hides all that the layers below have in its directory. Other ".wh..wh." names are
 * AUFS's own.
 */
#ifndef IMAGES_WHITEOUT_H
#define IMAGES_WHITEOUT_H

enum whiteout {
	WHITEOUT_NONE,   /* an ordinary name */
	WHITEOUT_NAME,   /* hides one name */
	WHITEOUT_OPAQUE, /* hides a directory's whole content */
	WHITEOUT_AUFS,   /* metadata of AUFS, to be left out */
	WHITEOUT_BAD     /* hides nothing that can be named: "", "." or ".." */
};

/**
 * whiteout_kind() - judge a clean name
 * @ret_hidden: with WHITEOUT_NAME the hidden base name, borrowed from @name
 */
enum whiteout whiteout_kind(const char *name, const char **ret_hidden);

#endif
