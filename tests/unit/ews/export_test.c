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
on_begin(void *ctx, size_t index, struct exa_error *err)
{
	(void)err;
	buf_printf(ctx, "begin %zu\n", index);
	return true;
}

static bool
on_data(void *ctx, size_t index, struct bytes data, struct exa_error *err)
{
	(void)index;
	(void)err;
	buf_add_bytes(ctx, data);
	return true;
}

static bool
on_end(void *ctx, size_t index, const struct ews_item *item, struct exa_error *err)
{
	(void)err;
	assert_true(item->has_mime);
	buf_printf(
		ctx, "\nend %zu %s %llu\n", index, item->id, (unsigned long long)item->mime_bytes);
	return true;
}

static bool
on_failed(void *ctx, size_t index, const struct exa_error *why, struct exa_error *err)
{
	(void)err;
	buf_printf(ctx, "\nfailed %zu %s %s\n", index, exa_code_name(why->code), why->name);
	return true;
}

static void
assert_told(size_t expected, const char *messages, const char *told)
{
	static const size_t chunks[] = { FEED_WHOLE, 1, 7, 64 };
	EXA_AUTO(buf_done) struct buf text = { 0 };

	wrap_messages(&text, "ExportItems", messages);
	for (size_t i = 0; i < sizeof chunks / sizeof chunks[0]; i++) {
		EXA_AUTO(buf_done) struct buf journal = { 0 };
		EXA_AUTO(items_reader_done) struct items_reader reader = { 0 };
		const struct ews_item_handler handler = { on_begin, on_data, on_end, on_failed,
			&journal };
		struct exa_error err;

		items_reader_init(&reader, &handler);
		if (!feed(&export_items_spec, &reader, expected, buf_bytes(&text), chunks[i], &err))
			fail_msg("%s", err.text);
		assert_string_equal(buf_string(&journal), told);
	}
}

#define GOOD(id, data)                                                                       \
	"<m:ExportItemsResponseMessage ResponseClass='Success'><m:ResponseCode>NoError"      \
	"</m:ResponseCode><m:ItemId Id='" id "' ChangeKey='CQ=='/><m:Data>" data "</m:Data>" \
	"</m:ExportItemsResponseMessage>"
#define BAD(code)                                                                                 \
	"<m:ExportItemsResponseMessage ResponseClass='Error'><m:MessageText>no</m:MessageText>"   \
	"<m:ResponseCode>" code "</m:ResponseCode><m:DescriptiveLinkKey>0</m:DescriptiveLinkKey>" \
	"</m:ExportItemsResponseMessage>"

static void
a_stream_comes_as_bytes_with_its_id(void **state)
{
	(void)state;
	assert_told(1, GOOD("AAMk=", "bmF0aXZlIHN0cmVhbQ=="),
		"begin 0\nnative stream\nend 0 AAMk= 13\n");
}

static void
white_space_in_the_data_is_nothing(void **state)
{
	(void)state;
	assert_told(1, GOOD("AAMk=", "\r\n   bmF0aXZl\r\n\tIHN0 cmVh\r\nbQ==\r\n  "),
		"begin 0\nnative stream\nend 0 AAMk= 13\n");
}

static void
one_refused_item_leaves_the_others(void **state)
{
	(void)state;
	assert_told(4,
		GOOD("A", "YQ==") BAD("ErrorItemNotFound") BAD("ErrorNonExistentMailbox")
			GOOD("B", "Yg=="),
		"begin 0\na\nend 0 A 1\n\nfailed 1 gone ErrorItemNotFound\n"
		"\nfailed 2 aside ErrorNonExistentMailbox\nbegin 3\nb\nend 3 B 1\n");
}

static void
a_stream_cut_short_by_the_service_is_worth_another_try(void **state)
{
	(void)state;
	assert_told(2, GOOD("A", "bmF0aXZl=== Truncated Data ===") GOOD("B", "Yg=="),
		"begin 0\n\nfailed 0 net \nbegin 1\nb\nend 1 B 1\n");
}

static void
a_success_without_data_is_none(void **state)
{
	(void)state;
	assert_told(1,
		"<m:ExportItemsResponseMessage ResponseClass='Success'><m:ResponseCode>NoError"
		"</m:ResponseCode><m:ItemId Id='A'/></m:ExportItemsResponseMessage>",
		"\nfailed 0 protocol \n");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_stream_comes_as_bytes_with_its_id),
		cmocka_unit_test(white_space_in_the_data_is_nothing),
		cmocka_unit_test(one_refused_item_leaves_the_others),
		cmocka_unit_test(a_stream_cut_short_by_the_service_is_worth_another_try),
		cmocka_unit_test(a_success_without_data_is_none),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
