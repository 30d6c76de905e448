/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "exarch/clock.h"

#include "mailhead.h"
#include "new_item.h"
#include "property.h"
#include "soap_out.h"

#define PROPERTIES_MAX 64
#define FLAG_READ 0x1
#define FLAG_UNSENT 0x8

enum {
	TAG_FLAGS = 0x0e07,
	TAG_RECEIVED = 0x0e06,
	TAG_SENT = 0x0039,
	TAG_SEARCH_KEY = 0x300b,
	TAG_FLAG_STATUS = 0x1090
};

static const char *
keep(struct arena *a, const char *text)
{
	return arena_strndup(a, text, strlen(text));
}

static const char *
text_of(const xmlNode *node, const char *name, struct arena *a)
{
	xmlNodePtr child = xmlin_child(node, NS_TYPES, name);
	EXA_AUTO(exa_freep) char *text = NULL;

	if (child == NULL)
		return NULL;
	text = xmlin_text(child);
	return keep(a, text);
}

static bool
is_true(const char *text)
{
	return strcmp(text, "true") == 0 || strcmp(text, "1") == 0;
}

static enum importance
importance_of(const char *text)
{
	return strcmp(text, "High") == 0  ? IMPORTANCE_HIGH
	       : strcmp(text, "Low") == 0 ? IMPORTANCE_LOW
					  : IMPORTANCE_NORMAL;
}

/* As the element has it, or as the property. */
static enum follow_up
follow_up_of(const char *text)
{
	return strcmp(text, "Flagged") == 0 || strcmp(text, "2") == 0    ? FOLLOW_UP_FLAGGED
	       : strcmp(text, "Complete") == 0 || strcmp(text, "1") == 0 ? FOLLOW_UP_COMPLETE
									 : FOLLOW_UP_NONE;
}

/* The texts of the child elements, each ended by a line feed. */
static const char *
lines_of(const xmlNode *node, struct arena *a)
{
	EXA_AUTO(buf_done) struct buf lines = { 0 };

	for (xmlNodePtr child = xmlin_first(node); child != NULL; child = xmlin_next(child)) {
		EXA_AUTO(exa_freep) char *text = xmlin_text(child);

		buf_printf(&lines, "%s\n", text);
	}
	return keep(a, buf_string(&lines));
}

static void
read_time(const char *text, int64_t *out)
{
	struct exa_error err;
	int64_t moment_ns;

	if (clock_parse(text, &moment_ns, &err))
		*out = moment_ns;
}

static void
keep_property(struct arena *a, struct sim_item *item, const char *key, const xmlNode *node)
{
	xmlNodePtr many = xmlin_child(node, NS_TYPES, "Values");
	struct sim_property *grown;
	EXA_AUTO(exa_freep) char *one = xmlin_text(xmlin_child(node, NS_TYPES, "Value"));

	if (item->property_count == PROPERTIES_MAX)
		return;
	grown = arena_alloc(a, (item->property_count + 1) * sizeof *grown);
	for (size_t i = 0; i < item->property_count; i++)
		grown[i] = item->properties[i];
	grown[item->property_count++] = (struct sim_property){ keep(a, key),
		many != NULL ? lines_of(many, a) : keep(a, one), many != NULL };
	item->properties = grown;
}

/* An ExtendedProperty: one that means something here, or one that is just kept. */
static void
read_property(const xmlNode *node, struct arena *a, struct sim_item *item)
{
	EXA_AUTO(exa_freep) char *value = xmlin_text(xmlin_child(node, NS_TYPES, "Value"));
	EXA_AUTO(buf_done) struct buf raw = { 0 };
	char key[PROPERTY_KEY_MAX], uri[PROPERTY_URI_MAX];
	unsigned tag;

	if (!property_read(xmlin_child(node, NS_TYPES, "ExtendedFieldURI"), &tag, key, uri))
		return;
	if (tag == TAG_FLAGS) {
		long flags = strtol(value, NULL, 10);

		item->is_read = (flags & FLAG_READ) != 0;
		item->is_draft = (flags & FLAG_UNSENT) != 0;
	} else if (tag == TAG_FLAG_STATUS) {
		item->follow_up = follow_up_of(value);
	} else if (tag == TAG_RECEIVED) {
		read_time(value, &item->received_ns);
	} else if (tag == TAG_SENT) {
		read_time(value, &item->sent_ns);
	} else if (tag == TAG_SEARCH_KEY) {
		if (buf_decode_base64(&raw, value) && raw.size == sizeof item->search_key)
			memcpy(item->search_key, raw.data, raw.size);
	} else {
		keep_property(a, item, key, node);
	}
}

static void
add_recipients(struct buf *mime, const xmlNode *node, const char *element, const char *header)
{
	const char *between = "";

	for (xmlNodePtr box = xmlin_first(xmlin_child(node, NS_TYPES, element)); box != NULL;
		box = xmlin_next(box)) {
		EXA_AUTO(exa_freep)
		char *address = xmlin_text(xmlin_child(box, NS_TYPES, "EmailAddress"));

		if (*between == '\0')
			buf_printf(mime, "%s: ", header);
		buf_printf(mime, "%s<%s>", between, address);
		between = ", ";
	}
	if (*between != '\0')
		buf_add_string(mime, "\r\n");
}

/* What Exchange makes of properties, in its simplest form. */
static void
make_mime(const xmlNode *node, const struct sim_item *item, struct buf *mime)
{
	xmlNodePtr body = xmlin_child(node, NS_TYPES, "Body");
	EXA_AUTO(exa_freep)
	char *type = body == NULL ? NULL : xmlin_attribute(body, "BodyType");
	EXA_AUTO(exa_freep) char *text = xmlin_text(body);

	add_recipients(mime, node, "ToRecipients", "To");
	add_recipients(mime, node, "CcRecipients", "Cc");
	buf_printf(mime, "Subject: %s\r\n", item->subject != NULL ? item->subject : "");
	if (item->message_id != NULL)
		buf_printf(mime, "Message-ID: %s\r\n", item->message_id);
	buf_printf(mime,
		"MIME-Version: 1.0\r\nContent-Type: text/%s; charset=\"utf-8\"\r\n"
		"Content-Transfer-Encoding: 8bit\r\n\r\n%s\r\n",
		type != NULL && strcmp(type, "HTML") == 0 ? "html" : "plain", text);
}

static void
read_head(struct bytes mime, struct arena *a, struct sim_item *item)
{
	struct mailhead head;

	mailhead_read(bytes_take(mime, 64 * 1024), a, &head);
	item->subject = head.subject;
	item->message_id = head.message_id;
	item->item_class = head.item_class;
	item->importance = head.importance;
	item->has_attachments = head.has_attachments;
	if (head.date_ns != EXA_NO_TIME)
		item->sent_ns = head.date_ns;
}

/* What the element itself says, over what its message said. */
static void
read_fields(const xmlNode *node, struct arena *a, struct sim_item *item)
{
	const char *text;

	if ((text = text_of(node, "ItemClass", a)) != NULL)
		item->item_class = text;
	if ((text = text_of(node, "Subject", a)) != NULL)
		item->subject = text;
	if ((text = text_of(node, "InternetMessageId", a)) != NULL)
		item->message_id = text;
	if ((text = text_of(node, "Importance", a)) != NULL)
		item->importance = importance_of(text);
	if ((text = text_of(node, "IsRead", a)) != NULL)
		item->is_read = is_true(text);
	if (xmlin_child(node, NS_TYPES, "Categories") != NULL)
		item->categories = lines_of(xmlin_child(node, NS_TYPES, "Categories"), a);
	if ((text = text_of(xmlin_child(node, NS_TYPES, "Flag"), "FlagStatus", a)) != NULL)
		item->follow_up = follow_up_of(text);
	for (xmlNodePtr child = xmlin_first(node); child != NULL; child = xmlin_next(child)) {
		if (xmlin_is(child, NS_TYPES, "ExtendedProperty"))
			read_property(child, a, item);
	}
}

static const char *
class_of_element(const xmlNode *node)
{
	static const char *const classes[][2] = { { "CalendarItem", "IPM.Appointment" },
		{ "Contact", "IPM.Contact" }, { "DistributionList", "IPM.DistList" },
		{ "Task", "IPM.Task" }, { "PostItem", "IPM.Post" } };

	for (size_t i = 0; i < sizeof classes / sizeof classes[0]; i++) {
		if (xmlin_is(node, NS_TYPES, classes[i][0]))
			return classes[i][1];
	}
	return NULL;
}

const char *
new_item_read(const xmlNode *node, struct arena *a, struct sim_item *item_out, struct buf *mime_out)
{
	xmlNodePtr content = xmlin_child(node, NS_TYPES, "MimeContent");
	EXA_AUTO(exa_freep) char *base64 = xmlin_text(content);
	int64_t now_ns = clock_wall_ns();
	struct sim_item item = { .item_class = "IPM.Note",
		.is_draft = true, /* until the message flags say otherwise */
		.is_read = true,
		.received_ns = now_ns,
		.sent_ns = now_ns,
		.created_ns = now_ns,
		.modified_ns = now_ns };

	if (xmlin_child(node, NS_TYPES, "DateTimeReceived") != NULL ||
		xmlin_child(node, NS_TYPES, "DateTimeCreated") != NULL ||
		xmlin_child(node, NS_TYPES, "Size") != NULL)
		return "ErrorInvalidPropertySet";
	/* Exchange makes MIME of them, but takes none. */
	if (content != NULL && (xmlin_is(node, NS_TYPES, "Contact") ||
				       xmlin_is(node, NS_TYPES, "DistributionList") ||
				       xmlin_is(node, NS_TYPES, "Task")))
		return "ErrorUnsupportedMimeConversion";
	if (content != NULL && !buf_decode_base64(mime_out, base64))
		return "ErrorMimeContentInvalidBase64String";
	if (content != NULL)
		read_head(buf_bytes(mime_out), a, &item);
	if (class_of_element(node) != NULL)
		item.item_class = class_of_element(node);
	read_fields(node, a, &item);
	if (content == NULL)
		make_mime(node, &item, mime_out);
	item.size_bytes = mime_out->size;
	*item_out = item;
	return NULL;
}

bool
new_item_set(const xmlNode *path, const xmlNode *node, struct arena *a, struct sim_item *item)
{
	static const char *const settable[] = { "item:Subject", "item:Categories",
		"item:Importance", "item:Flag", "message:IsRead", "item:Body" };
	EXA_AUTO(exa_freep) char *uri = xmlin_attribute(path, "FieldURI");
	char key[PROPERTY_KEY_MAX], text[PROPERTY_URI_MAX];
	unsigned tag;

	if (xmlin_is(path, NS_TYPES, "ExtendedFieldURI")) {
		if (!property_read(path, &tag, key, text) || tag == TAG_FLAGS)
			return false;
		for (size_t i = 0; i < item->property_count; i++) {
			struct sim_property *rest;

			if (strcmp(item->properties[i].key, key) != 0)
				continue;
			rest = arena_alloc(a, item->property_count * sizeof *rest);
			memcpy(rest, item->properties, i * sizeof *rest);
			memcpy(rest + i, item->properties + i + 1,
				(--item->property_count - i) * sizeof *rest);
			item->properties = rest;
		}
		if (node != NULL)
			read_fields(node, a, item);
		else if (tag == TAG_FLAG_STATUS)
			item->follow_up = FOLLOW_UP_NONE;
		return true;
	}
	for (size_t i = 0; uri != NULL && i < sizeof settable / sizeof settable[0]; i++) {
		if (strcmp(settable[i], uri) != 0)
			continue;
		if (node != NULL)
			read_fields(node, a, item);
		else if (strcmp(uri, "item:Categories") == 0)
			item->categories = NULL;
		else if (strcmp(uri, "item:Flag") == 0)
			item->follow_up = FOLLOW_UP_NONE;
		return true;
	}
	return false;
}

/* ---- the native form ---- */

/* "AQAAAAgAAAA" in base64, as Exchange's begin; then ours. */
static const uint8_t native_magic[16] = { 1, 0, 0, 0, 8, 0, 0, 0, 0, 0, 0, 0, 'x', 's', 'i', '1' };

static void
add_text(struct buf *out, const char *text)
{
	buf_add_byte(out, text != NULL);
	buf_add_sized(out, bytes_of_string(text));
}

void
native_add_head(struct buf *out, const struct sim_item *item)
{
	buf_add(out, native_magic, sizeof native_magic);
	buf_add_le64(out, (uint64_t)item->received_ns);
	buf_add_le64(out, (uint64_t)item->sent_ns);
	buf_add_le64(out, (uint64_t)item->created_ns);
	buf_add_le64(out, (uint64_t)item->modified_ns);
	buf_add_byte(out, (uint8_t)(item->is_read | item->is_draft << 1 |
				    item->has_attachments << 2 | (int)item->follow_up << 3));
	buf_add_byte(out, (uint8_t)item->importance);
	buf_add(out, item->search_key, sizeof item->search_key);
	add_text(out, item->item_class);
	add_text(out, item->subject);
	add_text(out, item->message_id);
	add_text(out, item->categories);
	buf_add_varint(out, item->property_count);
	for (size_t i = 0; i < item->property_count; i++) {
		add_text(out, item->properties[i].key);
		add_text(out, item->properties[i].values);
		buf_add_byte(out, item->properties[i].is_many);
	}
}

static const char *
read_text(struct reader *r, struct arena *a)
{
	bool is_there = read_u8(r) != 0;
	struct bytes text = read_sized(r);

	return is_there && !r->failed ? arena_strndup(a, (const char *)text.data, text.size) : NULL;
}

static void
read_properties(struct reader *r, struct arena *a, struct sim_item *item)
{
	uint64_t count = read_varint(r);
	struct sim_property *rows;

	if (count > PROPERTIES_MAX) {
		r->failed = true;
		return;
	}
	rows = arena_alloc(a, ((size_t)count + 1) * sizeof *rows);
	for (size_t i = 0; i < count && !r->failed; i++) {
		rows[i].key = read_text(r, a);
		rows[i].values = read_text(r, a);
		rows[i].is_many = read_u8(r) != 0;
		r->failed |= rows[i].key == NULL || rows[i].values == NULL;
	}
	item->properties = rows;
	item->property_count = (size_t)count;
}

bool
native_read(struct bytes data, struct arena *a, struct sim_item *item_out, struct bytes *mime_out)
{
	struct reader r = reader_of(data);
	struct bytes head = read_bytes(&r, sizeof native_magic), key;
	struct sim_item item = { 0 };
	uint8_t flags;

	if (r.failed || memcmp(head.data, native_magic, sizeof native_magic) != 0)
		return false;
	item.received_ns = (int64_t)read_le64(&r);
	item.sent_ns = (int64_t)read_le64(&r);
	item.created_ns = (int64_t)read_le64(&r);
	item.modified_ns = (int64_t)read_le64(&r);
	flags = read_u8(&r);
	item.is_read = (flags & 1) != 0;
	item.is_draft = (flags & 2) != 0;
	item.has_attachments = (flags & 4) != 0;
	item.follow_up = (enum follow_up)((flags >> 3) % (FOLLOW_UP_FLAGGED + 1));
	item.importance = (enum importance)(read_u8(&r) % (IMPORTANCE_HIGH + 1));
	key = read_bytes(&r, sizeof item.search_key);
	if (key.size == sizeof item.search_key)
		memcpy(item.search_key, key.data, key.size);
	item.item_class = read_text(&r, a);
	item.subject = read_text(&r, a);
	item.message_id = read_text(&r, a);
	item.categories = read_text(&r, a);
	read_properties(&r, a, &item);
	if (r.failed || item.item_class == NULL)
		return false;
	item.size_bytes = r.rest.size;
	*item_out = item;
	*mime_out = r.rest;
	return true;
}
