/* SPDX-License-Identifier: Apache-2.0 */
/* The promises of exarch/store.h, one by one, in one process and with a sound disk. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "exarch/fs.h"
#include "exarch/mem.h"

#include "handle.h"
#include "support.h"

struct fixture {
	char *dir;
	struct store *store;
};

static int
setup(void **state)
{
	struct fixture *f = exa_alloc(sizeof *f);

	f->dir = temporary_dir();
	f->store = made_store(f->dir, STORE_CODEC_ZLIB, (uint64_t)1 << 20);
	*state = f;
	return 0;
}

static int
teardown(void **state)
{
	struct fixture *f = *state;
	EXA_AUTO(exa_freep) char *parent = fs_dir_of(f->dir);

	store_abandon(f->store);
	remove_tree(parent);
	exa_free(f->dir);
	exa_free(f);
	return 0;
}

static void
flush(struct store *s)
{
	struct exa_error err = { 0 };

	assert_true(store_flush(s, &err));
}

static void
reopen(struct fixture *f, enum store_access access)
{
	store_abandon(f->store);
	f->store = NULL;
	f->store = opened(f->dir, access);
}

static void
objects_of_all_sizes_come_back_as_they_were(void **state)
{
	static const size_t sizes[] = { 0, 1, 511, 32768, 32769, 65536, 1 << 20, 8 << 20 };
	struct fixture *f = *state;
	uint8_t *data = exa_alloc(8 << 20);
	struct store_id ids[2][8];
	struct exa_error err = { 0 };

	for (unsigned noise = 0; noise < 2; noise++) {
		for (size_t i = 0; i < 8; i++) {
			(noise ? fill_noise : fill_text)(data, sizes[i], i + 1);
			assert_true(store_put(f->store, STORE_DATA, bytes_of(data, sizes[i]),
				&ids[noise][i], NULL, &err));
		}
	}
	flush(f->store);
	for (unsigned noise = 0; noise < 2; noise++) {
		for (size_t i = 0; i < 8; i++) {
			(noise ? fill_noise : fill_text)(data, sizes[i], i + 1);
			expect_object(f->store, &ids[noise][i], bytes_of(data, sizes[i]));
		}
	}
	assert_int_equal(damage_found(f->store, STORE_VERIFY_BLOBS), 0);
	exa_free(data);
}

static void
an_object_beyond_the_limit_is_refused(void **state)
{
	struct fixture *f = *state;
	uint8_t *data = exa_alloc(STORE_OBJECT_MAX + 1);
	struct exa_error err = { 0 };
	struct store_id id;

	assert_false(store_put(
		f->store, STORE_DATA, bytes_of(data, STORE_OBJECT_MAX + 1), &id, NULL, &err));
	assert_int_equal(err.code, EXA_LIMIT);
	exa_free(data);
}

static void
the_same_bytes_are_stored_once(void **state)
{
	struct fixture *f = *state;
	struct store_stats stats;
	struct exa_error err = { 0 };
	struct store_id first;
	struct store_id again;
	bool is_new = false;

	assert_true(
		store_put(f->store, STORE_DATA, bytes_of_string("a body"), &first, &is_new, &err));
	assert_true(is_new);
	assert_true(
		store_put(f->store, STORE_DATA, bytes_of_string("a body"), &again, &is_new, &err));
	assert_false(is_new);
	assert_memory_equal(first.bytes, again.bytes, STORE_ID_SIZE);
	for (int i = 0; i < 4; i++) {
		flush(f->store);
		(void)put_text(f->store, i % 2 ? "x" : "y");
		assert_true(store_put(
			f->store, STORE_DATA, bytes_of_string("a body"), &again, &is_new, &err));
		assert_false(is_new);
	}
	flush(f->store);
	assert_true(store_stat(f->store, &stats, &err));
	assert_int_equal(stats.object_count, 3);
	assert_int_equal(stats.object_raw_bytes, 6 + 1 + 1);
}

static void
an_object_of_one_kind_is_not_one_of_another(void **state)
{
	struct fixture *f = *state;
	EXA_AUTO(store_reader_freep) struct store_reader *r = NULL;
	struct exa_error err = { 0 };
	struct store_id data;
	struct store_id recipe;
	struct bytes out;

	assert_true(store_put(f->store, STORE_DATA, bytes_of_string("same"), &data, NULL, &err));
	assert_true(
		store_put(f->store, STORE_RECIPE, bytes_of_string("same"), &recipe, NULL, &err));
	assert_memory_not_equal(data.bytes, recipe.bytes, STORE_ID_SIZE);
	flush(f->store);
	assert_true(store_reader_new(f->store, &r, &err));
	assert_true(store_reader_object(r, STORE_RECIPE, &recipe, &out, &err));
	assert_false(store_reader_object(r, STORE_RECIPE, &data, &out, &err));
	assert_int_equal(err.code, EXA_CORRUPT);
}

static void
an_id_that_is_not_there_is_gone(void **state)
{
	struct fixture *f = *state;
	EXA_AUTO(store_reader_freep) struct store_reader *r = NULL;
	struct exa_error err = { 0 };
	struct store_id id = { { 1 } };
	struct bytes out;

	assert_true(store_reader_new(f->store, &r, &err));
	assert_false(store_reader_object(r, STORE_DATA, &id, &out, &err));
	assert_int_equal(err.code, EXA_GONE);
}

static void
records_and_notes_are_applied_in_the_order_of_submission(void **state)
{
	struct fixture *f = *state;
	struct exa_error err = { 0 };
	uint64_t epoch;

	(void)submit_record(f->store, "a=1");
	(void)submit_note(f->store, "a=2");
	(void)submit_record(f->store, "b=1");
	(void)submit_record(f->store, "b");
	epoch = submit_note(f->store, "c=3");
	assert_true(store_wait(f->store, epoch, &err));
	expect_fact(f->store, "a", "2");
	expect_fact(f->store, "b", NULL);
	expect_fact(f->store, "c", "3");
}

static void
a_record_comes_back_from_where_apply_was_told(void **state)
{
	struct fixture *f = *state;
	EXA_AUTO(store_read_endp) struct store_txn *txn = NULL;
	EXA_AUTO(store_reader_freep) struct store_reader *r = NULL;
	struct exa_error err = { 0 };
	struct store_loc loc;
	struct bytes value;
	bool found;

	for (int i = 0; i < 3000; i++) {
		char record[200];

		(void)snprintf(record, sizeof record, "k%04d=%0150d", i, i);
		(void)submit_record(f->store, record);
	}
	flush(f->store);
	assert_true(store_read_begin(f->store, &txn, &err));
	assert_true(store_reader_new(f->store, &r, &err));
	for (int i = 0; i < 3000; i += 7) {
		char record[200];
		char key[8];

		(void)snprintf(record, sizeof record, "k%04d=%0150d", i, i);
		(void)snprintf(key, sizeof key, "k%04d", i);
		assert_true(
			store_get(txn, TABLE_PLACES, bytes_of_string(key), &found, &value, &err));
		assert_true(found);
		loc.segment = get_le32(value.data);
		loc.offset = get_le64(value.data + 4);
		loc.slot = get_le16(value.data + 12);
		assert_true(store_reader_record(r, &loc, &value, &err));
		assert_true(bytes_equal(value, bytes_of_string(record)));
	}
}

static void
a_submitted_batch_is_left_empty(void **state)
{
	struct fixture *f = *state;
	struct store_batch b = { 0 };
	struct exa_error err = { 0 };
	uint64_t epoch;

	store_batch_record(&b, bytes_of_string("a=1"));
	assert_true(store_submit(f->store, &b, &epoch, &err));
	assert_int_equal(b.count, 0);
	store_batch_record(&b, bytes_of_string("b=1"));
	assert_true(store_submit(f->store, &b, &epoch, &err));
	assert_true(store_wait(f->store, epoch, &err));
	expect_fact(f->store, "a", "1");
	expect_fact(f->store, "b", "1");
	store_batch_done(&b);
}

static void
an_empty_batch_can_be_waited_for(void **state)
{
	struct fixture *f = *state;
	struct store_batch b = { 0 };
	struct exa_error err = { 0 };
	uint64_t epoch;

	assert_true(store_submit(f->store, &b, &epoch, &err));
	assert_true(store_wait(f->store, epoch, &err));
}

static void
what_was_waited_for_is_there_after_a_crash(void **state)
{
	struct fixture *f = *state;
	struct exa_error err = { 0 };
	struct store_id id = put_text(f->store, "precious");
	uint64_t epoch = submit_record(f->store, "a=1");

	assert_true(store_wait(f->store, epoch, &err));
	(void)submit_record(f->store, "a=2");
	reopen(f, STORE_WRITE);
	expect_fact(f->store, "a", "1");
	expect_object(f->store, &id, bytes_of_string("precious"));
}

static void
closing_commits_what_was_submitted(void **state)
{
	struct fixture *f = *state;
	struct exa_error err = { 0 };

	(void)submit_record(f->store, "a=1");
	assert_true(store_close(f->store, &err));
	f->store = opened(f->dir, STORE_READ);
	expect_fact(f->store, "a", "1");
}

static void
cursors_walk_a_prefix_in_order(void **state)
{
	static const struct {
		const char *prefix, *from, *want;
	} cases[] = {
		{ "", "", "a aa ab abc b c " },
		{ "a", "", "a aa ab abc " },
		{ "ab", "", "ab abc " },
		{ "a", "ab", "ab abc " },
		{ "", "abd", "b c " },
		{ "a", "b", "" },
		{ "b", "a", "b " },
		{ "x", "", "" },
	};
	static const char *const records[] = { "c=1", "ab=1", "a=1", "b=1", "abc=1", "aa=1" };
	struct fixture *f = *state;
	EXA_AUTO(store_read_endp) struct store_txn *txn = NULL;
	struct exa_error err = { 0 };

	for (size_t i = 0; i < 6; i++)
		(void)submit_record(f->store, records[i]);
	flush(f->store);
	assert_true(store_read_begin(f->store, &txn, &err));
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		EXA_AUTO(store_cursor_closep) struct store_cursor *c = NULL;
		EXA_AUTO(buf_done) struct buf got = { 0 };
		struct bytes key;
		struct bytes value;

		assert_true(store_cursor_open(txn, TABLE_FACTS, bytes_of_string(cases[i].prefix),
			bytes_of_string(cases[i].from), &c, &err));
		while (store_cursor_next(c, &key, &value, &err)) {
			buf_add_bytes(&got, key);
			buf_add_byte(&got, ' ');
		}
		assert_int_equal(err.code, EXA_OK);
		assert_string_equal(buf_string(&got), cases[i].want);
	}
}

static void
a_read_transaction_is_one_consistent_view(void **state)
{
	struct fixture *f = *state;
	EXA_AUTO(store_read_endp) struct store_txn *txn = NULL;
	struct exa_error err = { 0 };
	struct bytes value;
	bool found;

	(void)submit_record(f->store, "a=1");
	flush(f->store);
	assert_true(store_read_begin(f->store, &txn, &err));
	(void)submit_record(f->store, "a=2");
	flush(f->store);
	assert_true(store_get(txn, TABLE_FACTS, bytes_of_string("a"), &found, &value, &err));
	assert_true(bytes_equal(value, bytes_of_string("1")));
	expect_fact(f->store, "a", "2");
}

static void
segments_rotate_and_their_seals_hold(void **state)
{
	struct fixture *f = *state;
	uint8_t *data = exa_alloc(200000);
	struct store_stats stats;
	struct exa_error err = { 0 };
	struct store_id id;

	for (uint64_t i = 0; i < 40; i++) {
		fill_noise(data, 200000, i + 1);
		assert_true(
			store_put(f->store, STORE_DATA, bytes_of(data, 200000), &id, NULL, &err));
		if (i == 20)
			reopen(f, STORE_WRITE);
	}
	flush(f->store);
	assert_true(store_stat(f->store, &stats, &err));
	assert_true(stats.segment_count >= 4);
	assert_int_equal(damage_found(f->store, STORE_VERIFY_BLOBS), 0);
	exa_free(data);
}

static void
the_lock_names_its_holder(void **state)
{
	struct fixture *f = *state;
	struct exa_error err = { 0 };
	char pid[32];

	(void)snprintf(pid, sizeof pid, "process %ld", (long)getpid());
	assert_int_equal(open_code(f->dir, STORE_WRITE, &err), EXA_LOCKED);
	assert_non_null(strstr(err.text, pid));
	assert_int_equal(open_code(f->dir, STORE_REBUILD, &err), EXA_LOCKED);
}

/* In a process of its own: LMDB must not open an index twice in one. 0 = all as expected. */
static int
read_beside(const char *dir, const char *key, const char *value)
{
	struct store *s;
	struct store_txn *txn;
	struct exa_error err;
	struct bytes found_value;
	bool found = false;
	int result = 1;

	if (!store_open(dir, opening(STORE_READ), &test_schema, &s, &err))
		return 2;
	if (store_read_begin(s, &txn, &err)) {
		if (store_get(txn, TABLE_FACTS, bytes_of_string(key), &found, &found_value, &err) &&
			found && bytes_equal(found_value, bytes_of_string(value)))
			result = 0;
		store_read_end(txn);
	}
	store_abandon(s);
	return result;
}

static int
in_child(int (*what)(const char *dir, const char *key, const char *value), const char *dir,
	const char *key, const char *value)
{
	pid_t child = fork();
	int status = -1;

	if (child == 0)
		_exit(what(dir, key, value));
	assert_true(child > 0);
	assert_int_equal(waitpid(child, &status, 0), child);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void
a_reader_beside_a_writer_sees_the_last_commit(void **state)
{
	struct fixture *f = *state;

	(void)submit_record(f->store, "a=1");
	flush(f->store);
	(void)submit_record(f->store, "b=1");
	assert_int_equal(in_child(read_beside, f->dir, "a", "1"), 0);
	(void)submit_record(f->store, "a=2");
	flush(f->store);
	assert_int_equal(in_child(read_beside, f->dir, "a", "2"), 0);
}

static int
read_as_nobody(const char *dir, const char *key, const char *value)
{
	return setresuid(65534, 65534, 65534) != 0 ? 3 : read_beside(dir, key, value);
}

static int
open_for_all(const char *dir)
{
	EXA_AUTO(exa_freep)
	char *command = exa_asprintf("chmod -R a+rX,go-w '%s' '%s/..'", dir, dir);

	return system(command);
}

static void
a_reader_without_write_permission_reads_while_no_writer_runs(void **state)
{
	struct fixture *f = *state;

	if (geteuid() != 0)
		skip();
	(void)submit_record(f->store, "a=1");
	flush(f->store);
	assert_int_equal(open_for_all(f->dir), 0);
	assert_int_equal(in_child(read_as_nobody, f->dir, "a", "1"), 2);
	store_abandon(f->store);
	f->store = NULL;
	assert_int_equal(in_child(read_as_nobody, f->dir, "a", "1"), 0);
}

static void
nothing_can_be_written_through_a_reading_handle(void **state)
{
	struct fixture *f = *state;
	struct store_batch b = { 0 };
	struct exa_error err = { 0 };
	struct store_id id;
	uint64_t epoch;

	reopen(f, STORE_READ);
	assert_false(store_put(f->store, STORE_DATA, bytes_of_string("x"), &id, NULL, &err));
	assert_false(store_submit(f->store, &b, &epoch, &err));
	assert_false(store_flush(f->store, &err));
	assert_true(store_close(f->store, &err));
	f->store = NULL;
}

static void
a_folder_without_an_archive_is_absent(void **state)
{
	struct fixture *f = *state;
	EXA_AUTO(exa_freep) char *parent = fs_dir_of(f->dir);
	EXA_AUTO(exa_freep) char *nowhere = fs_join(parent, "nowhere");
	struct exa_error err = { 0 };

	assert_int_equal(open_code(parent, STORE_READ, &err), EXA_ABSENT);
	assert_int_equal(open_code(nowhere, STORE_WRITE, &err), EXA_ABSENT);
}

static void
a_store_is_made_only_where_nothing_is(void **state)
{
	struct fixture *f = *state;
	EXA_AUTO(exa_freep) char *parent = fs_dir_of(f->dir);
	EXA_AUTO(exa_freep) char *empty = fs_join(parent, "empty");
	EXA_AUTO(exa_freep) char *lock = fs_join(empty, "LOCK");
	EXA_AUTO(exa_freep) char *file = fs_join(parent, "file");
	struct store_create_options options = { .codec = STORE_CODEC_ZSTD };
	struct stat st;
	struct exa_error err = { 0 };

	assert_false(store_create(f->dir, &options, &err));
	assert_int_equal(err.code, EXA_USAGE);
	assert_false(store_create(parent, &options, &err));
	assert_int_equal(err.code, EXA_USAGE);
	assert_true(fs_write_file(file, bytes_of_string("x"), 0600, &err));
	assert_false(store_create(file, &options, &err));
	assert_int_equal(err.code, EXA_USAGE);
	assert_int_equal(mkdir(empty, 0700), 0);
	assert_true(store_create(empty, &options, &err));
	assert_int_equal(stat(lock, &st), 0);
	assert_int_equal(st.st_size, 0); /* nobody holds it */
	assert_int_equal(open_code(empty, STORE_READ, &err), EXA_OK);
}

/* A name that says a number no segment can have, or that the folder it is in doesn't hold. */
static void
a_stray_file_among_the_segments_is_left_alone(void **state)
{
	static const char *const strays[] = { "seg/ff/ffffffff.xseg", "seg/00/00000100.xseg",
		"seg/00/00000002.xseg.bak" };
	struct fixture *f = *state;
	EXA_AUTO(exa_freep) char *folder = fs_join(f->dir, "seg/ff");
	struct exa_error err = { 0 };
	struct store_stats stats;

	(void)put_text(f->store, "x");
	flush(f->store);
	assert_int_equal(mkdir(folder, 0700), 0);
	for (size_t i = 0; i < sizeof strays / sizeof strays[0]; i++) {
		EXA_AUTO(exa_freep) char *path = fs_join(f->dir, strays[i]);

		assert_true(fs_write_file(path, bytes_of_string("x"), 0600, &err));
	}
	reopen(f, STORE_WRITE);
	(void)put_text(f->store, "y");
	flush(f->store);
	assert_true(store_stat(f->store, &stats, &err));
	assert_true(stats.segment_count <= 2); /* an encrypted store has begun one more */
}

static void
files_are_for_their_owner_only(void **state)
{
	static const char *const names[] = { "", "FORMAT", "LOCK", "seg/00/00000001.xseg",
		"idx/data.mdb", "idx" };
	struct fixture *f = *state;

	(void)put_text(f->store, "x");
	flush(f->store);
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		EXA_AUTO(exa_freep) char *path = fs_join(f->dir, names[i]);
		struct stat st;

		assert_int_equal(stat(path, &st), 0);
		assert_int_equal(st.st_mode & 077, 0);
	}
}

static void
an_unknown_format_is_refused(void **state)
{
	static const struct {
		const char *line;
		enum exa_code code;
	} cases[] = {
		{ "exarch-store 2.0 uuid=00000000000000000000000000000000 hash=sha256 codec=zlib"
		  " segment_bytes=1048576 incompatible=00000000 read_compatible=00000000"
		  " compatible=00000000 crc32c=8f2e1a0b\n",
			EXA_CORRUPT },
		{ "", EXA_CORRUPT },
		{ "not an archive at all\n", EXA_CORRUPT },
	};
	struct fixture *f = *state;
	EXA_AUTO(exa_freep) char *path = fs_join(f->dir, "FORMAT");
	struct exa_error err = { 0 };

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		assert_true(fs_write_file(path, bytes_of_string(cases[i].line), 0600, &err));
		assert_int_equal(open_code(f->dir, STORE_READ, &err), cases[i].code);
	}
}

static void
an_index_that_is_full_grows(void **state)
{
	struct fixture *f = *state;
	struct store_batch b = { 0 };
	struct exa_error err = { 0 };
	char *note = exa_alloc(60001);
	uint64_t epoch;

	/* As if the address space had allowed no more at open; the store is idle now. */
	assert_int_equal(mdb_env_set_mapsize(f->store->index.env, (size_t)1 << 20), 0);
	memset(note, 'x', 60000);
	for (int i = 0; i < 60; i++) {
		(void)snprintf(note, 8, "n%04d=", i);
		note[6] = 'x';
		store_batch_note(&b, bytes_of_string(note));
		assert_true(store_submit(f->store, &b, &epoch, &err));
	}
	assert_true(store_wait(f->store, epoch, &err));
	for (int i = 0; i < 60; i++) {
		(void)snprintf(note, 8, "n%04d=", i);
		note[6] = 'x';
		note[5] = '\0';
		expect_fact(f->store, note, note + 6);
		note[5] = '=';
	}
	store_batch_done(&b);
	exa_free(note);
}

static void
the_codec_chosen_at_creation_is_used(void **state)
{
	struct fixture *f = *state;
	EXA_AUTO(exa_freep) char *parent = fs_dir_of(f->dir);
	EXA_AUTO(exa_freep) char *dir = fs_join(parent, "zstd");
	struct store *s = made_store(dir, STORE_CODEC_ZSTD, 0);
	struct store_stats stats;
	struct exa_error err = { 0 };
	uint8_t data[100000];
	struct store_id id;

	fill_text(data, sizeof data, 1);
	assert_true(store_put(s, STORE_DATA, bytes_of(data, sizeof data), &id, NULL, &err));
	flush(s);
	expect_object(s, &id, bytes_of(data, sizeof data));
	assert_true(store_stat(s, &stats, &err));
	assert_int_equal(stats.codec, STORE_CODEC_ZSTD);
	assert_true(stats.segment_bytes < sizeof data / 2);
	assert_int_equal(damage_found(s, STORE_VERIFY_BLOBS), 0);
	store_abandon(s);
}

static void
of_two_copies_of_an_object_the_index_names_the_later(void **state)
{
	static const struct place copies[][2] = { { { 1, 640 }, { 1, 64 } },
		{ { 2, 64 }, { 2, 64 } } };
	struct fixture *f = *state;
	struct store *s = f->store;
	struct watermark mark = s->watermark;
	struct epoch epoch = { 0 };
	struct object_row row = { .raw = 100, .kind = STORE_DATA };
	struct exa_error err = { 0 };

	for (int i = 0; i < 2; i++) {
		struct object_row found;
		bool is_there = false;
		MDB_txn *txn;

		for (int copy = 0; copy < 2; copy++) {
			row.at = copies[i][copy];
			epoch_add_row(&epoch, &row);
		}
		assert_true(epoch_apply(&epoch, &s->index, &test_schema, &mark, &err));
		epoch_reset(&epoch);
		assert_true(index_read_begin(&s->index, &txn, &err));
		assert_true(index_get_object(&s->index, txn, &row.id, &is_there, &found, &err));
		index_read_end(&s->index, txn);
		assert_true(is_there);
		assert_int_equal(found.at.segment, copies[i][0].segment);
		assert_int_equal(found.at.offset, copies[i][0].offset);
		assert_int_equal(mark.object_bytes, 100);
	}
	epoch_done(&epoch);
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(objects_of_all_sizes_come_back_as_they_were),
		TEST(an_object_beyond_the_limit_is_refused),
		TEST(the_same_bytes_are_stored_once),
		TEST(an_object_of_one_kind_is_not_one_of_another),
		TEST(an_id_that_is_not_there_is_gone),
		TEST(records_and_notes_are_applied_in_the_order_of_submission),
		TEST(a_record_comes_back_from_where_apply_was_told),
		TEST(a_submitted_batch_is_left_empty),
		TEST(an_empty_batch_can_be_waited_for),
		TEST(what_was_waited_for_is_there_after_a_crash),
		TEST(closing_commits_what_was_submitted),
		TEST(cursors_walk_a_prefix_in_order),
		TEST(a_read_transaction_is_one_consistent_view),
		TEST(segments_rotate_and_their_seals_hold),
		TEST(the_lock_names_its_holder),
		TEST(a_reader_beside_a_writer_sees_the_last_commit),
		TEST(a_reader_without_write_permission_reads_while_no_writer_runs),
		TEST(nothing_can_be_written_through_a_reading_handle),
		TEST(a_folder_without_an_archive_is_absent),
		TEST(a_store_is_made_only_where_nothing_is),
		TEST(a_stray_file_among_the_segments_is_left_alone),
		TEST(files_are_for_their_owner_only),
		TEST(an_unknown_format_is_refused),
		TEST(an_index_that_is_full_grows),
		TEST(the_codec_chosen_at_creation_is_used),
		TEST(of_two_copies_of_an_object_the_index_names_the_later),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
