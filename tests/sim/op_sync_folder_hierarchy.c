/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SyncFolderHierarchy: which folders came, changed name, place or class, or went. A state is the
 * list of folders a client knows, and bound to the folder it was made for.
 */
#include <stdlib.h>
#include <string.h>

#include "ews.h"
#include "ids.h"
#include "shape.h"
#include "sync_state.h"

#define ROW_SIZE 16

static uint64_t
look_of(const struct view *v, size_t folder)
{
	const struct sim_folder *f = &v->folders[folder];
	uint8_t parent[8];

	put_le64(parent, v->folders[f->parent].number);
	return stable_hash(
		f->name, bytes_of(parent, sizeof parent), bytes_of_string(f->folder_class));
}

/* The row of that number in a state; NULL: it isn't there. */
static const uint8_t *
find_row(struct bytes rows, uint64_t number)
{
	for (size_t i = 0; i + ROW_SIZE <= rows.size; i += ROW_SIZE) {
		if (get_le64(rows.data + i) == number)
			return rows.data + i;
	}
	return NULL;
}

static void
add_changes(struct ews_call *call, size_t base, struct bytes before, const struct shape *shape,
	struct buf *after, struct buf *out)
{
	struct view *v = call->view;
	char id[ID_TEXT_MAX];

	for (size_t i = 0; i < v->folder_count; i++) {
		const uint8_t *row = find_row(before, v->folders[i].number);
		const char *kind = row == NULL ? "Create" : "Update";

		if (!view_is_below(v, i, base))
			continue;
		buf_add_le64(after, v->folders[i].number);
		buf_add_le64(after, look_of(v, i));
		if (row != NULL && get_le64(row + 8) == look_of(v, i))
			continue;
		call->answer->note.items++;
		buf_printf(out, "<t:%s>", kind);
		folder_add_xml(out, v, i, shape);
		buf_printf(out, "</t:%s>", kind);
	}
	for (size_t i = 0; i + ROW_SIZE <= before.size; i += ROW_SIZE) {
		uint64_t number = get_le64(before.data + i);

		if (find_row(buf_bytes(after), number) != NULL)
			continue;
		id_of_folder(&v->id, number, id);
		buf_printf(out, "<t:Delete><t:FolderId Id=\"%s\"/></t:Delete>", id);
	}
}

static void
sync(struct ews_call *call, size_t base, const struct shape *shape)
{
	xmlNodePtr node = xmlin_child(call->request, NS_MESSAGES, "SyncState");
	EXA_AUTO(exa_freep) char *text = xmlin_text(node);
	EXA_AUTO(buf_done) struct buf before = { 0 };
	EXA_AUTO(buf_done) struct buf after = { 0 };
	EXA_AUTO(buf_done) struct buf changes = { 0 };
	uint64_t bound_to = ~call->view->folders[base].number; /* no state of items fits */
	struct buf *out = &call->answer->body;

	if (node != NULL && !sync_state_unwrap(&call->view->id, bound_to, text, &before)) {
		ews_error(call, "ErrorInvalidSyncStateData", NULL);
		return;
	}
	call->answer->note.items = 0;
	add_changes(call, base, buf_bytes(&before), shape, &after, &changes);
	soap_success_begin(out, call->op->name);
	buf_add_string(out, "<m:SyncState>");
	sync_state_wrap(&call->view->id, bound_to, buf_bytes(&after), out);
	buf_add_string(out, "</m:SyncState><m:IncludesLastFolderInRange>true</"
			    "m:IncludesLastFolderInRange><m:Changes>");
	buf_add_bytes(out, buf_bytes(&changes));
	buf_add_string(out, "</m:Changes>");
	soap_message_end(out, call->op->name);
}

void
op_sync_folder_hierarchy(struct ews_call *call)
{
	struct shape_refusal why = { 0 };
	struct shape shape;

	soap_begin(&call->answer->body, call->op->name);
	if (!shape_of_folders(xmlin_child(call->request, NS_MESSAGES, "FolderShape"), &shape, &why))
		ews_error(call, why.code, buf_string(&why.xml));
	else if (call->view->is_public)
		ews_error(call, "ErrorInvalidOperation", NULL);
	else if (call->targets.count == 0)
		sync(call, FOLDER_ROOT, &shape);
	else if (!ews_refused(call, &call->targets.rows[0]))
		sync(call, call->targets.rows[0].folder, &shape);
	soap_end(&call->answer->body, call->op->name);
	buf_done(&why.xml);
}
