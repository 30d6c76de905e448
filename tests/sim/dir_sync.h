/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Changes of a directory folder since a state. The state is what the client knows: a table of key
 * and change number of each item it was told of, sorted by key.
 */
#ifndef SIM_DIR_SYNC_H
#define SIM_DIR_SYNC_H

#include "mailbox.h"

bool dir_sync(struct view *v, size_t folder, struct bytes state, struct change_page *page,
	struct buf *state_out);

#endif
