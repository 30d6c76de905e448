/* SPDX-License-Identifier: Apache-2.0 */
/*
 * CreateFolder (MS-OXWSFOLD). A typed element stands for its class and mustn't name it
 * (ErrorNoFolderClassOverride); other classes are named on a plain folder.
 */
#include <strings.h>

#include "request.h"
#include "soap.h"
#include "writes.h"

static const char *
element_of(const char *class)
{
	static const struct {
		const char *class, *element;
	} typed[] = { { "IPF.Appointment", "CalendarFolder" }, { "IPF.Contact", "ContactsFolder" },
		{ "IPF.Task", "TasksFolder" } };

	for (size_t i = 0; i < sizeof typed / sizeof typed[0]; i++) {
		if (strcasecmp(class, typed[i].class) == 0)
			return typed[i].element;
	}
	return NULL;
}

void
create_folder_request(
	struct buf *out, const struct ews_mailbox *mailbox, const struct ews_new_folder *folder)
{
	const char *element = element_of(folder->class);

	soap_begin(out, mailbox);
	buf_add_string(out, "<m:CreateFolder><m:ParentFolderId><t:FolderId Id=\"");
	soap_text(out, folder->parent_id);
	buf_printf(out, "\"/></m:ParentFolderId><m:Folders><t:%s>",
		element != NULL ? element : "Folder");
	if (element == NULL && folder->class[0] != '\0') {
		buf_add_string(out, "<t:FolderClass>");
		soap_text(out, folder->class);
		buf_add_string(out, "</t:FolderClass>");
	}
	buf_add_string(out, "<t:DisplayName>");
	soap_text(out, folder->name);
	buf_printf(out, "</t:DisplayName></t:%s></m:Folders></m:CreateFolder>",
		element != NULL ? element : "Folder");
	soap_end(out);
}

struct making {
	struct buf *id;
	bool failed;
	struct exa_error why;
};

static bool
answered(void *ctx, size_t index, const struct ews_item_ref *made, const struct exa_error *why,
	struct exa_error *err)
{
	struct making *m = ctx;

	(void)index;
	(void)err;
	m->failed = why != NULL;
	if (why != NULL)
		m->why = *why;
	else
		buf_add_string(m->id, made->id);
	return true;
}

bool
ews_create_folder(struct ews *e, const struct ews_mailbox *mailbox,
	const struct ews_new_folder *folder, struct buf *id_out, struct exa_error *err)
{
	EXA_AUTO(buf_done) struct buf id = { 0 };
	struct making making = { .id = &id };
	const struct ews_made_handler handler = { .answered = answered, .ctx = &making };
	EXA_AUTO(made_reader_done) struct made_reader reader = { .handler = &handler };
	EXA_AUTO(answer_freep) struct answer *answer = NULL;

	if (!answer_new(&create_folder_spec, &reader, 1, &answer, err))
		return false;
	create_folder_request(request_text(e), mailbox, folder);
	if (!request_send_once(e, mailbox, answer, err))
		return false;
	if (making.failed) {
		*err = making.why;
		return false;
	}
	if (id.size == 0)
		return exa_fail(err, EXA_PROTOCOL, "a folder was made, but has no id");
	buf_add_bytes(id_out, buf_bytes(&id));
	return true;
}
