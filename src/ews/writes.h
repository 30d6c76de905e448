/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What makes, marks and finds items and folders: request texts, and the readers of their answers,
 * apart from the connection.
 */
#ifndef EXARCH_EWS_WRITES_H
#define EXARCH_EWS_WRITES_H

#include "exarch/ews.h"

#include "answer.h"
#include "outgoing.h"

/* The named property that says which archived item this is. The set is exarch's own. */
#define MARKER_PATH                                                                   \
	"<t:ExtendedFieldURI PropertySetId=\"5d2d6b0e-4c1f-4b57-9a0e-7f1c3c86a2d4\" " \
	"PropertyName=\"exarch-item\" PropertyType=\"String\"/>"

void add_marker(struct buf *out, const char *marker); /* as an ExtendedProperty */

/* CreateItem, UploadItems, UpdateItem and CreateFolder answer alike: an id for each. */
struct made_reader {
	const struct ews_made_handler *handler;
	struct buf id, change_key;
	bool broken;
	struct exa_error why;
};
extern const struct answer_spec create_items_spec, upload_items_spec, mark_items_spec,
	create_folder_spec;
void made_reader_done(struct made_reader *r);

void create_items_request(struct outgoing *out, const struct ews_mailbox *mailbox,
	const struct ews_create_request *request);
void upload_items_request(struct outgoing *out, const struct ews_mailbox *mailbox,
	const struct ews_upload_request *request);
void mark_items_request(struct buf *out, const struct ews_mailbox *mailbox,
	const struct ews_mark *marks, size_t count);
void create_folder_request(
	struct buf *out, const struct ews_mailbox *mailbox, const struct ews_new_folder *folder);

struct find_reader {
	const struct ews_found_sink *sink;
	struct ews_found found; /* the one being read; its texts stand here: */
	struct buf id, change_key, class, message_id, marker, search_key;
	unsigned tag; /* of the extended property being read; 0 = the named one */
	int64_t next_offset;
	bool last;
	bool failed;
	struct exa_error failure;
};
extern const struct answer_spec search_items_spec;
void find_reader_done(struct find_reader *r);
void search_items_request(
	struct buf *out, const struct ews_mailbox *mailbox, const struct ews_find_request *request);

#endif
