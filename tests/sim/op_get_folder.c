/* SPDX-License-Identifier: Apache-2.0 */
/*
 * GetFolder: one response message for each id, in order. Mailboxes here have no online archive: the
 * archive* ids are folders not found.
 */
#include "ews.h"
#include "shape.h"

void
op_get_folder(struct ews_call *call)
{
	xmlNodePtr ids = xmlin_child(call->request, NS_MESSAGES, "FolderIds");
	struct buf *out = &call->answer->body;
	struct shape_refusal why = { 0 };
	struct shape shape;
	bool sound = shape_of_folders(
		xmlin_child(call->request, NS_MESSAGES, "FolderShape"), &shape, &why);

	ews_look_again(call);
	soap_begin(out, call->operation);
	for (xmlNodePtr id = xmlin_first(ids); id != NULL; id = xmlin_next(id)) {
		const char *code;
		size_t folder;

		call->answer->note.items++;
		if (!sound) {
			ews_error(call, out, why.code, buf_string(&why.xml), "<m:Folders/>");
		} else if (!ews_find_folder(call->view, id, &folder, &code)) {
			ews_error(call, out, code, NULL, "<m:Folders/>");
		} else {
			soap_success_begin(out, call->operation);
			buf_add_string(out, "<m:Folders>");
			folder_add_xml(out, call->view, folder, &shape);
			buf_add_string(out, "</m:Folders>");
			soap_message_end(out, call->operation);
		}
	}
	soap_end(out, call->operation);
	buf_done(&why.xml);
}
