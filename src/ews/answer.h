/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One answer, parsed while it arrives. What all operations share stands here: the SOAP envelope, a
 * fault, response messages with class, code and MessageXml, limits, and the end. An operation
 * describes its payload by a grammar, a table of rows
 *
 *     { parent, namespace, name, node, flags }
 *
 * read as: "within PARENT the element NAMESPACE:NAME is NODE". An element that no row names is
 * skipped with all it holds, so a name means something in its place only. NODE_MESSAGE is the
 * parent of a payload's first level. Elements are compared by namespace and local name, never by
 * prefix.
 *
 *     open    a named element began; its attributes are there
 *     close   ... ended; TEXT is what it held, for nodes with a text flag
 *     data    a piece of the text of a NODE_STREAM node
 *     message_end   a response message ended: WHY is NULL for success, else why it failed
 *
 * The payload of a message whose class isn't Success is never shown: an ErrorInvalidSyncStateData
 * carries an empty SyncState and claims to be the last page.
 */
#ifndef EXARCH_EWS_ANSWER_H
#define EXARCH_EWS_ANSWER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "exarch/attr.h"
#include "exarch/bytes.h"
#include "exarch/error.h"
#include "exarch/ews.h"

/* Real answers nest below 20; the rest of the depth is room for oddities. */
#define ANSWER_DEPTH_MAX 64
/* libxml2 reads a tag, comment or reference when it is whole, and compares each attribute with those before it: beyond this
 * the time would grow with the square. Real ones end within 4 KiB. */
#define ANSWER_TAG_MAX ((size_t)256 * 1024)

enum xml_ns {
	XML_ANY, /* in grammars: whatever the namespace */
	XML_SOAP,
	XML_M,
	XML_T,
	XML_E,
	XML_OTHER,
};

/* Nodes that all answers have; an operation's own begin at NODE_OPERATION. */
enum answer_node {
	NODE_SKIPPED,
	NODE_DOCUMENT,
	NODE_ENVELOPE,
	NODE_BODY,
	NODE_FAULT,
	NODE_FAULT_CODE,
	NODE_FAULT_STRING,
	NODE_FAULT_DETAIL,
	NODE_RESPONSE,
	NODE_MESSAGES,
	NODE_MESSAGE,
	NODE_CODE, /* of a fault or a message, as the next two */
	NODE_TEXT,
	NODE_XML,
	NODE_XML_VALUE,
	NODE_OPERATION,
};

enum node_flags {
	NODE_PLAIN = 0,
	NODE_HAS_TEXT = 1,  /* cut at EWS_TEXT_MAX */
	NODE_HAS_STATE = 2, /* EXA_LIMIT beyond EWS_SYNC_STATE_MAX */
	NODE_STREAM = 4,
};

struct grammar_row {
	int parent;
	enum xml_ns ns;
	const char *name; /* NULL: any */
	int node;
	enum node_flags flags;
};

/* The attributes of one element, as libxml2 gives them. */
struct attributes {
	const unsigned char *const *values;
	int count;
};

/* Empty when it isn't there. Borrowed for the call. */
struct bytes attribute(const struct attributes *a, const char *name);

struct answer_spec {
	const char *message; /* "GetItemResponseMessage" */
	const char *stream;  /* local name of the NODE_STREAM element; NULL = none */
	const struct grammar_row *rows;
	size_t row_count;
	bool (*open)(
		void *ctx, int node, const struct attributes *attributes, struct exa_error *err);
	bool (*close)(void *ctx, int node, const char *text, struct exa_error *err);
	bool (*data)(void *ctx, struct bytes text, struct exa_error *err); /* may be NULL */
	bool (*message_end)(
		void *ctx, size_t index, const struct exa_error *why, struct exa_error *err);
};

struct answer;

/* EXPECTED response messages are wanted; the payload of further ones isn't shown. SPEC and CTX are
 * borrowed. */
bool answer_new(const struct answer_spec *spec, void *ctx, size_t expected, struct answer **out,
	struct exa_error *err) EXA_CHECK;
void answer_free(struct answer *a);
void answer_freep(struct answer **a);

/* False: a callback's error, EXA_PROTOCOL (not XML, a DOCTYPE, nested too deep), EXA_LIMIT. Nothing
 * may be fed after that. */
bool answer_feed(struct answer *a, struct bytes chunk, struct exa_error *err) EXA_CHECK;

/*
 * No more comes. True when the answer came to its end, was no fault and held as many response
 * messages as expected. EXA_NET: cut short; EXA_PROTOCOL: the count; else what the fault means.
 */
bool answer_finish(struct answer *a, struct exa_error *err) EXA_CHECK;

/* The envelope was closed: nothing that happens to the connection now matters. */
bool answer_complete(const struct answer *a);
bool answer_is_fault(const struct answer *a);
/* A response message says that the server is busy, and for how long (0 = not said). */
bool answer_is_busy(const struct answer *a, uint32_t *retry_after_ms_out);

/* Everything goes through the parser from now on: slow, and what tests compare the fast way with.
 */
void answer_take_no_short_cut(struct answer *a);

#endif
