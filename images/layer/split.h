/*
 * images/layer/split.h - what of a layer's tar stream is not in its tree, so that the
 * very same bytes can be made again.
 *
 * Knows: the stream as pieces, in order: bytes kept as they were (headers, padding, the
 * data of entries that were left out), or "so many bytes of that file". Does not know
 * tar, digests or the store's directories above one layer's.
 *
 * Files, below the layer's directory layers/KEY/:
 *   fs/PATH      the tree; most references point here
 *   replaced/N   what a later entry of the same layer took the place of (N from 0)
 *   stream.zst   a skippable zstd frame of 32 bytes: "mbsplit1", then little-endian
 *                64-bit the length of the tar stream, the offset in this file of the
 *                frame of moves, and that frame's length when unpacked; a zstd frame of
 *                pieces; the frame of moves. Pieces, numbers as LEB128:
 *                  'R' n, n bytes         these bytes
 *                  'F' n, n bytes         the path, below fs/, for the pieces to come
 *                  'D' offset n sum       n bytes from offset of that path, and their
 *                                         XXH64, 8 bytes, little-endian
 *                  'E'                    the end
 *                A move is: number of 'D' pieces before it, length of path, path. The
 *                move number N says that all 'D' pieces before it that point to the path
 *                or below it, and that no earlier move has caught, are in replaced/N.
 *
 * Both ways it is one pass with bounded memory: 1 MiB and the moves, at most
 * SPLIT_MOVES_MAX bytes.
 */
#ifndef IMAGES_SPLIT_H
#define IMAGES_SPLIT_H

#include <stddef.h>
#include <stdint.h>

#include "runtime/base/err.h"

#define SPLIT_FILE "stream.zst"

enum { SPLIT_E_NONE = 1 };          /* the layer was loaded without keeping its stream */
enum { SPLIT_MOVES_MAX = 8 << 20 }; /* paths of replaced entries, in bytes */

struct split_writer;

/**
 * split_create() - begin stream.zst, which must not be there
 * @layer_dir: the layer's directory, borrowed until split_free()
 * @ret:       owned by the caller (split_free())
 */
must_check int split_create(int layer_dir, struct split_writer **ret, struct err *e);

/** split_raw() - the next @n bytes of the stream are kept as they are */
must_check int split_raw(struct split_writer *w, const void *data, size_t n,
			 struct err *e);

/**
 * split_data() - the next @n bytes of the stream stand at @offset of the file @path
 * @path: below fs/, without a leading '/', without symlinks; it need not be complete yet
 * @data: the same bytes, for the checksum that later tells which file has changed
 * Adjoining pieces of one file become one. A gap of a sparse file is not in the stream,
 * so it has no piece.
 */
must_check int split_data(struct split_writer *w, const char *path, uint64_t offset,
			  const void *data, size_t n, struct err *e);

/**
 * split_moved() - a later entry takes the place of @path: move it to replaced/
 * @dir, @base: where it stands; of the same mount as the layer's directory
 * @path:       the same below fs/, as split_data() was told; a file, or a directory with
 *              all below it
 * What no split_data() was told of (an empty file, a symlink, an empty directory) may
 * just as well be removed instead: that costs no place among the moves.
 * Return: 0; -E2BIG past SPLIT_MOVES_MAX; -errno. On failure it is still at @path.
 */
must_check int split_moved(struct split_writer *w, int dir, const char *base,
			   const char *path, struct err *e);

/**
 * split_finish() - complete the file; only split_free() may follow
 * @ret_bytes: length of the stream; may be NULL
 * Nothing is flushed to the disk: a layer is synced whole.
 */
must_check int split_finish(struct split_writer *w, uint64_t *ret_bytes, struct err *e);

/** split_free() - without split_finish() before, an unreadable file stays behind */
struct split_writer *split_free(struct split_writer *w);

/** split_bytes() - length of the stream; 0, SPLIT_E_NONE, -errno */
must_check int split_bytes(int layer_dir, uint64_t *ret, struct err *e);

struct split_reader {
	/* Called with 1 to 256 Ki bytes; what is not 0 ends the replay and is returned
	 * (@e is the callee's to fill). */
	int (*sink)(void *arg, const void *data, size_t n, struct err *e);
	/* A file is missing, too short, no file or changed; zeros stand for what cannot
	 * be had, and the replay goes on. @path: below the layer's directory. NULL: that
	 * is an error. */
	void (*fault)(void *arg, const char *path, const char *what);
	void *arg;
};

/**
 * split_replay() - the whole stream again, in order
 * Return: 0; SPLIT_E_NONE, before the first byte; -errno. A damaged stream.zst is an
 * error always. The checksums find accidents; only a digest over the stream vouches for
 * it.
 */
must_check int split_replay(int layer_dir, const struct split_reader *to, struct err *e);

#endif
