/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How many threads? The ordinary crawl against the profile's server, with one number of threads
 * after the other, each into a new scratch archive, over the same items. Rounds go up and down the
 * numbers in turn, so that what changes with time (the server's load, its caches) doesn't look like
 * what changes with threads.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench.h"
#include "errand.h"
#include "exarch/clock.h"
#include "exarch/fs.h"
#include "exarch/mem.h"
#include "select.h"

#define THREADS_DEFAULT "1,2,4,8"
#define COUNTS_MOST 16
#define ITEMS_DEFAULT 4000
#define ROUNDS_MOST 100
#define DURATION_DEFAULT_MS (INT64_C(120) * 1000)
/* Of the store beside what the messages need: a segment's beginning, the index, its growth. */
#define ROOM_BESIDE ((uint64_t)128 * 1024 * 1024)

static struct cancel stop_asked; /* raised by signal handlers: must outlive everything */

struct benching {
	const struct args *args;
	struct session session;
	struct plan plan;
	struct bench_choice choice;
	uint32_t threads[COUNTS_MOST];
	size_t count;
	uint64_t items;
	uint64_t rounds;
	int64_t duration_ms;
	enum store_codec codec;
	bool encrypted;
	char *scratch;
	struct bench_run *runs; /* rounds of the first number of threads, of the second, ... */
	size_t done[COUNTS_MOST];
	int64_t busy_until_mono_ns;
};

/* The run under way is told too, and ends its batch; told twice it is ended. We stay, to clean up.
 */
static void
on_stop(int signal_number)
{
	cancel_raise(&stop_asked, CANCEL_SIGNAL);
	bench_signal_run(signal_number);
}

static void
catch_signals(void)
{
	struct sigaction stop = { .sa_handler = on_stop };

	(void)sigaction(SIGINT, &stop, NULL);
	(void)sigaction(SIGTERM, &stop, NULL);
	(void)sigaction(SIGHUP, &stop, NULL);
}

/* ---- options ---- */

static int
by_number(const void *a, const void *b)
{
	const uint32_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

static bool
read_threads(struct benching *b, struct exa_error *err)
{
	const char *text = b->args->value[OPT_THREADS], *at;
	size_t kept = 0;

	if (text == NULL)
		text = THREADS_DEFAULT;
	for (at = text;; at++) {
		char *end;
		unsigned long n = strtoul(at, &end, 10);

		if (*at < '0' || *at > '9' || (*end != ',' && *end != '\0') || n < 1 ||
			n > PROFILE_THREADS_MAX || b->count == COUNTS_MOST)
			return exa_fail(err, EXA_USAGE,
				"--threads is a list of at most %d numbers from 1 to %d (%s), not "
				"'%s'",
				COUNTS_MOST, PROFILE_THREADS_MAX, THREADS_DEFAULT, text);
		b->threads[b->count++] = (uint32_t)n;
		at = end;
		if (*at == '\0')
			break;
	}
	exa_sort(b->threads, b->count, sizeof b->threads[0], by_number);
	for (size_t i = 0; i < b->count; i++) {
		if (kept == 0 || b->threads[i] != b->threads[kept - 1])
			b->threads[kept++] = b->threads[i];
	}
	b->count = kept;
	return true;
}

static bool
read_number(const struct benching *b, enum option_id id, uint64_t most, uint64_t *value,
	struct exa_error *err)
{
	const char *text = b->args->value[id], *name = option_specs[id].name;

	if (text == NULL)
		return true;
	if (!number_read(text, value, err))
		return exa_while(err, "--%s", name);
	return (*value > 0 && *value <= most) ||
	       exa_fail(err, EXA_USAGE, "--%s is a number from 1 to %llu, not '%s'", name,
		       (unsigned long long)most, text);
}

static bool
read_codec(struct benching *b, struct exa_error *err)
{
	const char *name = b->args->value[OPT_COMPRESSION];

	b->codec = name != NULL && strcmp(name, "zstd") == 0 ? STORE_CODEC_ZSTD : STORE_CODEC_ZLIB;
	return name == NULL || b->codec == STORE_CODEC_ZSTD || strcmp(name, "zlib") == 0 ||
	       exa_fail(err, EXA_USAGE, "--compression is zlib or zstd, not '%s'", name);
}

/* Found out now, not when all is measured. */
static bool
check_svg(const struct benching *b, struct exa_error *err)
{
	const char *path = b->args->value[OPT_SVG];
	EXA_AUTO(exa_freep) char *dir = path != NULL ? fs_dir_of(path) : NULL;

	return path == NULL || access(dir, W_OK) == 0 ||
	       exa_fail_errno(err, errno, "--svg: the folder of %s", path);
}

static bool
read_options(struct benching *b, struct exa_error *err)
{
	const char *duration = b->args->value[OPT_DURATION];

	b->items = ITEMS_DEFAULT;
	b->rounds = 1;
	b->duration_ms = DURATION_DEFAULT_MS;
	if (!read_threads(b, err) || !read_codec(b, err) || !check_svg(b, err) ||
		!read_number(b, OPT_ITEMS, UINT32_MAX, &b->items, err) ||
		!read_number(b, OPT_ROUNDS, ROUNDS_MOST, &b->rounds, err))
		return false;
	return duration == NULL || clock_parse_span(duration, &b->duration_ms, err) ||
	       exa_while(err, "--duration");
}

/* ---- the runs ---- */

/* What was archived encrypted isn't put beside the archive in the clear, be it for a minute. */
static bool
look_at_archive(struct benching *b, struct exa_error *err)
{
	const struct profile *p = b->session.profile;

	b->encrypted = p->key_file != NULL || p->passphrase_file != NULL;
	return b->encrypted || !store_exists(p->archive) ||
	       store_is_encrypted(p->archive, &b->encrypted, err);
}

/* Beside the archive if nothing else is said: its disk is a part of what is measured. */
static bool
make_scratch(struct benching *b, struct exa_error *err)
{
	const char *said = b->args->value[OPT_SCRATCH];
	EXA_AUTO(exa_freep) char *beside = fs_dir_of(b->session.profile->archive);

	return scratch_make(said != NULL ? said : beside,
		b->choice.estimated_bytes + b->choice.estimated_bytes / 4 + ROOM_BESIDE,
		&b->scratch, err);
}

static bool
rest(void *ctx, struct exa_error *err)
{
	const int64_t *until_ns = ctx;
	const int64_t left_ns = *until_ns - clock_mono_ns();

	if (left_ns <= 0)
		return true;
	(void)exa_fail(err, EXA_THROTTLED, "the server asked us to wait");
	err->retry_after_ms = (uint32_t)(left_ns / EXA_NS_PER_MS) + 1;
	return false;
}

/* A new run knows nothing of the back-off that the one before was told of. */
static bool
obey_back_off(struct benching *b, struct exa_error *err)
{
	const int64_t left_ns = b->busy_until_mono_ns - clock_mono_ns();

	if (left_ns <= 0)
		return true;
	if (b->args->value[OPT_QUIET] == NULL && b->args->value[OPT_JSON] == NULL)
		(void)fprintf(stderr, "the server asks for %lld s of rest first\n",
			(long long)(left_ns / EXA_NS_PER_S) + 1);
	return errand_run(rest, &b->busy_until_mono_ns, &stop_asked, err);
}

static bool
measure(struct benching *b, size_t which, size_t round, struct exa_error *err)
{
	const struct bench_task task = { .session = &b->session,
		.choice = &b->choice,
		.cancel = &stop_asked,
		.scratch = b->scratch,
		.codec = b->codec,
		.encrypted = b->encrypted,
		.threads = b->threads[which],
		.duration_ms = b->duration_ms };
	struct bench_outcome outcome;

	if (!obey_back_off(b, err) || !bench_measure(&task, &outcome, err))
		return false;
	if (outcome.busy_until_mono_ns > b->busy_until_mono_ns)
		b->busy_until_mono_ns = outcome.busy_until_mono_ns;
	b->runs[which * (size_t)b->rounds + b->done[which]++] = outcome.run;
	bench_tell_run(b->args, &outcome, round + 1, (size_t)b->rounds);
	return true;
}

static bool
measure_all(struct benching *b, struct exa_error *err)
{
	b->runs = exa_alloc_array(b->count * (size_t)b->rounds, sizeof *b->runs);
	bench_tell_start(b->args, &b->choice, b->threads, b->count);
	for (size_t round = 0; round < b->rounds; round++) {
		for (size_t i = 0; i < b->count; i++) {
			const size_t which = round % 2 == 0 ? i : b->count - 1 - i;

			if (!measure(b, which, round, err))
				return exa_while(err, "with %u threads", b->threads[which]);
		}
	}
	return true;
}

/* ---- the end ---- */

static bool
draw(const struct benching *b, const struct bench_point *points, const struct bench_advice *advice,
	struct exa_error *err)
{
	EXA_AUTO(buf_done) struct buf svg = { 0 };
	EXA_AUTO(exa_freep)
	char *title = exa_asprintf("exarch bench: %llu items of %zu mailboxes",
		(unsigned long long)b->choice.items, b->choice.count);

	if (b->args->value[OPT_SVG] == NULL)
		return true;
	bench_svg(points, b->count, advice, title, &svg);
	return fs_write_file(b->args->value[OPT_SVG], buf_bytes(&svg), 0666, err);
}

/* Of a bench that was stopped: what there is, without advice. */
static bool
conclude(const struct benching *b, bool whole, struct exa_error *err)
{
	struct bench_point points[COUNTS_MOST];
	struct bench_advice advice;
	size_t count = 0;

	for (size_t i = 0; i < b->count; i++) {
		if (b->done[i] > 0)
			bench_gather(&b->runs[i * (size_t)b->rounds], b->done[i], &points[count++]);
	}
	if (count > 0)
		bench_tell_points(b->args, points, count);
	if (!whole)
		return true;
	bench_advise(points, count, (unsigned)sysconf(_SC_NPROCESSORS_ONLN), &advice);
	bench_tell_advice(b->args, points, count, &advice);
	return draw(b, points, &advice, err);
}

static bool
bench(struct benching *b, struct exa_error *err)
{
	struct exa_error ignored;

	if (!read_options(b, err) ||
		!session_open(b->args->positional[0], &stop_asked, &b->session, err) ||
		!look_at_archive(b, err) ||
		!plan_load(&b->session, b->args->value[OPT_MAILBOX], &stop_asked, &b->plan, err) ||
		!bench_choose(&b->session, &b->plan, b->items, &stop_asked, &b->choice, err) ||
		!make_scratch(b, err))
		return false;
	if (measure_all(b, err))
		return conclude(b, true, err);
	(void)!conclude(b, false, &ignored);
	return false;
}

int
cmd_bench(const struct args *args)
{
	struct benching b = { .args = args };
	struct exa_error err, late;
	int code = EXIT_DONE;

	catch_signals();
	if (!bench(&b, &err))
		code = fail_with(&err);
	if (b.scratch != NULL && !scratch_remove(b.scratch, &late))
		code = fail_with(&late);
	exa_free(b.scratch);
	exa_free(b.runs);
	bench_choice_done(&b.choice);
	plan_done(&b.plan);
	session_done(&b.session);
	return code;
}
