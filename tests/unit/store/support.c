/* SPDX-License-Identifier: Apache-2.0 */
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "exarch/fs.h"
#include "exarch/mem.h"

#include "handle.h"
#include "index.h"
#include "support.h"

static const struct store_table tables[] = {
	{ "facts", false, STORE_FROM_BOTH },
	{ "places", true, STORE_FROM_RECORDS },
};

static bool
apply(void *ctx, struct store_txn *txn, const struct store_loc *loc, struct bytes record,
	struct exa_error *err)
{
	const uint8_t *equals = memchr(record.data, '=', record.size);
	struct bytes key =
		bytes_take(record, equals == NULL ? record.size : (size_t)(equals - record.data));
	uint8_t place[14];

	(void)ctx;
	if (equals == NULL)
		return store_delete(txn, TABLE_FACTS, key, err) &&
		       store_delete(txn, TABLE_PLACES, key, err);
	if (loc != NULL) {
		put_le32(place, loc->segment);
		put_le64(place + 4, loc->offset);
		put_le16(place + 12, loc->slot);
		if (!store_set(txn, TABLE_PLACES, key, bytes_of(place, sizeof place), err))
			return false;
	}
	return store_set(txn, TABLE_FACTS, key, bytes_skip(record, key.size + 1), err);
}

const struct store_schema test_schema = {
	.tables = tables,
	.table_count = 2,
	.apply = apply,
};

const struct store_key test_key = { .kind = STORE_KEY_FILE,
	.secret = { .data = (const uint8_t *)"a key of thirty-two bytes, no less", .size = 32 } };

bool
encrypting(void)
{
	return getenv("EXARCH_TEST_ENCRYPTED") != NULL;
}

const struct store_open_options *
opening(enum store_access access)
{
	static struct store_open_options options[STORE_SEGMENTS + 1];

	options[access].access = access;
	options[access].key = encrypting() ? &test_key : NULL;
	return &options[access];
}

char *
temporary_dir(void)
{
	const char *base = getenv("TMPDIR");
	char *path = exa_asprintf("%s/exarch-store-XXXXXX", base != NULL ? base : "/tmp");
	char *dir;

	assert_non_null(mkdtemp(path));
	dir = fs_join(path, "store");
	exa_free(path);
	return dir;
}

static int
remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

void
remove_tree(const char *path)
{
	(void)nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static const char *copy_from;
static const char *copy_to;

static int
copy_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	EXA_AUTO(exa_freep)
	char *target = exa_asprintf("%s%s", copy_to, path + strlen(copy_from));
	EXA_AUTO(buf_done) struct buf content = { 0 };
	struct exa_error err;
	FILE *f;

	(void)st;
	(void)ftw;
	if (type == FTW_D)
		return mkdir(target, 0700);
	assert_true(fs_read_file(path, (size_t)1 << 30, &content, &err));
	f = fopen(target, "wb");
	assert_non_null(f);
	assert_int_equal(fwrite(content.data, 1, content.size, f), content.size);
	return fclose(f);
}

void
copy_tree(const char *from, const char *to)
{
	copy_from = from;
	copy_to = to;
	assert_int_equal(nftw(from, copy_one, 16, FTW_PHYS), 0);
}

static void
must(bool good, const struct exa_error *err)
{
	if (!good)
		print_message("# %s\n", err->text);
	assert_true(good);
}

struct store *
opened(const char *dir, enum store_access access)
{
	struct store *s = NULL;
	struct exa_error err = { 0 };

	must(store_open(dir, opening(access), &test_schema, &s, &err), &err);
	return s;
}

struct store *
made_store(const char *dir, enum store_codec codec, uint64_t segment_bytes)
{
	struct store_create_options options = { .codec = codec,
		.segment_bytes = segment_bytes,
		.key = encrypting() ? &test_key : NULL };
	struct exa_error err = { 0 };

	must(store_create(dir, &options, &err), &err);
	return opened(dir, STORE_WRITE);
}

enum exa_code
open_code(const char *dir, enum store_access access, struct exa_error *err)
{
	struct store *s = NULL;

	exa_error_clear(err);
	if (store_open(dir, opening(access), &test_schema, &s, err))
		store_abandon(s);
	return err->code;
}

struct store_id
put_text(struct store *s, const char *text)
{
	struct store_id id;
	struct exa_error err = { 0 };

	must(store_put(s, STORE_DATA, bytes_of_string(text), &id, NULL, &err), &err);
	return id;
}

uint64_t
submit_record(struct store *s, const char *record)
{
	struct store_batch b = { 0 };
	struct exa_error err = { 0 };
	uint64_t epoch = 0;

	store_batch_record(&b, bytes_of_string(record));
	must(store_submit(s, &b, &epoch, &err), &err);
	store_batch_done(&b);
	return epoch;
}

uint64_t
submit_note(struct store *s, const char *note)
{
	struct store_batch b = { 0 };
	struct exa_error err = { 0 };
	uint64_t epoch = 0;

	store_batch_note(&b, bytes_of_string(note));
	must(store_submit(s, &b, &epoch, &err), &err);
	store_batch_done(&b);
	return epoch;
}

void
expect_fact(struct store *s, const char *key, const char *value)
{
	EXA_AUTO(store_read_endp) struct store_txn *txn = NULL;
	struct exa_error err = { 0 };
	struct bytes found_value = { 0 };
	bool found = false;

	must(store_read_begin(s, &txn, &err), &err);
	must(store_get(txn, TABLE_FACTS, bytes_of_string(key), &found, &found_value, &err), &err);
	assert_int_equal(found, value != NULL);
	if (value != NULL)
		assert_true(bytes_equal(found_value, bytes_of_string(value)));
}

void
expect_object(struct store *s, const struct store_id *id, struct bytes data)
{
	EXA_AUTO(store_reader_freep) struct store_reader *r = NULL;
	struct exa_error err = { 0 };
	struct bytes found = { 0 };

	must(store_reader_new(s, &r, &err), &err);
	must(store_reader_object(r, STORE_DATA, id, &found, &err), &err);
	assert_true(bytes_equal(found, data));
}

static uint64_t
next_random(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

void
fill_noise(uint8_t *out, size_t size, uint64_t seed)
{
	uint64_t state = seed * UINT64_C(0x9e3779b97f4a7c15) + 1;

	for (size_t i = 0; i < size; i++)
		out[i] = (uint8_t)(next_random(&state) >> 24);
}

void
fill_text(uint8_t *out, size_t size, uint64_t seed)
{
	static const char *const words[] = { "the ", "mail ", "was ", "kept ", "by ", "us ", "and ",
		"found " };
	uint64_t state = seed * UINT64_C(0x9e3779b97f4a7c15) + 1;

	for (size_t i = 0; i < size;) {
		const char *word = words[next_random(&state) >> 32 & 7];

		for (size_t j = 0; word[j] != '\0' && i < size; j++)
			out[i++] = (uint8_t)word[j];
	}
}

static void
count_damage(void *ctx, const struct store_damage *damage)
{
	(void)ctx;
	assert_int_not_equal(damage->what.code, EXA_OK);
	assert_true(damage->what.text[0] != '\0');
}

uint64_t
damage_found(struct store *s, enum store_level level)
{
	struct store_verify_options options = { .level = level, .damaged = count_damage };
	struct store_verify_result result = { 0 };
	struct exa_error err = { 0 };

	must(store_verify(s, &options, &result, &err), &err);
	return result.damaged;
}

static void
dump_table(struct store_txn *txn, MDB_dbi table, const char *name, struct buf *out)
{
	MDB_cursor *cursor;
	MDB_val key;
	MDB_val value;

	assert_int_equal(mdb_cursor_open(txn->txn, table, &cursor), 0);
	while (mdb_cursor_get(cursor, &key, &value, MDB_NEXT) == 0) {
		buf_add_string(out, name);
		for (size_t i = 0; i < key.mv_size; i++)
			buf_printf(out, "%02x", ((const uint8_t *)key.mv_data)[i]);
		buf_add_byte(out, ' ');
		for (size_t i = 0; i < value.mv_size; i++)
			buf_printf(out, "%02x", ((const uint8_t *)value.mv_data)[i]);
		buf_add_byte(out, '\n');
	}
	mdb_cursor_close(cursor);
}

char *
dump(struct store *s)
{
	EXA_AUTO(store_read_endp) struct store_txn *txn = NULL;
	struct exa_error err = { 0 };
	struct buf out = { 0 };

	must(store_read_begin(s, &txn, &err), &err);
	dump_table(txn, s->index.meta, "meta ", &out);
	dump_table(txn, s->index.obj, "obj ", &out);
	for (size_t i = 0; i < s->index.table_count; i++)
		dump_table(txn, s->index.tables[i], tables[i].name, &out);
	return buf_steal(&out);
}
