/* SPDX-License-Identifier: Apache-2.0 */
/* FindItem (MS-OXWSSRCH), Shallow: what is in a folder, page by page, in the order in which it was
 * made. */
#include <inttypes.h>

#include "exarch/clock.h"

#include "find_items.h"
#include "request.h"
#include "soap.h"
#include "value.h"

/* Well below EWSFindCountLimit (1000), which counts over parallel requests. */
#define ITEM_PAGE 500

enum find_node {
	ROOT_FOLDER = NODE_OPERATION,
	ITEMS,
	ITEM,
	ITEM_ID,
	ITEM_CLASS,
	SIZE,
	RECEIVED,
	IS_READ,
};

static const struct grammar_row rows[] = {
	{ NODE_MESSAGE, XML_M, "RootFolder", ROOT_FOLDER, NODE_PLAIN },
	{ ROOT_FOLDER, XML_T, "Items", ITEMS, NODE_PLAIN },
	{ ITEMS, XML_T, NULL, ITEM, NODE_PLAIN }, /* Message, PostItem, Item, ... */
	{ ITEM, XML_T, "ItemId", ITEM_ID, NODE_PLAIN },
	{ ITEM, XML_T, "ItemClass", ITEM_CLASS, NODE_HAS_TEXT },
	{ ITEM, XML_T, "Size", SIZE, NODE_HAS_TEXT },
	{ ITEM, XML_T, "DateTimeReceived", RECEIVED, NODE_HAS_TEXT },
	{ ITEM, XML_T, "IsRead", IS_READ, NODE_HAS_TEXT },
};

static void
begin_item(struct find_items_reader *r)
{
	r->change = (struct ews_change){ .kind = EWS_CHANGE_CREATE,
		.size_bytes = -1,
		.received_ns = EXA_NO_TIME,
		.is_read = -1 };
	buf_reset(&r->id);
	buf_reset(&r->change_key);
	buf_reset(&r->class);
}

static bool
end_item(struct find_items_reader *r, struct exa_error *err)
{
	if (r->id.size == 0)
		return exa_fail(err, EXA_PROTOCOL, "an item without ItemId");
	r->change.id = buf_string(&r->id);
	r->change.change_key = buf_string(&r->change_key);
	r->change.class = buf_string(&r->class);
	return r->sink->change(r->sink->ctx, &r->change, err);
}

static bool
open_node(void *ctx, int node, const struct attributes *attributes, struct exa_error *err)
{
	struct find_items_reader *r = ctx;

	switch ((enum find_node)node) {
	case ROOT_FOLDER:
		r->last = value_boolean(attribute(attributes, "IncludesLastItemInRange")) == 1;
		r->next_offset = value_number(attribute(attributes, "IndexedPagingOffset"));
		r->total = value_number(attribute(attributes, "TotalItemsInView"));
		break;
	case ITEM:
		begin_item(r);
		break;
	case ITEM_ID:
		return value_id(attributes, "Id", &r->id, err) &&
		       value_id(attributes, "ChangeKey", &r->change_key, err);
	case ITEMS:
	case ITEM_CLASS:
	case SIZE:
	case RECEIVED:
	case IS_READ:
		break;
	}
	return true;
}

static bool
close_node(void *ctx, int node, const char *text, struct exa_error *err)
{
	struct find_items_reader *r = ctx;

	switch ((enum find_node)node) {
	case ITEM:
		return end_item(r, err);
	case ITEM_CLASS:
		value_text(&r->class, text);
		break;
	case SIZE:
		r->change.size_bytes = value_number(bytes_of_string(text));
		break;
	case RECEIVED:
		r->change.received_ns = value_moment(text);
		break;
	case IS_READ:
		r->change.is_read = value_boolean(bytes_of_string(text));
		break;
	case ROOT_FOLDER:
	case ITEMS:
	case ITEM_ID:
		break;
	}
	return true;
}

static bool
end_message(void *ctx, size_t index, const struct exa_error *why, struct exa_error *err)
{
	struct find_items_reader *r = ctx;

	(void)index;
	(void)err;
	if (why != NULL) {
		r->failed = true;
		r->failure = *why;
	}
	return true;
}

const struct answer_spec find_items_spec = { .message = "FindItemResponseMessage",
	.rows = rows,
	.row_count = sizeof rows / sizeof rows[0],
	.open = open_node,
	.close = close_node,
	.message_end = end_message };

void
find_items_reader_done(struct find_items_reader *r)
{
	buf_done(&r->id);
	buf_done(&r->change_key);
	buf_done(&r->class);
}

void
find_items_request(
	struct buf *out, const struct ews_mailbox *mailbox, const char *folder_id, int64_t offset)
{
	soap_begin(out, mailbox);
	buf_add_string(out,
		"<m:FindItem Traversal=\"Shallow\"><m:ItemShape><t:BaseShape>IdOnly</t:BaseShape>"
		"<t:AdditionalProperties>"
		"<t:FieldURI FieldURI=\"item:ItemClass\"/>"
		"<t:FieldURI FieldURI=\"item:DateTimeReceived\"/>"
		"<t:FieldURI FieldURI=\"item:Size\"/>"
		"<t:FieldURI FieldURI=\"message:IsRead\"/>"
		"</t:AdditionalProperties></m:ItemShape>");
	buf_printf(out,
		"<m:IndexedPageItemView MaxEntriesReturned=\"%d\" Offset=\"%" PRId64
		"\" BasePoint=\"Beginning\"/>",
		ITEM_PAGE, offset);
	buf_add_string(out,
		"<m:SortOrder><t:FieldOrder Order=\"Ascending\">"
		"<t:FieldURI FieldURI=\"item:DateTimeCreated\"/></t:FieldOrder></m:SortOrder>"
		"<m:ParentFolderIds><t:FolderId Id=\"");
	soap_text(out, folder_id);
	buf_add_string(out, "\"/></m:ParentFolderIds></m:FindItem>");
	soap_end(out);
}

bool
find_items_result(const struct find_items_reader *r, int64_t offset, int64_t *next_offset_out,
	int64_t *total_out, struct exa_error *err)
{
	if (r->failed) {
		*err = r->failure;
		return false;
	}
	/* Short pages are normal, pages that lead nowhere would be asked for forever. */
	if (!r->last && r->next_offset <= offset)
		return exa_fail(err, EXA_NET,
			"the list of items stands still at %" PRId64 " (next: %" PRId64 ")", offset,
			r->next_offset);
	*next_offset_out = r->last ? -1 : r->next_offset;
	*total_out = r->total;
	return true;
}

bool
ews_find_items(struct ews *e, const struct ews_mailbox *mailbox, const char *folder_id,
	int64_t offset, const struct ews_change_sink *sink, int64_t *next_offset_out,
	int64_t *total_out, struct exa_error *err)
{
	EXA_AUTO(find_items_reader_done)
	struct find_items_reader reader = { .sink = sink, .next_offset = -1, .total = -1 };
	EXA_AUTO(answer_freep) struct answer *answer = NULL;

	if (!answer_new(&find_items_spec, &reader, 1, &answer, err))
		return false;
	find_items_request(request_text(e), mailbox, folder_id, offset);
	return request_send(e, mailbox, answer, err) &&
	       find_items_result(&reader, offset, next_offset_out, total_out, err);
}
