/* SPDX-License-Identifier: Apache-2.0 */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "exarch/fs.h"
#include "exarch/mem.h"

#include "model.h"

#define TABLE_FACTS 0
#define TABLE_PLACES 1
#define TABLE_NOTES 2
#define FILE_BYTES_MAX ((size_t)1 << 30)
#define SHARED_OBJECTS 5 /* what several threads put: claimed by one, referred to by all */
#define LATER_THREAD (THREADS_MAX - 1)

static const struct store_table tables[] = {
	{ "facts", false, STORE_FROM_RECORDS },
	{ "places", false, STORE_FROM_RECORDS },
	{ "notes", false, STORE_FROM_NOTES },
};

static void
put_place(uint8_t out[14], const struct store_loc *loc)
{
	put_le32(out, loc->segment);
	put_le64(out + 4, loc->offset);
	put_le16(out + 12, loc->slot);
}

/* "key=value", logged or noted. */
static bool
apply(void *ctx, struct store_txn *txn, const struct store_loc *loc, struct bytes record,
	struct exa_error *err)
{
	const uint8_t *equals = memchr(record.data, '=', record.size);
	struct bytes key;
	struct bytes value;
	uint8_t place[14];

	(void)ctx;
	if (equals == NULL)
		return exa_fail(err, EXA_CORRUPT, "a record without a value");
	key = bytes_take(record, (size_t)(equals - record.data));
	value = bytes_skip(record, key.size + 1);
	if (loc == NULL)
		return store_set(txn, TABLE_NOTES, key, value, err);
	put_place(place, loc);
	return store_set(txn, TABLE_PLACES, key, bytes_of(place, sizeof place), err) &&
	       store_set(txn, TABLE_FACTS, key, value, err);
}

const struct store_schema model_schema = { .tables = tables, .table_count = 3, .apply = apply };

bool
number_setting(const char *text, const char *name, size_t *out)
{
	size_t size = strlen(name);

	if (strncmp(text, name, size) != 0)
		return false;
	*out = (size_t)strtoull(text + size, NULL, 10);
	return true;
}

bool
model_setting(struct model *m, const char *text)
{
	if (strncmp(text, "seed=", 5) == 0)
		m->seed = strtoull(text + 5, NULL, 10);
	else if (strncmp(text, "large=", 6) == 0)
		m->large_bytes = (size_t)strtoull(text + 6, NULL, 10);
	else if (strcmp(text, "encrypted") == 0)
		m->encrypted = true;
	else if (strcmp(text, "orphans") == 0)
		m->orphans = true;
	else
		return false;
	return true;
}

enum which_key { FIRST_KEY, SECOND_KEY };

static const struct store_key *
key_of(const struct model *m, enum which_key which)
{
	static const uint8_t secrets[][STORE_KEY_FILE_BYTES] = {
		"thirty-two bytes known to anyone",
		"and other ones that are known so",
	};
	static const struct store_key keys[] = {
		{ STORE_KEY_FILE, { secrets[FIRST_KEY], STORE_KEY_FILE_BYTES } },
		{ STORE_KEY_FILE, { secrets[SECOND_KEY], STORE_KEY_FILE_BYTES } },
	};

	return m->encrypted ? &keys[which] : NULL;
}

bool
model_create(const struct model *m, const char *dir, struct exa_error *err)
{
	const struct store_create_options options = {
		.codec = STORE_CODEC_ZLIB,
		.segment_bytes = (uint64_t)1 << 20,
		.key = key_of(m, FIRST_KEY),
	};

	return store_create(dir, &options, err);
}

bool
model_rekey(const struct model *m, const char *dir, struct exa_error *err)
{
	unsigned slot;

	return store_key_change(dir, key_of(m, FIRST_KEY), key_of(m, SECOND_KEY), &slot, err);
}

static bool
open_with(const struct model *m, const char *dir, enum store_access access, enum which_key which,
	struct store **out, struct exa_error *err)
{
	const struct store_open_options options = { .access = access, .key = key_of(m, which) };

	return store_open(dir, &options, &model_schema, out, err);
}

bool
model_open(const struct model *m, const char *dir, enum store_access access, struct store **out,
	struct exa_error *err)
{
	return open_with(m, dir, access, FIRST_KEY, out, err) ||
	       (err->code == EXA_AUTH && open_with(m, dir, access, SECOND_KEY, out, err));
}

/* ---- content ---- */

static uint64_t
next_random(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

static void
add_noise(struct buf *out, size_t size, uint64_t state)
{
	buf_reserve(out, size);
	for (size_t i = 0; i < size; i++)
		out->data[out->size++] = (uint8_t)(next_random(&state) >> 24);
}

/* Object 0 is large and a frame of its own, 1 and 2 go into packs, 3 other batches put too. */
void
model_object(const struct model *m, int thread, int round, int i, struct buf *out)
{
	uint64_t number = (uint64_t)((thread * ROUNDS_MAX + round) * OBJECTS_A_BATCH + i);
	uint64_t state = (m->seed + number + 1) * UINT64_C(0x9e3779b97f4a7c15);

	if (i == 0 && m->large_bytes > 0) {
		size_t more = (size_t)(next_random(&state) % 2000);

		add_noise(out, m->large_bytes + more, state);
	} else if (i < 3) {
		buf_printf(out, "batch %d/%d, object %d\n", thread, round, i);
		for (uint64_t n = next_random(&state) % 40; n > 0; n--)
			buf_printf(
				out, "line %llu of text that packs well\n", (unsigned long long)n);
	} else {
		add_noise(out, 300, m->seed + (uint64_t)(round % SHARED_OBJECTS) + 1);
	}
}

static void
key_text(char *out, size_t size, int thread, int round, int i)
{
	(void)snprintf(out, size, "batch-%d-%d-%d", thread, round, i);
}

static bool
put_orphan(const struct model *m, struct store *s, int thread, int round, struct exa_error *err)
{
	EXA_AUTO(buf_done) struct buf object = { 0 };
	struct store_id id;

	if (!m->orphans)
		return true;
	add_noise(&object, m->large_bytes,
		m->seed + (uint64_t)(thread * ROUNDS_MAX + round) + UINT64_C(0x6f727068616e));
	return store_put(s, STORE_DATA, buf_bytes(&object), &id, NULL, err);
}

bool
model_write(const struct model *m, struct store *s, int thread, int round, struct exa_error *err)
{
	EXA_AUTO(store_batch_done) struct store_batch b = { 0 };
	EXA_AUTO(buf_done) struct buf object = { 0 };
	uint64_t epoch;
	char text[160];
	char key[64];

	if (!put_orphan(m, s, thread, round, err))
		return false;
	for (int i = 0; i < OBJECTS_A_BATCH; i++) {
		struct store_id id;
		char hex[2 * STORE_ID_SIZE + 1];

		buf_reset(&object);
		model_object(m, thread, round, i, &object);
		if (!store_put(s, STORE_DATA, buf_bytes(&object), &id, NULL, err))
			return false;
		hex_encode(bytes_of(id.bytes, STORE_ID_SIZE), hex);
		key_text(key, sizeof key, thread, round, i);
		(void)snprintf(text, sizeof text, "%s=%s", key, hex);
		store_batch_record(&b, bytes_of_string(text));
	}
	(void)snprintf(text, sizeof text, "note-%d=%d", thread, round);
	store_batch_note(&b, bytes_of_string(text));
	return store_submit(s, &b, &epoch, err) && store_wait(s, epoch, err);
}

/* ---- compaction ---- */

static bool
mark_all(void *ctx, struct store_txn *txn, struct store_marks *marks, struct exa_error *err)
{
	EXA_AUTO(store_cursor_closep) struct store_cursor *c = NULL;
	struct bytes none = { 0 };
	struct bytes key;
	struct bytes hex;

	(void)ctx;
	if (!store_cursor_open(txn, TABLE_FACTS, none, none, &c, err))
		return false;
	exa_error_clear(err);
	while (store_cursor_next(c, &key, &hex, err)) {
		EXA_AUTO(exa_freep) char *text = exa_strndup((const char *)hex.data, hex.size);
		struct store_id id;

		if (hex_decode(text, id.bytes, STORE_ID_SIZE))
			store_mark(marks, &id);
	}
	return err->code == EXA_OK;
}

/* A record that the tables point to is logged anew, since its place is in them. */
static bool
carry(void *ctx, struct store_txn *txn, const struct store_loc *loc, struct bytes record,
	struct buf *keep, struct buf *again, struct exa_error *err)
{
	const uint8_t *equals = memchr(record.data, '=', record.size);
	struct bytes place;
	uint8_t here[14];
	bool found;

	(void)ctx;
	(void)keep;
	if (equals == NULL)
		return exa_fail(err, EXA_CORRUPT, "a record without a value");
	if (!store_get(txn, TABLE_PLACES, bytes_take(record, (size_t)(equals - record.data)),
		    &found, &place, err))
		return false;
	put_place(here, loc);
	if (found && bytes_equal(place, bytes_of(here, sizeof here)))
		buf_add_bytes(again, record);
	return true;
}

bool
model_compact(struct store *s, struct exa_error *err)
{
	const struct store_compact_options options = { .mark = mark_all, .carry = carry };
	struct store_compact_result result;

	return store_compact(s, &options, &result, err) &&
	       (result.segments_cut > 0 ||
		       exa_fail(err, EXA_FAILED, "there was nothing to compact"));
}

/* ---- the log ---- */

static void
add_line(struct acks *a, const char *line)
{
	int thread;
	int round;

	if (strcmp(line, "made") == 0) {
		a->made = true;
	} else if (strcmp(line, "rekeyed") == 0) {
		a->rekeyed = true;
	} else if (strcmp(line, "rebuilding") == 0) {
		memset(a->note, 0, sizeof a->note);
	} else if (sscanf(line, "%d %d", &thread, &round) == 2 && thread >= 0 &&
		   thread < THREADS_MAX && round >= 0 && round < ROUNDS_MAX) {
		a->batch[thread][round] = true;
		a->note[thread] = round + 1;
	}
}

void
model_acks_add(struct acks *a, struct bytes text)
{
	const uint8_t *end;

	while (text.size > 0 && (end = memchr(text.data, '\n', text.size)) != NULL) {
		size_t size = (size_t)(end - text.data);
		EXA_AUTO(exa_freep) char *line = exa_strndup((const char *)text.data, size);

		add_line(a, line);
		text = bytes_skip(text, size + 1);
	}
}

bool
model_acks_read(struct acks *a, const char *path, struct exa_error *err)
{
	EXA_AUTO(buf_done) struct buf text = { 0 };

	if (!fs_exists(path))
		return true;
	if (!fs_read_file(path, FILE_BYTES_MAX, &text, err))
		return false;
	model_acks_add(a, buf_bytes(&text));
	return true;
}

/* ---- checking ---- */

static bool
check_object(const struct model *m, struct store_reader *r, int thread, int round, int i,
	struct bytes hex, struct exa_error *err)
{
	EXA_AUTO(buf_done) struct buf wanted = { 0 };
	EXA_AUTO(exa_freep) char *text = exa_strndup((const char *)hex.data, hex.size);
	struct store_id id;
	struct bytes found;

	model_object(m, thread, round, i, &wanted);
	if (!hex_decode(text, id.bytes, STORE_ID_SIZE))
		return exa_fail(err, EXA_FAILED, "record %d/%d/%d is wrong", thread, round, i);
	if (!store_reader_object(r, STORE_DATA, &id, &found, err))
		return exa_while(err, "object %d/%d/%d", thread, round, i);
	return bytes_equal(found, buf_bytes(&wanted)) ||
	       exa_fail(err, EXA_FAILED, "object %d/%d/%d has other bytes", thread, round, i);
}

bool
look_begin(struct look *l, struct store *s, struct exa_error *err)
{
	return store_reader_new(s, &l->reader, err) && store_read_begin(s, &l->txn, err);
}

void
look_end(struct look *l)
{
	store_read_endp(&l->txn);
	store_reader_freep(&l->reader);
}

/*
 * The index has no checksums: a fact counts when the record it stands on says the same. So does the
 * catalog with its full records.
 */
static bool
check_record(struct look *l, struct bytes key, struct bytes value, struct exa_error *err)
{
	EXA_AUTO(buf_done) struct buf wanted = { 0 };
	struct store_loc loc;
	struct bytes place;
	struct bytes record;
	bool found;

	if (!store_get(l->txn, TABLE_PLACES, key, &found, &place, err))
		return false;
	if (!found || place.size != 14)
		return exa_fail(err, EXA_CORRUPT, "the index has a fact, but not its place");
	loc.segment = get_le32(place.data);
	loc.offset = get_le64(place.data + 4);
	loc.slot = get_le16(place.data + 12);
	if (!store_reader_record(l->reader, &loc, &record, err))
		return false;
	buf_add_bytes(&wanted, key);
	buf_add_byte(&wanted, '=');
	buf_add_bytes(&wanted, value);
	return bytes_equal(record, buf_bytes(&wanted)) ||
	       exa_fail(err, EXA_CORRUPT, "the index says other than the record");
}

bool
model_look(const struct model *m, struct look *l, int thread, int round, int i, bool *there_out,
	struct exa_error *err)
{
	struct bytes hex;
	bool found;
	char key[64];

	key_text(key, sizeof key, thread, round, i);
	if (!store_get(l->txn, TABLE_FACTS, bytes_of_string(key), &found, &hex, err))
		return false;
	if (found && (!check_record(l, bytes_of_string(key), hex, err) ||
			     !check_object(m, l->reader, thread, round, i, hex, err)))
		return false;
	*there_out = found;
	return true;
}

bool
model_batch(const struct model *m, struct look *l, int thread, int round, int *there_out,
	struct exa_error *err)
{
	int there = 0;

	for (int i = 0; i < OBJECTS_A_BATCH; i++) {
		bool found;

		if (!model_look(m, l, thread, round, i, &found, err))
			return false;
		there += found;
	}
	*there_out = there;
	return true;
}

static bool
check_note(struct look *l, int thread, int rounds, struct exa_error *err)
{
	struct bytes value = { 0 };
	bool found;
	char text[64];
	int round = -1;

	(void)snprintf(text, sizeof text, "note-%d", thread);
	if (!store_get(l->txn, TABLE_NOTES, bytes_of_string(text), &found, &value, err))
		return false;
	if (found) {
		(void)snprintf(
			text, sizeof text, "%.*s", (int)value.size, (const char *)value.data);
		(void)sscanf(text, "%d", &round);
	}
	return round + 1 >= rounds ||
	       exa_fail(err, EXA_FAILED, "note %d was acknowledged and is lost", thread);
}

bool
model_check(const struct model *m, struct store *s, const struct acks *acks, struct exa_error *err)
{
	EXA_AUTO(look_end) struct look l = { 0 };

	if (!look_begin(&l, s, err))
		return false;
	for (int thread = 0; thread < THREADS_MAX; thread++) {
		for (int round = 0; round < ROUNDS_MAX; round++) {
			int there;

			if (!model_batch(m, &l, thread, round, &there, err))
				return exa_while(err, "batch %d/%d", thread, round);
			if (there == 0 && acks->batch[thread][round])
				return exa_fail(err, EXA_FAILED,
					"batch %d/%d was acknowledged and is lost", thread, round);
			if (there != 0 && there != OBJECTS_A_BATCH)
				return exa_fail(err, EXA_FAILED, "batch %d/%d is half there",
					thread, round);
		}
		if (!check_note(&l, thread, acks->note[thread], err))
			return false;
	}
	return true;
}

static void
keep_first(void *ctx, const struct store_damage *damage)
{
	struct exa_error *first = ctx;

	if (first->code == EXA_OK)
		*first = damage->what;
}

static bool
check_clean(struct store *s, enum store_level level, struct exa_error *err)
{
	struct exa_error first = { 0 };
	const struct store_verify_options options = {
		.level = level, .damaged = keep_first, .ctx = &first
	};
	struct store_verify_result result = { 0 };

	if (!store_verify(s, &options, &result, err))
		return false;
	if (result.damaged == 0)
		return true;
	*err = first;
	return exa_while(err, "verify");
}

/* ---- what is there, as text ---- */

static bool
dump_table(struct store_txn *txn, size_t table, struct buf *out, struct exa_error *err)
{
	EXA_AUTO(store_cursor_closep) struct store_cursor *c = NULL;
	struct bytes key;
	struct bytes value;

	if (!store_cursor_open(txn, table, bytes_of("", 0), bytes_of("", 0), &c, err))
		return false;
	exa_error_clear(err);
	while (store_cursor_next(c, &key, &value, err)) {
		buf_printf(out, "%zu ", table);
		buf_add_sized(out, key);
		buf_add_sized(out, value);
	}
	return err->code == EXA_OK;
}

/* FNV-1a: nobody chooses these bytes to collide. */
static uint64_t
hash_of(struct bytes b)
{
	uint64_t hash = UINT64_C(0xcbf29ce484222325);

	for (size_t i = 0; i < b.size; i++)
		hash = (hash ^ b.data[i]) * UINT64_C(0x100000001b3);
	return hash;
}

static bool
dump_file(const char *dir, const char *name, struct buf *out, struct exa_error *err)
{
	EXA_AUTO(exa_freep) char *path = fs_join(dir, name);
	EXA_AUTO(buf_done) struct buf content = { 0 };

	if (!fs_read_file(path, FILE_BYTES_MAX, &content, err))
		return false;
	buf_printf(out, "%s %zu %016llx\n", name, content.size,
		(unsigned long long)hash_of(buf_bytes(&content)));
	return true;
}

static int
by_number(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static bool
dump_segments(const char *dir, struct buf *out, struct exa_error *err)
{
	EXA_AUTO(exa_freep) char *folder = fs_join(dir, "seg/00");
	struct dirent **names = NULL;
	int count = scandir(folder, &names, NULL, by_number);
	bool good = true;

	for (int i = 0; i < count; i++) {
		if (good && names[i]->d_name[0] != '.')
			good = dump_file(folder, names[i]->d_name, out, err);
		exa_free(names[i]);
	}
	exa_free(names);
	return good && dump_file(dir, "FORMAT", out, err);
}

static bool
dump_all(struct store *s, const char *dir, struct buf *out, struct exa_error *err)
{
	EXA_AUTO(store_read_endp) struct store_txn *txn = NULL;
	struct store_stats stats;

	if (!store_stat(s, &stats, err) || !store_read_begin(s, &txn, err))
		return false;
	buf_printf(out, "%llu objects, %llu bytes, commit %llu, %llu segments\n",
		(unsigned long long)stats.object_count, (unsigned long long)stats.object_raw_bytes,
		(unsigned long long)stats.last_commit, (unsigned long long)stats.segment_count);
	return dump_table(txn, TABLE_FACTS, out, err) && dump_table(txn, TABLE_PLACES, out, err) &&
	       dump_table(txn, TABLE_NOTES, out, err) && dump_segments(dir, out, err);
}

/* ---- the judgement ---- */

/* A key that was taken away opens nothing. */
static bool
check_keys(const struct model *m, const char *dir, const struct acks *acks, struct exa_error *err)
{
	EXA_AUTO(store_abandonp) struct store *s = NULL;
	struct exa_error why;

	if (!acks->rekeyed)
		return true;
	if (open_with(m, dir, STORE_READ, FIRST_KEY, &s, &why))
		return exa_fail(err, EXA_FAILED, "the key that was changed still opens it");
	*err = why;
	return why.code == EXA_AUTH;
}

/* The first recovery: what it leaves, in DUMP. */
static bool
judge_first(const struct model *m, const char *dir, const struct acks *acks, struct buf *dump,
	struct exa_error *err)
{
	EXA_AUTO(store_abandonp) struct store *s = NULL;

	return model_open(m, dir, STORE_WRITE, &s, err) && model_check(m, s, acks, err) &&
	       check_clean(s, STORE_VERIFY_BLOBS, err) && dump_all(s, dir, dump, err);
}

/* The second, then a batch of a thread that nobody else is. */
static bool
judge_second(const struct model *m, const char *dir, const struct acks *acks,
	const struct buf *before, struct exa_error *err)
{
	EXA_AUTO(store_abandonp) struct store *s = NULL;
	EXA_AUTO(buf_done) struct buf after = { 0 };
	struct acks more = *acks;

	if (!model_open(m, dir, STORE_WRITE, &s, err) || !dump_all(s, dir, &after, err))
		return exa_while(err, "second recovery");
	if (!bytes_equal(buf_bytes(before), buf_bytes(&after)))
		return exa_fail(err, EXA_FAILED, "the second recovery changed something");
	more.batch[LATER_THREAD][0] = true;
	more.note[LATER_THREAD] = 1;
	return (model_write(m, s, LATER_THREAD, 0, err) && model_check(m, s, &more, err) &&
		       check_clean(s, STORE_VERIFY_BYTES, err)) ||
	       exa_while(err, "writing on");
}

bool
model_judge(const struct model *m, const char *dir, const struct acks *acks, struct exa_error *err)
{
	EXA_AUTO(buf_done) struct buf dump = { 0 };

	if (!acks->made && !store_exists(dir) && !model_create(m, dir, err))
		return exa_while(err, "making it anew");
	return check_keys(m, dir, acks, err) && judge_first(m, dir, acks, &dump, err) &&
	       judge_second(m, dir, acks, &dump, err);
}
