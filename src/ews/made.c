/* SPDX-License-Identifier: Apache-2.0 */
/* Answers that name what was made, or changed, by id. */
#include "exarch/mem.h"

#include "soap.h"
#include "value.h"
#include "writes.h"

enum made_node {
	MADE_LIST = NODE_OPERATION,
	MADE_THING,
	MADE_ID,
};

static const struct grammar_row rows[] = {
	{ NODE_MESSAGE, XML_M, "Items", MADE_LIST, NODE_PLAIN },   /* CreateItem, UpdateItem */
	{ NODE_MESSAGE, XML_M, "Folders", MADE_LIST, NODE_PLAIN }, /* CreateFolder */
	{ NODE_MESSAGE, XML_M, "ItemId", MADE_ID, NODE_PLAIN },    /* UploadItems */
	{ MADE_LIST, XML_T, NULL, MADE_THING, NODE_PLAIN },
	{ MADE_THING, XML_T, "ItemId", MADE_ID, NODE_PLAIN },
	{ MADE_THING, XML_T, "FolderId", MADE_ID, NODE_PLAIN },
};

static bool
open_node(void *ctx, int node, const struct attributes *attributes, struct exa_error *err)
{
	struct made_reader *r = ctx;

	(void)err;
	if ((enum made_node)node == MADE_ID &&
		(!value_id(attributes, "Id", &r->id, &r->why) ||
			!value_id(attributes, "ChangeKey", &r->change_key, &r->why)))
		r->broken = true;
	return true;
}

static bool
close_node(void *ctx, int node, const char *text, struct exa_error *err)
{
	(void)ctx;
	(void)node;
	(void)text;
	(void)err;
	return true;
}

static bool
message_end(void *ctx, size_t index, const struct exa_error *why, struct exa_error *err)
{
	struct made_reader *r = ctx;
	const struct ews_item_ref made = { .id = buf_string(&r->id),
		.change_key = buf_string(&r->change_key) };
	bool good;

	if (why == NULL && r->broken)
		why = &r->why;
	good = r->handler->answered(r->handler->ctx, index, &made, why, err);
	buf_reset(&r->id);
	buf_reset(&r->change_key);
	r->broken = false;
	return good;
}

#define MADE_SPEC(message_name)                                                                    \
	{                                                                                          \
		.message = (message_name), .rows = rows,                                           \
		.row_count = sizeof rows / sizeof rows[0], .open = open_node, .close = close_node, \
		.message_end = message_end                                                         \
	}

const struct answer_spec create_items_spec = MADE_SPEC("CreateItemResponseMessage");
const struct answer_spec upload_items_spec = MADE_SPEC("UploadItemsResponseMessage");
const struct answer_spec mark_items_spec = MADE_SPEC("UpdateItemResponseMessage");
const struct answer_spec create_folder_spec = MADE_SPEC("CreateFolderResponseMessage");

void
made_reader_done(struct made_reader *r)
{
	buf_done(&r->id);
	buf_done(&r->change_key);
}

void
add_marker(struct buf *out, const char *marker)
{
	buf_add_string(out, "<t:ExtendedProperty>" MARKER_PATH "<t:Value>");
	soap_text(out, marker);
	buf_add_string(out, "</t:Value></t:ExtendedProperty>");
}
