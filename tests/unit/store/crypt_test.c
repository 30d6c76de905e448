/* SPDX-License-Identifier: Apache-2.0 */
/* Encrypted stores: who may open them, what stands in their files, and that nothing in them can be
 * changed, moved or exchanged, whatever checksums an attacker makes anew. */
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/hmac.h>

#include "exarch/fs.h"
#include "exarch/mem.h"

#include "crc32c.h"
#include "handle.h"
#include "support.h"

#define SEGMENT_1 "seg/00/00000001.xseg"
#define NOISE_SIZE ((size_t)40000)

struct fixture {
	char *dir;
};

static int
setup(void **state)
{
	struct fixture *f = exa_alloc(sizeof *f);

	(void)setenv("EXARCH_TEST_ENCRYPTED", "1", 1);
	f->dir = temporary_dir();
	store_abandon(made_store(f->dir, STORE_CODEC_ZLIB, (uint64_t)1 << 20));
	*state = f;
	return 0;
}

static int
teardown(void **state)
{
	struct fixture *f = *state;
	EXA_AUTO(exa_freep) char *parent = fs_dir_of(f->dir);

	remove_tree(parent);
	exa_free(f->dir);
	exa_free(f);
	return 0;
}

static struct buf
content(const char *dir, const char *name)
{
	EXA_AUTO(exa_freep) char *path = fs_join(dir, name);
	struct buf out = { 0 };
	struct exa_error err;

	assert_true(fs_read_file(path, (size_t)1 << 30, &out, &err));
	return out;
}

static void
save(const char *dir, const char *name, struct bytes bytes)
{
	EXA_AUTO(exa_freep) char *path = fs_join(dir, name);
	FILE *f = fopen(path, "wb");

	assert_non_null(f);
	assert_int_equal(fwrite(bytes.data, 1, bytes.size, f), bytes.size);
	assert_int_equal(fclose(f), 0);
}

/* One commit: a small object, one with a frame of its own, a record, a note. */
static void
one_commit(struct store *s, const char *text, uint64_t seed, const char *record, const char *note,
	struct store_id ids[2])
{
	EXA_AUTO(exa_freep) uint8_t *noise = exa_alloc(NOISE_SIZE);
	struct exa_error err = { 0 };

	fill_noise(noise, NOISE_SIZE, seed);
	ids[0] = put_text(s, text);
	assert_true(store_put(s, STORE_DATA, bytes_of(noise, NOISE_SIZE), &ids[1], NULL, &err));
	(void)submit_record(s, record);
	(void)submit_note(s, note);
	assert_true(store_flush(s, &err));
}

static void
expect_both(struct store *s, const struct store_id ids[2], const char *text, uint64_t seed)
{
	EXA_AUTO(exa_freep) uint8_t *noise = exa_alloc(NOISE_SIZE);

	fill_noise(noise, NOISE_SIZE, seed);
	expect_object(s, &ids[0], bytes_of_string(text));
	expect_object(s, &ids[1], bytes_of(noise, NOISE_SIZE));
}

/* ---- keys ---- */

static void
an_id_is_a_keyed_hash(void **state)
{
	uint8_t key[SHA256_SIZE];
	uint8_t message[200] = { 'D' };
	uint8_t want[SHA256_SIZE];
	struct hasher hasher = { 0 };
	struct store_id id;

	(void)state;
	fill_noise(key, sizeof key, 1);
	fill_noise(message + 1, sizeof message - 1, 2);
	hasher_key(&hasher, key);
	for (size_t size = 0; size < sizeof message; size++) {
		assert_non_null(HMAC(EVP_sha256(), key, sizeof key, message, size + 1, want, NULL));
		hash_id(&hasher, 'D', bytes_of(message + 1, size), &id);
		assert_memory_equal(id.bytes, want, sizeof want);
	}
}

static void
it_opens_with_its_key_alone(void **state)
{
	struct fixture *f = *state;
	const struct store_key wrong = { .kind = STORE_KEY_FILE,
		.secret = bytes_of_string("another key of thirty-two bytes.") };
	const struct store_key none = { .kind = STORE_KEY_NONE };
	const struct store_key *const keys[] = { NULL, &none, &wrong };

	for (int access = STORE_READ; access <= STORE_REBUILD; access++) {
		for (size_t i = 0; i < 3; i++) {
			struct store_open_options options = { .access = (enum store_access)access,
				.key = keys[i] };
			struct store *s = NULL;
			struct exa_error err = { 0 };

			assert_false(store_open(f->dir, &options, &test_schema, &s, &err));
			assert_int_equal(err.code, EXA_AUTH);
			if (i < 2)
				assert_non_null(strstr(err.text, "--key-file"));
			assert_null(strstr(err.text, "thirty-two"));
		}
		store_abandon(opened(f->dir, (enum store_access)access));
	}
}

static void
a_key_is_no_hindrance_where_none_is_needed(void **state)
{
	struct fixture *f = *state;
	EXA_AUTO(exa_freep) char *parent = fs_dir_of(f->dir);
	EXA_AUTO(exa_freep) char *plain = fs_join(parent, "plain");
	struct store_create_options create = { .codec = STORE_CODEC_ZLIB };
	struct store_stats stats;
	struct exa_error err = { 0 };
	struct store *s;

	assert_true(store_create(plain, &create, &err));
	s = opened(plain, STORE_WRITE);
	assert_true(store_stat(s, &stats, &err));
	assert_false(stats.encrypted);
	store_abandon(s);
}

/* ---- round trip ---- */

static void
what_was_put_comes_back_after_reopening_and_rebuilding(void **state)
{
	struct fixture *f = *state;
	EXA_AUTO(exa_freep) char *before = NULL;
	EXA_AUTO(exa_freep) char *after = NULL;
	struct store *s = opened(f->dir, STORE_WRITE);
	struct store_stats stats;
	struct store_id first[2];
	struct store_id second[2];
	struct exa_error err = { 0 };

	one_commit(s, "first", 1, "a=1", "n=1", first);
	store_abandon(s);
	s = opened(f->dir, STORE_WRITE);
	one_commit(s, "second", 2, "b=", "n=2", second);
	for (int access = STORE_READ; access <= STORE_WRITE; access++) {
		store_abandon(s);
		s = opened(f->dir, (enum store_access)access);
		expect_both(s, first, "first", 1);
		expect_both(s, second, "second", 2);
		expect_fact(s, "a", "1");
		expect_fact(s, "b", "");
		expect_fact(s, "n", "2");
		assert_int_equal(damage_found(s, STORE_VERIFY_BLOBS), 0);
	}
	(void)submit_record(s, "n"); /* notes don't come back, so without them */
	assert_true(store_flush(s, &err));
	before = dump(s);
	store_abandon(s);
	s = opened(f->dir, STORE_REBUILD);
	after = dump(s);
	assert_string_equal(before, after);
	expect_both(s, first, "first", 1);
	assert_true(store_stat(s, &stats, &err));
	assert_true(stats.encrypted);
	store_abandon(s);
}

/* A table with hidden tails: walks give the keys, and go on behind any of them. */
static void
keys_with_a_hidden_tail_come_back_in_walks(void **state)
{
	struct fixture *f = *state;
	struct store *s = opened(f->dir, STORE_WRITE);
	EXA_AUTO(store_read_endp) struct store_txn *txn = NULL;
	struct exa_error err = { 0 };
	char last[32] = "";
	bool seen[8] = { false };
	int count = 0;

	for (int i = 0; i < 8; i++) {
		char record[32];

		(void)snprintf(record, sizeof record, "p%d-0123456789abcde%d=", i % 2, i);
		(void)submit_record(s, record);
	}
	assert_true(store_flush(s, &err));
	assert_true(store_read_begin(s, &txn, &err));
	assert_true(store_txn_encrypted(txn));
	for (bool more = true; more; count++) {
		EXA_AUTO(store_cursor_closep) struct store_cursor *c = NULL;
		struct bytes key;
		struct bytes value;

		assert_true(store_cursor_open(txn, TABLE_PLACES, bytes_of_string("p1-"),
			bytes_of_string(last), &c, &err));
		more = store_cursor_next(c, &key, &value, &err);
		if (more && bytes_equal(key, bytes_of_string(last)))
			more = store_cursor_next(c, &key, &value, &err);
		assert_int_equal(err.code, EXA_OK);
		if (!more)
			break;
		assert_int_equal(key.size, 19);
		assert_int_equal(value.size, 14);
		assert_memory_equal(key.data, "p1-0123456789abcde", 18);
		memcpy(last, key.data, key.size);
		assert_true(last[18] >= '0' && last[18] < '8');
		assert_false(seen[last[18] - '0']);
		seen[last[18] - '0'] = true;
	}
	assert_int_equal(count, 4);
	store_read_endp(&txn);
	txn = NULL;
	store_abandon(s);
}

static void
values_stay_good_until_the_transaction_ends(void **state)
{
	struct fixture *f = *state;
	struct store *s = opened(f->dir, STORE_WRITE);
	struct store_txn *txn;
	struct exa_error err = { 0 };
	struct bytes values[200];
	char text[32];

	for (int i = 0; i < 200; i++) {
		(void)snprintf(text, sizeof text, "k%d=value %d", i, i);
		(void)submit_record(s, text);
	}
	assert_true(store_flush(s, &err));
	assert_true(store_read_begin(s, &txn, &err));
	for (int i = 0; i < 200; i++) {
		bool found;

		(void)snprintf(text, sizeof text, "k%d", i);
		assert_true(store_get(
			txn, TABLE_FACTS, bytes_of_string(text), &found, &values[i], &err));
		assert_true(found);
	}
	for (int i = 0; i < 200; i++) {
		(void)snprintf(text, sizeof text, "value %d", i);
		assert_true(bytes_equal(values[i], bytes_of_string(text)));
	}
	store_read_end(txn);
	store_abandon(s);
}

/* ---- what stands in the files ---- */

static const char *needle;
static size_t needle_size;
static int needles_found;
static int files_searched;

static int
search_file(const char *path, const struct stat *st, int type, struct FTW *at)
{
	EXA_AUTO(buf_done) struct buf whole = { 0 };
	struct exa_error err;

	(void)st;
	(void)at;
	if (type != FTW_F)
		return 0;
	files_searched++;
	assert_true(fs_read_file(path, (size_t)1 << 30, &whole, &err));
	needles_found +=
		whole.size > 0 && memmem(whole.data, whole.size, needle, needle_size) != NULL;
	return 0;
}

static int
files_with(const char *dir, const void *what, size_t size)
{
	needle = what;
	needle_size = size;
	needles_found = 0;
	files_searched = 0;
	assert_int_equal(nftw(dir, search_file, 16, FTW_PHYS), 0);
	assert_true(files_searched >= 3);
	return needles_found;
}

static void
nothing_that_was_put_stands_in_any_file(void **state)
{
	struct fixture *f = *state;
	EXA_AUTO(exa_freep) uint8_t *noise = exa_alloc(NOISE_SIZE);
	struct store *s = opened(f->dir, STORE_WRITE);
	struct store_id ids[2];

	fill_noise(noise, NOISE_SIZE, 7);
	one_commit(s, "Qzx7", 7, "k/hidden-key-tail=Wjv9Record", "n=Kyb3Note", ids);
	expect_fact(s, "k/hidden-key-tail", "Wjv9Record");
	store_abandon(s);
	assert_int_equal(files_with(f->dir, "Qzx7", 4), 0);
	assert_int_equal(files_with(f->dir, "Wjv9Record", 10), 0);
	assert_int_equal(files_with(f->dir, "Kyb3Note", 8), 0);
	assert_int_equal(files_with(f->dir, noise, 16), 0);
	assert_int_equal(files_with(f->dir, noise + NOISE_SIZE - 16, 16), 0);
	assert_int_equal(files_with(f->dir, test_key.secret.data, test_key.secret.size), 0);
	/* The search does find what stands open. */
	assert_true(files_with(f->dir, ids[1].bytes, OBJECT_KEY_SIZE) >= 2);
}

struct heads {
	struct frame_head head[32];
	size_t offset[32];
	size_t count;
};

static struct heads
heads_of(struct bytes segment, uint32_t number)
{
	struct heads h = { .count = 0 };
	struct exa_error err;

	for (size_t at = SEGMENT_HEAD_SIZE; at < segment.size;) {
		assert_true(frame_head_get(
			segment.data + at, (struct place){ number, at }, &h.head[h.count], &err));
		h.offset[h.count] = at;
		at += (size_t)frame_span(&h.head[h.count++]);
		assert_true(h.count < 32);
	}
	return h;
}

static void
all_frames_with_content_are_sealed_and_no_other(void **state)
{
	struct fixture *f = *state;
	EXA_AUTO(buf_done) struct buf segment = { 0 };
	EXA_AUTO(exa_freep) uint8_t *noise = exa_alloc(NOISE_SIZE);
	struct store *s = opened(f->dir, STORE_WRITE);
	struct store_id ids[2];
	struct exa_error err = { 0 };
	bool met[FRAME_SEAL + 1] = { false };
	struct heads h;

	fill_noise(noise, NOISE_SIZE, 3);
	assert_true(store_put(s, STORE_RECIPE, bytes_of(noise, NOISE_SIZE), &ids[0], NULL, &err));
	one_commit(s, "text", 1, "a=1", "n=1", ids);
	store_abandon(s);
	segment = content(f->dir, SEGMENT_1);
	h = heads_of(buf_bytes(&segment), 1);
	for (size_t i = 0; i < h.count; i++) {
		bool open = h.head[i].kind == FRAME_COMMIT || h.head[i].kind == FRAME_SEAL;

		met[h.head[i].kind] = true;
		assert_int_equal((h.head[i].flags & FRAME_ENCRYPTED) == 0, open);
	}
	for (int kind = FRAME_BLOB; kind <= FRAME_COMMIT; kind++)
		assert_true(met[kind]);
}

/* ---- attacks, with all checksums made anew ---- */

/* Puts frame FROM of one segment's bytes at AT in another's; header and payload checksums fit. */
static void
plant(struct buf *into, struct place at, uint64_t sequence, const uint8_t *from)
{
	struct frame_head h = {
		.kind = from[5],
		.codec = from[6],
		.flags = from[7],
		.stored = get_le32(from + 8),
		.raw = get_le32(from + 12),
		.sequence = sequence,
	};

	memcpy(h.id.bytes, from + 24, STORE_ID_SIZE);
	memmove(into->data + at.offset + FRAME_HEAD_SIZE, from + FRAME_HEAD_SIZE, h.stored);
	h.payload_crc = crc32c(0, into->data + at.offset + FRAME_HEAD_SIZE, h.stored);
	frame_head_put(&h, at, into->data + at.offset);
}

static size_t
first_of(const struct heads *h, enum frame_kind kind)
{
	for (size_t i = 0; i < h->count; i++) {
		if (h->head[i].kind == kind)
			return i;
	}
	fail_msg("no frame of kind %d", kind);
	return 0;
}

/* Nobody is given the object; with good checksums only the key shows why. */
static void
expect_refused(const char *dir, const struct store_id *id)
{
	EXA_AUTO(store_reader_freep) struct store_reader *r = NULL;
	struct store *s = opened(dir, STORE_READ);
	struct exa_error err = { 0 };
	struct bytes out;

	assert_true(damage_found(s, STORE_VERIFY_BLOBS) > 0);
	assert_true(store_reader_new(s, &r, &err));
	assert_false(store_reader_object(r, STORE_DATA, id, &out, &err));
	assert_int_equal(err.code, EXA_CORRUPT);
	store_reader_freep(&r);
	r = NULL;
	store_abandon(s);
}

static void
a_changed_payload_is_refused_whatever_its_checksum_says(void **state)
{
	static const size_t from_end[] = { 0, FRAME_TAG_SIZE - 1, FRAME_TAG_SIZE, 20000,
		NOISE_SIZE + FRAME_TAG_SIZE - 1 };
	struct fixture *f = *state;
	EXA_AUTO(buf_done) struct buf segment = { 0 };
	struct store *s = opened(f->dir, STORE_WRITE);
	struct store_id ids[2];
	struct heads h;
	size_t blob;

	one_commit(s, "text", 1, "a=1", "n=1", ids);
	store_abandon(s);
	segment = content(f->dir, SEGMENT_1);
	h = heads_of(buf_bytes(&segment), 1);
	blob = first_of(&h, FRAME_BLOB);
	for (size_t i = 0; i < sizeof from_end / sizeof from_end[0]; i++) {
		uint8_t *head = segment.data + h.offset[blob];
		size_t at = FRAME_HEAD_SIZE + h.head[blob].stored - 1 - from_end[i];
		struct frame_head changed = h.head[blob];

		head[at] ^= 1;
		changed.payload_crc = crc32c(0, head + FRAME_HEAD_SIZE, changed.stored);
		frame_head_put(&changed, (struct place){ 1, h.offset[blob] }, head);
		save(f->dir, SEGMENT_1, buf_bytes(&segment));
		expect_refused(f->dir, &ids[1]);
		head[at] ^= 1;
	}
}

/* Two frames of one length: each of them in the other's place, under its own id. */
static void
frames_that_change_places_are_refused(void **state)
{
	struct fixture *f = *state;
	EXA_AUTO(buf_done) struct buf segment = { 0 };
	EXA_AUTO(buf_done) struct buf copy = { 0 };
	struct store *s = opened(f->dir, STORE_WRITE);
	struct store_id ids[2];
	struct store_id other[2];
	struct heads h;
	struct place to;
	size_t blob;
	size_t second;

	one_commit(s, "text", 1, "a=1", "n=1", ids);
	one_commit(s, "text", 2, "b=1", "n=1", other);
	store_abandon(s);
	segment = content(f->dir, SEGMENT_1);
	buf_add_bytes(&copy, buf_bytes(&segment));
	h = heads_of(buf_bytes(&segment), 1);
	blob = first_of(&h, FRAME_BLOB);
	for (second = blob + 1; h.head[second].kind != FRAME_BLOB; second++)
		;
	assert_int_equal(h.head[blob].stored, h.head[second].stored);
	to = (struct place){ 1, h.offset[second] };
	plant(&segment, to, h.head[second].sequence, copy.data + h.offset[blob]);
	save(f->dir, SEGMENT_1, buf_bytes(&segment));
	expect_refused(f->dir, &other[1]);
}

/* The payload of another archive's frame (of other keys) under this one's header. */
static void
a_payload_of_another_archive_is_refused(void **state)
{
	struct fixture *f = *state;
	EXA_AUTO(exa_freep) char *parent = fs_dir_of(f->dir);
	EXA_AUTO(exa_freep) char *dir = fs_join(parent, "other");
	EXA_AUTO(buf_done) struct buf segment = { 0 };
	EXA_AUTO(buf_done) struct buf foreign = { 0 };
	struct store *s = opened(f->dir, STORE_WRITE);
	struct store_id ids[2];
	struct store_id other[2];
	struct frame_head h;
	struct heads heads;
	size_t blob;

	one_commit(s, "text", 1, "a=1", "n=1", ids);
	store_abandon(s);
	s = made_store(dir, STORE_CODEC_ZLIB, (uint64_t)1 << 20);
	one_commit(s, "text", 1, "a=1", "n=1", other);
	store_abandon(s);
	assert_memory_not_equal(ids, other, sizeof ids);
	segment = content(f->dir, SEGMENT_1);
	foreign = content(dir, SEGMENT_1);
	heads = heads_of(buf_bytes(&segment), 1);
	blob = first_of(&heads, FRAME_BLOB);
	h = heads.head[blob];
	memcpy(segment.data + heads.offset[blob] + FRAME_HEAD_SIZE,
		foreign.data + heads.offset[blob] + FRAME_HEAD_SIZE, h.stored);
	h.payload_crc = crc32c(0, segment.data + heads.offset[blob] + FRAME_HEAD_SIZE, h.stored);
	frame_head_put(
		&h, (struct place){ 1, heads.offset[blob] }, segment.data + heads.offset[blob]);
	save(f->dir, SEGMENT_1, buf_bytes(&segment));
	expect_refused(f->dir, &ids[1]);
}

/* A header is bound to its payload: each field that a reader goes by. */
static void
a_changed_header_is_refused_whatever_its_checksum_says(void **state)
{
	struct fixture *f = *state;
	EXA_AUTO(buf_done) struct buf segment = { 0 };
	struct store *s = opened(f->dir, STORE_WRITE);
	struct store_id ids[2];
	struct heads h;
	size_t blob;

	one_commit(s, "text", 1, "a=1", "n=1", ids);
	store_abandon(s);
	segment = content(f->dir, SEGMENT_1);
	h = heads_of(buf_bytes(&segment), 1);
	blob = first_of(&h, FRAME_BLOB);
	for (int i = 0; i < 3; i++) {
		struct frame_head changed = h.head[blob];

		if (i == 0)
			changed.kind = FRAME_RBLOB;
		else if (i == 1)
			changed.flags |= FRAME_DIRECTORY;
		else
			changed.codec = CODEC_ZLIB;
		frame_head_put(&changed, (struct place){ 1, h.offset[blob] },
			segment.data + h.offset[blob]);
		save(f->dir, SEGMENT_1, buf_bytes(&segment));
		expect_refused(f->dir, &ids[1]);
	}
}

static void
an_open_frame_among_sealed_ones_is_refused(void **state)
{
	struct fixture *f = *state;
	EXA_AUTO(buf_done) struct buf segment = { 0 };
	EXA_AUTO(exa_freep) uint8_t *noise = exa_alloc(NOISE_SIZE + FRAME_TAG_SIZE);
	struct store *s = opened(f->dir, STORE_WRITE);
	struct frame_head h;
	struct store_id ids[2];
	struct heads heads;
	uint8_t *frame;
	size_t blob;

	one_commit(s, "text", 1, "a=1", "n=1", ids);
	store_abandon(s);
	segment = content(f->dir, SEGMENT_1);
	heads = heads_of(buf_bytes(&segment), 1);
	blob = first_of(&heads, FRAME_BLOB);
	h = heads.head[blob];
	frame = segment.data + heads.offset[blob];
	fill_noise(noise, NOISE_SIZE + FRAME_TAG_SIZE, 1);
	memcpy(frame + FRAME_HEAD_SIZE, noise, h.stored);
	h.flags &= (uint8_t)~FRAME_ENCRYPTED;
	h.raw = h.stored;
	h.payload_crc = crc32c(0, noise, h.stored);
	frame_head_put(&h, (struct place){ 1, heads.offset[blob] }, frame);
	save(f->dir, SEGMENT_1, buf_bytes(&segment));
	expect_refused(f->dir, &ids[1]);
}

/* FORMAT says that nothing is encrypted: nobody may be led to write openly into the archive. */
static void
an_archive_that_pretends_not_to_be_encrypted_is_refused(void **state)
{
	struct fixture *f = *state;
	EXA_AUTO(buf_done) struct buf line = { 0 };
	EXA_AUTO(buf_done) struct buf forged = { 0 };
	struct store *s = opened(f->dir, STORE_WRITE);
	struct store_format format;
	struct store_id ids[2];
	struct exa_error err = { 0 };

	one_commit(s, "text", 1, "a=1", "n=1", ids);
	store_abandon(s);
	line = content(f->dir, "FORMAT");
	assert_true(format_get(buf_bytes(&line), &format, &err));
	format.incompatible = 0;
	format_put(&format, &forged);
	save(f->dir, "FORMAT", buf_bytes(&forged));
	for (int access = STORE_READ; access <= STORE_REBUILD; access++)
		assert_int_equal(open_code(f->dir, (enum store_access)access, &err), EXA_CORRUPT);
	save(f->dir, "FORMAT", buf_bytes(&line));
	s = opened(f->dir, STORE_WRITE);
	expect_both(s, ids, "text", 1);
	store_abandon(s);
}

static void
a_swapped_entry_of_the_index_is_refused(void **state)
{
	struct fixture *f = *state;
	struct store *s = opened(f->dir, STORE_WRITE);
	struct store_txn *txn;
	struct exa_error err = { 0 };
	struct bytes out;
	MDB_val key = { .mv_size = 1, .mv_data = (char[]){ 'a' } };
	MDB_val value;
	MDB_txn *raw;
	uint8_t other[64];
	bool found;

	(void)submit_record(s, "a=one");
	(void)submit_record(s, "b=two");
	assert_true(store_flush(s, &err));
	assert_int_equal(mdb_txn_begin(s->index.env, NULL, 0, &raw), 0);
	assert_int_equal(mdb_get(raw, s->index.tables[TABLE_FACTS], &key, &value), 0);
	assert_true(value.mv_size <= sizeof other);
	memcpy(other, value.mv_data, value.mv_size);
	value.mv_data = other;
	key.mv_data = (char[]){ 'b' };
	assert_int_equal(mdb_put(raw, s->index.tables[TABLE_FACTS], &key, &value, 0), 0);
	assert_int_equal(mdb_txn_commit(raw), 0);
	expect_fact(s, "a", "one");
	assert_true(store_read_begin(s, &txn, &err));
	assert_false(store_get(txn, TABLE_FACTS, bytes_of_string("b"), &found, &out, &err));
	assert_int_equal(err.code, EXA_CORRUPT);
	assert_non_null(strstr(err.text, "exarch rebuild"));
	store_read_end(txn);
	store_abandon(s);
}

/* ---- without the key, and with a damaged segment header ---- */

static void
headers_and_bytes_are_verified_without_a_key(void **state)
{
	struct fixture *f = *state;
	EXA_AUTO(buf_done) struct buf segment = { 0 };
	struct store_open_options options = { .access = STORE_SEGMENTS };
	struct store *s = opened(f->dir, STORE_WRITE);
	struct store_id ids[2];
	struct exa_error err = { 0 };

	one_commit(s, "text", 1, "a=1", "n=1", ids);
	store_abandon(s);
	assert_true(store_open(f->dir, &options, &test_schema, &s, &err));
	assert_int_equal(damage_found(s, STORE_VERIFY_HEADERS), 0);
	assert_int_equal(damage_found(s, STORE_VERIFY_BYTES), 0);
	store_abandon(s);
	segment = content(f->dir, SEGMENT_1);
	segment.data[SEGMENT_HEAD_SIZE + FRAME_HEAD_SIZE + 5] ^= 1;
	save(f->dir, SEGMENT_1, buf_bytes(&segment));
	assert_true(store_open(f->dir, &options, &test_schema, &s, &err));
	assert_int_equal(damage_found(s, STORE_VERIFY_HEADERS), 0);
	assert_int_equal(damage_found(s, STORE_VERIFY_BYTES), 1);
	store_abandon(s);
}

static void
a_damaged_segment_header_hides_nothing_from_the_key(void **state)
{
	struct fixture *f = *state;
	EXA_AUTO(buf_done) struct buf segment = { 0 };
	struct store *s = opened(f->dir, STORE_WRITE);
	struct store_id first[2];
	struct store_id second[2];

	one_commit(s, "first", 1, "a=1", "n=1", first);
	store_abandon(s);
	segment = content(f->dir, SEGMENT_1);
	fill_noise(segment.data, SEGMENT_HEAD_SIZE, 5);
	save(f->dir, SEGMENT_1, buf_bytes(&segment));
	for (int access = STORE_READ; access <= STORE_REBUILD; access++) {
		s = opened(f->dir, (enum store_access)access);
		expect_both(s, first, "first", 1);
		expect_fact(s, "a", "1");
		store_abandon(s);
	}
	s = opened(f->dir, STORE_WRITE);
	one_commit(s, "second", 2, "b=1", "n=1", second);
	expect_both(s, first, "first", 1);
	expect_both(s, second, "second", 2);
	store_abandon(s);
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_id_is_a_keyed_hash),
		TEST(it_opens_with_its_key_alone),
		TEST(a_key_is_no_hindrance_where_none_is_needed),
		TEST(what_was_put_comes_back_after_reopening_and_rebuilding),
		TEST(keys_with_a_hidden_tail_come_back_in_walks),
		TEST(values_stay_good_until_the_transaction_ends),
		TEST(nothing_that_was_put_stands_in_any_file),
		TEST(all_frames_with_content_are_sealed_and_no_other),
		TEST(a_changed_payload_is_refused_whatever_its_checksum_says),
		TEST(frames_that_change_places_are_refused),
		TEST(a_payload_of_another_archive_is_refused),
		TEST(a_changed_header_is_refused_whatever_its_checksum_says),
		TEST(an_open_frame_among_sealed_ones_is_refused),
		TEST(an_archive_that_pretends_not_to_be_encrypted_is_refused),
		TEST(a_swapped_entry_of_the_index_is_refused),
		TEST(headers_and_bytes_are_verified_without_a_key),
		TEST(a_damaged_segment_header_hides_nothing_from_the_key),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
