/* SPDX-License-Identifier: Apache-2.0 */
/*
 * GetItem (MS-OXWSCORE, MS-OXWSMSG), mostly with MIME content, as a stream: the text of MimeContent
 * goes from the parser to the base64 decoder and on to the caller, nothing of it is kept.
 * MimeContent comes before ItemId, and errors carry no id: results are matched by position.
 */
#include <assert.h>
#include <string.h>

#include "exarch/clock.h"

#include "items.h"
#include "request.h"
#include "soap.h"
#include "value.h"

enum item_node {
	ITEMS = NODE_OPERATION,
	ITEM,
	MIME_CONTENT,
	ITEM_ID,
	ITEM_CLASS,
	RECEIVED,
	SIZE,
	CATEGORIES,
	CATEGORY,
	SENT,
	CREATED,
	MODIFIED,
	HAS_ATTACHMENTS,
	FLAG,
	FLAG_STATUS,
	MESSAGE_ID,
	IS_READ,
	PROPERTY,
	PROPERTY_TAG,
	PROPERTY_VALUE,
};

static const struct grammar_row rows[] = {
	{ NODE_MESSAGE, XML_M, "Items", ITEMS, NODE_PLAIN },
	{ ITEMS, XML_T, NULL, ITEM, NODE_PLAIN }, /* Message, CalendarItem, Contact, Item, ... */
	{ ITEM, XML_T, "MimeContent", MIME_CONTENT, NODE_STREAM },
	{ ITEM, XML_T, "ItemId", ITEM_ID, NODE_PLAIN },
	{ ITEM, XML_T, "ItemClass", ITEM_CLASS, NODE_HAS_TEXT },
	{ ITEM, XML_T, "DateTimeReceived", RECEIVED, NODE_HAS_TEXT },
	{ ITEM, XML_T, "Size", SIZE, NODE_HAS_TEXT },
	{ ITEM, XML_T, "Categories", CATEGORIES, NODE_PLAIN },
	{ CATEGORIES, XML_T, "String", CATEGORY, NODE_HAS_TEXT },
	{ ITEM, XML_T, "DateTimeSent", SENT, NODE_HAS_TEXT },
	{ ITEM, XML_T, "DateTimeCreated", CREATED, NODE_HAS_TEXT },
	{ ITEM, XML_T, "LastModifiedTime", MODIFIED, NODE_HAS_TEXT },
	{ ITEM, XML_T, "HasAttachments", HAS_ATTACHMENTS, NODE_HAS_TEXT },
	{ ITEM, XML_T, "Flag", FLAG, NODE_PLAIN },
	{ FLAG, XML_T, "FlagStatus", FLAG_STATUS, NODE_HAS_TEXT },
	{ ITEM, XML_T, "InternetMessageId", MESSAGE_ID, NODE_HAS_TEXT },
	{ ITEM, XML_T, "IsRead", IS_READ, NODE_HAS_TEXT },
	{ ITEM, XML_T, "ExtendedProperty", PROPERTY, NODE_PLAIN },
	{ PROPERTY, XML_T, "ExtendedFieldURI", PROPERTY_TAG, NODE_PLAIN },
	{ PROPERTY, XML_T, "Value", PROPERTY_VALUE, NODE_HAS_TEXT },
};

/* ---- properties ---- */

static int
flag_status(const char *text)
{
	static const char *const names[] = { "NotFlagged", "Complete", "Flagged" };

	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		if (strcmp(text, names[i]) == 0)
			return (int)i;
	}
	return -1;
}

static void
add_category(struct buf *categories, const char *name)
{
	if (categories->size + strlen(name) >= EWS_TEXT_MAX)
		return;
	if (categories->size > 0)
		buf_add_byte(categories, '\n');
	buf_add_string(categories, name);
}

static void
set_property(struct items_reader *r, const char *text)
{
	if (r->tag == TAG_MESSAGE_FLAGS)
		r->item.message_flags = value_number(bytes_of_string(text));
	if (r->tag == TAG_SEARCH_KEY) {
		buf_reset(&r->search_key);
		if (!buf_decode_base64(&r->search_key, text))
			buf_reset(&r->search_key);
	}
}

/* ---- the grammar's callbacks ---- */

static bool
open_node(void *ctx, int node, const struct attributes *attributes, struct exa_error *err)
{
	struct items_reader *r = ctx;

	switch ((enum item_node)node) {
	case ITEM:
		return items_begin(r, err);
	case MIME_CONTENT:
		if (r->has_content)
			items_mark_broken(r, EXA_PROTOCOL, "two MimeContent in one item");
		r->has_content = true;
		break;
	case ITEM_ID:
		items_take_id(r, attributes);
		break;
	case PROPERTY:
		r->tag = 0;
		break;
	case PROPERTY_TAG:
		r->tag = value_tag(attributes);
		break;
	case ITEMS:
	case ITEM_CLASS:
	case RECEIVED:
	case SIZE:
	case CATEGORIES:
	case CATEGORY:
	case SENT:
	case CREATED:
	case MODIFIED:
	case HAS_ATTACHMENTS:
	case FLAG:
	case FLAG_STATUS:
	case MESSAGE_ID:
	case IS_READ:
	case PROPERTY_VALUE:
		break;
	}
	return true;
}

static bool
close_node(void *ctx, int node, const char *text, struct exa_error *err)
{
	struct items_reader *r = ctx;
	struct ews_item *item = &r->item;

	switch ((enum item_node)node) {
	case MIME_CONTENT:
		return items_end_content(r, err);
	case ITEM_CLASS:
		value_text(&r->class, text);
		break;
	case MESSAGE_ID:
		value_text(&r->internet_message_id, text);
		break;
	case CATEGORY:
		add_category(&r->categories, text);
		break;
	case RECEIVED:
		item->received_ns = value_moment(text);
		break;
	case SENT:
		item->sent_ns = value_moment(text);
		break;
	case CREATED:
		item->created_ns = value_moment(text);
		break;
	case MODIFIED:
		item->modified_ns = value_moment(text);
		break;
	case SIZE:
		item->size_bytes = value_number(bytes_of_string(text));
		break;
	case HAS_ATTACHMENTS:
		item->has_attachments = value_boolean(bytes_of_string(text));
		break;
	case IS_READ:
		item->is_read = value_boolean(bytes_of_string(text));
		break;
	case FLAG_STATUS:
		item->flag_status = flag_status(text);
		break;
	case PROPERTY_VALUE:
		set_property(r, text);
		break;
	case ITEMS:
	case ITEM:
	case ITEM_ID:
	case CATEGORIES:
	case FLAG:
	case PROPERTY:
	case PROPERTY_TAG:
		break;
	}
	return true;
}

const struct answer_spec get_items_spec = { .message = "GetItemResponseMessage",
	.stream = "MimeContent",
	.rows = rows,
	.row_count = sizeof rows / sizeof rows[0],
	.open = open_node,
	.close = close_node,
	.data = items_content,
	.message_end = items_end_message };

/* ---- the operation ---- */

void
get_items_request(struct buf *out, const struct ews_mailbox *mailbox, enum items_shape shape,
	const struct ews_item_ref *refs, size_t count)
{
	soap_begin(out, mailbox);
	buf_add_string(out, "<m:GetItem><m:ItemShape><t:BaseShape>IdOnly</t:BaseShape>"
			    "<t:IncludeMimeContent>");
	buf_add_string(out, shape == ITEMS_WITH_MIME ? "true" : "false");
	buf_add_string(out, "</t:IncludeMimeContent><t:AdditionalProperties>"
			    "<t:FieldURI FieldURI=\"item:ItemClass\"/>"
			    "<t:FieldURI FieldURI=\"item:Size\"/>"
			    "<t:FieldURI FieldURI=\"item:Categories\"/>"
			    "<t:FieldURI FieldURI=\"item:DateTimeReceived\"/>"
			    "<t:FieldURI FieldURI=\"item:DateTimeSent\"/>"
			    "<t:FieldURI FieldURI=\"item:DateTimeCreated\"/>"
			    "<t:FieldURI FieldURI=\"item:LastModifiedTime\"/>"
			    "<t:FieldURI FieldURI=\"item:HasAttachments\"/>"
			    "<t:FieldURI FieldURI=\"item:Flag\"/>"
			    "<t:FieldURI FieldURI=\"message:IsRead\"/>"
			    "<t:FieldURI FieldURI=\"message:InternetMessageId\"/>"
			    "<t:ExtendedFieldURI PropertyTag=\"0x0E07\" PropertyType=\"Integer\"/>"
			    "<t:ExtendedFieldURI PropertyTag=\"0x300B\" PropertyType=\"Binary\"/>"
			    "</t:AdditionalProperties></m:ItemShape><m:ItemIds>");
	for (size_t i = 0; i < count; i++) {
		buf_add_string(out, "<t:ItemId Id=\"");
		soap_text(out, refs[i].id);
		if (refs[i].change_key != NULL && refs[i].change_key[0] != '\0') {
			buf_add_string(out, "\" ChangeKey=\"");
			soap_text(out, refs[i].change_key);
		}
		buf_add_string(out, "\"/>");
	}
	buf_add_string(out, "</m:ItemIds></m:GetItem>");
	soap_end(out);
}

static bool
get_items(struct ews *e, const struct ews_mailbox *mailbox, enum items_shape shape,
	const struct ews_item_ref *refs, size_t count, const struct ews_item_handler *handler,
	struct exa_error *err)
{
	EXA_AUTO(items_reader_done) struct items_reader reader = { 0 };
	EXA_AUTO(answer_freep) struct answer *answer = NULL;

	assert(count >= 1 && count <= EWS_BATCH_MAX);
	items_reader_init(&reader, handler);
	if (!answer_new(&get_items_spec, &reader, count, &answer, err))
		return false;
	get_items_request(request_text(e), mailbox, shape, refs, count);
	return request_send(e, mailbox, answer, err);
}

bool
ews_get_items(struct ews *e, const struct ews_mailbox *mailbox, const struct ews_item_ref *refs,
	size_t count, const struct ews_item_handler *handler, struct exa_error *err)
{
	return get_items(e, mailbox, ITEMS_WITH_MIME, refs, count, handler, err);
}

bool
ews_get_properties(struct ews *e, const struct ews_mailbox *mailbox,
	const struct ews_item_ref *refs, size_t count, const struct ews_item_handler *handler,
	struct exa_error *err)
{
	return get_items(e, mailbox, ITEMS_PROPERTIES, refs, count, handler, err);
}
