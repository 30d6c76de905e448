/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "exarch/cancel.h"
#include "exarch/clock.h"
#include "exarch/work.h"

struct counted {
	int calls, until;
};

static bool
is_so(void *ctx)
{
	struct counted *c = ctx;

	return ++c->calls >= c->until;
}

static void
waiting_ends_when_it_is_so(void **state)
{
	struct counted at_once = { .until = 1 }, later = { .until = 2 };

	(void)state;
	assert_true(
		work_wait_until(is_so, &at_once, 0, NULL)); /* asked before the time is looked at */
	assert_int_equal(at_once.calls, 1);
	assert_true(work_wait_until(is_so, &later, INT64_MAX, NULL));
	assert_int_equal(later.calls, 2);
}

static void
waiting_ends_at_its_deadline_or_when_it_is_cancelled(void **state)
{
	struct counted never = { .until = INT32_MAX };
	struct cancel cancel = { 0 };

	(void)state;
	assert_false(work_wait_until(is_so, &never, clock_mono_ns() - 1, NULL));
	cancel_raise(&cancel, CANCEL_SIGNAL);
	assert_false(work_wait_until(is_so, &never, INT64_MAX, &cancel));
	assert_int_equal(never.calls, 2);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(waiting_ends_when_it_is_so),
		cmocka_unit_test(waiting_ends_at_its_deadline_or_when_it_is_cancelled),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
