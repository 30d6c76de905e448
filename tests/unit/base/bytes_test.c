/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "exarch/bytes.h"
#include "exarch/mem.h"

static void
numbers_come_back_from_disk_order(void **state)
{
	EXA_AUTO(buf_done) struct buf b = { 0 };
	const uint64_t values[] = { 0, 1, 127, 128, 300, UINT32_MAX, INT64_MAX, UINT64_MAX };
	struct reader r;

	(void)state;
	for (size_t i = 0; i < sizeof values / sizeof values[0]; i++)
		buf_add_varint(&b, values[i]);
	buf_add_le16(&b, 0x1234);
	buf_add_le32(&b, 0x12345678);
	buf_add_le64(&b, 0x123456789abcdef0);
	buf_add_sized(&b, bytes_of_string("ten years"));
	r = reader_of(buf_bytes(&b));
	for (size_t i = 0; i < sizeof values / sizeof values[0]; i++)
		assert_true(read_varint(&r) == values[i]);
	assert_int_equal(read_le16(&r), 0x1234);
	assert_int_equal(read_le32(&r), 0x12345678);
	assert_true(read_le64(&r) == 0x123456789abcdef0);
	assert_true(bytes_equal(read_sized(&r), bytes_of_string("ten years")));
	assert_true(reader_at_end(&r));
}

static void
reading_past_the_end_fails_and_stays_failed(void **state)
{
	const uint8_t three[] = { 1, 2, 3 };
	struct reader r = reader_of(bytes_of(three, sizeof three));

	(void)state;
	assert_int_equal(read_le32(&r), 0);
	assert_true(r.failed);
	assert_int_equal(read_u8(&r), 0);
	assert_false(reader_at_end(&r));
}

static void
a_varint_beyond_64_bits_fails(void **state)
{
	const uint8_t too_long[] = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
		0x01 };
	const uint8_t too_big[] = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x02 };
	struct reader r = reader_of(bytes_of(too_long, sizeof too_long));

	(void)state;
	(void)read_varint(&r);
	assert_true(r.failed);
	r = reader_of(bytes_of(too_big, sizeof too_big));
	(void)read_varint(&r);
	assert_true(r.failed);
}

static void
big_endian_keys_sort_as_numbers_do(void **state)
{
	uint8_t small[8], large[8];

	(void)state;
	put_be64(small, 255);
	put_be64(large, 256);
	assert_true(memcmp(small, large, 8) < 0);
	assert_true(get_be64(large) == 256);
	put_be32(small, 0xfffffffe);
	assert_true(get_be32(small) == 0xfffffffe);
}

static void
base64_agrees_with_rfc_4648_section_10(void **state)
{
	static const char *const cases[][2] = {
		{ "", "" },
		{ "f", "Zg==" },
		{ "fo", "Zm8=" },
		{ "foo", "Zm9v" },
		{ "foob", "Zm9vYg==" },
		{ "fooba", "Zm9vYmE=" },
		{ "foobar", "Zm9vYmFy" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		EXA_AUTO(buf_done) struct buf text = { 0 };
		EXA_AUTO(buf_done) struct buf back = { 0 };

		buf_add_base64(&text, bytes_of_string(cases[i][0]));
		assert_string_equal(buf_string(&text), cases[i][1]);
		assert_true(buf_decode_base64(&back, cases[i][1]));
		assert_string_equal(buf_string(&back), cases[i][0]);
	}
}

static void
bad_base64_and_hex_are_refused(void **state)
{
	EXA_AUTO(buf_done) struct buf b = { 0 };
	uint8_t out[2];

	(void)state;
	assert_false(buf_decode_base64(&b, "Zm9v!"));
	assert_false(buf_decode_base64(&b, "Z"));
	assert_false(buf_decode_base64(&b, "Zg==Zg"));
	assert_false(hex_decode("12", out, 2));
	assert_false(hex_decode("12g4", out, 2));
	assert_true(hex_decode("12aB", out, 2));
	assert_int_equal(out[1], 0xab);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(numbers_come_back_from_disk_order),
		cmocka_unit_test(reading_past_the_end_fails_and_stays_failed),
		cmocka_unit_test(a_varint_beyond_64_bits_fails),
		cmocka_unit_test(big_endian_keys_sort_as_numbers_do),
		cmocka_unit_test(base64_agrees_with_rfc_4648_section_10),
		cmocka_unit_test(bad_base64_and_hex_are_refused),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
