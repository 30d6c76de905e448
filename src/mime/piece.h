/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The way out: pieces in order to the sink, literals coalesced.
 */
#ifndef MIME_PIECE_H
#define MIME_PIECE_H

#include "exarch/mime.h"

struct mime_pieces {
	struct mime_sink sink;
	struct buf literal; /* held back, since the next piece may be literal too */
};

bool mime_pieces_literal(struct mime_pieces *p, struct bytes data, struct exa_error *err) EXA_CHECK;
bool mime_pieces_raw(struct mime_pieces *p, struct bytes data, struct exa_error *err) EXA_CHECK;
bool mime_pieces_base64(struct mime_pieces *p, struct bytes decoded,
	const struct mime_base64_form *form, struct exa_error *err) EXA_CHECK;
bool mime_pieces_flush(struct mime_pieces *p, struct exa_error *err) EXA_CHECK;

#endif
