/*
 * netns/nft.h - private: libnftables, opened when it is first needed.
 *
 * Knows how to run commands and read answers. Does not know what they say.
 */
#ifndef NETNS_NFT_H
#define NETNS_NFT_H

#include "runtime/base/json.h"

/** netns_nft_run() - run @commands in one transaction; @what names them in the error
 * The library's own first line of complaint is part of the message. */
must_check int netns_nft_run(const char *commands, const char *what, struct err *e);
/** netns_nft_query() - run @command and return its JSON answer, owned by the caller */
must_check int netns_nft_query(const char *command, json_t **ret, struct err *e);

#endif
