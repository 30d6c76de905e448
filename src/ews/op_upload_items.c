/* SPDX-License-Identifier: Apache-2.0 */
/*
 * UploadItems (MS-OXWSBTRF): new items from what ExportItems gave. The folder must be named by its
 * id, and nothing can be said of the item beside its stream: a marker comes afterwards.
 */
#include <assert.h>

#include "request.h"
#include "soap.h"
#include "writes.h"

void
upload_items_request(struct outgoing *out, const struct ews_mailbox *mailbox,
	const struct ews_upload_request *request)
{
	struct buf *text = &out->text;

	soap_begin(text, mailbox);
	buf_add_string(text, "<m:UploadItems><m:Items>");
	for (size_t i = 0; i < request->count; i++) {
		buf_add_string(text, "<t:Item CreateAction=\"CreateNew\" IsAssociated=\"false\">"
				     "<t:ParentFolderId Id=\"");
		soap_text(text, request->folder_id);
		buf_add_string(text, "\"/><t:Data>");
		outgoing_insert(out, &request->streams[i]);
		buf_add_string(text, "</t:Data></t:Item>");
	}
	buf_add_string(text, "</m:Items></m:UploadItems>");
	soap_end(text);
}

bool
ews_upload_items(struct ews *e, const struct ews_mailbox *mailbox,
	const struct ews_upload_request *request, const struct ews_made_handler *handler,
	struct exa_error *err)
{
	EXA_AUTO(made_reader_done) struct made_reader reader = { .handler = handler };
	EXA_AUTO(answer_freep) struct answer *answer = NULL;

	assert(request->count >= 1 && request->count <= EWS_BATCH_MAX);
	if (!answer_new(&upload_items_spec, &reader, request->count, &answer, err))
		return false;
	upload_items_request(request_outgoing(e), mailbox, request);
	return request_send_once(e, mailbox, answer, err);
}
