/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "governor.h"

static void
a_cap_rises_by_one_after_as_many_good_answers_as_it_is(void **state)
{
	struct governor g;

	(void)state;
	governor_begin(&g, 4, 20);
	for (int i = 0; i < 3; i++) {
		governor_good(&g);
		assert_int_equal(g.cap, 4);
	}
	governor_good(&g);
	assert_int_equal(g.cap, 5);
	for (int i = 0; i < 5; i++)
		governor_good(&g);
	assert_int_equal(g.cap, 6);
}

static void
it_never_rises_above_the_most(void **state)
{
	struct governor g;

	(void)state;
	governor_begin(&g, 4, 6);
	for (int i = 0; i < 1000; i++)
		governor_good(&g);
	assert_int_equal(g.cap, 6);
	governor_begin(&g, 9, 6);
	assert_int_equal(g.cap, 6);
}

static void
a_busy_answer_halves_it_but_one_request_is_always_allowed(void **state)
{
	struct governor g;

	(void)state;
	governor_begin(&g, 13, 20);
	governor_busy(&g);
	assert_int_equal(g.cap, 6);
	for (int i = 0; i < 10; i++)
		governor_busy(&g);
	assert_int_equal(g.cap, 1);
	governor_begin(&g, 0, 20);
	assert_int_equal(g.cap, 1);
}

static void
good_answers_before_a_busy_one_do_not_count_after_it(void **state)
{
	struct governor g;

	(void)state;
	governor_begin(&g, 4, 20);
	governor_good(&g);
	governor_good(&g);
	governor_good(&g);
	governor_busy(&g);
	governor_good(&g);
	assert_int_equal(g.cap, 2);
	governor_good(&g);
	assert_int_equal(g.cap, 3);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_cap_rises_by_one_after_as_many_good_answers_as_it_is),
		cmocka_unit_test(it_never_rises_above_the_most),
		cmocka_unit_test(a_busy_answer_halves_it_but_one_request_is_always_allowed),
		cmocka_unit_test(good_answers_before_a_busy_one_do_not_count_after_it),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
