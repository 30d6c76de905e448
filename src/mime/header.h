/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The two header fields that say how a body is divided: Content-Type and Content-Transfer-Encoding.
 */
#ifndef MIME_HEADER_H
#define MIME_HEADER_H

#include "exarch/mime.h"

/* Text kept of one field. Real Content-Type fields are below 1 KiB, with long file names too; what
 * is beyond is not looked at. */
#define MIME_FIELD_MAX ((size_t)8 * 1024)

enum mime_entity_kind {
	MIME_ENTITY_LEAF,
	MIME_ENTITY_BASE64, /* a leaf, in base64 */
	MIME_ENTITY_MULTIPART,
	MIME_ENTITY_MESSAGE, /* a message that stands there as it is */
};

struct mime_entity {
	enum mime_entity_kind kind;
	bool digest; /* a multipart whose parts are messages unless they say otherwise */
	size_t boundary_size;
	uint8_t boundary[MIME_BOUNDARY_MAX];
};

struct mime_header {
	struct buf type;
	struct buf encoding;
	struct buf *field; /* the one whose continuation lines are awaited, or NULL */
};

void mime_header_begin(struct mime_header *h);
void mime_header_done(struct mime_header *h);

/* One line, with or without its line break. */
void mime_header_line(struct mime_header *h, struct bytes line);

/* What the lines since begin amount to. IN_DIGEST: stands in a multipart/digest. */
void mime_header_end(const struct mime_header *h, bool in_digest, struct mime_entity *entity_out);

#endif
