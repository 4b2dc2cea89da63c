/*
 * images/layer/tree.h - directories of a layer that is being unpacked, and what lies
 * below it.
 *
 * Knows how a path is walked inside a layer as if the container's root were there:
 * symlinks are followed within the root, a directory the layer lacks is made as the
 * layers below have it. Every step is one component below an fd; no string of the archive
 * is looked up outside. Does not know tar.
 */
#ifndef IMAGES_TREE_H
#define IMAGES_TREE_H

#include <stdbool.h>
#include <sys/stat.h>

#include "runtime/base/err.h"
#include "runtime/base/str.h"

enum { TREE_E_DEPENDS = 1 }; /* cannot be said without the layers below */

enum tree_mode {
	TREE_ALONE, /* layers below exist and are not shown: TREE_E_DEPENDS when needed */
	TREE_BOTTOM, /* there is nothing below; what is missing is made with defaults */
	TREE_ABOVE   /* tree.below shows the merged layers below */
};

struct tree_time {
	char *path;
	struct timespec mtime;
};

struct tree {
	int root;  /* borrowed: the layer's own root */
	int below; /* borrowed; -1 unless TREE_ABOVE */
	enum tree_mode mode;
	bool depends;       /* TREE_BOTTOM: something was made with defaults */
	struct strv copied; /* what tree_copy_up() made, without symlinks */
	/* the last parent, since entries come directory by directory */
	char *dir_name;
	struct buf dir_path; /* the same without symlinks */
	int dir;
	struct tree_time
		*times; /* of directories, set at the end: filling one changes it */
	size_t n_times;
	struct strv whiteouts; /* paths */
	size_t remembered;     /* bytes of all those paths */
	void *links;           /* a set (tsearch(3)) of paths that are further names */
	bool acl;              /* directories may hand on a default ACL */
};

enum { TREE_REMEMBER_MAX = 64 << 20 }; /* 40 times what the largest real layers need */

void tree_init(struct tree *t, int root, int below, enum tree_mode mode);
void tree_free(struct tree *t);

/**
 * tree_parent() - the directory @name (clean) stands for, made where it is missing
 * Afterwards t->dir is its fd and t->dir_path its path without symlinks.
 * Return: 0, TREE_E_DEPENDS, -errno
 */
must_check int tree_parent(struct tree *t, const char *name, struct err *e);
/** tree_path() - the path of @base below the last parent, without symlinks; owned by the
 * caller */
char *tree_path(const struct tree *t, const char *base);
/** tree_forget() - after something was removed or replaced the last parent may be gone */
void tree_forget(struct tree *t);
/**
 * tree_copy_up() - bring a file or symlink of the layers below into the layer
 * @base: name below the last tree_parent()
 * Return: 0, TREE_E_DEPENDS, -ENOENT where there is no such file
 */
must_check int tree_copy_up(struct tree *t, const char *base, struct err *e);
/** tree_mkdir() - make @base below @dir, 0755 root
 * @opaque: hide what the layers below have there */
must_check int tree_mkdir(int dir, const char *base, bool opaque, int *ret_fd,
			  struct err *e);
/** tree_forget_acls() - take away what a directory's default ACL gave to a new file */
void tree_forget_acls(int fd);
/** tree_set_opaque() - the directory hides all that is below it */
must_check int tree_set_opaque(int fd, struct err *e);
bool tree_is_opaque(int fd);
/** tree_is_whiteout() - a 0/0 character device: overlayfs's mark for "not there" */
bool tree_is_whiteout(const struct stat *st);
/** tree_late_whiteout() - remember a whiteout: tree_finish() looks whether it is needed
 */
void tree_late_whiteout(struct tree *t, const char *path);
/** tree_note_link() - @path is a further name of a file that has its content from another
 * entry */
void tree_note_link(struct tree *t, const char *path);
/** tree_forget_link() - was it? It is none any more. */
bool tree_forget_link(struct tree *t, const char *path);
/** tree_late_mtime() - remember a directory's time; @path is without symlinks, copied */
void tree_late_mtime(struct tree *t, const char *path, struct timespec mtime);
/**
 * tree_finish() - what can only be done once everything is there
 * Whiteouts that hide nothing are removed, because overlayfs lists them where it has only
 * one directory to show: those in opaque directories, and those of names that the layers
 * below do not have. Then the remembered times are set; names that are gone are passed
 * over.
 */
void tree_finish(struct tree *t);
/** tree_copy_content() - a new file @to below @to_dir with the content of file @from */
must_check int tree_copy_content(int from_dir, const char *from, int to_dir,
				 const char *to, struct err *e);
/** tree_copy_attrs() - owner, mode and xattrs of @from to @to (not overlayfs's own
 * xattrs) */
must_check int tree_copy_attrs(int from, int to, struct err *e);

#endif
