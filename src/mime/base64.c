/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Base64 by tables, since it is the engine's busiest inner loop: every attachment passes it three
 * times (MimeContent, its own transfer encoding, the proof). Decoding looks each of the four
 * characters up in its own table, which holds the value already shifted into place; OR-ing the four
 * gives three bytes, or BAD above them when a character isn't in the alphabet. Encoding looks 12
 * bits up at a time. About ten times as fast as EVP_DecodeUpdate. Where the processor has AVX2,
 * base64_avx2.c does most of it some four times as fast again, and the tables the rest.
 *
 * All tables are written by the preprocessor: no initialisation, so nothing for threads to agree
 * on.
 */
#include <assert.h>
#include <string.h>

#include "exarch/mime.h"

#include "base64.h"

#define BAD UINT32_C(0x01000000)
#define RENDER_BYTES ((size_t)3 * 256) /* encoded at a time while rendering */

/* The value of a character, 64 when it has none. */
#define VALUE(c)                                                 \
	((c) >= 0x41U && (c) <= 0x5aU          ? (c)-0x41U       \
		: (c) >= 0x61U && (c) <= 0x7aU ? (c)-0x61U + 26U \
		: (c) >= 0x30U && (c) <= 0x39U ? (c)-0x30U + 52U \
		: (c) == 0x2bU                 ? 62U             \
		: (c) == 0x2fU                 ? 63U             \
					       : 64U)
/* Where the value of the 1st to 4th character goes; the first decoded byte is the lowest. */
#define IN_1ST(v) ((v) << 2)
#define IN_2ND(v) (((v) >> 4) | (((v)&15U) << 12))
#define IN_3RD(v) ((((v) >> 2) << 8) | (((v)&3U) << 22))
#define IN_4TH(v) ((v) << 16)
#define CELL(in, c) (VALUE(c) > 63U ? BAD : in(VALUE(c)))
#define CELLS_4(in, c) CELL(in, c), CELL(in, (c) + 1U), CELL(in, (c) + 2U), CELL(in, (c) + 3U)
#define CELLS_16(in, c) \
	CELLS_4(in, c), CELLS_4(in, (c) + 4U), CELLS_4(in, (c) + 8U), CELLS_4(in, (c) + 12U)
#define CELLS_64(in, c) \
	CELLS_16(in, c), CELLS_16(in, (c) + 16U), CELLS_16(in, (c) + 32U), CELLS_16(in, (c) + 48U)
#define CELLS_256(in)                                                                       \
	{                                                                                   \
		CELLS_64(in, 0U), CELLS_64(in, 64U), CELLS_64(in, 128U), CELLS_64(in, 192U) \
	}

static const uint32_t first[256] = CELLS_256(IN_1ST);
static const uint32_t second[256] = CELLS_256(IN_2ND);
static const uint32_t third[256] = CELLS_256(IN_3RD);
static const uint32_t fourth[256] = CELLS_256(IN_4TH);

#define LETTER(v)                           \
	((uint8_t)((v) < 26U    ? 65U + (v) \
		   : (v) < 52U  ? 71U + (v) \
		   : (v) < 62U  ? (v)-4U    \
		   : (v) == 62U ? 43U       \
				: 47U))
#define PAIR(a, b)                   \
	{                            \
		LETTER(a), LETTER(b) \
	}
#define PAIRS_4(a, b) PAIR(a, b), PAIR(a, (b) + 1U), PAIR(a, (b) + 2U), PAIR(a, (b) + 3U)
#define PAIRS_16(a, b) \
	PAIRS_4(a, b), PAIRS_4(a, (b) + 4U), PAIRS_4(a, (b) + 8U), PAIRS_4(a, (b) + 12U)
#define PAIRS_64(a) PAIRS_16(a, 0U), PAIRS_16(a, 16U), PAIRS_16(a, 32U), PAIRS_16(a, 48U)
#define PAIRS_256(a) PAIRS_64(a), PAIRS_64((a) + 1U), PAIRS_64((a) + 2U), PAIRS_64((a) + 3U)
#define PAIRS_1024(a) PAIRS_256(a), PAIRS_256((a) + 4U), PAIRS_256((a) + 8U), PAIRS_256((a) + 12U)

static const uint8_t pairs[4096][2] = { PAIRS_1024(0U), PAIRS_1024(16U), PAIRS_1024(32U),
	PAIRS_1024(48U) };

static uint32_t
look_up(const uint8_t *chars)
{
	return first[chars[0]] | second[chars[1]] | third[chars[2]] | fourth[chars[3]];
}

static void
put_three(uint8_t *out, uint32_t bits)
{
	out[0] = (uint8_t)bits;
	out[1] = (uint8_t)(bits >> 8);
	out[2] = (uint8_t)(bits >> 16);
}

size_t
mime_base64_decode_by_tables(const uint8_t *chars, size_t count, uint8_t *out)
{
	size_t done = 0;

	for (; done + 4 <= count; done += 4, chars += 16, out += 12) {
		uint32_t a = look_up(chars), b = look_up(chars + 4);
		uint32_t c = look_up(chars + 8), d = look_up(chars + 12);

		if (((a | b | c | d) & BAD) != 0)
			break;
		put_three(out, a);
		put_three(out + 3, b);
		put_three(out + 6, c);
		put_three(out + 9, d);
	}
	for (; done < count; done++, chars += 4, out += 3) {
		uint32_t bits = look_up(chars);

		if ((bits & BAD) != 0)
			break;
		put_three(out, bits);
	}
	return done;
}

size_t
mime_base64_decode_quanta(const uint8_t *chars, size_t count, uint8_t *out)
{
	size_t done = mime_base64_has_avx2() ? mime_base64_decode_avx2(chars, count, out) : 0;

	return done + mime_base64_decode_by_tables(chars + 4 * done, count - done, out + 3 * done);
}

size_t
mime_base64_decode_padded(const uint8_t chars[4], uint8_t out[2])
{
	size_t size = chars[3] != '=' ? 0 : chars[2] == '=' ? 1 : 2;
	uint32_t bits = first[chars[0]] | second[chars[1]];

	if (size == 0)
		return 0;
	if (size == 2)
		bits |= third[chars[2]];
	if ((bits & BAD) != 0 || (bits >> (8 * size)) != 0)
		return 0;
	out[0] = (uint8_t)bits;
	if (size == 2)
		out[1] = (uint8_t)(bits >> 8);
	return size;
}

size_t
mime_base64_encode_by_tables(struct bytes decoded, uint8_t *out)
{
	const uint8_t *in = decoded.data;
	size_t left = decoded.size, size = (decoded.size + 2) / 3 * 4;

	for (; left >= 3; left -= 3, in += 3, out += 4) {
		memcpy(out, pairs[in[0] << 4 | in[1] >> 4], 2);
		memcpy(out + 2, pairs[(in[1] & 15) << 8 | in[2]], 2);
	}
	if (left > 0) {
		unsigned next = left == 2 ? in[1] : 0;

		memcpy(out, pairs[(unsigned)in[0] << 4 | next >> 4], 2);
		out[2] = left == 2 ? pairs[(next & 15) << 8][0] : (uint8_t)'=';
		out[3] = (uint8_t)'=';
	}
	return size;
}

size_t
mime_base64_encode(struct bytes decoded, uint8_t *out)
{
	const size_t done = mime_base64_has_avx2() && decoded.size > 0
				    ? mime_base64_encode_avx2(decoded.data, decoded.size, out)
				    : 0;
	const size_t chars = done / 3 * 4;

	return chars + mime_base64_encode_by_tables(bytes_skip(decoded, done), out + chars);
}

bool
mime_base64_form_valid(const struct mime_base64_form *form)
{
	return form->column <= form->line_chars &&
	       (form->eol == MIME_EOL_CRLF || form->eol == MIME_EOL_LF);
}

static size_t
eol_size(const struct mime_base64_form *form)
{
	return form->eol == MIME_EOL_CRLF ? 2 : 1;
}

uint64_t
mime_base64_text_size(const struct mime_base64_form *form, uint64_t decoded_size)
{
	uint64_t chars = (decoded_size + 2) / 3 * 4;

	if (chars == 0 || form->line_chars == 0)
		return chars;
	return chars + (form->column + chars - 1) / form->line_chars * eol_size(form);
}

void
mime_base64_form_advance(struct mime_base64_form *form, uint64_t decoded_size)
{
	uint64_t chars = (decoded_size + 2) / 3 * 4;

	if (chars > 0 && form->line_chars > 0)
		form->column = (uint32_t)((form->column + chars - 1) % form->line_chars + 1);
}

/* Writes characters with the line breaks of the form; gives the end of the text. */
static uint8_t *
lay_out(struct bytes chars, struct mime_base64_form *form, uint8_t *out)
{
	while (chars.size > 0) {
		size_t n = chars.size;

		if (form->line_chars > 0 && form->column == form->line_chars) {
			if (form->eol == MIME_EOL_CRLF)
				*out++ = '\r';
			*out++ = '\n';
			form->column = 0;
		}
		if (form->line_chars > 0 && n > form->line_chars - form->column)
			n = form->line_chars - form->column;
		memcpy(out, chars.data, n);
		out += n;
		chars = bytes_skip(chars, n);
		if (form->line_chars > 0)
			form->column += (uint32_t)n;
	}
	return out;
}

void
mime_base64_render(struct bytes decoded, const struct mime_base64_form *form, struct buf *out)
{
	uint8_t chars[RENDER_BYTES / 3 * 4];
	struct mime_base64_form at = *form;
	uint8_t *end;

	assert(mime_base64_form_valid(form));
	if (decoded.size == 0)
		return;
	buf_reserve(out, (size_t)mime_base64_text_size(form, decoded.size));
	end = out->data + out->size;
	while (decoded.size > 0) {
		struct bytes some = bytes_take(decoded, RENDER_BYTES);
		size_t count = mime_base64_encode(some, chars);

		end = lay_out(bytes_of(chars, count), &at, end);
		decoded = bytes_skip(decoded, some.size);
	}
	out->size = (size_t)(end - out->data);
}

static bool
is_space(uint8_t c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* Decodes the quantum that the decoder has gathered. */
static bool
decode_gathered(struct mime_base64_decoder *d, struct buf *out, struct exa_error *err)
{
	uint8_t bytes[3];
	size_t size = 3;

	if (mime_base64_decode_quanta(d->chars, 1, bytes) == 0) {
		size = mime_base64_decode_padded(d->chars, bytes);
		d->padded = true;
	}
	if (size == 0)
		return exa_fail(err, EXA_PROTOCOL,
			"the base64 text is bad near its byte %llu (character or padding)",
			(unsigned long long)d->offset);
	buf_add(out, bytes, size);
	d->count = 0;
	return true;
}

/* Takes one character where whole quanta don't stand side by side. */
static bool
decode_char(struct mime_base64_decoder *d, uint8_t c, struct buf *out, struct exa_error *err)
{
	d->offset++;
	if (is_space(c))
		return true;
	if (d->padded)
		return exa_fail(err, EXA_PROTOCOL,
			"the base64 text goes on after its padding, at byte %llu",
			(unsigned long long)d->offset);
	d->chars[d->count++] = c;
	return d->count < 4 || decode_gathered(d, out, err);
}

bool
mime_base64_decode(
	struct mime_base64_decoder *d, struct bytes text, struct buf *out, struct exa_error *err)
{
	size_t before = out->size;

	buf_reserve(out, text.size / 4 * 3 + 3);
	while (text.size > 0) {
		size_t done = 0;

		if (d->count == 0 && !d->padded)
			done = mime_base64_decode_quanta(
				text.data, text.size / 4, out->data + out->size);
		out->size += 3 * done;
		d->offset += 4 * done;
		text = bytes_skip(text, 4 * done);
		/* Up to where quanta can be read side by side again. */
		do {
			if (text.size == 0)
				break;
			if (!decode_char(d, text.data[0], out, err)) {
				out->size = before;
				return false;
			}
			text = bytes_skip(text, 1);
		} while (d->count > 0 || (text.size > 0 && is_space(text.data[0])));
	}
	return true;
}

bool
mime_base64_finish(struct mime_base64_decoder *d, struct exa_error *err)
{
	bool whole = d->count == 0;
	uint64_t size = d->offset;

	*d = (struct mime_base64_decoder){ 0 };
	if (!whole)
		return exa_fail(err, EXA_PROTOCOL,
			"the base64 text of %llu bytes ends inside a group of four",
			(unsigned long long)size);
	return true;
}
