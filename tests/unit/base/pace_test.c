/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "exarch/clock.h"
#include "exarch/pace.h"

static void
bytes_taken_are_paid_for_with_time(void **state)
{
	struct pace p;
	int64_t before = clock_mono_ns();

	(void)state;
	pace_begin(&p, 1000);
	pace_take(&p, 500, NULL);
	/* What was unused in front counts for PACE_BURST_MS at most. */
	assert_true(p.free_ns >= before + (500 - PACE_BURST_MS) * EXA_NS_PER_MS);
	pace_take(&p, 0, NULL);
	assert_true(clock_mono_ns() >= before + (500 - PACE_BURST_MS) * EXA_NS_PER_MS);
}

static void
without_a_limit_nothing_is_reckoned(void **state)
{
	struct pace p;
	int64_t free_ns;

	(void)state;
	pace_begin(&p, 0);
	free_ns = p.free_ns;
	pace_take(&p, UINT64_MAX, NULL);
	assert_true(p.free_ns == free_ns);
}

/* Waiting for it would take half an hour. */
static void
a_raised_cancel_ends_the_wait(void **state)
{
	struct cancel cancel = { 0 };
	struct pace p;

	(void)state;
	pace_begin(&p, 1);
	pace_take(&p, 1800, &cancel);
	cancel_raise(&cancel, CANCEL_SIGNAL);
	pace_take(&p, 1, &cancel);
	cancel = (struct cancel){ .deadline_mono_ns = clock_mono_ns() + EXA_NS_PER_MS };
	pace_take(&p, 1, &cancel);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bytes_taken_are_paid_for_with_time),
		cmocka_unit_test(without_a_limit_nothing_is_reckoned),
		cmocka_unit_test(a_raised_cancel_ends_the_wait),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
