/* SPDX-License-Identifier: Apache-2.0 */
/* GetFolder (MS-OXWSFOLD): one folder by id, or the root of a part of the mailbox. */
#include "folder.h"
#include "request.h"
#include "soap.h"

void
get_folder_request(struct buf *out, const struct ews_mailbox *mailbox, const char *id)
{
	soap_begin(out, mailbox);
	buf_add_string(out, "<m:GetFolder>");
	folder_add_shape(out, mailbox->part);
	buf_add_string(out, "<m:FolderIds>");
	if (id == NULL) {
		buf_printf(
			out, "<t:DistinguishedFolderId Id=\"%s\"/>", folder_root_of(mailbox->part));
	} else {
		buf_add_string(out, "<t:FolderId Id=\"");
		soap_text(out, id);
		buf_add_string(out, "\"/>");
	}
	buf_add_string(out, "</m:FolderIds></m:GetFolder>");
	soap_end(out);
}

bool
get_folder_result(const struct folder_reader *r, struct exa_error *err)
{
	if (r->failed) {
		*err = r->failure;
		return false;
	}
	if (r->count != 1)
		return exa_fail(
			err, EXA_PROTOCOL, "asked for one folder, %zu were answered", r->count);
	return true;
}

bool
ews_get_folder(struct ews *e, const struct ews_mailbox *mailbox, const char *id,
	const struct ews_folder_sink *sink, struct exa_error *err)
{
	EXA_AUTO(folder_reader_done)
	struct folder_reader reader = { .sink = sink, .is_root = id == NULL };
	EXA_AUTO(answer_freep) struct answer *answer = NULL;

	if (!answer_new(&get_folder_spec, &reader, 1, &answer, err))
		return false;
	get_folder_request(request_text(e), mailbox, id);
	return request_send(e, mailbox, answer, err) && get_folder_result(&reader, err);
}
