/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a compaction leaves of the records tells the tables the same story. Random histories are
 * played into an archive; the log of its records is then cut as segments are (what `carry` keeps
 * stays in its place, what it wants again goes to the end) and played into a fresh one, as a
 * rebuild would. Both must hold the same, but for where the records stand.
 */
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
#include "exarch/mem.h"

#include "record.h"

#define HISTORIES 30
#define ROUNDS 4
#define OPS_PER_ROUND 40
#define NUMBERS_MAX (ROUNDS * OPS_PER_ROUND + 1)
#define IDS 6
#define FOLDERS 2

struct entry {
	struct store_loc loc;
	struct buf record;
};

struct log {
	struct entry *entries;
	size_t count;
};

struct world {
	char dir[64];
	struct store *store;
	struct log applied; /* what was logged, in order; filled on the writer's thread */
};

struct history {
	struct world live;
	struct log cut; /* as the segments would hold it */
	uint64_t random;
	uint64_t next_item;
	struct catalog_key key_of[NUMBERS_MAX];
};

static void
must(bool good, const struct exa_error *err)
{
	if (!good)
		fail_msg("%s", err->text);
}

static void
log_add(struct log *log, const struct store_loc *loc, struct bytes record)
{
	log->entries = exa_realloc_array(log->entries, log->count + 1, sizeof *log->entries);
	log->entries[log->count] = (struct entry){ .loc = *loc };
	buf_add_bytes(&log->entries[log->count++].record, record);
}

static void
log_done(struct log *log)
{
	for (size_t i = 0; i < log->count; i++)
		buf_done(&log->entries[i].record);
	exa_free(log->entries);
	*log = (struct log){ 0 };
}

/* ---- a store with the catalog's tables that remembers what was logged ---- */

static bool
apply(void *ctx, struct store_txn *txn, const struct store_loc *loc, struct bytes record,
	struct exa_error *err)
{
	struct world *w = ctx;

	log_add(&w->applied, loc, record);
	return catalog_apply(NULL, txn, loc, record, err);
}

static void
world_open(struct world *w)
{
	const struct store_create_options options = { .codec = STORE_CODEC_ZLIB };
	const struct store_schema schema = {
		.tables = catalog_tables, .table_count = TABLE_TOTAL, .apply = apply, .ctx = w
	};
	struct exa_error err;

	*w = (struct world){ 0 };
	(void)snprintf(w->dir, sizeof w->dir, "/tmp/exarch-carry-XXXXXX");
	assert_non_null(mkdtemp(w->dir));
	must(store_create(w->dir, &options, &err), &err);
	must(store_open(w->dir, &(struct store_open_options){ .access = STORE_WRITE }, &schema,
		     &w->store, &err),
		&err);
}

static int
remove_one(const char *path, const struct stat *st, int type, struct FTW *at)
{
	(void)st;
	(void)type;
	(void)at;
	return remove(path);
}

static void
world_done(struct world *w)
{
	store_abandon(w->store);
	log_done(&w->applied);
	(void)nftw(w->dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static void
commit(struct world *w, struct store_batch *b)
{
	struct exa_error err;
	uint64_t epoch;

	must(store_submit(w->store, b, &epoch, &err), &err);
	must(store_wait(w->store, epoch, &err), &err);
	store_batch_done(b);
}

/* An item's row as it would be with its record nowhere. */
static struct bytes
without_place(struct bytes value, struct buf *room)
{
	struct catalog_row row;
	struct exa_error err;
	uint64_t alias;

	must(row_decode(1, value, &row, &alias, &err), &err);
	if (alias != 0)
		return value;
	row.loc = (struct store_loc){ 0 };
	buf_reset(room);
	row_encode(room, &row);
	return buf_bytes(room);
}

/* All tables as text, without the places of records. */
static char *
dump(struct world *w)
{
	struct buf out = { 0 }, hex = { 0 }, row = { 0 };
	struct store_txn *txn;
	struct exa_error err;

	must(store_read_begin(w->store, &txn, &err), &err);
	for (int table = 0; table < TABLE_TOTAL; table++) {
		struct store_cursor *cursor;
		struct bytes none = { 0 }, key, value;

		must(store_cursor_open(txn, (size_t)table, none, none, &cursor, &err), &err);
		exa_error_clear(&err);
		while (store_cursor_next(cursor, &key, &value, &err)) {
			if (table == TABLE_ITEM)
				value = without_place(value, &row);
			buf_reserve(&hex, 2 * (key.size + value.size) + 2);
			hex_encode(key, (char *)hex.data);
			buf_printf(&out, "%s %s ", catalog_tables[table].name, (char *)hex.data);
			hex_encode(value, (char *)hex.data);
			buf_printf(&out, "%s\n", (char *)hex.data);
		}
		must(err.code == EXA_OK, &err);
		store_cursor_close(cursor);
	}
	store_read_end(txn);
	buf_done(&hex);
	buf_done(&row);
	return buf_steal(&out);
}

/* ---- a history ---- */

static unsigned
below(struct history *h, unsigned limit)
{
	h->random ^= h->random << 13;
	h->random ^= h->random >> 7;
	h->random ^= h->random << 17;
	return (unsigned)(h->random >> 33) % limit;
}

static void
add(struct store_batch *b, struct buf *record)
{
	store_batch_record(b, buf_bytes(record));
	buf_reset(record);
}

static void
archive_one(struct history *h, struct buf *record)
{
	char id[8], change_key[8];
	struct catalog_item item = { .number = h->next_item++,
		.mailbox = 1,
		.folder = 1 + below(h, FOLDERS),
		.server_id = id,
		.change_key = change_key,
		.class = "IPM.Note",
		.received_ns =
			below(h, 5) == 0 ? EXA_NO_TIME : (int64_t)below(h, 100) * EXA_NS_PER_S,
		.mime_bytes = below(h, 1000),
		.keep_older = below(h, 4) == 0 };

	(void)snprintf(id, sizeof id, "id%u", below(h, IDS));
	(void)snprintf(change_key, sizeof change_key, "ck%u", below(h, 3));
	memset(item.mime_sha256, (int)below(h, 3), sizeof item.mime_sha256);
	if (below(h, 3) == 0) { /* has no MIME */
		item.mime_bytes = 0;
		item.native_bytes = 1 + below(h, 1000);
		memset(item.native_sha256, (int)below(h, 3), sizeof item.native_sha256);
	}
	h->key_of[item.number] = catalog_key_of(item.mailbox, item.folder, id);
	item_encode(record, &item);
}

static void
remove_item(struct history *h, struct buf *record)
{
	char id[8];
	struct catalog_key key;

	(void)snprintf(id, sizeof id, "id%u", below(h, IDS));
	key = catalog_key_of(1, 1 + below(h, FOLDERS), id);
	record_begin(record, RECORD_REMOVED);
	add_item_key(record, &key);
}

static void
expire_one(struct history *h, struct buf *record)
{
	const uint64_t number = 1 + below(h, (unsigned)h->next_item - 1);
	const struct catalog_expired e = { .number = number,
		.key = h->key_of[number],
		.when_ns = 7 * EXA_NS_PER_S,
		.rule = "default",
		.received_ns = EXA_NO_TIME,
		.mime_bytes = 5 };

	expired_encode(record, &e);
}

static void
live_on(struct history *h)
{
	struct store_batch b = { 0 };
	struct buf record = { 0 };

	for (int i = 0; i < OPS_PER_ROUND; i++) {
		unsigned what = below(h, 10);

		if (what < 6 || h->next_item == 1)
			archive_one(h, &record);
		else if (what < 8)
			remove_item(h, &record);
		else
			expire_one(h, &record);
		add(&b, &record);
	}
	commit(&h->live, &b);
	buf_done(&record);
}

/* ---- cutting ---- */

/* What was logged since joins the log of segments. */
static void
take_new(struct history *h, size_t *taken)
{
	for (; *taken < h->live.applied.count; (*taken)++) {
		const struct entry *e = &h->live.applied.entries[*taken];

		log_add(&h->cut, &e->loc, buf_bytes(&e->record));
	}
}

static void
cut(struct history *h, size_t from, size_t to)
{
	struct log after = { 0 };
	struct store_batch b = { 0 };
	struct buf keep = { 0 }, again = { 0 };
	struct store_txn *txn;
	struct exa_error err;

	must(store_read_begin(h->live.store, &txn, &err), &err);
	for (size_t i = 0; i < h->cut.count; i++) {
		const struct entry *e = &h->cut.entries[i];

		if (i < from || i >= to) {
			log_add(&after, &e->loc, buf_bytes(&e->record));
			continue;
		}
		buf_reset(&keep);
		buf_reset(&again);
		must(catalog_carry(NULL, txn, &e->loc, buf_bytes(&e->record), &keep, &again, &err),
			&err);
		if (keep.size > 0)
			log_add(&after, &(struct store_loc){ 0 }, buf_bytes(&keep));
		if (again.size > 0)
			store_batch_record(&b, buf_bytes(&again));
	}
	store_read_end(txn);
	commit(&h->live, &b);
	log_done(&h->cut);
	h->cut = after;
	buf_done(&keep);
	buf_done(&again);
}

static void
rebuild(const struct history *h, struct world *out)
{
	struct store_batch b = { 0 };

	world_open(out);
	for (size_t i = 0; i < h->cut.count; i++)
		store_batch_record(&b, buf_bytes(&h->cut.entries[i].record));
	commit(out, &b);
}

/* Each item that hasn't expired has its full record where its row says. */
static void
assert_records_are_read(struct world *w, uint64_t up_to)
{
	struct store_reader *reader;
	struct buf scratch = { 0 };
	struct store_txn *txn;
	struct exa_error err;

	must(store_reader_new(w->store, &reader, &err), &err);
	must(store_read_begin(w->store, &txn, &err), &err);
	for (uint64_t number = 1; number < up_to; number++) {
		struct catalog_item item;
		struct catalog_row row;
		bool found;

		must(catalog_row(txn, number, &found, &row, &err), &err);
		if (!found || row.state == ITEM_EXPIRED)
			continue;
		must(catalog_item_read(reader, &row, &scratch, &item, &err), &err);
		assert_int_equal(item.received_ns, row.received_ns);
		assert_int_equal(catalog_item_bytes(&item), row.mime_bytes);
	}
	store_read_end(txn);
	store_reader_free(reader);
	buf_done(&scratch);
}

static void
one_history(uint64_t seed)
{
	struct history h = { .random = seed * 0x9e3779b97f4a7c15 + 1, .next_item = 1 };
	size_t taken = 0;

	world_open(&h.live);
	for (int round = 0; round < ROUNDS; round++) {
		char *before, *after, *rebuilt;
		struct world other;
		size_t from, to;

		live_on(&h);
		take_new(&h, &taken);
		before = dump(&h.live);
		from = below(&h, (unsigned)h.cut.count);
		to = from + 1 + below(&h, (unsigned)(h.cut.count - from));
		cut(&h, from, to);
		take_new(&h, &taken);
		after = dump(&h.live);
		assert_string_equal(after, before);
		rebuild(&h, &other);
		rebuilt = dump(&other);
		assert_string_equal(rebuilt, before);
		assert_records_are_read(&h.live, h.next_item);
		assert_records_are_read(&other, h.next_item);
		world_done(&other);
		exa_free(before);
		exa_free(after);
		exa_free(rebuilt);
	}
	log_done(&h.cut);
	world_done(&h.live);
}

static void
after_any_cut_a_rebuild_gives_the_same_tables(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= HISTORIES; seed++)
		one_history(seed);
}

static void
nothing_of_an_expired_item_stays_but_numbers_and_hashes(void **state)
{
	const struct catalog_item item = { .number = 1,
		.mailbox = 1,
		.folder = 1,
		.server_id = "the-server-id",
		.change_key = "the-change-key",
		.class = "IPM.Secret",
		.internet_message_id = "<the-message-id>",
		.categories = "the-category" };
	struct history h = { .next_item = 2 };
	struct store_batch b = { 0 };
	struct buf record = { 0 };
	size_t taken = 0;

	(void)state;
	world_open(&h.live);
	item_encode(&record, &item);
	add(&b, &record);
	h.key_of[1] = catalog_key_of(1, 1, item.server_id);
	expire_one(&h, &record);
	add(&b, &record);
	commit(&h.live, &b);
	take_new(&h, &taken);
	cut(&h, 0, h.cut.count);
	take_new(&h, &taken);
	assert_int_equal(h.cut.count, 2);
	for (size_t i = 0; i < h.cut.count; i++) {
		const struct buf *left = &h.cut.entries[i].record;

		assert_true(left->size < 100);
		assert_null(memmem(left->data, left->size, "the-", 4));
		assert_null(memmem(left->data, left->size, "IPM", 3));
	}
	log_done(&h.cut);
	world_done(&h.live);
	buf_done(&record);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(after_any_cut_a_rebuild_gives_the_same_tables),
		cmocka_unit_test(nothing_of_an_expired_item_stays_but_numbers_and_hashes),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
