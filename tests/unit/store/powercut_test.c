/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Power cuts. A run is recorded: every change to segment files, every sync, and the index as it
 * stood after each of its commits. Then, for every prefix of the recording, the states a power cut
 * may have left are made: what was not synced since is kept, dropped, torn at a 512-byte border, or
 * there in length but zero; a file whose folder wasn't synced may be missing, or have its name from
 * before a rename. Each state is opened: everything acknowledged must be there, nothing may be half
 * there, verify must be clean, it must be writable, and to recover once more must change nothing.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "exarch/fs.h"
#include "exarch/mem.h"

#include "compact_support.h"
#include "recording.h"

#define SECTOR ((size_t)512)

/* ---- what a round archives ---- */

#define OBJECTS_A_ROUND 3

static size_t
object_size(int round, int i)
{
	return i == 0 ? 90000 + (size_t)round * 1000 : (size_t)(500 * i + round);
}

static void
object_content(int round, int i, uint8_t *out)
{
	fill_noise(out, object_size(round, i), (uint64_t)(round * 10 + i + 1));
}

/* Some objects and a batch of two records, waited for. */
static void
one_round(struct store *s, int round, uint8_t *scratch)
{
	struct store_batch b = { 0 };
	struct exa_error err = { 0 };
	struct store_id id;
	uint64_t epoch;
	char text[128];

	for (int i = 0; i < OBJECTS_A_ROUND; i++) {
		char hex[65];

		object_content(round, i, scratch);
		assert_true(store_put(
			s, STORE_DATA, bytes_of(scratch, object_size(round, i)), &id, NULL, &err));
		hex_encode(bytes_of(id.bytes, STORE_ID_SIZE), hex);
		(void)snprintf(text, sizeof text, "r%d-%d=%s", round, i, hex);
		store_batch_record(&b, bytes_of_string(text));
	}
	assert_true(store_submit(s, &b, &epoch, &err));
	assert_true(store_wait(s, epoch, &err));
	store_batch_done(&b);
}

/* How many of the round's records are there; each one's object is compared. */
static int
check_round(struct store *s, int round, uint8_t *scratch)
{
	EXA_AUTO(store_read_endp) struct store_txn *txn = NULL;
	struct exa_error err = { 0 };
	int there = 0;

	assert_true(store_read_begin(s, &txn, &err));
	for (int i = 0; i < OBJECTS_A_ROUND; i++) {
		char key[32];
		char hex[65] = "";
		struct bytes value;
		struct store_id id;
		bool found = false;

		(void)snprintf(key, sizeof key, "r%d-%d", round, i);
		assert_true(
			store_get(txn, TABLE_FACTS, bytes_of_string(key), &found, &value, &err));
		if (!found)
			continue;
		there++;
		memcpy(hex, value.data, 64);
		assert_true(hex_decode(hex, id.bytes, STORE_ID_SIZE));
		object_content(round, i, scratch);
		expect_object(s, &id, bytes_of(scratch, object_size(round, i)));
	}
	return there;
}

/* ---- the file system after the cut ---- */

struct file {
	char *path;         /* NULL: it has none any more */
	char *first_path;   /* it was made with */
	char *durable_path; /* as of the last sync of its folder; NULL = none */
	struct buf content;
	struct buf durable; /* content as of the last sync */
};

struct disk {
	struct file files[FILES_MAX];
	uint64_t random;
	unsigned variant;
};

#define VARIANTS 8 /* 0 all kept, 1 dropped, 2 zeros, 3 only the last, 4 last torn, 5.. random */

static uint64_t
next_random(struct disk *d)
{
	d->random = d->random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return d->random >> 33;
}

static void
rename_file(char **path, const char *to)
{
	exa_free(*path);
	*path = exa_strdup(to);
}

static void
file_done(struct file *f)
{
	exa_free(f->path);
	exa_free(f->first_path);
	exa_free(f->durable_path);
	buf_done(&f->content);
	buf_done(&f->durable);
	*f = (struct file){ 0 };
}

static void
resize(struct buf *b, size_t size)
{
	static const uint8_t zeros[4096];

	while (b->size < size)
		buf_add(b, zeros, size - b->size < sizeof zeros ? size - b->size : sizeof zeros);
	b->size = size;
}

static void
write_at(struct buf *b, uint64_t offset, struct bytes data)
{
	if (b->size < offset + data.size)
		resize(b, (size_t)offset + data.size);
	if (data.size > 0)
		memcpy(b->data + offset, data.data, data.size);
}

/* An op that was not synced, as the variant has it. */
static void
apply_unsynced(struct disk *d, const struct op *op, bool is_last, struct buf *content)
{
	enum { KEEP, DROP, ZERO, TEAR } fate = KEEP;
	static const uint8_t zeros[4096];

	switch (d->variant) {
	case 0:
		fate = KEEP;
		break;
	case 1:
		fate = DROP;
		break;
	case 2:
		fate = ZERO;
		break;
	case 3:
		fate = is_last ? KEEP : DROP;
		break;
	case 4:
		fate = is_last ? TEAR : KEEP;
		break;
	default:
		fate = next_random(d) % 4;
	}
	if (op->kind == OP_CUT && fate != DROP) {
		resize(content, (size_t)op->offset);
	} else if (op->kind == OP_WRITE && fate == ZERO) {
		for (uint64_t at = 0; at < op->data.size; at += sizeof zeros)
			write_at(content, op->offset + at,
				bytes_take(bytes_of(zeros, sizeof zeros),
					(size_t)(op->data.size - at)));
	} else if (op->kind == OP_WRITE && fate != DROP) {
		size_t size = op->data.size;

		if (fate == TEAR)
			size = size > SECTOR ? (size_t)(next_random(d) % (size / SECTOR)) * SECTOR
					     : size / 2;
		write_at(content, op->offset, bytes_take(buf_bytes(&op->data), size));
	}
}

/* Changes to F since its last sync within the first COUNT ops. */
static void
settle(struct disk *d, const struct recording *r, size_t count, size_t file)
{
	struct file *f = &d->files[file];
	size_t from = 0;
	size_t last = 0;

	for (size_t i = 0; i < count; i++) {
		const struct op *op = &r->ops[i];

		if (op->kind == OP_SYNC && op->file == file)
			from = i + 1;
		if (op->kind == OP_WRITE || op->kind == OP_CUT)
			last = i;
	}
	buf_reset(&f->content);
	buf_add_bytes(&f->content, buf_bytes(&f->durable));
	for (size_t i = from; i < count; i++) {
		const struct op *op = &r->ops[i];

		if ((op->kind == OP_WRITE || op->kind == OP_CUT) && op->file == file)
			apply_unsynced(d, op, i == last, &f->content);
	}
}

/* What had the name before has none any more. */
static void
play_rename(struct disk *d, const struct op *op)
{
	for (size_t i = 0; i < FILES_MAX; i++) {
		if (d->files[i].path != NULL && strcmp(d->files[i].path, op->path) == 0)
			rename_file(&d->files[i].path, NULL);
	}
	rename_file(&d->files[op->file].path, op->path);
}

static void
play(struct disk *d, const struct op *op)
{
	struct file *f = &d->files[op->file < FILES_MAX ? op->file : 0];

	switch (op->kind) {
	case OP_CREATE:
		f->path = exa_strdup(op->path);
		f->first_path = exa_strdup(op->path);
		break;
	case OP_WRITE:
		write_at(&f->content, op->offset, buf_bytes(&op->data));
		break;
	case OP_CUT:
		resize(&f->content, (size_t)op->offset);
		break;
	case OP_SYNC:
		buf_reset(&f->durable);
		buf_add_bytes(&f->durable, buf_bytes(&f->content));
		break;
	case OP_SYNC_DIR:
		for (size_t i = 0; i < FILES_MAX; i++)
			rename_file(&d->files[i].durable_path, d->files[i].path);
		break;
	case OP_RENAME:
		play_rename(d, op);
		break;
	case OP_UNLINK:
		rename_file(&f->path, NULL);
		break;
	}
}

/* The name a file has after the cut, or NULL. RENAMED: what the folder's last sync didn't cover was
 * written all the same. */
static const char *
name_after(struct disk *d, const struct file *f, bool renamed)
{
	bool is_new = f->durable_path == NULL;

	if (!is_new || (f->path != NULL && strcmp(f->path, f->first_path) != 0 && renamed))
		return renamed ? f->path : f->durable_path;
	if (f->first_path == NULL || (f->path == NULL && renamed))
		return NULL;
	return d->variant == 0 || (d->variant > 4 && next_random(d) % 2 == 0) ? f->first_path
									      : NULL;
}

static void
write_plain(const char *dir, const char *name, struct bytes content)
{
	EXA_AUTO(exa_freep) char *path = fs_join(dir, name);
	FILE *f = fopen(path, "wb");

	assert_non_null(f);
	if (content.size > 0)
		assert_int_equal(fwrite(content.data, 1, content.size, f), content.size);
	assert_int_equal(fclose(f), 0);
}

/* The segments there are in BASE, as the first files. */
static void
load_base(struct disk *d, const char *base)
{
	for (uint32_t n = 1;; n++) {
		EXA_AUTO(exa_freep) char *name = segment_name_of(n);
		EXA_AUTO(exa_freep) char *path = fs_join(base, name);
		struct file *f = &d->files[n - 1];
		struct exa_error err;

		if (!fs_exists(path))
			return;
		f->path = exa_strdup(name);
		f->first_path = exa_strdup(name);
		f->durable_path = exa_strdup(name);
		assert_true(fs_read_file(path, (size_t)1 << 30, &f->durable, &err));
		buf_add_bytes(&f->content, buf_bytes(&f->durable));
	}
}

static void
forget_segments(const char *dir)
{
	for (uint32_t n = 1;; n++) {
		EXA_AUTO(exa_freep) char *name = segment_name_of(n);
		EXA_AUTO(exa_freep) char *path = fs_join(dir, name);

		if (unlink(path) != 0)
			return;
	}
}

/* BASE holds the files as they were before the recording. */
static void
make_state(const char *base, const char *dir, const struct recording *r, size_t count,
	const struct snapshot *index, unsigned variant)
{
	struct disk d = { .variant = variant, .random = count * 31 + variant };
	bool renamed;

	load_base(&d, base);
	for (size_t i = 0; i < count; i++)
		play(&d, &r->ops[i]);
	copy_tree(base, dir);
	forget_segments(dir);
	EXA_AUTO(exa_freep) char *folder = fs_join(dir, "seg/00");
	(void)mkdir(folder, 0700);
	write_plain(dir, "idx/data.mdb", buf_bytes(&index->index));
	renamed = variant == 0 || variant == 4 || (variant > 4 && next_random(&d) % 2 == 0);
	for (size_t i = 0; i < FILES_MAX; i++) {
		const char *name = name_after(&d, &d.files[i], renamed);

		if (name == NULL)
			continue;
		settle(&d, r, count, i);
		write_plain(dir, name, buf_bytes(&d.files[i].content));
	}
	for (size_t i = 0; i < FILES_MAX; i++)
		file_done(&d.files[i]);
}

/* ---- judging ---- */

static size_t
count_files(const char *dir)
{
	struct segdir files = { .io = &seg_io_system, .dir = exa_strdup(dir) };
	struct exa_error err;
	uint32_t highest = 0;

	assert_true(segdir_highest(&files, &highest, &err));
	exa_free(files.dir);
	return highest;
}

/* The index made anew equals the one that a recovery left. */
static void
judge_rebuild(const char *dir, const char *expected)
{
	struct store *s = opened(dir, STORE_REBUILD);
	EXA_AUTO(exa_freep) char *rebuilt = dump(s);

	assert_string_equal(expected, rebuilt);
	store_abandon(s);
}

static void
judge(const char *dir, const struct recording *r, int acknowledged)
{
	EXA_AUTO(exa_freep) uint8_t *scratch = exa_alloc(1 << 20);
	EXA_AUTO(exa_freep) char *once = NULL;
	EXA_AUTO(exa_freep) char *twice = NULL;
	struct store *s = opened(dir, STORE_WRITE);
	size_t segments = count_files(dir);

	for (int round = 0; round < r->rounds; round++) {
		int there = check_round(s, round, scratch);

		if (r->odd_dropped && round % 2 == 1)
			assert_int_equal(there, 0);
		else
			assert_true(
				there == OBJECTS_A_ROUND || (there == 0 && round >= acknowledged));
	}
	assert_int_equal(damage_found(s, STORE_VERIFY_BLOBS), 0);
	once = dump(s);
	store_abandon(s);
	if (r->odd_dropped)
		judge_rebuild(dir, once);
	s = opened(dir, STORE_WRITE);
	twice = dump(s);
	assert_string_equal(once, twice);
	assert_int_equal(count_files(dir), segments);
	one_round(s, 90, scratch);
	assert_int_equal(check_round(s, 90, scratch), OBJECTS_A_ROUND);
	assert_int_equal(damage_found(s, STORE_VERIFY_BYTES), 0);
	store_abandon(s);
}

/* A sanitizer looks at what code does, of which a third of the cuts has all, and is slow; the other
 * builds judge each. */
static size_t
cuts_a_step(void)
{
	const char *sanitized = getenv("EXARCH_SANITIZED");

	return sanitized != NULL && sanitized[0] != '\0' ? 3 : 1;
}

/* Every prefix, every variant, with the index before and after each change to it that falls on the
 * cut. */
static size_t
judge_all(const char *base, const struct recording *r)
{
	size_t states = 0;

	for (size_t count = 0; count <= r->count; count += cuts_a_step()) {
		size_t newest = 0;
		size_t oldest;

		while (newest + 1 < r->snapshot_count && r->snapshots[newest + 1].at <= count)
			newest++;
		for (oldest = newest; oldest > 0 && r->snapshots[oldest].at == count;)
			oldest--;
		for (size_t i = oldest; i <= newest; i++) {
			for (unsigned variant = 0; variant < VARIANTS; variant++) {
				char *dir = temporary_dir();
				EXA_AUTO(exa_freep) char *parent = fs_dir_of(dir);

				make_state(base, dir, r, count, &r->snapshots[i], variant);
				judge(dir, r, r->snapshots[newest].rounds);
				remove_tree(parent);
				exa_free(dir);
				states++;
			}
		}
	}
	return states;
}

/* Compacts, or else records ROUNDS rounds, in a copy of BASE, beginning with FIRST. */
static struct recording *
recorded(const char *base, int first, int rounds)
{
	EXA_AUTO(exa_freep) char *dir = temporary_dir();
	EXA_AUTO(exa_freep) char *parent = fs_dir_of(dir);
	EXA_AUTO(exa_freep) uint8_t *scratch = exa_alloc(1 << 20);
	struct exa_error err = { 0 };
	struct store *s = NULL;
	struct recording *r;
	struct store_schema schema;
	struct seg_io io;

	copy_tree(base, dir);
	r = recording_new(dir, first);
	r->odd_dropped = rounds == 0;
	schema = recording_schema(r);
	io = recording_io(r);
	recording_snapshot(r);
	assert_true(store_open_with(dir, opening(STORE_WRITE), &schema, &io, &s, &err));
	recording_snapshot(r);
	for (int i = first; i < first + rounds; i++) {
		r->rounds = i + 1;
		one_round(s, i, scratch);
	}
	if (rounds == 0) {
		r->compacting = true;
		assert_true(compacted(NULL, s).segments_cut >= 2);
		recording_snapshot(r);
	}
	store_abandon(s);
	remove_tree(parent);
	r->dir = NULL;
	return r;
}

static void
no_power_cut_in_a_run_loses_what_was_acknowledged(void **state)
{
	char *base = temporary_dir();
	EXA_AUTO(exa_freep) char *parent = fs_dir_of(base);
	struct recording *r;
	size_t states;

	(void)state;
	/* 13 rounds of some 100 KB: over the border of a 1 MiB segment. */
	store_abandon(made_store(base, STORE_CODEC_ZLIB, (uint64_t)1 << 20));
	r = recorded(base, 0, 13);
	states = judge_all(base, r);
	print_message("# %zu states of %zu changes\n", states, r->count);
	recording_free(r);
	remove_tree(parent);
	exa_free(base);
}

static void
no_power_cut_during_recovery_loses_what_was_acknowledged(void **state)
{
	char *base = temporary_dir();
	EXA_AUTO(exa_freep) char *parent = fs_dir_of(base);
	EXA_AUTO(exa_freep) char *path = fs_join(base, "seg/00/00000001.xseg");
	EXA_AUTO(exa_freep) uint8_t *scratch = exa_alloc(1 << 20);
	struct store *s = made_store(base, STORE_CODEC_ZLIB, (uint64_t)1 << 20);
	struct recording *r;
	FILE *f;

	(void)state;
	for (int i = 0; i < 2; i++)
		one_round(s, i, scratch);
	store_abandon(s);
	f = fopen(path, "ab");
	assert_non_null(f);
	fill_noise(scratch, 3000, 1);
	assert_int_equal(fwrite(scratch, 1, 3000, f), 3000);
	assert_int_equal(fclose(f), 0);
	r = recorded(base, 2, 2);
	print_message("# %zu states of %zu changes\n", judge_all(base, r), r->count);
	recording_free(r);
	remove_tree(parent);
	exa_free(base);
}

static void
drop_round(struct store *s, int round)
{
	for (int i = 0; i < OBJECTS_A_ROUND; i++) {
		struct exa_error err = { 0 };
		char key[32];

		(void)snprintf(key, sizeof key, "r%d-%d", round, i);
		assert_true(store_wait(s, submit_record(s, key), &err));
	}
}

static void
no_power_cut_in_a_compaction_loses_what_is_needed(void **state)
{
	char *base = temporary_dir();
	EXA_AUTO(exa_freep) char *parent = fs_dir_of(base);
	EXA_AUTO(exa_freep) uint8_t *scratch = exa_alloc(1 << 20);
	struct recording *r;
	struct store *s;

	(void)state;
	/* Two rounds a segment, of each of which one goes. */
	store_abandon(made_store(base, STORE_CODEC_ZLIB, (uint64_t)1 << 20));
	set_segment_bytes(base, 128 * 1024);
	s = opened(base, STORE_WRITE);
	for (int i = 0; i < 5; i++)
		one_round(s, i, scratch);
	drop_round(s, 1);
	drop_round(s, 3);
	store_abandon(s);
	r = recorded(base, 5, 0);
	print_message("# %zu states of %zu changes\n", judge_all(base, r), r->count);
	recording_free(r);
	remove_tree(parent);
	exa_free(base);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_power_cut_in_a_run_loses_what_was_acknowledged),
		cmocka_unit_test(no_power_cut_during_recovery_loses_what_was_acknowledged),
		cmocka_unit_test(no_power_cut_in_a_compaction_loses_what_is_needed),
	};

	/* Hundreds of archives are made and synced; no disk is needed for that. */
	if (access("/dev/shm", W_OK) == 0)
		(void)setenv("TMPDIR", "/dev/shm", 0);
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
