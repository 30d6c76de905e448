/* SPDX-License-Identifier: Apache-2.0 */
/* What runs over a mailbox that changes leave in the archive. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "exarch/clock.h"
#include "exarch/mem.h"

#include "world.h"

#define WORLD(test) cmocka_unit_test_setup_teardown(test, world_make, world_remove)

static void
a_folder_of_many_pages_is_archived_whole(void **state)
{
	/* the last page full to the brim, or of one item */
	for (size_t count = 20; count <= 21; count++) {
		struct world *w;

		(void)world_remove(state);
		(void)world_make(state);
		w = *state;
		server.page = 10;
		server_fill(server_mailbox_add(ANNA), count);
		world_run(w);
		assert_true(w->good);
		assert_int_equal(w->totals.sum.archived, count);
		assert_int_equal(w->totals.sum.unexplained, 0);
		assert_int_equal(w->totals.mailboxes_incomplete, 0);
	}
}

static void
a_folder_that_is_listed_twice_is_archived_once(void **state)
{
	struct world *w = *state;

	server_fill(server_mailbox_add(ANNA), 20);
	server.mailboxes[0].listed_twice = true;
	world_run(w);
	assert_int_equal(w->totals.sum.archived, 20);
	assert_int_equal(w->totals.sum.known, 0);
	assert_int_equal(server.syncs, 1);
}

static void
a_trial_takes_so_many_items_and_the_next_run_takes_the_rest(void **state)
{
	struct world *w = *state;
	struct crawl_mailbox few[1];

	server.page = 10;
	server_fill(server_mailbox_add(ANNA), 35);
	few[0] = w->options.mailboxes[0];
	few[0].items_max = 25;
	w->options.mailboxes = few;
	world_run(w);
	assert_true(w->good);
	assert_int_equal(w->totals.sum.archived, 25);
	assert_int_equal(w->totals.sum.unexplained, 0);
	assert_int_equal(w->totals.mailboxes_incomplete, 1);
	few[0].items_max = 0;
	world_run(w);
	assert_int_equal(w->totals.sum.archived, 10);
	assert_int_equal(w->totals.sum.unexplained, 0);
	assert_int_equal(w->totals.mailboxes_incomplete, 0);
}

static void
a_rerun_with_nothing_new_fetches_nothing(void **state)
{
	struct world *w = *state;

	server_fill(server_mailbox_add(ANNA), 30);
	world_run(w);
	assert_int_equal(w->totals.sum.archived, 30);
	world_run(w);
	assert_int_equal(server.fetches, 0);
	assert_int_equal(w->totals.sum.archived, 0);
	assert_int_equal(w->totals.sum.known, 30);
}

static void
a_refused_state_starts_afresh_and_what_is_known_is_not_fetched_again(void **state)
{
	struct world *w = *state;
	struct server_folder *inbox = server_mailbox_add(ANNA);

	server.page = 7;
	server_fill(inbox, 20);
	world_run(w);
	server.states_since++;
	server_fill(inbox, 1);
	world_run(w);
	assert_int_equal(w->totals.sum.archived, 1);
	assert_int_equal(w->totals.sum.known, 20);
	assert_int_equal(inbox->items[0].fetched, 1);
}

static void
a_listing_from_the_start_finds_what_was_deleted_meanwhile(void **state)
{
	struct world *w = *state;
	struct server_folder *inbox = server_mailbox_add(ANNA);

	server.page = 7;
	server_fill(inbox, 20);
	world_run(w);
	server.states_since++;
	server_delete(inbox, 3);
	server_delete(inbox, 19);
	world_run(w);
	assert_int_equal(w->totals.sum.removed, 2);
	assert_int_equal(w->totals.sum.unexplained, 0);
	assert_int_equal(world_rows(w, 1, ITEM_REMOVED), 2);
	assert_int_equal(world_rows(w, 1, ITEM_LIVE), 18);
}

static void
an_item_with_a_failed_new_version_that_is_deleted_counts_once(void **state)
{
	struct world *w = *state;
	struct server_folder *inbox = server_mailbox_add(ANNA);

	server_fill(inbox, 5);
	world_run(w);
	server_change(inbox, 2);
	inbox->items[2].fails = EXA_UNREADABLE;
	world_run(w);
	world_run(w); /* failed twice: not tried again by the next run */
	assert_int_equal(w->totals.sum.failed, 1);
	server.states_since++;
	server_delete(inbox, 2);
	world_run(w);
	assert_int_equal(w->totals.sum.removed, 1);
	assert_int_equal(w->totals.sum.gone, 0);
	assert_int_equal(world_counts(w, 1).of[LEDGER_REMOVED], 1);
	assert_int_equal(world_counts(w, 1).of[LEDGER_FAILED], 0);
}

static void
a_new_version_that_is_deleted_before_it_was_fetched_leaves_the_earlier_one(void **state)
{
	struct world *w = *state;
	struct server_folder *inbox = server_mailbox_add(ANNA);

	server_fill(inbox, 5);
	world_run(w);
	server_change(inbox, 2);
	inbox->items[2].fails = EXA_GONE;
	inbox->miscounted = -1;
	world_run(w);
	assert_int_equal(w->totals.sum.removed, 1);
	assert_int_equal(w->totals.sum.gone, 0);
	assert_int_equal(world_rows(w, 1, ITEM_REMOVED), 1);
	assert_int_equal(world_rows(w, 1, ITEM_LIVE), 4);
}

static void
an_item_that_the_changes_left_out_is_found(void **state)
{
	struct world *w = *state;
	struct server_folder *inbox = server_mailbox_add(ANNA);

	server_fill(inbox, 5);
	world_run(w);
	server_add_silently(inbox);
	world_run(w);
	assert_int_equal(w->totals.sum.archived, 1);
	assert_int_equal(w->totals.sum.unexplained, 0);
	assert_int_equal(world_rows(w, 1, ITEM_LIVE), 6);
}

static void
a_count_that_never_fits_is_unexplained_and_the_run_ends(void **state)
{
	struct world *w = *state;
	struct server_folder *inbox = server_mailbox_add(ANNA);

	server_fill(inbox, 5);
	inbox->miscounted = 2;
	world_run(w);
	assert_true(w->good);
	assert_int_equal(w->totals.sum.unexplained, 2);
	assert_int_equal(w->totals.sum.archived, 5);
}

static void
a_new_version_supersedes_stands_beside_or_is_left_out_as_the_profile_says(void **state)
{
	static const struct {
		enum crawl_versions versions;
		size_t archived, live, superseded;
	} cases[] = { { CRAWL_VERSIONS_FIRST, 0, 5, 0 }, { CRAWL_VERSIONS_LATEST, 1, 5, 1 },
		{ CRAWL_VERSIONS_ALL, 1, 6, 0 } };

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct server_folder *inbox;
		struct world *w;

		(void)world_remove(state);
		(void)world_make(state);
		w = *state;
		inbox = server_mailbox_add(ANNA);
		w->options.versions = cases[i].versions;
		server_fill(inbox, 5);
		world_run(w);
		server_change(inbox, 1);
		world_run(w);
		assert_int_equal(w->totals.sum.archived, cases[i].archived);
		assert_int_equal(world_rows(w, 1, ITEM_LIVE), cases[i].live);
		assert_int_equal(world_rows(w, 1, ITEM_SUPERSEDED), cases[i].superseded);
		assert_int_equal(world_counts(w, 1).of[LEDGER_ARCHIVED], 5);
	}
}

static void
an_unread_item_is_archived_once_it_was_read(void **state)
{
	struct world *w = *state;
	struct server_folder *inbox = server_mailbox_add(ANNA);

	w->rules.unread = RULES_UNREAD_DEFER;
	server_fill(inbox, 5);
	inbox->items[4].unread = true;
	world_run(w);
	assert_int_equal(w->totals.sum.archived, 4);
	assert_int_equal(w->totals.sum.deferred, 1);
	server_read(inbox, 4);
	world_run(w);
	assert_int_equal(w->totals.sum.archived, 1);
	assert_int_equal(w->totals.sum.deferred, 0);
}

/* Being read need not change an item's change key. */
static void
an_item_read_while_the_state_was_lost_is_archived(void **state)
{
	struct world *w = *state;
	struct server_folder *inbox = server_mailbox_add(ANNA);

	w->rules.unread = RULES_UNREAD_DEFER;
	server_fill(inbox, 5);
	inbox->items[4].unread = true;
	world_run(w);
	server_read(inbox, 4);
	server.states_since++;
	world_run(w);
	assert_int_equal(w->totals.sum.archived, 1);
	assert_int_equal(w->totals.sum.deferred, 0);
}

static void
a_changed_profile_judges_what_was_excluded_again(void **state)
{
	struct world *w = *state;
	struct server_folder *inbox = server_mailbox_add(ANNA);

	w->rules.classes = 1U << RULES_CLASS_MAIL;
	server_fill(inbox, 5);
	inbox->items[0].class = "IPM.Contact";
	world_run(w);
	assert_int_equal(w->totals.sum.archived, 4);
	assert_int_equal(w->totals.sum.excluded, 1);
	w->rules.classes |= 1U << RULES_CLASS_CONTACT;
	world_run(w);
	assert_int_equal(w->totals.sum.archived, 1);
	assert_int_equal(w->totals.sum.excluded, 0);
}

static void
a_dry_run_writes_nothing_and_says_what_would_be_archived(void **state)
{
	struct world *w = *state;

	server.page = 7;
	server_fill(server_mailbox_add(ANNA), 20);
	w->options.dry_run = true;
	world_run(w);
	assert_true(w->good);
	assert_int_equal(w->totals.sum.archived, 20);
	assert_int_equal(server.fetches, 0);
	for (int i = 0; i < LEDGER_STATE_COUNT; i++)
		assert_int_equal(world_counts(w, 1).of[i], 0);
	w->options.dry_run = false;
	world_run(w);
	assert_int_equal(w->totals.sum.archived, 20);
}

static void
a_dry_run_names_what_earlier_runs_left_open(void **state)
{
	struct world *w = *state;
	struct server_folder *inbox = server_mailbox_add(ANNA);

	w->rules.classes = 1U << RULES_CLASS_MAIL;
	server_fill(inbox, 5);
	inbox->items[0].class = "IPM.Contact";
	world_run(w);
	w->rules.classes |= 1U << RULES_CLASS_CONTACT;
	w->options.dry_run = true;
	world_run(w);
	assert_int_equal(w->totals.sum.archived, 1);
	w->options.dry_run = false;
	world_run(w);
	assert_int_equal(w->totals.sum.archived, 1);
}

/* A folder that tells when it changed last, archived once. */
static struct server_folder *
archive_settled_folder(struct world *w)
{
	struct server_folder *inbox = server_mailbox_add(ANNA);

	inbox->changed_ns = clock_wall_ns() - 3600 * EXA_NS_PER_S;
	w->options.full_sync_ns = 86400 * EXA_NS_PER_S;
	server_fill(inbox, 30);
	world_run(w);
	assert_int_equal(w->totals.sum.archived, 30);
	return inbox;
}

static void
a_folder_that_tells_of_no_news_is_not_asked(void **state)
{
	struct world *w = *state;

	(void)archive_settled_folder(w);
	world_run(w);
	assert_int_equal(server.syncs, 0);
	assert_int_equal(w->totals.sum.unexplained, 0);
	assert_int_equal(w->totals.mailboxes_incomplete, 0);
}

static void
a_folder_with_another_time_or_count_is_asked(void **state)
{
	struct world *w = *state;
	struct server_folder *inbox = archive_settled_folder(w);

	inbox->changed_ns += EXA_NS_PER_S;
	world_run(w);
	assert_int_equal(server.syncs, 1);
	server_fill(inbox, 1); /* a server that forgets to tell the time of it */
	world_run(w);
	assert_int_equal(w->totals.sum.archived, 1);
}

static void
a_folder_is_asked_when_it_was_long_ago_or_the_rules_have_changed(void **state)
{
	struct world *w = *state;

	(void)archive_settled_folder(w);
	w->options.full_sync_ns = 0;
	world_run(w);
	assert_int_equal(server.syncs, 1);
	w->options.full_sync_ns = 86400 * EXA_NS_PER_S;
	w->rules.classes = 1U << RULES_CLASS_MAIL;
	world_run(w);
	assert_int_equal(server.syncs, 1);
	world_run(w);
	assert_int_equal(server.syncs, 0);
}

static void
a_change_just_before_the_run_is_not_trusted_to_be_the_last(void **state)
{
	struct world *w = *state;
	struct server_folder *inbox = archive_settled_folder(w);

	server_fill(inbox, 1);
	inbox->changed_ns = clock_wall_ns();
	world_run(w);
	assert_int_equal(w->totals.sum.archived, 1);
	server_change(inbox, 0); /* within the same tick of the server's clock */
	world_run(w);
	assert_int_equal(server.syncs, 1);
	assert_int_equal(w->totals.sum.archived, 1);
}

static void
a_mailbox_without_news_costs_one_request(void **state)
{
	struct world *w = *state;
	struct server_folder *inbox = archive_settled_folder(w);

	server_folder_add(ANNA, "Empty")->changed_ns = inbox->changed_ns;
	world_run(w); /* another folder is news */
	assert_int_equal(server.roots, 1);
	world_run(w);
	assert_int_equal(server.trees, 1);
	assert_int_equal(server.roots + server.syncs + server.fetches, 0);
	assert_int_equal(w->totals.sum.known, inbox->item_count);
	assert_int_equal(w->totals.sum.unexplained, 0);
}

static void
the_root_is_asked_for_when_there_are_news_or_it_was_long_ago(void **state)
{
	struct world *w = *state;
	struct server_folder *inbox = archive_settled_folder(w);

	inbox->changed_ns += EXA_NS_PER_S;
	world_run(w);
	assert_int_equal(server.roots, 1);
	world_run(w);
	assert_int_equal(server.roots, 0);
	w->options.full_sync_ns = 1;
	world_run(w);
	assert_int_equal(server.roots, 1);
}

static void
items_in_the_root_are_archived_and_followed(void **state)
{
	struct world *w = *state;
	struct server_folder *inbox = archive_settled_folder(w);
	struct server_folder *root = server_folder_add(ANNA, "root");

	server_fill(root, 2);
	inbox->changed_ns += EXA_NS_PER_S;
	world_run(w);
	assert_int_equal(w->totals.sum.archived, 2);
	server_fill(root, 1); /* and nothing else changes */
	world_run(w);
	assert_int_equal(w->totals.sum.archived, 1);
	for (size_t i = 0; i < root->item_count; i++)
		server_delete(root, i);
	world_run(w);
	assert_int_equal(w->totals.sum.removed, 3);
	assert_int_equal(w->totals.sum.unexplained, 0);
}

static struct server_folder *first_listed, *second_listed;

static void
move_to_the_one_listed_first(struct server_folder *f)
{
	second_listed = f;
	first_listed = server.mailboxes[0].folders[f == server.mailboxes[0].folders[0]];
	server_move(f, 2, first_listed);
}

static void
an_item_moved_into_a_folder_that_was_listed_already_is_found_by_the_same_run(void **state)
{
	struct world *w = *state;

	server_fill(server_mailbox_add(ANNA), 5);
	server_fill(server_folder_add(ANNA, "Projects"), 5);
	server.at_second_sync = move_to_the_one_listed_first;
	w->options.threads = 1;
	world_run(w);
	assert_int_equal(first_listed->item_count, 6);
	assert_int_equal(first_listed->items[5].fetched, 1);
	assert_int_equal(second_listed->items[2].fetched, 0);
	assert_int_equal(w->totals.sum.archived, 10);
	assert_int_equal(w->totals.sum.unexplained, 0);
}

static void
a_folder_no_longer_at_the_server_is_marked_and_its_items_are_kept_as_removed(void **state)
{
	struct world *w = *state;
	struct server_folder *inbox = server_mailbox_add(ANNA);
	struct server_folder *extra = server_folder_add(ANNA, "Extra");

	server_fill(inbox, 3);
	server_fill(extra, 20);
	extra->items[7].fails = EXA_UNREADABLE;
	world_run(w);
	extra->deleted = true;
	world_run(w);
	assert_int_equal(w->totals.sum.removed, 19);
	assert_int_equal(w->totals.sum.gone, 1);
	assert_int_equal(w->totals.sum.unexplained, 0);
	assert_int_equal(world_rows(w, 1, ITEM_REMOVED), 19);
	assert_int_equal(world_rows(w, 2, ITEM_LIVE), 3);
	world_run(w); /* once is enough */
	assert_int_equal(w->totals.sum.removed, 0);
	extra->deleted = false;
	extra->items[7].fails = EXA_OK;
	world_run(w);
	assert_int_equal(world_rows(w, 1, ITEM_LIVE), 20);
	assert_int_equal(w->totals.sum.unexplained, 0);
}

static void
the_online_archive_of_a_mailbox_is_archived_beside_it(void **state)
{
	const struct crawl_mailbox parts[] = { { .smtp = (char[]){ ANNA },
						       .display_name = (char[]){ "Anna" },
						       .label = (char[]){ ANNA } },
		{ .smtp = (char[]){ ANNA },
			.display_name = (char[]){ "Anna" },
			.label = (char[]){ ANNA " (online archive)" },
			.part = CATALOG_ONLINE_ARCHIVE },
		{ .smtp = (char[]){ BERT },
			.display_name = (char[]){ "Bert" },
			.label = (char[]){ BERT " (online archive)" },
			.part = CATALOG_ONLINE_ARCHIVE } };
	struct world *w = *state;

	w->options.mailboxes = parts;
	w->options.mailbox_count = 3;
	server_fill(server_mailbox_add(ANNA), 10);
	server_fill(server_part_add(ANNA, EWS_PART_ARCHIVE), 25);
	(void)server_mailbox_add(BERT); /* who has no online archive */
	world_run(w);
	assert_true(w->good);
	assert_int_equal(w->totals.sum.archived, 35);
	assert_int_equal(w->totals.mailboxes_failed, 0);
	assert_int_equal(w->totals.mailboxes_incomplete, 0);
	world_run(w);
	assert_int_equal(w->totals.sum.archived, 0);
	assert_int_equal(w->totals.sum.known, 35);
}

static bool
content_of(void *ctx, const char *guid, struct buf *out, struct exa_error *err)
{
	(void)ctx;
	(void)err;
	buf_printf(out, "content-of-%s", guid);
	return true;
}

static bool
locate(void *ctx, struct exa_error *err)
{
	(void)ctx;
	(void)err;
	return true;
}

static const struct crawl_public routing = {
	.locate = locate,
	.hierarchy = "tree@contoso.example",
	.hierarchy_server = "guid@contoso.example",
	.content = content_of,
};
static const struct crawl_mailbox public_folders[] = { { .smtp = (char[]){ ANNA },
	.display_name = (char[]){ "" },
	.label = (char[]){ ANNA " (public folders)" },
	.part = CATALOG_PUBLIC,
	.routing = &routing } };

static struct server_folder *
begin_public(struct world *w)
{
	w->options.mailboxes = public_folders;
	w->options.full_sync_ns = 86400 * EXA_NS_PER_S;
	server.page = 10;
	return server_part_add(ANNA, EWS_PART_PUBLIC);
}

static void
public_folders_are_archived_and_followed_without_changes_to_ask_for(void **state)
{
	struct world *w = *state;
	struct server_folder *f = begin_public(w);

	server_fill(f, 25);
	f->changed_ns = clock_wall_ns() - 3600 * EXA_NS_PER_S;
	world_run(w);
	assert_true(w->good);
	assert_int_equal(w->totals.sum.archived, 25);
	assert_int_equal(w->totals.sum.unexplained, 0);
	world_run(w);
	assert_int_equal(server.syncs, 0);
	server_delete(f, 3);
	server_fill(f, 2);
	f->changed_ns += EXA_NS_PER_S;
	world_run(w);
	assert_int_equal(w->totals.sum.archived, 2);
	assert_int_equal(w->totals.sum.removed, 1);
	assert_int_equal(w->totals.sum.known, 24);
	assert_int_equal(w->totals.sum.unexplained, 0);
	assert_int_equal(world_rows(w, 1, ITEM_REMOVED), 1);
}

static void
delete_the_first(struct server_folder *f)
{
	server_delete(f, 0);
	server.at_second_sync = NULL;
}

static void
a_public_folder_whose_pages_shift_loses_nothing(void **state)
{
	struct world *w = *state;
	struct server_folder *f = begin_public(w);

	server_fill(f, 25);
	world_run(w);
	/* Known items that the listing leaves out, since others moved up meanwhile. */
	server.at_second_sync = delete_the_first;
	w->options.threads = 1;
	world_run(w);
	assert_int_equal(w->totals.sum.removed, 1);
	assert_int_equal(w->totals.sum.archived, 0);
	assert_int_equal(w->totals.sum.unexplained, 0);
	assert_int_equal(world_rows(w, 1, ITEM_LIVE), 24);
	for (size_t i = 0; i < f->item_count; i++)
		assert_int_equal(f->items[i].fetched, 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		WORLD(a_folder_of_many_pages_is_archived_whole),
		WORLD(a_folder_that_is_listed_twice_is_archived_once),
		WORLD(a_trial_takes_so_many_items_and_the_next_run_takes_the_rest),
		WORLD(a_rerun_with_nothing_new_fetches_nothing),
		WORLD(a_refused_state_starts_afresh_and_what_is_known_is_not_fetched_again),
		WORLD(a_listing_from_the_start_finds_what_was_deleted_meanwhile),
		WORLD(an_item_with_a_failed_new_version_that_is_deleted_counts_once),
		WORLD(a_new_version_that_is_deleted_before_it_was_fetched_leaves_the_earlier_one),
		WORLD(an_item_that_the_changes_left_out_is_found),
		WORLD(a_count_that_never_fits_is_unexplained_and_the_run_ends),
		WORLD(a_new_version_supersedes_stands_beside_or_is_left_out_as_the_profile_says),
		WORLD(an_unread_item_is_archived_once_it_was_read),
		WORLD(an_item_read_while_the_state_was_lost_is_archived),
		WORLD(a_changed_profile_judges_what_was_excluded_again),
		WORLD(a_dry_run_writes_nothing_and_says_what_would_be_archived),
		WORLD(a_dry_run_names_what_earlier_runs_left_open),
		WORLD(a_folder_that_tells_of_no_news_is_not_asked),
		WORLD(a_folder_with_another_time_or_count_is_asked),
		WORLD(a_folder_is_asked_when_it_was_long_ago_or_the_rules_have_changed),
		WORLD(a_change_just_before_the_run_is_not_trusted_to_be_the_last),
		WORLD(a_mailbox_without_news_costs_one_request),
		WORLD(the_root_is_asked_for_when_there_are_news_or_it_was_long_ago),
		WORLD(items_in_the_root_are_archived_and_followed),
		WORLD(an_item_moved_into_a_folder_that_was_listed_already_is_found_by_the_same_run),
		WORLD(a_folder_no_longer_at_the_server_is_marked_and_its_items_are_kept_as_removed),
		WORLD(public_folders_are_archived_and_followed_without_changes_to_ask_for),
		WORLD(a_public_folder_whose_pages_shift_loses_nothing),
		WORLD(the_online_archive_of_a_mailbox_is_archived_beside_it),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
