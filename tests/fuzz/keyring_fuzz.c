/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The text of a keyring. What is taken must be written again as the same bytes, and within the
 * limits. The checksum stands in no one's way: the input is looked at with the right one too.
 */
#include <stdlib.h>

#include "crc32c.h"
#include "keyring.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
look(struct bytes text)
{
	EXA_AUTO(buf_done) struct buf again = { 0 };
	struct keyring k;
	struct exa_error err;

	if (!keyring_get(text, &k, &err))
		return;
	if (k.count == 0 || k.count > KEYRING_SLOTS_MAX)
		abort();
	for (size_t i = 0; i < k.count; i++) {
		if (128 * k.slots[i].cost.n * k.slots[i].cost.r > KEYRING_MEMORY_MAX)
			abort();
	}
	keyring_put(&k, &again);
	if (!bytes_equal(text, buf_bytes(&again)))
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	EXA_AUTO(buf_done) struct buf good = { 0 };

	look(bytes_of(data, size));
	/* "crc32c=", eight digits, a line's end */
	buf_add(&good, data, size > 16 ? size - 16 : size);
	buf_printf(&good, "crc32c=%08x\n", crc32c(0, good.data, good.size));
	look(buf_bytes(&good));
	return 0;
}
