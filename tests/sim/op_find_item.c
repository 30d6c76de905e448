/* SPDX-License-Identifier: Apache-2.0 */
/*
 * FindItem, the simple part of it: the items of each folder newest first, in pages. Restrictions,
 * sort orders and groups are refused rather than ignored; associated items don't exist here.
 */
#include <string.h>

#include "ews.h"
#include "paging.h"
#include "shape.h"

static void
find_in(struct ews_call *call, size_t folder, bool associated, const struct shape *shape)
{
	struct view *v = call->view;
	struct buf *out = &call->answer->body;
	struct arena *arena;
	size_t count = associated ? 0 : v->folders[folder].item_count;
	struct page page;

	if (!page_of(
		    xmlin_child(call->request, NS_MESSAGES, "IndexedPageItemView"), count, &page)) {
		ews_error(call, out, "ErrorInvalidIndexedPagingParameters", NULL, NULL);
		return;
	}
	arena = arena_new();
	soap_success_begin(out, call->operation);
	page_add_root_folder(out, &page, count);
	buf_add_string(out, "<t:Items>");
	for (size_t i = page.begin; i < page.end; i++) {
		struct sim_item item;

		v->ops->item(v, folder, i, arena, &item);
		buf_printf(out, "<t:%s>", item_element(&item));
		item_add_id(out, v, folder, &item);
		item_add_properties(out, v, folder, &item, shape);
		buf_printf(out, "</t:%s>", item_element(&item));
		arena_reset(arena);
	}
	buf_add_string(out, "</t:Items></m:RootFolder>");
	soap_message_end(out, call->operation);
	arena_free(arena);
}

/* The parts of the operation that aren't here. */
static bool
is_beyond_us(const struct ews_call *call)
{
	static const char *const parts[] = { "Restriction", "SortOrder", "GroupBy",
		"DistinguishedGroupBy", "QueryString", "CalendarView", "ContactsView",
		"SeekToConditionPageItemView", "FractionalPageItemView" };

	for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
		if (xmlin_child(call->request, NS_MESSAGES, parts[i]) != NULL)
			return true;
	}
	return false;
}

void
op_find_item(struct ews_call *call)
{
	EXA_AUTO(exa_freep) char *traversal = xmlin_attribute(call->request, "Traversal");
	xmlNodePtr ids = xmlin_child(call->request, NS_MESSAGES, "ParentFolderIds");
	struct buf *out = &call->answer->body;
	struct shape_refusal why = { 0 };
	struct shape shape;
	bool sound = shape_of_items(
		xmlin_child(call->request, NS_MESSAGES, "ItemShape"), SHAPE_FOR_LIST, &shape, &why);

	ews_look_again(call);
	soap_begin(out, call->operation);
	for (xmlNodePtr id = xmlin_first(ids); id != NULL; id = xmlin_next(id)) {
		const char *code;
		size_t folder;

		call->answer->note.items++;
		if (!sound)
			ews_error(call, out, why.code, buf_string(&why.xml), NULL);
		else if (strcmp(traversal, "SoftDeleted") == 0 || is_beyond_us(call))
			ews_error(call, out, "ErrorInvalidOperation", NULL, NULL);
		else if (!ews_find_folder(call->view, id, &folder, &code))
			ews_error(call, out, code, NULL, NULL);
		else
			find_in(call, folder, strcmp(traversal, "Associated") == 0, &shape);
	}
	soap_end(out, call->operation);
	buf_done(&why.xml);
}
