/* SPDX-License-Identifier: Apache-2.0 */
/* What is deleted at the server, what keeps an item there, and what is on record of it whenever the
 * process dies. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "exarch/clock.h"
#include "exarch/mem.h"

#include "world.h"

#define WORLD(test) cmocka_unit_test_setup_teardown(test, world_make, world_remove)
#define DAY (86400 * EXA_NS_PER_S)
#define ITEMS 25 /* three batches */
#define RECORDS_MOST 200

static void
must(bool good, const struct exa_error *err)
{
	if (!good)
		fail_msg("%s", err->text);
}

static void
switch_on(struct world *w)
{
	w->options.deleting = (struct crawl_deleting){ .archived = true,
		.how = EWS_DELETE_SOFT,
		.before_ns = EXA_NO_TIME,
		.most = UINT64_MAX,
		.user = "root",
		.host = "vault",
		.program = "test" };
}

static size_t
left_at_server(const struct server_folder *f)
{
	size_t count = 0;

	for (size_t i = 0; i < f->item_count; i++)
		count += !f->items[i].deleted;
	return count;
}

static int
times_asked(const struct server_folder *f)
{
	int count = 0;

	for (size_t i = 0; i < f->item_count; i++)
		count += f->items[i].deletions;
	return count;
}

/* ---- the record ---- */

struct record {
	uint64_t number, about;
	bool begins;
	uint64_t items[EWS_BATCH_MAX];
	size_t count;
};

struct records {
	struct record of[RECORDS_MOST];
	size_t count;
	uint64_t broken;
};

static bool
take_record(void *ctx, const struct catalog_audit *audit, struct exa_error *err)
{
	struct records *all = ctx;
	struct record *r = &all->of[all->count];
	struct bytes rest = audit->numbers;
	uint64_t last = 0, number;

	(void)err;
	if (strncmp(audit->action, "delete ", 7) != 0)
		return true;
	assert_true(all->count < RECORDS_MOST);
	assert_string_equal(audit->user, "root");
	*r = (struct record){ .number = audit->number,
		.about = audit->about,
		.begins = strcmp(audit->action, "delete begin") == 0 };
	while (catalog_numbers_next(&rest, &last, &number))
		r->items[r->count++] = number;
	assert_int_equal(rest.size, 0);
	assert_int_equal(audit->items, r->count);
	all->count++;
	return true;
}

static struct catalog *
open_archive(const struct world *w, enum store_access access)
{
	struct catalog *catalog;
	struct exa_error err;

	must(catalog_open(w->dir, &(struct store_open_options){ .access = access }, NULL, &catalog,
		     &err),
		&err);
	return catalog;
}

static void
read_records(const struct world *w, struct records *out)
{
	struct catalog *catalog = open_archive(w, STORE_READ);
	struct store_txn *txn;
	struct exa_error err;

	*out = (struct records){ 0 };
	must(store_read_begin(catalog_store(catalog), &txn, &err), &err);
	must(catalog_each_audit(txn, take_record, out, &err), &err);
	must(catalog_check_chains(txn, NULL, NULL, &out->broken, &err), &err);
	store_read_end(txn);
	must(catalog_close(catalog, &err), &err);
}

static size_t
times_named(const struct records *all, bool begins, uint64_t item)
{
	size_t times = 0;

	for (size_t r = 0; r < all->count; r++) {
		for (size_t i = 0; all->of[r].begins == begins && i < all->of[r].count; i++)
			times += all->of[r].items[i] == item;
	}
	return times;
}

static size_t
ends_of(const struct records *all, uint64_t begun)
{
	size_t ends = 0;

	for (size_t r = 0; r < all->count; r++)
		ends += !all->of[r].begins && all->of[r].about == begun;
	return ends;
}

/* ---- what is deleted ---- */

static void
what_is_archived_is_deleted_and_on_record(void **state)
{
	struct world *w = *state;
	struct server_folder *inbox = server_mailbox_add(ANNA);
	struct records records;

	server_fill(inbox, ITEMS);
	switch_on(w);
	world_run(w);
	assert_true(w->good);
	assert_int_equal(w->totals.sum.archived, ITEMS);
	assert_int_equal(w->totals.sum.deleted, ITEMS);
	assert_int_equal(w->totals.sum.known, 0);
	assert_int_equal(left_at_server(inbox), 0);
	assert_int_equal(times_asked(inbox), ITEMS);
	assert_int_equal(server.deleted_how, EWS_DELETE_SOFT);
	assert_int_equal(world_counts(w, 1).of[LEDGER_REMOVED], ITEMS);
	assert_int_equal(world_rows(w, 1, ITEM_REMOVED), ITEMS);

	read_records(w, &records);
	assert_int_equal(records.count, 6); /* two of each of three batches */
	assert_int_equal(records.broken, 0);
	for (uint64_t item = 1; item <= ITEMS; item++) {
		assert_int_equal(times_named(&records, true, item), 1);
		assert_int_equal(times_named(&records, false, item), 1);
	}

	/* and the server's listing of what we did is nothing new */
	world_run(w);
	assert_int_equal(w->totals.sum.removed, 0);
	assert_int_equal(w->totals.sum.unexplained, 0);
	assert_int_equal(server.looks, 0);
}

static void
nothing_is_deleted_unless_it_is_switched_on(void **state)
{
	struct world *w = *state;
	struct server_folder *inbox = server_mailbox_add(ANNA);

	server_fill(inbox, ITEMS);
	world_run(w);
	world_run(w);
	assert_int_equal(server.looks + server.deletions, 0);
	assert_int_equal(left_at_server(inbox), ITEMS);
}

static void
a_dry_run_counts_and_deletes_nothing(void **state)
{
	struct world *w = *state;
	struct server_folder *inbox = server_mailbox_add(ANNA);
	struct records records;

	server_fill(inbox, ITEMS);
	world_run(w);
	inbox->items[3].flagged = true;
	switch_on(w);
	w->options.dry_run = true;
	world_run(w);
	assert_true(w->good);
	assert_int_equal(w->totals.sum.deleted, ITEMS - 1);
	assert_int_equal(server.deletions, 0);
	assert_int_equal(left_at_server(inbox), ITEMS);
	read_records(w, &records);
	assert_int_equal(records.count, 0);
}

/* ---- what keeps an item ---- */

static void
be_young(struct world *w, struct server_folder *f)
{
	(void)w;
	f->items[4].received_ns = 100 * DAY;
}

static void
have_no_date(struct world *w, struct server_folder *f)
{
	(void)w;
	f->items[4].received_ns = EXA_NO_TIME;
}

static void
be_flagged(struct world *w, struct server_folder *f)
{
	(void)w;
	f->items[4].flagged = true;
}

static void
be_excluded_since(struct world *w, struct server_folder *f)
{
	(void)f;
	w->rules.classes = 1U << RULES_CLASS_MAIL;
}

/* No listing tells of it: the server knows better than the archive. */
static void
change_untold(struct world *w, struct server_folder *f)
{
	(void)w;
	f->items[4].version++;
}

static void
be_refused(struct world *w, struct server_folder *f)
{
	(void)w;
	f->items[4].keeps = EXA_DENIED;
}

static void
be_held(struct world *w, struct server_folder *f)
{
	struct catalog_hold hold = { .name = "case",
		.mailbox = ANNA,
		.folder = "/Inbox",
		.from_ns = DAY,
		.before_ns = 2 * DAY,
		.reason = "",
		.set_by = "",
		.lifted_by = "" };
	struct catalog_audit audit = {
		.user = "", .host = "", .program = "", .action = "hold add", .detail = ""
	};
	struct catalog *catalog = open_archive(w, STORE_WRITE);
	struct exa_error err;

	(void)f;
	must(catalog_hold_add(catalog, &hold, &audit, &err), &err);
	must(catalog_close(catalog, &err), &err);
}

static void
each_condition_alone_keeps_an_item(void **state)
{
	static const struct {
		void (*before_it_is_archived)(struct world *w, struct server_folder *f);
		void (*after)(struct world *w, struct server_folder *f);
		uint64_t undeleted;
		int requests; /* that name it */
	} cases[] = {
		{ be_young, NULL, 0, 0 },
		{ have_no_date, NULL, 0, 0 },
		{ be_flagged, NULL, 0, 0 },
		{ NULL, be_flagged, 0, 0 },
		{ NULL, be_excluded_since, 0, 0 },
		{ NULL, change_untold, 0, 0 },
		{ NULL, be_held, 0, 0 },
		{ NULL, be_refused, 1, 1 },
	};

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct server_folder *inbox;
		struct world *w;

		(void)world_remove(state);
		(void)world_make(state);
		w = *state;
		inbox = server_mailbox_add(ANNA);
		server_fill(inbox, ITEMS);
		inbox->items[4].class = "IPM.Appointment";
		inbox->items[4].received_ns = DAY;
		if (cases[i].before_it_is_archived != NULL)
			cases[i].before_it_is_archived(w, inbox);
		world_run(w);
		assert_int_equal(w->totals.sum.archived, ITEMS);
		if (cases[i].after != NULL)
			cases[i].after(w, inbox);
		switch_on(w);
		w->options.deleting.before_ns = 50 * DAY;
		world_run(w);
		if (left_at_server(inbox) != 1 || inbox->items[4].deleted)
			fail_msg("case %zu: %zu items left", i, left_at_server(inbox));
		assert_int_equal(w->totals.sum.undeleted, cases[i].undeleted);
		assert_int_equal(w->totals.sum.deleted, ITEMS - 1);
		assert_int_equal(inbox->items[4].deletions, cases[i].requests);
	}
}

static void
an_item_that_the_archive_cannot_give_back_stays(void **state)
{
	struct world *w = *state;
	struct server_folder *inbox = server_mailbox_add(ANNA);
	char path[128];
	FILE *f;

	server_fill(inbox, 3);
	world_run(w);
	(void)snprintf(path, sizeof path, "%s/seg/00/00000001.xseg", w->dir);
	f = fopen(path, "r+");
	assert_non_null(f);
	assert_int_equal(fseek(f, 64 + 64 + 10, SEEK_SET), 0); /* in the first frame */
	assert_int_equal(fwrite("damaged", 7, 1, f), 1);
	assert_int_equal(fclose(f), 0);
	switch_on(w);
	world_run(w);
	assert_true(w->good);
	assert_int_equal(left_at_server(inbox), 3);
	assert_int_equal(w->totals.sum.undeleted, 3);
	assert_int_equal(server.looks + server.deletions, 0);
}

static void
a_folder_with_something_open_is_left_alone(void **state)
{
	struct world *w = *state;
	struct server_folder *inbox = server_mailbox_add(ANNA);
	struct server_folder *sent = server_folder_add(ANNA, "Sent");

	server_fill(inbox, 5);
	server_fill(sent, 5);
	inbox->items[0].fails = EXA_UNREADABLE;
	switch_on(w);
	world_run(w);
	assert_int_equal(w->totals.sum.failed, 1);
	assert_int_equal(left_at_server(inbox), 5);
	assert_int_equal(left_at_server(sent), 0);
}

static void
a_mailbox_with_something_unexplained_is_left_alone(void **state)
{
	struct world *w = *state;
	struct server_folder *inbox = server_mailbox_add(ANNA);

	server_fill(inbox, 5);
	inbox->miscounted = 1;
	switch_on(w);
	world_run(w);
	assert_int_equal(w->totals.sum.unexplained, 1);
	assert_int_equal(left_at_server(inbox), 5);
	assert_int_equal(server.looks, 0);
}

static void
recoverable_items_are_never_deleted(void **state)
{
	const struct crawl_mailbox parts[] = {
		{ .smtp = (char[]){ ANNA }, .label = (char[]){ "r" }, .part = CATALOG_RECOVERABLE },
		{ .smtp = (char[]){ ANNA },
			.label = (char[]){ "a" },
			.part = CATALOG_ONLINE_ARCHIVE },
	};
	struct world *w = *state;
	struct server_folder *dumpster = server_part_add(ANNA, EWS_PART_RECOVERABLE);
	struct server_folder *online = server_part_add(ANNA, EWS_PART_ARCHIVE);

	server_fill(dumpster, 5);
	server_fill(online, 5);
	w->options.mailboxes = parts;
	w->options.mailbox_count = 2;
	switch_on(w);
	world_run(w);
	assert_int_equal(w->totals.sum.archived, 10);
	assert_int_equal(left_at_server(dumpster), 5);
	assert_int_equal(left_at_server(online), 0);
}

static void
an_earlier_version_is_no_reason_to_ask_twice(void **state)
{
	struct world *w = *state;
	struct server_folder *inbox = server_mailbox_add(ANNA);

	w->options.versions = CRAWL_VERSIONS_ALL;
	server_fill(inbox, 5);
	world_run(w);
	server_change(inbox, 2);
	switch_on(w);
	world_run(w);
	assert_int_equal(world_rows(w, 1, ITEM_LIVE) + world_rows(w, 1, ITEM_REMOVED), 6);
	assert_int_equal(left_at_server(inbox), 0);
	assert_int_equal(times_asked(inbox), 5);
}

static void
what_was_read_since_is_archived_with_its_new_key_and_deleted(void **state)
{
	struct world *w = *state;
	struct server_folder *inbox = server_mailbox_add(ANNA);

	server_fill(inbox, 5);
	inbox->items[1].unread = true;
	world_run(w);
	server_read_anew(inbox, 1);
	switch_on(w);
	world_run(w);
	assert_int_equal(left_at_server(inbox), 0);
	assert_int_equal(inbox->items[1].fetched, 2);
	assert_int_equal(world_rows(w, 1, ITEM_REMOVED), 5);
}

/* ---- limits ---- */

static void
no_more_than_the_most_are_deleted_in_a_run(void **state)
{
	struct world *w = *state;
	struct server_folder *anna = server_mailbox_add(ANNA), *bert = server_mailbox_add(BERT);

	server_fill(anna, ITEMS);
	server_fill(bert, ITEMS);
	w->options.mailbox_count = 2;
	switch_on(w);
	w->options.deleting.most = 17;
	world_run(w);
	assert_int_equal(w->totals.sum.deleted, 17);
	assert_int_equal(left_at_server(anna) + left_at_server(bert), 2 * ITEMS - 17);
	assert_int_equal(times_asked(anna) + times_asked(bert), 17);
	w->options.deleting.most = 0;
	world_run(w);
	assert_int_equal(server.deletions, 0);
}

/* ---- trouble ---- */

static struct server_folder *changing;

static void
delete_in_between(void)
{
	server_delete(changing, 4);
}

static void
what_somebody_else_deletes_in_between_is_not_ours(void **state)
{
	struct world *w = *state;
	struct server_folder *inbox = server_mailbox_add(ANNA);
	struct records records;

	server_fill(inbox, 5);
	changing = inbox;
	server.after_look = delete_in_between;
	switch_on(w);
	world_run(w);
	assert_int_equal(w->totals.sum.deleted, 4);
	assert_int_equal(w->totals.sum.undeleted, 0);
	read_records(w, &records);
	assert_int_equal(times_named(&records, true, 5), 1);
	assert_int_equal(times_named(&records, false, 5), 0);
	world_run(w);
	assert_int_equal(w->totals.sum.removed, 1);
	assert_int_equal(w->totals.sum.unexplained, 0);
}

static void
a_lost_answer_is_looked_up_before_anything_is_asked_again(void **state)
{
	struct world *w = *state;
	struct server_folder *inbox = server_mailbox_add(ANNA);
	struct records records;

	/* carried out: nothing is asked for twice; not carried out: exactly once more */
	for (int carried_out = 1; carried_out >= 0; carried_out--) {
		(void)world_remove(state);
		(void)world_make(state);
		w = *state;
		inbox = server_mailbox_add(ANNA);
		server_fill(inbox, 5);
		server.lost_answers = 1;
		server.lost_requests = !carried_out;
		switch_on(w);
		world_run(w);
		assert_true(w->good);
		assert_int_equal(w->totals.sum.deleted, 5);
		assert_int_equal(left_at_server(inbox), 0);
		assert_int_equal(times_asked(inbox), carried_out ? 5 : 10);
		assert_int_equal(server.looks, 2);
		read_records(w, &records);
		assert_int_equal(records.count, 2);
		assert_int_equal(records.of[1].count, 5);
	}
}

static void
an_item_that_only_needs_time_is_asked_for_again(void **state)
{
	struct world *w = *state;
	struct server_folder *inbox = server_mailbox_add(ANNA);

	server_fill(inbox, 5);
	inbox->items[2].keeps = EXA_NET;
	switch_on(w);
	world_run(w);
	assert_true(w->good);
	assert_int_equal(w->totals.sum.undeleted, 1);
	assert_int_equal(w->totals.sum.deleted, 4);
	assert_int_equal(left_at_server(inbox), 1);
	assert_true(inbox->items[2].deletions > 1);
	assert_int_equal(inbox->items[1].deletions, 1);
}

static void
an_answer_with_items_in_other_places_deletes_nothing(void **state)
{
	struct world *w = *state;
	struct server_folder *inbox = server_mailbox_add(ANNA);

	server_fill(inbox, 5);
	server.reversed = true;
	switch_on(w);
	world_run(w);
	assert_true(w->good);
	assert_int_equal(w->totals.sum.undeleted, 5);
	assert_int_equal(w->totals.sum.archived, 5);
	assert_int_equal(server.deletions, 0);
}

/* ---- the process dies ---- */

/* What was deleted is in the archive, and announced. */
static void
assert_promise(const struct world *w, const struct server_folder *f)
{
	struct records records;

	read_records(w, &records);
	assert_int_equal(records.broken, 0);
	for (size_t i = 0; i < f->item_count; i++) {
		struct catalog *catalog = open_archive(w, STORE_READ);
		const struct catalog_key key = catalog_key_of(1, 1, f->items[i].id);
		struct store_txn *txn;
		struct exa_error err;
		uint64_t number = 0;
		bool known = false, same;

		/* known or, once the ledger has heard of it, removed: found by its row */
		must(store_read_begin(catalog_store(catalog), &txn, &err), &err);
		must(catalog_known(txn, &key, &known, &number, &same, "", &err), &err);
		store_read_end(txn);
		must(catalog_close(catalog, &err), &err);
		if (f->items[i].deleted && known)
			assert_true(times_named(&records, true, number) > 0);
	}
	assert_int_equal(world_rows(w, 1, ITEM_LIVE) + world_rows(w, 1, ITEM_REMOVED), ITEMS);
}

static void
assert_concluded(const struct world *w)
{
	struct records records;

	read_records(w, &records);
	for (size_t r = 0; r < records.count; r++) {
		if (records.of[r].begins)
			assert_int_equal(ends_of(&records, records.of[r].number), 1);
	}
	for (uint64_t item = 1; item <= ITEMS; item++) {
		assert_true(times_named(&records, true, item) >= 1);
		assert_int_equal(times_named(&records, false, item), 1);
	}
}

static void
whenever_the_process_dies_what_is_gone_is_archived_and_on_record(void **state)
{
	bool died = true;

	for (int at = 1; died; at++) {
		for (int late = 0; late <= 1; late++) {
			struct server_folder *inbox;
			struct world *w;

			(void)world_remove(state);
			(void)world_make(state);
			w = *state;
			inbox = server_mailbox_add(ANNA);
			server_fill(inbox, ITEMS);
			switch_on(w);
			server.dies_at = at;
			server.dies_late = late != 0;
			world_run(w);
			died = !w->good;
			assert_promise(w, inbox);

			server.dies_at = 0;
			world_run(w);
			assert_true(w->good);
			assert_promise(w, inbox);
			assert_concluded(w);
			assert_int_equal(left_at_server(inbox), 0);
			assert_int_equal(w->totals.sum.unexplained, 0);
			assert_int_equal(world_counts(w, 1).of[LEDGER_REMOVED], ITEMS);
		}
		assert_true(at < 20);
	}
}

static void
what_was_interrupted_is_concluded_even_if_it_is_switched_off(void **state)
{
	struct world *w = *state;
	struct server_folder *inbox = server_mailbox_add(ANNA);
	struct records records;

	server_fill(inbox, 5);
	switch_on(w);
	server.dies_at = 2;
	server.dies_late = true;
	world_run(w);
	assert_false(w->good);
	assert_int_equal(left_at_server(inbox), 0);
	server.dies_at = 0;
	w->options.deleting.archived = false;
	world_run(w);
	assert_true(w->good);
	read_records(w, &records);
	assert_int_equal(records.count, 2);
	assert_int_equal(records.of[1].about, records.of[0].number);
	assert_int_equal(records.of[1].count, 5);
	assert_int_equal(server.deletions, 0);
	world_run(w);
	assert_int_equal(server.looks, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		WORLD(what_is_archived_is_deleted_and_on_record),
		WORLD(nothing_is_deleted_unless_it_is_switched_on),
		WORLD(a_dry_run_counts_and_deletes_nothing),
		WORLD(each_condition_alone_keeps_an_item),
		WORLD(an_item_that_the_archive_cannot_give_back_stays),
		WORLD(a_folder_with_something_open_is_left_alone),
		WORLD(a_mailbox_with_something_unexplained_is_left_alone),
		WORLD(recoverable_items_are_never_deleted),
		WORLD(an_earlier_version_is_no_reason_to_ask_twice),
		WORLD(what_was_read_since_is_archived_with_its_new_key_and_deleted),
		WORLD(no_more_than_the_most_are_deleted_in_a_run),
		WORLD(what_somebody_else_deletes_in_between_is_not_ours),
		WORLD(a_lost_answer_is_looked_up_before_anything_is_asked_again),
		WORLD(an_item_that_only_needs_time_is_asked_for_again),
		WORLD(an_answer_with_items_in_other_places_deletes_nothing),
		WORLD(whenever_the_process_dies_what_is_gone_is_archived_and_on_record),
		WORLD(what_was_interrupted_is_concluded_even_if_it_is_switched_off),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
