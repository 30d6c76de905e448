/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "exarch/clock.h"
#include "exarch/mem.h"

#include "feed.h"
#include "find_items.h"

static bool
on_change(void *ctx, const struct ews_change *c, struct exa_error *err)
{
	char received[CLOCK_TEXT_MAX];

	(void)err;
	assert_int_equal(c->kind, EWS_CHANGE_CREATE);
	clock_format(c->received_ns, received);
	buf_printf(ctx, "%s %s %s %lld %s %d\n", c->id, c->change_key, c->class,
		(long long)c->size_bytes, received, c->is_read);
	return true;
}

struct page {
	struct buf lines;
	int64_t next, total;
};

static bool
run_page(struct bytes text, size_t chunk, int64_t offset, struct page *page, struct exa_error *err)
{
	const struct ews_change_sink sink = { on_change, &page->lines };
	EXA_AUTO(find_items_reader_done)
	struct find_items_reader reader = { .sink = &sink, .next_offset = -1, .total = -1 };

	return feed(&find_items_spec, &reader, 1, text, chunk, err) &&
	       find_items_result(&reader, offset, &page->next, &page->total, err);
}

static void
a_page_of_items_is_read_in_any_chunking(void **state)
{
	EXA_AUTO(buf_done) struct buf text = { 0 };

	(void)state;
	load_fixture("find_items_page.xml", &text);
	for (size_t chunk = 1; chunk < 150; chunk++) {
		struct page page = { .next = -7 };
		struct exa_error err;

		if (!run_page(buf_bytes(&text), chunk, 0, &page, &err))
			fail_msg("%s", err.text);
		assert_string_equal(buf_string(&page.lines),
			"AAMpost= BwAA IPM.Post 4711 2025-03-04T05:06:07Z 1\n"
			"AAMmail=  IPM.Note -1  -1\n");
		assert_int_equal(page.next, 2);
		assert_int_equal(page.total, 7);
		buf_done(&page.lines);
	}
}

static void
the_last_page_says_so(void **state)
{
	EXA_AUTO(buf_done) struct buf text = { 0 };
	struct page page = { 0 };
	struct exa_error err;

	(void)state;
	load_fixture("find_items_page.xml", &text);
	replace_all(&text, "InRange=\"false\"", "InRange=\"true\"");
	assert_true(run_page(buf_bytes(&text), FEED_WHOLE, 0, &page, &err));
	assert_int_equal(page.next, -1);
	buf_done(&page.lines);
}

static void
a_page_that_leads_nowhere_is_a_failure_that_passes(void **state)
{
	EXA_AUTO(buf_done) struct buf text = { 0 };
	struct page page = { 0 };
	struct exa_error err;

	(void)state;
	load_fixture("find_items_page.xml", &text);
	assert_false(run_page(buf_bytes(&text), FEED_WHOLE, 2, &page, &err));
	assert_int_equal(err.code, EXA_NET);
	buf_done(&page.lines);
}

static void
an_item_without_id_is_no_listing(void **state)
{
	EXA_AUTO(buf_done) struct buf text = { 0 };
	struct page page = { 0 };
	struct exa_error err;

	(void)state;
	load_fixture("find_items_page.xml", &text);
	replace_all(&text, "<t:ItemId Id=\"AAMmail=\"/>", "");
	assert_false(run_page(buf_bytes(&text), FEED_WHOLE, 0, &page, &err));
	assert_int_equal(err.code, EXA_PROTOCOL);
	buf_done(&page.lines);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_page_of_items_is_read_in_any_chunking),
		cmocka_unit_test(the_last_page_says_so),
		cmocka_unit_test(a_page_that_leads_nowhere_is_a_failure_that_passes),
		cmocka_unit_test(an_item_without_id_is_no_listing),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
