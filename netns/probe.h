/*
 * netns/probe.h - private: does a packet of a container get through this host?
 */
#ifndef NETNS_PROBE_H
#define NETNS_PROBE_H

#include <stdbool.h>

#include "runtime/base/err.h"

/**
 * netns_probe_forward() - send from @netns_fd through the host to a namespace made for it
 * @ret_passed: true when a packet and its answer arrived, or the container has no route
 * out Takes up to 0.8 s when nothing passes. No link is left behind.
 */
must_check int netns_probe_forward(int netns_fd, bool *ret_passed, struct err *e);

#endif
