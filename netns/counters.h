/*
 * netns/counters.h - the text of /proc/PID/net/dev. Private.
 */
#ifndef NETNS_COUNTERS_H
#define NETNS_COUNTERS_H

#include "netns/netns.h"

/** counters_parse() - sums of all links but lo; @text is cut up (pure) */
void counters_parse(char *text, struct netns_counters *ret);

#endif
