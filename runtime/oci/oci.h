/*
 * oci/oci.h - the command line of an OCI runtime, as runc has it.
 *
 * Knows the OCI runtime specification 1.2. podman, containerd and CRI-O call it as their
 * runtime; the stack's own containers go through the container room directly.
 */
#ifndef OCI_H
#define OCI_H

#include "runtime/base/err.h"

struct container;

/**
 * oci_main() - `minibox oci ARGV...`
 * @argv:   NULL-terminated, argv[0] is the program's name
 * @attach: stays with a foreground process: relays its terminal and signals, reaps it;
 * returns its exit status or -errno
 * Return: the exit status. A failure is one line on standard error, and in --log.
 */
int oci_main(int argc, char **argv, int (*attach)(struct container *c, struct err *e));

#endif
