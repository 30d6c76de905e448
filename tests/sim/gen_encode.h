/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The transfer encodings of generated mail.
 */
#ifndef SIM_GEN_ENCODE_H
#define SIM_GEN_ENCODE_H

#include "exarch/bytes.h"

#include "b64.h"

void gen_add_base64_lines(
	struct buf *out, struct bytes in, unsigned width);       /* each ends with CRLF */
void gen_add_quoted_printable(struct buf *out, struct bytes in); /* CRLF in it stay line ends */
/* RFC 2047 when the text isn't ASCII, else as it is. */
void gen_add_header_text(struct buf *out, const char *text);

/* SIZE bytes as lines of WIDTH characters with CRLF; gives the bytes written. */
size_t gen_base64_lines(const uint8_t *in, size_t size, unsigned width, uint8_t *out);

#endif
