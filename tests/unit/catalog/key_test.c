/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "exarch/clock.h"

#include "key.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static int
compare(struct bytes a, struct bytes b)
{
	size_t both = a.size < b.size ? a.size : b.size;
	int order = memcmp(a.data, b.data, both);

	return order != 0 ? order : (a.size > b.size) - (a.size < b.size);
}

static bool
begins_with(struct bytes whole, struct bytes begin)
{
	return bytes_equal(bytes_take(whole, begin.size), begin);
}

/* On both sides of each length. */
static void
numbers_sort_as_they_count_and_none_begins_another(void **state)
{
	struct table_key before = key_number(0);
	uint64_t read;

	(void)state;
	for (unsigned bits = 7; bits <= 63; bits += 7) {
		const uint64_t edges[] = { (UINT64_C(1) << bits) - 1, UINT64_C(1) << bits };

		for (size_t i = 0; i < COUNT(edges); i++) {
			struct table_key k = key_number(edges[i]);

			assert_int_equal(k.size, bits / 7 + i > 9 ? 9 : bits / 7 + i);
			assert_true(compare(key_bytes(&before), key_bytes(&k)) < 0);
			assert_false(begins_with(key_bytes(&k), key_bytes(&before)));
			assert_true(parse_key_number(key_bytes(&k), &read));
			assert_true(read == edges[i]);
			before = k;
		}
	}
	before = key_number(UINT64_MAX);
	assert_true(parse_key_number(key_bytes(&before), &read));
	assert_true(read == UINT64_MAX);
}

static void
moments_sort_by_time_and_come_back_to_the_nanosecond(void **state)
{
	static const int64_t moments[] = { EXA_NO_TIME, EXA_NO_TIME + 1, -EXA_NS_PER_S - 1,
		-EXA_NS_PER_S, -1, 0, 1, EXA_NS_PER_S - 1, EXA_NS_PER_S, 1700000000 * EXA_NS_PER_S,
		1700000000 * EXA_NS_PER_S + 1, INT64_MAX - 1, INT64_MAX };
	uint8_t before[MOMENT_MAX];
	size_t before_size = 0;

	(void)state;
	for (size_t i = 0; i < COUNT(moments); i++) {
		uint8_t bytes[MOMENT_MAX];
		size_t size = put_moment(bytes, moments[i]);
		struct reader r = reader_of(bytes_of(bytes, size));

		assert_true(i == 0 ||
			    compare(bytes_of(before, before_size), bytes_of(bytes, size)) < 0);
		assert_true(read_moment(&r) == moments[i]);
		assert_true(reader_at_end(&r));
		memcpy(before, bytes, size);
		before_size = size;
	}
	assert_int_equal(put_moment(before, 1700000000 * EXA_NS_PER_S), 6);
}

static void
an_item_s_key_stands_below_its_folder_and_is_read_back(void **state)
{
	const struct catalog_key item = catalog_key_of(300, UINT32_MAX, "AAMk");
	struct table_key k = key_item(&item), folder = key_folder(300, UINT32_MAX),
			 other = key_folder(300, UINT32_MAX - 1);
	struct catalog_key read;

	(void)state;
	assert_true(begins_with(key_bytes(&k), key_bytes(&folder)));
	assert_false(begins_with(key_bytes(&k), key_bytes(&other)));
	assert_true(parse_key_item(key_bytes(&k), &read));
	assert_memory_equal(read.id_hash, item.id_hash, sizeof item.id_hash);
	assert_int_equal(read.mailbox, 300);
	assert_int_equal(read.folder, UINT32_MAX);
}

static void
what_is_no_key_is_refused(void **state)
{
	const struct catalog_key item = catalog_key_of(1, 2, "AAMk");
	struct table_key k = key_item(&item);
	struct catalog_key read;
	uint64_t number;

	(void)state;
	for (size_t size = 0; size < k.size; size++)
		assert_false(parse_key_item(bytes_of(k.bytes, size), &read));
	k.bytes[k.size++] = 0;
	assert_false(parse_key_item(key_bytes(&k), &read));
	assert_false(parse_key_number(bytes_of("", 0), &number));
	assert_false(parse_key_number(bytes_of("\x80", 1), &number));
	assert_false(parse_key_number(bytes_of("\1\1", 2), &number));
	/* A mailbox of more than 32 bits. */
	assert_false(parse_key_item(bytes_of("\xf8\1\0\0\0\0\0\2AAAAAAAAAAAAAAAA", 24), &read));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(numbers_sort_as_they_count_and_none_begins_another),
		cmocka_unit_test(moments_sort_by_time_and_come_back_to_the_nanosecond),
		cmocka_unit_test(an_item_s_key_stands_below_its_folder_and_is_read_back),
		cmocka_unit_test(what_is_no_key_is_refused),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
