/*
 * images/store.h - the store's directories and locks, for the files of this room.
 *
 * Locks, all by flock: "store.lock" shared by each user for as long as the store is open
 * (who gets it exclusively may clear tmp/); "load.lock" shared by loads, exclusive for
 * whoever removes layers; tmp/KEY.lock exclusive while layer KEY is made; "names.lock"
 * exclusive while names or images come or go. They are taken in this order; who holds
 * names.lock does not wait for another.
 */
#ifndef IMAGES_STORE_H
#define IMAGES_STORE_H

#include "images/image.h"

struct image_store {
	char *path, *parser; /* parser: of minibox-parse */
	int root, layers, images, refs, sources, tmp;
	int lock;                  /* store.lock, shared */
	uint64_t unpacked_max;     /* bytes of content that one load may unpack */
	_Atomic uint64_t unpacked; /* by all threads of this load */
	_Atomic bool made;         /* layers were: their locks are left in tmp/ */
};

/** STORE_EMPTY - two empty directories below layers/: overlayfs wants at least two lowers
 */
#define STORE_EMPTY_A ".empty/a"
#define STORE_EMPTY_B ".empty/b"

/** store_tmp_name() - a name in tmp/ no one else uses; owned by the caller */
char *store_tmp_name(const char *stem);
/** store_discard() - make @name below @dir vanish at once (rename into tmp/), then remove
 * it */
must_check int store_discard(struct image_store *s, int dir, const char *name,
			     struct err *e);
/** store_put() - write a file whole by way of tmp/, so that @dir never shows a partial
 * one */
must_check int store_put(struct image_store *s, int dir, const char *name,
			 const void *data, size_t n, struct err *e);
/** store_take() - count @bytes as unpacked by this load; -EFBIG past its limit */
must_check int store_take(struct image_store *s, uint64_t bytes, struct err *e);
/** store_space() - -ENOSPC if writing @bytes more would leave the disk all but full, or
 * if it has hardly an inode left */
must_check int store_space(int fd, uint64_t bytes, struct err *e);
/** store_holds() - -EFBIG if a file of @size, sparse or not, is larger than the disk
 * itself */
must_check int store_holds(int fd, uint64_t size, struct err *e);
/** store_lock_names() - nobody else changes names or removes images while *@ret_lock is
 * open; owned by the caller */
must_check int store_lock_names(struct image_store *s, int *ret_lock, struct err *e);
/** store_collect() - remove layers that no image uses, unless someone is loading just now
 */
must_check int store_collect(struct image_store *s, struct err *e);
/** store_sync() - flush a directory after a rename into it */
must_check int store_sync(int dir, const char *what, struct err *e);

#endif
