/* SPDX-License-Identifier: Apache-2.0 */
/*
 * MoveItem, UpdateItem and DeleteItem. A moved item has a new id, the same message and search key.
 * What is deleted softly goes to Recoverable Items/Deletions, hard to Purges, and is gone for good
 * when it was there already.
 */
#include <string.h>

#include "ews.h"
#include "live.h"
#include "new_item.h"
#include "shape.h"

static struct live_at
place_of(const struct ews_call *call, const struct target *t)
{
	return (struct live_at){ call->view->id.address, call->view->folders[t->folder].number,
		t->item.key };
}

static void
succeed(struct ews_call *call, size_t folder, const struct sim_item *item, const char *more)
{
	struct buf *out = &call->answer->body;

	soap_success_begin(out, call->op->name);
	buf_printf(out, "<m:Items><t:%s>", item_element(item));
	item_add_id(out, call->view, folder, item);
	buf_printf(out, "</t:%s></m:Items>%s", item_element(item), more);
	soap_message_end(out, call->op->name);
}

/* ---- MoveItem ---- */

static void
move(struct ews_call *call, const struct target *t)
{
	struct live_at at = place_of(call, t);
	struct sim_item item = t->item;
	struct live_made made = { 0 };
	const char *code = call->targets.to.code;

	if (code == NULL)
		code = live_move_item(call->store, &at,
			call->view->folders[call->targets.to.folder].number, &made);
	item.key = made.key;
	item.change = made.change;
	if (code != NULL) {
		ews_error(call, code, NULL);
		return;
	}
	ews_done(call, t);
	succeed(call, call->targets.to.folder, &item, "");
}

/* ---- UpdateItem ---- */

static const char *
update(struct ews_call *call, const struct target *t, struct sim_item *item)
{
	struct live_at at = place_of(call, t);
	struct live_made made = { 0 };
	const char *code;
	bool only_read = true;

	for (xmlNodePtr node = xmlin_first(xmlin_child(t->node, NS_TYPES, "Updates")); node != NULL;
		node = xmlin_next(node)) {
		xmlNodePtr path = xmlin_first(node);
		EXA_AUTO(exa_freep) char *uri = xmlin_attribute(path, "FieldURI");

		only_read = only_read && uri != NULL && strcmp(uri, "message:IsRead") == 0;
		if (!new_item_set(path, xmlin_next(path), call->arena, item))
			return "ErrorInvalidPropertySet";
	}
	code = live_set_item(
		call->store, &at, item, NULL, only_read ? CHANGE_READ : CHANGE_UPDATE, &made);
	item->change = made.change;
	return code;
}

static void
update_one(struct ews_call *call, const struct target *t)
{
	struct sim_item item = t->item;
	const char *code = update(call, t, &item);

	if (code != NULL) {
		ews_error(call, code, NULL);
		return;
	}
	ews_done(call, t);
	succeed(call, t->folder, &item,
		"<m:ConflictResults><t:Count>0</t:Count></m:ConflictResults>");
}

/* ---- DeleteItem ---- */

/* What the request must say for items of some kinds. */
static const char *
what_is_missing(const struct ews_call *call, const struct sim_item *item)
{
	EXA_AUTO(exa_freep)
	char *cancellations = xmlin_attribute(call->request, "SendMeetingCancellations");
	EXA_AUTO(exa_freep)
	char *occurrences = xmlin_attribute(call->request, "AffectedTaskOccurrences");
	const char *element = item_element(item);

	if (strcmp(element, "CalendarItem") == 0 && cancellations == NULL)
		return "ErrorSendMeetingCancellationsRequired";
	if (strcmp(element, "Task") == 0 && occurrences == NULL)
		return "ErrorAffectedTaskOccurrencesRequired";
	return NULL;
}

/* The well-known folder that takes what is deleted so; false: nothing takes it. */
static bool
folder_for_deleted(const struct ews_call *call, const struct target *t, size_t *out)
{
	EXA_AUTO(exa_freep) char *how = xmlin_attribute(call->request, "DeleteType");
	const char *name = strcmp(how, "HardDelete") == 0   ? "recoverableitemspurges"
			   : strcmp(how, "SoftDelete") == 0 ? "recoverableitemsdeletions"
							    : "deleteditems";
	size_t recoverable;

	return view_find_distinguished(call->view, name, out) && *out != t->folder &&
	       (strcmp(name, "deleteditems") == 0 ||
		       !view_find_distinguished(
			       call->view, "recoverableitemspurges", &recoverable) ||
		       t->folder != recoverable);
}

static void
delete_one(struct ews_call *call, const struct target *t)
{
	struct live_at at = place_of(call, t);
	const char *code = what_is_missing(call, &t->item);
	struct live_made made;
	size_t to;

	if (code == NULL)
		code = folder_for_deleted(call, t, &to)
			       ? live_move_item(
					 call->store, &at, call->view->folders[to].number, &made)
			       : live_remove_item(call->store, &at);
	if (code != NULL) {
		ews_error(call, code, NULL);
		return;
	}
	ews_done(call, t);
	soap_success_begin(&call->answer->body, call->op->name);
	soap_message_end(&call->answer->body, call->op->name);
}

/* ---- */

static void
run_on_each(struct ews_call *call, void (*run)(struct ews_call *call, const struct target *t))
{
	soap_begin(&call->answer->body, call->op->name);
	for (size_t i = 0; i < call->targets.count; i++) {
		if (!ews_refused(call, &call->targets.rows[i]))
			run(call, &call->targets.rows[i]);
	}
	soap_end(&call->answer->body, call->op->name);
}

void
op_move_item(struct ews_call *call)
{
	run_on_each(call, move);
}

void
op_update_item(struct ews_call *call)
{
	run_on_each(call, update_one);
}

void
op_delete_item(struct ews_call *call)
{
	run_on_each(call, delete_one);
}
