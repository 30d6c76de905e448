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
#include "sync_items.h"

static bool
on_change(void *ctx, const struct ews_change *c, struct exa_error *err)
{
	static const char *const kinds[] = { "create", "update", "delete", "read" };
	char received[CLOCK_TEXT_MAX];

	(void)err;
	clock_format(c->received_ns, received);
	buf_printf(ctx, "%s %s/%s %s %lld %s %d\n", kinds[c->kind], c->id, c->change_key, c->class,
		(long long)c->size_bytes, received, c->is_read);
	return true;
}

struct outcome {
	struct buf lines;
	struct buf state;
	bool last;
	bool good;
	struct exa_error err;
};

static void
outcome_done(struct outcome *o)
{
	buf_done(&o->lines);
	buf_done(&o->state);
}

static void
run(struct outcome *o, struct bytes text, size_t chunk)
{
	const struct ews_change_sink sink = { on_change, &o->lines };
	EXA_AUTO(sync_reader_done) struct sync_reader reader = { .sink = &sink, .last = -1 };

	buf_add_string(&o->state, "kept ");
	o->good = feed(&sync_items_spec, &reader, 1, text, chunk, &o->err) &&
		  sync_items_result(&reader, &o->state, &o->last, &o->err);
}

static void
assert_failure(const char *messages, enum exa_code code)
{
	EXA_AUTO(buf_done) struct buf text = { 0 };
	EXA_AUTO(outcome_done) struct outcome o = { .last = false };

	wrap_messages(&text, "SyncFolderItems", messages);
	run(&o, buf_bytes(&text), FEED_WHOLE);
	assert_false(o.good);
	assert_int_equal(o.err.code, code);
	assert_string_equal(buf_string(&o.state), "kept ");
}

static void
a_page_gives_its_changes_and_state_in_any_chunking(void **state)
{
	EXA_AUTO(buf_done) struct buf text = { 0 };

	(void)state;
	load_fixture("sync_items_page.xml", &text);
	for (size_t chunk = 1; chunk < 200; chunk++) {
		EXA_AUTO(outcome_done) struct outcome o = { .last = true };

		run(&o, buf_bytes(&text), chunk);
		if (!o.good)
			fail_msg("%s", o.err.text);
		assert_false(o.last);
		assert_string_equal(buf_string(&o.state), "kept c3RhdGUgbnVtYmVyIDI=");
		assert_string_equal(buf_string(&o.lines),
			"create AAEnew=/CQAnew IPM.Note 100 2025-03-04T05:06:07Z 0\n"
			"update AAEmeeting=/DwAmeeting IPM.Appointment 200  -1\n"
			"read AAEread=/CQAread  -1  1\n"
			"delete AAEgone=/  -1  -1\n");
	}
}

static void
a_refused_state_is_stale_and_the_empty_one_with_it_is_not_given_out(void **state)
{
	EXA_AUTO(buf_done) struct buf text = { 0 };
	EXA_AUTO(outcome_done) struct outcome o = { .last = false };

	(void)state;
	load_fixture("sync_items_stale.xml", &text);
	run(&o, buf_bytes(&text), 10);
	assert_false(o.good);
	assert_int_equal(o.err.code, EXA_STALE);
	assert_string_equal(o.err.name, "ErrorInvalidSyncStateData");
	assert_string_equal(buf_string(&o.state), "kept ");
	assert_false(o.last);
}

#define SUCCESS(payload)                                                     \
	"<m:SyncFolderItemsResponseMessage ResponseClass='Success'>" payload \
	"</m:SyncFolderItemsResponseMessage>"

static void
a_page_that_lacks_what_it_needs_is_refused(void **state)
{
	(void)state;
	assert_failure(SUCCESS("<m:IncludesLastItemInRange>true</m:IncludesLastItemInRange>"),
		EXA_PROTOCOL);
	assert_failure(SUCCESS("<m:SyncState/><m:IncludesLastItemInRange>true"
			       "</m:IncludesLastItemInRange>"),
		EXA_PROTOCOL);
	assert_failure(SUCCESS("<m:SyncState>x</m:SyncState>"), EXA_PROTOCOL);
	assert_failure(
		SUCCESS("<m:Changes><t:Create><t:Message/></t:Create></m:Changes>"), EXA_PROTOCOL);
	assert_failure(SUCCESS("<m:Changes><t:Swap><t:ItemId Id='i'/></t:Swap></m:Changes>"),
		EXA_PROTOCOL);
}

static void
a_folder_that_is_gone_is_told(void **state)
{
	(void)state;
	assert_failure("<m:SyncFolderItemsResponseMessage ResponseClass='Error'><m:ResponseCode>"
		       "ErrorSyncFolderNotFound</m:ResponseCode><m:SyncState>x</m:SyncState>"
		       "<m:IncludesLastItemInRange>true</m:IncludesLastItemInRange>"
		       "</m:SyncFolderItemsResponseMessage>",
		EXA_GONE);
}

static void
a_long_state_comes_back_whole(void **state)
{
	EXA_AUTO(buf_done) struct buf text = { 0 };
	EXA_AUTO(buf_done) struct buf messages = { 0 };
	EXA_AUTO(outcome_done) struct outcome o = { .last = false };
	const size_t size = 300000; /* more than EWS_TEXT_MAX */

	(void)state;
	buf_add_string(&messages, "<m:SyncFolderItemsResponseMessage ResponseClass='Success'>"
				  "<m:SyncState>");
	for (size_t i = 0; i < size; i++)
		buf_add_byte(&messages, (uint8_t)('A' + i % 26));
	buf_add_string(&messages,
		"</m:SyncState><m:IncludesLastItemInRange>true"
		"</m:IncludesLastItemInRange></m:SyncFolderItemsResponseMessage>");
	wrap_messages(&text, "SyncFolderItems", buf_string(&messages));
	run(&o, buf_bytes(&text), 1000);
	assert_true(o.good);
	assert_true(o.last);
	assert_int_equal(o.state.size, size + strlen("kept "));
	assert_int_equal(o.state.data[o.state.size - 1], 'A' + (size - 1) % 26);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_page_gives_its_changes_and_state_in_any_chunking),
		cmocka_unit_test(
			a_refused_state_is_stale_and_the_empty_one_with_it_is_not_given_out),
		cmocka_unit_test(a_page_that_lacks_what_it_needs_is_refused),
		cmocka_unit_test(a_folder_that_is_gone_is_told),
		cmocka_unit_test(a_long_state_comes_back_whole),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
