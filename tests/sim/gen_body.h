/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A generated copy as a message to be read: texts from memory, attachments made block by block.
 */
#ifndef SIM_GEN_BODY_H
#define SIM_GEN_BODY_H

#include "gen_mime.h"
#include "mailbox.h"

struct body *gen_body_new(
	const struct gen_world *w, const struct gen_message *m, const struct gen_copy *copy);

#endif
