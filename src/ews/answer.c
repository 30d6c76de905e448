/* SPDX-License-Identifier: Apache-2.0 */
/*
 *     bytes -> filter -> libxml2 (push, SAX2) -> grammar -> the operation's callbacks
 *
 * libxml2 runs without XML_PARSE_HUGE: its own limits on names, attributes and comments hold, and
 * text comes in pieces however long it is. The state of the grammar is a stack with one frame for
 * each open element that a row names; `skipped` counts the levels below one that no row names.
 *
 * Nine tenths of an answer is the text of one element. Once the parser stands right behind the
 * start tag of a NODE_STREAM element, with nothing left to read, bytes up to the next '<' or '&'
 * can only be that element's text, and go to the operation past filter and parser (0.5 GB/s becomes
 * several). To get the parser there, what it is fed is cut behind such tags. Where that doesn't
 * come about, or an '&' or CDATA stands in the text, the parser reads it as any other.
 */
#include <assert.h>
#include <pthread.h>
#include <stdarg.h>
#include <string.h>

#include <libxml/parser.h>

#include "exarch/mem.h"

#include "answer.h"
#include "fault.h"
#include "filter.h"
#include "soap.h"
#include "utf8.h"

/* libxml2 takes int sizes; pieces of this size also keep what the filter gives out small. */
#define FEED_STEP ((size_t)64 * 1024)
/* Of a CDATA section libxml2 gives out 300 bytes a call, and each time looks through all it holds for the end. */
#define FEED_STEP_CDATA ((size_t)4 * 1024)

enum message_class { CLASS_SUCCESS, CLASS_WARNING, CLASS_ERROR, CLASS_UNKNOWN };

struct frame {
	int node;
	enum node_flags flags;
};

struct answer {
	const struct answer_spec *spec;
	void *ctx;
	size_t expected;

	xmlParserCtxtPtr parser;
	struct filter filter;
	struct buf filtered;
	bool plain;    /* no short cuts */
	bool open_tag; /* what was fed ends inside a tag */

	struct frame stack[ANSWER_DEPTH_MAX];
	size_t depth;    /* frames on the stack */
	size_t skipped;  /* elements open below the last frame that mean nothing */
	struct buf text; /* of the innermost frame with a text flag */

	size_t message_count;
	enum message_class message_class;
	struct fault fault;
	bool is_fault;
	bool busy; /* a response message said so */
	uint32_t busy_ms;
	bool complete; /* the envelope was closed */
	bool failed;   /* `error` says why; callbacks do nothing from then on */
	struct exa_error error;
};

static const struct grammar_row common_rows[] = {
	{ NODE_DOCUMENT, XML_SOAP, "Envelope", NODE_ENVELOPE, NODE_PLAIN },
	{ NODE_ENVELOPE, XML_SOAP, "Body", NODE_BODY, NODE_PLAIN },
	{ NODE_BODY, XML_SOAP, "Fault", NODE_FAULT, NODE_PLAIN },
	/* SOAP 1.1: the children of Fault stand in no namespace; not every server knows. */
	{ NODE_FAULT, XML_ANY, "faultcode", NODE_FAULT_CODE, NODE_HAS_TEXT },
	{ NODE_FAULT, XML_ANY, "faultstring", NODE_FAULT_STRING, NODE_HAS_TEXT },
	{ NODE_FAULT, XML_ANY, "detail", NODE_FAULT_DETAIL, NODE_PLAIN },
	{ NODE_FAULT_DETAIL, XML_E, "ResponseCode", NODE_CODE, NODE_HAS_TEXT },
	{ NODE_FAULT_DETAIL, XML_E, "Message", NODE_TEXT, NODE_HAS_TEXT },
	{ NODE_FAULT_DETAIL, XML_T, "MessageXml", NODE_XML, NODE_PLAIN },
	{ NODE_BODY, XML_M, NULL, NODE_RESPONSE, NODE_PLAIN },
	{ NODE_RESPONSE, XML_M, "ResponseMessages", NODE_MESSAGES, NODE_PLAIN },
	{ NODE_MESSAGE, XML_M, "ResponseCode", NODE_CODE, NODE_HAS_TEXT },
	{ NODE_MESSAGE, XML_M, "MessageText", NODE_TEXT, NODE_HAS_TEXT },
	{ NODE_MESSAGE, XML_M, "MessageXml", NODE_XML, NODE_PLAIN },
	{ NODE_XML, XML_T, "Value", NODE_XML_VALUE, NODE_HAS_TEXT },
};

/* ---- names ---- */

static enum xml_ns
namespace_of(const xmlChar *uri)
{
	static const struct {
		const char *uri;
		enum xml_ns ns;
	} known[] = {
		{ NS_TYPES_URI, XML_T },
		{ NS_MESSAGES_URI, XML_M },
		{ NS_SOAP_URI, XML_SOAP },
		{ NS_ERRORS_URI, XML_E },
	};

	for (size_t i = 0; uri != NULL && i < sizeof known / sizeof known[0]; i++) {
		if (strcmp((const char *)uri, known[i].uri) == 0)
			return known[i].ns;
	}
	return XML_OTHER;
}

struct bytes
attribute(const struct attributes *a, const char *name)
{
	/* libxml2 gives five pointers each: name, prefix, URI, value, end of the value. */
	for (int i = 0; i < a->count; i++) {
		const unsigned char *const *five = a->values + (size_t)i * 5;

		if (strcmp((const char *)five[0], name) == 0)
			return bytes_of(five[3], (size_t)(five[4] - five[3]));
	}
	return bytes_of(NULL, 0);
}

static bool
row_matches(const struct grammar_row *row, int parent, enum xml_ns ns, const char *name)
{
	return row->parent == parent && (row->ns == XML_ANY || row->ns == ns) &&
	       (row->name == NULL || strcmp(row->name, name) == 0);
}

static const struct grammar_row *
find_row(const struct grammar_row *rows, size_t count, int parent, enum xml_ns ns, const char *name)
{
	for (size_t i = 0; i < count; i++) {
		if (row_matches(&rows[i], parent, ns, name))
			return &rows[i];
	}
	return NULL;
}

/* ---- failing ---- */

/* Nothing more is shown to the operation; libxml2 is left to run through the rest of the chunk. */
static void
stop(struct answer *a)
{
	a->failed = true;
	xmlStopParser(a->parser);
}

static void
fail_protocol(struct answer *a, const char *why)
{
	(void)exa_fail(&a->error, EXA_PROTOCOL, "%s", why);
	stop(a);
}

/* ---- elements ---- */

static int
top_node(const struct answer *a)
{
	return a->depth == 0 ? NODE_DOCUMENT : a->stack[a->depth - 1].node;
}

static bool
payload_counts(const struct answer *a)
{
	return a->message_class == CLASS_SUCCESS && a->message_count <= a->expected;
}

static const struct grammar_row *
row_for(const struct answer *a, enum xml_ns ns, const char *name)
{
	static const struct grammar_row message = { NODE_MESSAGES, XML_M, NULL, NODE_MESSAGE,
		NODE_PLAIN };
	int parent = top_node(a);
	const struct grammar_row *row;

	if (parent == NODE_MESSAGES)
		return ns == XML_M && strcmp(name, a->spec->message) == 0 ? &message : NULL;
	row = find_row(common_rows, sizeof common_rows / sizeof common_rows[0], parent, ns, name);
	if (row != NULL)
		return row;
	if ((parent == NODE_MESSAGE || parent >= NODE_OPERATION) && payload_counts(a))
		return find_row(a->spec->rows, a->spec->row_count, parent, ns, name);
	return NULL;
}

static void
begin_message(struct answer *a, const struct attributes *attributes)
{
	static const char *const names[] = {
		[CLASS_SUCCESS] = "Success", [CLASS_WARNING] = "Warning", [CLASS_ERROR] = "Error"
	};
	struct bytes class = attribute(attributes, "ResponseClass");

	a->message_count++;
	a->fault = (struct fault){ 0 };
	a->message_class = CLASS_UNKNOWN;
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		if (bytes_equal(class, bytes_of_string(names[i])))
			a->message_class = (enum message_class)i;
	}
}

static bool
end_message(struct answer *a)
{
	struct exa_error why;

	if (a->message_count > a->expected)
		return true; /* answer_finish complains */
	if (a->message_class == CLASS_SUCCESS)
		return a->spec->message_end(a->ctx, a->message_count - 1, NULL, &a->error);
	if (a->message_class == CLASS_UNKNOWN && a->fault.code[0] == '\0')
		(void)exa_fail(&why, EXA_PROTOCOL, "a response message without class and code");
	else
		(void)fault_explain(&a->fault, &why);
	if (why.code == EXA_THROTTLED) {
		a->busy = true;
		a->busy_ms = why.retry_after_ms > a->busy_ms ? why.retry_after_ms : a->busy_ms;
	}
	return a->spec->message_end(a->ctx, a->message_count - 1, &why, &a->error);
}

static bool
open_node(struct answer *a, int node, const struct attributes *attributes)
{
	if (node >= NODE_OPERATION)
		return a->spec->open(a->ctx, node, attributes, &a->error);
	if (node == NODE_MESSAGE)
		begin_message(a, attributes);
	if (node == NODE_XML_VALUE)
		fault_begin_value(&a->fault, attribute(attributes, "Name"));
	if (node == NODE_FAULT)
		a->is_fault = true;
	return true;
}

static bool
close_node(struct answer *a, int node, const char *text)
{
	if (node >= NODE_OPERATION)
		return a->spec->close(a->ctx, node, text, &a->error);
	switch ((enum answer_node)node) {
	case NODE_MESSAGE:
		return end_message(a);
	case NODE_CODE:
		a->fault.code[0] = '\0'; /* said more exactly than by faultcode */
		fault_set_code(&a->fault, text);
		break;
	case NODE_FAULT_CODE:
		fault_set_code(&a->fault, text);
		break;
	case NODE_TEXT:
	case NODE_FAULT_STRING:
		fault_set_text(&a->fault, text);
		break;
	case NODE_XML_VALUE:
		fault_end_value(&a->fault, text);
		break;
	case NODE_ENVELOPE:
		a->complete = true;
		break;
	case NODE_SKIPPED:
	case NODE_DOCUMENT:
	case NODE_BODY:
	case NODE_FAULT:
	case NODE_FAULT_DETAIL:
	case NODE_RESPONSE:
	case NODE_MESSAGES:
	case NODE_XML:
	case NODE_OPERATION:
		break;
	}
	return true;
}

/* ---- what libxml2 calls ---- */

static void
on_start(void *ctx, const xmlChar *name, const xmlChar *prefix, const xmlChar *uri, int ns_count,
	const xmlChar **namespaces, int attribute_count, int defaulted, const xmlChar **values)
{
	struct answer *a = ctx;
	struct attributes attributes = { .values = values, .count = attribute_count };
	const struct grammar_row *row;

	(void)prefix;
	(void)ns_count;
	(void)namespaces;
	(void)defaulted;
	if (a->failed)
		return;
	if (a->depth + a->skipped >= ANSWER_DEPTH_MAX) {
		fail_protocol(a, "the answer is nested too deep");
		return;
	}
	row = a->skipped > 0 ? NULL : row_for(a, namespace_of(uri), (const char *)name);
	if (row == NULL) {
		a->skipped++;
		if (a->depth == 0)
			fail_protocol(a, "the answer is not a SOAP envelope");
		return;
	}
	a->stack[a->depth++] = (struct frame){ row->node, row->flags };
	buf_reset(&a->text);
	if (!open_node(a, row->node, &attributes))
		stop(a);
}

static void
on_end(void *ctx, const xmlChar *name, const xmlChar *prefix, const xmlChar *uri)
{
	struct answer *a = ctx;
	struct frame frame;

	(void)name;
	(void)prefix;
	(void)uri;
	if (a->failed)
		return;
	if (a->skipped > 0) {
		a->skipped--;
		return;
	}
	frame = a->stack[--a->depth];
	if (!close_node(a, frame.node, buf_string(&a->text)))
		stop(a);
	buf_reset(&a->text);
}

static void
collect(struct answer *a, struct bytes piece, enum node_flags flags)
{
	size_t room = EWS_TEXT_MAX - (a->text.size < EWS_TEXT_MAX ? a->text.size : EWS_TEXT_MAX);

	if (flags == NODE_HAS_TEXT) {
		buf_add_bytes(&a->text, utf8_take(piece, room));
		if (piece.size > room) /* the rest would stand behind a gap */
			a->stack[a->depth - 1].flags = NODE_PLAIN;
		return;
	}
	if (piece.size > EWS_SYNC_STATE_MAX - a->text.size) {
		(void)exa_fail(&a->error, EXA_LIMIT, "the sync state is larger than %zu bytes",
			EWS_SYNC_STATE_MAX);
		stop(a);
		return;
	}
	buf_add_bytes(&a->text, piece);
}

static void
on_text(void *ctx, const xmlChar *text, int size)
{
	struct answer *a = ctx;
	struct bytes piece = bytes_of(text, (size_t)size);
	enum node_flags flags;

	if (a->failed || a->skipped > 0 || a->depth == 0)
		return;
	flags = a->stack[a->depth - 1].flags;
	if (flags == NODE_STREAM) {
		if (!a->spec->data(a->ctx, piece, &a->error))
			stop(a);
	} else if (flags != NODE_PLAIN) {
		collect(a, piece, flags);
	}
}

/* No DTD is ever sent; one could define entities that grow without end. */
static void
on_doctype(void *ctx, const xmlChar *name, const xmlChar *external_id, const xmlChar *system_id)
{
	struct answer *a = ctx;

	(void)name;
	(void)external_id;
	(void)system_id;
	if (!a->failed)
		fail_protocol(a, "the answer has a DOCTYPE");
}

static void
on_error(void *ctx, xmlErrorPtr error)
{
	(void)ctx; /* seen by xmlParseChunk's result; libxml2 must only not print it */
	(void)error;
}

/* ---- the parser ---- */

bool
answer_new(const struct answer_spec *spec, void *ctx, size_t expected, struct answer **out,
	struct exa_error *err)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	xmlSAXHandler sax = { .initialized = XML_SAX2_MAGIC,
		.startElementNs = on_start,
		.endElementNs = on_end,
		.characters = on_text,
		.ignorableWhitespace = on_text,
		.cdataBlock = on_text,
		.internalSubset = on_doctype,
		.serror = on_error };
	struct answer *a = exa_alloc(sizeof *a);

	(void)pthread_once(&once, xmlInitParser);
	a->spec = spec;
	a->ctx = ctx;
	a->expected = expected;
	a->parser = xmlCreatePushParserCtxt(&sax, a, NULL, 0, NULL);
	if (a->parser == NULL) {
		answer_free(a);
		return exa_fail(err, EXA_FAILED, "can't start the XML parser");
	}
	/* NOENT: without it an '&' in an attribute comes as "&#38;". No entity can be defined. */
	(void)xmlCtxtUseOptions(
		a->parser, XML_PARSE_NONET | XML_PARSE_NOENT | XML_PARSE_IGNORE_ENC);
	*out = a;
	return true;
}

void
answer_free(struct answer *a)
{
	if (a == NULL)
		return;
	xmlFreeParserCtxt(a->parser);
	buf_done(&a->filtered);
	buf_done(&a->text);
	exa_free(a);
}

void
answer_freep(struct answer **a)
{
	answer_free(*a);
	*a = NULL;
}

/* What the parser was given and can't read yet. */
static size_t
waiting(const struct answer *a)
{
	return (size_t)(a->parser->input->end - a->parser->input->cur);
}

static bool
is_in_cdata(const struct answer *a)
{
	return a->parser->instate == XML_PARSER_CDATA_SECTION;
}

/* What it holds of a CDATA section, however long that will be, comes now and isn't piled up. */
static int
read_cdata(struct answer *a)
{
	size_t before;
	int result;

	do {
		before = waiting(a);
		result = xmlParseChunk(a->parser, "", 0, 0);
	} while (result == 0 && is_in_cdata(a) && waiting(a) < before);
	return result;
}

/* Gives the parser what the filter has put out. */
static bool
parse(struct answer *a, struct exa_error *err)
{
	int result = 0;

	assert(a->filtered.size <= INT32_MAX);
	if (a->filtered.size > 0)
		result = xmlParseChunk(
			a->parser, (const char *)a->filtered.data, (int)a->filtered.size, 0);
	if (result == 0 && is_in_cdata(a))
		result = read_cdata(a);
	buf_reset(&a->filtered);
	if (!a->failed && !a->complete && result != 0 && a->parser->wellFormed == 0) {
		a->failed = true;
		(void)exa_fail(
			&a->error, EXA_PROTOCOL, "the answer is not well-formed XML (%d)", result);
	}
	if (!a->failed && !a->complete && waiting(a) > ANSWER_TAG_MAX)
		fail_protocol(a, "a tag, comment or reference without end");
	if (a->failed)
		*err = a->error;
	return !a->failed;
}

/* ---- the short cut ---- */

/* The parser has read all it was given and now expects text of a NODE_STREAM element. */
static bool
expects_stream(const struct answer *a)
{
	const xmlParserInput *input = a->parser->input;

	return !a->plain && a->depth > 0 && a->skipped == 0 &&
	       a->stack[a->depth - 1].flags == NODE_STREAM &&
	       a->parser->instate == XML_PARSER_CONTENT && input->cur == input->end &&
	       filter_is_idle(&a->filter);
}

/* Hands the text that CHUNK begins with to the operation. */
static bool
pass_text(struct answer *a, struct bytes *chunk, struct exa_error *err)
{
	const uint8_t *end = memchr(chunk->data, '<', chunk->size);
	size_t size = end != NULL ? (size_t)(end - chunk->data) : chunk->size;
	struct bytes text;

	end = memchr(chunk->data, '&', size);
	text = bytes_take(*chunk, end != NULL ? (size_t)(end - chunk->data) : size);
	*chunk = bytes_skip(*chunk, text.size);
	if (text.size == 0 || a->spec->data(a->ctx, text, &a->error))
		return true;
	stop(a);
	*err = a->error;
	return false;
}

/* The beginning of CHUNK to be parsed next: up to the end of a tag that may be a stream's. */
static struct bytes
next_piece(struct answer *a, struct bytes chunk)
{
	struct bytes piece = bytes_take(chunk, is_in_cdata(a) ? FEED_STEP_CDATA : FEED_STEP);
	const uint8_t *tag = piece.data, *end, *opened, *closed;

	if (a->spec->stream == NULL || a->plain)
		return piece;
	if (!a->open_tag)
		tag = memmem(piece.data, piece.size, a->spec->stream, strlen(a->spec->stream));
	end = tag == NULL ? NULL : memchr(tag, '>', piece.size - (size_t)(tag - piece.data));
	if (end != NULL)
		piece = bytes_take(piece, (size_t)(end - piece.data) + 1);
	opened = memrchr(piece.data, '<', piece.size);
	closed = memrchr(piece.data, '>', piece.size);
	if (opened != NULL || closed != NULL)
		a->open_tag = closed == NULL || (opened != NULL && opened > closed);
	return piece;
}

/* ---- verbs ---- */

bool
answer_feed(struct answer *a, struct bytes chunk, struct exa_error *err)
{
	while (chunk.size > 0 && !a->complete) {
		struct bytes piece;

		if (expects_stream(a)) {
			if (!pass_text(a, &chunk, err))
				return false;
			if (chunk.size == 0)
				break;
		}
		piece = next_piece(a, chunk);
		filter_feed(&a->filter, piece, &a->filtered);
		chunk = bytes_skip(chunk, piece.size);
		if (!parse(a, err))
			return false;
	}
	return true;
}

bool
answer_finish(struct answer *a, struct exa_error *err)
{
	if (a->failed) {
		*err = a->error;
		return false;
	}
	if (!a->complete)
		return exa_fail(err, EXA_NET, "the answer is cut short");
	if (a->is_fault)
		return fault_explain(&a->fault, err);
	if (a->message_count != a->expected)
		return exa_fail(err, EXA_PROTOCOL, "%zu answers to %zu questions", a->message_count,
			a->expected);
	return true;
}

bool
answer_complete(const struct answer *a)
{
	return a->complete;
}

bool
answer_is_fault(const struct answer *a)
{
	return a->complete && a->is_fault;
}

bool
answer_is_busy(const struct answer *a, uint32_t *retry_after_ms_out)
{
	*retry_after_ms_out = a->busy_ms;
	return a->busy;
}

void
answer_take_no_short_cut(struct answer *a)
{
	a->plain = true;
}
