/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A recipe, as bytes (docs/format.md, "Recipes"):
 *
 *     version u8 = 1, flags u8 = 0
 *     total   varint     length of the message
 *     sha256  32         of the message
 *     count   varint     of operations, then each:
 *         LIT  1, varint n, n bytes                                   these bytes
 *         RAW  2, id 32, varint n                                     the object's n bytes
 *         B64  3, id 32, varint n, varint line, varint column, eol u8 the object's n bytes in
 * base64, as mime.h says of a form
 *
 * An operation that isn't known is an error: operations are versioned by the recipe.
 */
#ifndef CATALOG_RECIPE_H
#define CATALOG_RECIPE_H

#define RECIPE_VERSION 1

enum recipe_op { RECIPE_LIT = 1, RECIPE_RAW = 2, RECIPE_B64 = 3 };

#endif
