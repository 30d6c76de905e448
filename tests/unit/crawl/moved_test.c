/* SPDX-License-Identifier: Apache-2.0 */
/* Items that get another id because they were moved: followed when they are proven the same, fetched
 * in any doubt. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "exarch/clock.h"

#include "world.h"

#define WORLD(test) cmocka_unit_test_setup_teardown(test, world_make, world_remove)

#define ITEMS 5
#define MOVED 2
#define HOUR_NS (3600 * EXA_NS_PER_S)
#define MF_UNMODIFIED 0x2
#define MF_UNSENT 0x8

static struct server_folder *inbox, *projects;

/* Two folders; each item of the inbox has a date of receipt and a search key of its own. */
static void
fill_inbox(void)
{
	static const char *const keys[ITEMS] = { "key 0", "key 1", "key 2", "key 3", "key 4" };

	inbox = server_mailbox_add(ANNA);
	projects = server_folder_add(ANNA, "Projects");
	server_fill(inbox, ITEMS);
	for (size_t i = 0; i < ITEMS; i++) {
		inbox->items[i].received_ns = (int64_t)(i + 1) * HOUR_NS;
		inbox->items[i].modified_ns = (int64_t)(i + 1) * HOUR_NS;
		inbox->items[i].search_key = keys[i];
	}
}

static void
run_over_move(struct world *w)
{
	world_run(w);
	assert_int_equal(w->totals.sum.archived, ITEMS);
	server_move(inbox, MOVED, projects);
	projects->items[0].fetched = 0;
}

/* In either case nothing is lost and each item is counted once. */
static void
expect(struct world *w, int fetched)
{
	world_run(w);
	assert_true(w->good);
	assert_int_equal(projects->items[0].fetched, fetched);
	assert_int_equal(w->totals.sum.archived, 1);
	assert_int_equal(w->totals.sum.removed, 1);
	assert_int_equal(w->totals.sum.unexplained, 0);
	assert_int_equal(world_rows(w, 1, ITEM_REMOVED), 1);
	assert_int_equal(world_rows(w, 1, ITEM_LIVE), ITEMS - 1);
	assert_int_equal(world_rows(w, 2, ITEM_LIVE), 1);
	world_run(w);
	assert_int_equal(w->totals.sum.archived, 0);
	assert_int_equal(w->totals.sum.known, ITEMS);
}

static void
an_item_that_was_moved_is_followed_without_a_fetch(void **state)
{
	struct world *w = *state;

	fill_inbox();
	run_over_move(w);
	expect(w, 0);
}

static void
an_item_that_is_moved_again_and_again_is_followed(void **state)
{
	struct world *w = *state;

	fill_inbox();
	run_over_move(w);
	expect(w, 0);
	server_move(projects, 0, inbox);
	inbox->items[ITEMS].fetched = 0;
	world_run(w);
	assert_int_equal(inbox->items[ITEMS].fetched, 0);
	assert_int_equal(w->totals.sum.archived, 1);
	assert_int_equal(w->totals.sum.unexplained, 0);
	assert_int_equal(world_rows(w, 1, ITEM_LIVE), ITEMS);
}

static void
a_move_that_gives_it_another_time_is_followed_when_it_is_as_it_was_delivered(void **state)
{
	struct world *w = *state;

	fill_inbox();
	inbox->items[MOVED].message_flags = MF_UNMODIFIED;
	run_over_move(w);
	projects->items[0].modified_ns += HOUR_NS;
	expect(w, 0);
}

static void
a_draft_with_another_time_is_fetched(void **state)
{
	struct world *w = *state;

	fill_inbox();
	inbox->items[MOVED].message_flags = MF_UNMODIFIED | MF_UNSENT;
	run_over_move(w);
	projects->items[0].modified_ns += HOUR_NS;
	expect(w, 1);
}

static void
an_item_changed_since_is_fetched(void **state)
{
	struct world *w = *state;

	fill_inbox();
	run_over_move(w);
	projects->items[0].modified_ns += HOUR_NS;
	expect(w, 1);
}

static void
an_item_with_another_search_key_is_fetched(void **state)
{
	struct world *w = *state;

	fill_inbox();
	run_over_move(w);
	projects->items[0].search_key = "another";
	expect(w, 1);
}

static void
an_item_without_a_search_key_is_fetched(void **state)
{
	struct world *w = *state;

	fill_inbox();
	inbox->items[MOVED].search_key = "";
	run_over_move(w);
	expect(w, 1);
}

static void
an_item_whose_last_change_was_just_before_it_was_archived_is_fetched(void **state)
{
	struct world *w = *state;

	fill_inbox();
	inbox->items[MOVED].modified_ns = clock_wall_ns();
	run_over_move(w);
	expect(w, 1);
}

static void
one_of_two_items_that_look_alike_is_fetched(void **state)
{
	struct world *w = *state;

	fill_inbox();
	inbox->items[0] = inbox->items[MOVED];
	inbox->items[0].id[sizeof "Inbox-" - 1] = '0';
	run_over_move(w);
	expect(w, 1);
}

static void
a_copy_is_fetched(void **state)
{
	struct world *w = *state;

	fill_inbox();
	run_over_move(w);
	inbox->items[MOVED].deleted = false; /* it is still there */
	inbox->change_count--;
	world_run(w);
	assert_int_equal(projects->items[0].fetched, 1);
	assert_int_equal(w->totals.sum.archived, 1);
	assert_int_equal(w->totals.sum.removed, 0);
	assert_int_equal(w->totals.sum.unexplained, 0);
}

static void
an_item_is_fetched_when_more_than_mime_is_wanted(void **state)
{
	struct world *w = *state;

	fill_inbox();
	w->options.capture = CRAWL_CAPTURE_MIME | CRAWL_CAPTURE_NATIVE;
	run_over_move(w);
	expect(w, 1);
}

static void
an_item_whose_properties_cannot_be_had_is_fetched(void **state)
{
	struct world *w = *state;

	fill_inbox();
	run_over_move(w);
	projects->items[0].properties_fail = EXA_UNREADABLE;
	expect(w, 1);
}

static void
a_busy_server_is_waited_for(void **state)
{
	struct world *w = *state;

	fill_inbox();
	run_over_move(w);
	projects->items[0].properties_fail = EXA_THROTTLED;
	server.pardons = &projects->items[0];
	expect(w, 0);
	assert_int_equal(projects->items[0].properties, 2);
}

static void
a_run_that_dies_over_it_is_continued(void **state)
{
	struct world *w = *state;

	for (int late = 0; late < 2; late++) {
		(void)world_remove(state);
		(void)world_make(state);
		w = *state;
		fill_inbox();
		run_over_move(w);
		server.dies_at = 1;
		server.dies_late = late;
		world_run(w);
		assert_false(w->good);
		server.dies_at = 0;
		world_run(w);
		assert_true(w->good);
		assert_int_equal(projects->items[0].fetched, 0);
		assert_int_equal(w->totals.sum.unexplained, 0);
		assert_int_equal(world_rows(w, 2, ITEM_LIVE), 1);
		assert_int_equal(world_rows(w, 1, ITEM_LIVE), ITEMS - 1);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		WORLD(an_item_that_was_moved_is_followed_without_a_fetch),
		WORLD(an_item_that_is_moved_again_and_again_is_followed),
		WORLD(a_move_that_gives_it_another_time_is_followed_when_it_is_as_it_was_delivered),
		WORLD(a_draft_with_another_time_is_fetched),
		WORLD(an_item_changed_since_is_fetched),
		WORLD(an_item_with_another_search_key_is_fetched),
		WORLD(an_item_without_a_search_key_is_fetched),
		WORLD(an_item_whose_last_change_was_just_before_it_was_archived_is_fetched),
		WORLD(one_of_two_items_that_look_alike_is_fetched),
		WORLD(a_copy_is_fetched),
		WORLD(an_item_is_fetched_when_more_than_mime_is_wanted),
		WORLD(an_item_whose_properties_cannot_be_had_is_fetched),
		WORLD(a_busy_server_is_waited_for),
		WORLD(a_run_that_dies_over_it_is_continued),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
