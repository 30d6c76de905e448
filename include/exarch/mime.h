/* SPDX-License-Identifier: Apache-2.0 */
/*
 * MIME: cuts a message into pieces that deduplicate, and decodes base64. Bytes in, pieces out; no
 * I/O, no hashing, no decoding for people (charsets, header text).
 *
 * The splitter takes the bytes of one message in any chunking and hands out pieces, which one after
 * the other are exactly the message:
 *
 *     headers, part headers, boundaries, small parts      LITERAL   as they stand
 *     leaf part of 1 KiB or more                          RAW       as it stands
 *     ... with transfer encoding base64                   BASE64    decoded, + how it was laid
 *
 * Promises:
 *  1. Pieces put together (LITERAL and RAW as they are, BASE64 through mime_base64_render) are the
 *     message, byte for byte, for every input: each BASE64 piece was rendered again and compared
 *     with its source text before it is handed out; what doesn't compare goes out as RAW or
 *     LITERAL. This doesn't depend on the MIME parser being right: a parser led astray only
 *     costs deduplication.
 *  2. Pieces depend on the message alone, not on how it was chunked.
 *  3. The same attachment in another message, with other boundaries or line lengths, gives BASE64
 *     pieces with the same data: cuts are counted from the part's start.
 *  4. Memory is bounded (MIME_SPLITTER_MEMORY_MAX) and time linear, whatever comes.
 *
 * A splitter or decoder belongs to one thread at a time.
 */
#ifndef EXARCH_MIME_H
#define EXARCH_MIME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "exarch/attr.h"
#include "exarch/bytes.h"
#include "exarch/error.h"

/* Below this an object of its own costs more than it saves (measured: 0.20 of raw at 1 KiB, 0.5 %
 * worse at 4 KiB). Applies to the text of a base64 run as well. */
#define MIME_PART_MIN ((size_t)1024)
/* A LITERAL is never larger: longer structure (huge headers, 100,000 tiny parts) goes out as RAW
 * pieces of this size, and LITERAL for what is left. */
#define MIME_LITERAL_MAX ((size_t)32 * 1024)
/* Larger parts are cut at multiples of these from the part's start, so that a stream needs no more
 * memory than that and equal parts have equal cuts. A full BASE64 piece is 1 MiB of text. */
#define MIME_RAW_MAX ((size_t)1024 * 1024)
#define MIME_BASE64_MAX ((size_t)768 * 1024)
/* Multiparts within multiparts; deeper ones are leaves. Real mail stays below 10; each level costs
 * a look per delimiter-like line. */
#define MIME_DEPTH_MAX 64
/* RFC 2046 allows 70 characters; mail with more exists. A longer boundary makes a leaf. */
#define MIME_BOUNDARY_MAX ((size_t)256)
/* What one splitter holds at most: one RAW and one BASE64 piece, a block of text, the literal. */
#define MIME_SPLITTER_MEMORY_MAX ((size_t)4 * 1024 * 1024)

enum mime_piece_kind { MIME_LITERAL, MIME_RAW, MIME_BASE64 };

enum mime_eol { MIME_EOL_CRLF, MIME_EOL_LF }; /* line break inside a base64 run */

/*
 * How the text of a BASE64 piece was laid out. Characters are written one after the other; before
 * each, if line_chars isn't 0 and column has reached it, the line break is written and column
 * becomes 0. Padding ('=') is written by the same rule where size % 3 != 0, which only the last
 * piece of a run may have. So a break that ends a run isn't in it: it begins what follows.
 */
struct mime_base64_form {
	uint32_t line_chars; /* 0 = one line without breaks */
	uint32_t column;     /* characters on the line before this piece, 0..line_chars */
	enum mime_eol eol;
};

struct mime_piece {
	enum mime_piece_kind kind;
	struct bytes data;    /* LITERAL, RAW: the source bytes; BASE64: the decoded bytes */
	uint64_t source_size; /* bytes of the message that this piece stands for */
	struct mime_base64_form form; /* of BASE64 */
};

/* Takes one piece; its data is borrowed until the call returns. False (with err) stops the
 * splitter. */
struct mime_sink {
	bool (*piece)(void *ctx, const struct mime_piece *piece, struct exa_error *err);
	void *ctx;
};

struct mime_splitter;

struct mime_splitter *mime_splitter_new(const struct mime_sink *sink); /* copies *sink */
void mime_splitter_free(struct mime_splitter *s);
void mime_splitter_freep(struct mime_splitter **s);

/* The next bytes of the message. False only when the sink failed; then only reset or free may
 * follow. */
bool mime_splitter_feed(
	struct mime_splitter *s, struct bytes chunk, struct exa_error *err) EXA_CHECK;

/* The message ends here: hands out what is held. After true, ready for the next message. */
bool mime_splitter_finish(struct mime_splitter *s, struct exa_error *err) EXA_CHECK;

/* Forgets the message begun; ready for the next. Memory is kept. */
void mime_splitter_reset(struct mime_splitter *s);

/* Forms read from disk must pass this before they are rendered. */
bool mime_base64_form_valid(const struct mime_base64_form *form);

/* The size of the text of DECODED_SIZE bytes laid out by FORM. */
uint64_t mime_base64_text_size(const struct mime_base64_form *form, uint64_t decoded_size);

/* Appends the text of DECODED to *out. */
void mime_base64_render(struct bytes decoded, const struct mime_base64_form *form, struct buf *out);

/* Moves column behind DECODED_SIZE bytes, so that a large piece can be rendered in steps (each but
 * the last a multiple of 3 bytes). */
void mime_base64_form_advance(struct mime_base64_form *form, uint64_t decoded_size);

/*
 * Streaming decoder for base64 text where the layout doesn't matter (MimeContent in an EWS answer):
 * spaces, tabs and line breaks may stand anywhere, chunks may split anywhere; alphabet and padding
 * must be right. A zeroed struct is ready.
 */
struct mime_base64_decoder {
	uint64_t offset; /* text bytes seen, for error texts */
	uint8_t chars[4];
	uint8_t count; /* of chars: the quantum begun */
	bool padded;   /* nothing but white space may follow */
};

/* Appends the decoded bytes to *out (at most text.size / 4 * 3 + 3). EXA_PROTOCOL for text that
 * isn't base64; *out is then as it was. */
bool mime_base64_decode(struct mime_base64_decoder *d, struct bytes text, struct buf *out,
	struct exa_error *err) EXA_CHECK;

/* The text ends here: EXA_PROTOCOL when it ends inside a quantum. Ready for the next text in any
 * case. */
bool mime_base64_finish(struct mime_base64_decoder *d, struct exa_error *err) EXA_CHECK;

#endif
