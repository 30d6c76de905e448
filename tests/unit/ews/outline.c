/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <libxml/parser.h>

#include "outline.h"

static const char *
prefix_of(const xmlNode *node)
{
	const char *uri = node->ns == NULL ? "" : (const char *)node->ns->href;

	if (strcmp(uri, "http://schemas.xmlsoap.org/soap/envelope/") == 0)
		return "s:";
	if (strcmp(uri, "http://schemas.microsoft.com/exchange/services/2006/messages") == 0)
		return "m:";
	if (strcmp(uri, "http://schemas.microsoft.com/exchange/services/2006/types") == 0)
		return "t:";
	return "?:";
}

/* Writes an element as prefix:Name[attribute=value], then ='text' or (children). */
static void
outline(struct buf *out, const xmlNode *node)
{
	bool first = true;

	buf_add_string(out, prefix_of(node));
	buf_add_string(out, (const char *)node->name);
	for (const xmlAttr *a = node->properties; a != NULL; a = a->next)
		buf_printf(
			out, "[%s=%s]", (const char *)a->name, (const char *)a->children->content);
	for (const xmlNode *n = node->children; n != NULL; n = n->next) {
		if (n->type == XML_TEXT_NODE) {
			buf_printf(out, "='%s'", (const char *)n->content);
			continue;
		}
		buf_add_string(out, first ? "(" : " ");
		outline(out, n);
		first = false;
	}
	if (!first)
		buf_add_byte(out, ')');
}

void
assert_outline(struct buf *request, const char *expected)
{
	EXA_AUTO(buf_done) struct buf out = { 0 };
	xmlDoc *doc = xmlReadMemory(
		(const char *)request->data, (int)request->size, NULL, NULL, XML_PARSE_NONET);

	assert_non_null(doc);
	outline(&out, xmlDocGetRootElement(doc));
	xmlFreeDoc(doc);
	assert_string_equal(buf_string(&out), expected);
}
