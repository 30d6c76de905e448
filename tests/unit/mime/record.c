/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "exarch/mem.h"

#include "record.h"

static bool
take(void *ctx, const struct mime_piece *piece, struct exa_error *err)
{
	struct record *r = ctx;
	size_t before = r->message.size;

	if (r->fail_at == r->count + 1)
		return exa_fail(err, EXA_IO, "the disk is full");
	assert_true(r->count < RECORD_PIECES_MAX);
	assert_true(piece->data.size > 0);
	assert_true(piece->data.size <= (piece->kind == MIME_LITERAL      ? MIME_LITERAL_MAX
						: piece->kind == MIME_RAW ? MIME_RAW_MAX
									  : MIME_BASE64_MAX));
	r->pieces[r->count] = *piece;
	r->offsets[r->count++] = r->data.size;
	buf_add_bytes(&r->data, piece->data);
	if (piece->kind == MIME_BASE64) {
		assert_true(mime_base64_form_valid(&piece->form));
		mime_base64_render(piece->data, &piece->form, &r->message);
	} else {
		buf_add_bytes(&r->message, piece->data);
	}
	assert_int_equal(r->message.size - before, piece->source_size);
	return true;
}

struct record *
record_new(void)
{
	struct record *r = exa_alloc(sizeof *r);

	r->splitter = mime_splitter_new(&(struct mime_sink){ .piece = take, .ctx = r });
	return r;
}

void
record_freep(struct record **r)
{
	mime_splitter_free((*r)->splitter);
	buf_done(&(*r)->data);
	buf_done(&(*r)->message);
	exa_freep(r);
}

bool
record_split(struct record *r, struct bytes message, size_t chunk)
{
	struct exa_error err = { 0 };

	r->count = 0;
	buf_reset(&r->data);
	buf_reset(&r->message);
	while (message.size > 0) {
		struct bytes some = bytes_take(message, chunk);
		uint8_t *copy = exa_alloc(some.size);
		bool ok;

		memcpy(copy, some.data, some.size);
		ok = mime_splitter_feed(r->splitter, bytes_of(copy, some.size), &err);
		exa_free(copy);
		if (!ok) {
			assert_int_equal(err.code, EXA_IO);
			return false;
		}
		message = bytes_skip(message, some.size);
	}
	return mime_splitter_finish(r->splitter, &err);
}

struct bytes
record_data(const struct record *r, size_t piece)
{
	assert_true(piece < r->count);
	return bytes_of(r->data.data + r->offsets[piece], r->pieces[piece].data.size);
}

bool
record_equal(const struct record *a, const struct record *b)
{
	if (a->count != b->count || !bytes_equal(buf_bytes(&a->data), buf_bytes(&b->data)))
		return false;
	for (size_t i = 0; i < a->count; i++) {
		const struct mime_piece *x = &a->pieces[i], *y = &b->pieces[i];

		if (x->kind != y->kind || x->data.size != y->data.size ||
			x->source_size != y->source_size)
			return false;
		if (x->kind == MIME_BASE64 &&
			(x->form.line_chars != y->form.line_chars ||
				x->form.column != y->form.column || x->form.eol != y->form.eol))
			return false;
	}
	return true;
}

const char *
record_text(const struct record *r)
{
	static char text[4096];
	EXA_AUTO(buf_done) struct buf b = { 0 };

	for (size_t i = 0; i < r->count; i++) {
		const struct mime_piece *p = &r->pieces[i];

		buf_printf(&b, "%s%c%zu", i > 0 ? " " : "", "LRB"[p->kind], p -> data.size);
		if (p->kind == MIME_BASE64)
			buf_printf(&b, "/%u+%u%c", p->form.line_chars, p->form.column,
				p->form.eol == MIME_EOL_CRLF ? 'c' : 'l');
	}
	assert_true(b.size < sizeof text);
	memcpy(text, buf_string(&b), b.size + 1);
	return text;
}

void
add_noise(struct buf *b, uint32_t seed, size_t size)
{
	for (size_t i = 0; i < size; i++) {
		seed = seed * UINT32_C(1664525) + UINT32_C(1013904223);
		buf_add_byte(b, (uint8_t)(seed >> 24));
	}
}

void
add_base64_lines(struct buf *b, struct bytes data, size_t line, const char *eol)
{
	EXA_AUTO(buf_done) struct buf text = { 0 };

	buf_add_base64(&text, data);
	for (size_t i = 0; i < text.size; i++) {
		if (line > 0 && i > 0 && i % line == 0)
			buf_add_string(b, eol);
		buf_add_byte(b, text.data[i]);
	}
}
