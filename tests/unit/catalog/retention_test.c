/* SPDX-License-Identifier: Apache-2.0 */
/* What expires, what is held, and who did it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "exarch/clock.h"

#include "archive.h"

#define MAILBOX 1
#define FOLDER 2
#define DAY (INT64_C(86400) * EXA_NS_PER_S)

static void
must(bool good, const struct exa_error *err)
{
	if (!good)
		fail_msg("%s", err->text);
}

static uint64_t
archive_item(struct archive *a, const char *id, const char *change_key, uint8_t content)
{
	struct catalog_item item = { .number = catalog_next_item(a->catalog),
		.mailbox = MAILBOX,
		.folder = FOLDER,
		.server_id = id,
		.change_key = change_key,
		.class = "IPM.Note",
		.received_ns = 5 * DAY,
		.mime_bytes = 100 };
	struct catalog_batch b = { 0 };

	memset(item.mime_sha256, content, sizeof item.mime_sha256);
	catalog_batch_item(&b, &item);
	archive_commit(a, &b);
	return item.number;
}

static void
expire(struct archive *a, const char *id, uint64_t number)
{
	const struct catalog_expired e = { .number = number,
		.key = catalog_key_of(MAILBOX, FOLDER, id),
		.when_ns = 9 * DAY,
		.rule = "old mail",
		.received_ns = 5 * DAY,
		.mime_bytes = 100 };
	struct catalog_batch b = { 0 };

	catalog_batch_expired(&b, &e);
	archive_commit(a, &b);
}

static void
removed(struct archive *a, const char *id)
{
	const struct catalog_key key = catalog_key_of(MAILBOX, FOLDER, id);
	struct catalog_batch b = { 0 };

	catalog_batch_removed(&b, &key);
	archive_commit(a, &b);
}

static struct store_txn *
look(struct archive *a)
{
	struct store_txn *txn;
	struct exa_error err;

	must(store_read_begin(catalog_store(a->catalog), &txn, &err), &err);
	return txn;
}

static struct ledger_counts
counts(struct archive *a)
{
	struct store_txn *txn = look(a);
	struct ledger_counts c;
	struct exa_error err;

	must(catalog_counts(txn, MAILBOX, FOLDER, &c, &err), &err);
	store_read_end(txn);
	return c;
}

static enum catalog_item_state
state_of_row(struct archive *a, uint64_t number)
{
	struct store_txn *txn = look(a);
	struct catalog_row row;
	struct exa_error err;
	bool found;

	must(catalog_row(txn, number, &found, &row, &err), &err);
	store_read_end(txn);
	assert_true(found);
	return row.state;
}

/* Whether the archive knows the item, and by this very change key. */
static bool
knows(struct archive *a, const char *id, const char *change_key)
{
	const struct catalog_key key = catalog_key_of(MAILBOX, FOLDER, id);
	struct store_txn *txn = look(a);
	struct exa_error err;
	bool found, same = false;
	uint64_t item;

	must(catalog_known(txn, &key, &found, &item, &same, change_key, &err), &err);
	store_read_end(txn);
	return found && same;
}

static bool
count_row(void *ctx, const struct catalog_row *row, struct exa_error *err)
{
	size_t *count = ctx;

	(void)row;
	(void)err;
	(*count)++;
	return true;
}

static size_t
rows_in_folder(struct archive *a)
{
	struct catalog_place place = { .received_ns = EXA_NO_TIME };
	struct store_txn *txn = look(a);
	struct exa_error err;
	size_t count = 0;
	bool more;

	must(catalog_each_row(txn, MAILBOX, FOLDER, &place, 100, count_row, &count, &more, &err),
		&err);
	store_read_end(txn);
	return count;
}

static void
an_expired_item_is_known_and_counted_but_no_longer_listed(void **state)
{
	struct archive *a = *state;
	uint64_t number = archive_item(a, "A", "1", 1);
	struct catalog_expired e;
	struct store_txn *txn;
	struct exa_error err;
	bool found;

	expire(a, "A", number);
	assert_int_equal(state_of_row(a, number), ITEM_EXPIRED);
	assert_int_equal(counts(a).of[LEDGER_EXPIRED], 1);
	assert_int_equal(counts(a).of[LEDGER_ARCHIVED], 0);
	assert_int_equal(rows_in_folder(a), 0);
	assert_true(knows(a, "A", "1"));
	assert_false(knows(a, "A", "2"));
	txn = look(a);
	must(catalog_expired_get(txn, number, &found, &e, &err), &err);
	assert_true(found);
	assert_string_equal(e.rule, "old mail");
	assert_int_equal(e.when_ns, 9 * DAY);
	assert_int_equal(e.received_ns, 5 * DAY);
	store_read_end(txn);
}

static void
expiring_an_item_twice_changes_nothing(void **state)
{
	struct archive *a = *state;
	uint64_t number = archive_item(a, "A", "1", 1);

	expire(a, "A", number);
	expire(a, "A", number);
	assert_int_equal(counts(a).of[LEDGER_EXPIRED], 1);
}

static void
an_expired_item_that_the_server_deletes_is_removed(void **state)
{
	struct archive *a = *state;
	uint64_t number = archive_item(a, "A", "1", 1);

	expire(a, "A", number);
	removed(a, "A");
	assert_int_equal(counts(a).of[LEDGER_EXPIRED], 0);
	assert_int_equal(counts(a).of[LEDGER_REMOVED], 1);
	assert_int_equal(state_of_row(a, number), ITEM_EXPIRED);
	assert_false(knows(a, "A", "1"));
}

static void
a_removed_item_that_expires_stays_removed_in_the_count(void **state)
{
	struct archive *a = *state;
	uint64_t number = archive_item(a, "A", "1", 1);

	removed(a, "A");
	expire(a, "A", number);
	assert_int_equal(counts(a).of[LEDGER_REMOVED], 1);
	assert_int_equal(counts(a).of[LEDGER_EXPIRED], 0);
	assert_int_equal(state_of_row(a, number), ITEM_EXPIRED);
}

static void
a_change_of_an_expired_item_is_a_new_item(void **state)
{
	struct archive *a = *state;
	uint64_t old = archive_item(a, "A", "1", 1), new;

	expire(a, "A", old);
	new = archive_item(a, "A", "2", 1);
	assert_int_equal(state_of_row(a, old), ITEM_EXPIRED);
	assert_int_equal(state_of_row(a, new), ITEM_LIVE);
	assert_int_equal(counts(a).of[LEDGER_ARCHIVED], 1);
	assert_int_equal(counts(a).of[LEDGER_EXPIRED], 0);
	assert_int_equal(rows_in_folder(a), 1);
}

static void
an_earlier_version_can_expire_alone(void **state)
{
	struct archive *a = *state;
	uint64_t old = archive_item(a, "A", "1", 1), new = archive_item(a, "A", "2", 2);

	expire(a, "A", old);
	assert_int_equal(state_of_row(a, old), ITEM_EXPIRED);
	assert_int_equal(state_of_row(a, new), ITEM_LIVE);
	assert_int_equal(counts(a).of[LEDGER_ARCHIVED], 1);
	assert_true(knows(a, "A", "2"));
}

static void
a_rebuild_brings_expiry_back(void **state)
{
	struct archive *a = *state;
	uint64_t number = archive_item(a, "A", "1", 1);

	expire(a, "A", number);
	archive_reopen(a, STORE_REBUILD);
	assert_int_equal(state_of_row(a, number), ITEM_EXPIRED);
	assert_int_equal(counts(a).of[LEDGER_EXPIRED], 1);
	assert_true(knows(a, "A", "1"));
}

static void
the_record_of_an_expired_item_is_gone(void **state)
{
	struct archive *a = *state;
	uint64_t number = archive_item(a, "A", "1", 1);
	struct store_txn *txn = look(a);
	struct catalog_row before;
	struct store_reader *reader;
	struct buf scratch = { 0 };
	struct catalog_item item;
	struct exa_error err;
	bool found;

	must(catalog_row(txn, number, &found, &before, &err), &err);
	store_read_end(txn);
	expire(a, "A", number);
	must(store_reader_new(catalog_store(a->catalog), &reader, &err), &err);
	before.loc.offset += 8; /* as if the record had been moved since */
	assert_false(catalog_item_read(reader, &before, &scratch, &item, &err));
	assert_int_equal(err.code, EXA_GONE);
	store_reader_free(reader);
	buf_done(&scratch);
}

/* ---- holds ---- */

static struct catalog_audit
audit_of(const char *action)
{
	return (struct catalog_audit){ .when_ns = 3 * DAY,
		.user = "anna",
		.host = "mail1",
		.program = "exarch",
		.action = action,
		.detail = "because" };
}

static uint64_t
hold(struct archive *a, struct catalog_hold h)
{
	struct catalog_audit audit = audit_of("hold add");
	struct exa_error err;

	h.reason = "a lawsuit";
	h.set_by = "anna@mail1";
	h.set_ns = 3 * DAY;
	must(catalog_hold_add(a->catalog, &h, &audit, &err), &err);
	return h.number;
}

#define ANY_TIME .from_ns = EXA_NO_TIME, .before_ns = EXA_NO_TIME

static struct catalog_holds *
holds(struct archive *a)
{
	struct catalog_holds *h;
	struct store_txn *txn = look(a);
	struct exa_error err;

	must(catalog_holds_load(txn, &h, &err), &err);
	store_read_end(txn);
	return h;
}

static void
a_hold_covers_what_matches_all_of_its_conditions(void **state)
{
	static const struct {
		struct catalog_hold hold;
		const char *smtp, *folder;
		int64_t received_ns;
		bool covered;
	} cases[] = {
		{ { .mailbox = "", .folder = "", ANY_TIME }, "a@x.y", "/Inbox", 5, true },
		{ { .mailbox = "*@x.y", .folder = "", ANY_TIME }, "A@X.Y", "/Inbox", 5, true },
		{ { .mailbox = "*@x.y", .folder = "", ANY_TIME }, "a@z.y", "/Inbox", 5, false },
		{ { .mailbox = "", .folder = "/Inbox/**", ANY_TIME }, "a@x.y", "/Inbox/Deep/Er", 5,
			true },
		{ { .mailbox = "", .folder = "/Inbox/**", ANY_TIME }, "a@x.y", "/Inbox", 5, true },
		{ { .mailbox = "", .folder = "/Inbox/*", ANY_TIME }, "a@x.y", "/Inbox", 5, false },
		{ { .mailbox = "", .folder = "/Inbox/**", ANY_TIME }, "a@x.y", "/Sent", 5, false },
		{ { .mailbox = "", .folder = "", .from_ns = 5, .before_ns = EXA_NO_TIME }, "a@x.y",
			"/Inbox", 5, true },
		{ { .mailbox = "", .folder = "", .from_ns = 5, .before_ns = EXA_NO_TIME }, "a@x.y",
			"/Inbox", 4, false },
		{ { .mailbox = "", .folder = "", .from_ns = EXA_NO_TIME, .before_ns = 5 }, "a@x.y",
			"/Inbox", 4, true },
		{ { .mailbox = "", .folder = "", .from_ns = EXA_NO_TIME, .before_ns = 5 }, "a@x.y",
			"/Inbox", 5, false },
		{ { .mailbox = "", .folder = "", .from_ns = 5, .before_ns = 9 }, "a@x.y", "/Inbox",
			EXA_NO_TIME, true },
		{ { .mailbox = "b@x.y", .folder = "", .from_ns = 5, .before_ns = 9 }, "a@x.y",
			"/Inbox", EXA_NO_TIME, false },
	};
	struct archive *a = *state;

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct catalog_hold h = cases[i].hold;
		struct catalog_audit audit = audit_of("hold remove");
		struct catalog_holds *loaded;
		struct exa_error err;
		uint64_t number;
		size_t by;

		h.name = "case";
		number = hold(a, h);
		loaded = holds(a);
		by = catalog_holds_cover(
			loaded, cases[i].smtp, cases[i].folder, cases[i].received_ns);
		if ((by == 0) != cases[i].covered)
			fail_msg("case %zu: %s", i, by == 0 ? "covered" : "not covered");
		catalog_holds_free(loaded);
		must(catalog_hold_lift(a->catalog, number, &audit, &err), &err);
	}
}

static void
a_hold_that_makes_no_sense_is_refused(void **state)
{
	static const struct catalog_hold bad[] = {
		{ .name = "", .mailbox = "", .folder = "", ANY_TIME },
		{ .name = "17", .mailbox = "", .folder = "", ANY_TIME },
		{ .name = "taken", .mailbox = "", .folder = "", ANY_TIME },
		{ .name = "x", .mailbox = "re:(", .folder = "", ANY_TIME },
		{ .name = "x", .mailbox = "", .folder = "re:(", ANY_TIME },
		{ .name = "x", .mailbox = "", .folder = "Inbox", ANY_TIME },
		{ .name = "x", .mailbox = "", .folder = "", .from_ns = 5, .before_ns = 5 },
	};
	struct archive *a = *state;

	(void)hold(
		a, (struct catalog_hold){ .name = "taken", .mailbox = "", .folder = "", ANY_TIME });
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		struct catalog_audit audit = audit_of("hold add");
		struct catalog_hold h = bad[i];
		struct exa_error err;

		h.reason = "";
		h.set_by = "";
		assert_false(catalog_hold_add(a->catalog, &h, &audit, &err));
		assert_int_equal(err.code, EXA_USAGE);
	}
}

static bool
note_lifted(void *ctx, const struct catalog_hold *h, struct exa_error *err)
{
	size_t *seen = ctx;

	(void)err;
	(*seen)++;
	assert_string_equal(h->name, "first");
	assert_string_equal(h->lifted_by, "anna@mail1");
	assert_int_equal(h->lifted_ns, 3 * DAY);
	return true;
}

static void
a_lifted_hold_covers_nothing_and_stays_on_record(void **state)
{
	struct archive *a = *state;
	uint64_t number = hold(
		a, (struct catalog_hold){ .name = "first", .mailbox = "", .folder = "", ANY_TIME });
	struct catalog_audit audit = audit_of("hold remove");
	struct catalog_holds *loaded;
	struct store_txn *txn;
	struct exa_error err;
	size_t seen = 0;

	must(catalog_hold_lift(a->catalog, number, &audit, &err), &err);
	archive_reopen(a, STORE_REBUILD);
	loaded = holds(a);
	assert_int_equal(catalog_holds_count(loaded), 0);
	catalog_holds_free(loaded);
	txn = look(a);
	must(catalog_each_hold(txn, note_lifted, &seen, &err), &err);
	store_read_end(txn);
	assert_int_equal(seen, 1);
	assert_false(catalog_hold_lift(a->catalog, number, &audit, &err));
	assert_int_equal(err.code, EXA_USAGE);
}

/* ---- audit ---- */

static bool
take_numbers(void *ctx, const struct catalog_audit *audit, struct exa_error *err)
{
	uint64_t *expected = ctx;

	(void)err;
	assert_int_equal(audit->number, ++*expected);
	return true;
}

static uint64_t
broken_links(struct archive *a)
{
	struct store_txn *txn = look(a);
	struct exa_error err;
	uint64_t broken;

	must(catalog_check_chains(txn, NULL, NULL, &broken, &err), &err);
	store_read_end(txn);
	return broken;
}

static void
audit_records_form_a_chain(void **state)
{
	struct archive *a = *state;
	struct catalog_run run = { .host = "mail1", .profile = "p.yaml", .program = "exarch" };
	struct store_txn *txn;
	struct exa_error err;
	uint64_t last = 0;

	for (int i = 0; i < 3; i++) {
		struct catalog_audit audit = audit_of("compact");

		must(catalog_audit_add(a->catalog, &audit, &err), &err);
		must(catalog_run_add(a->catalog, &run, &err), &err);
		must(store_flush(catalog_store(a->catalog), &err), &err);
	}
	(void)hold(a, (struct catalog_hold){ .name = "h", .mailbox = "", .folder = "", ANY_TIME });
	txn = look(a);
	must(catalog_each_audit(txn, take_numbers, &last, &err), &err);
	store_read_end(txn);
	assert_int_equal(last, 4);
	assert_int_equal(broken_links(a), 0);
}

static bool
take_named(void *ctx, const struct catalog_audit *audit, struct exa_error *err)
{
	struct buf *told = ctx;
	struct bytes rest = audit->numbers;
	uint64_t last = 0, number;

	(void)err;
	buf_printf(told, "%llu about %llu:", (unsigned long long)audit->number,
		(unsigned long long)audit->about);
	while (catalog_numbers_next(&rest, &last, &number))
		buf_printf(told, " %llu", (unsigned long long)number);
	buf_printf(told, "%s\n", rest.size > 0 ? " and what can't be read" : "");
	return true;
}

static void
audit_records_name_items_and_the_record_that_they_complete(void **state)
{
	static const uint64_t items[] = { 1, 2, 300, UINT64_MAX };
	struct archive *a = *state;
	EXA_AUTO(buf_done) struct buf numbers = { 0 };
	EXA_AUTO(buf_done) struct buf told = { 0 };
	struct catalog_audit plain = audit_of("compact"), naming = audit_of("delete end");
	struct store_txn *txn;
	struct exa_error err;
	uint64_t last = 0;

	for (size_t i = 0; i < sizeof items / sizeof items[0]; i++)
		catalog_numbers_add(&numbers, &last, items[i]);
	naming.about = 1;
	naming.numbers = buf_bytes(&numbers);
	must(catalog_audit_add(a->catalog, &plain, &err), &err);
	must(catalog_audit_add(a->catalog, &naming, &err), &err);
	buf_add_byte(&numbers, 1); /* beyond any number */
	naming.numbers = buf_bytes(&numbers);
	must(catalog_audit_add(a->catalog, &naming, &err), &err);
	txn = look(a);
	must(catalog_each_audit(txn, take_named, &told, &err), &err);
	store_read_end(txn);
	assert_string_equal(buf_string(&told),
		"1 about 0:\n2 about 1: 1 2 300 18446744073709551615\n"
		"3 about 1: 1 2 300 18446744073709551615 and what can't be read\n");
	assert_int_equal(broken_links(a), 0);
}

/* A record that another hand wrote: it doesn't know the hash of the one before. */
static void
forge(struct archive *a, uint64_t number)
{
	struct catalog_batch b = { 0 };
	struct buf record = { 0 };

	buf_add_byte(&record, 'A');
	buf_add_byte(&record, 1);
	buf_add_varint(&record, number);
	buf_add_varint(&record, 2); /* the moment 1 */
	for (int i = 0; i < 5; i++) {
		buf_add_varint(&record, 1);
		buf_add_byte(&record, 0);
	}
	buf_add_varint(&record, 0);
	buf_add_varint(&record, 0);
	for (int i = 0; i < CATALOG_SHA256_SIZE; i++)
		buf_add_byte(&record, 7);
	store_batch_record(&b.store, buf_bytes(&record));
	buf_done(&record);
	archive_commit(a, &b);
}

static void
an_audit_record_that_was_changed_or_left_out_shows(void **state)
{
	struct archive *a = *state;
	struct catalog_audit audit = audit_of("compact");
	struct exa_error err;

	must(catalog_audit_add(a->catalog, &audit, &err), &err);
	must(catalog_audit_add(a->catalog, &audit, &err), &err);
	forge(a, 1); /* in the place of the first: the second no longer fits, nor does it */
	assert_int_equal(broken_links(a), 2);
	forge(a, 4); /* there is no third */
	assert_int_equal(broken_links(a), 3);
}

int
main(void)
{
#define IN_ARCHIVE(test) cmocka_unit_test_setup_teardown(test, archive_make, archive_remove)
	const struct CMUnitTest tests[] = {
		IN_ARCHIVE(an_expired_item_is_known_and_counted_but_no_longer_listed),
		IN_ARCHIVE(expiring_an_item_twice_changes_nothing),
		IN_ARCHIVE(an_expired_item_that_the_server_deletes_is_removed),
		IN_ARCHIVE(a_removed_item_that_expires_stays_removed_in_the_count),
		IN_ARCHIVE(a_change_of_an_expired_item_is_a_new_item),
		IN_ARCHIVE(an_earlier_version_can_expire_alone),
		IN_ARCHIVE(a_rebuild_brings_expiry_back),
		IN_ARCHIVE(the_record_of_an_expired_item_is_gone),
		IN_ARCHIVE(a_hold_covers_what_matches_all_of_its_conditions),
		IN_ARCHIVE(a_hold_that_makes_no_sense_is_refused),
		IN_ARCHIVE(a_lifted_hold_covers_nothing_and_stays_on_record),
		IN_ARCHIVE(audit_records_form_a_chain),
		IN_ARCHIVE(audit_records_name_items_and_the_record_that_they_complete),
		IN_ARCHIVE(an_audit_record_that_was_changed_or_left_out_shows),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
