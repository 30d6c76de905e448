/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An answer stream pulled in blocks: text as it is, messages as one line of base64. Never holds
 * more than one block of a message, so a message of any size costs the same memory.
 */
#ifndef SIM_PULL_H
#define SIM_PULL_H

#include "http.h"

struct pull;

struct pull *pull_new(struct answer_stream *s); /* takes it */
void pull_free(struct pull *p);                 /* NULL is fine */
/* Fills up to SIZE bytes; 0 at the end, -1 when a message broke off: the answer must too. */
ssize_t pull_read(struct pull *p, uint8_t *out, size_t size);

#endif
