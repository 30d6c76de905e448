/* SPDX-License-Identifier: Apache-2.0 */
/*
 * FindFolder: the folders below each parent, all of them (Deep) or one level (Shallow), those that
 * fit the restriction, in pages.
 */
#include <string.h>

#include "ews.h"
#include "paging.h"
#include "restriction.h"
#include "shape.h"

static void
find_below(struct ews_call *call, size_t parent, bool deep, const struct shape *shape)
{
	struct view *v = call->view;
	struct buf *out = &call->answer->body;
	EXA_AUTO(exa_freep) size_t *found = exa_alloc_array(v->folder_count, sizeof *found);
	xmlNodePtr restriction = xmlin_child(call->request, NS_MESSAGES, "Restriction");
	size_t count = 0;
	struct page page;

	for (size_t i = FOLDER_TOP; i < v->folder_count; i++) {
		enum restriction_result fits;

		if (deep ? !view_is_below(v, i, parent)
			 : v->folders[i].parent != parent || i == parent)
			continue;
		fits = restriction_fits(restriction, field_of_folder, &v->folders[i]);
		if (fits == RESTRICTION_UNKNOWN) {
			ews_error(call, "ErrorUnsupportedPathForQuery", NULL);
			return;
		}
		if (fits == RESTRICTION_YES)
			found[count++] = i;
	}
	if (!page_of(xmlin_child(call->request, NS_MESSAGES, "IndexedPageFolderView"), count,
		    call->page_max, &page)) {
		ews_error(call, "ErrorInvalidIndexedPagingParameters", NULL);
		return;
	}
	soap_success_begin(out, call->op->name);
	page_add_root_folder(out, &page, count);
	buf_add_string(out, "<t:Folders>");
	for (size_t i = page.begin; i < page.end; i++)
		folder_add_xml(out, v, found[i], shape);
	buf_add_string(out, "</t:Folders></m:RootFolder>");
	soap_message_end(out, call->op->name);
}

/* Better refused than ignored. */
static bool
is_beyond_us(const struct ews_call *call, const char *traversal)
{
	return xmlin_child(call->request, NS_MESSAGES, "FractionalPageFolderView") != NULL ||
	       (call->view->is_public && strcmp(traversal, "Shallow") != 0);
}

void
op_find_folder(struct ews_call *call)
{
	EXA_AUTO(exa_freep) char *traversal = xmlin_attribute(call->request, "Traversal");
	struct buf *out = &call->answer->body;
	struct shape_refusal why = { 0 };
	struct shape shape;
	bool sound = shape_of_folders(
		xmlin_child(call->request, NS_MESSAGES, "FolderShape"), &shape, &why);

	soap_begin(out, call->op->name);
	for (size_t i = 0; i < call->targets.count; i++) {
		const struct target *t = &call->targets.rows[i];

		if (!sound)
			ews_error(call, why.code, buf_string(&why.xml));
		else if (strcmp(traversal, "SoftDeleted") == 0 || is_beyond_us(call, traversal))
			ews_error(call, "ErrorInvalidOperation", NULL);
		else if (!ews_refused(call, t))
			find_below(call, t->folder, strcmp(traversal, "Deep") == 0, &shape);
	}
	soap_end(out, call->op->name);
	buf_done(&why.xml);
}
