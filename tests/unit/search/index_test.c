/* SPDX-License-Identifier: Apache-2.0 */
/* The index against the archive it is made of: never another answer than the archive's own. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "exarch/fs.h"
#include "exarch/mem.h"
#include "exarch/search.h"

#include "support.h"

#define SECRET "zzqsecretword"
#define SECRET_END "secretword"

struct fixture {
	struct archive *archive;
	uint32_t mailbox, folder;
};

static int
set_up(void **state)
{
	struct fixture *f = exa_alloc(sizeof *f);
	void *archive;

	(void)archive_make(&archive);
	f->archive = archive;
	f->mailbox = put_mailbox(f->archive, "anna@contoso.example", CATALOG_PRIMARY);
	f->folder = put_folder(f->archive, f->mailbox, "/Inbox");
	*state = f;
	return 0;
}

static int
tear_down(void **state)
{
	struct fixture *f = *state;
	void *archive = f->archive;

	(void)archive_remove(&archive);
	exa_free(f);
	return 0;
}

static uint64_t
put_mail(struct fixture *f, const char *subject, const char *body)
{
	EXA_AUTO(exa_freep)
	char *mime = exa_asprintf("Subject: %s\r\nFrom: Ben <ben@fabrikam.example>\r\n"
				  "To: anna@contoso.example\r\nMessage-ID: <%s@x>\r\n\r\n%s\r\n",
		subject, subject, body);
	const struct message m = { .mailbox = f->mailbox,
		.folder = f->folder,
		.received_ns = MAY_FIRST_NS,
		.mime = mime };

	return put_message(f->archive, &m);
}

static struct search_build_result
build(struct fixture *f, const struct search_build_options *options)
{
	const struct search_build_options none = { 0 };
	struct search_build_result r = { 0 };
	struct exa_error err;

	if (!search_build(f->archive->catalog, options != NULL ? options : &none, &r, &err))
		fail_msg("%s", err.text);
	return r;
}

static struct search_conditions
words(const char *text)
{
	struct search_conditions c = { 0 };
	struct exa_error err;

	assert_true(search_query_compile(text, &c.words, &err));
	return c;
}

static struct catalog_row
row_of(struct fixture *f, uint64_t number)
{
	EXA_AUTO(store_read_endp) struct store_txn *txn = NULL;
	struct catalog_row row = { 0 };
	struct exa_error err;
	bool found;

	assert_true(store_read_begin(catalog_store(f->archive->catalog), &txn, &err));
	assert_true(catalog_row(txn, number, &found, &row, &err));
	assert_true(found);
	return row;
}

/* "YYN?": a letter for each of the items FIRST to LAST. False: the index is damaged. */
static bool
answer(struct fixture *f, const char *text, uint64_t first, uint64_t last, char *out)
{
	static const char letter[] = { [SEARCH_UNKNOWN] = '?',
		[SEARCH_NO] = 'N',
		[SEARCH_YES] = 'Y',
		[SEARCH_UNREADABLE] = '!' };
	EXA_AUTO(search_closep) struct search *s = NULL;
	struct search_conditions c = words(text);
	struct search_set *set = NULL;
	struct exa_error err;
	bool good = search_open(f->archive->catalog, &s, &err) && s != NULL &&
		    search_find(s, &c, &set, &err);

	if (!good && err.code != EXA_CORRUPT)
		fail_msg("%s", err.text);
	for (uint64_t i = first; good && i <= last; i++) {
		const struct catalog_row row = row_of(f, i);

		*out++ = letter[search_set_verdict(set, &row)];
	}
	*out = '\0';
	search_set_free(set);
	search_conditions_done(&c);
	return good;
}

static void
assert_answers(
	struct fixture *f, const char *text, uint64_t first, uint64_t last, const char *expected)
{
	char got[128];

	assert_true(answer(f, text, first, last, got));
	assert_string_equal(got, expected);
}

static char *
path_of(struct fixture *f)
{
	return exa_asprintf("%s/archive/search/search.db", f->archive->dir);
}

static void
expire(struct fixture *f, uint64_t number)
{
	const struct catalog_row row = row_of(f, number);
	EXA_AUTO(store_reader_freep) struct store_reader *reader = NULL;
	EXA_AUTO(buf_done) struct buf scratch = { 0 };
	struct catalog_batch b = { 0 };
	struct catalog_item item;
	struct exa_error err;
	uint64_t epoch;

	assert_true(store_reader_new(catalog_store(f->archive->catalog), &reader, &err));
	assert_true(catalog_item_read(reader, &row, &scratch, &item, &err));
	catalog_batch_expired(
		&b, &(struct catalog_expired){ .number = number,
			    .key = catalog_key_of(f->mailbox, f->folder, item.server_id),
			    .when_ns = MAY_FIRST_NS,
			    .rule = "test",
			    .received_ns = row.received_ns,
			    .mime_bytes = row.mime_bytes });
	assert_true(catalog_submit(f->archive->catalog, &b, &epoch, &err));
	assert_true(store_wait(catalog_store(f->archive->catalog), epoch, &err));
	catalog_batch_done(&b);
}

/* ---- the tests ---- */

static void
what_was_archived_since_is_not_known_until_it_is_indexed(void **state)
{
	struct fixture *f = *state;
	uint64_t first = put_mail(f, "one", "apples and pears");

	(void)put_mail(f, "two", "pears");
	assert_int_equal(build(f, NULL).added, 2);
	assert_answers(f, "apples", first, first + 1, "YN");
	(void)put_mail(f, "three", "apples");
	assert_answers(f, "apples", first, first + 2, "YN?");
	assert_int_equal(build(f, NULL).added, 1);
	assert_answers(f, "apples", first, first + 2, "YNY");
	assert_int_equal(build(f, NULL).added, 0);
}

static void
an_index_that_was_stopped_is_good_as_far_as_it_came_and_goes_on(void **state)
{
	struct fixture *f = *state;
	struct cancel stopped = { 0 };
	const struct search_build_options stop = { .cancel = &stopped };
	uint64_t first = put_mail(f, "one", "apples");
	struct search_build_result r;

	assert_int_equal(build(f, NULL).added, 1);
	(void)put_mail(f, "two", "apples");
	cancel_raise(&stopped, CANCEL_SIGNAL);
	r = build(f, &stop);
	assert_false(r.finished);
	assert_answers(f, "apples", first, first + 1, "Y?");
	r = build(f, NULL);
	assert_true(r.finished);
	assert_int_equal(r.added, 1);
	assert_answers(f, "apples", first, first + 1, "YY");
}

static bool
file_has(struct fixture *f, const char *text)
{
	EXA_AUTO(exa_freep) char *path = path_of(f);
	EXA_AUTO(buf_done) struct buf bytes = { 0 };
	struct exa_error err;

	assert_true(fs_read_file(path, (size_t)64 * 1024 * 1024, &bytes, &err));
	return memmem(bytes.data, bytes.size, text, strlen(text)) != NULL;
}

static void
words_of_an_expired_item_leave_the_file(void **state)
{
	struct fixture *f = *state;
	const struct search_build_options clean = { .only_remove = true, .purge = true };
	uint64_t first = put_mail(f, "stays", "apples");
	uint64_t gone = put_mail(f, "goes", "apples " SECRET);

	(void)build(f, NULL);
	assert_true(file_has(f, SECRET_END)); /* terms are kept without what they share */
	expire(f, gone);
	assert_int_equal(build(f, &clean).removed, 1);
	assert_false(file_has(f, SECRET_END));
	assert_answers(f, "apples", first, first, "Y");
	assert_int_equal(build(f, &clean).removed, 0);
}

static void
words_taken_out_before_are_purged_later(void **state)
{
	struct fixture *f = *state;
	const struct search_build_options remove = { .only_remove = true };
	const struct search_build_options purge = { .only_remove = true, .purge = true };
	uint64_t gone;

	(void)put_mail(f, "stays", "apples");
	gone = put_mail(f, "goes", "apples " SECRET);
	(void)build(f, NULL);
	expire(f, gone);
	assert_int_equal(build(f, &remove).removed, 1);
	assert_int_equal(build(f, &purge).removed, 0);
	assert_false(file_has(f, SECRET_END));
}

#define MAILS 40

/* Every 509th byte of the file is flipped, one after the other. */
static void
a_flipped_byte_is_damage_or_changes_no_answer(void **state)
{
	struct fixture *f = *state;
	EXA_AUTO(exa_freep) char *path = path_of(f);
	char expected[MAILS + 1], got[MAILS + 1];
	unsigned noticed = 0;
	struct stat st;
	uint64_t first = 0;
	int fd;

	for (unsigned i = 0; i < MAILS; i++) {
		uint64_t n = put_mail(f, i % 3 == 0 ? "offer" : "note",
			i % 2 == 0 ? "apples and pears, and more apples" : "nothing of the kind");

		first = first == 0 ? n : first;
	}
	(void)build(f, NULL);
	assert_true(answer(f, "apples", first, first + MAILS - 1, expected));
	assert_int_equal(stat(path, &st), 0);
	fd = open(path, O_RDWR | O_CLOEXEC);
	assert_true(fd >= 0);
	for (off_t at = 0; at < st.st_size; at += 509) {
		uint8_t byte, other;

		assert_int_equal(pread(fd, &byte, 1, at), 1);
		other = byte ^ 0x10;
		assert_int_equal(pwrite(fd, &other, 1, at), 1);
		if (!answer(f, "apples", first, first + MAILS - 1, got))
			noticed++;
		else
			assert_string_equal(got, expected);
		assert_int_equal(pwrite(fd, &byte, 1, at), 1);
	}
	assert_int_equal(close(fd), 0);
	assert_true(noticed > 0);
	assert_answers(f, "apples", first, first + MAILS - 1, expected);
}

static void
a_damaged_index_is_made_anew(void **state)
{
	struct fixture *f = *state;
	EXA_AUTO(exa_freep) char *path = path_of(f);
	uint64_t first = put_mail(f, "one", "apples");
	struct search_build_result r;
	char got[2];

	(void)build(f, NULL);
	for (unsigned how = 0; how < 3; how++) {
		static const char junk[] =
			"this is no database, but long enough to be taken for one";
		int fd = open(path, O_RDWR | O_CLOEXEC);

		assert_true(fd >= 0);
		if (how == 0)
			assert_int_equal(ftruncate(fd, 10000), 0);
		else
			assert_true(pwrite(fd, junk, sizeof junk, how == 1 ? 0 : 8192 + 100) > 0);
		assert_int_equal(close(fd), 0);
		assert_false(answer(f, "apples", first, first, got));
		r = build(f, &(struct search_build_options){ .anew = how == 2 });
		assert_true(how == 2 || r.was_damaged);
		assert_int_equal(r.added, 1);
		assert_answers(f, "apples", first, first, "Y");
	}
	assert_int_equal(unlink(path), 0);
	assert_int_equal(build(f, NULL).added, 1);
}

static void
the_index_of_another_archive_is_not_believed(void **state)
{
	struct fixture *f = *state, *other;
	void *made = NULL;
	EXA_AUTO(exa_freep) char *mine = path_of(f);
	EXA_AUTO(exa_freep) char *theirs = NULL;
	EXA_AUTO(buf_done) struct buf bytes = { 0 };
	uint64_t first = put_mail(f, "one", "apples");
	struct exa_error err;
	char got[2];

	(void)build(f, NULL);
	(void)set_up(&made);
	other = made;
	(void)put_mail(other, "one", "pears");
	(void)build(other, NULL);
	theirs = path_of(other);
	assert_true(fs_read_file(theirs, (size_t)64 * 1024 * 1024, &bytes, &err));
	assert_true(fs_write_file(mine, buf_bytes(&bytes), 0600, &err));
	assert_false(answer(f, "pears", first, first, got));
	assert_true(build(f, NULL).was_damaged);
	assert_answers(f, "apples", first, first, "Y");
	(void)tear_down(&made);
}

static void
an_item_judged_by_itself_gets_the_answer_of_the_index(void **state)
{
	static const char *const queries[] = { "apples", "\"apples and\"", "app*", "subject:offer",
		"offer -pears", "nothing OR pears", "to:contoso", "from:fabrikam", "file:x" };
	struct fixture *f = *state;
	EXA_AUTO(store_reader_freep) struct store_reader *reader = NULL;
	uint64_t first = put_mail(f, "offer", "apples and pears");
	struct exa_error err;

	(void)put_mail(f, "note", "pears, apples");
	(void)put_mail(f, "offer", "nothing");
	(void)build(f, NULL);
	assert_true(store_reader_new(catalog_store(f->archive->catalog), &reader, &err));
	for (size_t i = 0; i < sizeof queries / sizeof queries[0]; i++) {
		struct search_conditions c = words(queries[i]);
		struct search_judge *judge = search_judge_new(&c);
		char judged[4] = "";
		bool yes;

		for (uint64_t n = 0; n < 3; n++) {
			const struct catalog_row row = row_of(f, first + n);

			assert_true(search_judge_item(judge, reader, &row, &yes, &err));
			judged[n] = yes ? 'Y' : 'N';
		}
		assert_answers(f, queries[i], first, first + 2, judged);
		search_judge_free(judge);
		search_conditions_done(&c);
	}
}

static bool
note_number(void *ctx, uint64_t number, struct exa_error *err)
{
	(void)err;
	buf_printf(ctx, "%llu ", (unsigned long long)number);
	return true;
}

static void
hits_come_best_first_and_show_their_words(void **state)
{
	struct fixture *f = *state;
	EXA_AUTO(search_closep) struct search *s = NULL;
	EXA_AUTO(buf_done) struct buf order = { 0 };
	EXA_AUTO(buf_done) struct buf snippet = { 0 };
	struct search_conditions c = words("apples");
	EXA_AUTO(exa_freep) char *expected = NULL;
	uint64_t body = put_mail(f, "note", "one of the words here is apples, among many others");
	uint64_t subject = put_mail(f, "apples", "nothing of the kind");
	struct exa_error err;

	(void)put_mail(f, "other", "pears");
	(void)build(f, NULL);
	assert_true(search_open(f->archive->catalog, &s, &err));
	assert_non_null(s);
	assert_true(search_ranked(s, c.words, note_number, &order, &err));
	expected =
		exa_asprintf("%llu %llu ", (unsigned long long)subject, (unsigned long long)body);
	assert_string_equal(buf_string(&order), expected);
	assert_true(search_snippet(s, c.words, body, &snippet, &err));
	assert_non_null(strstr(buf_string(&snippet), "is \x02"
						     "apples\x03, among"));
	search_conditions_done(&c);
}

static void
an_encrypted_archive_has_no_index_unless_somebody_says_so(void **state)
{
	struct fixture *f;
	const struct search_build_options clear = { .in_clear = true };
	const struct search_build_options none = { 0 };
	struct search_build_result r;
	struct exa_error err;
	void *made = NULL;
	uint64_t first;

	(void)state;
	assert_int_equal(setenv("EXARCH_TEST_ENCRYPTED", "1", 1), 0);
	(void)set_up(&made);
	assert_int_equal(unsetenv("EXARCH_TEST_ENCRYPTED"), 0);
	f = made;
	first = put_mail(f, "one", "apples");
	assert_false(search_build(f->archive->catalog, &none, &r, &err));
	assert_int_equal(err.code, EXA_USAGE);
	assert_non_null(strstr(err.text, "--in-clear"));
	assert_false(search_exists(store_dir(catalog_store(f->archive->catalog))));
	assert_int_equal(build(f, &clear).added, 1);
	assert_answers(f, "apples", first, first, "Y");
	(void)put_mail(f, "two", "apples");
	assert_int_equal(build(f, NULL).added, 1); /* asked once */
	(void)tear_down(&made);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(what_was_archived_since_is_not_known_until_it_is_indexed),
		TEST(an_index_that_was_stopped_is_good_as_far_as_it_came_and_goes_on),
		TEST(words_of_an_expired_item_leave_the_file),
		TEST(words_taken_out_before_are_purged_later),
		TEST(a_flipped_byte_is_damage_or_changes_no_answer),
		TEST(a_damaged_index_is_made_anew),
		TEST(the_index_of_another_archive_is_not_believed),
		TEST(an_item_judged_by_itself_gets_the_answer_of_the_index),
		TEST(hits_come_best_first_and_show_their_words),
		cmocka_unit_test(an_encrypted_archive_has_no_index_unless_somebody_says_so),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
