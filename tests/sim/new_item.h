/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Items that clients bring: their message and what they say of it, read into what the store keeps.
 */
#ifndef SIM_NEW_ITEM_H
#define SIM_NEW_ITEM_H

#include "mailbox.h"
#include "xmlin.h"

/*
 * NODE is a t:Message or one of its kin. NULL: *item_out (strings of the arena) and *mime_out are
 * filled in; else the code that says what is wrong. Without MimeContent a message is made from
 * subject, body and recipients.
 */
const char *new_item_read(
	const xmlNode *node, struct arena *a, struct sim_item *item_out, struct buf *mime_out);

/* One field of an UpdateItem: sets it from NODE, or takes it away (NODE NULL). False: nothing here
 * knows the field, or it can't be set. */
bool new_item_set(const xmlNode *path, const xmlNode *node, struct arena *a, struct sim_item *item);

/* The native form, as ExportItems gives it and UploadItems takes it. */
void native_add_head(struct buf *out, const struct sim_item *item);
bool native_read(struct bytes data, struct arena *a, struct sim_item *item_out,
	struct bytes *mime_out) EXA_CHECK;

#endif
