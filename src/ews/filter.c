/* SPDX-License-Identifier: Apache-2.0 */
#include <ctype.h>
#include <string.h>

#include "filter.h"
#include "utf8.h"

/* What the scanner says about the bytes at the front of its input. */
enum verdict {
	PASS,      /* `size` bytes go out as they are */
	CHARACTER, /* `size` bytes mean `character` */
	CUT,       /* the input ends before it can be told */
};

struct token {
	enum verdict verdict;
	size_t size;
	uint32_t character; /* any number; may be a surrogate half or not allowed */
	bool reference;
};

static bool
plain(uint8_t c)
{
	return c >= 0x20 ? c < 0x80 && c != '&' : c == '\n' || c == '\r' || c == '\t';
}

static size_t
plain_run(struct bytes b)
{
	size_t n = 0;

	while (n < b.size && plain(b.data[n]))
		n++;
	return n;
}

static int
digit_value(uint8_t c, bool hex)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (hex && isxdigit(c))
		return tolower(c) - 'a' + 10;
	return -1;
}

/* B begins with '&'. Named references pass: the parser knows the five there are. */
static struct token
scan_reference(struct bytes b)
{
	struct token t = { .verdict = PASS, .size = 1, .reference = true };
	bool hex = b.size > 2 && b.data[2] == 'x';
	size_t first = hex ? 3 : 2, i;
	uint32_t number = 0;

	if (b.size < 2 || (b.size < 3 && b.data[1] == '#')) {
		t.verdict = CUT;
		return t;
	}
	if (b.data[1] != '#')
		return t;
	for (i = first; i < b.size && i < FILTER_HELD_MAX; i++) {
		int digit = digit_value(b.data[i], hex);

		if (digit < 0)
			break;
		if (number <= 0x10ffff) /* larger ones stay what they are: too large */
			number = number * (hex ? 16 : 10) + (uint32_t)digit;
	}
	if (i == b.size && i < FILTER_HELD_MAX)
		t.verdict = CUT;
	else if (i > first && i < FILTER_HELD_MAX && b.data[i] == ';')
		t = (struct token){ CHARACTER, i + 1, number, true };
	return t;
}

/* B begins with a byte that is neither plain nor '&'. */
static struct token
scan_bytes(struct bytes b)
{
	struct token t = { .verdict = CHARACTER, .size = 1, .character = UTF8_REPLACEMENT };
	size_t length = utf8_length(b.data[0]), read;

	if (length > b.size) {
		/* A sequence that is already wrong needn't wait for the rest. */
		for (size_t i = 1; i < b.size; i++) {
			if ((b.data[i] & 0xc0) != 0x80)
				return t;
		}
		t.verdict = CUT;
		return t;
	}
	read = utf8_read(b, &t.character);
	if (read > 0)
		t.size = read;
	else
		t.character = UTF8_REPLACEMENT;
	return t;
}

static struct token
scan(struct bytes b)
{
	size_t run = plain_run(b);

	if (run > 0)
		return (struct token){ .verdict = PASS, .size = run };
	return b.data[0] == '&' ? scan_reference(b) : scan_bytes(b);
}

static void
put_character(struct buf *out, uint32_t character)
{
	uint8_t utf8[UTF8_MAX];

	if (!xml_allows(character))
		character = UTF8_REPLACEMENT;
	buf_add(out, utf8, utf8_write(character, utf8));
}

static void
drop_high(struct filter *f, struct buf *out)
{
	if (f->high != 0)
		put_character(out, UTF8_REPLACEMENT);
	f->high = 0;
}

static void
put_token(struct filter *f, const struct token *t, const uint8_t *source, struct buf *out)
{
	if (t->reference && t->verdict == CHARACTER && t->character >= 0xd800 &&
		t->character < 0xdc00) {
		drop_high(f, out);
		f->high = (uint16_t)t->character;
		return;
	}
	if (t->reference && f->high != 0 && t->character >= 0xdc00 && t->character < 0xe000) {
		put_character(out,
			0x10000 + (((uint32_t)f->high - 0xd800) << 10) + t->character - 0xdc00);
		f->high = 0;
		return;
	}
	drop_high(f, out);
	if (t->verdict == PASS || xml_allows(t->character))
		buf_add(out, source, t->size); /* as it stood: &#xD; must stay a reference */
	else
		put_character(out, UTF8_REPLACEMENT);
}

static void
filter_bytes(struct filter *f, struct bytes b, struct buf *out)
{
	while (b.size > 0) {
		struct token t = scan(b);

		if (t.verdict == CUT) {
			memcpy(f->held, b.data, b.size);
			f->held_size = (uint8_t)b.size;
			return;
		}
		/* An illegal byte is not allowed as it stands, whatever its character says. */
		if (!t.reference && t.verdict == CHARACTER && t.character == UTF8_REPLACEMENT) {
			drop_high(f, out);
			put_character(out, UTF8_REPLACEMENT);
		} else {
			put_token(f, &t, b.data, out);
		}
		b = bytes_skip(b, t.size);
	}
}

/* Moves bytes of CHUNK to what is held until that can be judged; returns the rest of CHUNK. */
static struct bytes
complete_held(struct filter *f, struct bytes chunk, struct buf *out)
{
	while (f->held_size > 0 && chunk.size > 0) {
		uint8_t joined[FILTER_HELD_MAX];
		size_t size = f->held_size;

		memcpy(joined, f->held, size);
		joined[size++] = chunk.data[0];
		chunk = bytes_skip(chunk, 1);
		f->held_size = 0;
		filter_bytes(f, bytes_of(joined, size), out);
	}
	return chunk;
}

static struct bytes
skip_mark(struct filter *f, struct bytes chunk, struct buf *out)
{
	static const uint8_t mark[] = { 0xef, 0xbb, 0xbf };

	while (!f->started && chunk.size > 0) {
		if (chunk.data[0] != mark[f->held_size]) {
			f->started = true;
			break;
		}
		f->held[f->held_size++] = chunk.data[0];
		chunk = bytes_skip(chunk, 1);
		if (f->held_size == sizeof mark) {
			f->started = true;
			f->held_size = 0;
		}
	}
	return f->started ? complete_held(f, chunk, out) : chunk;
}

void
filter_feed(struct filter *f, struct bytes chunk, struct buf *out)
{
	chunk = f->started ? complete_held(f, chunk, out) : skip_mark(f, chunk, out);
	filter_bytes(f, chunk, out);
}

void
filter_finish(struct filter *f, struct buf *out)
{
	drop_high(f, out);
	buf_add(out, f->held, f->held_size);
	*f = (struct filter){ 0 };
}

bool
filter_is_idle(const struct filter *f)
{
	return f->started && f->held_size == 0 && f->high == 0;
}
