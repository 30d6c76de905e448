/* SPDX-License-Identifier: Apache-2.0 */
/* The bytes of a recipe, operation by operation; what they stand for is recipe_play.c's. */
#include <string.h>

#include "recipe.h"

bool
recipe_open(struct bytes bytes, struct recipe *out, struct exa_error *err)
{
	struct reader r = reader_of(bytes);
	uint8_t version = read_u8(&r), flags = read_u8(&r);
	struct recipe recipe = { .total = read_varint(&r) };
	struct bytes hash = read_bytes(&r, CATALOG_SHA256_SIZE);

	recipe.op_count = read_varint(&r);
	if (!r.failed && (version != RECIPE_VERSION || flags != 0))
		return exa_fail(err, EXA_USAGE,
			"a recipe of version %u, flags %u is newer than this program; use a newer "
			"exarch",
			version, flags);
	if (r.failed)
		return exa_fail(err, EXA_CORRUPT, "a recipe is cut short");
	memcpy(recipe.sha256, hash.data, CATALOG_SHA256_SIZE);
	recipe.ops = r;
	*out = recipe;
	return true;
}

/* False when they don't fit: a column beyond its line can't be. */
static bool
read_form(struct reader *r, struct mime_base64_form *out)
{
	uint64_t line = read_varint(r), column = read_varint(r);
	uint8_t eol = read_u8(r);

	out->line_chars = (uint32_t)line;
	out->column = (uint32_t)column;
	out->eol = eol == 0 ? MIME_EOL_CRLF : MIME_EOL_LF;
	return line <= UINT32_MAX && column <= line && eol <= 1;
}

bool
recipe_next(struct recipe *recipe, struct recipe_step *out, struct exa_error *err)
{
	struct reader *r = &recipe->ops;
	uint8_t op = read_u8(r);
	struct recipe_step step = { .op = (enum recipe_op)op };
	bool good = op >= RECIPE_LIT && op <= RECIPE_B64;
	struct bytes id;

	switch (step.op) {
	case RECIPE_LIT:
		step.literal = read_sized(r);
		break;
	case RECIPE_RAW:
	case RECIPE_B64:
		id = read_bytes(r, STORE_ID_SIZE);
		step.size = read_varint(r);
		if (id.size == STORE_ID_SIZE)
			memcpy(step.id.bytes, id.data, STORE_ID_SIZE);
		if (step.op == RECIPE_B64)
			good = read_form(r, &step.form);
		break;
	}
	if (r->failed || !good)
		return exa_fail(err, EXA_CORRUPT, "a recipe holds a malformed operation (%u)", op);
	*out = step;
	return true;
}

bool
recipe_ended(const struct recipe *r, struct exa_error *err)
{
	return reader_at_end(&r->ops) ||
	       exa_fail(err, EXA_CORRUPT, "a recipe goes on behind its last operation");
}
