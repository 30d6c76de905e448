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
	struct buf *out = &call->answer->body;
	struct shape_refusal why = { 0 };
	struct shape shape;
	bool sound = shape_of_folders(
		xmlin_child(call->request, NS_MESSAGES, "FolderShape"), &shape, &why);

	soap_begin(out, call->op->name);
	for (size_t i = 0; i < call->targets.count; i++) {
		const struct target *t = &call->targets.rows[i];

		if (!sound) {
			ews_error(call, why.code, buf_string(&why.xml));
		} else if (!ews_refused(call, t)) {
			soap_success_begin(out, call->op->name);
			buf_add_string(out, "<m:Folders>");
			folder_add_xml(out, call->view, t->folder, &shape);
			buf_add_string(out, "</m:Folders>");
			soap_message_end(out, call->op->name);
		}
	}
	soap_end(out, call->op->name);
	buf_done(&why.xml);
}
