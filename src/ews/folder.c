/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>
#include <strings.h>

#include "exarch/clock.h"
#include "exarch/mime.h"

#include "folder.h"
#include "value.h"

#define SEARCH_FOLDER_TYPE 2
#define GUID_TEXT_SIZE 36

enum folder_node {
	ROOT_FOLDER = NODE_OPERATION,
	FOLDERS,
	SEARCH_FOLDER,
	FOLDER,
	FOLDER_ID,
	PARENT_ID,
	CLASS,
	NAME,
	TOTAL,
	CHILDREN,
	ROLE,
	PROPERTY,
	PROPERTY_TAG,
	PROPERTY_VALUE,
};

/* A search folder holds the same children as any other folder. */
#define FOLDER_ROWS(folder)                                                      \
	{ folder, XML_T, "FolderId", FOLDER_ID, NODE_PLAIN },                    \
		{ folder, XML_T, "ParentFolderId", PARENT_ID, NODE_PLAIN },      \
		{ folder, XML_T, "FolderClass", CLASS, NODE_HAS_TEXT },          \
		{ folder, XML_T, "DisplayName", NAME, NODE_HAS_TEXT },           \
		{ folder, XML_T, "TotalCount", TOTAL, NODE_HAS_TEXT },           \
		{ folder, XML_T, "ChildFolderCount", CHILDREN, NODE_HAS_TEXT },  \
		{ folder, XML_T, "DistinguishedFolderId", ROLE, NODE_HAS_TEXT }, \
	{                                                                        \
		folder, XML_T, "ExtendedProperty", PROPERTY, NODE_PLAIN          \
	}

static const struct grammar_row rows[] = {
	{ NODE_MESSAGE, XML_M, "RootFolder", ROOT_FOLDER, NODE_PLAIN }, /* FindFolder */
	{ ROOT_FOLDER, XML_T, "Folders", FOLDERS, NODE_PLAIN },
	{ NODE_MESSAGE, XML_M, "Folders", FOLDERS, NODE_PLAIN }, /* GetFolder */
	{ FOLDERS, XML_T, "SearchFolder", SEARCH_FOLDER, NODE_PLAIN },
	{ FOLDERS, XML_T, NULL, FOLDER, NODE_PLAIN }, /* Folder, CalendarFolder, ... */
	FOLDER_ROWS(FOLDER),
	FOLDER_ROWS(SEARCH_FOLDER),
	{ PROPERTY, XML_T, "ExtendedFieldURI", PROPERTY_TAG, NODE_PLAIN },
	{ PROPERTY, XML_T, "Value", PROPERTY_VALUE, NODE_HAS_TEXT },
};

/* folder:DistinguishedFolderId in answers. */
static const struct {
	const char *name;
	enum ews_role role;
} roles[] = {
	{ "msgfolderroot", EWS_ROLE_ROOT },
	{ "inbox", EWS_ROLE_INBOX },
	{ "sentitems", EWS_ROLE_SENT },
	{ "drafts", EWS_ROLE_DRAFTS },
	{ "deleteditems", EWS_ROLE_DELETED },
	{ "junkemail", EWS_ROLE_JUNK },
	{ "outbox", EWS_ROLE_OUTBOX },
	{ "syncissues", EWS_ROLE_SYNC_ISSUES },
	{ "conflicts", EWS_ROLE_SYNC_ISSUES },
	{ "localfailures", EWS_ROLE_SYNC_ISSUES },
	{ "serverfailures", EWS_ROLE_SYNC_ISSUES },
	{ "calendar", EWS_ROLE_CALENDAR },
	{ "contacts", EWS_ROLE_CONTACTS },
	{ "tasks", EWS_ROLE_TASKS },
	{ "notes", EWS_ROLE_NOTES },
	{ "journal", EWS_ROLE_JOURNAL },
	{ "archivemsgfolderroot", EWS_ROLE_ROOT },
	{ "archiveinbox", EWS_ROLE_INBOX },
	{ "archivedeleteditems", EWS_ROLE_DELETED },
	{ "recoverableitemsroot", EWS_ROLE_ROOT },
	{ "archiverecoverableitemsroot", EWS_ROLE_ROOT },
	{ "publicfoldersroot", EWS_ROLE_ROOT },
};

const char *
folder_root_of(enum ews_part part)
{
	switch (part) {
	case EWS_PART_PRIMARY:
		break;
	case EWS_PART_ARCHIVE:
		return "archivemsgfolderroot";
	case EWS_PART_RECOVERABLE:
		return "recoverableitemsroot";
	case EWS_PART_ARCHIVE_RECOVERABLE:
		return "archiverecoverableitemsroot";
	case EWS_PART_PUBLIC:
		return "publicfoldersroot";
	}
	return "msgfolderroot";
}

void
folder_add_shape(struct buf *out, enum ews_part part)
{
	buf_add_string(out,
		"<m:FolderShape><t:BaseShape>IdOnly</t:BaseShape><t:AdditionalProperties>"
		"<t:FieldURI FieldURI=\"folder:ParentFolderId\"/>"
		"<t:FieldURI FieldURI=\"folder:FolderClass\"/>"
		"<t:FieldURI FieldURI=\"folder:DisplayName\"/>"
		"<t:FieldURI FieldURI=\"folder:TotalCount\"/>"
		"<t:FieldURI FieldURI=\"folder:DistinguishedFolderId\"/>"
		"<t:ExtendedFieldURI PropertyTag=\"0x10F4\" PropertyType=\"Boolean\"/>"
		"<t:ExtendedFieldURI PropertyTag=\"0x3601\" PropertyType=\"Integer\"/>"
		"<t:ExtendedFieldURI PropertyTag=\"0x0E08\" PropertyType=\"Long\"/>"
		"<t:ExtendedFieldURI PropertyTag=\"0x670A\" PropertyType=\"SystemTime\"/>");
	if (part == EWS_PART_PUBLIC)
		buf_add_string(out,
			"<t:FieldURI FieldURI=\"folder:ChildFolderCount\"/>"
			"<t:ExtendedFieldURI PropertyTag=\"0x6698\" PropertyType=\"Binary\"/>");
	buf_add_string(out, "</t:AdditionalProperties></m:FolderShape>");
}

static void
begin_folder(struct folder_reader *r, bool search_folder)
{
	r->folder = (struct ews_folder){ .search_folder = search_folder,
		.total_count = -1,
		.size_bytes = -1,
		.changed_ns = EXA_NO_TIME,
		.child_count = -1 };
	buf_reset(&r->id);
	buf_reset(&r->replica);
	buf_reset(&r->parent_id);
	buf_reset(&r->name);
	buf_reset(&r->class);
}

static bool
end_folder(struct folder_reader *r, struct exa_error *err)
{
	r->folder.id = buf_string(&r->id);
	r->folder.parent_id = buf_string(&r->parent_id);
	r->folder.name = buf_string(&r->name);
	r->folder.class = buf_string(&r->class);
	r->folder.replica = buf_string(&r->replica);
	if (r->is_root)
		r->folder.role = EWS_ROLE_ROOT;
	if (r->id.size == 0)
		return exa_fail(err, EXA_PROTOCOL, "a folder without FolderId");
	r->count++;
	return r->sink->folder(r->sink->ctx, &r->folder, err);
}

static bool
open_node(void *ctx, int node, const struct attributes *attributes, struct exa_error *err)
{
	struct folder_reader *r = ctx;

	switch ((enum folder_node)node) {
	case ROOT_FOLDER:
		r->last = value_boolean(attribute(attributes, "IncludesLastItemInRange")) == 1;
		r->next_offset = value_number(attribute(attributes, "IndexedPagingOffset"));
		break;
	case FOLDER:
	case SEARCH_FOLDER:
		begin_folder(r, node == SEARCH_FOLDER);
		break;
	case FOLDER_ID:
		return value_id(attributes, "Id", &r->id, err);
	case PARENT_ID:
		return value_id(attributes, "Id", &r->parent_id, err);
	case PROPERTY:
		r->tag = 0;
		break;
	case PROPERTY_TAG:
		r->tag = value_tag(attributes);
		break;
	case FOLDERS:
	case CLASS:
	case NAME:
	case TOTAL:
	case CHILDREN:
	case ROLE:
	case PROPERTY_VALUE:
		break;
	}
	return true;
}

static enum ews_role
role_of(const char *name)
{
	for (size_t i = 0; i < sizeof roles / sizeof roles[0]; i++) {
		if (strcasecmp(name, roles[i].name) == 0)
			return roles[i].role;
	}
	return name[0] == '\0' ? EWS_ROLE_NONE : EWS_ROLE_OTHER;
}

/* A list of GUIDs in ASCII, each with its NUL: the first one. Anything else counts as not said. */
static void
set_replica(struct folder_reader *r, const char *text)
{
	static const char digits[] = "0123456789abcdefABCDEF-";
	EXA_AUTO(buf_done) struct buf list = { 0 };
	struct mime_base64_decoder decoder = { 0 };
	struct exa_error ignored;

	buf_reset(&r->replica);
	if (!mime_base64_decode(&decoder, bytes_of_string(text), &list, &ignored) ||
		!mime_base64_finish(&decoder, &ignored) || list.size < GUID_TEXT_SIZE)
		return;
	if (strspn(buf_string(&list), digits) == GUID_TEXT_SIZE)
		buf_add(&r->replica, list.data, GUID_TEXT_SIZE);
}

static void
set_property(struct ews_folder *f, unsigned tag, const char *text)
{
	struct bytes value = bytes_of_string(text);

	switch (tag) {
	case TAG_HIDDEN:
		f->hidden = value_boolean(value) == 1;
		break;
	case TAG_FOLDER_TYPE:
		f->search_folder = f->search_folder || value_number(value) == SEARCH_FOLDER_TYPE;
		break;
	case TAG_SIZE:
		f->size_bytes = value_number(value);
		break;
	case TAG_LAST_CHANGE:
		f->changed_ns = value_moment(text);
		break;
	default: /* not asked for */
		break;
	}
}

static bool
close_node(void *ctx, int node, const char *text, struct exa_error *err)
{
	struct folder_reader *r = ctx;

	switch ((enum folder_node)node) {
	case FOLDER:
	case SEARCH_FOLDER:
		return end_folder(r, err);
	case CLASS:
		value_text(&r->class, text);
		break;
	case NAME:
		value_text(&r->name, text);
		break;
	case TOTAL:
		r->folder.total_count = value_number(bytes_of_string(text));
		break;
	case CHILDREN:
		r->folder.child_count = value_number(bytes_of_string(text));
		break;
	case ROLE:
		r->folder.role = role_of(text);
		break;
	case PROPERTY_VALUE:
		if (r->tag == TAG_REPLICAS)
			set_replica(r, text);
		else
			set_property(&r->folder, r->tag, text);
		break;
	case ROOT_FOLDER:
	case FOLDERS:
	case FOLDER_ID:
	case PARENT_ID:
	case PROPERTY:
	case PROPERTY_TAG:
		break;
	}
	return true;
}

static bool
end_message(void *ctx, size_t index, const struct exa_error *why, struct exa_error *err)
{
	struct folder_reader *r = ctx;

	(void)index;
	(void)err;
	if (why != NULL) {
		r->failed = true;
		r->failure = *why;
	}
	return true;
}

const struct answer_spec find_folder_spec = { .message = "FindFolderResponseMessage",
	.rows = rows,
	.row_count = sizeof rows / sizeof rows[0],
	.open = open_node,
	.close = close_node,
	.message_end = end_message };

const struct answer_spec get_folder_spec = { .message = "GetFolderResponseMessage",
	.rows = rows,
	.row_count = sizeof rows / sizeof rows[0],
	.open = open_node,
	.close = close_node,
	.message_end = end_message };

void
folder_reader_done(struct folder_reader *r)
{
	buf_done(&r->id);
	buf_done(&r->parent_id);
	buf_done(&r->name);
	buf_done(&r->class);
	buf_done(&r->replica);
}
