/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "exarch/clock.h"
#include "exarch/mem.h"

#include "support.h"

/* Writes "smtp path number\n" for each. */
static bool
note(void *ctx, const struct selected *s, struct exa_error *err)
{
	(void)err;
	assert_int_equal(s->row->mailbox, s->mailbox->number);
	assert_int_equal(s->row->folder, s->folder->number);
	buf_printf(ctx, "%s %s %llu\n", s->mailbox->smtp, s->folder->path,
		(unsigned long long)s->row->number);
	return true;
}

static void
assert_selects(struct archive *a, const struct selection *s, const char *expected)
{
	EXA_AUTO(buf_done) struct buf out = { 0 };
	struct exa_error err;

	assert_true(selection_walk(a->catalog, s, note, &out, &err));
	assert_string_equal(buf_string(&out), expected);
}

/* Two mailboxes with two folders; items 1 to 6, the first ones received last. */
static void
fill(struct archive *a)
{
	uint32_t anna = put_mailbox(a, "anna@x", CATALOG_PRIMARY);
	uint32_t bert = put_mailbox(a, "bert@x", CATALOG_PRIMARY);
	uint32_t inbox = put_folder(a, anna, "/Inbox"), sub = put_folder(a, anna, "/Inbox/Sub");
	uint32_t other = put_folder(a, bert, "/Inbox");
	struct message m = { .mime = "Subject: x\r\n\r\n" };

	m.mailbox = bert;
	m.folder = other;
	m.received_ns = MAY_FIRST_NS + 5 * HOUR_NS;
	(void)put_message(a, &m); /* 1 */
	m.mailbox = anna;
	m.folder = sub;
	(void)put_message(a, &m); /* 2 */
	m.folder = inbox;
	m.received_ns = MAY_FIRST_NS + 3 * HOUR_NS;
	(void)put_message(a, &m); /* 3 */
	m.received_ns = MAY_FIRST_NS + 1 * HOUR_NS;
	(void)put_message(a, &m); /* 4 */
	m.received_ns = EXA_NO_TIME;
	(void)put_message(a, &m); /* 5 */
	m.received_ns = MAY_FIRST_NS + 3 * HOUR_NS;
	(void)put_message(a, &m); /* 6 */
}

static void
items_come_by_mailbox_folder_and_time(void **state)
{
	struct archive *a = *state;
	struct selection s;

	fill(a);
	selection_init(&s);
	/* The index of an encrypted archive doesn't sort by date. */
	assert_selects(a, &s,
		a->encrypted
			? "anna@x /Inbox 3\nanna@x /Inbox 4\nanna@x /Inbox 5\nanna@x /Inbox 6\n"
			  "anna@x /Inbox/Sub 2\nbert@x /Inbox 1\n"
			: "anna@x /Inbox 5\nanna@x /Inbox 4\nanna@x /Inbox 3\nanna@x /Inbox 6\n"
			  "anna@x /Inbox/Sub 2\nbert@x /Inbox 1\n");
	selection_done(&s);
}

/* As after a rebuild that couldn't read the records of a mailbox and of folders. */
static void
items_whose_folder_or_mailbox_is_lost_come_with_stand_ins(void **state)
{
	struct archive *a = *state;
	uint32_t anna = put_mailbox(a, "anna@x", CATALOG_PRIMARY), inbox;
	struct message m = { .mime = "Subject: x\r\n\r\n", .received_ns = MAY_FIRST_NS };
	struct selection s;
	struct exa_error err;

	inbox = put_folder(a, anna, "/Inbox");
	m.mailbox = anna;
	m.folder = inbox;
	(void)put_message(a, &m); /* 1 */
	m.folder = inbox + 4;
	(void)put_message(a, &m); /* 2 */
	m.mailbox = anna + 6;
	m.folder = 2;
	(void)put_message(a, &m); /* 3 */
	selection_init(&s);
	assert_selects(a, &s, "anna@x /Inbox 1\nanna@x /(folder 5) 2\n(mailbox 7) /(folder 2) 3\n");
	assert_true(pattern_compile("(mailbox 7)", &s.mailbox, &err));
	assert_selects(a, &s, "(mailbox 7) /(folder 2) 3\n");
	selection_done(&s);
	s.ids = exa_alloc_array(1, sizeof *s.ids);
	s.ids[s.id_count++] = 2;
	assert_selects(a, &s, "anna@x /(folder 5) 2\n");
	selection_done(&s);
}

static void
patterns_choose_mailboxes_and_folders(void **state)
{
	struct archive *a = *state;
	struct selection s;
	struct exa_error err;

	fill(a);
	selection_init(&s);
	assert_true(pattern_compile("BERT@*", &s.mailbox, &err));
	assert_selects(a, &s, "bert@x /Inbox 1\n");
	selection_done(&s);
	assert_true(pattern_compile("/Inbox/**", &s.folder, &err));
	assert_selects(a, &s, "anna@x /Inbox/Sub 2\n");
	selection_done(&s);
	assert_true(pattern_compile("nobody@x", &s.mailbox, &err));
	assert_selects(a, &s, "");
	selection_done(&s);
}

static void
a_span_of_time_has_its_begin_but_not_its_end(void **state)
{
	struct archive *a = *state;
	struct selection s;

	fill(a);
	selection_init(&s);
	s.from_ns = MAY_FIRST_NS + 3 * HOUR_NS;
	assert_selects(
		a, &s, "anna@x /Inbox 3\nanna@x /Inbox 6\nanna@x /Inbox/Sub 2\nbert@x /Inbox 1\n");
	s.to_ns = MAY_FIRST_NS + 5 * HOUR_NS;
	assert_selects(a, &s, "anna@x /Inbox 3\nanna@x /Inbox 6\n");
	s.from_ns = EXA_NO_TIME;
	s.to_ns = MAY_FIRST_NS + 3 * HOUR_NS;
	assert_selects(a, &s, "anna@x /Inbox 4\n");
	selection_done(&s);
}

static void
items_are_found_by_number_once_each(void **state)
{
	static const uint64_t ids[] = { 1, 4, 3, 4, 2 };
	struct archive *a = *state;
	struct selection s;
	struct exa_error err;

	fill(a);
	selection_init(&s);
	s.id_count = sizeof ids / sizeof ids[0];
	s.ids = exa_alloc_array(s.id_count, sizeof *s.ids);
	memcpy(s.ids, ids, sizeof ids);
	assert_selects(
		a, &s, "anna@x /Inbox 4\nanna@x /Inbox 3\nanna@x /Inbox/Sub 2\nbert@x /Inbox 1\n");
	assert_true(pattern_compile("anna@x", &s.mailbox, &err));
	s.from_ns = MAY_FIRST_NS + 2 * HOUR_NS;
	assert_selects(a, &s, "anna@x /Inbox 3\nanna@x /Inbox/Sub 2\n");
	selection_done(&s);
}

static void
a_number_that_is_not_there_is_told_before_anything_is_given(void **state)
{
	EXA_AUTO(buf_done) struct buf out = { 0 };
	struct archive *a = *state;
	struct selection s;
	struct exa_error err;

	fill(a);
	selection_init(&s);
	s.id_count = 2;
	s.ids = exa_alloc_array(s.id_count, sizeof *s.ids);
	s.ids[0] = 1;
	s.ids[1] = 99;
	assert_false(selection_walk(a->catalog, &s, note, &out, &err));
	assert_int_equal(err.code, EXA_GONE);
	assert_non_null(strstr(err.text, "99"));
	assert_int_equal(out.size, 0);
	selection_done(&s);
}

static void
superseded_instances_are_given_when_asked_for(void **state)
{
	struct archive *a = *state;
	uint32_t anna = put_mailbox(a, "anna@x", CATALOG_PRIMARY);
	struct message m = { .mailbox = anna,
		.folder = put_folder(a, anna, "/Drafts"),
		.received_ns = MAY_FIRST_NS,
		.server_id = "the draft",
		.mime = "Subject: a\r\n\r\n" };
	struct selection s;

	(void)put_message(a, &m);
	m.mime = "Subject: b\r\n\r\n";
	(void)put_message(a, &m);
	selection_init(&s);
	assert_selects(a, &s, "anna@x /Drafts 2\n");
	s.all_versions = true;
	assert_selects(a, &s, "anna@x /Drafts 1\nanna@x /Drafts 2\n");
	s.all_versions = false;
	s.ids = exa_alloc_array(1, sizeof *s.ids);
	s.ids[0] = 1;
	s.id_count = 1;
	assert_selects(a, &s, "anna@x /Drafts 1\n");
	selection_done(&s);
}

struct counting {
	uint64_t count, stop_after;
	bool encrypted;
	int64_t last_ns;
};

static bool
count(void *ctx, const struct selected *s, struct exa_error *err)
{
	struct counting *c = ctx;

	if (c->count == c->stop_after)
		return exa_fail(err, EXA_CANCELLED, "enough");
	assert_true(c->encrypted || s->row->received_ns >= c->last_ns);
	c->last_ns = s->row->received_ns;
	c->count++;
	return true;
}

#define MANY 700 /* more than two steps of the walk */

static void
a_folder_of_any_size_is_walked_whole_or_until_stopped(void **state)
{
	struct archive *a = *state;
	struct counting all = {
		.stop_after = UINT64_MAX, .encrypted = a->encrypted, .last_ns = INT64_MIN
	};
	struct counting some = {
		.stop_after = 300, .encrypted = a->encrypted, .last_ns = INT64_MIN
	};
	uint32_t anna = put_mailbox(a, "anna@x", CATALOG_PRIMARY);
	struct message m = { .mailbox = anna,
		.folder = put_folder(a, anna, "/Inbox"),
		.mime = "Subject: a\r\n\r\n" };
	struct selection s;
	struct exa_error err;

	for (int i = 0; i < MANY; i++) {
		/* Many share a time: the walk's steps fall between them. */
		m.received_ns = MAY_FIRST_NS + (i % 3) * HOUR_NS;
		(void)put_message(a, &m);
	}
	selection_init(&s);
	assert_true(selection_walk(a->catalog, &s, count, &all, &err));
	assert_int_equal(all.count, MANY);
	assert_false(selection_walk(a->catalog, &s, count, &some, &err));
	assert_string_equal(err.text, "enough");
	assert_int_equal(some.count, 300);
	selection_done(&s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			items_come_by_mailbox_folder_and_time, archive_make, archive_remove),
		cmocka_unit_test_setup_teardown(
			items_whose_folder_or_mailbox_is_lost_come_with_stand_ins, archive_make,
			archive_remove),
		cmocka_unit_test_setup_teardown(
			patterns_choose_mailboxes_and_folders, archive_make, archive_remove),
		cmocka_unit_test_setup_teardown(
			a_span_of_time_has_its_begin_but_not_its_end, archive_make, archive_remove),
		cmocka_unit_test_setup_teardown(
			items_are_found_by_number_once_each, archive_make, archive_remove),
		cmocka_unit_test_setup_teardown(
			a_number_that_is_not_there_is_told_before_anything_is_given, archive_make,
			archive_remove),
		cmocka_unit_test_setup_teardown(superseded_instances_are_given_when_asked_for,
			archive_make, archive_remove),
		cmocka_unit_test_setup_teardown(
			a_folder_of_any_size_is_walked_whole_or_until_stopped, archive_make,
			archive_remove),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
