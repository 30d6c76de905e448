/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "exarch/mem.h"

#include "feed.h"
#include "items.h"

static bool
on_answered(void *ctx, size_t index, const struct exa_error *why, struct exa_error *err)
{
	(void)err;
	buf_printf(ctx, "%zu %s\n", index, why != NULL ? exa_code_name(why->code) : "deleted");
	return true;
}

static bool
feed_answer(
	struct buf *text, size_t expected, size_t chunk, struct buf *journal, struct exa_error *err)
{
	struct ews_delete_handler handler = { .answered = on_answered, .ctx = journal };

	return feed(&delete_items_spec, &handler, expected, buf_bytes(text), chunk, err);
}

static void
results_come_by_their_place(void **state)
{
	static const size_t chunks[] = { FEED_WHOLE, 1, 7 };
	EXA_AUTO(buf_done) struct buf text = { 0 };
	struct exa_error err;

	(void)state;
	wrap_messages(&text, "DeleteItem",
		"<m:DeleteItemResponseMessage ResponseClass=\"Success\"><m:ResponseCode>NoError"
		"</m:ResponseCode></m:DeleteItemResponseMessage>"
		"<m:DeleteItemResponseMessage ResponseClass=\"Error\"><m:MessageText>The specified "
		"object was not found in the store.</m:MessageText><m:ResponseCode>"
		"ErrorItemNotFound</m:ResponseCode></m:DeleteItemResponseMessage>"
		"<m:DeleteItemResponseMessage ResponseClass=\"Error\"><m:ResponseCode>"
		"ErrorCannotDeleteObject</m:ResponseCode></m:DeleteItemResponseMessage>"
		"<m:DeleteItemResponseMessage ResponseClass=\"Warning\"><m:ResponseCode>"
		"ErrorBatchProcessingStopped</m:ResponseCode></m:DeleteItemResponseMessage>");
	for (size_t i = 0; i < sizeof chunks / sizeof chunks[0]; i++) {
		EXA_AUTO(buf_done) struct buf journal = { 0 };

		assert_true(feed_answer(&text, 4, chunks[i], &journal, &err));
		assert_string_equal(buf_string(&journal), "0 deleted\n1 gone\n2 denied\n3 net\n");
	}
}

static void
an_answer_of_another_length_is_no_success(void **state)
{
	EXA_AUTO(buf_done) struct buf text = { 0 };
	struct exa_error err;

	(void)state;
	wrap_messages(&text, "DeleteItem",
		"<m:DeleteItemResponseMessage ResponseClass=\"Success\"><m:ResponseCode>NoError"
		"</m:ResponseCode></m:DeleteItemResponseMessage>");
	for (size_t expected = 2; expected <= 3; expected++) {
		EXA_AUTO(buf_done) struct buf journal = { 0 };

		assert_false(feed_answer(&text, expected, FEED_WHOLE, &journal, &err));
		assert_int_equal(err.code, EXA_PROTOCOL);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(results_come_by_their_place),
		cmocka_unit_test(an_answer_of_another_length_is_no_success),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
