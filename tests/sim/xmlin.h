/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Requests as trees, and the few steps operations take in them. Names are compared with their
 * namespace; prefixes mean nothing.
 */
#ifndef SIM_XMLIN_H
#define SIM_XMLIN_H

#include <libxml/tree.h>

#include "exarch/bytes.h"

struct xml_place {
	int line, column;
};

#define XML_TEXT_MAX 256

/* What is wrong with a request, and where. */
struct xml_violation {
	struct xml_place place;
	char text[1024];
};

/* NULL: not well-formed, or has a DOCTYPE. The caller frees with xmlFreeDoc. */
xmlDocPtr xmlin_parse(struct bytes text, struct xml_violation *why);
void xmlin_docp(xmlDocPtr *doc); /* for EXA_AUTO */

struct xml_place xmlin_place(const xmlNode *node);
bool xmlin_is(const xmlNode *node, const char *ns, const char *name);
xmlNodePtr xmlin_first(const xmlNode *node); /* child element, NULL: none */
xmlNodePtr xmlin_next(const xmlNode *node);  /* sibling element */
xmlNodePtr xmlin_child(
	const xmlNode *node, const char *ns, const char *name); /* NODE may be NULL */

/* Text below the node without the white space around it; "" when there is none. exa_alloc'ed. */
char *xmlin_text(const xmlNode *node);
/* An attribute without namespace; NULL: isn't there. exa_alloc'ed. */
char *xmlin_attribute(const xmlNode *node, const char *name);

#endif
