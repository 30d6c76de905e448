/* SPDX-License-Identifier: Apache-2.0 */
/*
 * FindItem (MS-OXWSSRCH) for recognising what is there: by marker, or by when it was received. The
 * ids of what answers are properties by tag, which items of every class have.
 */
#include <inttypes.h>

#include "exarch/clock.h"

#include "request.h"
#include "soap.h"
#include "value.h"
#include "writes.h"

/* EWSFindCountLimit for searches with a restriction, summed over parallel requests. */
#define ITEM_PAGE 200

enum find_node {
	ROOT_FOLDER = NODE_OPERATION,
	ITEMS,
	ITEM,
	ITEM_ID,
	ITEM_CLASS,
	PROPERTY,
	PROPERTY_PATH,
	PROPERTY_VALUE,
};

static const struct grammar_row rows[] = {
	{ NODE_MESSAGE, XML_M, "RootFolder", ROOT_FOLDER, NODE_PLAIN },
	{ ROOT_FOLDER, XML_T, "Items", ITEMS, NODE_PLAIN },
	{ ITEMS, XML_T, NULL, ITEM, NODE_PLAIN },
	{ ITEM, XML_T, "ItemId", ITEM_ID, NODE_PLAIN },
	{ ITEM, XML_T, "ItemClass", ITEM_CLASS, NODE_HAS_TEXT },
	{ ITEM, XML_T, "ExtendedProperty", PROPERTY, NODE_PLAIN },
	{ PROPERTY, XML_T, "ExtendedFieldURI", PROPERTY_PATH, NODE_PLAIN },
	{ PROPERTY, XML_T, "Value", PROPERTY_VALUE, NODE_HAS_TEXT },
};

static void
begin_item(struct find_reader *r)
{
	struct buf *const texts[] = { &r->id, &r->change_key, &r->class, &r->message_id, &r->marker,
		&r->search_key };

	for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
		buf_reset(texts[i]);
	r->found = (struct ews_found){ .received_ns = EXA_NO_TIME };
}

static bool
end_item(struct find_reader *r, struct exa_error *err)
{
	if (r->id.size == 0)
		return exa_fail(err, EXA_PROTOCOL, "an item without ItemId");
	r->found.id = buf_string(&r->id);
	r->found.change_key = buf_string(&r->change_key);
	r->found.class = buf_string(&r->class);
	r->found.internet_message_id = buf_string(&r->message_id);
	r->found.marker = buf_string(&r->marker);
	r->found.search_key = buf_bytes(&r->search_key);
	return r->sink->found(r->sink->ctx, &r->found, err);
}

static bool
open_node(void *ctx, int node, const struct attributes *attributes, struct exa_error *err)
{
	struct find_reader *r = ctx;

	switch ((enum find_node)node) {
	case ROOT_FOLDER:
		r->last = value_boolean(attribute(attributes, "IncludesLastItemInRange")) == 1;
		r->next_offset = value_number(attribute(attributes, "IndexedPagingOffset"));
		break;
	case ITEM:
		begin_item(r);
		break;
	case ITEM_ID:
		return value_id(attributes, "Id", &r->id, err) &&
		       value_id(attributes, "ChangeKey", &r->change_key, err);
	case PROPERTY_PATH:
		r->tag = value_tag(attributes);
		break;
	case ITEMS:
	case ITEM_CLASS:
	case PROPERTY:
	case PROPERTY_VALUE:
		break;
	}
	return true;
}

static void
set_property(struct find_reader *r, const char *text)
{
	switch (r->tag) {
	case 0: /* the only one asked for by name */
		value_text(&r->marker, text);
		break;
	case TAG_MESSAGE_ID:
		value_text(&r->message_id, text);
		break;
	case TAG_RECEIVED:
		r->found.received_ns = value_moment(text);
		break;
	case TAG_SEARCH_KEY:
		buf_reset(&r->search_key);
		if (!buf_decode_base64(&r->search_key, text))
			buf_reset(&r->search_key);
		break;
	default: /* not asked for */
		break;
	}
}

static bool
close_node(void *ctx, int node, const char *text, struct exa_error *err)
{
	struct find_reader *r = ctx;

	switch ((enum find_node)node) {
	case ITEM:
		return end_item(r, err);
	case ITEM_CLASS:
		value_text(&r->class, text);
		break;
	case PROPERTY_VALUE:
		set_property(r, text);
		break;
	case ROOT_FOLDER:
	case ITEMS:
	case ITEM_ID:
	case PROPERTY:
	case PROPERTY_PATH:
		break;
	}
	return true;
}

static bool
message_end(void *ctx, size_t index, const struct exa_error *why, struct exa_error *err)
{
	struct find_reader *r = ctx;

	(void)index;
	(void)err;
	r->failed = why != NULL;
	if (why != NULL)
		r->failure = *why;
	return true;
}

const struct answer_spec search_items_spec = { .message = "FindItemResponseMessage",
	.rows = rows,
	.row_count = sizeof rows / sizeof rows[0],
	.open = open_node,
	.close = close_node,
	.message_end = message_end };

void
find_reader_done(struct find_reader *r)
{
	buf_done(&r->id);
	buf_done(&r->change_key);
	buf_done(&r->class);
	buf_done(&r->message_id);
	buf_done(&r->marker);
	buf_done(&r->search_key);
}

/* ---- the request ---- */

static void
add_marker_restriction(struct buf *out, const struct ews_find_request *request)
{
	/* Or wants two. */
	if (request->marker_count > 1)
		buf_add_string(out, "<t:Or>");
	for (size_t i = 0; i < request->marker_count; i++) {
		buf_add_string(out,
			"<t:IsEqualTo>" MARKER_PATH "<t:FieldURIOrConstant><t:Constant Value=\"");
		soap_text(out, request->markers[i]);
		buf_add_string(out, "\"/></t:FieldURIOrConstant></t:IsEqualTo>");
	}
	if (request->marker_count > 1)
		buf_add_string(out, "</t:Or>");
}

static void
add_received(struct buf *out, const char *comparison, int64_t moment_ns)
{
	char text[CLOCK_TEXT_MAX];

	clock_format(moment_ns, text);
	buf_printf(out,
		"<t:%s><t:FieldURI FieldURI=\"item:DateTimeReceived\"/><t:FieldURIOrConstant>"
		"<t:Constant Value=\"%s\"/></t:FieldURIOrConstant></t:%s>",
		comparison, text, comparison);
}

static void
add_span_restriction(struct buf *out, const struct ews_find_request *request)
{
	if (request->span_count > 1)
		buf_add_string(out, "<t:Or>");
	for (size_t i = 0; i < request->span_count; i++) {
		buf_add_string(out, "<t:And>");
		add_received(out, "IsGreaterThanOrEqualTo", request->spans[i].from_ns);
		add_received(out, "IsLessThan", request->spans[i].before_ns);
		buf_add_string(out, "</t:And>");
	}
	if (request->span_count > 1)
		buf_add_string(out, "</t:Or>");
}

static void
add_restriction(struct buf *out, const struct ews_find_request *request)
{
	if (request->marker_count == 0 && request->span_count == 0)
		return;
	buf_add_string(out, "<m:Restriction>");
	if (request->marker_count > 0)
		add_marker_restriction(out, request);
	else
		add_span_restriction(out, request);
	buf_add_string(out, "</m:Restriction>");
}

void
search_items_request(
	struct buf *out, const struct ews_mailbox *mailbox, const struct ews_find_request *request)
{
	soap_begin(out, mailbox);
	buf_add_string(out,
		"<m:FindItem Traversal=\"Shallow\"><m:ItemShape><t:BaseShape>IdOnly</t:BaseShape>"
		"<t:AdditionalProperties><t:FieldURI FieldURI=\"item:ItemClass\"/>"
		"<t:ExtendedFieldURI PropertyTag=\"0x1035\" PropertyType=\"String\"/>"
		"<t:ExtendedFieldURI PropertyTag=\"0x0E06\" PropertyType=\"SystemTime\"/>"
		"<t:ExtendedFieldURI PropertyTag=\"0x300B\" PropertyType=\"Binary\"/>" MARKER_PATH
		"</t:AdditionalProperties></m:ItemShape>");
	buf_printf(out,
		"<m:IndexedPageItemView MaxEntriesReturned=\"%d\" Offset=\"%" PRId64
		"\" BasePoint=\"Beginning\"/>",
		ITEM_PAGE, request->offset);
	add_restriction(out, request);
	buf_add_string(out, "<m:ParentFolderIds><t:FolderId Id=\"");
	soap_text(out, request->folder_id);
	buf_add_string(out, "\"/></m:ParentFolderIds></m:FindItem>");
	soap_end(out);
}

static bool
search_items_result(const struct find_reader *r, int64_t offset, int64_t *next_offset_out,
	struct exa_error *err)
{
	if (r->failed) {
		*err = r->failure;
		return false;
	}
	if (!r->last && r->next_offset <= offset)
		return exa_fail(err, EXA_NET,
			"the list of items stands still at %" PRId64 " (next: %" PRId64 ")", offset,
			r->next_offset);
	*next_offset_out = r->last ? -1 : r->next_offset;
	return true;
}

bool
ews_search_items(struct ews *e, const struct ews_mailbox *mailbox,
	const struct ews_find_request *request, const struct ews_found_sink *sink,
	int64_t *next_offset_out, struct exa_error *err)
{
	EXA_AUTO(find_reader_done) struct find_reader reader = { .sink = sink, .next_offset = -1 };
	EXA_AUTO(answer_freep) struct answer *answer = NULL;

	if (!answer_new(&search_items_spec, &reader, 1, &answer, err))
		return false;
	search_items_request(request_text(e), mailbox, request);
	return request_send(e, mailbox, answer, err) &&
	       search_items_result(&reader, request->offset, next_offset_out, err);
}
