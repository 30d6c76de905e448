/* SPDX-License-Identifier: Apache-2.0 */
/*
 * CreateFolder, DeleteFolder, MoveFolder, and UpdateFolder as far as it renames.
 */
#include <string.h>

#include "ews.h"
#include "ids.h"
#include "live.h"
#include "shape.h"

static const struct {
	const char *element, *folder_class;
	enum folder_kind kind;
} kinds[] = { { "CalendarFolder", "IPF.Appointment", FOLDER_CALENDAR },
	{ "ContactsFolder", "IPF.Contact", FOLDER_CONTACTS },
	{ "TasksFolder", "IPF.Task", FOLDER_TASKS } };

static const char *
kind_of(const xmlNode *node, const char *given_class, struct live_folder_spec *spec)
{
	spec->folder_class = *given_class != '\0' ? given_class : "IPF.Note";
	for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
		bool by_element = xmlin_is(node, NS_TYPES, kinds[i].element);

		if (by_element && *given_class != '\0')
			return "ErrorNoFolderClassOverride";
		if (!by_element && strcmp(given_class, kinds[i].folder_class) != 0)
			continue;
		spec->folder_class = kinds[i].folder_class;
		spec->kind = kinds[i].kind;
	}
	return xmlin_is(node, NS_TYPES, "SearchFolder") ? "ErrorInvalidOperation" : NULL;
}

static void
add_folder(struct buf *out, const struct ews_call *call, const char *element, uint64_t number)
{
	char id[ID_TEXT_MAX], key[ID_TEXT_MAX];

	id_of_folder(&call->view->id, number, id);
	id_change_key(&call->view->id, ID_FOLDER, 1, key);
	soap_success_begin(out, call->op->name);
	buf_printf(out,
		"<m:Folders><t:%s><t:FolderId Id=\"%s\" ChangeKey=\"%s\"/></t:%s></m:Folders>",
		element, id, key, element);
	soap_message_end(out, call->op->name);
}

static void
create(struct ews_call *call, const struct target *t)
{
	EXA_AUTO(exa_freep) char *name = xmlin_text(xmlin_child(t->node, NS_TYPES, "DisplayName"));
	EXA_AUTO(exa_freep)
	char *given_class = xmlin_text(xmlin_child(t->node, NS_TYPES, "FolderClass"));
	struct live_folder_spec spec = { .name = name };
	const char *code = kind_of(t->node, given_class, &spec);
	uint64_t number;

	if (code == NULL && *name == '\0')
		code = "ErrorFolderSave";
	if (code == NULL)
		code = live_add_folder(call->store, call->view->id.address,
			call->view->folders[t->folder].number, &spec, &number);
	if (code != NULL)
		ews_error(call, code, NULL);
	else
		add_folder(&call->answer->body, call, (const char *)t->node->name, number);
}

static void delete (struct ews_call *call, const struct target *t)
{
	EXA_AUTO(exa_freep) char *how = xmlin_attribute(call->request, "DeleteType");
	const char *code = strcmp(how, "SoftDelete") == 0
				   ? "ErrorInvalidOperation"
				   : live_remove_folder(call->store, call->view->id.address,
					     call->view->folders[t->folder].number);

	if (code != NULL) {
		ews_error(call, code, NULL);
		return;
	}
	soap_success_begin(&call->answer->body, call->op->name);
	soap_message_end(&call->answer->body, call->op->name);
}

static void
set(struct ews_call *call, const struct target *t, const char *name, uint64_t parent)
{
	uint64_t number = call->view->folders[t->folder].number;
	const char *code = call->view->folders[t->folder].distinguished != NULL
				   ? "ErrorMoveDistinguishedFolder"
				   : live_set_folder(call->store, call->view->id.address, number,
					     name, parent);

	if (code != NULL)
		ews_error(call, code, NULL);
	else
		add_folder(&call->answer->body, call, "Folder", number);
}

static void
move(struct ews_call *call, const struct target *t)
{
	if (call->targets.to.code != NULL)
		ews_error(call, call->targets.to.code, NULL);
	else
		set(call, t, NULL, call->view->folders[call->targets.to.folder].number);
}

/* FolderChange / Updates / SetFolderField / (path, t:Folder with one element). */
static void
update(struct ews_call *call, const struct target *t)
{
	xmlNodePtr field =
		xmlin_child(xmlin_child(t->node, NS_TYPES, "Updates"), NS_TYPES, "SetFolderField");
	xmlNodePtr folder = xmlin_first(field) == NULL ? NULL : xmlin_next(xmlin_first(field));
	EXA_AUTO(exa_freep) char *name = xmlin_text(xmlin_child(folder, NS_TYPES, "DisplayName"));

	if (*name == '\0')
		ews_error(call, "ErrorInvalidPropertySet", NULL);
	else
		set(call, t, name, 0);
}

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
op_create_folder(struct ews_call *call)
{
	run_on_each(call, create);
}

void
op_delete_folder(struct ews_call *call)
{
	run_on_each(call, delete);
}

void
op_move_folder(struct ews_call *call)
{
	run_on_each(call, move);
}

void
op_update_folder(struct ews_call *call)
{
	run_on_each(call, update);
}
