/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "exarch/clock.h"

#include "property.h"
#include "restriction.h"
#include "soap_out.h"

#define NODES_MAX 255 /* what Exchange allows; it bounds the recursion too */

enum {
	TAG_RECEIVED = 0x0e06,
	TAG_SENT = 0x0039,
	TAG_MESSAGE_ID = 0x1035,
	TAG_CLASS = 0x001a,
	TAG_SUBJECT = 0x0037,
	TAG_SEARCH_KEY = 0x300b,
	TAG_ARTICLE = 0x0e23,
	TAG_HIDDEN = 0x10f4,
	TAG_FOLDER_TYPE = 0x3601,
	TAG_FOLDER_NAME = 0x3001,
	TAG_FOLDER_CLASS = 0x3613
};

static struct field_value
of_text(const char *text)
{
	return (struct field_value){ .is_there = text != NULL, .text = text };
}

static struct field_value
of_number(int64_t number)
{
	return (struct field_value){ .is_there = true, .is_number = true, .number = number };
}

static bool
item_by_uri(const struct sim_item *i, const char *uri, struct field_value *out)
{
	if (strcmp(uri, "item:DateTimeReceived") == 0)
		*out = of_number(i->received_ns);
	else if (strcmp(uri, "item:DateTimeSent") == 0)
		*out = of_number(i->sent_ns);
	else if (strcmp(uri, "item:DateTimeCreated") == 0)
		*out = of_number(i->created_ns);
	else if (strcmp(uri, "item:LastModifiedTime") == 0)
		*out = of_number(i->modified_ns);
	else if (strcmp(uri, "item:Size") == 0)
		*out = of_number((int64_t)i->size_bytes);
	else if (strcmp(uri, "item:HasAttachments") == 0)
		*out = of_number(i->has_attachments);
	else if (strcmp(uri, "item:IsDraft") == 0)
		*out = of_number(i->is_draft);
	else if (strcmp(uri, "message:IsRead") == 0)
		*out = of_number(i->is_read);
	else if (strcmp(uri, "item:Subject") == 0)
		*out = of_text(i->subject);
	else if (strcmp(uri, "item:ItemClass") == 0)
		*out = of_text(i->item_class);
	else if (strcmp(uri, "message:InternetMessageId") == 0)
		*out = of_text(i->message_id);
	else if (strcmp(uri, "item:Categories") == 0)
		*out = of_text(i->categories);
	else
		return false;
	return true;
}

/* Named properties and unknown tags: what a client has set. */
static bool
item_by_property(const struct sim_item *i, const char *key, unsigned tag, struct field_value *out)
{
	*out = (struct field_value){ 0 };
	if (tag == TAG_RECEIVED)
		*out = of_number(i->received_ns);
	else if (tag == TAG_SENT)
		*out = of_number(i->sent_ns);
	else if (tag == TAG_ARTICLE)
		*out = of_number(i->article);
	else if (tag == TAG_MESSAGE_ID)
		*out = of_text(i->message_id);
	else if (tag == TAG_CLASS)
		*out = of_text(i->item_class);
	else if (tag == TAG_SUBJECT)
		*out = of_text(i->subject);
	for (size_t k = 0; k < i->property_count; k++) {
		if (strcmp(i->properties[k].key, key) == 0)
			*out = of_text(i->properties[k].values);
	}
	return tag != TAG_SEARCH_KEY;
}

bool
field_of_item(const void *thing, const xmlNode *path, struct field_value *out)
{
	EXA_AUTO(exa_freep) char *uri = xmlin_attribute(path, "FieldURI");
	char key[PROPERTY_KEY_MAX], text[PROPERTY_URI_MAX];
	unsigned tag;

	if (xmlin_is(path, NS_TYPES, "ExtendedFieldURI"))
		return property_read(path, &tag, key, text) &&
		       item_by_property(thing, key, tag, out);
	return uri != NULL && xmlin_is(path, NS_TYPES, "FieldURI") && item_by_uri(thing, uri, out);
}

bool
field_of_folder(const void *thing, const xmlNode *path, struct field_value *out)
{
	const struct sim_folder *f = thing;
	EXA_AUTO(exa_freep) char *uri = xmlin_attribute(path, "FieldURI");
	char key[PROPERTY_KEY_MAX], text[PROPERTY_URI_MAX];
	unsigned tag = 0;

	if (xmlin_is(path, NS_TYPES, "ExtendedFieldURI") && !property_read(path, &tag, key, text))
		return false;
	if (tag == TAG_HIDDEN)
		*out = of_number(f->hidden);
	else if (tag == TAG_FOLDER_TYPE)
		*out = of_number(f->kind == FOLDER_SEARCH ? 2 : 1);
	else if (tag == TAG_FOLDER_NAME || (uri != NULL && strcmp(uri, "folder:DisplayName") == 0))
		*out = of_text(f->name);
	else if (tag == TAG_FOLDER_CLASS || (uri != NULL && strcmp(uri, "folder:FolderClass") == 0))
		*out = of_text(f->folder_class);
	else if (uri != NULL && strcmp(uri, "folder:TotalCount") == 0)
		*out = of_number((int64_t)f->item_count);
	else if (uri != NULL && strcmp(uri, "folder:ChildFolderCount") == 0)
		*out = of_number((int64_t)f->child_count);
	else
		return false;
	return true;
}

/* ---- expressions ---- */

/* A constant as a number of the field's kind. */
static bool
number_of(const char *text, int64_t *out)
{
	struct exa_error err;
	char *end;

	if (strcmp(text, "true") == 0 || strcmp(text, "false") == 0) {
		*out = *text == 't';
		return true;
	}
	*out = strtoll(text, &end, 10);
	return (end != text && *end == '\0') || clock_parse(text, out, &err);
}

/* Less than zero, zero, more; false: can't be compared. */
static bool
compare(const struct field_value *value, const char *constant, int *out)
{
	int64_t number;

	if (!value->is_number) {
		*out = strcasecmp(value->text, constant);
		return true;
	}
	if (!number_of(constant, &number))
		return false;
	*out = value->number < number ? -1 : value->number > number;
	return true;
}

static char *
constant_in(const xmlNode *holder)
{
	const xmlNode *node = xmlin_child(holder, NS_TYPES, "Constant");

	return node == NULL ? NULL : xmlin_attribute(node, "Value");
}

static enum restriction_result
answer(bool yes)
{
	return yes ? RESTRICTION_YES : RESTRICTION_NO;
}

static enum restriction_result
judge_comparison(const xmlNode *e, const struct field_value *value)
{
	xmlNodePtr holder = xmlin_child(e, NS_TYPES, "FieldURIOrConstant");
	EXA_AUTO(exa_freep) char *constant = constant_in(holder);
	const char *name = (const char *)e->name;
	int order;

	if (constant == NULL)
		return RESTRICTION_UNKNOWN;
	if (!value->is_there)
		return answer(strcmp(name, "IsNotEqualTo") == 0);
	if (!compare(value, constant, &order))
		return RESTRICTION_UNKNOWN;
	if (strcmp(name, "IsEqualTo") == 0)
		return answer(order == 0);
	if (strcmp(name, "IsNotEqualTo") == 0)
		return answer(order != 0);
	if (strcmp(name, "IsGreaterThan") == 0)
		return answer(order > 0);
	if (strcmp(name, "IsGreaterThanOrEqualTo") == 0)
		return answer(order >= 0);
	if (strcmp(name, "IsLessThan") == 0)
		return answer(order < 0);
	return strcmp(name, "IsLessThanOrEqualTo") == 0 ? answer(order <= 0) : RESTRICTION_UNKNOWN;
}

static enum restriction_result
judge_contains(const xmlNode *e, const struct field_value *value)
{
	EXA_AUTO(exa_freep) char *mode = xmlin_attribute(e, "ContainmentMode");
	EXA_AUTO(exa_freep) char *constant = constant_in(e);

	if (constant == NULL || value->is_number)
		return RESTRICTION_UNKNOWN;
	if (!value->is_there)
		return RESTRICTION_NO;
	if (mode != NULL && strcmp(mode, "FullString") == 0)
		return answer(strcasecmp(value->text, constant) == 0);
	if (mode != NULL && strcmp(mode, "Prefixed") == 0)
		return answer(strncasecmp(value->text, constant, strlen(constant)) == 0);
	return answer(strcasestr(value->text, constant) != NULL);
}

static enum restriction_result judge(
	const xmlNode *e, field_reader *read, const void *thing, unsigned *nodes);

/* And, Or. */
static enum restriction_result
judge_all(const xmlNode *e, field_reader *read, const void *thing, unsigned *nodes)
{
	bool is_or = strcmp((const char *)e->name, "Or") == 0, yes = !is_or;

	for (xmlNodePtr child = xmlin_first(e); child != NULL; child = xmlin_next(child)) {
		enum restriction_result one = judge(child, read, thing, nodes);

		if (one == RESTRICTION_UNKNOWN)
			return one;
		yes = is_or ? yes || one == RESTRICTION_YES : yes && one == RESTRICTION_YES;
	}
	return answer(yes);
}

static enum restriction_result
judge(const xmlNode *e, field_reader *read, const void *thing, unsigned *nodes)
{
	struct field_value value;
	enum restriction_result inner;

	if (++*nodes > NODES_MAX)
		return RESTRICTION_UNKNOWN;
	if (xmlin_is(e, NS_TYPES, "And") || xmlin_is(e, NS_TYPES, "Or"))
		return judge_all(e, read, thing, nodes);
	if (xmlin_is(e, NS_TYPES, "Not")) {
		inner = judge(xmlin_first(e), read, thing, nodes);
		return inner == RESTRICTION_UNKNOWN ? inner : answer(inner == RESTRICTION_NO);
	}
	if (e == NULL || xmlin_first(e) == NULL || !read(thing, xmlin_first(e), &value))
		return RESTRICTION_UNKNOWN;
	if (xmlin_is(e, NS_TYPES, "Exists"))
		return answer(value.is_there);
	if (xmlin_is(e, NS_TYPES, "Contains"))
		return judge_contains(e, &value);
	return judge_comparison(e, &value);
}

enum restriction_result
restriction_fits(const xmlNode *node, field_reader *read, const void *thing)
{
	unsigned nodes = 0;

	return node == NULL ? RESTRICTION_YES : judge(xmlin_first(node), read, thing, &nodes);
}

/* ---- lists ---- */

struct sortable {
	size_t position;
	int64_t number;
	char *text;
	bool down;
};

static int
by_value(const void *a, const void *b)
{
	const struct sortable *x = a, *y = b;
	int order = x->text != NULL && y->text != NULL ? strcasecmp(x->text, y->text)
		    : x->number < y->number            ? -1
						       : x->number > y->number;

	if (order == 0)
		return x->position < y->position ? -1 : x->position > y->position;
	return x->down ? -order : order;
}

/* The first FieldOrder decides; what is equal by it stays newest first. */
static bool
add_sortable(
	struct sortable *row, size_t position, const xmlNode *order, const struct sim_item *item)
{
	struct field_value value = { 0 };
	EXA_AUTO(exa_freep) char *way = order == NULL ? NULL : xmlin_attribute(order, "Order");

	if (order != NULL && !field_of_item(item, xmlin_first(order), &value))
		return false;
	*row = (struct sortable){ position, value.number,
		order != NULL && !value.is_number ? exa_strdup(value.text != NULL ? value.text : "")
						  : NULL,
		way != NULL && strcmp(way, "Descending") == 0 };
	return true;
}

size_t *
restriction_select(struct view *v, size_t folder, const xmlNode *restriction, const xmlNode *sort,
	size_t *count_out)
{
	size_t all = v->folders[folder].item_count, count = 0;
	const xmlNode *order = xmlin_first(sort);
	struct sortable *rows = exa_alloc_array(all + 1, sizeof *rows);
	size_t *positions = exa_alloc_array(all + 1, sizeof *positions);
	struct arena *arena = arena_new();
	bool known = true;

	for (size_t i = 0; i < all && known; i++) {
		struct sim_item item;
		enum restriction_result fits;

		arena_reset(arena);
		v->ops->item(v, folder, i, arena, &item);
		fits = restriction_fits(restriction, field_of_item, &item);
		known = fits != RESTRICTION_UNKNOWN;
		if (fits == RESTRICTION_YES) {
			known = add_sortable(&rows[count], i, order, &item);
			count += known;
		}
	}
	if (order != NULL)
		exa_sort(rows, count, sizeof *rows, by_value);
	for (size_t i = 0; i < count; i++) {
		positions[i] = rows[i].position;
		exa_free(rows[i].text);
	}
	arena_free(arena);
	exa_free(rows);
	if (!known) {
		exa_free(positions);
		return NULL;
	}
	*count_out = count;
	return positions;
}
