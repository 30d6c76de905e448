/* SPDX-License-Identifier: Apache-2.0 */
/*
 * CreateItem (MS-OXWSCORE, MS-OXWSMSG, MS-OXWSMTGS) from MIME. Elements stand in the order of the
 * schema: MimeContent, ItemClass, Categories, ExtendedProperty, Flag, IsRead.
 *
 * What MIME doesn't say, and can't be said later: the message flags (without them the server marks
 * it unsent, and nothing ever takes that away), when it was delivered (or it would be now), when it
 * was sent. Both dispositions are always given: each kind of item needs one of them, and neither
 * minds the other.
 */
#include <assert.h>
#include <string.h>
#include <strings.h>

#include "exarch/clock.h"

#include "request.h"
#include "soap.h"
#include "writes.h"

/* PidTagMessageFlags; the other bits are the server's to compute. */
#define FLAG_READ 0x1
#define FLAG_UNSENT 0x8

#define FOLLOW_UP_COMPLETE 1
#define FOLLOW_UP_FLAGGED 2

static bool
begins_with(const char *class, const char *prefix)
{
	return strncasecmp(class, prefix, strlen(prefix)) == 0;
}

/* The server derives it from the MIME, and has more to note about such a message than its class. */
static bool
is_secured(const char *class)
{
	return begins_with(class, "IPM.Note.SMIME");
}

static void
add_class(struct buf *out, const char *class)
{
	if (class[0] == '\0' || is_secured(class))
		return;
	buf_add_string(out, "<t:ItemClass>");
	soap_text(out, class);
	buf_add_string(out, "</t:ItemClass>");
}

static void
add_categories(struct buf *out, const char *categories)
{
	EXA_AUTO(buf_done) struct buf one = { 0 };

	if (categories[0] == '\0')
		return;
	buf_add_string(out, "<t:Categories>");
	while (*categories != '\0') {
		const size_t size = strcspn(categories, "\n");

		buf_reset(&one);
		buf_add(&one, categories, size);
		if (size > 0) {
			buf_add_string(out, "<t:String>");
			soap_text(out, buf_string(&one));
			buf_add_string(out, "</t:String>");
		}
		categories += size + (categories[size] == '\n');
	}
	buf_add_string(out, "</t:Categories>");
}

static void
add_moment(struct buf *out, const char *tag, int64_t moment_ns)
{
	char text[CLOCK_TEXT_MAX];

	if (moment_ns == EXA_NO_TIME)
		return;
	clock_format(moment_ns, text);
	buf_printf(out,
		"<t:ExtendedProperty><t:ExtendedFieldURI PropertyTag=\"%s\" "
		"PropertyType=\"SystemTime\"/><t:Value>%s</t:Value></t:ExtendedProperty>",
		tag, text);
}

static void
add_properties(struct buf *out, const struct ews_new_item *item)
{
	buf_printf(out,
		"<t:ExtendedProperty><t:ExtendedFieldURI PropertyTag=\"0x0E07\" "
		"PropertyType=\"Integer\"/><t:Value>%d</t:Value></t:ExtendedProperty>",
		(item->is_read ? FLAG_READ : 0) | (item->is_draft ? FLAG_UNSENT : 0));
	add_moment(out, "0x0E06", item->received_ns);
	add_moment(out, "0x0039", item->sent_ns);
	add_marker(out, item->marker);
}

static void
add_item(struct outgoing *o, const struct ews_new_item *item)
{
	struct buf *out = &o->text;
	const bool appointment = begins_with(item->class, "IPM.Appointment");
	const char *element = appointment ? "CalendarItem" : "Message";

	buf_printf(out, "<t:%s><t:MimeContent CharacterSet=\"UTF-8\">", element);
	outgoing_insert(o, &item->mime);
	buf_add_string(out, "</t:MimeContent>");
	add_class(out, item->class);
	add_categories(out, item->categories);
	add_properties(out, item);
	if (item->flag_status == FOLLOW_UP_COMPLETE || item->flag_status == FOLLOW_UP_FLAGGED)
		buf_printf(out, "<t:Flag><t:FlagStatus>%s</t:FlagStatus></t:Flag>",
			item->flag_status == FOLLOW_UP_FLAGGED ? "Flagged" : "Complete");
	if (!appointment)
		buf_printf(out, "<t:IsRead>%s</t:IsRead>", item->is_read ? "true" : "false");
	buf_printf(out, "</t:%s>", element);
}

void
create_items_request(struct outgoing *out, const struct ews_mailbox *mailbox,
	const struct ews_create_request *request)
{
	soap_begin(&out->text, mailbox);
	buf_add_string(&out->text,
		"<m:CreateItem MessageDisposition=\"SaveOnly\" "
		"SendMeetingInvitations=\"SendToNone\"><m:SavedItemFolderId><t:FolderId Id=\"");
	soap_text(&out->text, request->folder_id);
	buf_add_string(&out->text, "\"/></m:SavedItemFolderId><m:Items>");
	for (size_t i = 0; i < request->count; i++)
		add_item(out, &request->items[i]);
	buf_add_string(&out->text, "</m:Items></m:CreateItem>");
	soap_end(&out->text);
}

bool
ews_create_items(struct ews *e, const struct ews_mailbox *mailbox,
	const struct ews_create_request *request, const struct ews_made_handler *handler,
	struct exa_error *err)
{
	EXA_AUTO(made_reader_done) struct made_reader reader = { .handler = handler };
	EXA_AUTO(answer_freep) struct answer *answer = NULL;

	assert(request->count >= 1 && request->count <= EWS_BATCH_MAX);
	if (!answer_new(&create_items_spec, &reader, request->count, &answer, err))
		return false;
	create_items_request(request_outgoing(e), mailbox, request);
	return request_send_once(e, mailbox, answer, err);
}
