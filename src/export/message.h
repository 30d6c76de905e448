/* SPDX-License-Identifier: Apache-2.0 */
#ifndef EXPORT_MESSAGE_H
#define EXPORT_MESSAGE_H

#include "exarch/export.h"

/*
 * Streams a message to SINK and compares what came (length and SHA-256) with its row and its full
 * record: on false, what was written isn't the message (promise 3). A false of the sink is passed
 * up.
 */
bool message_play(struct store_reader *r, const struct catalog_row *row,
	const struct catalog_item *item, const struct recipe_sink *sink,
	struct exa_error *err) EXA_CHECK;
/* The same of an item's native stream. */
bool native_play(struct store_reader *r, const struct catalog_row *row,
	const struct catalog_item *item, const struct recipe_sink *sink,
	struct exa_error *err) EXA_CHECK;

#endif
