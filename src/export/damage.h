/* SPDX-License-Identifier: Apache-2.0 */
#ifndef EXPORT_DAMAGE_H
#define EXPORT_DAMAGE_H

#include "exarch/export.h"

/* Whether nothing the item needs stands in a damaged place. False also when that can't be found
 * out. */
bool damage_map_clears(const struct damage_map *m, struct catalog *c, struct store_reader *reader,
	const struct catalog_row *row, struct buf *scratch);

#endif
