/* SPDX-License-Identifier: Apache-2.0 */
/* From a recipe back to the message: follow the operations, stream, compare length and SHA-256 at
 * the end. */
#include <string.h>

#include <openssl/evp.h>

#include "exarch/mem.h"
#include "recipe.h"
#include "record.h"

/* The bytes a step stands for, borrowed until the next step. */
static bool
step_bytes(struct store_reader *reader, const struct recipe_step *step, struct buf *rendered,
	struct bytes *out, struct exa_error *err)
{
	struct bytes object;

	if (step->op == RECIPE_LIT) {
		*out = step->literal;
		return true;
	}
	if (!store_reader_object(reader, STORE_DATA, &step->id, &object, err))
		return false;
	if (object.size != step->size)
		return exa_fail(err, EXA_CORRUPT,
			"an object has %zu bytes where its recipe says %llu", object.size,
			(unsigned long long)step->size);
	if (step->op == RECIPE_RAW) {
		*out = object;
		return true;
	}
	buf_reset(rendered);
	mime_base64_render(object, &step->form, rendered);
	*out = buf_bytes(rendered);
	return true;
}

static bool
recipe_load(struct store_reader *r, const struct store_id *id, struct buf *copy, struct recipe *out,
	struct exa_error *err)
{
	struct bytes bytes;

	if (!store_reader_object(r, STORE_RECIPE, id, &bytes, err))
		return exa_while(err, "reading the recipe");
	buf_add_bytes(copy, bytes); /* the reader's next call is for the objects */
	return recipe_open(buf_bytes(copy), out, err);
}

static void
sha_freep(EVP_MD_CTX **sha)
{
	EVP_MD_CTX_free(*sha);
}

bool
recipe_uses(struct store_reader *r, const struct store_id *id, recipe_uses_fn *fn, void *ctx,
	struct exa_error *err)
{
	struct recipe recipe;
	struct bytes bytes;

	if (!store_reader_object(r, STORE_RECIPE, id, &bytes, err))
		return exa_while(err, "reading the recipe");
	if (!recipe_open(bytes, &recipe, err))
		return false;
	for (uint64_t i = 0; i < recipe.op_count; i++) {
		struct recipe_step step;

		if (!recipe_next(&recipe, &step, err) ||
			(step.op != RECIPE_LIT && !fn(ctx, &step.id, err)))
			return false;
	}
	return recipe_ended(&recipe, err);
}

bool
recipe_play(struct store_reader *r, const struct store_id *id, const struct recipe_sink *sink,
	uint64_t *bytes_out, uint8_t sha256_out[CATALOG_SHA256_SIZE], struct exa_error *err)
{
	EXA_AUTO(buf_done) struct buf copy = { 0 };
	EXA_AUTO(buf_done) struct buf rendered = { 0 };
	EXA_AUTO(sha_freep) EVP_MD_CTX *sha = EVP_MD_CTX_new();
	uint8_t hash[CATALOG_SHA256_SIZE];
	unsigned size = sizeof hash;
	struct recipe recipe;
	uint64_t total = 0;

	if (!recipe_load(r, id, &copy, &recipe, err))
		return false;
	(void)EVP_DigestInit_ex(sha, EVP_sha256(), NULL);
	for (uint64_t i = 0; i < recipe.op_count; i++) {
		struct recipe_step step;
		struct bytes data;

		if (!recipe_next(&recipe, &step, err) ||
			!step_bytes(r, &step, &rendered, &data, err))
			return false;
		(void)EVP_DigestUpdate(sha, data.data, data.size);
		total += data.size;
		if (data.size > 0 && !sink->write(sink->ctx, data, err))
			return false;
	}
	if (!recipe_ended(&recipe, err))
		return false;
	(void)EVP_DigestFinal_ex(sha, hash, &size);
	if (total != recipe.total || memcmp(hash, recipe.sha256, sizeof hash) != 0)
		return exa_fail(err, EXA_CORRUPT,
			"the message put together isn't the one that was archived (SHA-256 "
			"differs)");
	*bytes_out = total;
	memcpy(sha256_out, hash, sizeof hash);
	return true;
}

bool
recipe_head(struct store_reader *r, const struct store_id *id, size_t limit, struct buf *out,
	struct exa_error *err)
{
	EXA_AUTO(buf_done) struct buf copy = { 0 };
	EXA_AUTO(buf_done) struct buf rendered = { 0 };
	struct recipe recipe;
	size_t start = out->size;

	if (!recipe_load(r, id, &copy, &recipe, err))
		return false;
	for (uint64_t i = 0; i < recipe.op_count && out->size - start < limit; i++) {
		struct recipe_step step;
		struct bytes data;

		if (!recipe_next(&recipe, &step, err))
			return false;
		if (step.op == RECIPE_B64)
			break;
		if (!step_bytes(r, &step, &rendered, &data, err))
			return false;
		buf_add_bytes(out, bytes_take(data, limit - (out->size - start)));
	}
	return true;
}
