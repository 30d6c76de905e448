/* SPDX-License-Identifier: Apache-2.0 */
/* One run over all mailboxes: threads, their connections, and the end of it. */
#include <string.h>

#include "exarch/clock.h"
#include "internal.h"

/* Exchange answers at most 27 requests of one mailbox at a time (EWSMaxConcurrency), those of its
 * owner's other programs included. */
#define MAILBOX_REQUESTS_MAX 20

struct crawl *
crawl_new(void)
{
	struct crawl *c = exa_alloc(sizeof *c);

	c->acks = acks_new();
	return c;
}

void
crawl_free(struct crawl *c)
{
	if (c == NULL)
		return;
	acks_free(c->acks);
	exa_free(c);
}

void
crawl_freep(struct crawl **c)
{
	crawl_free(*c);
	*c = NULL;
}

struct catalog_listener
crawl_listener(struct crawl *c)
{
	return (struct catalog_listener){ .committed = acks_committed, .ctx = c->acks };
}

void
mailbox_submitted(struct mailbox *m, uint64_t epoch)
{
	uint64_t last = atomic_load(&m->last_epoch);

	while (last < epoch && !atomic_compare_exchange_weak(&m->last_epoch, &last, epoch))
		;
}

bool
submit(struct crawl_thread *t, struct mailbox *m, uint64_t *epoch_out, struct exa_error *err)
{
	if (!catalog_submit(t->run->catalog, &t->batch, epoch_out, err))
		return false;
	mailbox_submitted(m, *epoch_out);
	return true;
}

static bool
take_root(void *ctx, const struct ews_folder *folder, struct exa_error *err)
{
	(void)ctx;
	(void)folder;
	(void)err;
	return true;
}

/*
 * Trouble that should have passed hasn't. Is it what was asked for (a message the server stumbles
 * over), or the mailbox? Its root folder tells: whoever can't answer for that has not failed over
 * an item.
 */
static bool
mailbox_answers(struct crawl_thread *t, const struct mailbox *m, struct exa_error *err)
{
	const struct ews_mailbox mailbox = crawl_ews_mailbox(m->what);
	const struct ews_folder_sink sink = { .folder = take_root };
	struct report *report = m->run->options->report;
	bool good;

	report_requests(report, 1);
	good = ews_get_folder(t->ews, &mailbox, NULL, &sink, err);
	report_requests(report, -1);
	return good;
}

static bool
was_waited_for(const struct exa_error *why)
{
	return why->code == EXA_NET || why->code == EXA_TIMEOUT || why->code == EXA_THROTTLED;
}

enum outcome
job_fails(struct crawl_thread *t, struct mailbox *m, struct job *job, enum work_scope scope,
	const struct exa_error *why)
{
	struct crawl_run *run = m->run;
	const enum work_advice advice = work_advise(why, scope, work_attempts(job, why));
	const bool slow_batch = scope == WORK_SCOPE_BATCH && why->code == EXA_TIMEOUT;
	struct exa_error ignored;

	switch (advice) {
	case WORK_RETRY:
		work_again(run->work, job, why);
		return OUTCOME_QUEUED;
	case WORK_SMALLER:
	case WORK_SKIP_ITEM:
	case WORK_SKIP_FOLDER:
		if (was_waited_for(why) && !slow_batch && !mailbox_answers(t, m, &ignored))
			break;
		return advice == WORK_SMALLER ? OUTCOME_SMALLER : OUTCOME_SKIPPED;
	case WORK_SKIP_MAILBOX:
		break;
	case WORK_STOP:
	case WORK_ADVICE_COUNT:
		work_stop(run->work, why);
		return OUTCOME_STOPPED;
	}
	mailbox_abandon(m, why);
	return OUTCOME_ASIDE;
}

static bool
piece(void *ctx, const struct mime_piece *p, struct exa_error *err)
{
	struct crawl_thread *t = ctx;

	return recipe_writer_piece(t->recipe, p, err);
}

static void
thread_end(void *ctx, void *thread)
{
	struct crawl_thread *t = thread;
	struct ews_counters counters;
	struct crawl_run *run = ctx;

	if (t->ews != NULL) {
		ews_count(t->ews, &counters);
		report_traffic(run->options->report, counters.requests, counters.received_bytes);
	}
	ews_free(t->ews);
	mime_splitter_free(t->splitter);
	recipe_writer_free(t->recipe);
	arena_free(t->arena);
	catalog_batch_done(&t->batch);
	exa_free(t);
}

static bool
thread_begin(void *ctx, uint32_t number, void **thread_out, struct exa_error *err)
{
	struct crawl_run *run = ctx;
	struct crawl_thread *t = exa_alloc(sizeof *t);
	const struct mime_sink sink = { .piece = piece, .ctx = t };

	t->run = run;
	t->number = number;
	t->splitter = mime_splitter_new(&sink);
	t->recipe = recipe_writer_new(catalog_store(run->catalog));
	t->arena = arena_new();
	if (!ews_new(&run->options->ews, &t->ews, err)) {
		thread_end(ctx, t);
		return false;
	}
	*thread_out = t;
	return true;
}

static void
waiting(void *ctx, uint32_t ms)
{
	struct crawl_run *run = ctx;

	report_waiting(run->options->report, ms);
}

/* The pool is empty or has given up; what is durable is durable. WHY is NULL when all went well. */
static void
report_unfinished(struct crawl_run *run, const struct exa_error *why)
{
	for (size_t i = 0; i < run->options->mailbox_count; i++) {
		struct mailbox *m = &run->mailboxes[i];

		if (m->opened && !m->done)
			mailbox_give_up(m, why != NULL && why->code == EXA_CANCELLED ? NULL : why);
	}
}

static bool
run_all(struct crawl_run *run, struct exa_error *err)
{
	struct exa_error flush_error;
	bool good;

	report_plan(run->options->report, run->options->mailbox_count);
	for (size_t i = 0; i < run->options->mailbox_count; i++) {
		const struct crawl_mailbox *what = &run->options->mailboxes[i];
		const bool same = i > 0 && strcmp(what->smtp, what[-1].smtp) == 0;

		run->mailboxes[i].what = what;
		mailbox_begin(run, &run->mailboxes[i],
			same ? run->mailboxes[i - 1].target : work_target_new(run->work));
	}
	good = work_run(run->work, err);
	if (!run->options->dry_run && !store_flush(catalog_store(run->catalog), &flush_error) &&
		good) {
		*err = flush_error;
		good = false;
	}
	report_unfinished(run, good ? NULL : err);
	return good;
}

bool
crawl_run(struct crawl *c, struct catalog *catalog, const struct crawl_options *options,
	struct exa_error *err)
{
	struct crawl_run run = {
		.crawl = c, .catalog = catalog, .options = options, .now_ns = clock_wall_ns()
	};
	const struct work_options work = { .threads = options->threads,
		.target_max = MAILBOX_REQUESTS_MAX,
		.open_max = options->mailbox_concurrency,
		.cancel = options->cancel,
		.thread_begin = thread_begin,
		.thread_end = thread_end,
		.waiting = waiting,
		.ctx = &run };
	bool good;

	run.work = work_new(&work);
	run.mailboxes = exa_alloc_array(options->mailbox_count, sizeof *run.mailboxes);
	acks_attach(c->acks, options->report);
	good = deletions_new(&run, &run.deletions, err) && run_all(&run, err);
	acks_attach(c->acks, NULL);
	work_free(run.work);
	deletions_free(run.deletions);
	for (size_t i = 0; i < options->mailbox_count; i++)
		mailbox_free(&run.mailboxes[i]);
	exa_free(run.mailboxes);
	return good;
}
