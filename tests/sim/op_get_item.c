/* SPDX-License-Identifier: Apache-2.0 */
/*
 * GetItem: one response message for each id, in order, made while the answer is sent, so that ids
 * by the hundred and messages of any size cost the same memory. MimeContent comes first in an item.
 */
#include <string.h>

#include "ews.h"
#include "ids.h"
#include "shape.h"

struct item_stream {
	struct answer_stream stream;
	struct mailstore *store;
	struct view *view;
	bool looked_again; /* once a request is enough */
	struct request_note *note;
	struct arena *arena;
	struct shape shape;
	struct shape_refusal refusal;
	bool refused;
	char **ids; /* NULL: a kind of id that isn't ours */
	size_t count, next;
	size_t folder; /* of the item whose message is being sent */
	struct sim_item item;
	bool inside; /* its MimeContent is out, the rest is owed */
};

static void
add_error(struct item_stream *s, struct buf *text, const char *code, const char *detail)
{
	note_code(s->note, code);
	soap_error(text, "GetItem", code, detail, "<m:Items/>");
}

static void
look_again(struct item_stream *s)
{
	struct view *fresh;

	s->looked_again = true;
	if (s->store->ops->open(s->store, s->view->id.address, VIEW_FRESH, &fresh)) {
		view_drop(s->view);
		s->view = fresh;
	}
}

/* Finds the item in the view at hand; opens its message when it is wanted. */
static bool
find_here(struct item_stream *s, const struct id_parts *id, struct body **body_out)
{
	struct exa_error err;
	size_t position;

	if (strcmp(id->mailbox_guid, s->view->id.guid_text) != 0 ||
		!view_find_folder(s->view, id->folder, &s->folder) ||
		!s->view->ops->find(s->view, s->folder, id->key, &position))
		return false;
	if (s->shape.mime && !s->view->ops->open(s->view, s->folder, position, body_out, &err))
		return false;
	s->view->ops->item(s->view, s->folder, position, s->arena, &s->item);
	return true;
}

static bool
find_item(struct item_stream *s, const struct id_parts *id, struct body **body_out)
{
	if (find_here(s, id, body_out))
		return true;
	if (s->looked_again)
		return false;
	look_again(s);
	return find_here(s, id, body_out);
}

static void
begin_item(struct item_stream *s, struct buf *text, const char *id_text, struct body **body_out)
{
	struct id_parts id;

	if (s->refused) {
		add_error(s, text, s->refusal.code, buf_string(&s->refusal.xml));
	} else if (id_text == NULL || !id_read(id_text, &id)) {
		add_error(s, text, "ErrorInvalidIdMalformed", NULL);
	} else if (id.kind != ID_ITEM) {
		add_error(s, text, "ErrorCannotUseFolderIdForItemId", NULL);
	} else if (!find_item(s, &id, body_out)) {
		add_error(s, text, "ErrorItemNotFound", NULL);
	} else {
		s->inside = true;
		soap_success_begin(text, "GetItem");
		buf_printf(text, "<m:Items><t:%s>", item_element(&s->item));
		if (s->shape.mime)
			buf_add_string(text, "<t:MimeContent CharacterSet=\"UTF-8\">");
	}
}

static void
end_item(struct item_stream *s, struct buf *text)
{
	if (s->shape.mime)
		buf_add_string(text, "</t:MimeContent>");
	item_add_id(text, s->view, s->folder, &s->item);
	item_add_properties(text, s->view, s->folder, &s->item, &s->shape);
	buf_printf(text, "</t:%s></m:Items>", item_element(&s->item));
	soap_message_end(text, "GetItem");
	arena_reset(s->arena);
	s->inside = false;
}

static bool
next_piece(struct answer_stream *stream, struct buf *text, struct body **body_out)
{
	struct item_stream *s = (struct item_stream *)stream;

	if (s->next == 0 && !s->inside)
		soap_begin(text, "GetItem");
	if (s->inside)
		end_item(s, text);
	if (s->next < s->count) {
		begin_item(s, text, s->ids[s->next], body_out);
		s->next++;
		return true;
	}
	soap_end(text, "GetItem");
	return false;
}

static void
free_stream(struct answer_stream *stream)
{
	struct item_stream *s = (struct item_stream *)stream;

	for (size_t i = 0; i < s->count; i++)
		exa_free(s->ids[i]);
	exa_free(s->ids);
	buf_done(&s->refusal.xml);
	arena_free(s->arena);
	view_drop(s->view);
	exa_free(s);
}

void
op_get_item(struct ews_call *call)
{
	xmlNodePtr ids = xmlin_child(call->request, NS_MESSAGES, "ItemIds");
	struct item_stream *s = exa_alloc(sizeof *s);
	size_t room = 0;

	s->stream = (struct answer_stream){ next_piece, free_stream };
	s->store = call->store;
	s->view = view_keep(call->view);
	s->note = &call->answer->note;
	s->arena = arena_new();
	s->refused = !shape_of_items(xmlin_child(call->request, NS_MESSAGES, "ItemShape"),
		SHAPE_FOR_GET, &s->shape, &s->refusal);
	for (xmlNodePtr id = xmlin_first(ids); id != NULL; id = xmlin_next(id)) {
		if (s->count == room) {
			room = room * 2 + 64;
			s->ids = exa_realloc_array(s->ids, room, sizeof *s->ids);
		}
		s->ids[s->count++] =
			xmlin_is(id, NS_TYPES, "ItemId") ? xmlin_attribute(id, "Id") : NULL;
	}
	call->answer->note.items = (unsigned)s->count;
	call->answer->stream = &s->stream;
}
