/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A request on its way out: its text, and at some places in it the bytes of a source, in base64,
 * made while they are sent. So an item of any size costs one piece of it.
 */
#ifndef EXARCH_EWS_OUTGOING_H
#define EXARCH_EWS_OUTGOING_H

#include "exarch/bytes.h"
#include "exarch/ews.h"
#include "exarch/http.h"

struct outgoing_insert {
	size_t at; /* in the text */
	const struct ews_source *source;
};

struct outgoing {
	struct buf text;
	struct outgoing_insert inserts[EWS_BATCH_MAX]; /* in order */
	size_t insert_count;
};

void outgoing_reset(struct outgoing *o);
void outgoing_done(struct outgoing *o);
/* SOURCE (borrowed) stands where the text ends now. */
void outgoing_insert(struct outgoing *o, const struct ews_source *source);

/* What goes over the wire. */
struct outgoing_reader {
	const struct outgoing *outgoing;
	size_t at;     /* of the text, given out */
	size_t insert; /* the next one, or the one being read */
	bool inside;
	uint64_t taken;     /* of its bytes */
	struct bytes piece; /* not encoded yet */
	uint8_t carry[3];   /* less than three bytes between two pieces */
	size_t carry_size;
	struct buf encoded; /* not given out yet, from `encoded_at` on */
	size_t encoded_at;
};

/* READER (zeroed) and O are borrowed by *out. */
void outgoing_source(
	struct outgoing_reader *reader, const struct outgoing *o, struct http_source *out);
void outgoing_reader_done(struct outgoing_reader *r);

#endif
