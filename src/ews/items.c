/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the operations that hand out items have in common: content in base64, as a stream, and
 * results by position.
 */
#include "exarch/clock.h"

#include "items.h"
#include "value.h"

/* Text decoded in one go; three quarters of it fit into a piece. */
#define DECODE_STEP ((size_t)32 * 1024)

static void
reset_item(struct items_reader *r)
{
	struct buf *const texts[] = { &r->id, &r->change_key, &r->class, &r->internet_message_id,
		&r->categories, &r->search_key, &r->decoded };

	for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
		buf_reset(texts[i]);
	r->item = (struct ews_item){ .size_bytes = -1,
		.received_ns = EXA_NO_TIME,
		.sent_ns = EXA_NO_TIME,
		.created_ns = EXA_NO_TIME,
		.modified_ns = EXA_NO_TIME,
		.message_flags = -1,
		.is_read = -1,
		.has_attachments = -1,
		.flag_status = -1 };
	r->decoder = (struct mime_base64_decoder){ 0 };
	r->begun = false;
	r->broken = false;
	r->has_content = false;
}

void
items_mark_broken(struct items_reader *r, enum exa_code code, const char *why)
{
	if (!r->broken)
		(void)exa_fail(&r->broken_why, code, "%s", why);
	r->broken = true;
}

bool
items_begin(struct items_reader *r, struct exa_error *err)
{
	if (r->begun) {
		items_mark_broken(r, EXA_PROTOCOL, "two items in one response message");
		return true;
	}
	r->begun = true;
	return r->handler->begin(r->handler->ctx, r->index, err);
}

static bool
hand_on(struct items_reader *r, struct exa_error *err)
{
	struct bytes piece = buf_bytes(&r->decoded);

	if (piece.size == 0)
		return true;
	r->item.mime_bytes += piece.size;
	buf_reset(&r->decoded);
	return r->handler->mime(r->handler->ctx, r->index, piece, err);
}

bool
items_content(void *ctx, struct bytes text, struct exa_error *err)
{
	struct items_reader *r = ctx;
	struct exa_error why;

	while (text.size > 0 && !r->broken) {
		struct bytes step = bytes_take(text, DECODE_STEP);

		if (r->decoded.size + step.size / 4 * 3 + 3 > MIME_PIECE_MAX && !hand_on(r, err))
			return false;
		if (!mime_base64_decode(&r->decoder, step, &r->decoded, &why))
			items_mark_broken(r, why.code, why.text);
		if (r->item.mime_bytes > ITEM_MIME_MAX)
			items_mark_broken(r, EXA_LIMIT, "the item is larger than Exchange allows");
		text = bytes_skip(text, step.size);
	}
	return true;
}

bool
items_end_content(struct items_reader *r, struct exa_error *err)
{
	struct exa_error why;

	if (!r->broken && !mime_base64_finish(&r->decoder, &why))
		items_mark_broken(r, why.code, why.text);
	return r->broken || hand_on(r, err);
}

static bool
end_item(struct items_reader *r, struct exa_error *err)
{
	r->item.id = buf_string(&r->id);
	r->item.change_key = buf_string(&r->change_key);
	r->item.class = buf_string(&r->class);
	r->item.internet_message_id = buf_string(&r->internet_message_id);
	r->item.categories = buf_string(&r->categories);
	r->item.search_key = buf_bytes(&r->search_key);
	r->item.has_mime = r->has_content;
	return r->handler->end(r->handler->ctx, r->index, &r->item, err);
}

void
items_take_id(struct items_reader *r, const struct attributes *attributes)
{
	struct exa_error why;

	if (!value_id(attributes, "Id", &r->id, &why) ||
		!value_id(attributes, "ChangeKey", &r->change_key, &why))
		items_mark_broken(r, why.code, why.text);
}

bool
items_end_message(void *ctx, size_t index, const struct exa_error *why, struct exa_error *err)
{
	struct items_reader *r = ctx;
	bool good;

	if (why == NULL && !r->begun)
		items_mark_broken(r, EXA_PROTOCOL, "success without an item");
	if (why == NULL && r->id.size == 0)
		items_mark_broken(r, EXA_PROTOCOL, "an item without ItemId");
	if (why == NULL && r->broken)
		why = &r->broken_why;
	good = why != NULL ? r->handler->failed(r->handler->ctx, index, why, err)
			   : end_item(r, err);
	reset_item(r);
	r->index = index + 1;
	return good;
}

void
items_reader_init(struct items_reader *r, const struct ews_item_handler *handler)
{
	*r = (struct items_reader){ .handler = handler };
	reset_item(r);
}

void
items_reader_done(struct items_reader *r)
{
	buf_done(&r->decoded);
	buf_done(&r->id);
	buf_done(&r->change_key);
	buf_done(&r->class);
	buf_done(&r->internet_message_id);
	buf_done(&r->categories);
	buf_done(&r->search_key);
}
