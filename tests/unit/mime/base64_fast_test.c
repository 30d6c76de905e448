/* SPDX-License-Identifier: Apache-2.0 */
/* The vectors against the tables: the same results, and nothing written beyond the room promised. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base64.h"
#include "exarch/mem.h"

#define QUANTA_MOST 100
#define GUARD 0xa5

static uint32_t noise = 1;

static uint8_t
next_noise(void)
{
	noise = noise * UINT32_C(1664525) + UINT32_C(1013904223);
	return (uint8_t)(noise >> 24);
}

/* Of just the room promised, so that a sanitizer sees what reads or writes beyond it. */
static void
decode_both(const uint8_t *chars, size_t count)
{
	uint8_t *text = exa_alloc(4 * count + 1), *fast = exa_alloc(3 * count + 1),
		*slow = exa_alloc(3 * count + 1);
	size_t fast_done, slow_done;

	if (count > 0)
		memcpy(text, chars, 4 * count);
	text[4 * count] = 'A';
	fast[3 * count] = GUARD;
	fast_done = mime_base64_decode_quanta(text, count, fast);
	slow_done = mime_base64_decode_by_tables(text, count, slow);
	assert_int_equal(fast_done, slow_done);
	assert_memory_equal(fast, slow, 3 * slow_done);
	assert_int_equal(fast[3 * count], GUARD);
	exa_free(text);
	exa_free(fast);
	exa_free(slow);
}

static void
fill_with_text(uint8_t *chars, size_t size)
{
	static const char alphabet[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

	for (size_t i = 0; i < size; i++)
		chars[i] = (uint8_t)alphabet[next_noise() & 63];
}

static void
text_of_any_length_decodes_as_by_tables(void **state)
{
	uint8_t chars[4 * QUANTA_MOST];

	(void)state;
	for (size_t count = 0; count <= QUANTA_MOST; count++) {
		fill_with_text(chars, 4 * count);
		decode_both(chars, count);
		assert_int_equal(
			mime_base64_decode_quanta(chars, count, (uint8_t[3 * QUANTA_MOST]){ 0 }),
			count);
	}
}

static void
any_byte_at_any_place_is_taken_or_refused_as_by_tables(void **state)
{
	uint8_t chars[4 * 24];

	(void)state;
	for (size_t at = 0; at < sizeof chars; at++) {
		fill_with_text(chars, sizeof chars);
		for (unsigned byte = 0; byte < 256; byte++) {
			chars[at] = (uint8_t)byte;
			decode_both(chars, sizeof chars / 4);
		}
	}
}

static void
bytes_of_any_length_encode_as_by_tables(void **state)
{
	(void)state;
	for (size_t size = 0; size <= 300; size++) {
		const size_t room = (size + 2) / 3 * 4;
		uint8_t *in = exa_alloc(size + 1), *fast = exa_alloc(room + 1),
			*slow = exa_alloc(room + 1);

		for (size_t i = 0; i < size; i++)
			in[i] = next_noise();
		fast[room] = GUARD;
		assert_int_equal(mime_base64_encode(bytes_of(in, size), fast), room);
		assert_int_equal(mime_base64_encode_by_tables(bytes_of(in, size), slow), room);
		assert_memory_equal(fast, slow, room);
		assert_int_equal(fast[room], GUARD);
		exa_free(in);
		exa_free(fast);
		exa_free(slow);
	}
}

static void
each_value_is_encoded_as_by_tables(void **state)
{
	uint8_t in[48], fast[64], slow[64];

	(void)state;
	for (unsigned value = 0; value < 64; value++) {
		const uint8_t three[] = { (uint8_t)(value << 2 | value >> 4),
			(uint8_t)(value << 4 | value >> 2), (uint8_t)(value << 6 | value) };

		for (size_t i = 0; i < sizeof in; i++)
			in[i] = three[i % 3];
		(void)mime_base64_encode(bytes_of(in, sizeof in), fast);
		(void)mime_base64_encode_by_tables(bytes_of(in, sizeof in), slow);
		assert_memory_equal(fast, slow, sizeof fast);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(text_of_any_length_decodes_as_by_tables),
		cmocka_unit_test(any_byte_at_any_place_is_taken_or_refused_as_by_tables),
		cmocka_unit_test(bytes_of_any_length_encode_as_by_tables),
		cmocka_unit_test(each_value_is_encoded_as_by_tables),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
