/* SPDX-License-Identifier: Apache-2.0 */
/*
 * GetItem, ExportItems and DeleteItem as request texts, and the reader of their answers, apart from
 * the connection.
 */
#ifndef EXARCH_EWS_ITEMS_H
#define EXARCH_EWS_ITEMS_H

#include "exarch/ews.h"
#include "exarch/mime.h"

#include "answer.h"

/* Decoded content is handed on in pieces of at most this. */
#define MIME_PIECE_MAX ((size_t)64 * 1024)
/* Exchange can't hold a larger message (2 GB); more is a broken server. */
#define ITEM_MIME_MAX (UINT64_C(4) * 1024 * 1024 * 1024)

struct items_reader {
	const struct ews_item_handler *handler;
	size_t index; /* of the response message being read */

	bool begun;  /* `begin` was called for it */
	bool broken; /* ... but its content is no good: `failed` will follow, for this reason */
	struct exa_error broken_why;
	bool has_content;
	struct mime_base64_decoder decoder;
	struct buf decoded;

	struct ews_item item; /* numbers; texts and bytes stand here: */
	struct buf id, change_key, class, internet_message_id, categories, search_key;
	unsigned tag; /* of the extended property being read */
};

extern const struct answer_spec get_items_spec;
extern const struct answer_spec export_items_spec;
extern const struct answer_spec delete_items_spec;

void items_reader_init(struct items_reader *r, const struct ews_item_handler *handler);
void items_reader_done(struct items_reader *r);

/* For the grammars: an item begins, its base64 content comes in pieces and ends, its id, the end of
 * its response message. What is wrong with one item marks it broken: `failed` follows. */
bool items_begin(struct items_reader *r, struct exa_error *err) EXA_CHECK;
bool items_content(void *reader, struct bytes text, struct exa_error *err) EXA_CHECK;
bool items_end_content(struct items_reader *r, struct exa_error *err) EXA_CHECK;
void items_take_id(struct items_reader *r, const struct attributes *attributes);
bool items_end_message(
	void *reader, size_t index, const struct exa_error *why, struct exa_error *err) EXA_CHECK;
void items_mark_broken(struct items_reader *r, enum exa_code code, const char *why);

enum items_shape { ITEMS_WITH_MIME, ITEMS_PROPERTIES };
void get_items_request(struct buf *out, const struct ews_mailbox *mailbox, enum items_shape shape,
	const struct ews_item_ref *refs, size_t count);
void look_items_request(struct buf *out, const struct ews_mailbox *mailbox,
	const struct ews_item_ref *refs, size_t count);
void delete_items_request(struct buf *out, const struct ews_mailbox *mailbox,
	const struct ews_delete_request *request);
void export_items_request(struct buf *out, const struct ews_mailbox *mailbox,
	const struct ews_item_ref *refs, size_t count);

#endif
