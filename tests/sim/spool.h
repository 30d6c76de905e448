/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where messages that clients made are kept: one nameless file, so that a restore of gigabytes
 * costs no memory. Any thread.
 */
#ifndef SIM_SPOOL_H
#define SIM_SPOOL_H

#include "mailbox.h"

struct spool;

bool spool_open(struct spool **out, struct exa_error *err) EXA_CHECK;
void spool_close(struct spool *s); /* NULL is fine */
bool spool_add(
	struct spool *s, struct bytes data, uint64_t *offset_out, struct exa_error *err) EXA_CHECK;

/* A body of what lies there. */
struct body *spool_body(struct spool *s, uint64_t offset, uint64_t size);
/* HEAD (copied), then REST (taken). */
struct body *prefixed_body(struct bytes head, struct body *rest);

#endif
