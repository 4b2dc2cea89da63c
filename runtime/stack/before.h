/*
 * stack/before.h - the model before: kept whole while another takes its place, and read
 * back. Private.
 *
 * RUN/STACK/SERVICE/model.json is what a container was made from; RUN/STACK/.before.N all
 * of these as they were before an `up`, with the images' ids: the record says which N is
 * meant, so that one rename changes both. Readable by root alone: environments are in
 * it. Gone at `down` and at a reboot.
 */
#ifndef STACK_BEFORE_H
#define STACK_BEFORE_H

#include "runtime/stack/up.h"

/** before_note() - write model.json of @svc into @dir, its runtime directory */
must_check int before_note(const struct stack_model *m, const struct model_service *svc,
			   int dir, struct err *e);
/**
 * before_keep() - an `up` is about to change something: keep what is there, unless it is
 * the rest of one that did not come to its end, or never came up while a better one is
 * known; note in the record that it is under way
 */
must_check int before_keep(struct up *u, struct err *e);
/** before_done() - it came to its end; @all: for all services of the model */
must_check int before_done(struct up *u, bool all, struct err *e);
/** before_proven() - all of it is up; a rollback ends only here. Saves the record */
must_check int before_proven(struct record *rec, int stack_fd, struct err *e);
/**
 * before_load() - the model that u->rec->before says
 * @ret_ids: ids of the images of its services; both owned by the caller
 * Return: 0; STACK_E_NO_EARLIER; -errno
 */
must_check int before_load(const struct up *u, struct stack_model **ret, char ***ret_ids,
			   struct err *e);
/** before_images() - append the ids of the images that could be gone back to */
must_check int before_images(int stack_fd, const struct record *rec, struct strv *ret,
			     struct err *e);

#endif
