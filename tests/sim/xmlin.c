/* SPDX-License-Identifier: Apache-2.0 */
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include <libxml/SAX2.h>
#include <libxml/parser.h>

#include "exarch/mem.h"

#include "soap_out.h"
#include "xmlin.h"

/* The tree keeps lines but not columns: they go into the field libxml2 leaves to its users. */
static void
start_element(void *ctx, const xmlChar *name, const xmlChar *prefix, const xmlChar *uri,
	int ns_count, const xmlChar **ns, int attribute_count, int defaulted,
	const xmlChar **attributes)
{
	xmlParserCtxtPtr parser = ctx;

	xmlSAX2StartElementNs(
		ctx, name, prefix, uri, ns_count, ns, attribute_count, defaulted, attributes);
	if (parser->node != NULL)
		parser->node->_private = (void *)(intptr_t)xmlSAX2GetColumnNumber(ctx);
}

static void
no_message(void *ctx, xmlErrorPtr error)
{
	(void)ctx;
	(void)error;
}

static void
note_error(xmlParserCtxtPtr parser, struct xml_violation *why)
{
	const xmlError *e = xmlCtxtGetLastError(parser);

	if (e == NULL) {
		(void)snprintf(why->text, sizeof why->text, "Root element is missing.");
		return;
	}
	why->place = (struct xml_place){ e->line, e->int2 };
	(void)snprintf(why->text, sizeof why->text, "%.*s Line %d, position %d.",
		(int)strcspn(e->message, "\n"), e->message, e->line, e->int2);
}

xmlDocPtr
xmlin_parse(struct bytes text, struct xml_violation *why)
{
	xmlParserCtxtPtr parser = xmlNewParserCtxt();
	xmlDocPtr doc = NULL;

	*why = (struct xml_violation){ 0 };
	parser->sax->startElementNs = start_element;
	parser->sax->serror = no_message;
	if (text.size > 0 && text.size <= INT_MAX)
		doc = xmlCtxtReadMemory(parser, (const char *)text.data, (int)text.size, NULL, NULL,
			XML_PARSE_NONET | XML_PARSE_HUGE | XML_PARSE_NOWARNING);
	if (doc == NULL || parser->wellFormed == 0) {
		note_error(parser, why);
		xmlFreeDoc(doc);
		doc = NULL;
	} else if (xmlGetIntSubset(doc) != NULL) {
		(void)snprintf(why->text, sizeof why->text,
			"For security reasons DTD is prohibited in this XML document.");
		xmlFreeDoc(doc);
		doc = NULL;
	}
	xmlFreeParserCtxt(parser);
	return doc;
}

void
xmlin_docp(xmlDocPtr *doc)
{
	xmlFreeDoc(*doc);
	*doc = NULL;
}

struct xml_place
xmlin_place(const xmlNode *node)
{
	return (struct xml_place){ (int)xmlGetLineNo(node), (int)(intptr_t)node->_private };
}

bool
xmlin_is(const xmlNode *node, const char *ns, const char *name)
{
	return node != NULL && node->ns != NULL && node->ns->href != NULL &&
	       strcmp((const char *)node->ns->href, ns) == 0 &&
	       strcmp((const char *)node->name, name) == 0;
}

static xmlNodePtr
element_from(xmlNodePtr node)
{
	while (node != NULL && node->type != XML_ELEMENT_NODE)
		node = node->next;
	return node;
}

xmlNodePtr
xmlin_first(const xmlNode *node)
{
	return node == NULL ? NULL : element_from(node->children);
}

xmlNodePtr
xmlin_next(const xmlNode *node)
{
	return element_from(node->next);
}

xmlNodePtr
xmlin_child(const xmlNode *node, const char *ns, const char *name)
{
	xmlNodePtr child = xmlin_first(node);

	while (child != NULL && !xmlin_is(child, ns, name))
		child = xmlin_next(child);
	return child;
}

static char *
take_trimmed(xmlChar *text)
{
	const char *p = (const char *)text;
	size_t size;
	char *out;

	p += strspn(p, " \t\r\n");
	size = strlen(p);
	while (size > 0 && strchr(" \t\r\n", p[size - 1]) != NULL)
		size--;
	out = exa_strndup(p, size);
	xmlFree(text);
	return out;
}

char *
xmlin_text(const xmlNode *node)
{
	xmlChar *text = node == NULL ? NULL : xmlNodeGetContent(node);

	return text == NULL ? exa_strdup("") : take_trimmed(text);
}

char *
xmlin_attribute(const xmlNode *node, const char *name)
{
	xmlChar *text = xmlGetNoNsProp(node, (const xmlChar *)name);
	char *out = NULL;

	if (text != NULL) {
		out = exa_strdup((const char *)text);
		xmlFree(text);
	}
	return out;
}
