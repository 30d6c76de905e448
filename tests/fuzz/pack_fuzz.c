/* SPDX-License-Identifier: Apache-2.0 */
/* A pack's raw payload: every entry that is given out must lie within it, and all of them fill it.
 */
#include <stdlib.h>

#include "exarch/bytes.h"

#include "pack.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bytes raw = bytes_of(data, size);
	struct pack_walk w;
	struct pack_entry e;
	struct exa_error err;
	const uint8_t *next = NULL;
	uint32_t count = 0;

	if (pack_walk_begin(raw, &w, &err)) {
		while (pack_walk_next(&w, &e)) {
			if (e.data.data < data || e.data.size > size ||
				(next != NULL && e.data.data != next) || e.slot != count)
				abort();
			next = e.data.data + e.data.size;
			count++;
		}
		if (next != NULL && next != data + size)
			abort();
	}
	(void)!pack_find(raw, 3, &e, &err);
	return 0;
}
