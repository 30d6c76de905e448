/* SPDX-License-Identifier: Apache-2.0 */
/* The parts that a recipe keeps decoded: runs of base64 operations with nothing between them. */
#include "exarch/mem.h"
#include "recipe.h"

struct run {
	struct recipe_part part;
	bool begun;
};

static bool
hand_over(struct run *run, recipe_part_fn *fn, void *ctx, struct exa_error *err)
{
	bool begun = run->begun;

	run->begun = false;
	return !begun || fn(ctx, &run->part, err);
}

/* *BEFORE is the last literal. */
static bool
take(struct run *run, const struct recipe_step *step, struct bytes *before, recipe_part_fn *fn,
	void *ctx, struct exa_error *err)
{
	if (step->op != RECIPE_B64) {
		*before = step->op == RECIPE_LIT ? step->literal : bytes_of(NULL, 0);
		return hand_over(run, fn, ctx, err);
	}
	if (!run->begun)
		run->part = (struct recipe_part){ .id = step->id, .before = *before };
	run->begun = true;
	run->part.size += step->size;
	return true;
}

bool
recipe_parts(struct store_reader *r, const struct store_id *id, recipe_part_fn *fn, void *ctx,
	struct exa_error *err)
{
	struct bytes bytes, before = { 0 };
	struct run run = { .begun = false };
	struct recipe recipe;

	if (!store_reader_object(r, STORE_RECIPE, id, &bytes, err))
		return exa_while(err, "reading the recipe");
	if (!recipe_open(bytes, &recipe, err))
		return false;
	for (uint64_t i = 0; i < recipe.op_count; i++) {
		struct recipe_step step;

		if (!recipe_next(&recipe, &step, err) || !take(&run, &step, &before, fn, ctx, err))
			return false;
	}
	return recipe_ended(&recipe, err) && hand_over(&run, fn, ctx, err);
}
