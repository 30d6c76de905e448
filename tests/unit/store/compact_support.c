/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "exarch/fs.h"
#include "exarch/mem.h"

#include "compact_support.h"

void
set_segment_bytes(const char *dir, uint64_t bytes)
{
	EXA_AUTO(exa_freep) char *path = fs_join(dir, "FORMAT");
	EXA_AUTO(buf_done) struct buf line = { 0 };
	struct store_format format;
	struct exa_error err = { 0 };

	assert_true(fs_read_file(path, FORMAT_LINE_MAX, &line, &err));
	assert_true(format_get(buf_bytes(&line), &format, &err));
	format.segment_bytes = bytes;
	buf_reset(&line);
	format_put(&format, &line);
	assert_true(fs_write_file(path, buf_bytes(&line), 0600, &err));
}

struct world *
world_new(enum store_codec codec)
{
	struct world *w = exa_alloc(sizeof *w);

	w->dir = temporary_dir();
	w->random = 88172645463325252U;
	w->next_seed = 1;
	w->scratch = exa_alloc((size_t)1 << 20);
	store_abandon(made_store(w->dir, codec, 0));
	set_segment_bytes(w->dir, 64 * 1024);
	return w;
}

void
world_free(struct world *w)
{
	EXA_AUTO(exa_freep) char *parent = fs_dir_of(w->dir);

	remove_tree(parent);
	exa_free(w->dir);
	exa_free(w->scratch);
	exa_free(w);
}

uint64_t
world_random(struct world *w, uint64_t below)
{
	w->random ^= w->random << 13;
	w->random ^= w->random >> 7;
	w->random ^= w->random << 17;
	return (w->random >> 20) % below;
}

size_t
world_any_size(struct world *w)
{
	uint64_t dice = world_random(w, 10);

	if (dice == 0)
		return (size_t)(33000 + world_random(w, 27000));
	return (size_t)(1 + world_random(w, dice < 7 ? 900 : 9000));
}

static void
content_of(const struct world *w, unsigned key, uint8_t *out)
{
	if (w->keys[key].seed % 2 == 0)
		fill_noise(out, w->keys[key].size, w->keys[key].seed);
	else
		fill_text(out, w->keys[key].size, w->keys[key].seed);
	put_le64(w->scratch + ((size_t)1 << 19), w->keys[key].seed);
	memcpy(out, w->scratch + ((size_t)1 << 19), w->keys[key].size < 8 ? w->keys[key].size : 8);
}

/* Recipes as well as data: both kinds of pack are to be cut. */
static enum store_kind
kind_of(const struct world *w, unsigned key)
{
	return w->keys[key].seed % 5 == 0 ? STORE_RECIPE : STORE_DATA;
}

static void
say(struct store *s, const char *record)
{
	struct exa_error err = { 0 };

	assert_true(store_wait(s, submit_record(s, record), &err));
}

void
world_set(struct world *w, struct store *s, unsigned key, size_t size)
{
	struct exa_error err = { 0 };
	struct store_id id;
	char record[96];
	char hex[65];

	w->keys[key].seed = w->next_seed++;
	w->keys[key].size = size;
	content_of(w, key, w->scratch);
	assert_true(store_put(s, kind_of(w, key), bytes_of(w->scratch, size), &id, NULL, &err));
	hex_encode(bytes_of(id.bytes, STORE_ID_SIZE), hex);
	(void)snprintf(record, sizeof record, "k%02u=%s%c", key, hex,
		kind_of(w, key) == STORE_DATA ? 'D' : 'R');
	say(s, record);
}

void
world_drop(struct world *w, struct store *s, unsigned key)
{
	char record[8];

	w->keys[key].seed = 0;
	(void)snprintf(record, sizeof record, "k%02u", key);
	say(s, record);
}

void
world_check(struct world *w, struct store *s)
{
	EXA_AUTO(store_reader_freep) struct store_reader *r = NULL;
	EXA_AUTO(store_read_endp) struct store_txn *txn = NULL;
	struct exa_error err = { 0 };

	assert_true(store_reader_new(s, &r, &err));
	assert_true(store_read_begin(s, &txn, &err));
	for (unsigned key = 0; key < WORLD_KEYS; key++) {
		struct bytes value;
		struct bytes data;
		struct store_id id;
		char name[8];
		char hex[65] = "";
		bool found;

		(void)snprintf(name, sizeof name, "k%02u", key);
		assert_true(
			store_get(txn, TABLE_FACTS, bytes_of_string(name), &found, &value, &err));
		assert_int_equal(found, w->keys[key].seed != 0);
		if (!found)
			continue;
		memcpy(hex, value.data, 64);
		assert_true(hex_decode(hex, id.bytes, STORE_ID_SIZE));
		if (!store_reader_object(r, kind_of(w, key), &id, &data, &err))
			fail_msg("key %u: %s", key, err.text);
		content_of(w, key, w->scratch);
		assert_true(bytes_equal(data, bytes_of(w->scratch, w->keys[key].size)));
	}
}

struct store *
world_prove(struct world *w, struct store *s)
{
	EXA_AUTO(exa_freep) char *before = dump(s);
	EXA_AUTO(exa_freep) char *after = NULL;

	world_check(w, s);
	assert_int_equal(damage_found(s, STORE_VERIFY_BLOBS), 0);
	store_abandon(s);
	s = opened(w->dir, STORE_REBUILD);
	after = dump(s);
	assert_string_equal(before, after);
	world_check(w, s);
	store_abandon(s);
	return opened(w->dir, STORE_WRITE);
}

static bool
mark(void *ctx, struct store_txn *txn, struct store_marks *marks, struct exa_error *err)
{
	struct store_cursor *cursor;
	struct bytes key;
	struct bytes value;

	(void)ctx;
	if (!store_cursor_open(
		    txn, TABLE_FACTS, bytes_of(NULL, 0), bytes_of(NULL, 0), &cursor, err))
		return false;
	while (store_cursor_next(cursor, &key, &value, err)) {
		struct store_id id;
		char hex[65] = "";

		memcpy(hex, value.data, 64);
		assert_true(hex_decode(hex, id.bytes, STORE_ID_SIZE));
		store_mark(marks, &id);
	}
	store_cursor_close(cursor);
	return err->code == EXA_OK;
}

/* The record a key stands on is logged anew, since its place is remembered; one that was overtaken
 * stays or goes, which makes no difference; one that takes a key away stays. */
static bool
carry(void *ctx, struct store_txn *txn, const struct store_loc *loc, struct bytes record,
	struct buf *keep, struct buf *again, struct exa_error *err)
{
	struct world *w = ctx;
	const uint8_t *equals = memchr(record.data, '=', record.size);
	struct bytes place;
	uint8_t here[14];
	bool found;

	if (equals == NULL) {
		buf_add_bytes(keep, record);
		return true;
	}
	if (!store_get(txn, TABLE_PLACES, bytes_take(record, (size_t)(equals - record.data)),
		    &found, &place, err))
		return false;
	put_le32(here, loc->segment);
	put_le64(here + 4, loc->offset);
	put_le16(here + 12, loc->slot);
	if (found && bytes_equal(place, bytes_of(here, sizeof here)))
		buf_add_bytes(again, record);
	else if (w == NULL || world_random(w, 2) == 0)
		buf_add_bytes(keep, record);
	return true;
}

struct store_compact_options
world_compact(struct world *w)
{
	return (struct store_compact_options){ .mark = mark, .carry = carry, .ctx = w };
}

struct store_compact_result
compacted(struct world *w, struct store *s)
{
	struct store_compact_options options = world_compact(w);
	struct store_compact_result result = { 0 };
	struct exa_error err = { 0 };

	if (!store_compact(s, &options, &result, &err))
		fail_msg("%s", err.text);
	return result;
}

uint64_t
segment_bytes(const char *dir)
{
	struct segdir files = { .io = &seg_io_system, .dir = exa_strdup(dir) };
	struct exa_error err = { 0 };
	uint32_t highest;
	uint64_t sum = 0;

	assert_true(segdir_highest(&files, &highest, &err));
	for (uint32_t n = 1; n <= highest; n++) {
		uint64_t size;

		if (segdir_exists(&files, n)) {
			assert_true(segdir_size(&files, n, &size, &err));
			sum += size;
		}
	}
	exa_free(files.dir);
	return sum;
}
