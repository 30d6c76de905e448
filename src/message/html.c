/* SPDX-License-Identifier: Apache-2.0 */
/* HTML as a person reads it, by libxml2's parser, which takes whatever it is given. */
#include <string.h>

#include <libxml/HTMLparser.h>

#include "exarch/message.h"
#include "html.h"

/* HTML nested deeper than this is cut off: the walk recurses. */
#define HTML_DEPTH_MAX 256

struct html {
	struct buf *out;
	size_t start, end; /* where it begins, and what it may grow to */
};

static bool
is_one_of(const xmlChar *name, const char *const *names)
{
	for (; *names != NULL; names++) {
		if (xmlStrcasecmp(name, (const xmlChar *)*names) == 0)
			return true;
	}
	return false;
}

static bool
is_block(const xmlChar *name)
{
	static const char *const blocks[] = { "p", "div", "br", "tr", "li", "ul", "ol", "dt", "dd",
		"h1", "h2", "h3", "h4", "h5", "h6", "table", "blockquote", "pre", "hr", "section",
		"article", "address", NULL };

	return is_one_of(name, blocks);
}

static bool
is_cell(const xmlChar *name)
{
	static const char *const cells[] = { "td", "th", "option", NULL };

	return is_one_of(name, cells);
}

static bool
is_unseen(const xmlChar *name)
{
	static const char *const unseen[] = { "script", "style", "head", "title", NULL };

	return is_one_of(name, unseen);
}

/* Space at a line's begin and behind other space is none. */
static void
add_gap(struct html *h, char gap)
{
	const struct buf *out = h->out;

	if (out->size == h->start || out->data[out->size - 1] == '\n')
		return;
	if (out->data[out->size - 1] != ' ')
		buf_add_byte(h->out, (uint8_t)gap);
	else if (gap == '\n')
		h->out->data[out->size - 1] = '\n';
}

/* White space runs become one space, as a browser shows them. */
static void
add_text(struct html *h, const char *text)
{
	for (; *text != '\0' && h->out->size < h->end; text++) {
		if (strchr(" \t\r\n", *text) != NULL)
			add_gap(h, ' ');
		else
			buf_add_byte(h->out, (uint8_t)*text);
	}
}

static void
add_nodes(struct html *h, const xmlNode *node, int depth)
{
	for (; node != NULL && depth < HTML_DEPTH_MAX && h->out->size < h->end; node = node->next) {
		char gap;

		if (node->type == XML_TEXT_NODE && node->content != NULL)
			add_text(h, (const char *)node->content);
		if (node->type != XML_ELEMENT_NODE || is_unseen(node->name))
			continue;
		gap = '\0';
		if (is_block(node->name))
			gap = '\n';
		else if (is_cell(node->name))
			gap = ' ';
		if (gap != '\0')
			add_gap(h, gap);
		add_nodes(h, node->children, depth + 1);
		if (gap != '\0')
			add_gap(h, gap);
	}
}

void
html_add_text(struct buf *out, const char *html, size_t limit)
{
	const int options =
		HTML_PARSE_RECOVER | HTML_PARSE_NOERROR | HTML_PARSE_NOWARNING | HTML_PARSE_NONET;
	struct html h = { .out = out, .start = out->size, .end = out->size + limit };
	size_t size = strlen(html);
	htmlDocPtr doc = size > MESSAGE_TEXT_SOURCE_MAX
				 ? NULL
				 : htmlReadMemory(html, (int)size, NULL, "UTF-8", options);

	if (doc != NULL)
		add_nodes(&h, xmlDocGetRootElement(doc), 0);
	xmlFreeDoc(doc);
	while (out->size > h.start && strchr(" \n", out->data[out->size - 1]) != NULL)
		out->size--;
}
