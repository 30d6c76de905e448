/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Streaming base64 decoder for MimeContent: white space may stand anywhere, pieces may end inside a
 * quantum.
 */
#ifndef EXARCH_EWS_BASE64_H
#define EXARCH_EWS_BASE64_H

#include "exarch/attr.h"
#include "exarch/bytes.h"
#include "exarch/error.h"

/* A zeroed struct is ready. */
struct base64_decoder {
	uint32_t bits;
	uint8_t count; /* characters of the quantum begun */
	bool padded;
};

/* Appends the decoded bytes, at most text.size / 4 * 3 + 3. */
bool base64_decode(struct base64_decoder *d, struct bytes text, struct buf *out,
	struct exa_error *err) EXA_CHECK;
bool base64_finish(struct base64_decoder *d, struct exa_error *err) EXA_CHECK;

#endif
