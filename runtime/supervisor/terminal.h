/*
 * supervisor/terminal.h - the other end of a service's terminal: kept, and read into its
 * log.
 *
 * A terminal whose master is closed hangs up its service, so the master outlives the
 * supervisor: a copy lies unread in a pair of sockets that the keeper has, too. What is
 * read goes through the FIFO of standard output, which is kept in the same way, and from
 * there as any other output: a kill at any instant loses and repeats nothing.
 */
#ifndef SUPERVISOR_TERMINAL_H
#define SUPERVISOR_TERMINAL_H

#include <sys/types.h>

#include "runtime/supervisor/service.h"

/** terminal_store() - the sockets in which masters are kept; by the keeper, once
 * Return: 0 or -errno. */
int terminal_store(int ret_store[2]);
/**
 * terminal_report() - read a launcher's report, and the master that may come with it
 * @ret_master: owned by the caller; -1: none came
 * Return: as read(2).
 */
ssize_t terminal_report(int sock, struct sup_launch_report *ret, int *ret_master);
/** terminal_begin() - keep @master, which is owned by @s from now on, until it ends; the
 * pid and start time of its process are known, its FIFOs are there */
void terminal_begin(struct supervisor *sup, struct service *s, int master);
/** terminal_adopt() - the master that an earlier supervisor kept for this very process */
void terminal_adopt(struct supervisor *sup, struct service *s);
/** terminal_move() - put into the log what there is now */
void terminal_move(struct supervisor *sup, struct service *s);
/** terminal_end() - the process has ended: take the rest, then forget the terminal; the
 * pid is still known. Nothing is done for a service without one. */
void terminal_end(struct supervisor *sup, struct service *s);

#endif
