/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The header of a generated copy, as Exchange gives it: the way it came, whom it is from and to,
 * and the marks of the servers it passed.
 */
#ifndef SIM_GEN_HEAD_H
#define SIM_GEN_HEAD_H

#include "gen_mime.h"

/* Everything before Content-Type. */
void gen_add_head(struct buf *out, const struct gen_message *m, const struct gen_copy *copy);

#endif
