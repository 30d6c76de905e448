/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A recipe, as bytes (docs/format.md, "Recipes"):
 *
 *     version u8 = 1, flags u8 = 0
 *     total   varint     length of the message
 *     sha256  32         of the message
 *     count   varint     of operations, then each:
 *         LIT  1, varint n, n bytes                                      these bytes
 *         RAW  2, id 32, varint n                                        the object's n bytes
 *         B64  3, id 32, varint n, varint line, varint column, eol u8    the object's n bytes in
 *                                                     base64, as mime.h says of a form
 *
 * An operation that isn't known is an error: operations are versioned by the recipe.
 */
#ifndef CATALOG_RECIPE_H
#define CATALOG_RECIPE_H

#include "exarch/catalog.h"

#define RECIPE_VERSION 1

enum recipe_op { RECIPE_LIT = 1, RECIPE_RAW = 2, RECIPE_B64 = 3 };

/* A recipe being read; borrows its bytes. */
struct recipe {
	struct reader ops;
	uint64_t op_count;
	uint64_t total;
	uint8_t sha256[CATALOG_SHA256_SIZE];
};

/* One operation: `literal`, or the object's id and size, and for base64 its form. */
struct recipe_step {
	enum recipe_op op;
	struct bytes literal;
	struct store_id id;
	uint64_t size;
	struct mime_base64_form form;
};

bool recipe_open(struct bytes bytes, struct recipe *out, struct exa_error *err) EXA_CHECK;
/* To be called op_count times. */
bool recipe_next(struct recipe *r, struct recipe_step *out, struct exa_error *err) EXA_CHECK;
/* False when anything stands behind the last operation. */
bool recipe_ended(const struct recipe *r, struct exa_error *err) EXA_CHECK;

#endif
