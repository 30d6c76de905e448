/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bytes that change and files that are cut, all of them, one after the other.
 *
 *   store-damage flips SCRATCH    every byte of FORMAT, KEYRING and segments: verify finds and
 *                                 locates it, nothing wrong is read, all the rest still is
 *   store-damage sealed SCRATCH   the same for two segments, the first one sealed, but of large
 *                                 frames only the edges and some bytes between
 *   store-damage index SCRATCH    bytes of the index: never wrong bytes, never a missing item
 *                                 that verify doesn't notice either
 *   store-damage cuts SCRATCH     the last segment cut at every byte of its last 64 KiB, with
 *                                 the index, with an older one, and with none
 *
 * and settings: every=N (each N-th place), jobs=N, count=N (places of the index), seed=,
 * encrypted.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "exarch/fs.h"
#include "exarch/mem.h"

#include "spoil.h"

#define CUT_BYTES ((size_t)64 * 1024)

static const uint8_t masks[] = { 0xff, 0x10 };

/* One byte that is wrong. */
struct wound {
	struct piece piece; /* where it lies */
	uint64_t offset;
	uint8_t mask;
};

/* ---- what verify says ---- */

struct findings {
	const struct wound *wound;
	size_t count, there; /* damages; those that name the wounded piece */
	struct exa_error first;
};

/* "segment seg/00/00000001.xseg, offset 4096" anywhere in the text. */
static bool
text_names(const char *text, const struct wound *w)
{
	const char *at = strstr(text, w->piece.file);
	unsigned long long offset;

	if (at == NULL || w->piece.segment == 0)
		return at != NULL;
	if (sscanf(at + strlen(w->piece.file), ", offset %llu", &offset) != 1)
		return w->piece.begin == 0; /* the file as a whole: its header */
	return offset >= w->piece.begin && offset < w->piece.end;
}

static void
note_damage(void *ctx, const struct store_damage *damage)
{
	struct findings *f = ctx;
	bool by_place = damage->at.segment == f->wound->piece.segment && damage->at.segment != 0 &&
			damage->at.offset >= f->wound->piece.begin &&
			damage->at.offset < f->wound->piece.end;

	if (f->count++ == 0)
		f->first = damage->what;
	f->there += by_place || text_names(damage->what.text, f->wound);
}

/* ---- one flip ---- */

/* What can be read is right, and what can't be names the wounded frame. */
static void
read_all(struct spoil *s, const struct wound *w, struct store *store)
{
	EXA_AUTO(look_end) struct look l = { 0 };
	struct exa_error err;

	if (!look_begin(&l, store, &err)) {
		spoil_bad(s, "%s, offset %llu: %s", w->piece.file, (unsigned long long)w->offset,
			err.text);
		return;
	}
	for (int round = 0; round < s->rounds; round++) {
		for (int i = 0; i < OBJECTS_A_BATCH; i++) {
			bool there = false;
			bool good = model_look(&s->model, &l, 0, round, i, &there, &err);

			if ((!good && err.code != EXA_CORRUPT) || (good && !there) ||
				(!good && !text_names(err.text, w)))
				spoil_bad(s, "%s, offset %llu: object %d/%d: %s", w->piece.file,
					(unsigned long long)w->offset, round, i,
					good ? "isn't there" : err.text);
		}
	}
}

/* It doesn't open: then the text must say where, and a rebuild bring back what isn't wounded. */
static void
judge_refusal(struct spoil *s, const struct wound *w, const struct exa_error *err)
{
	spoil_count(s, FIGURE_REFUSED);
	if (text_names(err->text, w))
		spoil_count(s, FIGURE_DETECTED);
	else
		spoil_bad(s, "%s, offset %llu: refused, but not located: %s", w->piece.file,
			(unsigned long long)w->offset, err->text);
}

static void
judge_verify(struct spoil *s, const struct wound *w, struct store *store)
{
	struct findings found = { .wound = w };
	const struct store_verify_options options = {
		.level = STORE_VERIFY_BYTES, .damaged = note_damage, .ctx = &found
	};
	struct store_verify_result result;
	struct exa_error err;

	if (!store_verify(store, &options, &result, &err))
		spoil_bad(s, "%s, offset %llu: verify gave up: %s", w->piece.file,
			(unsigned long long)w->offset, err.text);
	else if (found.count == 0)
		spoil_bad(s, "%s, offset %llu, mask %02x: verify found nothing", w->piece.file,
			(unsigned long long)w->offset, w->mask);
	else if (found.there == 0)
		spoil_bad(s, "%s, offset %llu: verify named another place: %s", w->piece.file,
			(unsigned long long)w->offset, found.first.text);
	else
		spoil_count(s, FIGURE_DETECTED);
}

static void
judge_wound(struct spoil *s, const char *dir, const struct wound *w)
{
	EXA_AUTO(store_abandonp) struct store *store = NULL;
	struct exa_error err;

	if (!model_open(&s->model, dir, STORE_READ, &store, &err)) {
		judge_refusal(s, w, &err);
		return;
	}
	judge_verify(s, w, store);
	read_all(s, w, store);
}

/*
 * Which bytes of a piece are tried: all, or of a large one in a large archive the first and last
 * ones and some between, for one byte of a payload is as good as the next.
 */
#define EDGE_BYTES ((uint64_t)512)
#define STRIDE_BYTES ((uint64_t)997)

static size_t
tried_bytes(const struct spoil *s, const struct piece *p)
{
	uint64_t size = p->end - p->begin;

	if (!s->sparse || size <= 2 * EDGE_BYTES)
		return (size_t)size;
	return (size_t)(2 * EDGE_BYTES + (size - 2 * EDGE_BYTES) / STRIDE_BYTES);
}

static uint64_t
tried_byte(const struct spoil *s, const struct piece *p, size_t n)
{
	uint64_t size = p->end - p->begin;

	if (!s->sparse || size <= 2 * EDGE_BYTES || n < EDGE_BYTES)
		return p->begin + n;
	if (n < 2 * EDGE_BYTES)
		return p->end - 1 - (n - EDGE_BYTES);
	return p->begin + EDGE_BYTES + (n - 2 * EDGE_BYTES) * STRIDE_BYTES;
}

/* Places are bytes of the pieces, each with every mask. */
static bool
wound_at(const struct spoil *s, size_t place, struct wound *out)
{
	size_t byte = place / sizeof masks;

	for (size_t i = 0; i < s->piece_count; i++) {
		const struct piece *p = &s->pieces[i];

		if (byte < tried_bytes(s, p)) {
			*out = (struct wound){ .piece = *p,
				.offset = tried_byte(s, p, byte),
				.mask = masks[place % sizeof masks] };
			return true;
		}
		byte -= tried_bytes(s, p);
	}
	return false;
}

static void
flip_one(struct spoil *s, const char *dir, size_t place)
{
	struct wound w;

	if (!wound_at(s, place, &w))
		return;
	spoil_flip(dir, w.piece.file, w.offset, w.mask);
	judge_wound(s, dir, &w);
	spoil_flip(dir, w.piece.file, w.offset, w.mask);
}

static bool
flips(struct spoil *s, const char *name, int rounds, struct exa_error *err)
{
	size_t bytes = 0;

	if (!spoil_make(s, name, rounds, err))
		return false;
	for (size_t i = 0; i < s->piece_count; i++)
		bytes += tried_bytes(s, &s->pieces[i]);
	spoil_each(s, bytes * sizeof masks, flip_one);
	(void)printf("bytes=%zu ", bytes);
	return true;
}

static bool
run_flips(struct spoil *s, struct exa_error *err)
{
	return flips(s, "small", 2, err);
}

/* Over the border of a 1 MiB segment. */
static bool
run_sealed(struct spoil *s, struct exa_error *err)
{
	s->model.large_bytes = 150000;
	s->sparse = true;
	return flips(s, "sealed", 9, err);
}

/* ---- the index ---- */

struct harm {
	bool error, wrong, missing;
};

/* Everything the index leads to; the codes that a damaged archive may give are these. */
static struct harm
read_by_index(struct spoil *s, struct store *store)
{
	EXA_AUTO(look_end) struct look l = { 0 };
	struct harm h = { 0 };
	struct exa_error err;

	if (!look_begin(&l, store, &err))
		return (struct harm){ .error = true };
	for (int round = 0; round < s->rounds; round++) {
		for (int i = 0; i < OBJECTS_A_BATCH; i++) {
			bool there = false;
			bool good = model_look(&s->model, &l, 0, round, i, &there, &err);

			h.error = h.error || !good;
			h.wrong = h.wrong || (!good && strstr(err.text, "other bytes") != NULL);
			h.missing = h.missing || (good && !there);
		}
	}
	return h;
}

static void
ignore_damage(void *ctx, const struct store_damage *damage)
{
	(void)ctx;
	(void)damage;
}

/* Says so, be it that it can't compare the index. */
static bool
verify_finds(struct store *store)
{
	const struct store_verify_options options = { .level = STORE_VERIFY_BLOBS,
		.damaged = ignore_damage };
	struct store_verify_result result;
	struct exa_error err;

	return !store_verify(store, &options, &result, &err) || result.damaged > 0 ||
	       result.tables == STORE_TABLES_FAILED;
}

static uint64_t last_commit; /* of the undamaged archive */

/* A page of LMDB's that says which of two states is the newer one may name the older. */
static bool
is_one_behind(struct store *store)
{
	struct store_stats stats;
	struct exa_error err;

	return store_stat(store, &stats, &err) && stats.last_commit + 1 == last_commit;
}

static bool
note_last_commit(struct spoil *s, struct exa_error *err)
{
	EXA_AUTO(store_abandonp) struct store *store = NULL;
	struct store_stats stats;

	if (!model_open(&s->model, s->dir, STORE_READ, &store, err) ||
		!store_stat(store, &stats, err))
		return false;
	last_commit = stats.last_commit;
	return true;
}

static void
judge_index(struct spoil *s, const char *dir, size_t place)
{
	EXA_AUTO(store_abandonp) struct store *store = NULL;
	struct exa_error err;
	struct harm h;

	if (!model_open(&s->model, dir, STORE_READ, &store, &err)) {
		spoil_count(s, FIGURE_REFUSED);
		return;
	}
	h = read_by_index(s, store);
	if (h.wrong)
		spoil_bad(s, "index place %zu: wrong bytes", place);
	else if (h.error || verify_finds(store))
		spoil_count(s, FIGURE_DETECTED);
	else if (h.missing && is_one_behind(store))
		spoil_count(s, FIGURE_BEHIND);
	else if (h.missing)
		spoil_bad(s, "index place %zu: an item is hidden, and nobody says so", place);
	else
		spoil_count(s, FIGURE_HARMLESS);
}

/* By chance, but the same for the same seed; only pages that hold something. */
static void
flip_index(struct spoil *s, const char *dir, size_t place)
{
	EXA_AUTO(buf_done) struct buf index = { 0 };
	uint64_t random = (place + 1 + s->model.seed) * UINT64_C(0x9fb21c651e98df25);
	uint8_t mask = (uint8_t)(place % 2 == 0 ? 0xff : 1U << (random >> 61));
	size_t offset;

	if (!spoil_load(s->dir, "idx/data.mdb", &index))
		abort();
	while (index.size > 0 && index.data[index.size - 1] == 0)
		index.size--;
	offset = (size_t)((random ^ random >> 29) % index.size);
	spoil_flip(dir, "idx/data.mdb", offset, mask);
	judge_index(s, dir, place);
	spoil_flip(dir, "idx/data.mdb", offset, mask);
}

static bool
run_index(struct spoil *s, struct exa_error *err)
{
	s->model.large_bytes = 2000;
	if (!spoil_make(s, "index", SPOIL_ROUNDS, err) || !note_last_commit(s, err))
		return false;
	spoil_each(s, s->count, flip_index);
	return true;
}

/* ---- cuts ---- */

struct cut_files {
	struct buf segment, index, older;
	int older_rounds; /* that the older index has */
};
static struct cut_files cut_files;

#define SEGMENT_1 "seg/00/00000001.xseg"

/* Rounds whose COMMIT lies whole below SIZE are there, others not at all. */
static void
expect_rounds(struct spoil *s, struct store *store, size_t size, const char *how)
{
	EXA_AUTO(look_end) struct look l = { 0 };
	struct exa_error err;

	if (!look_begin(&l, store, &err)) {
		spoil_bad(s, "cut at %zu, %s: %s", size, how, err.text);
		return;
	}
	for (int round = 0; round < s->rounds; round++) {
		int wanted = s->ends[round] <= size ? OBJECTS_A_BATCH : 0;
		int there = -1;

		if (!model_batch(&s->model, &l, 0, round, &there, &err))
			spoil_bad(s, "cut at %zu, %s: round %d: %s", size, how, round, err.text);
		else if (there != wanted)
			spoil_bad(s, "cut at %zu, %s: round %d has %d of %d objects", size, how,
				round, there, wanted);
	}
}

static void
lay_out(const char *dir, size_t size, const struct buf *index)
{
	static const char *const others[] = { "seg/00/00000002.xseg", "seg/00/00000001.torn",
		"idx/lock.mdb", "idx/data.mdb" };

	for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
		EXA_AUTO(exa_freep) char *path = fs_join(dir, others[i]);

		(void)unlink(path);
	}
	spoil_save(dir, SEGMENT_1, bytes_take(buf_bytes(&cut_files.segment), size));
	if (index != NULL)
		spoil_save(dir, "idx/data.mdb", buf_bytes(index));
}

/* The index has a commit that isn't there any more: nothing may be taken for granted. */
static void
expect_refusal(struct spoil *s, const char *dir, size_t size, const char *how)
{
	EXA_AUTO(store_abandonp) struct store *store = NULL;
	struct exa_error err;

	if (model_open(&s->model, dir, STORE_WRITE, &store, &err))
		spoil_bad(s, "cut at %zu, %s: opened, as if nothing was lost", size, how);
	else if (err.code != EXA_CORRUPT || strstr(err.text, "00000001") == NULL ||
		 strstr(err.text, "commit") == NULL || strstr(err.text, "rebuild") == NULL)
		spoil_bad(s, "cut at %zu, %s: %s", size, how, err.text);
	else
		spoil_count(s, FIGURE_REFUSED);
}

static void
expect_opens(
	struct spoil *s, const char *dir, size_t size, enum store_access access, const char *how)
{
	EXA_AUTO(store_abandonp) struct store *store = NULL;
	struct exa_error err;

	if (model_open(&s->model, dir, access, &store, &err)) {
		expect_rounds(s, store, size, how);
		spoil_count(s, FIGURE_DETECTED);
	} else {
		spoil_bad(s, "cut at %zu, %s: %s", size, how, err.text);
	}
}

static void
cut_one(struct spoil *s, const char *dir, size_t place)
{
	size_t size = cut_files.segment.size - 1 - place;

	lay_out(dir, size, &cut_files.index);
	expect_refusal(s, dir, size, "with the index");
	lay_out(dir, size, &cut_files.older);
	if (size < s->ends[cut_files.older_rounds - 1])
		expect_refusal(s, dir, size, "with an older index");
	else
		expect_opens(s, dir, size, STORE_WRITE, "with an older index");
	lay_out(dir, size, NULL);
	expect_opens(s, dir, size, STORE_REBUILD, "without an index");
}

/* The index without what is zero at its end: it is laid out 10^5 times. */
static bool
load_index(const char *dir, struct buf *out)
{
	if (!spoil_load(dir, "idx/data.mdb", out))
		return false;
	while (out->size > 0 && out->data[out->size - 1] == 0)
		out->size--;
	out->size = (out->size + 4095) & ~(size_t)4095;
	return true;
}

static bool
run_cuts(struct spoil *s, struct exa_error *err)
{
	s->model.large_bytes = 6000;
	if (!spoil_make(s, "cuts", 12, err))
		return false;
	if (!load_index(s->dir, &cut_files.index) ||
		!spoil_load(s->dir, SEGMENT_1, &cut_files.segment))
		return exa_fail(err, EXA_IO, "can't read %s", s->dir);
	if (cut_files.segment.size <= CUT_BYTES)
		return exa_fail(err, EXA_FAILED, "the last segment is too short for this");
	/* An older index: one that is rebuilt from the first rounds alone. */
	cut_files.older_rounds = s->rounds / 2;
	lay_out(s->dir, (size_t)s->ends[cut_files.older_rounds - 1], NULL);
	expect_opens(s, s->dir, (size_t)s->ends[cut_files.older_rounds - 1], STORE_REBUILD,
		"at a COMMIT");
	if (!load_index(s->dir, &cut_files.older))
		return exa_fail(err, EXA_IO, "can't read %s", s->dir);
	spoil_each(s, CUT_BYTES, cut_one);
	return true;
}

/* ---- all of it ---- */

static const struct verb {
	const char *name;
	bool (*run)(struct spoil *s, struct exa_error *err);
} verbs[] = {
	{ "flips", run_flips },
	{ "sealed", run_sealed },
	{ "index", run_index },
	{ "cuts", run_cuts },
};

static bool
take_setting(struct spoil *s, const char *text)
{
	return number_setting(text, "every=", &s->every) ||
	       number_setting(text, "jobs=", &s->jobs) ||
	       number_setting(text, "count=", &s->count) || model_setting(&s->model, text);
}

static void
print_figures(const struct spoil *s)
{
	static const char *const names[FIGURE_COUNT] = { "tried", "detected", "refused", "harmless",
		"behind", "died", "bad" };

	for (size_t i = 0; i < FIGURE_COUNT; i++)
		(void)printf("%s=%llu%c", names[i],
			(unsigned long long)spoil_figure(s, (enum figure)i),
			i + 1 < FIGURE_COUNT ? ' ' : '\n');
}

static int
run(const struct verb *v, struct spoil *s)
{
	struct exa_error err = { 0 };
	int code = 0;

	if (!v->run(s, &err)) {
		(void)fprintf(stderr, "store-damage: %s\n", err.text);
		code = 2;
	} else {
		print_figures(s);
		code = spoil_figure(s, FIGURE_BAD) > 0 ? 1 : 0;
	}
	spoil_done(s);
	return code;
}

int
main(int argc, char **argv)
{
	struct spoil *s = exa_alloc(sizeof *s);
	int code = 2;

	s->every = 1;
	s->jobs = 1;
	s->count = 1000;
	s->model.large_bytes = 33000;
	s->scratch = argc > 2 ? argv[2] : NULL;
	for (int i = 3; i < argc; i++) {
		if (!take_setting(s, argv[i]))
			(void)fprintf(stderr, "store-damage: no setting \"%s\"\n", argv[i]);
	}
	s->every = s->every > 0 ? s->every : 1;
	s->jobs = s->jobs > 0 && s->jobs <= JOBS_MAX ? s->jobs : 1;
	for (size_t i = 0; s->scratch != NULL && i < sizeof verbs / sizeof verbs[0]; i++) {
		if (strcmp(verbs[i].name, argv[1]) == 0)
			code = run(&verbs[i], s);
	}
	exa_free(s);
	return code;
}
