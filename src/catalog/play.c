/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "exarch/catalog.h"

static bool
row_agrees(const struct catalog_row *row, const struct catalog_item *item, struct exa_error *err)
{
	return (catalog_item_bytes(item) == row->mime_bytes &&
		       item->received_ns == row->received_ns) ||
	       exa_fail(err, EXA_CORRUPT,
		       "the index says other things of the message than its record; run `exarch "
		       "rebuild`");
}

bool
catalog_play_message(struct store_reader *r, const struct catalog_row *row,
	const struct catalog_item *item, const struct recipe_sink *sink, struct exa_error *err)
{
	uint8_t sha256[CATALOG_SHA256_SIZE];
	uint64_t bytes;

	if (!recipe_play(r, &item->recipe, sink, &bytes, sha256, err))
		return false;
	if (bytes != item->mime_bytes || memcmp(sha256, item->mime_sha256, sizeof sha256) != 0)
		return exa_fail(err, EXA_CORRUPT,
			"the message isn't the one its record names (%llu bytes, %llu recorded; "
			"SHA-256 compared)",
			(unsigned long long)bytes, (unsigned long long)item->mime_bytes);
	return row_agrees(row, item, err);
}

bool
catalog_play_native(struct store_reader *r, const struct catalog_row *row,
	const struct catalog_item *item, const struct recipe_sink *sink, struct exa_error *err)
{
	uint8_t sha256[CATALOG_SHA256_SIZE];
	uint64_t bytes;

	if (!recipe_play(r, &item->native_recipe, sink, &bytes, sha256, err))
		return exa_while(err, "native stream");
	if (bytes != item->native_bytes || memcmp(sha256, item->native_sha256, sizeof sha256) != 0)
		return exa_fail(err, EXA_CORRUPT,
			"the native stream isn't the one its record names (%llu bytes, %llu "
			"recorded; SHA-256 compared)",
			(unsigned long long)bytes, (unsigned long long)item->native_bytes);
	return row_agrees(row, item, err);
}
