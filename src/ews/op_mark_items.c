/* SPDX-License-Identifier: Apache-2.0 */
/*
 * UpdateItem (MS-OXWSCORE) for one named property. t:Item will do for items of every class, since
 * the property is of none of them. AlwaysOverwrite: nobody else writes this property.
 */
#include <assert.h>

#include "request.h"
#include "soap.h"
#include "writes.h"

void
mark_items_request(struct buf *out, const struct ews_mailbox *mailbox, const struct ews_mark *marks,
	size_t count)
{
	soap_begin(out, mailbox);
	buf_add_string(out, "<m:UpdateItem ConflictResolution=\"AlwaysOverwrite\" "
			    "MessageDisposition=\"SaveOnly\" "
			    "SendMeetingInvitationsOrCancellations=\"SendToNone\" "
			    "SuppressReadReceipts=\"true\"><m:ItemChanges>");
	for (size_t i = 0; i < count; i++) {
		buf_add_string(out, "<t:ItemChange><t:ItemId Id=\"");
		soap_text(out, marks[i].id);
		buf_add_string(out, "\"/><t:Updates><t:SetItemField>" MARKER_PATH "<t:Item>");
		add_marker(out, marks[i].marker);
		buf_add_string(out, "</t:Item></t:SetItemField></t:Updates></t:ItemChange>");
	}
	buf_add_string(out, "</m:ItemChanges></m:UpdateItem>");
	soap_end(out);
}

bool
ews_mark_items(struct ews *e, const struct ews_mailbox *mailbox, const struct ews_mark *marks,
	size_t count, const struct ews_made_handler *handler, struct exa_error *err)
{
	EXA_AUTO(made_reader_done) struct made_reader reader = { .handler = handler };
	EXA_AUTO(answer_freep) struct answer *answer = NULL;

	assert(count >= 1 && count <= EWS_BATCH_MAX);
	if (!answer_new(&mark_items_spec, &reader, count, &answer, err))
		return false;
	mark_items_request(request_text(e), mailbox, marks, count);
	return request_send_once(e, mailbox, answer, err);
}
