/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What changes while the simulator runs: a store over a store. The base is never touched; edits lie
 * over it in memory (messages in a spool file) and are gone at the end. A mailbox nobody changed is
 * the base's own view.
 *
 * Each edit is journalled, so that sync tells of it whatever state the client comes with: a state
 * is the base's, plus how far in the journal the client is. States that know of a journal are
 * refused after a restart, when that journal is gone.
 *
 * Verbs give NULL when it is done, else the response code that says why not. Any thread.
 */
#ifndef SIM_LIVE_H
#define SIM_LIVE_H

#include "mailbox.h"

struct mailstore *live_new(struct mailstore *base, struct exa_error *err); /* takes it; NULL: err */

/* Which item of which mailbox. */
struct live_at {
	const char *address;
	uint64_t folder, key;
};

/* What an item is found by after an edit. */
struct live_made {
	uint64_t key, change;
};

/* ITEM: key and change are given by the store; a search key of zeros too. MIME is copied. */
const char *live_add_item(struct mailstore *s, const char *address, uint64_t folder,
	const struct sim_item *item, struct bytes mime, struct live_made *made_out);
const char *live_remove_item(struct mailstore *s, const struct live_at *at);
/* A new key, the same message and search key. */
const char *live_move_item(
	struct mailstore *s, const struct live_at *at, uint64_t to, struct live_made *made_out);
/* The item is as ITEM says from now on; HEADER (NULL: none) is put before its message. KIND:
 * CHANGE_UPDATE, or CHANGE_READ when nothing but is_read differs. */
const char *live_set_item(struct mailstore *s, const struct live_at *at,
	const struct sim_item *item, const char *header, enum change_kind kind,
	struct live_made *made_out);

struct live_folder_spec {
	const char *name, *folder_class;
	enum folder_kind kind;
};
const char *live_add_folder(struct mailstore *s, const char *address, uint64_t parent,
	const struct live_folder_spec *spec, uint64_t *number_out);
const char *live_remove_folder(struct mailstore *s, const char *address, uint64_t number);
/* NAME NULL, PARENT 0: stays. */
const char *live_set_folder(struct mailstore *s, const char *address, uint64_t number,
	const char *name, uint64_t parent);

/* All states given so far are good no more. */
void live_invalidate_sync(struct mailstore *s, const char *address);

#endif
