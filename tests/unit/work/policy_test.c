/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "exarch/work.h"

static struct exa_error
error_of(enum exa_code code)
{
	return (struct exa_error){ .code = code };
}

static void
one_bad_item_costs_one_item(void **state)
{
	static const enum exa_code codes[] = { EXA_FAILED, EXA_DENIED, EXA_GONE, EXA_UNREADABLE,
		EXA_LIMIT };

	(void)state;
	for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++) {
		struct exa_error why = error_of(codes[i]);

		assert_int_equal(work_advise(&why, WORK_SCOPE_BATCH, 1), WORK_SMALLER);
		assert_int_equal(work_advise(&why, WORK_SCOPE_ITEM, 1), WORK_SKIP_ITEM);
		assert_int_equal(work_advise(&why, WORK_SCOPE_FOLDER, 1), WORK_SKIP_FOLDER);
		assert_int_equal(work_advise(&why, WORK_SCOPE_MAILBOX, 1), WORK_SKIP_MAILBOX);
	}
}

static void
trouble_that_passes_is_waited_for_but_not_for_ever(void **state)
{
	static const enum exa_code codes[] = { EXA_NET, EXA_THROTTLED };
	static const enum work_scope scopes[] = { WORK_SCOPE_ITEM, WORK_SCOPE_BATCH,
		WORK_SCOPE_FOLDER, WORK_SCOPE_MAILBOX, WORK_SCOPE_RUN };

	(void)state;
	for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++) {
		for (size_t j = 0; j < sizeof scopes / sizeof scopes[0]; j++) {
			struct exa_error why = error_of(codes[i]);

			assert_int_equal(work_advise(&why, scopes[j], 1), WORK_RETRY);
			assert_int_not_equal(work_advise(&why, scopes[j], 1000), WORK_RETRY);
		}
	}
}

static void
what_is_not_understood_is_asked_for_again_a_few_times(void **state)
{
	static const enum work_scope scopes[] = { WORK_SCOPE_ITEM, WORK_SCOPE_FOLDER,
		WORK_SCOPE_MAILBOX, WORK_SCOPE_RUN };
	static const enum work_advice ends[] = { WORK_SKIP_ITEM, WORK_SKIP_FOLDER,
		WORK_SKIP_MAILBOX, WORK_STOP };
	struct exa_error why = error_of(EXA_PROTOCOL);

	(void)state;
	assert_int_equal(work_advise(&why, WORK_SCOPE_BATCH, 1), WORK_SMALLER);
	for (size_t i = 0; i < sizeof scopes / sizeof scopes[0]; i++) {
		assert_int_equal(work_advise(&why, scopes[i], 1), WORK_RETRY);
		assert_int_equal(work_advise(&why, scopes[i], 2), WORK_RETRY);
		assert_int_equal(work_advise(&why, scopes[i], 3), ends[i]);
	}
}

static void
a_slow_batch_is_halved_and_a_slow_item_tried_again(void **state)
{
	struct exa_error why = error_of(EXA_TIMEOUT);

	(void)state;
	assert_int_equal(work_advise(&why, WORK_SCOPE_BATCH, 1), WORK_SMALLER);
	assert_int_equal(work_advise(&why, WORK_SCOPE_ITEM, 1), WORK_RETRY);
	assert_int_equal(work_advise(&why, WORK_SCOPE_ITEM, 1000), WORK_SKIP_ITEM);
}

static void
what_no_retry_can_mend_stops_the_run(void **state)
{
	static const enum exa_code codes[] = { EXA_IO, EXA_CORRUPT, EXA_AUTH, EXA_CANCELLED,
		EXA_USAGE };

	(void)state;
	for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++) {
		struct exa_error why = error_of(codes[i]);

		assert_int_equal(work_advise(&why, WORK_SCOPE_ITEM, 1), WORK_STOP);
		assert_int_equal(work_advise(&why, WORK_SCOPE_MAILBOX, 1), WORK_STOP);
	}
}

static void
the_servers_own_wish_comes_first(void **state)
{
	struct exa_error why = error_of(EXA_THROTTLED);

	(void)state;
	why.retry_after_ms = 297749;
	assert_int_equal(work_backoff_ms(&why, 1, 0), 297749);
	assert_true(work_backoff_ms(&why, 1, 1023) >= 297749);
	why.retry_after_ms = 0;
	assert_int_equal(work_backoff_ms(&why, 1, 0), 60000);
}

static void
waits_grow_up_to_five_minutes(void **state)
{
	struct exa_error why = error_of(EXA_NET);
	uint32_t last = 0;

	(void)state;
	for (uint32_t attempts = 1; attempts < 7; attempts++) {
		uint32_t ms = work_backoff_ms(&why, attempts, 0);

		assert_true(ms > last);
		last = ms;
	}
	assert_int_equal(work_backoff_ms(&why, 1, 0), 2000);
	assert_int_equal(work_backoff_ms(&why, UINT32_MAX, 0), 300000);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_bad_item_costs_one_item),
		cmocka_unit_test(trouble_that_passes_is_waited_for_but_not_for_ever),
		cmocka_unit_test(what_is_not_understood_is_asked_for_again_a_few_times),
		cmocka_unit_test(a_slow_batch_is_halved_and_a_slow_item_tried_again),
		cmocka_unit_test(what_no_retry_can_mend_stops_the_run),
		cmocka_unit_test(the_servers_own_wish_comes_first),
		cmocka_unit_test(waits_grow_up_to_five_minutes),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
