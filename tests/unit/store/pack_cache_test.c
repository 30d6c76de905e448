/* SPDX-License-Identifier: Apache-2.0 */
/* Unpacked packs that readers share: who holds what, and how much is kept. */
#include <string.h>

#include "exarch/mem.h"

#include "pack_cache.h"
#include "support.h"

static struct kept_pack *
fresh(uint32_t segment, uint64_t offset, size_t size)
{
	struct kept_pack *p = exa_alloc(sizeof *p);

	p->at = (struct place){ segment, offset };
	buf_reserve(&p->raw, size);
	memset(p->raw.data, (int)(offset & 0xff), size);
	p->raw.size = size;
	return p;
}

static bool
has(struct pack_cache *c, uint32_t segment, uint64_t offset)
{
	struct kept_pack *p = pack_cache_take(c, (struct place){ segment, offset });

	pack_cache_give(c, p);
	return p != NULL;
}

static void
add(struct pack_cache *c, uint32_t segment, uint64_t offset, size_t size)
{
	pack_cache_give(c, pack_cache_add(c, fresh(segment, offset, size)));
}

static void
a_pack_is_found_by_its_place_alone(void **state)
{
	struct pack_cache c;

	(void)state;
	pack_cache_init(&c);
	add(&c, 1, 64, 100);
	assert_true(has(&c, 1, 64));
	assert_false(has(&c, 1, 128));
	assert_false(has(&c, 2, 64));
	pack_cache_done(&c);
}

static void
of_two_that_unpacked_the_same_pack_the_first_is_kept(void **state)
{
	struct pack_cache c;
	struct kept_pack *first, *second;

	(void)state;
	pack_cache_init(&c);
	first = pack_cache_add(&c, fresh(1, 64, 100));
	second = pack_cache_add(&c, fresh(1, 64, 100));
	assert_ptr_equal(first, second);
	pack_cache_give(&c, first);
	pack_cache_give(&c, second);
	pack_cache_done(&c);
}

static void
the_longest_unused_go_first_and_the_bounds_hold(void **state)
{
	static const size_t sizes[] = { 10, (size_t)1024 * 1024, PACKS_KEPT_BYTES };
	struct pack_cache c;

	(void)state;
	for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
		pack_cache_init(&c);
		for (uint64_t at = 0; at < 2 * PACKS_KEPT_MAX; at++) {
			add(&c, 1, at, sizes[i]);
			assert_true(has(&c, 1, at));
			assert_true(sizes[i] == PACKS_KEPT_BYTES || at == 0 || has(&c, 1, 0));
			assert_true(c.count <= PACKS_KEPT_MAX);
			assert_true(c.bytes <= PACKS_KEPT_BYTES || c.count == 1);
		}
		assert_false(has(&c, 1, 1));
		pack_cache_done(&c);
	}
}

static void
a_pack_that_is_held_lives_on_when_it_is_kept_no_longer(void **state)
{
	struct pack_cache c;
	struct kept_pack *held;

	(void)state;
	pack_cache_init(&c);
	held = pack_cache_add(&c, fresh(1, 7, 100));
	for (uint64_t at = 100; at < 100 + PACKS_KEPT_MAX; at++)
		add(&c, 1, at, 100);
	assert_false(has(&c, 1, 7));
	assert_int_equal(held->raw.data[99], 7);
	pack_cache_give(&c, held);
	pack_cache_done(&c);
}

static void
packs_of_a_forgotten_segment_are_not_found(void **state)
{
	struct pack_cache c;
	struct kept_pack *held;

	(void)state;
	pack_cache_init(&c);
	for (uint64_t at = 0; at < 10; at++)
		add(&c, at % 2 == 0 ? 1 : 2, at, 100);
	held = pack_cache_take(&c, (struct place){ 1, 4 });
	pack_cache_forget(&c, 1);
	for (uint64_t at = 0; at < 10; at++)
		assert_int_equal(has(&c, at % 2 == 0 ? 1 : 2, at), at % 2 != 0);
	assert_int_equal(held->raw.data[99], 4);
	pack_cache_give(&c, held);
	pack_cache_done(&c);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_pack_is_found_by_its_place_alone),
		cmocka_unit_test(of_two_that_unpacked_the_same_pack_the_first_is_kept),
		cmocka_unit_test(the_longest_unused_go_first_and_the_bounds_hold),
		cmocka_unit_test(a_pack_that_is_held_lives_on_when_it_is_kept_no_longer),
		cmocka_unit_test(packs_of_a_forgotten_segment_are_not_found),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
