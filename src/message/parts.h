/* SPDX-License-Identifier: Apache-2.0 */
/* The parts of a message in their order. */
#ifndef MESSAGE_PARTS_H
#define MESSAGE_PARTS_H

#include <gmime/gmime.h>

#include "exarch/message.h"

enum part_kind {
	PART_PLAIN, /* text of the message itself, of whatever kind but HTML */
	PART_HTML,
	PART_FILE,    /* an attachment */
	PART_MESSAGE, /* the same, a message; its own parts follow, one level deeper */
};

struct part {
	enum part_kind kind;
	size_t number; /* of an attachment: 1, 2, ...; 0 = it is none */
	int depth;     /* messages within messages */
	GMimeObject *object;
};

/* False ends the walk. */
typedef bool part_fn(void *ctx, const struct part *part);
void parts_walk(GMimeStream *source, part_fn *fn, void *ctx);
void parts_walk_bytes(struct bytes source, part_fn *fn, void *ctx);

/* The name the sender gave it, "" without one; of an attached message without one, its subject.
 * Owned, UTF-8. */
char *part_name(const struct part *p);
/* "text/plain". Owned. */
char *part_type(const struct part *p);
/* Its length, decoded; of a message, as it stands there. */
uint64_t part_size(const struct part *p);
/* Appends the text of a part that is text, HTML read; at most LIMIT bytes of it, UTF-8. False: it
 * isn't text, or was cut. */
bool part_add_text(const struct part *p, struct buf *out, size_t limit);
/* Writes its bytes, decoded, to TO. */
bool part_write(const struct part *p, GMimeStream *to);

/* The first MESSAGE_TEXT_SOURCE_MAX bytes of a message; *CUT_OUT: there are more. */
bool source_read(struct store_reader *r, const struct store_id *recipe, struct buf *out,
	bool *cut_out, struct exa_error *err) EXA_CHECK;

#endif
