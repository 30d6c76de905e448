/* SPDX-License-Identifier: Apache-2.0 */
/* An item becomes files, or a message in an mbox. Each thread has a writer of its own. */
#ifndef EXPORT_ITEM_H
#define EXPORT_ITEM_H

#include "journal.h"
#include "maildir.h"
#include "mbox.h"
#include "target.h"

/* Where the items of a folder go. */
struct item_place {
	const char *place; /* of messages: a folder, a Maildir */
	const char *root;  /* the Maildir++ that place is a folder of; NULL = none */
	const char *files; /* a folder for what is no message */
	struct mbox *mbox; /* of messages; NULL = the format isn't mbox */
};

struct item_writer {
	const struct export_options *options;
	const uint8_t *archive; /* its UUID */
	struct journal *journal;
	struct store_reader *reader;
	struct target target;
	struct maildir_listing listing;
	struct buf scratch, name, path, head, inner;
};

struct item_outcome {
	bool written;     /* something was that wasn't there */
	bool native_only; /* the item has no MIME */
	uint64_t bytes;   /* written */
};

/* False with *END_OUT: the export can't go on. False without: this item can't be given back. */
bool item_export(struct item_writer *w, const struct item_place *place, const struct selected *item,
	struct item_outcome *out, bool *end_out, struct exa_error *err) EXA_CHECK;
void item_writer_done(struct item_writer *w);

#endif
