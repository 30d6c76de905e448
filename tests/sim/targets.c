/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "ids.h"
#include "soap_out.h"
#include "targets.h"

bool
target_folder(struct view *v, const xmlNode *id, size_t *folder_out, const char **code_out)
{
	EXA_AUTO(exa_freep) char *text = id == NULL ? NULL : xmlin_attribute(id, "Id");
	struct id_parts parts;

	*code_out = "ErrorFolderNotFound";
	if (text == NULL)
		return false;
	if (xmlin_is(id, NS_TYPES, "DistinguishedFolderId"))
		return view_find_distinguished(v, text, folder_out);
	if (!id_read(text, &parts)) {
		*code_out = "ErrorInvalidIdMalformed";
		return false;
	}
	if (parts.kind != ID_FOLDER) {
		*code_out = "ErrorCannotUseItemIdForFolderId";
		return false;
	}
	return strcmp(parts.mailbox_guid, v->id.guid_text) == 0 &&
	       view_find_folder(v, parts.folder, folder_out);
}

static const char *
find_item(struct view *v, struct arena *a, struct target *t)
{
	struct id_parts parts;

	if (t->id == NULL || !id_read(t->id, &parts))
		return "ErrorInvalidIdMalformed";
	if (parts.kind != ID_ITEM)
		return "ErrorCannotUseFolderIdForItemId";
	if (strcmp(parts.mailbox_guid, v->id.guid_text) != 0 ||
		!view_find_folder(v, parts.folder, &t->folder) ||
		!v->ops->find(v, t->folder, parts.key, &t->position))
		return "ErrorItemNotFound";
	v->ops->item(v, t->folder, t->position, a, &t->item);
	return NULL;
}

/* A change key may be left out, but one that is there must be one. */
static bool
change_key_is_sound(const xmlNode *id)
{
	EXA_AUTO(exa_freep) char *key = xmlin_attribute(id, "ChangeKey");

	return key == NULL || id_change_key_is_sound(key);
}

static bool
is_folder_id(const xmlNode *node)
{
	return xmlin_is(node, NS_TYPES, "FolderId") ||
	       xmlin_is(node, NS_TYPES, "DistinguishedFolderId");
}

static void
read_item_id(struct view *v, struct arena *a, const xmlNode *node, struct target *t)
{
	EXA_AUTO(exa_freep) char *id = xmlin_attribute(node, "Id");

	t->kind = TARGET_ITEM;
	t->id = id == NULL ? NULL : arena_strndup(a, id, strlen(id));
	t->code = change_key_is_sound(node) ? find_item(v, a, t) : "ErrorInvalidChangeKey";
}

/* An item of UploadItems names its own folder, and perhaps the item that it replaces. */
static void
read_upload(struct view *v, struct arena *a, struct target *t)
{
	xmlNodePtr old = xmlin_child(t->node, NS_TYPES, "ItemId");
	struct target replaced = { 0 };

	t->kind = TARGET_NEW;
	if (target_folder(
		    v, xmlin_child(t->node, NS_TYPES, "ParentFolderId"), &t->folder, &t->code))
		t->code = NULL;
	if (old != NULL)
		read_item_id(v, a, old, &replaced);
	if (old != NULL && replaced.code == NULL && replaced.folder == t->folder)
		t->old_key = replaced.item.key;
}

/* The id itself; of an ItemChange or FolderChange the id in it. */
static const xmlNode *
id_in(const xmlNode *node)
{
	bool is_change =
		xmlin_is(node, NS_TYPES, "ItemChange") || xmlin_is(node, NS_TYPES, "FolderChange");

	return is_change && xmlin_first(node) != NULL ? xmlin_first(node) : node;
}

static void
read_one(struct view *v, struct arena *a, const struct targets *all, struct target *t)
{
	const xmlNode *id = id_in(t->node);

	if (is_folder_id(id)) {
		t->kind = TARGET_FOLDER;
		if (target_folder(v, id, &t->folder, &t->code))
			t->code = NULL;
	} else if (xmlin_is(id, NS_TYPES, "ItemId")) {
		read_item_id(v, a, id, t);
	} else if (xmlin_is(id, NS_TYPES, "OccurrenceItemId") ||
		   xmlin_is(id, NS_TYPES, "RecurringMasterItemId")) {
		t->kind = TARGET_ITEM;
		t->code = "ErrorCalendarOccurrenceIndexIsOutOfRecurrenceRange";
	} else if (xmlin_child(t->node, NS_TYPES, "Data") != NULL) {
		read_upload(v, a, t);
	} else {
		t->kind = TARGET_NEW;
		t->folder = all->to.folder;
		t->code = all->has_to ? all->to.code : NULL;
	}
}

static void
read_to(xmlNodePtr request, const struct targets_at *at, struct view *v, struct targets *out)
{
	xmlNodePtr holder = at->to == NULL ? NULL : xmlin_child(request, NS_MESSAGES, at->to);

	out->has_to = at->to != NULL;
	out->to.kind = TARGET_FOLDER;
	if (holder != NULL) {
		out->to.node = xmlin_first(holder);
		if (target_folder(v, out->to.node, &out->to.folder, &out->to.code))
			out->to.code = NULL;
	} else if (at->default_to != NULL &&
		   !view_find_distinguished(v, at->default_to, &out->to.folder)) {
		out->to.code = "ErrorFolderNotFound";
	}
}

void
targets_read(xmlNodePtr request, const struct targets_at *at, struct view *v, struct arena *a,
	struct targets *out)
{
	xmlNodePtr list = at->list == NULL ? NULL : xmlin_child(request, NS_MESSAGES, at->list);
	size_t count = 0;

	*out = (struct targets){ 0 };
	read_to(request, at, v, out);
	for (xmlNodePtr node = xmlin_first(list); node != NULL; node = xmlin_next(node))
		count++;
	out->rows = arena_alloc(a, (count + 1) * sizeof *out->rows);
	for (xmlNodePtr node = xmlin_first(list); node != NULL; node = xmlin_next(node)) {
		struct target *t = &out->rows[out->count++];

		t->node = node;
		read_one(v, a, out, t);
	}
}

bool
targets_miss_some(const struct targets *t)
{
	for (size_t i = 0; i < t->count; i++) {
		if (t->rows[i].code != NULL)
			return true;
	}
	return t->has_to && t->to.code != NULL;
}
