/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "shape.h"
#include "soap_out.h"

#define CUSTOM_TAGS 0x8000U /* tags from here on belong to named properties */

static bool
refuse_field(struct shape_refusal *why, const char *code, const char *uri)
{
	why->code = code;
	buf_reset(&why->xml);
	buf_add_string(&why->xml, "<t:FieldURI FieldURI=\"");
	xml_add(&why->xml, uri);
	buf_add_string(&why->xml, "\"/>");
	return false;
}

static bool
add_field(const char *uri, const struct shape_field *table, size_t count, const char *kind,
	struct shape *out, struct shape_refusal *why)
{
	if (strncmp(uri, kind, strlen(kind)) != 0 &&
		(strcmp(kind, "folder:") == 0 || strncmp(uri, "folder:", 7) == 0))
		return refuse_field(why, "ErrorInvalidPropertyRequest", uri);
	for (size_t i = 0; i < count; i++) {
		if (strcmp(table[i].uri, uri) == 0)
			out->fields |= UINT64_C(1) << i;
	}
	return true; /* one that exists, but which nothing here has: it will be missing */
}

static bool
add_extended(const xmlNode *path, struct shape *out, struct shape_refusal *why)
{
	struct extended_field *f = &out->extended[out->extended_count];

	if (out->extended_count == SHAPE_EXTENDED_MAX ||
		!property_read(path, &f->tag, f->key, f->uri))
		return true;
	if (f->tag >= CUSTOM_TAGS) {
		why->code = "ErrorNoPropertyTagForCustomProperties";
		buf_add_string(&why->xml, f->uri);
		return false;
	}
	out->extended_count++;
	return true;
}

static void
add_base(const xmlNode *node, const struct shape_field *table, size_t count, struct shape *out)
{
	EXA_AUTO(exa_freep) char *base = xmlin_text(xmlin_child(node, NS_TYPES, "BaseShape"));

	for (size_t i = 0; i < count; i++) {
		if (strcmp(base, "AllProperties") == 0 ||
			(strcmp(base, "Default") == 0 && table[i].is_default))
			out->fields |= UINT64_C(1) << i;
	}
}

bool
shape_read(const xmlNode *node, const struct shape_field *table, size_t count, const char *kind,
	struct shape *out, struct shape_refusal *why)
{
	*out = (struct shape){ 0 };
	add_base(node, table, count, out);
	for (xmlNodePtr path = xmlin_first(xmlin_child(node, NS_TYPES, "AdditionalProperties"));
		path != NULL; path = xmlin_next(path)) {
		EXA_AUTO(exa_freep) char *uri = NULL;

		if (xmlin_is(path, NS_TYPES, "ExtendedFieldURI")) {
			if (!add_extended(path, out, why))
				return false;
			continue;
		}
		uri = xmlin_attribute(path, "FieldURI");
		if (xmlin_is(path, NS_TYPES, "FieldURI") &&
			!add_field(uri, table, count, kind, out, why))
			return false;
	}
	return true;
}

void
extended_add_xml(struct buf *out, const struct extended_field *f, const char *value)
{
	buf_printf(out, "<t:ExtendedProperty>%s<t:Value>", f->uri);
	xml_add(out, value);
	buf_add_string(out, "</t:Value></t:ExtendedProperty>");
}

void
extended_add_kept(struct buf *out, const struct extended_field *f, const struct sim_item *item)
{
	for (size_t i = 0; i < item->property_count; i++) {
		const struct sim_property *p = &item->properties[i];

		if (strcmp(p->key, f->key) != 0)
			continue;
		if (!p->is_many) {
			extended_add_xml(out, f, p->values);
			return;
		}
		buf_printf(out, "<t:ExtendedProperty>%s<t:Values>", f->uri);
		lines_add_xml(out, "Value", p->values);
		buf_add_string(out, "</t:Values></t:ExtendedProperty>");
		return;
	}
}
