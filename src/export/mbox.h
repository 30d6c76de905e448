/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Mbox files: one for each folder, many messages each. An mbox is put together in the workshop and
 * gets its name when the export ends; one that is there already is taken back into the workshop to be
 * continued, if it still is as long as the journal says: otherwise somebody else wrote to it, and it
 * is left alone.
 *
 * Messages of one mbox are appended by one thread at a time.
 */
#ifndef EXPORT_MBOX_H
#define EXPORT_MBOX_H

#include "journal.h"

struct mboxes;
struct mbox;

struct mboxes *mboxes_new(struct journal *j); /* borrows */
void mboxes_free(struct mboxes *m);           /* NULL is fine */
/* The mbox NAME in the folder PLACE ("." = the top), made in the workshop as PART. One thread. */
struct mbox *mboxes_get(struct mboxes *m, const char *place, const char *name, const char *part);
/* Gives all that were written to their names and sums. The journal must have made a step. */
bool mboxes_finish(struct mboxes *m, struct target *t, struct exa_error *err) EXA_CHECK;

/* "anna@contoso.com/Inbox.mbox" */
const char *mbox_path(const struct mbox *x);

/* Before messages are asked about or appended. EXA_USAGE: what is there isn't what was exported. */
bool mbox_enter(struct mbox *x, struct target *t, struct exa_error *err) EXA_CHECK;
void mbox_leave(struct mbox *x);

/* One message: begin, its bytes, then commit; cut instead takes away what was written of it. HEAD:
 * its first bytes. */
bool mbox_message_begin(struct mbox *x, struct target *t, struct bytes head, int64_t received_ns,
	struct exa_error *err) EXA_CHECK;
bool mbox_message_write(struct mbox *x, struct bytes data, struct exa_error *err) EXA_CHECK;
/* Where it stands, for its line in the journal, which the caller adds then. */
bool mbox_message_commit(struct mbox *x, uint64_t *offset_out, uint64_t *length_out,
	struct exa_error *err) EXA_CHECK;
void mbox_message_cut(struct mbox *x);

#endif
