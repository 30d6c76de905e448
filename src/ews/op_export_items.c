/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ExportItems (MS-OXWSBTRF): an item's native stream, all of it and opaque, for what has no
 * faithful MIME. Unlike GetItem's content the data comes behind the id, with white space in it.
 */
#include <assert.h>

#include "items.h"
#include "request.h"
#include "soap.h"

enum export_node {
	EXPORT_ID = NODE_OPERATION,
	EXPORT_DATA,
};

static const struct grammar_row rows[] = {
	{ NODE_MESSAGE, XML_M, "ItemId", EXPORT_ID, NODE_PLAIN },
	{ NODE_MESSAGE, XML_M, "Data", EXPORT_DATA, NODE_STREAM },
};

static bool
open_node(void *ctx, int node, const struct attributes *attributes, struct exa_error *err)
{
	struct items_reader *r = ctx;

	switch ((enum export_node)node) {
	case EXPORT_ID:
		items_take_id(r, attributes);
		break;
	case EXPORT_DATA:
		r->has_content = true;
		return items_begin(r, err);
	}
	return true;
}

/* The service may cut a stream short and say so in the midst of it ("=== Truncated Data ==="),
 * which is no base64: ask again. */
static bool
close_node(void *ctx, int node, const char *text, struct exa_error *err)
{
	struct items_reader *r = ctx;

	(void)text;
	if ((enum export_node)node != EXPORT_DATA)
		return true;
	if (!items_end_content(r, err))
		return false;
	if (r->broken && r->broken_why.code == EXA_PROTOCOL)
		(void)exa_fail(&r->broken_why, EXA_NET, "the exported stream was cut short");
	return true;
}

const struct answer_spec export_items_spec = { .message = "ExportItemsResponseMessage",
	.stream = "Data",
	.rows = rows,
	.row_count = sizeof rows / sizeof rows[0],
	.open = open_node,
	.close = close_node,
	.data = items_content,
	.message_end = items_end_message };

void
export_items_request(struct buf *out, const struct ews_mailbox *mailbox,
	const struct ews_item_ref *refs, size_t count)
{
	soap_begin(out, mailbox);
	buf_add_string(out, "<m:ExportItems><m:ItemIds>");
	for (size_t i = 0; i < count; i++) {
		buf_add_string(out, "<t:ItemId Id=\"");
		soap_text(out, refs[i].id);
		buf_add_string(out, "\"/>");
	}
	buf_add_string(out, "</m:ItemIds></m:ExportItems>");
	soap_end(out);
}

bool
ews_export_items(struct ews *e, const struct ews_mailbox *mailbox, const struct ews_item_ref *refs,
	size_t count, const struct ews_item_handler *handler, struct exa_error *err)
{
	EXA_AUTO(items_reader_done) struct items_reader reader = { 0 };
	EXA_AUTO(answer_freep) struct answer *answer = NULL;

	assert(count >= 1 && count <= EWS_BATCH_MAX);
	items_reader_init(&reader, handler);
	if (!answer_new(&export_items_spec, &reader, count, &answer, err))
		return false;
	export_items_request(request_text(e), mailbox, refs, count);
	return request_send(e, mailbox, answer, err);
}
