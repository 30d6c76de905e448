/* SPDX-License-Identifier: Apache-2.0 */
/* What verify finds, where it says it is, and how a round is parted into several. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "exarch/cancel.h"
#include "exarch/fs.h"
#include "exarch/mem.h"

#include "crc32c.h"
#include "handle.h"
#include "support.h"

#define COMMITS 16
#define OBJECT_BYTES ((size_t)200 * 1024) /* a frame of its own; six make a segment of 1 MiB */
#define SEGMENTS 3
#define PLACES_MAX 64

struct fixture {
	char *dir;
	struct store_id ids[COMMITS];
};

static void
commit_object(struct fixture *f, struct store *s, unsigned n)
{
	EXA_AUTO(exa_freep) uint8_t *noise = exa_alloc(OBJECT_BYTES);
	struct exa_error err = { 0 };
	char record[32];

	fill_noise(noise, OBJECT_BYTES, n + 1);
	assert_true(
		store_put(s, STORE_DATA, bytes_of(noise, OBJECT_BYTES), &f->ids[n], NULL, &err));
	(void)snprintf(record, sizeof record, "k%u=%u", n, n);
	assert_true(store_wait(s, submit_record(s, record), &err));
}

static int
setup(void **state)
{
	struct fixture *f = exa_alloc(sizeof *f);
	struct store *s;

	f->dir = temporary_dir();
	s = made_store(f->dir, STORE_CODEC_ZLIB, (uint64_t)1 << 20);
	for (unsigned n = 0; n < COMMITS; n++)
		commit_object(f, s, n);
	store_abandon(s);
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

/* ---- short forms ---- */

struct round {
	struct store_verify_options options;
	struct store_verify_result result;
	struct store_damage found[PLACES_MAX];
	size_t count;
	struct cancel cancel;
	uint32_t stop_at; /* the segment in which to stop; 0 = none */
};

static void
keep_damage(void *ctx, const struct store_damage *damage)
{
	struct round *r = ctx;

	assert_true(r->count < PLACES_MAX);
	r->found[r->count++] = *damage;
}

static void
stop_there(void *ctx, const struct store_verify_position *position)
{
	struct round *r = ctx;

	if (position->segment == r->stop_at)
		cancel_raise(&r->cancel, CANCEL_SIGNAL);
}

static bool
try_round(struct store *s, struct round *r, struct exa_error *err)
{
	r->options.damaged = keep_damage;
	r->options.reached = stop_there;
	r->options.cancel = &r->cancel;
	r->options.ctx = r;
	return store_verify(s, &r->options, &r->result, err);
}

static void
go_round(const char *dir, enum store_access access, struct round *r)
{
	struct store *s = opened(dir, access);
	struct exa_error err = { 0 };

	if (!try_round(s, r, &err))
		fail_msg("%s", err.text);
	assert_int_equal(r->result.damaged, r->count);
	store_abandon(s);
}

static char *
segment_path(const char *dir, unsigned n)
{
	return exa_asprintf("%s/seg/00/%08x.xseg", dir, n);
}

static void
load(const char *path, struct buf *out)
{
	struct exa_error err;

	buf_reset(out);
	assert_true(fs_read_file(path, (size_t)1 << 30, out, &err));
}

static void
save(const char *path, struct bytes content)
{
	FILE *f = fopen(path, "wb");

	assert_non_null(f);
	assert_int_equal(fwrite(content.data, 1, content.size, f), content.size);
	assert_int_equal(fclose(f), 0);
}

static void
flip(const char *dir, unsigned segment, uint64_t offset)
{
	EXA_AUTO(exa_freep) char *path = segment_path(dir, segment);
	EXA_AUTO(buf_done) struct buf content = { 0 };

	load(path, &content);
	assert_true(offset < content.size);
	content.data[offset] ^= 0x10;
	save(path, buf_bytes(&content));
}

/* The place and head of frame NUMBER (from 0) of a segment. */
static struct frame_head
frame_of(const char *dir, unsigned segment, unsigned number, struct place *at_out)
{
	EXA_AUTO(exa_freep) char *path = segment_path(dir, segment);
	EXA_AUTO(buf_done) struct buf content = { 0 };
	struct place at = { segment, SEGMENT_HEAD_SIZE };
	struct frame_head head;
	struct exa_error err;

	load(path, &content);
	for (unsigned n = 0;; n++) {
		assert_true(frame_head_get(content.data + at.offset, at, &head, &err));
		if (n == number)
			break;
		at.offset += frame_span(&head);
	}
	*at_out = at;
	return head;
}

/* ---- what it says of damage ---- */

static void
an_undamaged_store_has_none_at_any_level(void **state)
{
	struct fixture *f = *state;

	for (int level = STORE_VERIFY_HEADERS; level <= STORE_VERIFY_BLOBS; level++) {
		struct round r = { .options.level = (enum store_level)level };

		go_round(f->dir, STORE_READ, &r);
		assert_int_equal(r.count, 0);
		assert_true(r.result.finished);
		assert_int_equal(r.result.segments, SEGMENTS);
		assert_int_equal(r.result.commits, COMMITS);
	}
}

static void
a_bad_payload_is_named_with_its_frame_and_no_more(void **state)
{
	struct fixture *f = *state;
	struct round headers = { .options.level = STORE_VERIFY_HEADERS };
	struct round bytes = { .options.level = STORE_VERIFY_BYTES };
	struct round blobs = { .options.level = STORE_VERIFY_BLOBS };
	struct place at;
	struct frame_head head = frame_of(f->dir, 2, 0, &at);

	flip(f->dir, 2, at.offset + FRAME_HEAD_SIZE + 1000);
	go_round(f->dir, STORE_READ, &headers);
	assert_int_equal(headers.count, 0);
	go_round(f->dir, STORE_READ, &bytes);
	go_round(f->dir, STORE_READ, &blobs);
	assert_int_equal(bytes.count, 1);
	assert_int_equal(blobs.count, 1);
	assert_int_equal(bytes.found[0].at.segment, 2);
	assert_int_equal(bytes.found[0].at.offset, at.offset);
	assert_int_equal(bytes.found[0].end.segment, 2);
	assert_int_equal(bytes.found[0].end.offset, at.offset + frame_span(&head));
	assert_int_equal(bytes.found[0].first, head.sequence);
	assert_int_equal(bytes.found[0].last, head.sequence);
	assert_non_null(strstr(bytes.found[0].what.text, "seg/00/00000002.xseg"));
}

static void
a_bad_header_costs_its_frame_and_the_next_is_good(void **state)
{
	struct fixture *f = *state;
	struct round r = { .options.level = STORE_VERIFY_HEADERS };
	struct place at, next;
	struct frame_head head = frame_of(f->dir, 2, 1, &at);

	(void)frame_of(f->dir, 2, 2, &next);
	flip(f->dir, 2, at.offset + 20);
	go_round(f->dir, STORE_READ, &r);
	assert_int_equal(r.count, 1);
	assert_int_equal(r.found[0].at.offset, at.offset);
	assert_int_equal(r.found[0].end.offset, next.offset);
	assert_int_equal(r.found[0].first, head.sequence);
	assert_int_equal(r.found[0].last, head.sequence);
}

static void
a_missing_segment_is_named_with_all_its_frames(void **state)
{
	struct fixture *f = *state;
	EXA_AUTO(exa_freep) char *path = segment_path(f->dir, 2);
	struct round r = { .options.level = STORE_VERIFY_BLOBS };
	struct place at;
	uint64_t first = frame_of(f->dir, 2, 0, &at).sequence;
	uint64_t behind = frame_of(f->dir, 3, 0, &at).sequence;

	assert_int_equal(unlink(path), 0);
	go_round(f->dir, STORE_READ, &r);
	assert_int_equal(r.count, 1);
	assert_int_equal(r.found[0].at.segment, 2);
	assert_int_equal(r.found[0].end.segment, 3);
	assert_int_equal(r.found[0].end.offset, SEGMENT_HEAD_SIZE);
	assert_int_equal(r.found[0].first, first);
	assert_int_equal(r.found[0].last, behind - 1);
}

/* Writes the segment's SEAL anew, with another one named before it; all its checksums are right. */
static void
forge_seal(const char *dir, unsigned segment)
{
	EXA_AUTO(exa_freep) char *path = segment_path(dir, segment);
	EXA_AUTO(buf_done) struct buf content = { 0 };
	struct place at = { segment, SEGMENT_HEAD_SIZE };
	struct frame_head head;
	struct exa_error err;
	const struct hasher plain = { 0 };
	uint8_t *payload;

	load(path, &content);
	for (;;) {
		assert_true(frame_head_get(content.data + at.offset, at, &head, &err));
		if (head.kind == FRAME_SEAL)
			break;
		at.offset += frame_span(&head);
	}
	payload = content.data + at.offset + FRAME_HEAD_SIZE;
	payload[40] ^= 1;
	hash_id(&plain, HASH_FRAME, bytes_of(payload, head.raw), &head.id);
	head.payload_crc = crc32c(0, payload, head.stored);
	frame_head_put(&head, at, content.data + at.offset);
	save(path, buf_bytes(&content));
}

static void
a_bad_segment_header_is_told_and_costs_nothing(void **state)
{
	struct fixture *f = *state;
	struct round r = { .options.level = STORE_VERIFY_BLOBS };

	flip(f->dir, 2, 13);
	go_round(f->dir, STORE_READ, &r);
	assert_int_equal(r.count, 1);
	assert_int_equal(r.found[0].at.segment, 2);
	assert_int_equal(r.found[0].at.offset, 0);
	assert_int_equal(r.found[0].end.offset, SEGMENT_HEAD_SIZE);
	assert_true(r.found[0].first > r.found[0].last);
	assert_int_equal(r.result.commits, COMMITS);
}

static void
a_seal_that_names_another_one_before_it_is_damage(void **state)
{
	struct fixture *f = *state;
	struct round r = { .options.level = STORE_VERIFY_HEADERS };

	forge_seal(f->dir, 2);
	go_round(f->dir, STORE_READ, &r);
	assert_true(r.count >= 1);
	assert_non_null(strstr(r.found[0].what.text, "SEAL names another"));
	assert_int_equal(r.found[0].at.segment, 2);
	assert_true(r.found[0].first > r.found[0].last);
}

static void
a_format_that_went_bad_since_it_was_read_is_told(void **state)
{
	struct fixture *f = *state;
	EXA_AUTO(exa_freep) char *path = fs_join(f->dir, "FORMAT");
	EXA_AUTO(buf_done) struct buf content = { 0 };
	struct round r = { .options.level = STORE_VERIFY_HEADERS };
	struct store *s = opened(f->dir, STORE_READ);
	struct exa_error err = { 0 };

	load(path, &content);
	content.data[30] ^= 1;
	save(path, buf_bytes(&content));
	assert_true(try_round(s, &r, &err));
	store_abandon(s);
	assert_int_equal(r.count, 1);
	assert_int_equal(r.found[0].at.segment, 0);
	assert_non_null(strstr(r.found[0].what.text, "FORMAT"));
}

/* ---- the index ---- */

static void
change_rows(struct store *s, const struct store_id *drop, const struct store_id *add)
{
	struct object_row row = { .at = { 1, SEGMENT_HEAD_SIZE }, .raw = 1, .kind = STORE_DATA };
	MDB_txn *txn;
	struct exa_error err;
	bool is_new;

	assert_int_equal(mdb_txn_begin(s->index.env, NULL, 0, &txn), 0);
	if (drop != NULL) {
		MDB_val key = { .mv_size = OBJECT_KEY_SIZE };
		struct store_id copy = *drop;

		key.mv_data = copy.bytes;
		assert_int_equal(mdb_del(txn, s->index.obj, &key, NULL), 0);
	}
	if (add != NULL) {
		row.id = *add;
		assert_true(index_add_object(&s->index, txn, &row, &is_new, &err));
	}
	assert_int_equal(mdb_txn_commit(txn), 0);
}

static void
rows_that_are_missing_are_told_once_with_the_remedy(void **state)
{
	struct fixture *f = *state;
	struct round r = { .options.level = STORE_VERIFY_BLOBS };
	struct store *s = opened(f->dir, STORE_WRITE);

	change_rows(s, &f->ids[2], NULL);
	change_rows(s, &f->ids[7], NULL);
	store_abandon(s);
	go_round(f->dir, STORE_READ, &r);
	assert_int_equal(r.count, 1);
	assert_int_equal(r.found[0].at.segment, 0);
	assert_non_null(strstr(r.found[0].what.text, "2 objects"));
	assert_non_null(strstr(r.found[0].what.text, "exarch rebuild"));
}

static void
a_row_too_many_is_told_with_the_remedy(void **state)
{
	struct fixture *f = *state;
	struct round r = { .options.level = STORE_VERIFY_BLOBS };
	struct store *s = opened(f->dir, STORE_WRITE);
	struct store_id bogus = { .bytes = { 1, 2, 3 } };

	change_rows(s, NULL, &bogus);
	store_abandon(s);
	go_round(f->dir, STORE_READ, &r);
	assert_int_equal(r.count, 1);
	assert_non_null(strstr(r.found[0].what.text, "exarch rebuild"));
}

static void
locate_says_where_an_object_stands(void **state)
{
	struct fixture *f = *state;
	struct store *s = opened(f->dir, STORE_READ);
	EXA_AUTO(store_read_endp) struct store_txn *txn = NULL;
	struct store_id nobody = { .bytes = { 9 } };
	struct exa_error err = { 0 };
	struct store_loc at = { 0 };
	struct place place;
	bool found = false;

	assert_int_equal(frame_of(f->dir, 1, 0, &place).kind, FRAME_BLOB);
	assert_true(store_read_begin(s, &txn, &err));
	assert_true(store_locate(txn, &f->ids[0], &found, &at, &err));
	assert_true(found);
	assert_int_equal(at.segment, 1);
	assert_int_equal(at.offset, place.offset);
	assert_int_equal(at.slot, 0);
	assert_true(store_locate(txn, &nobody, &found, &at, &err));
	assert_false(found);
	store_read_end(txn);
	txn = NULL;
	store_abandon(s);
}

/* ---- without the index ---- */

static void
segments_are_looked_at_whatever_the_index_is(void **state)
{
	static const char *const contents[] = { NULL, "", "garbage that is no database at all" };
	struct fixture *f = *state;
	EXA_AUTO(exa_freep) char *index = fs_join(f->dir, "idx/data.mdb");
	EXA_AUTO(exa_freep) char *tail = segment_path(f->dir, SEGMENTS);
	EXA_AUTO(buf_done) struct buf segment = { 0 };
	struct exa_error err;
	struct place at;

	load(tail, &segment);
	buf_add_string(&segment, "a torn tail is no damage");
	save(tail, buf_bytes(&segment));
	for (size_t i = 0; i < sizeof contents / sizeof contents[0]; i++) {
		struct round r = { .options.level = STORE_VERIFY_BLOBS };

		(void)unlink(index);
		if (contents[i] != NULL)
			save(index, bytes_of_string(contents[i]));
		assert_int_equal(open_code(f->dir, STORE_READ, &err), EXA_CORRUPT);
		assert_non_null(strstr(err.text, "exarch rebuild"));
		go_round(f->dir, STORE_SEGMENTS, &r);
		assert_int_equal(r.count, 0);
		assert_int_equal(r.result.commits, COMMITS);
	}
	(void)frame_of(f->dir, 1, 2, &at);
	flip(f->dir, 1, at.offset + FRAME_HEAD_SIZE + 5);
	for (int level = STORE_VERIFY_BYTES; level <= STORE_VERIFY_BLOBS; level++) {
		struct round r = { .options.level = (enum store_level)level };

		go_round(f->dir, STORE_SEGMENTS, &r);
		assert_int_equal(r.count, 1);
		assert_int_equal(r.found[0].at.segment, 1);
		assert_int_equal(r.found[0].at.offset, at.offset);
	}
}

/* ---- in parts ---- */

static void
a_round_stopped_at_any_border_goes_on_there(void **state)
{
	struct fixture *f = *state;

	for (uint32_t stop = 1; stop <= SEGMENTS; stop++) {
		struct round first = { .options.level = STORE_VERIFY_BLOBS, .stop_at = stop };
		struct round rest = { .options.level = STORE_VERIFY_BLOBS };

		go_round(f->dir, STORE_READ, &first);
		assert_false(first.result.finished);
		assert_int_equal(first.result.next.segment, stop);
		assert_int_equal(first.count, 0);
		rest.options.from = first.result.next;
		go_round(f->dir, STORE_READ, &rest);
		assert_true(rest.result.finished);
		assert_int_equal(rest.result.segments, SEGMENTS - stop + 1);
		assert_int_equal(rest.count, 0); /* chain, SEALs and index still fit */
	}
}

static void
each_part_of_a_round_tells_its_own_damage(void **state)
{
	struct fixture *f = *state;
	struct round first = { .options.level = STORE_VERIFY_BYTES, .stop_at = 2 };
	struct round rest = { .options.level = STORE_VERIFY_BYTES };
	struct place at;

	(void)frame_of(f->dir, 1, 3, &at);
	flip(f->dir, 1, at.offset + 30); /* a header: the chain behind it can't be followed */
	(void)frame_of(f->dir, 3, 0, &at);
	flip(f->dir, 3, at.offset + FRAME_HEAD_SIZE);
	go_round(f->dir, STORE_READ, &first);
	assert_int_equal(first.count, 1);
	assert_int_equal(first.found[0].at.segment, 1);
	rest.options.from = first.result.next;
	go_round(f->dir, STORE_READ, &rest);
	assert_int_equal(rest.count, 1);
	assert_int_equal(rest.found[0].at.segment, 3);
}

static void
a_round_goes_on_over_what_was_archived_meanwhile(void **state)
{
	struct fixture *f = *state;
	struct round first = { .options.level = STORE_VERIFY_BLOBS, .stop_at = 2 };
	struct round rest = { .options.level = STORE_VERIFY_BLOBS };
	struct store *s;

	go_round(f->dir, STORE_READ, &first);
	s = opened(f->dir, STORE_WRITE);
	for (int i = 0; i < 5; i++) {
		char text[32];
		struct exa_error err = { 0 };

		(void)snprintf(text, sizeof text, "later=%d", i);
		(void)put_text(s, text);
		assert_true(store_wait(s, submit_record(s, text), &err));
	}
	store_abandon(s);
	rest.options.from = first.result.next;
	go_round(f->dir, STORE_READ, &rest);
	assert_true(rest.result.finished);
	assert_int_equal(rest.count, 0);
}

static void
a_position_of_another_store_is_refused(void **state)
{
	struct fixture *f = *state;
	struct round first = { .options.level = STORE_VERIFY_BYTES, .stop_at = 2 };
	struct round rest = { .options.level = STORE_VERIFY_BYTES };
	char *other = temporary_dir();
	EXA_AUTO(exa_freep) char *parent = fs_dir_of(other);
	struct exa_error err = { 0 };
	struct store *s = made_store(other, STORE_CODEC_ZLIB, 0);

	go_round(f->dir, STORE_READ, &first);
	rest.options.from = first.result.next;
	assert_false(try_round(s, &rest, &err));
	assert_int_equal(err.code, EXA_USAGE);
	store_abandon(s);
	s = opened(f->dir, STORE_READ);
	rest.options.from.segment = SEGMENTS + 5;
	assert_false(try_round(s, &rest, &err));
	assert_int_equal(err.code, EXA_USAGE);
	store_abandon(s);
	remove_tree(parent);
	exa_free(other);
}

/* ---- a sample ---- */

static size_t
found_by_sample(const char *dir, double sample, uint64_t seed)
{
	struct round r = { .options = {
				   .level = STORE_VERIFY_BYTES, .sample = sample, .seed = seed } };

	go_round(dir, STORE_READ, &r);
	return r.count;
}

static void
a_sample_is_made_by_chance_from_the_seed(void **state)
{
	struct fixture *f = *state;
	struct place at;
	unsigned hits = 0;

	(void)frame_of(f->dir, 1, 0, &at);
	flip(f->dir, 1, at.offset + FRAME_HEAD_SIZE + 7);
	for (uint64_t seed = 1; seed <= 64; seed++) {
		size_t found = found_by_sample(f->dir, 0.5, seed);

		assert_int_equal(found, found_by_sample(f->dir, 0.5, seed));
		hits += (unsigned)found;
	}
	assert_in_range(hits, 10, 54);
	assert_int_equal(found_by_sample(f->dir, 1e-9, 1), 0);
	assert_int_equal(found_by_sample(f->dir, 0, 1), 1);
}

static void
commits_are_read_whatever_the_sample(void **state)
{
	struct fixture *f = *state;
	struct place at;
	unsigned n = 0;

	while (frame_of(f->dir, 2, n, &at).kind != FRAME_COMMIT)
		n++;
	flip(f->dir, 2, at.offset + FRAME_HEAD_SIZE + 33);
	assert_int_equal(found_by_sample(f->dir, 1e-9, 1), 1);
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(an_undamaged_store_has_none_at_any_level),
		TEST(a_bad_payload_is_named_with_its_frame_and_no_more),
		TEST(a_bad_header_costs_its_frame_and_the_next_is_good),
		TEST(a_missing_segment_is_named_with_all_its_frames),
		TEST(a_bad_segment_header_is_told_and_costs_nothing),
		TEST(a_seal_that_names_another_one_before_it_is_damage),
		TEST(a_format_that_went_bad_since_it_was_read_is_told),
		TEST(rows_that_are_missing_are_told_once_with_the_remedy),
		TEST(a_row_too_many_is_told_with_the_remedy),
		TEST(locate_says_where_an_object_stands),
		TEST(segments_are_looked_at_whatever_the_index_is),
		TEST(a_round_stopped_at_any_border_goes_on_there),
		TEST(each_part_of_a_round_tells_its_own_damage),
		TEST(a_round_goes_on_over_what_was_archived_meanwhile),
		TEST(a_position_of_another_store_is_refused),
		TEST(a_sample_is_made_by_chance_from_the_seed),
		TEST(commits_are_read_whatever_the_sample),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
