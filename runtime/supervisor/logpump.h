/*
 * supervisor/logpump.h - moves what a service writes from its FIFOs into log segments.
 *
 * One splice at an explicit offset moves a piece, so SIGKILL between any two instructions
 * neither loses nor repeats a byte: the file's size says how far it went. Never blocks
 * the service: what the disk refuses is dropped and counted.
 */
#ifndef SUPERVISOR_LOGPUMP_H
#define SUPERVISOR_LOGPUMP_H

#include "runtime/supervisor/service.h"

/** logpump_open() - open those FIFOs of @s that exist and are not open already; one that
 * was made anew takes the place of the old */
void logpump_open(struct supervisor *sup, struct service *s);
/** logpump_move() - one piece of stream 0 (stdout) or 1 (stderr). Return: more may be
 * there. */
bool logpump_move(struct supervisor *sup, struct service *s, uint64_t stream);
/** logpump_drain() - everything that is left after the process ended; then close all */
void logpump_drain(struct supervisor *sup, struct service *s);
/** logpump_close() - forget FIFOs and segments without reading */
void logpump_close(struct service *s);

#endif
