/* SPDX-License-Identifier: Apache-2.0 */
/* The index's tables against the segments: what hides a row is found, and nothing else is told. */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "exarch/cancel.h"
#include "exarch/fs.h"
#include "exarch/mem.h"

#include "handle.h"
#include "support.h"

#define RECORDS 2000 /* so that the tables have inner pages */

struct fixture {
	char *dir, *scratch;
};

static int
setup(void **state)
{
	struct fixture *f = exa_alloc(sizeof *f);
	EXA_AUTO(exa_freep) char *parent = NULL;
	struct exa_error err = { 0 };
	struct store *s;
	char text[64];

	f->dir = temporary_dir();
	parent = fs_dir_of(f->dir);
	f->scratch = fs_join(parent, "scratch");
	assert_true(fs_make_dirs(f->scratch, 0700, &err));
	s = made_store(f->dir, STORE_CODEC_ZLIB, (uint64_t)1 << 20);
	for (unsigned n = 0; n < RECORDS; n++) {
		(void)snprintf(text, sizeof text, "key-number-%05u=%u", n, n);
		(void)submit_record(s, text);
	}
	(void)put_text(s, "an object");
	assert_true(store_close(s, &err));
	*state = f;
	return 0;
}

static int
teardown(void **state)
{
	struct fixture *f = *state;
	EXA_AUTO(exa_freep) char *parent = fs_dir_of(f->dir);

	remove_tree(parent);
	exa_free(f->scratch);
	exa_free(f->dir);
	exa_free(f);
	return 0;
}

/* ---- short forms ---- */

struct round {
	struct store_verify_options options;
	struct store_verify_result result;
	struct exa_error last;
	struct store *writes; /* to which a record goes when the walk begins */
	const char *scratch;  /* looked at when the walk begins */
	struct cancel cancel;
	bool stops;
};

static void
keep_damage(void *ctx, const struct store_damage *damage)
{
	struct round *r = ctx;

	r->last = damage->what;
}

static size_t
names_in(const char *path)
{
	DIR *folder = opendir(path);
	size_t count = 0;

	assert_non_null(folder);
	while (readdir(folder) != NULL)
		count++;
	assert_int_equal(closedir(folder), 0);
	return count - 2; /* . and .. */
}

static void
meanwhile(void *ctx, const struct store_verify_position *position)
{
	struct round *r = ctx;
	struct exa_error err = { 0 };

	(void)position;
	if (r->scratch != NULL)
		assert_int_equal(names_in(r->scratch), 0);
	if (r->stops)
		cancel_raise(&r->cancel, CANCEL_SIGNAL);
	if (r->writes == NULL)
		return;
	(void)submit_record(r->writes, "key-number-00007=changed");
	(void)submit_record(r->writes, "written-meanwhile=1");
	(void)submit_record(r->writes, "key-number-00008");
	assert_true(store_flush(r->writes, &err));
}

static void
verify_open(const struct fixture *f, struct store *s, struct round *r)
{
	struct exa_error err = { 0 };

	r->options.level = STORE_VERIFY_BLOBS;
	if (r->options.scratch == NULL)
		r->options.scratch = f->scratch;
	r->options.damaged = keep_damage;
	r->options.reached = meanwhile;
	r->options.cancel = &r->cancel;
	r->options.ctx = r;
	if (!store_verify(s, &r->options, &r->result, &err))
		fail_msg("%s", err.text);
}

static void
verify(const struct fixture *f, struct round *r)
{
	struct store *s = opened(f->dir, STORE_READ);

	verify_open(f, s, r);
	store_abandon(s);
}

/* Behind the store's back; KEY and VALUE as they stand in the table. VALUE NULL: drops it. */
static void
spoil(const struct fixture *f, size_t table, const char *key, const char *value)
{
	struct store *s = opened(f->dir, STORE_WRITE);
	struct exa_error err = { 0 };
	struct store_txn txn;
	MDB_txn *raw;

	assert_int_equal(mdb_txn_begin(s->index.env, NULL, 0, &raw), 0);
	txn_init(&txn, &s->index, raw, TXN_WRITES);
	if (value == NULL)
		assert_true(store_delete(&txn, table, bytes_of_string(key), &err));
	else
		assert_true(
			store_set(&txn, table, bytes_of_string(key), bytes_of_string(value), &err));
	txn_done(&txn);
	assert_int_equal(mdb_txn_commit(raw), 0);
	store_abandon(s);
}

static void
expect_told(const struct fixture *f, const char *words)
{
	struct round r = { 0 };

	verify(f, &r);
	assert_int_equal(r.result.damaged, 1);
	assert_int_equal(r.result.tables, STORE_TABLES_COMPARED);
	assert_non_null(strstr(r.last.text, words));
	assert_non_null(strstr(r.last.text, "exarch rebuild"));
}

/* ---- tests ---- */

static void
an_undamaged_index_is_compared_and_fits(void **state)
{
	struct round r = { 0 };

	verify(*state, &r);
	assert_int_equal(r.result.damaged, 0);
	assert_int_equal(r.result.tables, STORE_TABLES_COMPARED);
}

static void
a_row_that_is_missing_is_told(void **state)
{
	spoil(*state, TABLE_PLACES, "key-number-00500", NULL);
	expect_told(*state, "`places` doesn't fit the segments: 1 rows are missing, 0 are too");
}

static void
a_row_that_is_too_many_is_told(void **state)
{
	spoil(*state, TABLE_PLACES, "key-number-99999", "x");
	expect_told(*state, "0 rows are missing, 1 are too many");
}

static void
a_row_that_says_something_else_is_told(void **state)
{
	spoil(*state, TABLE_PLACES, "key-number-00500", "x");
	expect_told(*state, "0 rows are missing, 0 are too many, 1 say something else");
}

static void
of_a_table_that_notes_change_only_what_records_make_is_wanted(void **state)
{
	struct fixture *f = *state;
	struct store *s = opened(f->dir, STORE_WRITE);
	struct exa_error err = { 0 };
	struct round r = { 0 };

	(void)submit_note(s, "by-a-note=1");
	(void)submit_note(s, "key-number-00500=changed by a note");
	assert_true(store_close(s, &err));
	verify(f, &r);
	assert_int_equal(r.result.damaged, 0);
	spoil(f, TABLE_FACTS, "key-number-00501", NULL);
	expect_told(f, "`facts`");
}

static void
flip(const char *path, size_t at)
{
	FILE *file = fopen(path, "r+b");
	int byte;

	assert_non_null(file);
	assert_int_equal(fseek(file, (long)at, SEEK_SET), 0);
	byte = fgetc(file);
	assert_int_equal(fseek(file, (long)at, SEEK_SET), 0);
	assert_int_not_equal(fputc(byte ^ 0x40, file), EOF);
	assert_int_equal(fclose(file), 0);
}

/* How many of the records' rows a look-up doesn't find. */
static unsigned
count_hidden(struct store *s)
{
	EXA_AUTO(store_read_endp) struct store_txn *txn = NULL;
	struct exa_error err = { 0 };
	unsigned hidden = 0;

	assert_true(store_read_begin(s, &txn, &err));
	for (unsigned n = 0; n < RECORDS; n++) {
		struct bytes value;
		char key[64];
		bool found;

		(void)snprintf(key, sizeof key, "key-number-%05u", n);
		assert_true(
			store_get(txn, TABLE_FACTS, bytes_of_string(key), &found, &value, &err));
		hidden += !found;
	}
	return hidden;
}

/* Each copy of some keys in the file, in leaves, inner pages, and pages that are free by now. */
static void
a_key_that_went_bad_never_hides_a_row_in_silence(void **state)
{
	static const char wanted[] = "key-number-001";
	struct fixture *f = *state;
	EXA_AUTO(exa_freep) char *path = fs_join(f->dir, "idx/data.mdb");
	EXA_AUTO(buf_done) struct buf index = { 0 };
	struct exa_error err = { 0 };
	unsigned hidden = 0;

	assert_true(fs_read_file(path, (size_t)1 << 30, &index, &err));
	for (size_t at = 0; at + sizeof wanted < index.size; at++) {
		struct round r = { 0 };
		struct store *s;
		unsigned now;

		if (memcmp(index.data + at, wanted, sizeof wanted - 1) != 0)
			continue;
		flip(path, at + 12);
		s = opened(f->dir, STORE_READ);
		now = count_hidden(s);
		verify_open(f, s, &r);
		assert_true(now == 0 || r.result.damaged > 0);
		hidden += now;
		store_abandon(s);
		flip(path, at + 12);
	}
	assert_true(encrypting() || hidden > 0);
}

static void
what_is_committed_meanwhile_is_compared_too(void **state)
{
	struct fixture *f = *state;
	struct store *s = opened(f->dir, STORE_WRITE);
	struct round r = { .writes = s };

	verify_open(f, s, &r);
	assert_int_equal(r.result.damaged, 0);
	assert_int_equal(r.result.tables, STORE_TABLES_COMPARED);
	store_abandon(s);
}

static void
it_leaves_no_name_behind_at_any_moment(void **state)
{
	struct fixture *f = *state;
	struct round r = { .scratch = f->scratch };

	verify(f, &r);
	assert_int_equal(r.result.tables, STORE_TABLES_COMPARED);
	assert_int_equal(names_in(f->scratch), 0);
}

static void
what_is_not_compared_is_said(void **state)
{
	struct round sampled = { .options.sample = 0.5 };
	struct round stopped = { .stops = true };
	struct round headers = { 0 };
	struct fixture *f = *state;
	struct store *s = opened(f->dir, STORE_READ);
	struct exa_error err = { 0 };

	verify_open(f, s, &sampled);
	assert_int_equal(sampled.result.tables, STORE_TABLES_SKIPPED);
	assert_non_null(strstr(sampled.result.tables_why.text, "sample"));
	verify_open(f, s, &stopped);
	assert_false(stopped.result.finished);
	assert_int_equal(stopped.result.tables, STORE_TABLES_SKIPPED);
	headers.options = (struct store_verify_options){
		.level = STORE_VERIFY_BYTES, .damaged = keep_damage, .ctx = &headers
	};
	assert_true(store_verify(s, &headers.options, &headers.result, &err));
	assert_int_equal(headers.result.tables, STORE_TABLES_NOT_ASKED);
	store_abandon(s);
}

static void
where_frames_are_lost_nothing_is_said_of_the_tables(void **state)
{
	struct fixture *f = *state;
	EXA_AUTO(exa_freep) char *path = fs_join(f->dir, "seg/00/00000001.xseg");
	struct round r = { 0 };
	FILE *file = fopen(path, "r+b");

	assert_non_null(file);
	assert_int_equal(fseek(file, SEGMENT_HEAD_SIZE + FRAME_HEAD_SIZE + 40, SEEK_SET), 0);
	assert_int_equal(fwrite("spoilt", 1, 6, file), 6);
	assert_int_equal(fclose(file), 0);
	verify(f, &r);
	assert_int_equal(r.result.damaged, 1);
	assert_int_equal(r.result.tables, STORE_TABLES_SKIPPED);
}

static void
without_a_folder_for_it_the_rest_is_looked_at_all_the_same(void **state)
{
	struct round r = { .options.scratch = "/nowhere/to/be/found" };

	verify(*state, &r);
	assert_true(r.result.finished);
	assert_int_equal(r.result.damaged, 0);
	assert_int_equal(r.result.tables, STORE_TABLES_FAILED);
	assert_non_null(strstr(r.result.tables_why.text, "TMPDIR"));
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(an_undamaged_index_is_compared_and_fits),
		TEST(a_row_that_is_missing_is_told),
		TEST(a_row_that_is_too_many_is_told),
		TEST(a_row_that_says_something_else_is_told),
		TEST(of_a_table_that_notes_change_only_what_records_make_is_wanted),
		TEST(a_key_that_went_bad_never_hides_a_row_in_silence),
		TEST(what_is_committed_meanwhile_is_compared_too),
		TEST(it_leaves_no_name_behind_at_any_moment),
		TEST(what_is_not_compared_is_said),
		TEST(where_frames_are_lost_nothing_is_said_of_the_tables),
		TEST(without_a_folder_for_it_the_rest_is_looked_at_all_the_same),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
