/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "exarch/clock.h"
#include "exarch/fs.h"

#include "ids.h"
#include "mailhead.h"
#include "sync_state.h"
#include "tree_dir.h"

static char dir[] = "/tmp/exarch-sim-XXXXXX";

static void
write_mail(const char *path, const char *content)
{
	EXA_AUTO(exa_freep) char *full = fs_join(dir, path);
	EXA_AUTO(exa_freep) char *folder = fs_dir_of(full);
	struct exa_error err;

	assert_true(fs_make_dirs(folder, 0700, &err));
	assert_true(fs_write_file(full, bytes_of_string(content), 0600, &err));
}

static void
remove_mail(const char *path)
{
	EXA_AUTO(exa_freep) char *full = fs_join(dir, path);

	assert_int_equal(unlink(full), 0);
}

static struct view *
open_box(const char *address)
{
	struct mailstore *store;
	struct exa_error err;
	struct view *v = NULL;

	assert_true(tree_dir_open(dir, FOLDERS_PLAIN, &store, &err));
	if (!store->ops->open(store, address, VIEW_FRESH, &v))
		v = NULL;
	store->ops->free(store);
	return v;
}

static size_t
folder_named(const struct view *v, const char *name)
{
	for (size_t i = 0; i < v->folder_count; i++) {
		if (strcmp(v->folders[i].name, name) == 0)
			return i;
	}
	fail_msg("no folder %s", name);
	return 0;
}

/* One page from STATE, which becomes the state after it. */
static void
sync_page(size_t max, struct buf *state, struct sim_change *changes, struct change_page *page)
{
	struct view *v = open_box("ben@sim.example");
	EXA_AUTO(buf_done) struct buf next = { 0 };

	*page = (struct change_page){ .changes = changes, .max = max };
	assert_true(v->ops->sync(v, FOLDER_INBOX, buf_bytes(state), page, &next));
	buf_reset(state);
	buf_add_bytes(state, buf_bytes(&next));
	view_drop(v);
}

static void
sync_tells_of_new_changed_and_removed_files_over_restarts(void **state)
{
	EXA_AUTO(buf_done) struct buf known = { 0 };
	struct sim_change changes[8];
	struct change_page page;
	uint64_t first_key;

	(void)state;
	write_mail("ben/1.eml", "Date: 1 Jan 2024 10:00:00 +0000\n\none");
	write_mail("ben/2.EML", "Date: 2 Jan 2024 10:00:00 +0000\n\ntwo");
	write_mail("ben/3.eml", "Date: 3 Jan 2024 10:00:00 +0000\n\nthree");
	write_mail("ben/no-mail.txt", "x");
	sync_page(2, &known, changes, &page);
	assert_int_equal(page.count, 2);
	assert_false(page.is_last);
	assert_int_equal(changes[0].position, 0); /* newest first */
	sync_page(2, &known, changes, &page);
	assert_int_equal(page.count, 1);
	assert_true(page.is_last);
	first_key = changes[0].key;
	sync_page(8, &known, changes, &page);
	assert_int_equal(page.count, 0);
	assert_true(page.is_last);

	write_mail("ben/1.eml", "Date: 1 Jan 2024 10:00:00 +0000\n\nchanged");
	remove_mail("ben/2.EML");
	write_mail("ben/4.eml", "Date: 4 Jan 2024 10:00:00 +0000\n\nfour");
	sync_page(8, &known, changes, &page);
	assert_int_equal(page.count, 3);
	assert_int_equal(changes[0].kind, CHANGE_CREATE);
	assert_int_equal(changes[1].kind, CHANGE_UPDATE);
	assert_true(changes[1].key == first_key);
	assert_int_equal(changes[2].kind, CHANGE_DELETE);
}

static void
directories_become_folders_and_well_known_names_their_own(void **state)
{
	struct view *v;
	size_t folder;

	(void)state;
	write_mail("anna@contoso.example/top.eml", "Subject: a\n\n");
	write_mail("anna@contoso.example/INBOX/in.unread.eml", "Subject: b\n\n");
	write_mail("anna@contoso.example/sent items/s.eml", "Subject: c\n\n");
	write_mail("anna@contoso.example/Work/Sub/d.eml", "");
	v = open_box("ANNA@contoso.example");
	assert_non_null(v);
	assert_int_equal(v->folders[FOLDER_INBOX].item_count, 2);
	assert_int_equal(v->folders[FOLDER_INBOX].unread_count, 1);
	assert_true(view_find_distinguished(v, "sentitems", &folder));
	assert_int_equal(v->folders[folder].item_count, 1);
	assert_true(view_find_distinguished(v, "junkemail", &folder));
	assert_int_equal(v->folders[folder].item_count, 0);
	folder = folder_named(v, "Sub");
	assert_int_equal(v->folders[folder].item_count, 1);
	assert_int_equal(v->folders[folder].parent, folder_named(v, "Work"));
	view_drop(v);
	assert_null(open_box("nobody@contoso.example"));
}

static void
a_directory_named_like_a_folder_of_exchange_is_that_folder(void **state)
{
	struct mailstore *store;
	struct exa_error err;
	struct view *v;
	size_t calendar;

	(void)state;
	write_mail("carl/calendar/a.eml", "Subject: x\r\n\r\n");
	write_mail("carl/Sync Issues/Conflicts/b.eml", "Subject: y\r\n\r\n");
	assert_true(tree_dir_open(dir, FOLDERS_AS_EXCHANGE, &store, &err));
	assert_true(store->ops->open(store, "carl@sim.example", VIEW_FRESH, &v));
	assert_true(view_find_distinguished(v, "calendar", &calendar));
	assert_int_equal(v->folders[calendar].item_count, 1);
	assert_int_equal(v->folders[folder_named(v, "Conflicts")].item_count, 1);
	for (size_t i = FOLDER_INBOX; i < v->folder_count; i++) {
		for (size_t k = i + 1; k < v->folder_count; k++)
			assert_false(v->folders[i].parent == v->folders[k].parent &&
				     strcasecmp(v->folders[i].name, v->folders[k].name) == 0);
	}
	view_drop(v);
	store->ops->free(store);
}

static void
lf_becomes_crlf_unless_the_file_has_any(void **state)
{
	static const struct {
		const char *file, *served;
	} cases[] = { { "a: b\n\nc\n", "a: b\r\n\r\nc\r\n" }, { "a: b\r\n\nc\n", "a: b\r\n\nc\n" },
		{ "\n", "\r\n" }, { "", "" }, { "a\rb\n", "a\rb\r\n" }, { "no end", "no end" } };

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		EXA_AUTO(buf_done) struct buf got = { 0 };
		struct exa_error err;
		struct body *body;
		struct view *v;
		uint8_t byte;

		write_mail("line/x.eml", cases[i].file);
		v = open_box("line@sim.example");
		assert_true(v->ops->open(v, FOLDER_INBOX, 0, &body, &err));
		while (body->read(body, &byte, 1) == 1)
			buf_add_byte(&got, byte);
		assert_string_equal(buf_string(&got), cases[i].served);
		body_close(body);
		view_drop(v);
	}
}

static void
a_state_is_bound_to_its_mailbox_and_folder_and_never_twice_the_same(void **state)
{
	EXA_AUTO(buf_done) struct buf a = { 0 };
	EXA_AUTO(buf_done) struct buf b = { 0 };
	EXA_AUTO(buf_done) struct buf inner = { 0 };
	struct mailbox_id one, two;

	(void)state;
	mailbox_id_init(&one, "One@sim.example", "one");
	mailbox_id_init(&two, "two@sim.example", "two");
	sync_state_wrap(&one, 5, bytes_of_string("inner"), &a);
	sync_state_wrap(&one, 5, bytes_of_string("inner"), &b);
	assert_string_not_equal(buf_string(&a), buf_string(&b));
	assert_true(sync_state_unwrap(&one, 5, buf_string(&a), &inner));
	assert_string_equal(buf_string(&inner), "inner");
	assert_false(sync_state_unwrap(&one, 6, buf_string(&a), &inner));
	assert_false(sync_state_unwrap(&two, 5, buf_string(&a), &inner));
	assert_false(sync_state_unwrap(&one, 5, "H4sIAAA==", &inner));
	assert_false(sync_state_unwrap(&one, 5, "", &inner));
	a.data[a.size / 2] ^= 1;
	assert_false(sync_state_unwrap(&one, 5, buf_string(&a), &inner));
}

static void
ids_come_back_as_their_parts(void **state)
{
	char text[ID_TEXT_MAX];
	struct mailbox_id m;
	struct id_parts parts;

	(void)state;
	mailbox_id_init(&m, "anna@sim.example", "anna");
	id_of_item(&m, 0x123456789abc, UINT64_C(0xfedcba9876543210), text);
	assert_int_equal(strncmp(text, "AAMkA", 5), 0);
	assert_int_equal(strlen(text), 152);
	assert_true(id_read(text, &parts));
	assert_int_equal(parts.kind, ID_ITEM);
	assert_true(parts.folder == 0x123456789abc);
	assert_true(parts.key == UINT64_C(0xfedcba9876543210));
	assert_string_equal(parts.mailbox_guid, m.guid_text);
	id_of_folder(&m, 7, text);
	assert_true(id_read(text, &parts));
	assert_int_equal(parts.kind, ID_FOLDER);
	assert_true(parts.folder == 7);
	text[50] = '!';
	assert_false(id_read(text, &parts));
	assert_false(id_read("", &parts));
	assert_false(id_read("AAMkAGIxAAAA=", &parts));
}

static void
dates_of_mail_are_read_in_all_common_forms(void **state)
{
	static const struct {
		const char *text, *moment;
	} cases[] = { { "Mon, 1 Jan 2024 10:00:00 +0100", "2024-01-01T09:00:00Z" },
		{ "1 Jan 2024 10:00:00 -0530 (EST)", "2024-01-01T15:30:00Z" },
		{ "Mon, 01 Jan 24 10:00 GMT", "2024-01-01T10:00:00Z" },
		{ "Tue, 12 Nov 1996 08:00:00 PST", "1996-11-12T16:00:00Z" }, { "yesterday", "" },
		{ "", "" }, { "Mon, 1 Jan", "" }, { "1 Foo 2024 10:00:00", "" } };

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		char text[CLOCK_TEXT_MAX];

		clock_format(mailhead_date(cases[i].text), text);
		assert_string_equal(text, cases[i].moment);
	}
}

static void
subjects_are_decoded(void **state)
{
	static const char text[] = "SUBJECT: =?utf-8?B?w7w=?=\r\n =?iso-8859-1?Q?=E4_b?= c\r\n"
				   "Message-Id: <a@b>\r\n\r\nSubject: no\r\n";
	struct arena *a = arena_new();
	struct mailhead head;

	(void)state;
	mailhead_read(bytes_of_string(text), a, &head);
	assert_string_equal(head.subject, "\xc3\xbc\xc3\xa4 b c");
	assert_string_equal(head.message_id, "<a@b>");
	arena_free(a);
}

static int
make_dir(void **state)
{
	(void)state;
	return mkdtemp(dir) == NULL;
}

static int
remove_dir(void **state)
{
	EXA_AUTO(exa_freep) char *command = exa_asprintf("rm -r '%s'", dir);

	(void)state;
	return system(command);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sync_tells_of_new_changed_and_removed_files_over_restarts),
		cmocka_unit_test(directories_become_folders_and_well_known_names_their_own),
		cmocka_unit_test(a_directory_named_like_a_folder_of_exchange_is_that_folder),
		cmocka_unit_test(lf_becomes_crlf_unless_the_file_has_any),
		cmocka_unit_test(
			a_state_is_bound_to_its_mailbox_and_folder_and_never_twice_the_same),
		cmocka_unit_test(ids_come_back_as_their_parts),
		cmocka_unit_test(dates_of_mail_are_read_in_all_common_forms),
		cmocka_unit_test(subjects_are_decoded),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
