/* SPDX-License-Identifier: Apache-2.0 */
/* Which items a policy gives up, and which stay. */
#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "exarch/clock.h"
#include "exarch/retain.h"

#define NOW (INT64_C(1784714400) * EXA_NS_PER_S) /* 2026-07-22T10:00:00Z */
#define YEAR (INT64_C(31557600) * EXA_NS_PER_S)
#define LONG_AGO (NOW - 10 * YEAR)

struct archive {
	char dir[64];
	struct catalog *catalog;
	unsigned items;
};

static void
must(bool good, const struct exa_error *err)
{
	if (!good)
		fail_msg("%s", err->text);
}

static int
make_with(void **state, const struct store_key *key)
{
	const struct store_create_options options = { .codec = STORE_CODEC_ZLIB, .key = key };
	const struct store_open_options write = { .access = STORE_WRITE, .key = key };
	struct archive *a = exa_alloc(sizeof *a);
	struct exa_error err;

	(void)snprintf(a->dir, sizeof a->dir, "/tmp/exarch-retain-XXXXXX");
	assert_non_null(mkdtemp(a->dir));
	must(catalog_create(a->dir, &options, &err), &err);
	must(catalog_open(a->dir, &write, NULL, &a->catalog, &err), &err);
	*state = a;
	return 0;
}

static int
make(void **state)
{
	return make_with(state, NULL);
}

static int
make_encrypted(void **state)
{
	static const uint8_t secret[STORE_KEY_FILE_BYTES] = { 1, 2, 3 };
	const struct store_key key = { .kind = STORE_KEY_FILE,
		.secret = bytes_of(secret, sizeof secret) };

	return make_with(state, &key);
}

static int
remove_one(const char *path, const struct stat *st, int type, struct FTW *at)
{
	(void)st;
	(void)type;
	(void)at;
	return remove(path);
}

static int
take_away(void **state)
{
	struct archive *a = *state;

	catalog_abandonp(&a->catalog);
	(void)nftw(a->dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	exa_free(a);
	return 0;
}

static uint32_t
mailbox(struct archive *a, const char *smtp)
{
	const struct catalog_mailbox m = { .smtp = smtp, .display_name = "" };
	struct exa_error err;
	uint32_t number;

	must(catalog_mailbox_put(a->catalog, &m, &number, &err), &err);
	return number;
}

static uint32_t
folder_of_id(struct archive *a, uint32_t mailbox_number, const char *id, const char *path)
{
	const struct catalog_folder f = { .mailbox = mailbox_number,
		.server_id = id,
		.parent_id = "",
		.name = path + 1,
		.path = path,
		.class = "IPF.Note" };
	struct exa_error err;
	uint32_t number;

	must(catalog_folder_put(a->catalog, &f, &number, &err), &err);
	return number;
}

static uint32_t
folder(struct archive *a, uint32_t mailbox_number, const char *path)
{
	return folder_of_id(a, mailbox_number, path, path);
}

/* ITEM's dates that are 0 aren't known. */
static uint64_t
put(struct archive *a, uint32_t mailbox_number, uint32_t folder_number, struct catalog_item item)
{
	int64_t *const dates[] = { &item.received_ns, &item.sent_ns, &item.created_ns,
		&item.modified_ns };
	struct catalog_batch b = { 0 };
	char id[16];
	struct exa_error err;
	uint64_t epoch;

	(void)snprintf(id, sizeof id, "id%u", ++a->items);
	for (size_t i = 0; i < sizeof dates / sizeof dates[0]; i++)
		*dates[i] = *dates[i] != 0 ? *dates[i] : EXA_NO_TIME;
	item.number = catalog_next_item(a->catalog);
	item.mailbox = mailbox_number;
	item.folder = folder_number;
	item.server_id = id;
	item.change_key = "1";
	if (item.class == NULL)
		item.class = "IPM.Note";
	item.mime_bytes = 10;
	memset(item.mime_sha256, (int)a->items, sizeof item.mime_sha256);
	catalog_batch_item(&b, &item);
	must(catalog_submit(a->catalog, &b, &epoch, &err), &err);
	must(store_wait(catalog_store(a->catalog), epoch, &err), &err);
	catalog_batch_done(&b);
	return item.number;
}

static bool
is_expired(struct archive *a, uint64_t number)
{
	struct store_txn *txn;
	struct catalog_row row;
	struct exa_error err;
	bool found;

	must(store_read_begin(catalog_store(a->catalog), &txn, &err), &err);
	must(catalog_row(txn, number, &found, &row, &err), &err);
	store_read_end(txn);
	assert_true(found);
	return row.state == ITEM_EXPIRED;
}

static struct retain_result
run(struct archive *a, const char *policy_text, struct retain_options options)
{
	EXA_AUTO(retain_policy_freep) struct retain_policy *policy = NULL;
	struct retain_result result;
	struct exa_error err;

	options.now_ns = NOW;
	options.user = "anna";
	options.host = "mail1";
	options.program = "exarch";
	must(retain_policy_parse(bytes_of_string(policy_text), "p.yaml", NOW, &policy, &err), &err);
	must(retain_expire(a->catalog, policy, &options, &result, &err), &err);
	return result;
}

#define FIVE_YEARS "version: 1\nrules: [{ name: all, keep: 5 years }]\n"

static uint64_t
expire(struct archive *a, const char *policy)
{
	struct retain_result r = run(a, policy, (struct retain_options){ 0 });
	uint64_t items = r.items;

	retain_result_done(&r);
	return items;
}

static void
age_counts_from_the_first_date_that_is_known(void **state)
{
	struct archive *a = *state;
	uint32_t m = mailbox(a, "anna@x.com"), f = folder(a, m, "/Inbox");
	uint64_t old = put(a, m, f, (struct catalog_item){ .received_ns = LONG_AGO });
	uint64_t young = put(
		a, m, f, (struct catalog_item){ .received_ns = NOW - YEAR, .sent_ns = LONG_AGO });
	uint64_t sent =
		put(a, m, f, (struct catalog_item){ .sent_ns = LONG_AGO, .created_ns = NOW });
	uint64_t created = put(a, m, f, (struct catalog_item){ .created_ns = LONG_AGO });
	uint64_t modified = put(a, m, f, (struct catalog_item){ .modified_ns = LONG_AGO });
	uint64_t fresh = put(a, m, f, (struct catalog_item){ .modified_ns = NOW });
	uint64_t undated = put(a, m, f, (struct catalog_item){ .size_bytes = 1 });
	struct retain_result r = run(a, FIVE_YEARS, (struct retain_options){ 0 });

	assert_int_equal(r.items, 4);
	assert_int_equal(r.undated, 1);
	assert_int_equal(r.rules[0].items, 4);
	assert_int_equal(r.rules[0].bytes, 40);
	assert_int_equal(r.rules[0].oldest_ns, LONG_AGO);
	retain_result_done(&r);
	assert_true(is_expired(a, old));
	assert_true(is_expired(a, sent));
	assert_true(is_expired(a, created));
	assert_true(is_expired(a, modified));
	assert_false(is_expired(a, young));
	assert_false(is_expired(a, fresh));
	assert_false(is_expired(a, undated));
}

/* Mailboxes are archived newest first, and an encrypted archive keeps that order. */
static void
what_was_archived_behind_something_young_expires_too(void **state)
{
	struct archive *a = *state;
	uint32_t m = mailbox(a, "anna@x.com"), f = folder(a, m, "/Inbox");
	uint64_t young = put(a, m, f, (struct catalog_item){ .received_ns = NOW - YEAR });
	uint64_t old = put(a, m, f, (struct catalog_item){ .received_ns = LONG_AGO });

	assert_int_equal(expire(a, FIVE_YEARS), 1);
	assert_true(is_expired(a, old));
	assert_false(is_expired(a, young));
}

static void
the_first_rule_that_matches_decides(void **state)
{
	struct archive *a = *state;
	uint32_t anna = mailbox(a, "anna@x.com"), bert = mailbox(a, "bert@y.com");
	uint32_t inbox = folder(a, anna, "/Inbox"), keep = folder(a, anna, "/Keep"),
		 other = folder(a, bert, "/Inbox");
	const struct catalog_item mail = { .received_ns = LONG_AGO },
				  task = { .received_ns = LONG_AGO, .class = "IPM.Task" };
	uint64_t mail_inbox = put(a, anna, inbox, mail), task_inbox = put(a, anna, inbox, task);
	uint64_t mail_keep = put(a, anna, keep, mail), mail_other = put(a, bert, other, mail),
		 task_other = put(a, bert, other, task);

	(void)expire(a, "version: 1\n"
			"rules:\n"
			"  - { name: tasks, classes: [task], keep: 20 years }\n"
			"  - { name: kept, folders: [/Keep], keep: forever }\n"
			"  - { name: x, mailboxes: ['*@x.com'], keep: 5 years }\n");
	assert_true(is_expired(a, mail_inbox));
	assert_false(is_expired(a, task_inbox));
	assert_false(is_expired(a, mail_keep));
	assert_false(is_expired(a, mail_other)); /* no rule: kept */
	assert_false(is_expired(a, task_other));
}

static void
what_is_held_stays_and_is_counted_by_hold(void **state)
{
	struct archive *a = *state;
	uint32_t m = mailbox(a, "anna@x.com"), inbox = folder(a, m, "/Inbox"),
		 sent = folder(a, m, "/Sent");
	uint64_t held = put(a, m, inbox, (struct catalog_item){ .received_ns = LONG_AGO });
	uint64_t unknown = put(a, m, inbox, (struct catalog_item){ .sent_ns = LONG_AGO });
	uint64_t younger =
		put(a, m, inbox, (struct catalog_item){ .received_ns = LONG_AGO + YEAR });
	uint64_t elsewhere = put(a, m, sent, (struct catalog_item){ .received_ns = LONG_AGO });
	struct catalog_hold hold = { .name = "lawsuit",
		.mailbox = "",
		.folder = "/Inbox",
		.from_ns = EXA_NO_TIME,
		.before_ns = LONG_AGO + 1,
		.reason = "",
		.set_by = "anna@mail1" };
	struct catalog_audit audit = { .user = "anna",
		.host = "mail1",
		.program = "exarch",
		.action = "hold add",
		.detail = "" };
	struct retain_result r;
	struct exa_error err;
	uint64_t covered;

	must(catalog_hold_add(a->catalog, &hold, &audit, &err), &err);
	r = run(a, FIVE_YEARS, (struct retain_options){ 0 });
	assert_int_equal(r.items, 2);
	assert_int_equal(r.held, 2);
	assert_int_equal(r.rules[0].held_by[0], 2);
	must(retain_count_held(a->catalog, r.holds, 0, &covered, &err), &err);
	assert_int_equal(covered, 2);
	retain_result_done(&r);
	assert_false(is_expired(a, held));
	assert_false(is_expired(a, unknown));
	assert_true(is_expired(a, younger));
	assert_true(is_expired(a, elsewhere));
}

/* What is held must not get free by somebody renaming its folder at the server, or one above. */
static void
a_hold_on_a_folder_stays_on_it_when_it_is_renamed(void **state)
{
	struct archive *a = *state;
	uint32_t m = mailbox(a, "anna@x.com"), f = folder_of_id(a, m, "id", "/Projects/Secret"),
		 other = folder_of_id(a, m, "other", "/Other");
	uint64_t held = put(a, m, f, (struct catalog_item){ .received_ns = LONG_AGO });
	uint64_t free = put(a, m, other, (struct catalog_item){ .received_ns = LONG_AGO });
	struct catalog_hold hold = { .name = "lawsuit",
		.mailbox = "",
		.folder = "/Projects/**",
		.from_ns = EXA_NO_TIME,
		.before_ns = EXA_NO_TIME,
		.reason = "",
		.set_by = "anna@mail1" };
	struct catalog_audit audit = { .user = "anna",
		.host = "mail1",
		.program = "exarch",
		.action = "hold add",
		.detail = "" };
	struct exa_error err;
	struct retain_result r;
	uint64_t covered;

	must(catalog_hold_add(a->catalog, &hold, &audit, &err), &err);
	assert_int_equal(folder_of_id(a, m, "id", "/Old/Secret"), f);
	assert_int_equal(folder_of_id(a, m, "id", "/Older"), f);
	must(store_flush(catalog_store(a->catalog), &err), &err);
	r = run(a, FIVE_YEARS, (struct retain_options){ 0 });
	assert_int_equal(r.items, 1);
	assert_int_equal(r.held, 1);
	must(retain_count_held(a->catalog, r.holds, 0, &covered, &err), &err);
	assert_int_equal(covered, 1);
	retain_result_done(&r);
	assert_false(is_expired(a, held));
	assert_true(is_expired(a, free));
}

static void
count_item(void *ctx, const struct retain_item *item)
{
	unsigned *count = ctx;

	assert_string_equal(item->mailbox, "anna@x.com");
	assert_string_equal(item->rule->name, "all");
	(*count)++;
}

static uint64_t audit_items(struct archive *a, uint64_t *records_out);

static void
a_dry_run_tells_what_would_go_and_changes_nothing(void **state)
{
	struct archive *a = *state;
	uint32_t m = mailbox(a, "anna@x.com"), f = folder(a, m, "/Inbox");
	uint64_t number = put(a, m, f, (struct catalog_item){ .received_ns = LONG_AGO }), records;
	unsigned told = 0;
	struct retain_result r = run(a, FIVE_YEARS,
		(struct retain_options){ .dry_run = true, .item = count_item, .ctx = &told });

	assert_int_equal(r.items, 1);
	assert_int_equal(told, 1);
	retain_result_done(&r);
	assert_false(is_expired(a, number));
	(void)audit_items(a, &records);
	assert_int_equal(records, 0);
}

static bool
sum_items(void *ctx, const struct catalog_audit *audit, struct exa_error *err)
{
	uint64_t *sums = ctx;

	(void)err;
	assert_string_equal(audit->action, "expire");
	assert_string_equal(audit->user, "anna");
	sums[0] += audit->items;
	sums[1]++;
	return true;
}

static uint64_t
audit_items(struct archive *a, uint64_t *records_out)
{
	uint64_t sums[2] = { 0, 0 };
	struct store_txn *txn;
	struct exa_error err;

	must(store_read_begin(catalog_store(a->catalog), &txn, &err), &err);
	must(catalog_each_audit(txn, sum_items, sums, &err), &err);
	store_read_end(txn);
	*records_out = sums[1];
	return sums[0];
}

static void
each_batch_has_its_audit_record(void **state)
{
	struct archive *a = *state;
	uint32_t m = mailbox(a, "anna@x.com"), f = folder(a, m, "/Inbox");
	uint64_t records;

	for (int i = 0; i < 3; i++)
		(void)put(a, m, f, (struct catalog_item){ .received_ns = LONG_AGO });
	assert_int_equal(expire(a, FIVE_YEARS), 3);
	assert_int_equal(audit_items(a, &records), 3);
	assert_int_equal(records, 1);
	assert_int_equal(expire(a, FIVE_YEARS), 0); /* nothing to do leaves no record */
	assert_int_equal(audit_items(a, &records), 3);
	assert_int_equal(records, 1);
}

static void
a_limit_bounds_what_goes_at_once(void **state)
{
	struct archive *a = *state;
	uint32_t m = mailbox(a, "anna@x.com"), f = folder(a, m, "/Inbox");
	struct retain_result r;

	for (int i = 0; i < 3; i++)
		(void)put(a, m, f, (struct catalog_item){ .received_ns = LONG_AGO });
	r = run(a, FIVE_YEARS, (struct retain_options){ .limit = 2 });
	assert_int_equal(r.items, 2);
	assert_true(r.limited);
	retain_result_done(&r);
	r = run(a, FIVE_YEARS, (struct retain_options){ .limit = 2 });
	assert_int_equal(r.items, 1);
	assert_false(r.limited);
	retain_result_done(&r);
}

struct stopping {
	struct cancel cancel;
	unsigned told;
};

static void
stop_at_second(void *ctx, const struct retain_item *item)
{
	struct stopping *s = ctx;

	(void)item;
	if (++s->told == 2)
		cancel_raise(&s->cancel, CANCEL_SIGNAL);
}

static void
what_was_told_before_a_stop_is_expired(void **state)
{
	struct archive *a = *state;
	uint32_t m = mailbox(a, "anna@x.com"), f = folder(a, m, "/Inbox");
	struct stopping s = { .told = 0 };
	struct retain_result r;
	uint64_t records;

	for (int i = 0; i < 4; i++)
		(void)put(a, m, f, (struct catalog_item){ .received_ns = LONG_AGO });
	r = run(a, FIVE_YEARS,
		(struct retain_options){ .cancel = &s.cancel, .item = stop_at_second, .ctx = &s });
	assert_true(r.stopped);
	assert_int_equal(r.items, 2);
	retain_result_done(&r);
	assert_int_equal(audit_items(a, &records), 2);
	assert_int_equal(expire(a, FIVE_YEARS), 2);
}

int
main(void)
{
#define IN_ARCHIVE(test) cmocka_unit_test_setup_teardown(test, make, take_away)
	const struct CMUnitTest tests[] = {
		IN_ARCHIVE(age_counts_from_the_first_date_that_is_known),
		IN_ARCHIVE(what_was_archived_behind_something_young_expires_too),
		cmocka_unit_test_setup_teardown(
			what_was_archived_behind_something_young_expires_too, make_encrypted,
			take_away),
		IN_ARCHIVE(the_first_rule_that_matches_decides),
		IN_ARCHIVE(what_is_held_stays_and_is_counted_by_hold),
		IN_ARCHIVE(a_hold_on_a_folder_stays_on_it_when_it_is_renamed),
		cmocka_unit_test_setup_teardown(a_hold_on_a_folder_stays_on_it_when_it_is_renamed,
			make_encrypted, take_away),
		IN_ARCHIVE(a_dry_run_tells_what_would_go_and_changes_nothing),
		IN_ARCHIVE(each_batch_has_its_audit_record),
		IN_ARCHIVE(a_limit_bounds_what_goes_at_once),
		IN_ARCHIVE(what_was_told_before_a_stop_is_expired),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
