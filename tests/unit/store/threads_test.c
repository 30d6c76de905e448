/* SPDX-License-Identifier: Apache-2.0 */
/* Many threads put the same and different objects and submit records that refer to them. */
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "exarch/fs.h"
#include "exarch/mem.h"

#include "handle.h"
#include "support.h"

#define THREADS 8
#define ROUNDS 150
#define DISTINCT 200 /* fewer than what is put: most are duplicates across threads */

struct worker {
	pthread_t thread;
	struct store *store;
	unsigned number;
	unsigned failures; /* calls that failed */
	uint64_t last_epoch;
};

static size_t
size_of(unsigned object)
{
	return object % 10 == 0 ? 40000 + object * 100 : 100 + object * 20;
}

static void
content_of(unsigned object, uint8_t *out)
{
	if (object % 2 == 0)
		fill_text(out, size_of(object), object + 1);
	else
		fill_noise(out, size_of(object), object + 1);
}

/* Puts object X and submits "worker-round=X id", as a crawler does with an item. */
static bool
one_round(struct worker *w, unsigned round, uint8_t *scratch, struct exa_error *err)
{
	unsigned object = (w->number * 31 + round * 7) % DISTINCT;
	struct store_batch b = { 0 };
	struct store_id id;
	char hex[65];
	char record[128];
	bool good;

	content_of(object, scratch);
	if (!store_put(w->store, STORE_DATA, bytes_of(scratch, size_of(object)), &id, NULL, err))
		return false;
	hex_encode(bytes_of(id.bytes, STORE_ID_SIZE), hex);
	(void)snprintf(record, sizeof record, "%u-%u=%u %s", w->number, round, object, hex);
	store_batch_record(&b, bytes_of_string(record));
	good = store_submit(w->store, &b, &w->last_epoch, err);
	store_batch_done(&b);
	if (good && round % 40 == w->number)
		good = store_wait(w->store, w->last_epoch, err);
	return good;
}

static void *
work(void *arg)
{
	struct worker *w = arg;
	uint8_t *scratch = exa_alloc(100000);
	struct exa_error err;

	for (unsigned round = 0; round < ROUNDS; round++)
		w->failures += !one_round(w, round, scratch, &err);
	exa_free(scratch);
	return NULL;
}

static void
run_workers(struct store *s, struct worker workers[THREADS])
{
	for (unsigned i = 0; i < THREADS; i++) {
		workers[i] = (struct worker){ .store = s, .number = i };
		assert_int_equal(pthread_create(&workers[i].thread, NULL, work, &workers[i]), 0);
	}
	for (unsigned i = 0; i < THREADS; i++)
		assert_int_equal(pthread_join(workers[i].thread, NULL), 0);
}

/* Every record that is there refers to an object that is there, with the right bytes. */
static unsigned
check_records(struct store *s)
{
	EXA_AUTO(store_read_endp) struct store_txn *txn = NULL;
	EXA_AUTO(store_cursor_closep) struct store_cursor *c = NULL;
	EXA_AUTO(store_reader_freep) struct store_reader *r = NULL;
	EXA_AUTO(exa_freep) uint8_t *scratch = exa_alloc(100000);
	struct exa_error err = { 0 };
	struct bytes key;
	struct bytes value;
	struct bytes none = { 0 };
	unsigned count = 0;

	assert_true(store_read_begin(s, &txn, &err));
	assert_true(store_reader_new(s, &r, &err));
	assert_true(store_cursor_open(txn, TABLE_FACTS, none, none, &c, &err));
	while (store_cursor_next(c, &key, &value, &err)) {
		char text[128] = "";
		char hex[65];
		unsigned object;
		struct store_id id;
		struct bytes data = { 0 };

		memcpy(text, value.data, value.size);
		assert_int_equal(sscanf(text, "%u %64s", &object, hex), 2);
		assert_true(hex_decode(hex, id.bytes, STORE_ID_SIZE));
		content_of(object, scratch);
		assert_true(store_reader_object(r, STORE_DATA, &id, &data, &err));
		assert_true(bytes_equal(data, bytes_of(scratch, size_of(object))));
		count++;
	}
	assert_int_equal(err.code, EXA_OK);
	return count;
}

static void
discard(char *dir)
{
	EXA_AUTO(exa_freep) char *parent = fs_dir_of(dir);

	remove_tree(parent);
	exa_free(dir);
}

static void
threads_share_objects_and_all_of_it_reads_back(void **state)
{
	char *dir = temporary_dir();
	struct store *s = made_store(dir, STORE_CODEC_ZLIB, (uint64_t)1 << 20);
	struct worker workers[THREADS];
	struct store_stats stats;
	struct exa_error err = { 0 };

	(void)state;
	run_workers(s, workers);
	assert_true(store_flush(s, &err));
	for (unsigned i = 0; i < THREADS; i++)
		assert_int_equal(workers[i].failures, 0);
	assert_int_equal(check_records(s), THREADS * ROUNDS);
	assert_true(store_stat(s, &stats, &err));
	assert_int_equal(stats.object_count, DISTINCT);
	assert_int_equal(damage_found(s, STORE_VERIFY_BLOBS), 0);
	store_abandon(s);
	discard(dir);
}

static void
after_a_crash_no_record_dangles_whichever_way_the_index_comes_back(void **state)
{
	char *dir = temporary_dir();
	struct store *s = made_store(dir, STORE_CODEC_ZSTD, (uint64_t)1 << 20);
	EXA_AUTO(exa_freep) char *replayed = NULL;
	EXA_AUTO(exa_freep) char *rebuilt = NULL;
	struct worker workers[THREADS];
	unsigned count;

	(void)state;
	run_workers(s, workers);
	store_abandon(s);
	s = opened(dir, STORE_WRITE);
	count = check_records(s);
	assert_true(count > 0);
	assert_int_equal(damage_found(s, STORE_VERIFY_BLOBS), 0);
	replayed = dump(s);
	store_abandon(s);
	s = opened(dir, STORE_REBUILD);
	rebuilt = dump(s);
	assert_string_equal(replayed, rebuilt);
	store_abandon(s);
	discard(dir);
}

struct failing {
	_Atomic int syncs_left;
};

static int
fail_some_sync(void *ctx, int fd)
{
	struct failing *f = ctx;

	if (atomic_fetch_sub(&f->syncs_left, 1) <= 0) {
		errno = EIO;
		return -1;
	}
	return seg_io_system.fdatasync(NULL, fd);
}

static void
a_failed_sync_reaches_every_thread_and_nobody_hangs(void **state)
{
	char *dir = temporary_dir();
	struct failing failing = { .syncs_left = 5 };
	struct seg_io io = seg_io_system;
	struct worker workers[THREADS];
	struct store *s = made_store(dir, STORE_CODEC_ZLIB, (uint64_t)1 << 20);
	struct exa_error err = { 0 };

	(void)state;
	store_abandon(s);
	io.ctx = &failing;
	io.fdatasync = fail_some_sync;
	assert_true(store_open_with(dir, opening(STORE_WRITE), &test_schema, &io, &s, &err));
	run_workers(s, workers);
	for (unsigned i = 0; i < THREADS; i++)
		assert_true(workers[i].failures > 0);
	assert_false(store_close(s, &err));
	assert_int_equal(err.code, EXA_IO);
	s = opened(dir, STORE_WRITE);
	(void)check_records(s);
	assert_int_equal(damage_found(s, STORE_VERIFY_BLOBS), 0);
	store_abandon(s);
	discard(dir);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(threads_share_objects_and_all_of_it_reads_back),
		cmocka_unit_test(
			after_a_crash_no_record_dangles_whichever_way_the_index_comes_back),
		cmocka_unit_test(a_failed_sync_reaches_every_thread_and_nobody_hangs),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
