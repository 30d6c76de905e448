/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "exarch/clock.h"

#include "ids.h"
#include "shape.h"
#include "soap_out.h"
#include "tree_dir.h"

enum folder_field {
	FIELD_PARENT,
	FIELD_CLASS,
	FIELD_NAME,
	FIELD_TOTAL,
	FIELD_CHILDREN,
	FIELD_EXTENDED,
	FIELD_DISTINGUISHED,
	FIELD_UNREAD,
	FIELD_COUNT
};

/* In the order of the schema's FolderType. */
static const struct shape_field fields[FIELD_COUNT] = {
	[FIELD_PARENT] = { "folder:ParentFolderId", false },
	[FIELD_CLASS] = { "folder:FolderClass", false },
	[FIELD_NAME] = { "folder:DisplayName", true },
	[FIELD_TOTAL] = { "folder:TotalCount", true },
	[FIELD_CHILDREN] = { "folder:ChildFolderCount", true },
	[FIELD_EXTENDED] = { "", false },
	[FIELD_DISTINGUISHED] = { "folder:DistinguishedFolderId", false },
	[FIELD_UNREAD] = { "folder:UnreadCount", true },
};

enum {
	TAG_HIDDEN = 0x10f4,
	TAG_TYPE = 0x3601,
	TAG_SIZE = 0x0e08,
	TAG_CLASS = 0x3613,
	TAG_CHANGED = 0x670a,
	TAG_NAME = 0x3001,
	TAG_COUNT = 0x3602,
	TAG_REPLICAS = 0x6698,
	TAG_UNREAD = 0x3603,
	TAG_HAS_CHILDREN = 0x360a
};

static const char *const elements[] = {
	[FOLDER_MAIL] = "Folder",
	[FOLDER_SEARCH] = "SearchFolder",
	[FOLDER_CALENDAR] = "CalendarFolder",
	[FOLDER_CONTACTS] = "ContactsFolder",
	[FOLDER_TASKS] = "TasksFolder",
};

bool
shape_of_folders(const xmlNode *node, struct shape *out, struct shape_refusal *why)
{
	return shape_read(node, fields, FIELD_COUNT, "folder:", out, why);
}

static void
add_id(struct buf *out, const char *element, const struct view *v, const struct sim_folder *f)
{
	char id[ID_TEXT_MAX], key[ID_TEXT_MAX];

	id_of_folder(&v->id, f->number, id);
	id_change_key(&v->id, ID_FOLDER, (uint64_t)f->changed_ns, key);
	buf_printf(out, "<t:%s Id=\"%s\" ChangeKey=\"%s\"/>", element, id, key);
}

/* Times with fractions, so that two changes within a second differ. */
static void
format_fine(int64_t moment_ns, char *out, size_t size)
{
	char text[CLOCK_TEXT_MAX];

	clock_format(moment_ns, text);
	(void)snprintf(out, size, "%.19s.%07" PRId64 "Z", text, moment_ns % EXA_NS_PER_S / 100);
}

static void
add_extended(struct buf *out, const struct view *v, const struct extended_field *e, size_t place)
{
	const struct sim_folder *f = &v->folders[place];
	EXA_AUTO(buf_done) struct buf replicas = { 0 };
	struct mailbox_id content;
	char value[64] = "";

	switch (e->tag) {
	case TAG_HIDDEN:
		(void)snprintf(value, sizeof value, "%s", f->hidden ? "true" : "false");
		break;
	case TAG_TYPE:
		(void)snprintf(value, sizeof value, "%d",
			place == FOLDER_ROOT       ? 0
			: f->kind == FOLDER_SEARCH ? 2
						   : 1);
		break;
	case TAG_SIZE:
		(void)snprintf(value, sizeof value, "%" PRIu64, f->size_bytes);
		break;
	case TAG_COUNT:
		(void)snprintf(value, sizeof value, "%zu", f->item_count);
		break;
	case TAG_UNREAD:
		(void)snprintf(value, sizeof value, "%zu", f->unread_count);
		break;
	case TAG_HAS_CHILDREN:
		(void)snprintf(value, sizeof value, "%s", f->child_count > 0 ? "true" : "false");
		break;
	case TAG_CHANGED:
		if (f->changed_ns > 0)
			format_fine(f->changed_ns, value, sizeof value);
		break;
	case TAG_REPLICAS: /* the content mailbox: its GUID in ASCII, with the NUL */
		public_mailbox(public_mailbox_of(f), &content);
		buf_add_base64(&replicas, bytes_of(content.guid_text, MAILBOX_GUID_TEXT));
		if (v->is_public)
			extended_add_xml(out, e, buf_string(&replicas));
		return;
	case TAG_CLASS:
		extended_add_xml(out, e, f->folder_class != NULL ? f->folder_class : "");
		return;
	case TAG_NAME:
		extended_add_xml(out, e, f->name);
		return;
	default:
		break;
	}
	if (*value != '\0')
		extended_add_xml(out, e, value);
}

static void
add_field(struct buf *out, const struct view *v, size_t place, enum folder_field field,
	const struct shape *shape)
{
	const struct sim_folder *f = &v->folders[place];

	switch (field) {
	case FIELD_PARENT:
		add_id(out, "ParentFolderId", v, &v->folders[f->parent]);
		break;
	case FIELD_CLASS:
		if (f->folder_class != NULL)
			xml_add_element(out, "FolderClass", f->folder_class);
		break;
	case FIELD_NAME:
		xml_add_element(out, "DisplayName", f->name);
		break;
	case FIELD_TOTAL:
		buf_printf(out, "<t:TotalCount>%zu</t:TotalCount>", f->item_count);
		break;
	case FIELD_CHILDREN:
		buf_printf(out, "<t:ChildFolderCount>%zu</t:ChildFolderCount>", f->child_count);
		break;
	case FIELD_EXTENDED:
		for (size_t i = 0; i < shape->extended_count; i++)
			add_extended(out, v, &shape->extended[i], place);
		break;
	case FIELD_DISTINGUISHED:
		if (f->distinguished != NULL)
			xml_add_element(out, "DistinguishedFolderId", f->distinguished);
		break;
	case FIELD_UNREAD:
		if (f->kind == FOLDER_MAIL || f->kind == FOLDER_SEARCH)
			buf_printf(out, "<t:UnreadCount>%zu</t:UnreadCount>", f->unread_count);
		break;
	case FIELD_COUNT:
		break;
	}
}

void
folder_add_xml(struct buf *out, const struct view *v, size_t folder, const struct shape *shape)
{
	const char *element = elements[v->folders[folder].kind];

	buf_printf(out, "<t:%s>", element);
	add_id(out, "FolderId", v, &v->folders[folder]);
	for (int i = 0; i < FIELD_COUNT; i++) {
		if (i == FIELD_EXTENDED || (shape->fields >> i & 1) != 0)
			add_field(out, v, folder, (enum folder_field)i, shape);
	}
	buf_printf(out, "</t:%s>", element);
}
