/* SPDX-License-Identifier: Apache-2.0 */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "exarch/mem.h"

#include "property.h"
#include "soap_out.h"

static void
add_attribute(struct buf *out, const char *name, const char *value)
{
	if (value == NULL)
		return;
	buf_printf(out, " %s=\"", name);
	xml_add(out, value);
	buf_add_byte(out, '"');
}

bool
property_read(const xmlNode *uri, unsigned *tag_out, char key_out[PROPERTY_KEY_MAX],
	char uri_out[PROPERTY_URI_MAX])
{
	EXA_AUTO(exa_freep) char *tag = xmlin_attribute(uri, "PropertyTag");
	EXA_AUTO(exa_freep) char *type = xmlin_attribute(uri, "PropertyType");
	EXA_AUTO(exa_freep) char *set = xmlin_attribute(uri, "PropertySetId");
	EXA_AUTO(exa_freep) char *known = xmlin_attribute(uri, "DistinguishedPropertySetId");
	EXA_AUTO(exa_freep) char *name = xmlin_attribute(uri, "PropertyName");
	EXA_AUTO(exa_freep) char *id = xmlin_attribute(uri, "PropertyId");
	EXA_AUTO(buf_done) struct buf text = { 0 };
	EXA_AUTO(buf_done) struct buf key = { 0 };

	*tag_out = tag == NULL ? 0 : (unsigned)strtoul(tag, NULL, 0);
	buf_add_string(&text, "<t:ExtendedFieldURI");
	if (tag != NULL) {
		buf_printf(&text, " PropertyTag=\"0x%x\"", *tag_out);
		buf_printf(&key, "0x%x", *tag_out);
	} else {
		for (char *p = set; p != NULL && *p != '\0'; p++)
			*p = (char)tolower((unsigned char)*p);
		add_attribute(&text, "DistinguishedPropertySetId", known);
		add_attribute(&text, "PropertySetId", set);
		add_attribute(&text, "PropertyName", name);
		add_attribute(&text, "PropertyId", id);
		buf_printf(&key, "%s/%s/%s",
			known != NULL ? known
			: set != NULL ? set
				      : "",
			name != NULL ? "name" : "id",
			name != NULL ? name
			: id != NULL ? id
				     : "");
	}
	add_attribute(&text, "PropertyType", type);
	buf_add_string(&text, "/>");
	if (text.size >= PROPERTY_URI_MAX || key.size >= PROPERTY_KEY_MAX)
		return false;
	(void)snprintf(key_out, PROPERTY_KEY_MAX, "%s", buf_string(&key));
	(void)snprintf(uri_out, PROPERTY_URI_MAX, "%s", buf_string(&text));
	return true;
}

void
lines_add_xml(struct buf *out, const char *name, const char *lines)
{
	for (const char *end; (end = strchr(lines, '\n')) != NULL; lines = end + 1) {
		EXA_AUTO(exa_freep) char *line = exa_strndup(lines, (size_t)(end - lines));

		xml_add_element(out, name, line);
	}
}
