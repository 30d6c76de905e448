/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Maildir: names of messages and folders as its readers expect them, and what is there already under
 * a name that a reader has changed.
 */
#ifndef EXPORT_MAILDIR_H
#define EXPORT_MAILDIR_H

#include "exarch/bytes.h"
#include "target.h"

/* A folder's name in Maildir++ holds its parents' too: longer ones get one made from their number. */
#define MAILDIR_FOLDER_MAX ((size_t)230)

/* Appends ".Projects.Alpha" for "Projects/Alpha": modified UTF-7 (RFC 3501, 5.1.3), '.' inside a name
 * becomes '_'. */
void maildir_add_folder(struct buf *out, const char *place);

/* Appends "1784714400.E17A0123abcd.exarch,S=4711:2,FS": the received second, the item's number and the
 * first eight digits of ARCHIVE (a UUID), the size, the flags. */
void maildir_add_name(struct buf *out, const struct catalog_item *item, const uint8_t archive[16]);

/* Makes the Maildir at PLACE where it is missing and turns to its cur. SUBFOLDER: of Maildir++. */
bool maildir_enter(
	struct target *t, const char *place, bool subfolder, struct exa_error *err) EXA_CHECK;

/* The items of an archive in one Maildir, whatever their flags are now. Zeroed, it knows none. */
struct maildir_listing {
	char *place;
	uint64_t *items; /* sorted */
	size_t count, capacity;
};
/* Whether ITEM is in the Maildir entered; lists it when PLACE is another than the last time. */
bool maildir_has(struct maildir_listing *l, struct target *t, uint64_t item,
	const uint8_t archive[16], bool *there_out, struct exa_error *err) EXA_CHECK;
void maildir_listing_done(struct maildir_listing *l);

#endif
