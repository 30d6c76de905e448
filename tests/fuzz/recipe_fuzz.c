/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A recipe, as recipe_play follows it; each object it names is the same few bytes here. What a
 * literal gives lies within the recipe, and text of an object is as long as its form says.
 */
#include <stdlib.h>

#include "exarch/bytes.h"
#include "exarch/mime.h"

#include "recipe.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
follow(const struct recipe_step *step, struct bytes recipe)
{
	static const uint8_t object[100] = "an object";
	EXA_AUTO(buf_done) struct buf text = { 0 };

	switch (step->op) {
	case RECIPE_LIT:
		if (step->literal.size > recipe.size ||
			(step->literal.size > 0 && (step->literal.data < recipe.data ||
							   step->literal.data + step->literal.size >
								   recipe.data + recipe.size)))
			abort();
		break;
	case RECIPE_RAW:
		break;
	case RECIPE_B64:
		if (!mime_base64_form_valid(&step->form))
			abort();
		mime_base64_render(bytes_of(object, sizeof object), &step->form, &text);
		if (text.size != mime_base64_text_size(&step->form, sizeof object))
			abort();
		break;
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bytes bytes = bytes_of(data, size);
	struct recipe recipe;
	struct recipe_step step;
	struct exa_error err;

	if (!recipe_open(bytes, &recipe, &err))
		return 0;
	for (uint64_t i = 0; i < recipe.op_count; i++) {
		if (!recipe_next(&recipe, &step, &err))
			return 0;
		follow(&step, bytes);
	}
	(void)!recipe_ended(&recipe, &err);
	return 0;
}
