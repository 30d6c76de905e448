/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ConvertId, from EwsId to EwsId alone: what clients use to learn the address of the mailbox that
 * an id belongs to.
 */
#include <string.h>

#include "ews.h"
#include "ids.h"

static const char *
convert(const struct ews_call *call, const xmlNode *node, const char *to, const char *id)
{
	EXA_AUTO(exa_freep) char *format = xmlin_attribute(node, "Format");
	struct id_parts parts;

	if (!xmlin_is(node, NS_TYPES, "AlternateId") || strcmp(format, "EwsId") != 0 ||
		strcmp(to, "EwsId") != 0)
		return "ErrorInvalidOperation"; /* better refused than ignored */
	if (!id_read(id, &parts))
		return "ErrorInvalidIdMalformed";
	/* Each mailbox knows its own ids here. */
	return strcmp(parts.mailbox_guid, call->view->id.guid_text) == 0
		       ? NULL
		       : "ErrorNonExistentMailbox";
}

static void
answer(struct ews_call *call, const xmlNode *node, const char *to)
{
	EXA_AUTO(exa_freep) char *id = xmlin_attribute(node, "Id");
	struct buf *out = &call->answer->body;
	const char *code = convert(call, node, to, id);

	if (code != NULL) {
		ews_error(call, code, NULL);
		return;
	}
	soap_success_begin(out, call->op->name);
	buf_add_string(out,
		"<m:AlternateId xsi:type=\"t:AlternateIdType\" "
		"xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" Format=\"EwsId\" Id=\"");
	xml_add(out, id);
	buf_add_string(out, "\" Mailbox=\"");
	xml_add(out, call->view->id.address);
	buf_add_string(out, "\"/>");
	soap_message_end(out, call->op->name);
}

void
op_convert_id(struct ews_call *call)
{
	xmlNodePtr ids = xmlin_child(call->request, NS_MESSAGES, "SourceIds");
	EXA_AUTO(exa_freep) char *to = xmlin_attribute(call->request, "DestinationFormat");

	soap_begin(&call->answer->body, call->op->name);
	for (xmlNodePtr node = xmlin_first(ids); node != NULL; node = xmlin_next(node))
		answer(call, node, to);
	soap_end(&call->answer->body, call->op->name);
}
