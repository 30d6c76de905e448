/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From pieces, or a stream that has none, to a recipe. Literals stand in the recipe itself (headers
 * never repeat; packed and compressed with their neighbours they cost least), everything else
 * becomes an object.
 *
 * A message of a hundred thousand small parts would make a recipe larger than an object may be.
 * Such a message goes on `dense`: from RECIPE_DENSE_BYTES on, whatever comes is gathered as source
 * bytes into raw objects of DENSE_OBJECT_BYTES. It deduplicates worse and costs a dozen operations
 * instead of a hundred thousand.
 */
#include <string.h>

#include <openssl/evp.h>

#include "exarch/mem.h"
#include "exarch/sha256.h"
#include "recipe.h"
#include "record.h"

#define RECIPE_DENSE_BYTES ((size_t)2 * 1024 * 1024)
#define DENSE_OBJECT_BYTES ((size_t)1024 * 1024)

struct recipe_writer {
	struct store *store;
	EVP_MD_CTX *sha;
	struct buf ops;
	struct buf dense; /* source bytes not yet put */
	struct buf scratch;
	uint64_t op_count;
	uint64_t piece_bytes;  /* source bytes that the pieces stand for */
	uint64_t source_bytes; /* source bytes as they came */
	uint64_t new_bytes;
};

struct recipe_writer *
recipe_writer_new(struct store *s)
{
	struct recipe_writer *w = exa_alloc(sizeof *w);

	w->store = s;
	w->sha = EVP_MD_CTX_new();
	recipe_writer_reset(w);
	return w;
}

void
recipe_writer_free(struct recipe_writer *w)
{
	if (w == NULL)
		return;
	EVP_MD_CTX_free(w->sha);
	buf_done(&w->ops);
	buf_done(&w->dense);
	buf_done(&w->scratch);
	exa_free(w);
}

void
recipe_writer_freep(struct recipe_writer **w)
{
	recipe_writer_free(*w);
	*w = NULL;
}

void
recipe_writer_reset(struct recipe_writer *w)
{
	(void)EVP_DigestInit_ex(w->sha, exa_sha256(), NULL);
	buf_reset(&w->ops);
	buf_reset(&w->dense);
	w->op_count = 0;
	w->piece_bytes = 0;
	w->source_bytes = 0;
	w->new_bytes = 0;
}

void
recipe_writer_source(struct recipe_writer *w, struct bytes source)
{
	(void)EVP_DigestUpdate(w->sha, source.data, source.size);
	w->source_bytes += source.size;
}

/* Puts an object and begins an operation that names it. */
static bool
add_object(struct recipe_writer *w, enum recipe_op op, struct bytes data, struct exa_error *err)
{
	struct store_id id;
	bool is_new;

	if (!store_put(w->store, STORE_DATA, data, &id, &is_new, err))
		return false;
	if (is_new)
		w->new_bytes += data.size;
	buf_add_byte(&w->ops, (uint8_t)op);
	buf_add(&w->ops, id.bytes, STORE_ID_SIZE);
	buf_add_varint(&w->ops, data.size);
	w->op_count++;
	return true;
}

static bool
flush_dense(struct recipe_writer *w, size_t leave, struct exa_error *err)
{
	while (w->dense.size > leave) {
		struct bytes next = bytes_take(buf_bytes(&w->dense), DENSE_OBJECT_BYTES);

		if (!add_object(w, RECIPE_RAW, next, err))
			return false;
		buf_consume(&w->dense, next.size);
	}
	return true;
}

static bool
add_dense(struct recipe_writer *w, const struct mime_piece *piece, struct exa_error *err)
{
	if (piece->kind == MIME_BASE64)
		mime_base64_render(piece->data, &piece->form, &w->dense);
	else
		buf_add_bytes(&w->dense, piece->data);
	return flush_dense(w, DENSE_OBJECT_BYTES, err);
}

bool
recipe_writer_piece(struct recipe_writer *w, const struct mime_piece *piece, struct exa_error *err)
{
	w->piece_bytes += piece->source_size;
	if (w->ops.size > RECIPE_DENSE_BYTES)
		return add_dense(w, piece, err);
	switch (piece->kind) {
	case MIME_LITERAL:
		buf_add_byte(&w->ops, RECIPE_LIT);
		buf_add_sized(&w->ops, piece->data);
		w->op_count++;
		return true;
	case MIME_RAW:
		return add_object(w, RECIPE_RAW, piece->data, err);
	case MIME_BASE64:
		if (!add_object(w, RECIPE_B64, piece->data, err))
			return false;
		buf_add_varint(&w->ops, piece->form.line_chars);
		buf_add_varint(&w->ops, piece->form.column);
		buf_add_byte(&w->ops, (uint8_t)piece->form.eol);
		return true;
	}
	return exa_fail(err, EXA_FAILED, "a piece of unknown kind");
}

bool
recipe_writer_stream(struct recipe_writer *w, struct bytes stream, struct exa_error *err)
{
	recipe_writer_source(w, stream);
	w->piece_bytes += stream.size;
	buf_add_bytes(&w->dense, stream);
	return flush_dense(w, DENSE_OBJECT_BYTES, err);
}

bool
recipe_writer_finish(struct recipe_writer *w, struct recipe_result *out, struct exa_error *err)
{
	struct recipe_result result = { .mime_bytes = w->source_bytes };
	unsigned size = CATALOG_SHA256_SIZE;
	bool is_new;

	if (!flush_dense(w, 0, err))
		return false;
	if (w->piece_bytes != w->source_bytes)
		return exa_fail(err, EXA_FAILED,
			"the pieces of a message add up to %llu bytes of %llu",
			(unsigned long long)w->piece_bytes, (unsigned long long)w->source_bytes);
	(void)EVP_DigestFinal_ex(w->sha, result.mime_sha256, &size);
	buf_reset(&w->scratch);
	buf_add_byte(&w->scratch, RECIPE_VERSION);
	buf_add_byte(&w->scratch, 0);
	buf_add_varint(&w->scratch, result.mime_bytes);
	buf_add(&w->scratch, result.mime_sha256, CATALOG_SHA256_SIZE);
	buf_add_varint(&w->scratch, w->op_count);
	buf_add_bytes(&w->scratch, buf_bytes(&w->ops));
	if (!store_put(w->store, STORE_RECIPE, buf_bytes(&w->scratch), &result.id, &is_new, err))
		return false;
	result.new_bytes = w->new_bytes + (is_new ? w->scratch.size : 0);
	*out = result;
	recipe_writer_reset(w);
	return true;
}
