/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "exarch/clock.h"

#include "ids.h"
#include "shape.h"
#include "soap_out.h"

enum item_field {
	FIELD_PARENT,
	FIELD_CLASS,
	FIELD_SUBJECT,
	FIELD_SENSITIVITY,
	FIELD_RECEIVED,
	FIELD_SIZE,
	FIELD_CATEGORIES,
	FIELD_IMPORTANCE,
	FIELD_DRAFT,
	FIELD_SENT,
	FIELD_CREATED,
	FIELD_ATTACHMENTS,
	FIELD_EXTENDED,
	FIELD_MODIFIED,
	FIELD_ASSOCIATED,
	FIELD_FLAG,
	FIELD_MESSAGE_ID,
	FIELD_READ,
	FIELD_COUNT
};

/* In the order of the schema's ItemType and MessageType. */
static const struct shape_field fields[FIELD_COUNT] = {
	[FIELD_PARENT] = { "item:ParentFolderId", false },
	[FIELD_CLASS] = { "item:ItemClass", false },
	[FIELD_SUBJECT] = { "item:Subject", true },
	[FIELD_SENSITIVITY] = { "item:Sensitivity", true },
	[FIELD_RECEIVED] = { "item:DateTimeReceived", false },
	[FIELD_SIZE] = { "item:Size", true },
	[FIELD_CATEGORIES] = { "item:Categories", false },
	[FIELD_IMPORTANCE] = { "item:Importance", false },
	[FIELD_DRAFT] = { "item:IsDraft", false },
	[FIELD_SENT] = { "item:DateTimeSent", true },
	[FIELD_CREATED] = { "item:DateTimeCreated", true },
	[FIELD_ATTACHMENTS] = { "item:HasAttachments", true },
	[FIELD_EXTENDED] = { "", false },
	[FIELD_MODIFIED] = { "item:LastModifiedTime", false },
	[FIELD_ASSOCIATED] = { "item:IsAssociated", false },
	[FIELD_FLAG] = { "item:Flag", false },
	[FIELD_MESSAGE_ID] = { "message:InternetMessageId", false },
	[FIELD_READ] = { "message:IsRead", true },
};

/* What only GetItem gives. */
static const char *const not_in_lists[] = { "item:MimeContent", "item:MimeContentUTF8", "item:Body",
	"item:UniqueBody", "item:NormalizedBody", "item:TextBody", "item:FirstBody",
	"item:Attachments", "item:ResponseObjects", "item:InternetMessageHeaders",
	"message:ToRecipients", "message:CcRecipients", "message:BccRecipients",
	"message:ReplyTo" };

enum {
	TAG_FLAGS = 0x0e07,
	TAG_SEARCH_KEY = 0x300b,
	TAG_RECEIVED = 0x0e06,
	TAG_SENT = 0x0039,
	TAG_CREATED = 0x3007,
	TAG_MODIFIED = 0x3008,
	TAG_SIZE = 0x0e08,
	TAG_CLASS = 0x001a,
	TAG_MESSAGE_ID = 0x1035,
	TAG_SUBJECT = 0x0037,
	TAG_IMPORTANCE = 0x0017,
	TAG_ARTICLE = 0x0e23,
	TAG_FLAG_STATUS = 0x1090
};

static const char *const importances[] = {
	[IMPORTANCE_NORMAL] = "Normal",
	[IMPORTANCE_LOW] = "Low",
	[IMPORTANCE_HIGH] = "High",
};

static const char *const follow_ups[] = {
	[FOLLOW_UP_NONE] = "NotFlagged",
	[FOLLOW_UP_COMPLETE] = "Complete",
	[FOLLOW_UP_FLAGGED] = "Flagged",
};

enum { FLAG_READ = 0x1, FLAG_UNMODIFIED = 0x2, FLAG_UNSENT = 0x8, FLAG_ATTACHMENT = 0x10 };

static bool
refuse(struct shape_refusal *why, const char *uri)
{
	why->code = "ErrorInvalidPropertyForOperation";
	buf_printf(&why->xml, "<t:FieldURI FieldURI=\"%s\"/>", uri);
	return false;
}

static bool
asks_for(const xmlNode *node, const char *uri)
{
	for (xmlNodePtr path = xmlin_first(xmlin_child(node, NS_TYPES, "AdditionalProperties"));
		path != NULL; path = xmlin_next(path)) {
		EXA_AUTO(exa_freep) char *asked = xmlin_attribute(path, "FieldURI");

		if (asked != NULL && strcmp(asked, uri) == 0)
			return true;
	}
	return false;
}

bool
shape_of_items(
	const xmlNode *node, enum shape_use use, struct shape *out, struct shape_refusal *why)
{
	EXA_AUTO(exa_freep)
	char *mime = xmlin_text(xmlin_child(node, NS_TYPES, "IncludeMimeContent"));
	bool wants_mime = strcmp(mime, "true") == 0 || strcmp(mime, "1") == 0;

	if (use == SHAPE_FOR_LIST && wants_mime)
		return refuse(why, "item:MimeContent");
	for (size_t i = 0; i < sizeof not_in_lists / sizeof not_in_lists[0]; i++) {
		if (use == SHAPE_FOR_LIST && asks_for(node, not_in_lists[i]))
			return refuse(why, not_in_lists[i]);
	}
	if (!shape_read(node, fields, FIELD_COUNT, "item:", out, why))
		return false;
	out->mime = wants_mime || asks_for(node, "item:MimeContent");
	return true;
}

/* What has no type of its own comes as a message. */
const char *
item_element(const struct sim_item *item)
{
	static const struct {
		const char *prefix, *element;
	} types[] = { { "IPM.Appointment", "CalendarItem" }, { "IPM.Contact", "Contact" },
		{ "IPM.DistList", "DistributionList" }, { "IPM.Task", "Task" },
		{ "IPM.Post", "PostItem" }, { "IPM.Schedule.Meeting.Request", "MeetingRequest" },
		{ "IPM.Schedule.Meeting.Resp", "MeetingResponse" },
		{ "IPM.Schedule.Meeting.Canceled", "MeetingCancellation" },
		{ "IPM.Sharing", "SharingMessage" } };

	for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
		if (strncasecmp(item->item_class, types[i].prefix, strlen(types[i].prefix)) == 0)
			return types[i].element;
	}
	return "Message";
}

bool
item_has_mime(const struct sim_item *item)
{
	static const char *const without[] = { "IPM.Task", "IPM.StickyNote", "IPM.Activity",
		"IPM.DistList" };

	for (size_t i = 0; i < sizeof without / sizeof without[0]; i++) {
		if (strncasecmp(item->item_class, without[i], strlen(without[i])) == 0)
			return false;
	}
	return true;
}

/* The message fields (InternetMessageId, IsRead) are of messages alone. */
static bool
is_message(const struct sim_item *item)
{
	const char *element = item_element(item);

	return strcmp(element, "Message") == 0 || strncmp(element, "Meeting", 7) == 0 ||
	       strcmp(element, "SharingMessage") == 0 || strcmp(element, "PostItem") == 0;
}

static void
add_id(struct buf *out, const char *element, const struct view *v, size_t folder,
	const struct sim_item *item)
{
	char id[ID_TEXT_MAX], key[ID_TEXT_MAX];

	id_of_item(&v->id, v->folders[folder].number, item->key, id);
	id_change_key(&v->id, ID_ITEM, item->change, key);
	buf_printf(out, "<%s Id=\"%s\" ChangeKey=\"%s\"/>", element, id, key);
}

void
item_add_id(struct buf *out, const struct view *v, size_t folder, const struct sim_item *item)
{
	add_id(out, "t:ItemId", v, folder, item);
}

void
item_add_message_id(
	struct buf *out, const struct view *v, size_t folder, const struct sim_item *item)
{
	add_id(out, "m:ItemId", v, folder, item);
}

static void
add_time(struct buf *out, const char *name, int64_t moment_ns)
{
	char text[CLOCK_TEXT_MAX];

	clock_format(moment_ns, text);
	xml_add_element(out, name, text);
}

static void
add_bool(struct buf *out, const char *name, bool value)
{
	buf_printf(out, "<t:%s>%s</t:%s>", name, value ? "true" : "false", name);
}

static void
add_parent(struct buf *out, const struct view *v, size_t folder)
{
	char id[ID_TEXT_MAX], key[ID_TEXT_MAX];

	id_of_folder(&v->id, v->folders[folder].number, id);
	id_change_key(&v->id, ID_FOLDER, 1, key);
	buf_printf(out, "<t:ParentFolderId Id=\"%s\" ChangeKey=\"%s\"/>", id, key);
}

static int
message_flags(const struct sim_item *item)
{
	return (item->is_read ? FLAG_READ : 0) | (item->is_draft ? FLAG_UNSENT : 0) |
	       (item->has_attachments ? FLAG_ATTACHMENT : 0) |
	       (item->modified_ns <= item->created_ns ? FLAG_UNMODIFIED : 0);
}

static uint64_t
size_for_exchange(const struct sim_item *item)
{
	return item->size_bytes < INT_MAX ? item->size_bytes : INT_MAX;
}

static void
add_extended(struct buf *out, const struct sim_item *item, const struct extended_field *e)
{
	EXA_AUTO(buf_done) struct buf value = { 0 };
	char time[CLOCK_TEXT_MAX];
	int64_t moment_ns = EXA_NO_TIME;

	switch (e->tag) {
	case TAG_FLAGS:
		buf_printf(&value, "%d", message_flags(item));
		break;
	case TAG_SEARCH_KEY:
		buf_add_base64(&value, bytes_of(item->search_key, sizeof item->search_key));
		break;
	case TAG_SIZE:
		buf_printf(&value, "%" PRIu64, size_for_exchange(item));
		break;
	case TAG_CLASS:
		buf_add_string(&value, item->item_class);
		break;
	case TAG_MESSAGE_ID:
		buf_add_string(&value, item->message_id != NULL ? item->message_id : "");
		break;
	case TAG_SUBJECT:
		buf_add_string(&value, item->subject != NULL ? item->subject : "");
		break;
	case TAG_RECEIVED:
		moment_ns = item->received_ns;
		break;
	case TAG_SENT:
		moment_ns = item->sent_ns;
		break;
	case TAG_CREATED:
		moment_ns = item->created_ns;
		break;
	case TAG_MODIFIED:
		moment_ns = item->modified_ns;
		break;
	case TAG_IMPORTANCE:
		buf_printf(&value, "%d",
			item->importance == IMPORTANCE_HIGH     ? 2
			: item->importance == IMPORTANCE_NORMAL ? 1
								: 0);
		break;
	case TAG_ARTICLE:
		buf_printf(&value, "%" PRIu32, item->article);
		break;
	case TAG_FLAG_STATUS: /* not there when it was never flagged */
		if (item->follow_up == FOLLOW_UP_NONE)
			return;
		buf_printf(&value, "%d", (int)item->follow_up);
		break;
	default:
		extended_add_kept(out, e, item);
		return;
	}
	clock_format(moment_ns, time);
	buf_add_string(&value, time);
	if (value.size > 0)
		extended_add_xml(out, e, buf_string(&value));
}

/* The fields that are text or yes and no; the rest is in add_field. */
static void
add_text_field(struct buf *out, const struct sim_item *item, enum item_field field)
{
	if (field == FIELD_CLASS)
		xml_add_element(out, "ItemClass", item->item_class);
	if (field == FIELD_SUBJECT && item->subject != NULL)
		xml_add_element(out, "Subject", item->subject);
	if (field == FIELD_SENSITIVITY)
		xml_add_element(out, "Sensitivity", "Normal");
	if (field == FIELD_CATEGORIES && item->categories != NULL && *item->categories != '\0') {
		buf_add_string(out, "<t:Categories>");
		lines_add_xml(out, "String", item->categories);
		buf_add_string(out, "</t:Categories>");
	}
	if (field == FIELD_IMPORTANCE)
		xml_add_element(out, "Importance", importances[item->importance]);
	if (field == FIELD_DRAFT)
		add_bool(out, "IsDraft", item->is_draft);
	if (field == FIELD_ATTACHMENTS)
		add_bool(out, "HasAttachments", item->has_attachments);
	if (field == FIELD_ASSOCIATED)
		add_bool(out, "IsAssociated", false);
	if (field == FIELD_FLAG)
		buf_printf(out, "<t:Flag><t:FlagStatus>%s</t:FlagStatus></t:Flag>",
			follow_ups[item->follow_up]);
	if (field == FIELD_MESSAGE_ID && item->message_id != NULL)
		xml_add_element(out, "InternetMessageId", item->message_id);
	if (field == FIELD_READ)
		add_bool(out, "IsRead", item->is_read);
}

static void
add_field(struct buf *out, const struct sim_item *item, enum item_field field)
{
	if (field == FIELD_RECEIVED)
		add_time(out, "DateTimeReceived", item->received_ns);
	else if (field == FIELD_SENT)
		add_time(out, "DateTimeSent", item->sent_ns);
	else if (field == FIELD_CREATED)
		add_time(out, "DateTimeCreated", item->created_ns);
	else if (field == FIELD_MODIFIED)
		add_time(out, "LastModifiedTime", item->modified_ns);
	else if (field == FIELD_SIZE)
		buf_printf(out, "<t:Size>%" PRIu64 "</t:Size>", size_for_exchange(item));
	else
		add_text_field(out, item, field);
}

void
item_add_properties(struct buf *out, const struct view *v, size_t folder,
	const struct sim_item *item, const struct shape *shape)
{
	for (int i = 0; i < FIELD_COUNT; i++) {
		if (i == FIELD_EXTENDED) {
			for (size_t k = 0; k < shape->extended_count; k++)
				add_extended(out, item, &shape->extended[k]);
		} else if ((shape->fields >> i & 1) == 0 ||
			   (i >= FIELD_MESSAGE_ID && !is_message(item))) {
			continue;
		} else if (i == FIELD_PARENT) {
			add_parent(out, v, folder);
		} else {
			add_field(out, item, (enum item_field)i);
		}
	}
}
