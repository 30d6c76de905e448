/* SPDX-License-Identifier: Apache-2.0 */
/* From a recipe back to the message: follow the operations, stream, compare length and SHA-256 at
 * the end. */
#include <string.h>

#include <openssl/evp.h>

#include "exarch/mem.h"
#include "exarch/sha256.h"
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

struct recipe_player {
	struct store_reader *reader; /* borrowed */
	struct buf copy;             /* of the recipe's bytes */
	struct buf rendered;
	struct recipe recipe;
	EVP_MD_CTX *sha;
	uint64_t next_op;
	uint64_t total;
};

bool
recipe_player_new(struct store_reader *r, const struct store_id *id, struct recipe_player **out,
	struct exa_error *err)
{
	struct recipe_player *p = exa_alloc(sizeof *p);

	p->reader = r;
	p->sha = EVP_MD_CTX_new();
	(void)EVP_DigestInit_ex(p->sha, exa_sha256(), NULL);
	if (!recipe_load(r, id, &p->copy, &p->recipe, err)) {
		recipe_player_free(p);
		return false;
	}
	*out = p;
	return true;
}

void
recipe_player_free(struct recipe_player *p)
{
	if (p == NULL)
		return;
	EVP_MD_CTX_free(p->sha);
	buf_done(&p->copy);
	buf_done(&p->rendered);
	exa_free(p);
}

void
recipe_player_freep(struct recipe_player **p)
{
	recipe_player_free(*p);
	*p = NULL;
}

bool
recipe_player_next(struct recipe_player *p, struct bytes *out, struct exa_error *err)
{
	while (p->next_op < p->recipe.op_count) {
		struct recipe_step step;
		struct bytes data;

		if (!recipe_next(&p->recipe, &step, err) ||
			!step_bytes(p->reader, &step, &p->rendered, &data, err))
			return false;
		p->next_op++;
		(void)EVP_DigestUpdate(p->sha, data.data, data.size);
		p->total += data.size;
		if (data.size == 0)
			continue;
		*out = data;
		return true;
	}
	*out = bytes_of(NULL, 0);
	return true;
}

bool
recipe_player_finish(struct recipe_player *p, uint64_t *bytes_out,
	uint8_t sha256_out[CATALOG_SHA256_SIZE], struct exa_error *err)
{
	uint8_t hash[CATALOG_SHA256_SIZE];
	unsigned size = sizeof hash;

	if (!recipe_ended(&p->recipe, err))
		return false;
	(void)EVP_DigestFinal_ex(p->sha, hash, &size);
	if (p->total != p->recipe.total || memcmp(hash, p->recipe.sha256, sizeof hash) != 0)
		return exa_fail(err, EXA_CORRUPT,
			"the message put together isn't the one that was archived (SHA-256 "
			"differs)");
	*bytes_out = p->total;
	memcpy(sha256_out, hash, sizeof hash);
	return true;
}

bool
recipe_play(struct store_reader *r, const struct store_id *id, const struct recipe_sink *sink,
	uint64_t *bytes_out, uint8_t sha256_out[CATALOG_SHA256_SIZE], struct exa_error *err)
{
	EXA_AUTO(recipe_player_freep) struct recipe_player *p = NULL;
	struct bytes data;

	if (!recipe_player_new(r, id, &p, err))
		return false;
	do {
		if (!recipe_player_next(p, &data, err) ||
			(data.size > 0 && !sink->write(sink->ctx, data, err)))
			return false;
	} while (data.size > 0);
	return recipe_player_finish(p, bytes_out, sha256_out, err);
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
