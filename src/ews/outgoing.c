/* SPDX-License-Identifier: Apache-2.0 */
#include <assert.h>
#include <string.h>

#include "outgoing.h"

/* Bytes encoded in one go; a multiple of three. */
#define ENCODE_STEP ((size_t)48 * 1024)

void
outgoing_reset(struct outgoing *o)
{
	buf_reset(&o->text);
	o->insert_count = 0;
}

void
outgoing_done(struct outgoing *o)
{
	buf_done(&o->text);
	o->insert_count = 0;
}

void
outgoing_insert(struct outgoing *o, const struct ews_source *source)
{
	assert(o->insert_count < EWS_BATCH_MAX);
	o->inserts[o->insert_count++] =
		(struct outgoing_insert){ .at = o->text.size, .source = source };
}

static uint64_t
base64_size(uint64_t bytes)
{
	return (bytes + 2) / 3 * 4;
}

static uint64_t
outgoing_size(const struct outgoing *o)
{
	uint64_t size = o->text.size;

	for (size_t i = 0; i < o->insert_count; i++)
		size += base64_size(o->inserts[i].source->size);
	return size;
}

/* ---- one source ---- */

/* Only whole groups of three bytes are encoded before the source's end. */
static void
encode_some(struct outgoing_reader *r)
{
	size_t step;

	while (r->carry_size > 0 && r->carry_size < 3 && r->piece.size > 0) {
		r->carry[r->carry_size++] = r->piece.data[0];
		r->piece = bytes_skip(r->piece, 1);
	}
	if (r->carry_size == 3) {
		buf_add_base64(&r->encoded, bytes_of(r->carry, 3));
		r->carry_size = 0;
	}
	step = r->piece.size < ENCODE_STEP ? r->piece.size / 3 * 3 : ENCODE_STEP;
	buf_add_base64(&r->encoded, bytes_take(r->piece, step));
	r->piece = bytes_skip(r->piece, step);
	if (r->piece.size < 3 && r->carry_size == 0) {
		if (r->piece.size > 0)
			memcpy(r->carry, r->piece.data, r->piece.size);
		r->carry_size = r->piece.size;
		r->piece = bytes_of(NULL, 0);
	}
}

static bool
end_source(struct outgoing_reader *r, const struct ews_source *source, struct exa_error *err)
{
	if (r->taken != source->size)
		return exa_fail(err, EXA_CORRUPT, "%llu bytes came where %llu were announced",
			(unsigned long long)r->taken, (unsigned long long)source->size);
	buf_add_base64(&r->encoded, bytes_of(r->carry, r->carry_size));
	r->carry_size = 0;
	r->inside = false;
	r->insert++;
	return true;
}

static bool
read_source(struct outgoing_reader *r, struct exa_error *err)
{
	const struct ews_source *source = r->outgoing->inserts[r->insert].source;

	if (r->piece.size == 0) {
		if (!source->next(source->ctx, &r->piece, err))
			return false;
		if (r->piece.size == 0)
			return end_source(r, source, err);
		r->taken += r->piece.size;
		if (r->taken > source->size)
			return exa_fail(err, EXA_CORRUPT, "more than the %llu bytes announced came",
				(unsigned long long)source->size);
	}
	encode_some(r);
	return true;
}

static bool
begin_source(struct outgoing_reader *r, struct exa_error *err)
{
	const struct ews_source *source = r->outgoing->inserts[r->insert].source;

	r->inside = true;
	r->taken = 0;
	r->carry_size = 0;
	r->piece = bytes_of(NULL, 0);
	return source->open(source->ctx, err);
}

/* ---- all of it ---- */

static size_t
give(uint8_t *out, size_t room, const uint8_t *from, size_t size)
{
	size = size < room ? size : room;
	memcpy(out, from, size);
	return size;
}

static bool
read_some(void *ctx, uint8_t *out, size_t room, size_t *size_out, struct exa_error *err)
{
	struct outgoing_reader *r = ctx;
	const struct outgoing *o = r->outgoing;

	for (;;) {
		const size_t stop =
			r->insert < o->insert_count ? o->inserts[r->insert].at : o->text.size;

		if (r->encoded_at < r->encoded.size) {
			*size_out = give(out, room, r->encoded.data + r->encoded_at,
				r->encoded.size - r->encoded_at);
			r->encoded_at += *size_out;
			return true;
		}
		buf_reset(&r->encoded);
		r->encoded_at = 0;
		if (!r->inside && r->at < stop) {
			*size_out = give(out, room, o->text.data + r->at, stop - r->at);
			r->at += *size_out;
			return true;
		}
		assert(r->inside || r->insert < o->insert_count);
		if (r->inside ? !read_source(r, err) : !begin_source(r, err))
			return false;
	}
}

static bool
begin_again(void *ctx, struct exa_error *err)
{
	struct outgoing_reader *r = ctx;

	(void)err;
	r->at = 0;
	r->insert = 0;
	r->inside = false;
	buf_reset(&r->encoded);
	r->encoded_at = 0;
	return true;
}

void
outgoing_source(struct outgoing_reader *reader, const struct outgoing *o, struct http_source *out)
{
	reader->outgoing = o;
	*out = (struct http_source){
		.size = outgoing_size(o), .read = read_some, .rewind = begin_again, .ctx = reader
	};
}

void
outgoing_reader_done(struct outgoing_reader *r)
{
	buf_done(&r->encoded);
}
