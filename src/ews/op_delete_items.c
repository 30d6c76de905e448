/* SPDX-License-Identifier: Apache-2.0 */
/*
 * DeleteItem (MS-OXWSCORE). All attributes are always given: some items can't be deleted without
 * them (ErrorSendMeetingCancellationsRequired, ErrorAffectedTaskOccurrencesRequired), the others
 * don't mind. SuppressReadReceipts, or senders would be told that their mail was deleted unread.
 * Of a task that recurs the one that was archived goes, not the series.
 *
 * The change key goes with the id, though Exchange needn't enforce it: the caller looks before.
 */
#include <assert.h>

#include "items.h"
#include "request.h"
#include "soap.h"

static bool
message_end(void *ctx, size_t index, const struct exa_error *why, struct exa_error *err)
{
	const struct ews_delete_handler *h = ctx;

	return h->answered(h->ctx, index, why, err);
}

/* A response message holds nothing but class and code. */
const struct answer_spec delete_items_spec = { .message = "DeleteItemResponseMessage",
	.message_end = message_end };

static const char *
type_name(enum ews_delete_type type)
{
	switch (type) {
	case EWS_DELETE_SOFT:
		break;
	case EWS_DELETE_HARD:
		return "HardDelete";
	case EWS_DELETE_TO_TRASH:
		return "MoveToDeletedItems";
	}
	return "SoftDelete";
}

void
delete_items_request(struct buf *out, const struct ews_mailbox *mailbox,
	const struct ews_delete_request *request)
{
	soap_begin(out, mailbox);
	buf_printf(out,
		"<m:DeleteItem DeleteType=\"%s\" SendMeetingCancellations=\"SendToNone\" "
		"AffectedTaskOccurrences=\"SpecifiedOccurrenceOnly\" "
		"SuppressReadReceipts=\"true\"><m:ItemIds>",
		type_name(request->type));
	for (size_t i = 0; i < request->count; i++) {
		buf_add_string(out, "<t:ItemId Id=\"");
		soap_text(out, request->refs[i].id);
		buf_add_string(out, "\" ChangeKey=\"");
		soap_text(out, request->refs[i].change_key);
		buf_add_string(out, "\"/>");
	}
	buf_add_string(out, "</m:ItemIds></m:DeleteItem>");
	soap_end(out);
}

bool
ews_delete_items(struct ews *e, const struct ews_mailbox *mailbox,
	const struct ews_delete_request *request, const struct ews_delete_handler *handler,
	struct exa_error *err)
{
	struct ews_delete_handler mine = *handler;
	EXA_AUTO(answer_freep) struct answer *answer = NULL;

	assert(request->count >= 1 && request->count <= EWS_BATCH_MAX);
	if (!answer_new(&delete_items_spec, &mine, request->count, &answer, err))
		return false;
	delete_items_request(request_text(e), mailbox, request);
	return request_send_once(e, mailbox, answer, err);
}
