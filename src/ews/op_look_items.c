/* SPDX-License-Identifier: Apache-2.0 */
/* GetItem without content: whether items are there, and as what. The answer is that of
 * op_get_items.c. */
#include <assert.h>

#include "items.h"
#include "request.h"
#include "soap.h"

void
look_items_request(struct buf *out, const struct ews_mailbox *mailbox,
	const struct ews_item_ref *refs, size_t count)
{
	soap_begin(out, mailbox);
	buf_add_string(out, "<m:GetItem><m:ItemShape><t:BaseShape>IdOnly</t:BaseShape>"
			    "<t:AdditionalProperties>"
			    "<t:FieldURI FieldURI=\"item:ItemClass\"/>"
			    "<t:FieldURI FieldURI=\"item:DateTimeReceived\"/>"
			    "<t:FieldURI FieldURI=\"item:Flag\"/>"
			    "</t:AdditionalProperties></m:ItemShape><m:ItemIds>");
	for (size_t i = 0; i < count; i++) {
		buf_add_string(out, "<t:ItemId Id=\"");
		soap_text(out, refs[i].id);
		buf_add_string(out, "\"/>");
	}
	buf_add_string(out, "</m:ItemIds></m:GetItem>");
	soap_end(out);
}

bool
ews_look_items(struct ews *e, const struct ews_mailbox *mailbox, const struct ews_item_ref *refs,
	size_t count, const struct ews_item_handler *handler, struct exa_error *err)
{
	EXA_AUTO(items_reader_done) struct items_reader reader = { 0 };
	EXA_AUTO(answer_freep) struct answer *answer = NULL;

	assert(count >= 1 && count <= EWS_BATCH_MAX);
	items_reader_init(&reader, handler);
	if (!answer_new(&get_items_spec, &reader, count, &answer, err))
		return false;
	look_items_request(request_text(e), mailbox, refs, count);
	return request_send(e, mailbox, answer, err);
}
