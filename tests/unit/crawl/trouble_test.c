/* SPDX-License-Identifier: Apache-2.0 */
/* One bad item costs one item, one bad folder one folder, one bad mailbox one mailbox; and a run
 * that ends early is continued by the next. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "world.h"

#define WORLD(test) cmocka_unit_test_setup_teardown(test, world_make, world_remove)

static void
an_item_that_cannot_be_had_is_recorded_and_the_rest_archived(void **state)
{
	struct world *w = *state;
	struct server_folder *inbox = server_mailbox_add(ANNA);

	server_fill(inbox, 25);
	inbox->items[7].fails = EXA_UNREADABLE;
	inbox->items[8].fails = EXA_PROTOCOL;
	world_run(w);
	assert_true(w->good);
	assert_int_equal(w->totals.sum.archived, 23);
	assert_int_equal(w->totals.sum.failed, 2);
	assert_int_equal(w->totals.sum.unexplained, 0);
	assert_int_equal(world_counts(w, 1).of[LEDGER_FAILED], 2);
}

static void
a_failed_item_is_tried_again_by_the_next_run(void **state)
{
	struct world *w = *state;
	struct server_folder *inbox = server_mailbox_add(ANNA);

	server_fill(inbox, 5);
	inbox->items[3].fails = EXA_UNREADABLE;
	world_run(w);
	inbox->items[3].fails = EXA_OK;
	world_run(w);
	assert_int_equal(w->totals.sum.archived, 1);
	assert_int_equal(w->totals.sum.failed, 0);
}

static void
an_item_deleted_before_it_was_fetched_is_gone(void **state)
{
	struct world *w = *state;
	struct server_folder *inbox = server_mailbox_add(ANNA);

	server_fill(inbox, 5);
	inbox->items[2].fails = EXA_GONE;
	inbox->miscounted = -1;
	world_run(w);
	assert_int_equal(w->totals.sum.archived, 4);
	assert_int_equal(w->totals.sum.gone, 1);
	assert_int_equal(w->totals.sum.failed, 0);
	assert_int_equal(w->totals.sum.unexplained, 0);
}

static void
a_batch_that_takes_too_long_is_halved(void **state)
{
	struct world *w = *state;

	server_fill(server_mailbox_add(ANNA), 30);
	server.most_at_once = 3;
	world_run(w);
	assert_int_equal(w->totals.sum.archived, 30);
	assert_int_equal(w->totals.sum.failed, 0);
}

static void
a_mailbox_that_is_refused_half_way_leaves_the_others_whole(void **state)
{
	struct world *w = *state;
	struct server_folder *annas = server_mailbox_add(ANNA), *berts = server_mailbox_add(BERT);

	w->options.mailbox_count = 2;
	server_fill(annas, 40);
	server_fill(berts, 40);
	server.mailboxes[0].fetches_fail = EXA_DENIED;
	world_run(w);
	assert_true(w->good);
	assert_int_equal(w->totals.mailboxes_failed, 1);
	assert_int_equal(w->totals.sum.archived, 40);
	assert_int_equal(w->totals.sum.pending, 40);
	server.mailboxes[0].fetches_fail = EXA_OK;
	world_run(w);
	assert_int_equal(w->totals.sum.archived, 40);
	assert_int_equal(w->totals.sum.pending, 0);
}

static void
a_run_that_was_stopped_leaves_pending_what_the_next_one_fetches(void **state)
{
	struct world *w = *state;
	uint64_t first;

	server_fill(server_mailbox_add(ANNA), 200);
	server.cancel_after_fetch = &w->cancel;
	world_run(w);
	assert_false(w->good);
	assert_int_equal(w->err.code, EXA_CANCELLED);
	first = w->totals.sum.archived;
	assert_true(first > 0 && first < 200);
	assert_int_equal(w->totals.sum.pending, 200 - first);
	assert_int_equal(world_counts(w, 1).of[LEDGER_ARCHIVED], first);
	server.cancel_after_fetch = NULL;
	/* a dry run says so, and then it is so */
	for (int i = 0; i < 2; i++) {
		w->options.dry_run = i == 0;
		world_run(w);
		assert_true(w->good);
		assert_int_equal(w->totals.sum.archived, 200 - first);
		assert_int_equal(w->totals.sum.pending, 0);
		assert_int_equal(w->totals.mailboxes_incomplete, 0);
	}
}

static void
a_folder_deleted_during_the_run_costs_that_folder(void **state)
{
	struct world *w = *state;
	struct server_folder *inbox = server_mailbox_add(ANNA),
			     *other = server_folder_add(ANNA, "Other");

	server_fill(inbox, 5);
	server_fill(other, 5);
	other->gone = true;
	world_run(w);
	assert_true(w->good);
	assert_int_equal(w->totals.sum.archived, 5);
	assert_int_equal(w->totals.mailboxes_failed, 0);
	assert_int_equal(w->totals.mailboxes_incomplete, 1);
}

/* Its count doesn't fit, and when it is asked again the folder isn't there any more. */
static void
a_folder_deleted_before_it_is_reconciled_costs_that_folder(void **state)
{
	struct world *w = *state;
	struct server_folder *inbox = server_mailbox_add(ANNA),
			     *other = server_folder_add(ANNA, "Other");

	server_fill(inbox, 5);
	server_fill(other, 5);
	inbox->miscounted = 1;
	other->miscounted = 1;
	other->gone_for_counts = true;
	world_run(w);
	assert_true(w->good);
	assert_int_equal(w->totals.sum.archived, 10);
	assert_int_equal(w->totals.mailboxes_failed, 0);
	assert_int_equal(w->totals.mailboxes_incomplete, 1);
	assert_int_equal(w->totals.sum.unexplained, 1);
}

static void
a_server_that_refuses_its_own_states_does_not_keep_us(void **state)
{
	struct world *w = *state;
	struct server_folder *inbox = server_mailbox_add(ANNA),
			     *other = server_folder_add(ANNA, "Other");

	server.page = 2;
	server_fill(inbox, 5);
	server_fill(other, 5);
	inbox->forgetful = true;
	other->forgetful = false;
	world_run(w);
	assert_true(w->good);
	assert_int_equal(world_counts(w, 2).of[LEDGER_ARCHIVED], 5);
	assert_int_equal(w->totals.mailboxes_incomplete, 1);
}

static void
a_listing_that_does_not_move_on_does_not_keep_us(void **state)
{
	struct world *w = *state;
	struct server_folder *inbox = server_mailbox_add(ANNA);

	server_fill(inbox, 5);
	inbox->stuck = true;
	world_run(w);
	assert_true(w->good);
	assert_int_equal(w->totals.sum.archived, 5);
	assert_int_equal(w->totals.mailboxes_incomplete, 1);
}

static void
a_server_that_was_busy_for_long_may_have_other_trouble_as_well(void **state)
{
	struct world *w = *state;

	server_fill(server_mailbox_add(ANNA), 5);
	server.busy = 6;
	server.broken = 1;
	world_run(w);
	assert_true(w->good);
	assert_int_equal(w->totals.mailboxes_failed, 0);
	assert_int_equal(w->totals.sum.archived, 5);
}

static void
a_mailbox_that_stops_answering_is_set_aside_with_nothing_failed(void **state)
{
	struct world *w = *state;
	struct server_folder *annas = server_mailbox_add(ANNA), *berts = server_mailbox_add(BERT);

	w->options.mailbox_count = 2;
	server_fill(annas, 40);
	server_fill(berts, 40);
	server.mailboxes[0].fetches_fail = EXA_NET;
	server.mailboxes[0].root_fails_after_tree = true;
	world_run(w);
	assert_true(w->good);
	assert_int_equal(w->totals.mailboxes_failed, 1);
	assert_int_equal(w->totals.sum.archived, 40);
	assert_int_equal(w->totals.sum.pending, 40);
	assert_int_equal(w->totals.sum.failed, 0);
	server.mailboxes[0].fetches_fail = EXA_OK;
	server.mailboxes[0].root_fails_after_tree = false;
	world_run(w);
	assert_int_equal(w->totals.sum.archived, 40);
	assert_int_equal(w->totals.sum.pending, 0);
}

static void
a_message_the_server_stumbles_over_costs_only_itself(void **state)
{
	struct world *w = *state;
	struct server_folder *inbox = server_mailbox_add(ANNA);

	server_fill(inbox, 10);
	inbox->items[4].fails = EXA_NET;
	world_run(w);
	assert_int_equal(w->totals.mailboxes_failed, 0);
	assert_int_equal(w->totals.sum.archived, 9);
	assert_int_equal(w->totals.sum.failed, 1);
	/* six times with all, then with 5, 3, 2 of them, and alone */
	assert_true(inbox->items[4].fetched <= 6 + 4);
	assert_int_equal(w->totals.sum.unexplained, 0);
}

static void
a_mailbox_that_moves_while_it_is_read_is_set_aside(void **state)
{
	struct world *w = *state;
	struct server_folder *inbox = server_mailbox_add(ANNA);

	server_fill(inbox, 40);
	inbox->items[7].fails = EXA_ASIDE;
	world_run(w);
	assert_int_equal(w->totals.mailboxes_failed, 1);
	assert_int_equal(w->totals.sum.failed, 0);
	assert_int_equal(w->totals.sum.gone, 0);
	inbox->items[7].fails = EXA_OK;
	world_run(w);
	assert_int_equal(world_counts(w, 1).of[LEDGER_ARCHIVED], 40);
	assert_int_equal(w->totals.sum.unexplained, 0);
}

/* What follows an item that stops a batch says only that it was stopped. */
static void
what_stops_a_batch_counts_not_what_follows_it(void **state)
{
	struct world *w = *state;
	struct server_folder *inbox = server_mailbox_add(ANNA);

	server_fill(inbox, 10);
	inbox->items[3].fails = EXA_ASIDE;
	for (size_t i = 4; i < 10; i++)
		inbox->items[i].fails = EXA_NET;
	world_run(w);
	assert_int_equal(w->totals.mailboxes_failed, 1);
	assert_int_equal(w->totals.sum.archived, 3);
	assert_int_equal(w->totals.sum.pending, 7);
	assert_int_equal(inbox->items[9].fetched, 1);
}

/* It may have moved away and come back, or the server tells wrong: then it is named, not missing.
 */
static void
an_item_that_is_listed_though_it_is_said_to_be_gone_has_failed(void **state)
{
	struct world *w = *state;
	struct server_folder *inbox = server_mailbox_add(ANNA);

	server_fill(inbox, 5);
	inbox->items[2].fails = EXA_GONE;
	world_run(w);
	assert_int_equal(w->totals.sum.archived, 4);
	assert_int_equal(w->totals.sum.failed, 1);
	assert_int_equal(w->totals.sum.unexplained, 0);
	inbox->items[2].fails = EXA_OK;
	world_run(w);
	assert_int_equal(w->totals.sum.archived, 1);
	assert_int_equal(w->totals.sum.failed, 0);
	assert_int_equal(w->totals.sum.unexplained, 0);
}

static void
an_item_that_a_page_names_twice_is_fetched_once(void **state)
{
	struct world *w = *state;
	struct server_folder *inbox = server_mailbox_add(ANNA);

	server_fill(inbox, 25);
	server.mailboxes[0].changes_twice = true;
	world_run(w);
	assert_int_equal(w->totals.sum.archived, 25);
	assert_int_equal(w->totals.sum.unexplained, 0);
	for (size_t i = 0; i < 25; i++)
		assert_int_equal(inbox->items[i].fetched, 1);
}

static void
an_item_in_the_place_of_another_is_not_taken(void **state)
{
	struct world *w = *state;
	struct server_folder *inbox = server_mailbox_add(ANNA);

	server_fill(inbox, 4);
	server.backwards = 1;
	world_run(w);
	assert_int_equal(w->totals.sum.archived, 4);
	assert_int_equal(w->totals.sum.failed, 0);
	assert_int_equal(w->totals.sum.unexplained, 0);
	for (size_t i = 0; i < 4; i++)
		assert_int_equal(inbox->items[i].fetched, 2);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		WORLD(an_item_that_cannot_be_had_is_recorded_and_the_rest_archived),
		WORLD(a_failed_item_is_tried_again_by_the_next_run),
		WORLD(an_item_deleted_before_it_was_fetched_is_gone),
		WORLD(a_batch_that_takes_too_long_is_halved),
		WORLD(a_mailbox_that_is_refused_half_way_leaves_the_others_whole),
		WORLD(a_run_that_was_stopped_leaves_pending_what_the_next_one_fetches),
		WORLD(a_folder_deleted_during_the_run_costs_that_folder),
		WORLD(a_folder_deleted_before_it_is_reconciled_costs_that_folder),
		WORLD(a_server_that_refuses_its_own_states_does_not_keep_us),
		WORLD(a_listing_that_does_not_move_on_does_not_keep_us),
		WORLD(a_server_that_was_busy_for_long_may_have_other_trouble_as_well),
		WORLD(a_mailbox_that_stops_answering_is_set_aside_with_nothing_failed),
		WORLD(a_message_the_server_stumbles_over_costs_only_itself),
		WORLD(a_mailbox_that_moves_while_it_is_read_is_set_aside),
		WORLD(what_stops_a_batch_counts_not_what_follows_it),
		WORLD(an_item_that_is_listed_though_it_is_said_to_be_gone_has_failed),
		WORLD(an_item_that_a_page_names_twice_is_fetched_once),
		WORLD(an_item_in_the_place_of_another_is_not_taken),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
