/* SPDX-License-Identifier: Apache-2.0 */
/*
 * FindFolder: the folders below each parent, all of them (Deep) or one level (Shallow), in pages.
 */
#include <string.h>

#include "ews.h"
#include "paging.h"
#include "shape.h"

static void
find_below(struct ews_call *call, size_t parent, bool deep, const struct shape *shape)
{
	struct view *v = call->view;
	struct buf *out = &call->answer->body;
	EXA_AUTO(exa_freep) size_t *found = exa_alloc_array(v->folder_count, sizeof *found);
	size_t count = 0;
	struct page page;

	for (size_t i = FOLDER_TOP; i < v->folder_count; i++) {
		if (deep ? view_is_below(v, i, parent) : v->folders[i].parent == parent)
			found[count++] = i;
	}
	if (!page_of(xmlin_child(call->request, NS_MESSAGES, "IndexedPageFolderView"), count,
		    &page)) {
		ews_error(call, out, "ErrorInvalidIndexedPagingParameters", NULL, NULL);
		return;
	}
	soap_success_begin(out, call->operation);
	page_add_root_folder(out, &page, count);
	buf_add_string(out, "<t:Folders>");
	for (size_t i = page.begin; i < page.end; i++)
		folder_add_xml(out, v, found[i], shape);
	buf_add_string(out, "</t:Folders></m:RootFolder>");
	soap_message_end(out, call->operation);
}

/* Better refused than ignored. */
static bool
is_beyond_us(const struct ews_call *call)
{
	return xmlin_child(call->request, NS_MESSAGES, "Restriction") != NULL ||
	       xmlin_child(call->request, NS_MESSAGES, "FractionalPageFolderView") != NULL;
}

void
op_find_folder(struct ews_call *call)
{
	EXA_AUTO(exa_freep) char *traversal = xmlin_attribute(call->request, "Traversal");
	xmlNodePtr ids = xmlin_child(call->request, NS_MESSAGES, "ParentFolderIds");
	struct buf *out = &call->answer->body;
	struct shape_refusal why = { 0 };
	struct shape shape;
	bool sound = shape_of_folders(
		xmlin_child(call->request, NS_MESSAGES, "FolderShape"), &shape, &why);

	ews_look_again(call);
	soap_begin(out, call->operation);
	for (xmlNodePtr id = xmlin_first(ids); id != NULL; id = xmlin_next(id)) {
		const char *code;
		size_t parent;

		call->answer->note.items++;
		if (!sound)
			ews_error(call, out, why.code, buf_string(&why.xml), NULL);
		else if (strcmp(traversal, "SoftDeleted") == 0 || is_beyond_us(call))
			ews_error(call, out, "ErrorInvalidOperation", NULL, NULL);
		else if (!ews_find_folder(call->view, id, &parent, &code))
			ews_error(call, out, code, NULL, NULL);
		else
			find_below(call, parent, strcmp(traversal, "Deep") == 0, &shape);
	}
	soap_end(out, call->operation);
	buf_done(&why.xml);
}
