/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SyncFolderItems: what changed in a folder since a state, newest first, and a new state each time.
 */
#include <stdlib.h>
#include <string.h>

#include "ews.h"
#include "ids.h"
#include "shape.h"
#include "sync_state.h"

#define CHANGES_MAX 512 /* the schema allows no more */

static void
add_change(struct buf *out, struct view *v, size_t folder, const struct sim_change *c,
	struct arena *arena, const struct shape *shape)
{
	static const char *const names[] = {
		[CHANGE_CREATE] = "Create",
		[CHANGE_UPDATE] = "Update",
		[CHANGE_DELETE] = "Delete",
		[CHANGE_READ] = "ReadFlagChange",
	};
	struct sim_item item = { .key = c->key };
	char id[ID_TEXT_MAX];

	buf_printf(out, "<t:%s>", names[c->kind]);
	if (c->kind == CHANGE_DELETE) {
		id_of_item(&v->id, v->folders[folder].number, c->key, id);
		buf_printf(out, "<t:ItemId Id=\"%s\"/>", id);
	} else if (c->kind == CHANGE_READ) {
		v->ops->item(v, folder, c->position, arena, &item);
		item_add_id(out, v, folder, &item);
		buf_printf(out, "<t:IsRead>%s</t:IsRead>", item.is_read ? "true" : "false");
	} else {
		v->ops->item(v, folder, c->position, arena, &item);
		buf_printf(out, "<t:%s>", item_element(&item));
		item_add_id(out, v, folder, &item);
		item_add_properties(out, v, folder, &item, shape);
		buf_printf(out, "</t:%s>", item_element(&item));
	}
	buf_printf(out, "</t:%s>", names[c->kind]);
}

static void
add_page(struct ews_call *call, size_t folder, const struct change_page *page, struct bytes state,
	const struct shape *shape)
{
	struct buf *out = &call->answer->body;
	struct view *v = call->view;
	struct arena *arena = arena_new();

	soap_success_begin(out, call->op->name);
	buf_add_string(out, "<m:SyncState>");
	sync_state_wrap(&v->id, v->folders[folder].number, state, out);
	buf_printf(out,
		"</m:SyncState><m:IncludesLastItemInRange>%s</"
		"m:IncludesLastItemInRange><m:Changes>",
		page->is_last ? "true" : "false");
	for (size_t i = 0; i < page->count; i++) {
		add_change(out, v, folder, &page->changes[i], arena, shape);
		arena_reset(arena);
	}
	buf_add_string(out, "</m:Changes>");
	soap_message_end(out, call->op->name);
	call->answer->note.items = (unsigned)page->count;
	arena_free(arena);
}

static bool
read_state(struct ews_call *call, size_t folder, struct buf *out)
{
	xmlNodePtr node = xmlin_child(call->request, NS_MESSAGES, "SyncState");
	EXA_AUTO(exa_freep) char *text = xmlin_text(node);

	return node == NULL ||
	       sync_state_unwrap(&call->view->id, call->view->folders[folder].number, text, out);
}

static void
refuse_state(struct ews_call *call)
{
	ews_error(call, "ErrorInvalidSyncStateData", NULL);
}

static void
sync_folder(struct ews_call *call, size_t folder, const struct shape *shape)
{
	EXA_AUTO(exa_freep)
	char *max = xmlin_text(xmlin_child(call->request, NS_MESSAGES, "MaxChangesReturned"));
	EXA_AUTO(buf_done) struct buf before = { 0 };
	EXA_AUTO(buf_done) struct buf after = { 0 };
	struct sim_change changes[CHANGES_MAX];
	struct change_page page = { .changes = changes, .max = strtoul(max, NULL, 10) };

	if (page.max > call->page_max)
		page.max = call->page_max;
	if (call->view->folders[folder].kind == FOLDER_SEARCH || call->view->is_public)
		ews_error(call, "ErrorInvalidOperation", NULL);
	else if (!read_state(call, folder, &before) ||
		 !call->view->ops->sync(call->view, folder, buf_bytes(&before), &page, &after))
		refuse_state(call);
	else
		add_page(call, folder, &page, buf_bytes(&after), shape);
}

void
op_sync_folder_items(struct ews_call *call)
{
	struct target *t = &call->targets.rows[0];
	struct buf *out = &call->answer->body;
	struct shape_refusal why = { 0 };
	struct shape shape;

	if (t->code != NULL && strcmp(t->code, "ErrorFolderNotFound") == 0)
		t->code = "ErrorSyncFolderNotFound";
	soap_begin(out, call->op->name);
	if (!shape_of_items(xmlin_child(call->request, NS_MESSAGES, "ItemShape"), SHAPE_FOR_LIST,
		    &shape, &why))
		ews_error(call, why.code, buf_string(&why.xml));
	else if (!ews_refused(call, t))
		sync_folder(call, t->folder, &shape);
	soap_end(out, call->op->name);
	buf_done(&why.xml);
}
