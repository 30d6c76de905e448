/* SPDX-License-Identifier: Apache-2.0 */
#include "piece.h"

static bool
hand_out(struct mime_pieces *p, enum mime_piece_kind kind, struct bytes data, struct exa_error *err)
{
	struct mime_piece piece = { .kind = kind, .data = data, .source_size = data.size };

	return p->sink.piece(p->sink.ctx, &piece, err);
}

bool
mime_pieces_flush(struct mime_pieces *p, struct exa_error *err)
{
	if (p->literal.size > 0 && !hand_out(p, MIME_LITERAL, buf_bytes(&p->literal), err))
		return false;
	buf_reset(&p->literal);
	return true;
}

bool
mime_pieces_literal(struct mime_pieces *p, struct bytes data, struct exa_error *err)
{
	while (data.size > 0) {
		struct bytes some = bytes_take(data, MIME_LITERAL_MAX - p->literal.size);

		if (some.size == 0) {
			/* Full, and there is more: no literal after all. */
			if (!hand_out(p, MIME_RAW, buf_bytes(&p->literal), err))
				return false;
			buf_reset(&p->literal);
			continue;
		}
		buf_add_bytes(&p->literal, some);
		data = bytes_skip(data, some.size);
	}
	return true;
}

bool
mime_pieces_raw(struct mime_pieces *p, struct bytes data, struct exa_error *err)
{
	return mime_pieces_flush(p, err) && hand_out(p, MIME_RAW, data, err);
}

bool
mime_pieces_base64(struct mime_pieces *p, struct bytes decoded, const struct mime_base64_form *form,
	struct exa_error *err)
{
	struct mime_piece piece = { .kind = MIME_BASE64,
		.data = decoded,
		.source_size = mime_base64_text_size(form, decoded.size),
		.form = *form };

	return mime_pieces_flush(p, err) && p->sink.piece(p->sink.ctx, &piece, err);
}
