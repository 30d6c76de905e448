/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One run: what there is to do, the audit's word that it begins, threads and their connections, the
 * audit's word on what came of it. The first record is durable before anything is asked of a
 * server that changes something.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "exarch/clock.h"

#include "internal.h"

/* Exchange answers at most 27 requests of one mailbox at a time (EWSMaxConcurrency), those of its
 * owner's other programs included. */
#define TARGET_REQUESTS_MAX 20
/* So many items an audit record names one by one. */
#define NAMED_MAX ((size_t)200000)

/* ---- the audit ---- */

static struct catalog_audit
audit_of(const struct run *run, const char *action, const char *detail)
{
	return (struct catalog_audit){ .when_ns = clock_wall_ns(),
		.user = run->options->user,
		.host = run->options->host,
		.program = run->options->program,
		.action = action,
		.detail = detail };
}

static const char *
duplicates_name(enum restore_duplicates d)
{
	switch (d) {
	case RESTORE_SKIP:
		break;
	case RESTORE_COPY:
		return ", beside what is there";
	case RESTORE_REPLACE:
		return ", replacing what is there";
	}
	return "";
}

static void
describe(const struct run *run, struct buf *out)
{
	const struct restore_options *o = run->options;

	buf_printf(out, "%s, to %s%s%s%s", o->chosen,
		o->into_mailbox != NULL ? o->into_mailbox : "where they were",
		o->into_folder != NULL ? "/" : "", o->into_folder != NULL ? o->into_folder : "",
		duplicates_name(o->duplicates));
}

static bool
note_begin(struct run *run, uint64_t *record_out, struct exa_error *err)
{
	EXA_AUTO(buf_done) struct buf detail = { 0 };
	struct catalog_audit audit;

	describe(run, &detail);
	audit = audit_of(run, "restore begin", buf_string(&detail));
	audit.items = run->result.counts.planned;
	if (!catalog_audit_add(run->catalog, &audit, err))
		return exa_while(err, "noting who restores what");
	*record_out = audit.number;
	return true;
}

static int
by_number(const void *a, const void *b)
{
	const uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

static void
name_items(struct run *run, struct buf *out)
{
	uint64_t last = 0;

	if (run->restored_count == 0 || run->restored_count > NAMED_MAX)
		return;
	exa_sort(run->restored, run->restored_count, sizeof *run->restored, by_number);
	for (size_t i = 0; i < run->restored_count; i++)
		catalog_numbers_add(out, &last, run->restored[i]);
}

static void
add_count(struct buf *out, uint64_t n, const char *what)
{
	if (n > 0)
		buf_printf(out, ", %llu %s", (unsigned long long)n, what);
}

static bool
note_end(struct run *run, uint64_t record, bool finished, struct exa_error *err)
{
	const struct restore_counts *c = &run->result.counts;
	EXA_AUTO(buf_done) struct buf detail = { 0 };
	EXA_AUTO(buf_done) struct buf numbers = { 0 };
	struct catalog_audit audit;

	buf_printf(&detail, "of record %llu: %llu restored", (unsigned long long)record,
		(unsigned long long)c->restored);
	add_count(&detail, c->there, "restored before");
	add_count(&detail, c->twins, "there already");
	add_count(&detail, c->replaced, "deleted for them");
	add_count(&detail, c->failed, "failed");
	if (!finished)
		buf_add_string(&detail, "; stopped early");
	name_items(run, &numbers);
	audit = audit_of(run, "restore end", buf_string(&detail));
	audit.items = c->restored;
	audit.bytes = c->bytes;
	audit.about = record;
	audit.numbers = buf_bytes(&numbers);
	return catalog_audit_add(run->catalog, &audit, err) ||
	       exa_while(err, "noting what was restored");
}

/* ---- threads ---- */

static void
thread_end(void *ctx, void *thread)
{
	struct restore_thread *t = thread;
	struct run *run = ctx;
	struct ews_counters counters;

	if (t->ews != NULL) {
		ews_count(t->ews, &counters);
		(void)pthread_mutex_lock(&run->mu);
		run->result.requests += counters.requests;
		run->result.received_bytes += counters.received_bytes;
		(void)pthread_mutex_unlock(&run->mu);
	}
	ews_free(t->ews);
	store_reader_free(t->reader);
	buf_done(&t->scratch);
	exa_free(t);
}

static bool
thread_begin(void *ctx, uint32_t number, void **thread_out, struct exa_error *err)
{
	struct run *run = ctx;
	struct restore_thread *t = exa_alloc(sizeof *t);

	(void)number;
	t->run = run;
	if (!ews_new(&run->options->ews, &t->ews, err) ||
		!store_reader_new(catalog_store(run->catalog), &t->reader, err)) {
		thread_end(ctx, t);
		return false;
	}
	*thread_out = t;
	return true;
}

static void
waiting(void *ctx, uint32_t ms)
{
	tell_waiting(ctx, ms);
}

/* ---- the run ---- */

static bool
make_prefix(struct run *run, struct exa_error *err)
{
	struct store_stats stats;
	char uuid[2 * sizeof stats.uuid + 1];

	if (!store_stat(catalog_store(run->catalog), &stats, err))
		return false;
	hex_encode(bytes_of(stats.uuid, sizeof stats.uuid), uuid);
	(void)snprintf(run->marker_prefix, sizeof run->marker_prefix, "%s/", uuid);
	return true;
}

static bool
run_targets(struct run *run, struct exa_error *err)
{
	const struct work_options work = { .threads = run->options->threads,
		.target_max = TARGET_REQUESTS_MAX,
		.open_max = run->options->mailbox_concurrency,
		.cancel = run->options->cancel,
		.thread_begin = thread_begin,
		.thread_end = thread_end,
		.waiting = waiting,
		.ctx = run };
	bool good;

	run->work = work_new(&work);
	for (size_t i = 0; i < run->target_count; i++)
		target_begin(run->targets[i]);
	good = work_run(run->work, err);
	work_free(run->work); /* what was never run tells what it had done */
	for (size_t i = 0; i < run->target_count; i++) {
		if (!run->targets[i]->done)
			target_give_up(
				run->targets[i], good || err->code == EXA_CANCELLED ? NULL : err);
	}
	return good;
}

static bool
run_all(struct run *run, struct exa_error *err)
{
	const bool writes = !run->options->dry_run && run->target_count > 0;
	struct exa_error late;
	uint64_t record = 0;
	bool good;

	if (writes && !note_begin(run, &record, err))
		return false;
	good = run_targets(run, err);
	if (writes && !note_end(run, record, good, &late) && good) {
		*err = late;
		good = false;
	}
	return good;
}

bool
restore_run(struct catalog *catalog, const struct restore_options *options,
	struct restore_result *out, struct exa_error *err)
{
	struct run run = { .catalog = catalog, .options = options };
	bool good;

	(void)pthread_mutex_init(&run.mu, NULL);
	(void)pthread_mutex_init(&run.walk_mu, NULL);
	good = make_prefix(&run, err) && plan_restore(&run, err) && run_all(&run, err);
	*out = run.result;
	plan_forget(&run);
	exa_free(run.restored);
	(void)pthread_mutex_destroy(&run.mu);
	(void)pthread_mutex_destroy(&run.walk_mu);
	return good;
}
