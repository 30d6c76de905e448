/* SPDX-License-Identifier: Apache-2.0 */
/* SyncFolderItems (MS-OXWSSYNC): one page of what changed in a folder since a state. */
#include <assert.h>
#include <inttypes.h>

#include "exarch/clock.h"

#include "request.h"
#include "soap.h"
#include "sync_items.h"
#include "value.h"

enum sync_node {
	STATE = NODE_OPERATION,
	LAST,
	CHANGES,
	CREATE,
	UPDATE,
	DELETE,
	READ_FLAG,
	UNKNOWN_CHANGE,
	ITEM,
	ITEM_ID,
	ITEM_CLASS,
	SIZE,
	RECEIVED,
	IS_READ,
};

static const struct grammar_row rows[] = {
	{ NODE_MESSAGE, XML_M, "SyncState", STATE, NODE_HAS_STATE },
	{ NODE_MESSAGE, XML_M, "IncludesLastItemInRange", LAST, NODE_HAS_TEXT },
	{ NODE_MESSAGE, XML_M, "Changes", CHANGES, NODE_PLAIN },
	{ CHANGES, XML_T, "Create", CREATE, NODE_PLAIN },
	{ CHANGES, XML_T, "Update", UPDATE, NODE_PLAIN },
	{ CHANGES, XML_T, "Delete", DELETE, NODE_PLAIN },
	{ CHANGES, XML_T, "ReadFlagChange", READ_FLAG, NODE_PLAIN },
	{ CHANGES, XML_ANY, NULL, UNKNOWN_CHANGE, NODE_PLAIN },
	{ CREATE, XML_T, NULL, ITEM, NODE_PLAIN }, /* Message, CalendarItem, Item, ... */
	{ UPDATE, XML_T, NULL, ITEM, NODE_PLAIN },
	{ DELETE, XML_T, "ItemId", ITEM_ID, NODE_PLAIN },
	{ READ_FLAG, XML_T, "ItemId", ITEM_ID, NODE_PLAIN },
	{ READ_FLAG, XML_T, "IsRead", IS_READ, NODE_HAS_TEXT },
	{ ITEM, XML_T, "ItemId", ITEM_ID, NODE_PLAIN },
	{ ITEM, XML_T, "ItemClass", ITEM_CLASS, NODE_HAS_TEXT },
	{ ITEM, XML_T, "Size", SIZE, NODE_HAS_TEXT },
	{ ITEM, XML_T, "DateTimeReceived", RECEIVED, NODE_HAS_TEXT },
	{ ITEM, XML_T, "IsRead", IS_READ, NODE_HAS_TEXT },
};

static void
begin_change(struct sync_reader *r, enum ews_change_kind kind)
{
	r->change = (struct ews_change){
		.kind = kind, .size_bytes = -1, .received_ns = EXA_NO_TIME, .is_read = -1
	};
	buf_reset(&r->id);
	buf_reset(&r->change_key);
	buf_reset(&r->class);
}

static bool
end_change(struct sync_reader *r, struct exa_error *err)
{
	if (r->id.size == 0)
		return exa_fail(err, EXA_PROTOCOL, "a change without ItemId");
	r->change.id = buf_string(&r->id);
	r->change.change_key =
		r->change.kind == EWS_CHANGE_DELETE ? "" : buf_string(&r->change_key);
	r->change.class = buf_string(&r->class);
	return r->sink->change(r->sink->ctx, &r->change, err);
}

static bool
open_node(void *ctx, int node, const struct attributes *attributes, struct exa_error *err)
{
	struct sync_reader *r = ctx;

	switch ((enum sync_node)node) {
	case CREATE:
		begin_change(r, EWS_CHANGE_CREATE);
		break;
	case UPDATE:
		begin_change(r, EWS_CHANGE_UPDATE);
		break;
	case DELETE:
		begin_change(r, EWS_CHANGE_DELETE);
		break;
	case READ_FLAG:
		begin_change(r, EWS_CHANGE_READ_FLAG);
		break;
	case UNKNOWN_CHANGE: /* skipping it could lose an item without a word */
		return exa_fail(err, EXA_PROTOCOL, "a change of unknown kind");
	case ITEM_ID:
		return value_id(attributes, "Id", &r->id, err) &&
		       value_id(attributes, "ChangeKey", &r->change_key, err);
	case STATE:
	case LAST:
	case CHANGES:
	case ITEM:
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
	struct sync_reader *r = ctx;

	switch ((enum sync_node)node) {
	case STATE:
		value_text(&r->state, text);
		break;
	case LAST:
		r->last = value_boolean(bytes_of_string(text));
		break;
	case CREATE:
	case UPDATE:
	case DELETE:
	case READ_FLAG:
		return end_change(r, err);
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
	case CHANGES:
	case UNKNOWN_CHANGE:
	case ITEM:
	case ITEM_ID:
		break;
	}
	return true;
}

static bool
end_message(void *ctx, size_t index, const struct exa_error *why, struct exa_error *err)
{
	struct sync_reader *r = ctx;

	(void)index;
	(void)err;
	if (why != NULL) {
		r->failed = true;
		r->failure = *why;
	}
	return true;
}

const struct answer_spec sync_items_spec = { .message = "SyncFolderItemsResponseMessage",
	.rows = rows,
	.row_count = sizeof rows / sizeof rows[0],
	.open = open_node,
	.close = close_node,
	.message_end = end_message };

void
sync_reader_done(struct sync_reader *r)
{
	buf_done(&r->id);
	buf_done(&r->change_key);
	buf_done(&r->class);
	buf_done(&r->state);
}

void
sync_items_request(
	struct buf *out, const struct ews_mailbox *mailbox, const struct ews_sync_request *request)
{
	soap_begin(out, mailbox);
	buf_add_string(out,
		"<m:SyncFolderItems><m:ItemShape><t:BaseShape>IdOnly</t:BaseShape>"
		"<t:AdditionalProperties>"
		"<t:FieldURI FieldURI=\"item:ItemClass\"/>"
		"<t:FieldURI FieldURI=\"item:DateTimeReceived\"/>"
		"<t:FieldURI FieldURI=\"item:Size\"/>"
		"<t:FieldURI FieldURI=\"message:IsRead\"/>"
		"</t:AdditionalProperties></m:ItemShape><m:SyncFolderId><t:FolderId Id=\"");
	soap_text(out, request->folder_id);
	buf_add_string(out, "\"/></m:SyncFolderId>");
	/* An empty element may count as an invalid state. */
	if (request->sync_state != NULL && request->sync_state[0] != '\0') {
		buf_add_string(out, "<m:SyncState>");
		soap_text(out, request->sync_state);
		buf_add_string(out, "</m:SyncState>");
	}
	buf_printf(out,
		"<m:MaxChangesReturned>%" PRIu32 "</m:MaxChangesReturned>"
		"<m:SyncScope>NormalItems</m:SyncScope></m:SyncFolderItems>",
		request->max_changes);
	soap_end(out);
}

bool
sync_items_result(
	const struct sync_reader *r, struct buf *state_out, bool *last_out, struct exa_error *err)
{
	if (r->failed) {
		*err = r->failure;
		return false;
	}
	if (r->state.size == 0 || r->last < 0)
		return exa_fail(err, EXA_PROTOCOL,
			"a page of changes without SyncState or IncludesLastItemInRange");
	buf_add_bytes(state_out, buf_bytes(&r->state));
	*last_out = r->last == 1;
	return true;
}

bool
ews_sync_items(struct ews *e, const struct ews_mailbox *mailbox,
	const struct ews_sync_request *request, const struct ews_change_sink *sink,
	struct buf *state_out, bool *last_out, struct exa_error *err)
{
	EXA_AUTO(sync_reader_done) struct sync_reader reader = { .sink = sink, .last = -1 };
	EXA_AUTO(answer_freep) struct answer *answer = NULL;

	assert(request->max_changes >= 1 && request->max_changes <= EWS_SYNC_PAGE_MAX);
	if (!answer_new(&sync_items_spec, &reader, 1, &answer, err))
		return false;
	sync_items_request(request_text(e), mailbox, request);
	return request_send(e, mailbox, answer, err) &&
	       sync_items_result(&reader, state_out, last_out, err);
}
