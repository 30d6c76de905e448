/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bytes: a borrowed piece of memory (struct bytes), a growing buffer (struct buf), numbers in disk
 * order, and the text forms of bytes (hex, base64url). Bytes are never "a string that happens to
 * hold mail": length counts, NUL is a byte.
 *
 * Any thread; a buf belongs to one thread at a time.
 */
#ifndef EXARCH_BYTES_H
#define EXARCH_BYTES_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "exarch/attr.h"

/* Borrowed: whoever hands it over says how long it stays good. data may be NULL when size is 0. */
struct bytes {
	const uint8_t *data;
	size_t size;
};

struct bytes bytes_of(const void *data, size_t size);
struct bytes bytes_of_string(const char *s); /* without the NUL; NULL gives none */
bool bytes_equal(struct bytes a, struct bytes b);
struct bytes bytes_skip(struct bytes b, size_t n); /* n is cut at b.size */
struct bytes bytes_take(struct bytes b, size_t n); /* the first n, cut at b.size */

/* A growing buffer that owns its memory. `struct buf b = { 0 };` is a good empty one; pair with
 * buf_done. */
struct buf {
	uint8_t *data;
	size_t size;
	size_t capacity;
};

void buf_done(struct buf *b); /* frees and zeroes; for EXA_AUTO too */
/* The same for a secret: overwrites all of its memory first. Reserve what it needs beforehand:
 * memory that was outgrown isn't overwritten. */
void buf_wipe(struct buf *b);
void buf_reset(struct buf *b);                 /* empty, memory kept */
void buf_reserve(struct buf *b, size_t extra); /* room for extra more bytes */
void buf_add(struct buf *b, const void *data, size_t size);
void buf_add_bytes(struct buf *b, struct bytes add);
void buf_add_string(struct buf *b, const char *s);
void buf_add_byte(struct buf *b, uint8_t byte);
void buf_printf(struct buf *b, const char *fmt, ...) EXA_PRINTF(2, 3);
void buf_vprintf(struct buf *b, const char *fmt, va_list args) EXA_PRINTF(2, 0);
void buf_consume(struct buf *b, size_t n);   /* drops the first n bytes */
struct bytes buf_bytes(const struct buf *b); /* borrowed until the buf next changes */
const char *buf_string(struct buf *b); /* NUL-terminated view; the NUL isn't counted in size */
char *buf_steal(struct buf *b); /* NUL-terminated, gives it to the caller (exa_free); b is empty */

/* Little-endian numbers, as everything on disk. No struct is ever written to disk. */
uint16_t get_le16(const uint8_t *p);
uint32_t get_le32(const uint8_t *p);
uint64_t get_le64(const uint8_t *p);
void put_le16(uint8_t *p, uint16_t v);
void put_le32(uint8_t *p, uint32_t v);
void put_le64(uint8_t *p, uint64_t v);
/* Big-endian, for keys that must sort by number. */
uint32_t get_be32(const uint8_t *p);
uint64_t get_be64(const uint8_t *p);
void put_be32(uint8_t *p, uint32_t v);
void put_be64(uint8_t *p, uint64_t v);

void buf_add_le16(struct buf *b, uint16_t v);
void buf_add_le32(struct buf *b, uint32_t v);
void buf_add_le64(struct buf *b, uint64_t v);
void buf_add_varint(
	struct buf *b, uint64_t v); /* LEB128: 7 bits a byte, low first, top bit = more follows */
void buf_add_sized(struct buf *b, struct bytes v); /* varint length, then the bytes */

/*
 * A cursor over bytes from outside: each read moves on; a read beyond the end sets failed and gives
 * zero, so that a decoder checks once, at its end. A varint of more than 10 bytes or beyond 64 bits
 * fails too.
 */
struct reader {
	struct bytes rest;
	bool failed;
};

struct reader reader_of(struct bytes b);
uint8_t read_u8(struct reader *r);
uint16_t read_le16(struct reader *r);
uint32_t read_le32(struct reader *r);
uint64_t read_le64(struct reader *r);
uint64_t read_varint(struct reader *r);
struct bytes read_bytes(struct reader *r, uint64_t n); /* borrowed from the input */
struct bytes read_sized(struct reader *r);
bool reader_at_end(const struct reader *r); /* nothing failed and nothing is left */

void hex_encode(struct bytes in, char *out); /* lower case; out holds 2 * size + 1 */
bool hex_decode(
	const char *in, uint8_t *out, size_t size) EXA_CHECK; /* exactly size bytes, either case */
void buf_add_base64url(struct buf *b, struct bytes in);       /* RFC 4648 section 5, no padding */
void buf_add_base64(struct buf *b, struct bytes in);          /* RFC 4648 section 4, one line */
bool buf_decode_base64(struct buf *b,
	const char *text) EXA_CHECK; /* either alphabet, padding optional, spaces skipped */

#endif
