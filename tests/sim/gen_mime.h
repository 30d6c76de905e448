/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A generated message written out as mail: header and text parts as bytes, attachments as files
 * still to be made, in between. One copy of a message differs from another in its Received and
 * X-MS- lines and, for three in ten, in its boundaries.
 */
#ifndef SIM_GEN_MIME_H
#define SIM_GEN_MIME_H

#include "exarch/bytes.h"

#include "gen_message.h"

struct gen_copy {
	uint32_t mailbox;
	uint64_t seed;
	bool is_sent; /* the sender's own, in Sent Items */
};

/* Text up to text_end, then, when has_file, the file in base64 lines. */
struct gen_segment {
	size_t text_end;
	bool has_file;
	struct gen_file file;
};

#define GEN_SEGMENTS_MAX (GEN_FILES_MAX + 2)

struct gen_mime {
	struct buf text;
	struct gen_segment segments[GEN_SEGMENTS_MAX];
	size_t count;
	unsigned line_width;
};

void gen_mime_render(const struct gen_world *w, const struct gen_message *m,
	const struct gen_copy *copy, struct gen_mime *out);
void gen_mime_done(struct gen_mime *g);

#endif
