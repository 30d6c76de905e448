/* SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "exarch/attr.h"
#include "exarch/mem.h"

#include "schema.h"
#include "schema_items.h"
#include "soap_out.h"

static bool violate(const xmlNode *node, struct xml_violation *out, const char *fmt, ...)
	EXA_PRINTF(3, 4);

static bool
violate(const xmlNode *node, struct xml_violation *out, const char *fmt, ...)
{
	va_list args;

	out->place = xmlin_place(node);
	va_start(args, fmt);
	(void)vsnprintf(out->text, sizeof out->text, fmt, args);
	va_end(args);
	return false;
}

static const char *
ns_of(const xmlNode *node)
{
	return node->ns != NULL && node->ns->href != NULL ? (const char *)node->ns->href : "";
}

static bool
value_fits(const struct schema_value *value, const char *text)
{
	if (value == NULL)
		return true;
	if (value->fits != NULL)
		return value->fits(text);
	for (const char *const *p = value->allowed; *p != NULL; p++) {
		if (strcmp(*p, text) == 0)
			return true;
	}
	return false;
}

static const struct schema_attribute *
find_attribute(const struct schema_type *type, const char *name)
{
	for (const struct schema_attribute *a = type->attributes; a != NULL && a->name != NULL;
		a++) {
		if (strcmp(a->name, name) == 0)
			return a;
	}
	return NULL;
}

static bool
check_attributes(const xmlNode *node, const struct schema_type *type, struct xml_violation *out)
{
	for (const xmlAttr *a = node->properties; a != NULL; a = a->next) {
		const struct schema_attribute *known =
			a->ns != NULL ? NULL : find_attribute(type, (const char *)a->name);
		EXA_AUTO(exa_freep) char *text = NULL;

		if (a->ns != NULL)
			continue; /* xsi:type and such */
		if (known == NULL)
			return violate(node, out, "The '%s' attribute is not declared.", a->name);
		text = xmlin_attribute(node, known->name);
		if (!value_fits(known->value, text))
			return violate(node, out,
				"The '%s' attribute is invalid - The value '%.100s' is invalid "
				"according to its datatype '%s'.",
				known->name, text, known->value->datatype);
	}
	for (const struct schema_attribute *a = type->attributes; a != NULL && a->name != NULL;
		a++) {
		EXA_AUTO(exa_freep) char *text = xmlin_attribute(node, a->name);

		if (a->required && text == NULL)
			return violate(
				node, out, "The required attribute '%s' is missing.", a->name);
	}
	return true;
}

static bool
check_value(const xmlNode *node, const struct schema_type *type, struct xml_violation *out)
{
	EXA_AUTO(exa_freep) char *text = xmlin_text(node);

	if (!value_fits(type->value, text))
		return violate(node, out,
			"The '%s:%s' element is invalid - The value '%.100s' is invalid according "
			"to "
			"its datatype '%s'.",
			ns_of(node), node->name, text, type->value->datatype);
	return true;
}

static const struct schema_element *
find_choice(const struct schema_slot *slot, const xmlNode *node)
{
	for (const struct schema_element *e = slot->choices; e->name != NULL; e++) {
		if (xmlin_is(node, e->ns, e->name))
			return e;
	}
	return NULL;
}

static bool
unexpected(const xmlNode *parent, const xmlNode *child, const struct schema_slot *slot,
	struct xml_violation *out)
{
	const struct schema_element *e = slot->choices;

	if (child == NULL)
		return violate(parent, out,
			"The element '%s' in namespace '%s' has incomplete content. List of "
			"possible "
			"elements expected: '%s' in namespace '%s'.",
			parent->name, ns_of(parent), e->name, e->ns);
	if (e == NULL)
		return violate(child, out,
			"The element '%s' in namespace '%s' has invalid child element '%s' in "
			"namespace '%s'.",
			parent->name, ns_of(parent), child->name, ns_of(child));
	return violate(child, out,
		"The element '%s' in namespace '%s' has invalid child element '%s' in namespace "
		"'%s'. List of possible elements expected: '%s' in namespace '%s'.",
		parent->name, ns_of(parent), child->name, ns_of(child), e->name, e->ns);
}

static bool
check_children(const xmlNode *node, const struct schema_type *type, struct xml_violation *out)
{
	const xmlNode *child = xmlin_first(node);
	const struct schema_slot *slot = type->slots;

	for (; slot->choices != NULL; slot++) {
		const struct schema_element *e;
		unsigned seen = 0;

		while (child != NULL && seen < slot->max &&
			(e = find_choice(slot, child)) != NULL) {
			if (!schema_check(child, e->type, out))
				return false;
			seen++;
			child = xmlin_next(child);
		}
		if (seen < slot->min)
			return unexpected(node, child, slot, out);
	}
	return child == NULL || unexpected(node, child, slot, out);
}

static size_t
place_in(const struct schema_order *order, const xmlNode *child)
{
	size_t place = 1;

	if (strcmp(ns_of(child), NS_TYPES) != 0)
		return 0;
	for (size_t i = 0; order->first[i] != NULL; i++, place++) {
		if (strcmp(order->first[i], (const char *)child->name) == 0)
			return place;
	}
	for (size_t i = 0; order->then != NULL && order->then[i] != NULL; i++, place++) {
		if (strcmp(order->then[i], (const char *)child->name) == 0)
			return place;
	}
	return 0;
}

/* Only ExtendedProperty may be there more than once. */
static bool
check_order(const xmlNode *node, struct xml_violation *out)
{
	const struct schema_order *order = schema_orders;
	size_t last = 0;

	while (order->element != NULL && strcmp(order->element, (const char *)node->name) != 0)
		order++;
	for (xmlNodePtr child = xmlin_first(node); order->element != NULL && child != NULL;
		child = xmlin_next(child)) {
		size_t place = place_in(order, child);
		bool again = place == last && xmlin_is(child, NS_TYPES, "ExtendedProperty");

		if (place <= last && !again)
			return violate(child, out,
				"The element '%s' in namespace '%s' has invalid child element "
				"'%s' in namespace '%s'.",
				node->name, ns_of(node), child->name, ns_of(child));
		last = place;
	}
	return true;
}

bool
schema_check(const xmlNode *node, const struct schema_type *type, struct xml_violation *out)
{
	if (type->is_open)
		return true;
	if (type->is_thing)
		return check_order(node, out);
	if (!check_attributes(node, type, out))
		return false;
	if (type->slots != NULL)
		return check_children(node, type, out);
	if (xmlin_first(node) != NULL)
		return violate(xmlin_first(node), out,
			"The element '%s' in namespace '%s' cannot contain child element '%s'.",
			node->name, ns_of(node), xmlin_first(node)->name);
	return check_value(node, type, out);
}
