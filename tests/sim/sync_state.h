/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sync states as clients see them: opaque text that holds everything, so that a state is good after
 * a restart of the simulator. Inside: gzip (hence "H4sI...", as Exchange's begin) over
 *
 *     magic 4 | mailbox guid 16 | folder number 8 | serial 8 | what the tree wrote | CRC-32 4
 *
 * The serial makes every state differ from all others, as Exchange's do.
 */
#ifndef SIM_SYNC_STATE_H
#define SIM_SYNC_STATE_H

#include "mailbox.h"

/* Appends the text form of INNER to *out. */
void sync_state_wrap(
	const struct mailbox_id *m, uint64_t folder, struct bytes inner, struct buf *out);
/* False: garbage, cut, or of another mailbox or folder. */
bool sync_state_unwrap(const struct mailbox_id *m, uint64_t folder, const char *text,
	struct buf *inner_out) EXA_CHECK;

#endif
