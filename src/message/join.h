/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MESSAGE_JOIN_H
#define MESSAGE_JOIN_H

#include "exarch/bytes.h"

/*
 * Appends an unfolded header value with each run of base64 encoded words (RFC 2047) of one charset
 * joined into one word. GMime 3.2 drops what follows a word that ends in padding, and senders pad
 * every word; others cut characters in two between words, which is put right by the same.
 */
void words_join(struct buf *out, const char *value);

#endif
