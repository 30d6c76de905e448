/* SPDX-License-Identifier: Apache-2.0 */
/*
 * CreateItem: messages saved as they are brought, never sent. A message is a draft unless its flags
 * (0x0E07) say otherwise, and was received now unless 0x0E06 says when.
 */
#include <string.h>

#include "ews.h"
#include "live.h"
#include "new_item.h"
#include "shape.h"

/* One SavedItemFolderId for all; an item of a kind goes where its kind belongs. */
static const char *
check_folder(const struct ews_call *call, const struct target *t)
{
	enum folder_kind kind = call->view->folders[t->folder].kind;

	if (kind == FOLDER_SEARCH)
		return "ErrorCannotCreateItemInSearchFolder";
	if (xmlin_is(t->node, NS_TYPES, "CalendarItem") && kind != FOLDER_CALENDAR)
		return "ErrorCannotCreateCalendarItemInNonCalendarFolder";
	if (xmlin_is(t->node, NS_TYPES, "Contact") && kind != FOLDER_CONTACTS)
		return "ErrorCannotCreateContactInNonContactFolder";
	if (xmlin_is(t->node, NS_TYPES, "Task") && kind != FOLDER_TASKS)
		return "ErrorCannotCreateTaskInNonTaskFolder";
	return NULL;
}

static const char *
check_attributes(const struct ews_call *call, const struct target *t)
{
	EXA_AUTO(exa_freep)
	char *disposition = xmlin_attribute(call->request, "MessageDisposition");
	EXA_AUTO(exa_freep)
	char *invitations = xmlin_attribute(call->request, "SendMeetingInvitations");

	if (xmlin_is(t->node, NS_TYPES, "CalendarItem"))
		return invitations == NULL ? "ErrorSendMeetingInvitationsRequired" : NULL;
	if (disposition == NULL && xmlin_is(t->node, NS_TYPES, "Message"))
		return "ErrorMessageDispositionRequired";
	if (disposition != NULL && strcmp(disposition, "SaveOnly") != 0)
		return "ErrorSendAsDenied"; /* nothing is ever sent from here */
	return NULL;
}

static void
create(struct ews_call *call, const struct target *t)
{
	EXA_AUTO(buf_done) struct buf mime = { 0 };
	struct buf *out = &call->answer->body;
	struct view *v = call->view;
	struct live_made made = { 0 };
	struct sim_item item;
	const char *code = check_attributes(call, t);
	uint64_t number = v->folders[t->folder].number;

	if (code == NULL)
		code = check_folder(call, t);
	if (code == NULL)
		code = new_item_read(t->node, call->arena, &item, &mime);
	if (code == NULL)
		code = live_add_item(
			call->store, v->id.address, number, &item, buf_bytes(&mime), &made);
	if (code != NULL) {
		ews_error(call, code, NULL);
		return;
	}
	item.key = made.key;
	item.change = made.change;
	ews_done(call, t);
	soap_success_begin(out, call->op->name);
	buf_printf(out, "<m:Items><t:%s>", item_element(&item));
	item_add_id(out, v, t->folder, &item);
	buf_printf(out, "</t:%s></m:Items>", item_element(&item));
	soap_message_end(out, call->op->name);
}

void
op_create_item(struct ews_call *call)
{
	soap_begin(&call->answer->body, call->op->name);
	for (size_t i = 0; i < call->targets.count; i++) {
		if (!ews_refused(call, &call->targets.rows[i]))
			create(call, &call->targets.rows[i]);
	}
	soap_end(&call->answer->body, call->op->name);
}
