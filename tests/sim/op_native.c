/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ExportItems and UploadItems: an item whole, in a form of our own that begins as Exchange's do.
 * Exports are made while they are sent, as GetItem's answers are.
 */
#include <string.h>

#include "ews.h"
#include "live.h"
#include "new_item.h"
#include "shape.h"
#include "spool.h"

struct export_stream {
	struct answer_stream stream;
	struct view *view;
	const struct ews_operation *op;
	struct request_note *note;
	struct targets targets;
	size_t next;
	bool inside;
};

static void
begin_export(
	struct export_stream *s, struct buf *text, const struct target *t, struct body **body_out)
{
	EXA_AUTO(buf_done) struct buf head = { 0 };
	struct exa_error err;
	const char *code = t->code;
	struct body *body;

	if (code == NULL && !s->view->ops->open(s->view, t->folder, t->position, &body, &err))
		code = "ErrorItemNotFound";
	if (code != NULL) {
		note_code(s->note, code);
		soap_error(text, s->op->name, code, t->detail, NULL);
		return;
	}
	native_add_head(&head, &t->item);
	*body_out = prefixed_body(buf_bytes(&head), body);
	soap_success_begin(text, s->op->name);
	item_add_message_id(text, s->view, t->folder, &t->item);
	buf_add_string(text, "<m:Data>");
	s->inside = true;
}

static bool
next_piece(struct answer_stream *stream, struct buf *text, struct body **body_out)
{
	struct export_stream *s = (struct export_stream *)stream;

	if (s->next == 0)
		soap_begin(text, s->op->name);
	if (s->inside) {
		buf_add_string(text, "</m:Data>");
		soap_message_end(text, s->op->name);
		s->inside = false;
	}
	if (s->next < s->targets.count) {
		begin_export(s, text, &s->targets.rows[s->next++], body_out);
		return true;
	}
	soap_end(text, s->op->name);
	return false;
}

static void
free_stream(struct answer_stream *stream)
{
	struct export_stream *s = (struct export_stream *)stream;

	view_drop(s->view);
	exa_free(s);
}

void
op_export_items(struct ews_call *call)
{
	struct export_stream *s = exa_alloc(sizeof *s);

	s->stream = (struct answer_stream){ next_piece, free_stream };
	s->view = view_keep(call->view);
	s->op = call->op;
	s->note = &call->answer->note;
	s->targets = call->targets;
	call->answer->stream = &s->stream;
}

/* ---- UploadItems ---- */

static const char *
upload(struct ews_call *call, const struct target *t, struct sim_item *item)
{
	EXA_AUTO(exa_freep) char *action = xmlin_attribute(t->node, "CreateAction");
	EXA_AUTO(exa_freep) char *data = xmlin_text(xmlin_child(t->node, NS_TYPES, "Data"));
	EXA_AUTO(buf_done) struct buf raw = { 0 };
	struct view *v = call->view;
	struct live_at old = { v->id.address, v->folders[t->folder].number, t->old_key };
	struct live_made made = { 0 };
	const char *code;
	struct bytes mime;

	if (!buf_decode_base64(&raw, data) ||
		!native_read(buf_bytes(&raw), call->arena, item, &mime))
		return "ErrorCorruptData";
	if (strcmp(action, "Update") == 0 && t->old_key == 0)
		return "ErrorItemNotFound";
	if (t->old_key != 0)
		(void)live_remove_item(call->store, &old);
	code = live_add_item(
		call->store, v->id.address, v->folders[t->folder].number, item, mime, &made);
	item->key = made.key;
	item->change = made.change;
	return code;
}

void
op_upload_items(struct ews_call *call)
{
	struct buf *out = &call->answer->body;

	soap_begin(out, call->op->name);
	for (size_t i = 0; i < call->targets.count; i++) {
		const struct target *t = &call->targets.rows[i];
		struct sim_item item;
		const char *code;

		if (ews_refused(call, t))
			continue;
		code = upload(call, t, &item);
		if (code != NULL) {
			ews_error(call, code, NULL);
			continue;
		}
		ews_done(call, t);
		soap_success_begin(out, call->op->name);
		item_add_message_id(out, call->view, t->folder, &item);
		soap_message_end(out, call->op->name);
	}
	soap_end(out, call->op->name);
}
