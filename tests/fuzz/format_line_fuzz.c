/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A FORMAT file. The input is tried as it is, then as what stands before a good checksum. What is
 * accepted is put and got again without a change.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "exarch/bytes.h"

#include "crc32c.h"
#include "format.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
look_at(struct bytes line)
{
	EXA_AUTO(buf_done) struct buf first = { 0 };
	EXA_AUTO(buf_done) struct buf second = { 0 };
	struct store_format format;
	struct exa_error err;

	if (!format_get(line, &format, &err)) {
		if (err.code != EXA_CORRUPT && err.code != EXA_USAGE)
			abort();
		return;
	}
	format_put(&format, &first);
	if (!format_get(buf_bytes(&first), &format, &err))
		abort();
	format_put(&format, &second);
	if (!bytes_equal(buf_bytes(&first), buf_bytes(&second)))
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	EXA_AUTO(buf_done) struct buf line = { 0 };

	look_at(bytes_of(data, size));
	buf_add(&line, data, size);
	buf_printf(&line, " crc32c=%08" PRIx32 "\n", crc32c(0, data, size));
	look_at(buf_bytes(&line));
	return 0;
}
