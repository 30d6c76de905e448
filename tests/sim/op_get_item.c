/* SPDX-License-Identifier: Apache-2.0 */
/*
 * GetItem: one response message for each id, in order, made while the answer is sent, so that ids
 * by the hundred and messages of any size cost the same memory. MimeContent comes first in an item.
 */
#include <string.h>

#include "ews.h"
#include "shape.h"

struct item_stream {
	struct answer_stream stream;
	struct view *view;
	struct request_note *note;
	const struct ews_operation *op;
	struct shape shape;
	struct shape_refusal refusal;
	bool refused;
	struct targets targets; /* of the call's arena, which lives until the answer is out */
	size_t next;
	const struct target *now; /* whose MimeContent is out, the rest is owed; or NULL */
};

static void
add_error(struct item_stream *s, struct buf *text, const char *code, const char *detail)
{
	note_code(s->note, code);
	soap_error(text, s->op->name, code, detail, s->op->payload);
}

static void
begin_item(struct item_stream *s, struct buf *text, const struct target *t, struct body **body_out)
{
	struct exa_error err;

	if (s->refused) {
		add_error(s, text, s->refusal.code, buf_string(&s->refusal.xml));
	} else if (t->code != NULL) {
		add_error(s, text, t->code, t->detail);
	} else if (s->shape.mime && !item_has_mime(&t->item)) {
		add_error(s, text, "ErrorUnsupportedMimeConversion", NULL);
	} else if (s->shape.mime &&
		   !s->view->ops->open(s->view, t->folder, t->position, body_out, &err)) {
		add_error(s, text, "ErrorItemNotFound", NULL); /* gone just now */
	} else {
		s->now = t;
		soap_success_begin(text, s->op->name);
		buf_printf(text, "<m:Items><t:%s>", item_element(&t->item));
		if (s->shape.mime)
			buf_add_string(text, "<t:MimeContent CharacterSet=\"UTF-8\">");
	}
}

static void
end_item(struct item_stream *s, struct buf *text)
{
	const struct target *t = s->now;

	if (s->shape.mime)
		buf_add_string(text, "</t:MimeContent>");
	item_add_id(text, s->view, t->folder, &t->item);
	item_add_properties(text, s->view, t->folder, &t->item, &s->shape);
	buf_printf(text, "</t:%s></m:Items>", item_element(&t->item));
	soap_message_end(text, s->op->name);
	s->now = NULL;
}

static bool
next_piece(struct answer_stream *stream, struct buf *text, struct body **body_out)
{
	struct item_stream *s = (struct item_stream *)stream;

	if (s->next == 0)
		soap_begin(text, s->op->name);
	if (s->now != NULL)
		end_item(s, text);
	if (s->next < s->targets.count) {
		begin_item(s, text, &s->targets.rows[s->next++], body_out);
		return true;
	}
	soap_end(text, s->op->name);
	return false;
}

static void
free_stream(struct answer_stream *stream)
{
	struct item_stream *s = (struct item_stream *)stream;

	buf_done(&s->refusal.xml);
	view_drop(s->view);
	exa_free(s);
}

void
op_get_item(struct ews_call *call)
{
	struct item_stream *s = exa_alloc(sizeof *s);

	s->stream = (struct answer_stream){ next_piece, free_stream };
	s->view = view_keep(call->view);
	s->op = call->op;
	s->note = &call->answer->note;
	s->targets = call->targets;
	s->refused = !shape_of_items(xmlin_child(call->request, NS_MESSAGES, "ItemShape"),
		SHAPE_FOR_GET, &s->shape, &s->refusal);
	if (!s->refused && s->shape.mime)
		call->answer->note.messages = (unsigned)call->targets.count;
	call->answer->stream = &s->stream;
}
