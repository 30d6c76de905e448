/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "soap_out.h"
#include "spoil.h"

#define HUGE_TEXT (11 * 1024 * 1024) /* libxml2 refuses text of 10 MB if not told otherwise */
#define LINE 76
#define NEVER_SEEN \
	"<t:Delete><t:ItemId Id=\"AAMkAGFiYWRjYWZlAA==\" ChangeKey=\"CQAAAA==\"/></t:Delete>"

struct span {
	size_t begin, end;
};

static const char *
find(const struct buf *b, size_t from, const char *what)
{
	return from >= b->size ? NULL : memmem(b->data + from, b->size - from, what, strlen(what));
}

/* The content of the next element NAME ("t:Subject") at or after FROM. */
static bool
next_content(const struct buf *b, size_t from, const char *name, struct span *out)
{
	EXA_AUTO(exa_freep) char *close = exa_asprintf("</%s>", name);
	EXA_AUTO(exa_freep) char *open = exa_asprintf("<%s", name);
	const char *at = (const char *)b->data + from, *end;

	do {
		at = find(b, (size_t)(at - (const char *)b->data), open);
		if (at == NULL)
			return false;
		at += strlen(open);
	} while (*at != '>' && *at != ' ');
	at = memchr(at, '>', b->size - (size_t)(at - (const char *)b->data));
	if (at == NULL)
		return false;
	end = find(b, (size_t)(at - (const char *)b->data), close);
	if (end == NULL)
		return false;
	*out = (struct span){ (size_t)(at + 1 - (const char *)b->data),
		(size_t)(end - (const char *)b->data) };
	return true;
}

static void
take(struct buf *b, struct buf *made)
{
	struct buf old = *b;

	(void)buf_string(made); /* as in spoil_text */
	*b = *made;
	*made = (struct buf){ 0 };
	buf_done(&old);
}

/* Each content of NAME goes through CHANGE, which writes what shall stand there. */
static void
change_contents(struct buf *b, const char *name, void (*change)(struct buf *out, struct bytes in))
{
	struct buf out = { 0 };
	struct span s;
	size_t done = 0;

	while (next_content(b, done, name, &s)) {
		buf_add(&out, b->data + done, s.begin - done);
		change(&out, bytes_of(b->data + s.begin, s.end - s.begin));
		done = s.end;
	}
	buf_add(&out, b->data + done, b->size - done);
	take(b, &out);
}

static void
replace_all(struct buf *b, const char *from, const char *to)
{
	struct buf out = { 0 };
	size_t done = 0;
	const char *at;

	while ((at = find(b, done, from)) != NULL) {
		size_t place = (size_t)(at - (const char *)b->data);

		buf_add(&out, b->data + done, place - done);
		buf_add_string(&out, to);
		done = place + strlen(from);
	}
	buf_add(&out, b->data + done, b->size - done);
	take(b, &out);
}

static void
put_first(struct buf *b, const char *text)
{
	struct buf out = { 0 };

	buf_add_string(&out, text);
	buf_add_bytes(&out, buf_bytes(b));
	take(b, &out);
}

/* ---- text ---- */

static void
add_illegal(struct buf *out, struct bytes in)
{
	buf_add_string(out, "&#x1;&#xB;&#0;&#x1f;");
	buf_add_bytes(out, in);
	buf_add_string(out, "&#xFFFE;&#xFFFF;");
}

static void
add_pair(struct buf *out, struct bytes in)
{
	buf_add_bytes(out, in);
	buf_add_string(out, "&#xD83D;&#xDE00;");
}

static void
add_lone(struct buf *out, struct bytes in)
{
	buf_add_string(out, "&#xD83D;");
	buf_add_bytes(out, in);
	buf_add_string(out, "&#xDE00;");
}

static void
add_brackets(struct buf *out, struct bytes in)
{
	buf_add_bytes(out, in);
	buf_add_string(out, "]]&gt; ]]]]&gt; &#x5D;]&#62;");
}

static void
add_huge(struct buf *out, struct bytes in)
{
	buf_add_bytes(out, in);
	buf_reserve(out, HUGE_TEXT);
	memset(out->data + out->size, 'x', HUGE_TEXT);
	out->size += HUGE_TEXT;
}

static void
pad(struct buf *out, struct bytes in)
{
	buf_add_string(out, "\r\n\t  ");
	buf_add_bytes(out, in);
	buf_add_string(out, "  \n");
}

static void
change_names(struct buf *b, void (*change)(struct buf *out, struct bytes in))
{
	change_contents(b, "t:Subject", change);
	change_contents(b, "t:DisplayName", change);
}

static void
use_other_prefixes(struct buf *b)
{
	static const char *const pairs[][2] = { { "<s:", "<soap-env:" }, { "</s:", "</soap-env:" },
		{ "xmlns:s=", "xmlns:soap-env=" }, { "<m:", "<ns17:" }, { "</m:", "</ns17:" },
		{ "xmlns:m=", "xmlns:ns17=" }, { "<t:", "<m:" }, { "</t:", "</m:" },
		{ "xmlns:t=", "xmlns:m=" } };

	for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++)
		replace_all(b, pairs[i][0], pairs[i][1]);
}

static void
use_default_namespace(struct buf *b)
{
	replace_all(b, "<m:", "<");
	replace_all(b, "</m:", "</");
	replace_all(b, "xmlns:m=", "xmlns=");
}

static void
put_doctype(struct buf *b)
{
	replace_all(b, "<s:Envelope",
		"<!DOCTYPE x [<!ENTITY a \"aaaaaaaaaa\"><!ENTITY b \"&a;&a;&a;&a;&a;&a;\">]>"
		"<s:Envelope");
}

/* ---- base64 ---- */

static void
add_cdata(struct buf *out, struct bytes in)
{
	buf_add_string(out, "<![CDATA[");
	buf_add_bytes(out, in);
	buf_add_string(out, "]]>");
}

/* In two sections and a piece of plain text between, at places that aren't multiples of four. */
static void
add_split_cdata(struct buf *out, struct bytes in)
{
	size_t a = in.size / 3, b = in.size / 3 * 2 + 1;

	if (b > in.size)
		b = in.size;
	add_cdata(out, bytes_take(in, a));
	buf_add_bytes(out, bytes_take(bytes_skip(in, a), b - a));
	add_cdata(out, bytes_skip(in, b));
}

static void
add_lines(struct buf *out, struct bytes in)
{
	static const char *const breaks[] = { "\r\n", "\n", "&#xD;\n", " \t", "\n   " };

	buf_add_string(out, "\n");
	for (size_t i = 0; in.size > 0; i++, in = bytes_skip(in, LINE)) {
		buf_add_bytes(out, bytes_take(in, LINE));
		buf_add_string(out, breaks[i % 5]);
	}
}

static void
add_bad_base64(struct buf *out, struct bytes in)
{
	buf_add_bytes(out, bytes_take(in, in.size / 2));
	buf_add_string(out, "*!\xc3\xa4*");
	buf_add_bytes(out, bytes_skip(in, in.size / 2));
}

/* The last quantum is torn and its padding gone. */
static void
add_short_base64(struct buf *out, struct bytes in)
{
	buf_add_bytes(out, bytes_take(in, in.size > 3 ? in.size - 3 : 0));
}

static void
change_data(struct buf *b, void (*change)(struct buf *out, struct bytes in))
{
	change_contents(b, "t:MimeContent", change);
	change_contents(b, "m:Data", change);
}

/* As documented for exports: the data ends early, and so does the answer, with these words. */
static void
truncate_data(struct buf *b)
{
	struct span s;

	if (!next_content(b, 0, "m:Data", &s) && !next_content(b, 0, "t:MimeContent", &s))
		s = (struct span){ 0, b->size };
	b->size = s.begin + (s.end - s.begin) / 2;
	buf_add_string(b, "=== Truncated Data ===");
}

/* ---- lists ---- */

/* The response messages of an answer: all between <m:ResponseMessages> and its end. */
struct messages {
	size_t begin, end; /* of all */
	struct span *rows;
	size_t count;
};

static void
find_messages(const struct buf *b, struct messages *out)
{
	struct span all;
	size_t at, room = 0;
	const char *end;

	*out = (struct messages){ 0 };
	if (!next_content(b, 0, "m:ResponseMessages", &all))
		return;
	out->begin = at = all.begin;
	out->end = all.end;
	while (at < all.end && (end = find(b, at, "ResponseMessage>")) != NULL &&
		(size_t)(end - (const char *)b->data) < all.end) {
		size_t stop = (size_t)(end - (const char *)b->data) + strlen("ResponseMessage>");

		if (out->count == room) {
			room = room * 2 + 16;
			out->rows = exa_realloc_array(out->rows, room, sizeof *out->rows);
		}
		out->rows[out->count++] = (struct span){ at, stop };
		at = stop;
	}
}

enum order { IN_ORDER, BACKWARDS };

/* Writes COUNT messages; those beyond the last are the last again. */
static void
rewrite_messages(struct buf *b, size_t less, size_t more, enum order order)
{
	struct messages m;
	struct buf out = { 0 };

	find_messages(b, &m);
	if (m.count > 0) {
		buf_add(&out, b->data, m.begin);
		for (size_t i = 0; i + less < m.count + more; i++) {
			size_t last = m.count - 1, k = i < last ? i : last;
			const struct span *row = &m.rows[order == BACKWARDS ? last - k : k];

			buf_add(&out, b->data + row->begin, row->end - row->begin);
		}
		buf_add(&out, b->data + m.end, b->size - m.end);
		take(b, &out);
	}
	exa_free(m.rows);
}

static void
twice(struct buf *out, struct bytes in)
{
	buf_add_bytes(out, in);
	buf_add_bytes(out, in);
}

static void
with_unknown(struct buf *out, struct bytes in)
{
	buf_add_string(out, NEVER_SEEN);
	buf_add_bytes(out, in);
}

bool
spoil_text(enum scenario_wire kind, struct buf *b)
{
	(void)buf_string(b); /* there is an address to reckon from, even of an empty text */
	switch (kind) {
	case WIRE_ILLEGAL_REFERENCES:
		change_names(b, add_illegal);
		return true;
	case WIRE_SPLIT_SURROGATES:
		change_names(b, add_pair);
		return true;
	case WIRE_LONE_SURROGATE:
		change_names(b, add_lone);
		return true;
	case WIRE_BRACKETS:
		change_names(b, add_brackets);
		return true;
	case WIRE_HUGE_TEXT:
		change_names(b, add_huge);
		return true;
	case WIRE_OTHER_PREFIXES:
		use_other_prefixes(b);
		return true;
	case WIRE_DEFAULT_NAMESPACE:
		use_default_namespace(b);
		return true;
	case WIRE_BOM:
		put_first(b, "\xef\xbb\xbf");
		return true;
	case WIRE_COMMENTS:
		replace_all(b, "<m:ResponseCode>", "<!-- <m:x> --><?pi ?><m:ResponseCode>");
		return true;
	case WIRE_DOCTYPE:
		put_doctype(b);
		return true;
	case WIRE_PADDED_CODES:
		change_contents(b, "m:ResponseCode", pad);
		return true;
	case WIRE_CDATA:
		change_data(b, add_cdata);
		return true;
	case WIRE_SPLIT_CDATA:
		change_data(b, add_split_cdata);
		return true;
	case WIRE_BASE64_LINES:
		change_data(b, add_lines);
		return true;
	case WIRE_BAD_BASE64:
		change_data(b, add_bad_base64);
		return true;
	case WIRE_SHORT_BASE64:
		change_data(b, add_short_base64);
		return true;
	case WIRE_TRUNCATED_DATA:
		truncate_data(b);
		return true;
	case WIRE_FEWER_MESSAGES:
		rewrite_messages(b, 1, 0, IN_ORDER);
		return true;
	case WIRE_MORE_MESSAGES:
		rewrite_messages(b, 0, 1, IN_ORDER);
		return true;
	case WIRE_REVERSED_MESSAGES:
		rewrite_messages(b, 0, 0, BACKWARDS);
		return true;
	case WIRE_DUPLICATE_ITEMS:
		change_contents(b, "m:Changes", twice);
		change_contents(b, "t:Items", twice);
		return true;
	case WIRE_UNKNOWN_DELETE:
		change_contents(b, "m:Changes", with_unknown);
		return true;
	case WIRE_NONE:
	case WIRE_RESET_BEFORE_HEADERS:
	case WIRE_RESET_AFTER_HEADERS:
	case WIRE_RESET_MID_BODY:
	case WIRE_CUT_RIGHT_LENGTH:
	case WIRE_CUT_WRONG_LENGTH:
	case WIRE_CUT_CHUNKED:
	case WIRE_DRIP:
	case WIRE_STALL:
	case WIRE_GZIP:
	case WIRE_BROKEN_GZIP:
	case WIRE_CUT_GZIP:
	case WIRE_COUNT:
		break;
	}
	return false;
}
