/*
 * images/image.h - OCI images: archives in, a store of unpacked layers, root file systems
 * out.
 *
 * Knows OCI layouts (tar and directory), docker-archives, digests, layers, whiteouts,
 * overlayfs. Does not know containers: whoever mounts hands a user namespace as an fd.
 * Specification: opencontainers/image-spec v1.1, docker image spec v1.2; kernel
 * overlayfs.rst.
 *
 * On disk, below the store's root (0700, owned by root, refused otherwise):
 *
 *   layers/KEY/     one layer; KEY is the diffID's hex, or "chain-" + chainID's hex where
 *                   its meaning depends on those below: fs/ (the tree), stream.zst and
 *                   replaced/ (see split.h), layer.json
 *   images/ID/      config.json as in the archive, config.list (what the parser said of
 *                   it), record.json (layers bottom first, sizes)
 *   refs/…          one file a name, holding the image's ID
 *   sources/…       which archive (path, inode, size, times) held which images
 *   tmp/…           being made; left-overs are removed under the store's lock
 */
#ifndef IMAGE_H
#define IMAGE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "runtime/base/du.h"
#include "runtime/base/err.h"
#include "runtime/base/str.h"

enum {
	IMAGE_E_NOT_FOUND = 1, /* no such image, name or digest */
	IMAGE_E_NO_IDMAP = 2,  /* the store's file system cannot be idmapped */
	IMAGE_E_IN_USE = 3,
};

struct image_store;

struct image_health {     /* HEALTHCHECK of the config; test.n == 0: none */
	struct strv test; /* as in the config: "CMD", … or "CMD-SHELL", text, or "NONE" */
	uint64_t interval_ms, timeout_ms, start_period_ms; /* 0: default */
	uint64_t start_interval_ms;
	unsigned retries;
};

struct image {
	char *id;              /* "sha256:" + 64 hex: digest of the config */
	struct strv names;     /* "postgres:16", familiar form; may be empty */
	struct strv layers;    /* store keys, bottom first */
	struct strv diff_ids;  /* "sha256:…", bottom first */
	uint64_t size_bytes;   /* unpacked, all layers */
	uint64_t unique_bytes; /* of these, in layers no other image has (image_list()) */
	char *created, *os, *architecture;
	/* config */
	struct strv entrypoint, cmd, env, volumes, ports, labels; /* labels: "k=v" */
	char *user, *workdir, *stop_signal;                       /* "" when absent */
	struct image_health health;
};
struct image *image_free(struct image *img);

/**
 * image_store_open() - open or make the store
 * @root: absolute path, e.g. /var/lib/minibox
 * -EPERM when the directory is not root's or is open to others. Left-overs of killed
 * loads are removed here when nobody else holds the store.
 */
must_check int image_store_open(const char *root, struct image_store **ret,
				struct err *e);
/**
 * image_store_look() - a store for image_foresee() and image_find() alone: nothing is
 * made, cleared or locked, and it need not be there
 */
must_check int image_store_look(const char *root, struct image_store **ret,
				struct err *e);
struct image_store *image_store_free(struct image_store *s);
/** image_store_set_limit() - bytes of content that one load may unpack from now on */
void image_store_set_limit(struct image_store *s, uint64_t bytes);
/** image_store_set_parser() - where minibox-parse is, if not beside this executable */
void image_store_set_parser(struct image_store *s, const char *path);

/* Progress of a load: called with bytes done and in all of one layer (of @n, from 0);
 * from the threads that load, never two calls at once. 0 done: it is not in the
 * store and begun; all of them, or cached: it is there now. */
struct image_progress {
	void (*layer)(void *arg, size_t i, size_t n, const char *digest, uint64_t done,
		      uint64_t total, bool cached);
	void *arg;
};

/**
 * image_load() - take every image of an archive into the store
 * @path: file (relative to @dir, or absolute), OCI layout directory, or "-" for stdin
 * @p:    may be NULL
 * @ret:  loaded images, *@n of them, owned by the caller (image_free() each, then free())
 * Every blob digest and diffID is verified. Nothing half-made is ever visible: layers,
 * images and names appear by rename. Loading the same layer twice at once shares the
 * work. On failure whole layers that were already good may stay (unreferenced), images
 * and names are unchanged.
 */
must_check int image_load(struct image_store *s, int dir, const char *path,
			  const struct image_progress *p, struct image ***ret, size_t *n,
			  struct err *e);
/**
 * image_ensure() - the image that a stack file means by @ref, loading it if needed
 * @ref: a path when it holds a '/' and exists, or ends in .tar, .tar.gz, .tgz, or is a
 *       directory with an index.json; otherwise a name, NAME:TAG or digest in the store
 * An archive whose path, inode, size and times are as last seen is not read again. An
 * archive must hold exactly one image. Return: 0, IMAGE_E_NOT_FOUND (a name that is not
 * in the store), or -errno.
 */
must_check int image_ensure(struct image_store *s, int dir, const char *ref,
			    const struct image_progress *p, struct image **ret,
			    struct err *e);
/**
 * image_foresee() - the id of the image that image_ensure() would give, changing nothing
 * @ret_id: owned by the caller; NULL: an archive, and the store is not there yet
 * An archive that is not as last seen is read as far as its config, and no layer of it.
 * Return: as image_ensure(); IMAGE_E_NOT_FOUND, too, for a name where no store is.
 */
must_check int image_foresee(struct image_store *s, int dir, const char *ref,
			     char **ret_id, struct err *e);
/* Where image_pull() finds the way into a registry. */
struct image_pull_opts {
	const char
		*creds_file; /* first line USER:PASSWORD, "-": standard input; NULL:
				Docker's config.json below DOCKER_CONFIG or ~/.docker */
	const char *ca_file; /* PEM certificates to trust instead of the system's; NULL:
				SSL_CERT_FILE, if it is set */
};
/**
 * image_pull() - take an image of a registry into the store, under that name
 * @name: a name, NAME:TAG or NAME@DIGEST; with a digest and no tag it gets no name
 * @p:    may be NULL
 * @ret:  owned by the caller
 * TLS is verified; only a registry on loopback may be without. Manifest, config and
 * layers are verified by their digests; layers the store has are not fetched. On failure
 * as image_load(). -EINVAL: @name is none; -ENOENT: the registry has no such image, or
 * minibox was built without libcurl. No secret is in an error.
 */
must_check int image_pull(struct image_store *s, const char *name,
			  const struct image_pull_opts *o, const struct image_progress *p,
			  struct image **ret, struct err *e);
/** image_find() - by name, NAME:TAG, full or unique short id. 0 or IMAGE_E_NOT_FOUND */
must_check int image_find(struct image_store *s, const char *ref, struct image **ret,
			  struct err *e);
/** image_list() - all, sorted by name then id; owned by the caller as image_load()'s */
must_check int image_list(struct image_store *s, struct image ***ret, size_t *n,
			  struct err *e);
/** image_config_json() - the config as it was in the archive, for `inspect`; owned by the
 * caller */
must_check int image_config_json(struct image_store *s, const char *id, char **ret,
				 struct err *e);
/**
 * image_remove() - untag @ref; drop the image when no name is left, and layers no image
 * uses
 * @used_ids: image ids that containers use (IMAGE_E_IN_USE when the last name would go)
 */
must_check int image_remove(struct image_store *s, const char *ref,
			    const struct strv *used_ids, struct err *e);

/**
 * image_tag() - let @name mean the image @ref as well
 * @name: an image name without a digest; ":latest" is added where it has no tag. An image
 *        that had it before loses it, and stays.
 * Return: 0; IMAGE_E_NOT_FOUND; -EINVAL for what is no name; -errno
 */
must_check int image_tag(struct image_store *s, const char *ref, const char *name,
			 struct err *e);

struct image_prune_opts {
	bool all;          /* images with names, too */
	bool dry_run;      /* only say what would go */
	uint64_t since_ns; /* keep what was loaded later (CLOCK_REALTIME); UINT64_MAX:
			      none */
	const struct strv *used_ids; /* of images that containers use: kept */
};
struct image_pruned {
	struct image **images;
	size_t n, layers;
	uint64_t bytes;     /* on the disk, of all that is gone */
	bool layers_in_use; /* a load or save is under way: layers were left for later */
};
void image_pruned_free(struct image_pruned *p);
/**
 * image_prune() - remove images that nobody uses, then layers that no image has
 * @ret: what was removed, also after a failure; freed by the caller always
 */
must_check int image_prune(struct image_store *s, const struct image_prune_opts *o,
			   struct image_pruned *ret, struct err *e);

/**
 * image_import() - make an image of one layer from a root file system's tarball
 * @path: a file (relative to @dir, or absolute), plain or compressed by gzip or zstd, or
 *        "-": standard input
 * @as:   what its config is to say: entrypoint, cmd, env ("K=V"), volumes, ports
 *        ("80/tcp"), labels ("k=v"), user, workdir, stop_signal; names[0], if any, is its
 *        name. All else is ignored.
 * @ret:  owned by the caller
 * Return: 0; -EINVAL for a name that is none; -errno as image_load(). On failure no image
 * has come, and no name changed.
 */
must_check int image_import(struct image_store *s, int dir, const char *path,
			    const struct image *as, struct image **ret, struct err *e);

struct image_verify {
	/* Once for each fault. @layer: its key, or ""; @path: within the root, of a file
	 * of that layer, or ""; @what: what is wrong with it ("has changed"). */
	void (*fault)(void *arg, const char *image, const char *layer, const char *path,
		      const char *what);
	void *arg;
	size_t images, layers, faults; /* filled: what was looked at */
};
/**
 * image_verify() - hold what is in the store against the digests it was loaded by
 * @refs: as for image_find(); empty: all
 * Every layer's tar stream is made again and hashed, and unpacked once more, but for the
 * content, to compare each name's attributes. Needs as many free inodes as the largest
 * layer has.
 * Return: 0, whatever was found; -ENOENT naming what is not in the store; -errno where
 * it could not be done.
 */
must_check int image_verify(struct image_store *s, const struct strv *refs,
			    struct image_verify *v, struct err *e);

/* What the store takes up on the disk, in bytes of whole blocks. */
struct image_df {
	size_t images, layers;
	uint64_t image_bytes;  /* configs, records, names, archives seen */
	uint64_t layer_bytes;  /* all layers, of which … */
	uint64_t shared_bytes; /* … those that several images have, */
	uint64_t unused_bytes; /* … and those that none has */
	uint64_t tmp_bytes;    /* being made, or left by a load that was killed */
};
/**
 * image_df() - count it
 * @d: what was counted with it already is not counted again
 */
must_check int image_df(struct image_store *s, struct du *d, struct image_df *ret,
			struct err *e);

/**
 * image_save() - write images as one archive: an OCI layout that is a docker-archive, too
 * @refs: as for image_find(); with all their names; several may share layers
 * @fd:   a file or a pipe, written from where it stands
 * @what: what @fd is called in messages
 * Layers are their tar streams as they were loaded, so the images keep their ids.
 * Return: 0; -ENOENT naming what is not in the store; -ENODATA for a layer loaded by a
 * version that kept no stream; -EINVAL for one that has changed since. Of a failure
 * before the last byte the archive shows by its missing end.
 */
must_check int image_save(struct image_store *s, const struct strv *refs, int fd,
			  const char *what, struct err *e);

struct image_mount_opts {
	int userns_fd;         /* layers and upper are idmapped by it; -1: as they are */
	const char *upper_dir; /* absolute; holds upper/ and work/, made here; NULL:
				  read-only */
	bool by_path; /* force the path of kernels that take no layer fds (before 6.13) */
	const char *scratch; /* absolute directory for temporary mounts of that path */
};
/**
 * image_mount() - overlay of the image's layers as a detached mount
 * @ret_fd: owned by the caller, who attaches it (move_mount) or closes it (all is gone
 * then) Return: 0; IMAGE_E_NO_IDMAP; -errno, e.g. -EINVAL naming --root when the kernel
 * refuses the upper directory. One upper directory must never be mounted twice at once.
 * The store must have been opened in the mount namespace the caller is in: the kernel
 * clones no other mounts.
 */
must_check int image_mount(struct image_store *s, const struct image *img,
			   const struct image_mount_opts *o, int *ret_fd, struct err *e);

#endif
