/* images/layer/walk.h - the walk behind tree_parent(), for who must know what it passed.
 */
#ifndef IMAGES_WALK_H
#define IMAGES_WALK_H

#include "images/layer/tree.h"

/**
 * tree_walk() - as tree_parent(), always component by component
 * @ret_hidden: an opaque directory was passed, so the layers below do not show there
 */
must_check int tree_walk(struct tree *t, const char *name, bool *ret_hidden,
			 struct err *e);

#endif
