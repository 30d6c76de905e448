/* SPDX-License-Identifier: Apache-2.0 */
/*
 * FindItem: the items of each folder that fit the restriction, in the order wanted (newest first
 * when none is), in pages. Groups, calendar views and query strings are refused rather than
 * ignored; associated items don't exist here.
 */
#include <string.h>

#include "ews.h"
#include "paging.h"
#include "restriction.h"
#include "shape.h"

static void
add_item(struct ews_call *call, size_t folder, size_t position, const struct shape *shape,
	struct arena *arena)
{
	struct buf *out = &call->answer->body;
	struct view *v = call->view;
	struct sim_item item;

	v->ops->item(v, folder, position, arena, &item);
	buf_printf(out, "<t:%s>", item_element(&item));
	item_add_id(out, v, folder, &item);
	item_add_properties(out, v, folder, &item, shape);
	buf_printf(out, "</t:%s>", item_element(&item));
	arena_reset(arena);
}

static void
find_in(struct ews_call *call, size_t folder, bool associated, const struct shape *shape)
{
	struct buf *out = &call->answer->body;
	xmlNodePtr restriction = xmlin_child(call->request, NS_MESSAGES, "Restriction");
	xmlNodePtr sort = xmlin_child(call->request, NS_MESSAGES, "SortOrder");
	size_t count = associated ? 0 : call->view->folders[folder].item_count;
	EXA_AUTO(exa_freep) size_t *chosen = NULL;
	struct arena *arena;
	struct page page;

	if (restriction != NULL || sort != NULL) {
		chosen = restriction_select(call->view, folder, restriction, sort, &count);
		if (chosen == NULL) {
			ews_error(call, "ErrorUnsupportedPathForQuery", NULL);
			return;
		}
		count = associated ? 0 : count;
	}
	if (!page_of(xmlin_child(call->request, NS_MESSAGES, "IndexedPageItemView"), count,
		    call->page_max, &page)) {
		ews_error(call, "ErrorInvalidIndexedPagingParameters", NULL);
		return;
	}
	arena = arena_new();
	soap_success_begin(out, call->op->name);
	page_add_root_folder(out, &page, count);
	buf_add_string(out, "<t:Items>");
	for (size_t i = page.begin; i < page.end; i++)
		add_item(call, folder, chosen != NULL ? chosen[i] : i, shape, arena);
	buf_add_string(out, "</t:Items></m:RootFolder>");
	soap_message_end(out, call->op->name);
	arena_free(arena);
}

/* The parts of the operation that aren't here. */
static bool
is_beyond_us(const struct ews_call *call)
{
	static const char *const parts[] = { "GroupBy", "DistinguishedGroupBy", "QueryString",
		"CalendarView", "ContactsView", "SeekToConditionPageItemView",
		"FractionalPageItemView" };

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
	struct buf *out = &call->answer->body;
	struct shape_refusal why = { 0 };
	struct shape shape;
	bool sound = shape_of_items(
		xmlin_child(call->request, NS_MESSAGES, "ItemShape"), SHAPE_FOR_LIST, &shape, &why);

	soap_begin(out, call->op->name);
	for (size_t i = 0; i < call->targets.count; i++) {
		const struct target *t = &call->targets.rows[i];

		if (!sound)
			ews_error(call, why.code, buf_string(&why.xml));
		else if (strcmp(traversal, "SoftDeleted") == 0 || is_beyond_us(call))
			ews_error(call, "ErrorInvalidOperation", NULL);
		else if (!ews_refused(call, t))
			find_in(call, t->folder, strcmp(traversal, "Associated") == 0, &shape);
	}
	soap_end(out, call->op->name);
	buf_done(&why.xml);
}
