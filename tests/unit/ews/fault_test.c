/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "exarch/mem.h"

#include "codes.h"
#include "fault.h"
#include "feed.h"
#include "sync_items.h"

/* A fault reads the same whatever was asked. */
static struct exa_error
fault_of(const char *fixture, size_t chunk)
{
	EXA_AUTO(buf_done) struct buf text = { 0 };
	EXA_AUTO(sync_reader_done) struct sync_reader reader = { .last = -1 };
	struct exa_error err = { 0 };

	load_fixture(fixture, &text);
	assert_false(feed(&sync_items_spec, &reader, 1, buf_bytes(&text), chunk, &err));
	return err;
}

static void
a_busy_fault_says_how_long_to_wait(void **state)
{
	(void)state;
	for (size_t chunk = 1; chunk < 100; chunk++) {
		struct exa_error err = fault_of("fault_busy.xml", chunk);

		assert_int_equal(err.code, EXA_THROTTLED);
		assert_string_equal(err.name, "ErrorServerBusy"); /* white space around it */
		assert_int_equal(err.retry_after_ms, 297749);
	}
}

static void
a_mailbox_that_is_not_there_is_set_aside_and_named(void **state)
{
	struct exa_error err = fault_of("fault_no_mailbox.xml", FEED_WHOLE);

	(void)state;
	assert_int_equal(err.code, EXA_ASIDE);
	assert_string_equal(err.name, "ErrorNonExistentMailbox");
	assert_non_null(strstr(err.text, "no mailbox"));
	assert_non_null(strstr(err.text, "nobody@example.org"));
}

static void
a_fault_without_detail_is_not_understood_and_keeps_its_words(void **state)
{
	struct exa_error err = fault_of("fault_no_header.xml", FEED_WHOLE);

	(void)state;
	assert_int_equal(err.code, EXA_PROTOCOL);
	assert_string_equal(err.name, "Server");
	assert_non_null(strstr(err.text, "Something broke"));
}

static void
a_fault_that_is_cut_is_no_fault(void **state)
{
	EXA_AUTO(buf_done) struct buf text = { 0 };
	struct exa_error err;

	(void)state;
	load_fixture("fault_busy.xml", &text);
	while (text.data[text.size - 1] != '>')
		text.size--;
	for (size_t size = 0; size < text.size; size++) {
		EXA_AUTO(sync_reader_done) struct sync_reader reader = { .last = -1 };

		assert_false(feed(&sync_items_spec, &reader, 1, bytes_take(buf_bytes(&text), size),
			50, &err));
		assert_int_equal(err.code, EXA_NET);
		assert_string_equal(err.name, "");
	}
}

static void
a_long_text_is_cut_between_characters(void **state)
{
	(void)state;
	for (size_t lead = 0; lead < 4; lead++) {
		EXA_AUTO(buf_done) struct buf text = { 0 };
		struct fault f = { 0 };
		size_t size;

		for (size_t i = 0; i < lead; i++)
			buf_add_byte(&text, 'x');
		while (text.size < 2 * FAULT_TEXT_MAX)
			buf_add_string(&text, "\xf0\x9f\x98\x80");
		fault_set_text(&f, buf_string(&text));
		size = strlen(f.text);
		assert_true(size < FAULT_TEXT_MAX && size > FAULT_TEXT_MAX - 5);
		assert_int_equal((size - lead) % 4, 0);
	}
}

/* What the documentation asks a client to do, for the codes a crawler lives with. */
static void
codes_mean_what_to_do_next(void **state)
{
	static const struct {
		const char *name;
		enum exa_code code;
	} cases[] = {
		{ "ErrorServerBusy", EXA_THROTTLED },
		{ "ErrorExceededConnectionCount", EXA_THROTTLED },
		{ "ErrorInternalServerTransientError", EXA_NET },
		{ "ErrorMailboxMoveInProgress", EXA_ASIDE },
		{ "ErrorBatchProcessingStopped", EXA_NET },
		{ "ErrorTimeoutExpired", EXA_TIMEOUT },
		{ "ErrorInvalidSyncStateData", EXA_STALE },
		{ "ErrorItemNotFound", EXA_GONE },
		{ "ErrorFolderNotFound", EXA_GONE },
		{ "ErrorNonExistentMailbox", EXA_ASIDE },
		{ "ErrorArchiveMailboxNotEnabled", EXA_GONE },
		{ "ErrorAccessDenied", EXA_DENIED },
		{ "ErrorImpersonateUserDenied", EXA_ASIDE },
		{ "ErrorMimeContentConversionFailed", EXA_UNREADABLE },
		{ "ErrorItemCorrupt", EXA_UNREADABLE },
		{ "ErrorMessageSizeExceeded", EXA_LIMIT },
		{ "ErrorSchemaValidation", EXA_FAILED },
		{ "ErrorOfTomorrow", EXA_PROTOCOL },
		{ "", EXA_PROTOCOL },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
		assert_int_equal(code_find(cases[i].name)->code, cases[i].code);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_busy_fault_says_how_long_to_wait),
		cmocka_unit_test(a_mailbox_that_is_not_there_is_set_aside_and_named),
		cmocka_unit_test(a_fault_without_detail_is_not_understood_and_keeps_its_words),
		cmocka_unit_test(a_fault_that_is_cut_is_no_fault),
		cmocka_unit_test(a_long_text_is_cut_between_characters),
		cmocka_unit_test(codes_mean_what_to_do_next),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
