/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "exarch/bytes.h"
#include "exarch/mem.h"

#define BUF_FIRST_CAPACITY ((size_t)256)
#define VARINT_MAX_SHIFT 63

struct bytes
bytes_of(const void *data, size_t size)
{
	return (struct bytes){ .data = data, .size = size };
}

struct bytes
bytes_of_string(const char *s)
{
	return bytes_of(s, s == NULL ? 0 : strlen(s));
}

bool
bytes_equal(struct bytes a, struct bytes b)
{
	return a.size == b.size && (a.size == 0 || memcmp(a.data, b.data, a.size) == 0);
}

struct bytes
bytes_skip(struct bytes b, size_t n)
{
	if (n > b.size)
		n = b.size;
	return bytes_of(b.size == 0 ? b.data : b.data + n, b.size - n);
}

struct bytes
bytes_take(struct bytes b, size_t n)
{
	return bytes_of(b.data, n < b.size ? n : b.size);
}

void
buf_done(struct buf *b)
{
	exa_free(b->data);
	*b = (struct buf){ 0 };
}

void
buf_wipe(struct buf *b)
{
	if (b->data != NULL)
		exa_wipe(b->data, b->capacity);
	buf_done(b);
}

void
buf_reset(struct buf *b)
{
	b->size = 0;
}

void
buf_reserve(struct buf *b, size_t extra)
{
	size_t need = b->size + extra;
	size_t capacity = b->capacity > 0 ? b->capacity : BUF_FIRST_CAPACITY;

	if (need <= b->capacity)
		return;
	while (capacity < need)
		capacity += capacity / 2;
	b->data = exa_realloc(b->data, capacity);
	b->capacity = capacity;
}

void
buf_add(struct buf *b, const void *data, size_t size)
{
	if (size == 0)
		return;
	buf_reserve(b, size);
	memcpy(b->data + b->size, data, size);
	b->size += size;
}

void
buf_add_bytes(struct buf *b, struct bytes add)
{
	buf_add(b, add.data, add.size);
}

void
buf_add_string(struct buf *b, const char *s)
{
	buf_add(b, s, strlen(s));
}

void
buf_add_byte(struct buf *b, uint8_t byte)
{
	buf_reserve(b, 1);
	b->data[b->size++] = byte;
}

void
buf_vprintf(struct buf *b, const char *fmt, va_list args)
{
	va_list again;
	int size;

	va_copy(again, args);
	size = vsnprintf(NULL, 0, fmt, again);
	va_end(again);
	if (size <= 0)
		return;
	buf_reserve(b, (size_t)size + 1);
	(void)vsnprintf((char *)b->data + b->size, (size_t)size + 1, fmt, args);
	b->size += (size_t)size;
}

void
buf_printf(struct buf *b, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	buf_vprintf(b, fmt, args);
	va_end(args);
}

void
buf_consume(struct buf *b, size_t n)
{
	if (n == 0)
		return;
	memmove(b->data, b->data + n, b->size - n);
	b->size -= n;
}

struct bytes
buf_bytes(const struct buf *b)
{
	return bytes_of(b->data, b->size);
}

const char *
buf_string(struct buf *b)
{
	buf_reserve(b, 1);
	b->data[b->size] = '\0';
	return (const char *)b->data;
}

char *
buf_steal(struct buf *b)
{
	char *s;

	(void)buf_string(b);
	s = (char *)b->data;
	*b = (struct buf){ 0 };
	return s;
}

uint16_t
get_le16(const uint8_t *p)
{
	return (uint16_t)(p[0] | (unsigned)p[1] << 8);
}

uint32_t
get_le32(const uint8_t *p)
{
	return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

uint64_t
get_le64(const uint8_t *p)
{
	return (uint64_t)get_le32(p) | (uint64_t)get_le32(p + 4) << 32;
}

void
put_le16(uint8_t *p, uint16_t v)
{
	p[0] = (uint8_t)v;
	p[1] = (uint8_t)(v >> 8);
}

void
put_le32(uint8_t *p, uint32_t v)
{
	for (int i = 0; i < 4; i++)
		p[i] = (uint8_t)(v >> (8 * i));
}

void
put_le64(uint8_t *p, uint64_t v)
{
	for (int i = 0; i < 8; i++)
		p[i] = (uint8_t)(v >> (8 * i));
}

uint32_t
get_be32(const uint8_t *p)
{
	return (uint32_t)p[3] | (uint32_t)p[2] << 8 | (uint32_t)p[1] << 16 | (uint32_t)p[0] << 24;
}

uint64_t
get_be64(const uint8_t *p)
{
	return (uint64_t)get_be32(p + 4) | (uint64_t)get_be32(p) << 32;
}

void
put_be32(uint8_t *p, uint32_t v)
{
	for (int i = 0; i < 4; i++)
		p[i] = (uint8_t)(v >> (8 * (3 - i)));
}

void
put_be64(uint8_t *p, uint64_t v)
{
	for (int i = 0; i < 8; i++)
		p[i] = (uint8_t)(v >> (8 * (7 - i)));
}

void
buf_add_le16(struct buf *b, uint16_t v)
{
	uint8_t bytes[2];

	put_le16(bytes, v);
	buf_add(b, bytes, sizeof bytes);
}

void
buf_add_le32(struct buf *b, uint32_t v)
{
	uint8_t bytes[4];

	put_le32(bytes, v);
	buf_add(b, bytes, sizeof bytes);
}

void
buf_add_le64(struct buf *b, uint64_t v)
{
	uint8_t bytes[8];

	put_le64(bytes, v);
	buf_add(b, bytes, sizeof bytes);
}

void
buf_add_varint(struct buf *b, uint64_t v)
{
	while (v >= 0x80) {
		buf_add_byte(b, (uint8_t)(v | 0x80));
		v >>= 7;
	}
	buf_add_byte(b, (uint8_t)v);
}

void
buf_add_sized(struct buf *b, struct bytes v)
{
	buf_add_varint(b, v.size);
	buf_add_bytes(b, v);
}

struct reader
reader_of(struct bytes b)
{
	return (struct reader){ .rest = b };
}

struct bytes
read_bytes(struct reader *r, uint64_t n)
{
	struct bytes taken;

	if (r->failed || n > r->rest.size) {
		r->failed = true;
		return bytes_of(NULL, 0);
	}
	taken = bytes_take(r->rest, (size_t)n);
	r->rest = bytes_skip(r->rest, (size_t)n);
	return taken;
}

uint8_t
read_u8(struct reader *r)
{
	struct bytes b = read_bytes(r, 1);

	return b.size == 1 ? b.data[0] : 0;
}

uint16_t
read_le16(struct reader *r)
{
	struct bytes b = read_bytes(r, 2);

	return b.size == 2 ? get_le16(b.data) : 0;
}

uint32_t
read_le32(struct reader *r)
{
	struct bytes b = read_bytes(r, 4);

	return b.size == 4 ? get_le32(b.data) : 0;
}

uint64_t
read_le64(struct reader *r)
{
	struct bytes b = read_bytes(r, 8);

	return b.size == 8 ? get_le64(b.data) : 0;
}

uint64_t
read_varint(struct reader *r)
{
	uint64_t v = 0;

	for (int shift = 0; shift <= VARINT_MAX_SHIFT; shift += 7) {
		uint8_t byte = read_u8(r);

		if (shift == VARINT_MAX_SHIFT && byte > 1)
			break;
		v |= (uint64_t)(byte & 0x7f) << shift;
		if (byte < 0x80)
			return r->failed ? 0 : v;
	}
	r->failed = true;
	return 0;
}

struct bytes
read_sized(struct reader *r)
{
	return read_bytes(r, read_varint(r));
}

bool
reader_at_end(const struct reader *r)
{
	return !r->failed && r->rest.size == 0;
}
