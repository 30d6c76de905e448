/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The splitter reads a message line by line where structure can stand, and by memchr where it
 * can't.
 *
 *     state        it is in                   a blank line leads to
 *     IN_HEADERS   a header; literal          IN_HEADERS  of the message inside
 *                                             BETWEEN     multipart: its boundary is pushed
 *                                             IN_LEAF     anything else
 *     IN_LEAF      a body; to mime_part       -
 *     BETWEEN      preamble, epilogue or      -
 *                  nothing; literal
 *
 * A message begins IN_HEADERS. In each state "--boundary" of an open multipart pops what is deeper
 * and leads to IN_HEADERS, "--boundary--" pops that multipart too and leads to BETWEEN.
 *
 * The stack of boundaries holds MIME_DEPTH_MAX levels, each line that begins with "--" is looked up
 * in all of them, innermost first; so a multipart that never closes ends where its parent goes on.
 * A message inside has no level: it ends where its part ends.
 *
 * The line break before a delimiter belongs to the delimiter, so a break in a body is held until it
 * is seen what follows. `held` is what isn't decided yet: in HEADERS the beginning of a line, in
 * bodies a line break and the beginning of a line that may be a delimiter. Whether something is
 * held depends on the chunks, what becomes of it doesn't: a line is judged when it is complete or
 * has reached a fixed size.
 */
#include <string.h>

#include "exarch/mem.h"
#include "exarch/mime.h"

#include "header.h"
#include "part.h"
#include "piece.h"

/* Longest line, break included, that can be a delimiter: the boundary, four dashes, and padding,
 * which some gateways add. */
#define DELIMITER_LINE_MAX (2 * MIME_BOUNDARY_MAX)
/* Beginning of a header line that is looked at; the rest of it is literal. */
#define HEADER_LINE_MAX MIME_FIELD_MAX

enum state { IN_HEADERS, IN_LEAF, BETWEEN };

struct level {
	bool digest;
	size_t size;
	uint8_t boundary[MIME_BOUNDARY_MAX];
};

struct mime_splitter {
	enum state state;
	bool at_line_start; /* bodies: nothing is before `held`, a delimiter may stand here */
	bool in_long_line;  /* headers: behind the first HEADER_LINE_MAX bytes of a line */
	bool in_digest;     /* headers: of a part of a multipart/digest */
	struct buf held;
	struct mime_header header;
	struct mime_entity entity;
	struct mime_part part;
	struct mime_pieces pieces;
	size_t depth;
	uint32_t hashes[MIME_DEPTH_MAX]; /* of the boundaries, side by side to be searched fast */
	struct level levels[MIME_DEPTH_MAX];
};

struct mime_splitter *
mime_splitter_new(const struct mime_sink *sink)
{
	struct mime_splitter *s = exa_alloc(sizeof *s);

	s->pieces.sink = *sink;
	s->part.pieces = &s->pieces;
	mime_splitter_reset(s);
	return s;
}

void
mime_splitter_free(struct mime_splitter *s)
{
	if (s == NULL)
		return;
	buf_done(&s->held);
	buf_done(&s->pieces.literal);
	mime_header_done(&s->header);
	mime_part_done(&s->part);
	exa_free(s);
}

void
mime_splitter_freep(struct mime_splitter **s)
{
	mime_splitter_free(*s);
}

static void
enter_headers(struct mime_splitter *s)
{
	s->state = IN_HEADERS;
	s->in_long_line = false;
	s->in_digest = false;
	mime_header_begin(&s->header);
}

void
mime_splitter_reset(struct mime_splitter *s)
{
	s->at_line_start = true;
	s->depth = 0;
	buf_reset(&s->held);
	buf_reset(&s->pieces.literal);
	enter_headers(s);
}

/* FNV-1a: most lines that look like delimiters differ here from every boundary. */
static uint32_t
hash_of(struct bytes b)
{
	uint32_t hash = UINT32_C(2166136261);

	for (size_t i = 0; i < b.size; i++)
		hash = (hash ^ b.data[i]) * UINT32_C(16777619);
	return hash;
}

/* The innermost level with this boundary, counted from 1; 0 when there is none. */
static size_t
find_level(const struct mime_splitter *s, struct bytes boundary)
{
	uint32_t hash = hash_of(boundary);

	for (size_t i = s->depth; i > 0; i--) {
		const struct level *l = &s->levels[i - 1];

		if (s->hashes[i - 1] == hash &&
			bytes_equal(boundary, bytes_of(l->boundary, l->size)))
			return i;
	}
	return 0;
}

struct delimiter {
	size_t level; /* from 1; 0 = the line is none */
	bool close;
};

/* LINE begins with "--" and is complete. */
static struct delimiter
read_delimiter(const struct mime_splitter *s, struct bytes line)
{
	struct delimiter d = { 0 };

	while (line.size > 0 && strchr(" \t\r\n", line.data[line.size - 1]) != NULL &&
		line.data[line.size - 1] != 0)
		line.size--;
	line = bytes_skip(line, 2);
	d.level = find_level(s, line);
	if (d.level == 0 && line.size > 2 && memcmp(line.data + line.size - 2, "--", 2) == 0) {
		d.close = true;
		d.level = find_level(s, bytes_take(line, line.size - 2));
	}
	return d;
}

/* Body text, to whom it belongs. */
static bool
body_text(struct mime_splitter *s, struct bytes text, struct exa_error *err)
{
	if (s->state == IN_LEAF)
		return mime_part_feed(&s->part, text, err);
	return mime_pieces_literal(&s->pieces, text, err);
}

/* A delimiter line (its own break is literal as well as the one before it) ends what is open. */
static bool
pass_delimiter(struct mime_splitter *s, const struct delimiter *d, struct bytes line,
	struct exa_error *err)
{
	if (s->state == IN_LEAF && !mime_part_end(&s->part, err))
		return false;
	if (!mime_pieces_literal(&s->pieces, line, err))
		return false;
	s->depth = d->close ? d->level - 1 : d->level;
	if (d->close) {
		s->state = BETWEEN;
		s->at_line_start = true;
	} else {
		enter_headers(s);
		s->in_digest = s->levels[s->depth - 1].digest;
	}
	return true;
}

static void
push_level(struct mime_splitter *s)
{
	struct level *l = &s->levels[s->depth];

	l->size = s->entity.boundary_size;
	l->digest = s->entity.digest;
	memcpy(l->boundary, s->entity.boundary, l->size);
	s->hashes[s->depth++] = hash_of(bytes_of(l->boundary, l->size));
}

/* The blank line was seen: what follows? */
static void
end_headers(struct mime_splitter *s)
{
	mime_header_end(&s->header, s->in_digest, &s->entity);
	s->at_line_start = true;
	if (s->entity.kind == MIME_ENTITY_MESSAGE) {
		enter_headers(s);
	} else if (s->entity.kind == MIME_ENTITY_MULTIPART && s->depth < MIME_DEPTH_MAX) {
		push_level(s);
		s->state = BETWEEN;
	} else {
		s->state = IN_LEAF;
		mime_part_begin(&s->part, s->entity.kind == MIME_ENTITY_BASE64);
	}
}

static bool
is_blank_line(struct bytes line)
{
	return line.size > 0 && (line.data[0] == '\n' || (line.size == 2 && line.data[0] == '\r' &&
								 line.data[1] == '\n'));
}

/* A whole header line, or its first HEADER_LINE_MAX bytes. */
static bool
header_line(struct mime_splitter *s, struct bytes line, struct exa_error *err)
{
	if (s->depth > 0 && line.size > 2 && line.size <= DELIMITER_LINE_MAX &&
		memcmp(line.data, "--", 2) == 0) {
		struct delimiter d = read_delimiter(s, line);

		if (d.level > 0)
			return pass_delimiter(s, &d, line, err);
	}
	if (!mime_pieces_literal(&s->pieces, line, err))
		return false;
	if (is_blank_line(line))
		end_headers(s);
	else
		mime_header_line(&s->header, line);
	return true;
}

/* Up to MAX bytes of IN: a line with its break, or what there is of it. */
static struct bytes
take_line(struct bytes in, size_t max)
{
	struct bytes line = bytes_take(in, max);
	const uint8_t *end = line.size > 0 ? memchr(line.data, '\n', line.size) : NULL;

	return end == NULL ? line : bytes_take(line, (size_t)(end - line.data) + 1);
}

static bool
ends_line(struct bytes line)
{
	return line.size > 0 && line.data[line.size - 1] == '\n';
}

static bool
feed_headers(struct mime_splitter *s, struct bytes *in, struct exa_error *err)
{
	struct bytes line;

	if (s->in_long_line) {
		line = take_line(*in, in->size);
		*in = bytes_skip(*in, line.size);
		s->in_long_line = !ends_line(line);
		return mime_pieces_literal(&s->pieces, line, err);
	}
	line = take_line(*in, HEADER_LINE_MAX - s->held.size);
	*in = bytes_skip(*in, line.size);
	if (s->held.size > 0 || (!ends_line(line) && line.size < HEADER_LINE_MAX)) {
		buf_add_bytes(&s->held, line);
		line = buf_bytes(&s->held);
	}
	if (!ends_line(line) && line.size < HEADER_LINE_MAX)
		return true;
	s->in_long_line = !ends_line(line);
	buf_reset(&s->held); /* which `line` may still borrow: nothing is held while it is passed */
	return header_line(s, line, err);
}

/* The line break at the front of TEXT ("\r" alone may become one). */
static size_t
break_at_front(struct bytes text)
{
	if (text.size > 0 && text.data[0] == '\n')
		return 1;
	if (text.size > 0 && text.data[0] == '\r' && (text.size == 1 || text.data[1] == '\n'))
		return text.size == 1 ? 1 : 2;
	return 0;
}

/* The bytes at the end of TEXT that are a line break or may become one. */
static size_t
break_at_end(struct bytes text)
{
	size_t n = text.size;

	if (n > 0 && text.data[n - 1] == '\n')
		n--;
	if (n > 0 && text.data[n - 1] == '\r')
		n--;
	return text.size - n;
}

enum verdict { UNDECIDED, PLAIN, DELIMITER };

/* Is LINE, which stands at a line's start, a delimiter? */
static enum verdict
judge(const struct mime_splitter *s, struct bytes line, bool last, struct delimiter *d_out)
{
	size_t dashes = 0;

	while (dashes < 2 && dashes < line.size && line.data[dashes] == '-')
		dashes++;
	if (dashes < 2 && dashes < line.size)
		return PLAIN;
	if (!ends_line(line) && !last && line.size < DELIMITER_LINE_MAX)
		return UNDECIDED;
	if (dashes < 2 || (!ends_line(line) && !last))
		return PLAIN;
	*d_out = read_delimiter(s, line);
	return d_out->level > 0 ? DELIMITER : PLAIN;
}

/* Decides about what is held, if it can be: passes it on, but for a line break at its end. */
static bool
settle(struct mime_splitter *s, bool last, struct exa_error *err)
{
	struct bytes held = buf_bytes(&s->held);
	size_t eol = s->at_line_start ? 0 : break_at_front(held), keep;
	bool may_be_eol = eol == 1 && held.size == 1 && held.data[0] == '\r';
	struct delimiter d = { 0 };
	enum verdict v = PLAIN;

	if (may_be_eol && !last)
		return true;
	if (s->at_line_start || (eol > 0 && !may_be_eol))
		v = judge(s, bytes_skip(held, eol), last, &d);
	if (v == UNDECIDED)
		return true;
	if (v == DELIMITER) {
		buf_reset(&s->held); /* `held` stays readable: nothing is held meanwhile */
		return pass_delimiter(s, &d, held, err);
	}
	keep = last ? 0 : break_at_end(bytes_skip(held, eol));
	if (!body_text(s, bytes_take(held, held.size - keep), err))
		return false;
	s->at_line_start = false;
	buf_consume(&s->held, held.size - keep);
	return true;
}

/* The next "--" at a line's start, not at FROM itself; in.size when there is none. */
static size_t
find_dashes(struct bytes in, size_t from)
{
	while (from < in.size) {
		const uint8_t *dash = memchr(in.data + from, '-', in.size - from);
		size_t at;

		if (dash == NULL)
			break;
		at = (size_t)(dash - in.data);
		if (at > 0 && at + 1 < in.size && dash[-1] == '\n' && dash[1] == '-')
			return at;
		from = at + 1;
	}
	return in.size;
}

/* The size of what can be decided of IN by itself, which begins within a line: up to the break
 * before a line that is a delimiter or isn't complete. */
static size_t
plain_size(const struct mime_splitter *s, struct bytes in)
{
	size_t at = s->depth > 0 ? find_dashes(in, 0) : in.size;

	while (at < in.size) {
		struct bytes line = take_line(bytes_skip(in, at), DELIMITER_LINE_MAX);
		struct delimiter d;

		if (judge(s, line, false, &d) != PLAIN)
			return at - break_at_end(bytes_take(in, at));
		at = find_dashes(in, at + 1);
	}
	if (s->depth == 0)
		return in.size;
	if (at > 1 && in.data[at - 1] == '-' && in.data[at - 2] == '\n')
		at--;
	return at - break_at_end(bytes_take(in, at));
}

/* Could the byte C go on with what is held, as the break or the dashes of a delimiter? */
static bool
goes_on(const struct mime_splitter *s, uint8_t c)
{
	struct bytes held = buf_bytes(&s->held);
	size_t eol = s->at_line_start ? 0 : break_at_front(held);

	if (held.size > eol || c == '-')
		return true;
	return c == '\n' && held.size == 1 && held.data[0] == '\r';
}

/* Holds the next byte, or of a line that begins with "--" as much as there is, and looks again. */
static bool
feed_held(struct mime_splitter *s, struct bytes *in, struct exa_error *err)
{
	struct bytes held = buf_bytes(&s->held);
	size_t line_size = held.size - (s->at_line_start ? 0 : break_at_front(held));
	struct bytes more = take_line(*in, line_size < 2 ? 1 : DELIMITER_LINE_MAX - line_size);

	buf_add_bytes(&s->held, more);
	*in = bytes_skip(*in, more.size);
	return settle(s, false, err);
}

static bool
feed_body(struct mime_splitter *s, struct bytes *in, struct exa_error *err)
{
	size_t n;

	if (s->at_line_start || s->held.size > 0) {
		if (goes_on(s, in->data[0]))
			return feed_held(s, in, err);
		if (!body_text(s, buf_bytes(&s->held), err))
			return false;
		buf_reset(&s->held);
		s->at_line_start = false;
	}
	n = plain_size(s, *in);
	if (n == 0)
		return feed_held(s, in, err);
	if (!body_text(s, bytes_take(*in, n), err))
		return false;
	*in = bytes_skip(*in, n);
	return true;
}

bool
mime_splitter_feed(struct mime_splitter *s, struct bytes chunk, struct exa_error *err)
{
	while (chunk.size > 0) {
		bool ok = s->state == IN_HEADERS ? feed_headers(s, &chunk, err)
						 : feed_body(s, &chunk, err);

		if (!ok)
			return false;
	}
	return true;
}

bool
mime_splitter_finish(struct mime_splitter *s, struct exa_error *err)
{
	struct bytes held = buf_bytes(&s->held);

	if (s->state == IN_HEADERS) {
		buf_reset(&s->held);
		if (!header_line(s, held, err))
			return false;
	} else if (!settle(s, true, err)) {
		return false;
	}
	if (s->state == IN_LEAF && !mime_part_end(&s->part, err))
		return false;
	if (!mime_pieces_flush(&s->pieces, err))
		return false;
	mime_splitter_reset(s);
	return true;
}
