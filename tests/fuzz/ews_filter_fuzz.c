/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The filter for illegal characters: what comes out must hold only characters XML allows, must not
 * depend on how the input was cut (the first byte says how), and must pass a second time unchanged
 * but for references the filter itself never writes.
 */
#include <stdint.h>
#include <stdlib.h>

#include "exarch/bytes.h"

#include "filter.h"
#include "utf8.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
run(struct bytes rest, size_t step, struct buf *out)
{
	struct filter f = { 0 };

	while (rest.size > 0) {
		filter_feed(&f, bytes_take(rest, step), out);
		rest = bytes_skip(rest, step);
	}
	filter_finish(&f, out);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bytes input = bytes_of(data, size);
	EXA_AUTO(buf_done) struct buf whole = { 0 };
	EXA_AUTO(buf_done) struct buf cut = { 0 };
	struct bytes rest;

	if (size < 2)
		return 0;
	input = bytes_skip(input, 1);
	run(input, SIZE_MAX, &whole);
	run(input, (size_t)data[0] + 1, &cut);
	if (!bytes_equal(buf_bytes(&whole), buf_bytes(&cut)))
		abort();
	/* An unfinished character at the very end is the parser's to refuse. */
	for (rest = buf_bytes(&whole); rest.size >= UTF8_MAX;) {
		uint32_t character;
		size_t read = utf8_read(rest, &character);

		if (read == 0 || !xml_allows(character))
			abort();
		rest = bytes_skip(rest, read);
	}
	return 0;
}
