/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Promises 1 and 2 of mime.h: the pieces are the message, and they don't depend on the chunks. The
 * first byte of the input is the chunk size, the rest the message. The same bytes go through the
 * base64 decoder, whole and in chunks.
 */
#include <stdlib.h>

#include "exarch/bytes.h"
#include "exarch/mime.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct outcome {
	struct buf message; /* put together again */
	struct buf pieces;  /* their kinds, sizes, forms and data, one behind the other */
};

static bool
take(void *ctx, const struct mime_piece *piece, struct exa_error *err)
{
	struct outcome *o = ctx;
	size_t before = o->message.size;

	(void)err;
	buf_printf(&o->pieces, "%d %zu %u %u %d:", (int)piece->kind, piece->data.size,
		piece->form.line_chars, piece->form.column, (int)piece->form.eol);
	buf_add_bytes(&o->pieces, piece->data);
	if (piece->kind == MIME_BASE64)
		mime_base64_render(piece->data, &piece->form, &o->message);
	else
		buf_add_bytes(&o->message, piece->data);
	if (o->message.size - before != piece->source_size)
		abort();
	return true;
}

static void
split(struct bytes message, size_t chunk, struct outcome *o)
{
	struct mime_splitter *s = mime_splitter_new(&(struct mime_sink){ .piece = take, .ctx = o });
	struct exa_error err = { 0 };

	for (struct bytes rest = message; rest.size > 0; rest = bytes_skip(rest, chunk))
		if (!mime_splitter_feed(s, bytes_take(rest, chunk), &err))
			abort();
	if (!mime_splitter_finish(s, &err) || !bytes_equal(buf_bytes(&o->message), message))
		abort();
	mime_splitter_free(s);
}

static bool
decode(struct bytes text, size_t chunk, struct buf *out)
{
	struct mime_base64_decoder d = { 0 };
	struct exa_error err = { 0 };

	for (; text.size > 0; text = bytes_skip(text, chunk))
		if (!mime_base64_decode(&d, bytes_take(text, chunk), out, &err))
			return false;
	return mime_base64_finish(&d, &err);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	EXA_AUTO(buf_done) struct buf a = { 0 };
	EXA_AUTO(buf_done) struct buf b = { 0 };
	struct outcome whole = { 0 }, chunked = { 0 };
	size_t chunk = size > 0 ? (size_t)data[0] + 1 : 1;
	struct bytes input = bytes_skip(bytes_of(data, size), 1);
	bool good;

	split(input, SIZE_MAX, &whole);
	split(input, chunk, &chunked);
	if (!bytes_equal(buf_bytes(&whole.pieces), buf_bytes(&chunked.pieces)))
		abort();
	good = decode(input, SIZE_MAX, &a);
	if (decode(input, chunk, &b) != good ||
		(good && !bytes_equal(buf_bytes(&a), buf_bytes(&b))))
		abort();
	buf_done(&whole.message);
	buf_done(&whole.pieces);
	buf_done(&chunked.message);
	buf_done(&chunked.pieces);
	return 0;
}
