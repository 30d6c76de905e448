/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A batch of items. One request asks for all that are left of it; what comes of each item is
 * settled by its place in the answer. What isn't settled when the request ends goes by policy:
 * again later, in two halves, or alone, so that a bad item is found and costs only itself; and by
 * the ladder (ladder.c), when it can't be had like this at all.
 */
#include <string.h>

#include "exarch/clock.h"
#include "internal.h"

struct fetch_job {
	struct job job; /* first: the pool hands it back */
	struct folder *folder;
	struct item_ref *refs;
	size_t count, capacity;
};

static void
ref_done(struct item_ref *ref)
{
	exa_free(ref->id);
	exa_free(ref->change_key);
	exa_free(ref->class);
	held_free(ref->held);
	exa_free(ref->why);
}

static void
fetch_free(struct fetch_job *f)
{
	for (size_t i = 0; i < f->count; i++)
		ref_done(&f->refs[i]);
	exa_free(f->refs);
	exa_free(f);
}

static void
fetch_drop(struct job *job)
{
	fetch_free((struct fetch_job *)(void *)job);
}

static void fetch_run(struct job *base, void *thread);

static struct fetch_job *
fetch_new(struct folder *folder)
{
	struct fetch_job *f = exa_alloc(sizeof *f);

	f->folder = folder;
	f->job = (struct job){ .rank = WORK_FETCH,
		.target = folder->mailbox->target,
		.run = fetch_run,
		.drop = fetch_drop };
	return f;
}

/* Takes over REF. */
static void
fetch_push(struct fetch_job *f, struct item_ref ref)
{
	if (f->count == f->capacity) {
		f->capacity = f->capacity > 0 ? f->capacity * 2 : 8;
		f->refs = exa_realloc_array(f->refs, f->capacity, sizeof *f->refs);
	}
	f->refs[f->count++] = ref;
}

static void
fetch_queue(struct fetch_job *f)
{
	mailbox_job_begins(f->folder->mailbox);
	work_add(f->folder->mailbox->run->work, &f->job);
}

/* ---- plan ---- */

static void
plan_push(struct fetch_plan *p, struct job *job)
{
	job->next = p->batches;
	p->batches = job;
}

static void
plan_end_suspects(struct fetch_plan *p)
{
	if (p->suspects != NULL)
		plan_push(p, moved_job_base(p->suspects));
	p->suspects = NULL;
}

static void
plan_end_batch(struct fetch_plan *p)
{
	if (p->filling == NULL)
		return;
	plan_push(p, &p->filling->job);
	p->filling = NULL;
	p->bytes = 0;
}

static struct job *
plan_take(struct fetch_plan *p)
{
	struct job *job = p->batches;

	if (job != NULL)
		p->batches = job->next;
	return job;
}

void
fetch_plan_queue(struct fetch_plan *p)
{
	struct mailbox *m = p->folder->mailbox;
	struct job *job;

	plan_end_batch(p);
	plan_end_suspects(p);
	while ((job = plan_take(p)) != NULL) {
		mailbox_job_begins(m);
		work_add(m->run->work, job);
	}
}

void
fetch_plan_drop(struct fetch_plan *p)
{
	struct job *job;

	plan_end_batch(p);
	plan_end_suspects(p);
	while ((job = plan_take(p)) != NULL)
		job->drop(job);
}

void
fetch_plan_add(struct fetch_plan *p, const struct ledger_entry *entry, bool said_gone)
{
	struct mailbox *m = p->folder->mailbox;
	const struct crawl_options *options = m->run->options;
	uint64_t size = entry->size_bytes > 0 ? (uint64_t)entry->size_bytes : 0;

	(void)atomic_fetch_add(&m->would_archive, 1);
	if (options->dry_run)
		return;
	if (p->filling != NULL && (p->filling->count >= options->batch_items ||
					  p->bytes + size > options->batch_bytes))
		plan_end_batch(p);
	if (p->filling == NULL)
		p->filling = fetch_new(p->folder);
	fetch_push(p->filling,
		(struct item_ref){ .id = exa_strdup(entry->server_id),
			.form = options->capture == CRAWL_CAPTURE_NATIVE ? FORM_NATIVE : FORM_MIME,
			.change_key = exa_strdup(entry->change_key),
			.class = exa_strdup(entry->class),
			.size_bytes = entry->size_bytes,
			.received_ns = entry->received_ns,
			.is_read = entry->is_read,
			.attempts = entry->attempts,
			.said_gone = said_gone });
	p->bytes += size;
}

void
fetch_plan_add_suspect(struct fetch_plan *p, const struct ledger_entry *entry,
	const struct catalog_alike_item *likely)
{
	if (p->suspects == NULL)
		p->suspects = moved_job_new(p->folder);
	if (!moved_job_add(p->suspects, entry, likely))
		plan_end_suspects(p);
}

/* ---- one request ---- */

/*
 * A stream isn't cut by the server into what it can bear, as a listing is: ExportItems gets few
 * items at a time, and a large one goes alone. Sizes are the server's own, base64 adds a third.
 */
#define NATIVE_REQUEST_ITEMS ((size_t)20)
#define NATIVE_REQUEST_BYTES ((uint64_t)4 * 1024 * 1024)

/* The job's items are asked for in one form; of the native one first the properties, which don't
 * come with the stream. */
enum question { ASK_MIME, ASK_PROPERTIES, ASK_NATIVE };

struct fetching {
	struct fetch_job *job;
	struct crawl_thread *thread;
	enum question question;
	size_t place[EWS_BATCH_MAX]; /* in job->refs, by position in the request */
	size_t asked;
	bool got_on;      /* something came of it */
	bool has_passing; /* some item failed in a way that passes, or with the mailbox */
	struct exa_error passing;
};

static struct item_ref *
ref_at(const struct fetching *f, size_t index)
{
	return &f->job->refs[f->place[index]];
}

static void
settle(struct fetching *f, struct item_ref *ref)
{
	ref->done = true;
	f->got_on = true;
}

static bool
on_begin(void *ctx, size_t index, struct exa_error *err)
{
	struct fetching *f = ctx;

	(void)index;
	(void)err;
	return item_begin(f->thread);
}

static bool
on_bytes(void *ctx, size_t index, struct bytes bytes, struct exa_error *err)
{
	struct fetching *f = ctx;

	(void)index;
	return f->question == ASK_NATIVE ? item_native(f->thread, bytes, err)
					 : item_mime(f->thread, bytes, err);
}

/* Whether it helps to try the same again later; one of many may be better tried alone. */
static bool
passes(const struct fetching *f, const struct exa_error *why)
{
	return work_advise(why, f->asked > 1 ? WORK_SCOPE_BATCH : WORK_SCOPE_ITEM, 1) == WORK_RETRY;
}

/* An item that stops a batch is followed by others that only say so. */
static int
weight(enum exa_code code)
{
	if (code == EXA_ASIDE)
		return 2;
	return code == EXA_THROTTLED ? 1 : 0;
}

/* What the whole batch is to be judged by: the first that failed, unless a later one asks to wait
 * or is about the mailbox. */
static void
note_passing(struct fetching *f, const struct exa_error *why)
{
	if (!f->has_passing || weight(why->code) > weight(f->passing.code))
		f->passing = *why;
	f->has_passing = true;
}

static bool
on_failed(void *ctx, size_t index, const struct exa_error *why, struct exa_error *err)
{
	struct fetching *f = ctx;
	struct folder *folder = f->job->folder;
	struct item_ref *ref = ref_at(f, index);

	if (why->code == EXA_GONE && !ref->said_gone) {
		settle(f, ref);
		return item_gone(f->thread, folder, ref, err);
	}
	if (passes(f, why) || why->code == EXA_ASIDE) {
		note_passing(f, why);
		return true;
	}
	if (!ladder_next(f->thread, folder, ref, f->asked == 1, why, err))
		return false;
	f->got_on = f->got_on || ref->done;
	return true;
}

static bool
on_mime_end(struct fetching *f, size_t index, const struct ews_item *item, struct exa_error *err)
{
	struct folder *folder = f->job->folder;
	const unsigned capture = folder->mailbox->run->options->capture;
	struct item_ref *ref = ref_at(f, index);
	struct recipe_result mime;
	struct exa_error why;

	if (!item->has_mime) {
		(void)exa_fail(&why, EXA_UNREADABLE,
			"the server gave no MIME form of this item (class %s)", item->class);
		return on_failed(f, index, &why, err);
	}
	if (!item_mime_stored(f->thread, item->id, &mime, err))
		return false;
	if ((capture & CRAWL_CAPTURE_NATIVE) != 0 && ref->why == NULL) {
		held_free(ref->held);
		ref->held = held_new(item, &mime);
		ref->form = FORM_NATIVE;
		ref->rung = RUNG_BATCH;
		ref->moves = true;
		f->got_on = true;
		return true;
	}
	if (ref->why != NULL)
		item_lacks_form(folder, ref, ref->why);
	if (!item_archive(f->thread, folder, item, &mime, NULL, err))
		return false;
	settle(f, ref);
	return true;
}

static bool
on_native_end(struct fetching *f, size_t index, const struct ews_item *item, struct exa_error *err)
{
	struct item_ref *ref = ref_at(f, index);
	const struct item_held *held = ref->held;
	struct recipe_result native;
	struct exa_error why;

	if (item->mime_bytes == 0) {
		(void)exa_fail(&why, EXA_UNREADABLE, "the server gave an empty native stream");
		return on_failed(f, index, &why, err);
	}
	if (!item_native_stored(f->thread, item->id, &native, err) ||
		!item_archive(f->thread, f->job->folder, &held->item,
			held->has_mime ? &held->mime : NULL, &native, err))
		return false;
	settle(f, ref);
	return true;
}

static bool
on_end(void *ctx, size_t index, const struct ews_item *item, struct exa_error *err)
{
	struct fetching *f = ctx;
	struct exa_error why;

	/* Answers are told apart by their place alone; the id shows that it is the right one. */
	if (strcmp(item->id, ref_at(f, index)->id) != 0) {
		(void)exa_fail(
			&why, EXA_PROTOCOL, "the server gave another item than was asked for");
		return on_failed(ctx, index, &why, err);
	}
	switch (f->question) {
	case ASK_MIME:
		return on_mime_end(f, index, item, err);
	case ASK_PROPERTIES:
		held_free(ref_at(f, index)->held);
		ref_at(f, index)->held = held_new(item, NULL);
		f->got_on = true;
		return true;
	case ASK_NATIVE:
		break;
	}
	return on_native_end(f, index, item, err);
}

static enum question
question_of(const struct fetch_job *job)
{
	if (job->refs[0].form == FORM_MIME)
		return ASK_MIME;
	for (size_t i = 0; i < job->count; i++) {
		if (job->refs[i].held == NULL)
			return ASK_PROPERTIES;
	}
	return ASK_NATIVE;
}

/* Which of the job's items the next request asks for. */
static void
choose(struct fetching *f)
{
	const struct fetch_job *job = f->job;
	uint64_t bytes = 0;

	for (size_t i = 0; i < job->count && f->asked < EWS_BATCH_MAX; i++) {
		const struct item_held *held = job->refs[i].held;

		if (f->question == ASK_PROPERTIES && held != NULL)
			continue;
		if (f->question == ASK_NATIVE && held->item.size_bytes > 0)
			bytes += (uint64_t)held->item.size_bytes;
		if (f->question == ASK_NATIVE && f->asked > 0 &&
			(f->asked == NATIVE_REQUEST_ITEMS || bytes > NATIVE_REQUEST_BYTES))
			return;
		f->place[f->asked++] = i;
	}
}

static bool
ask(struct fetching *f, struct exa_error *err)
{
	const struct folder *folder = f->job->folder;
	const struct ews_mailbox mailbox = folder_ews_mailbox(folder);
	const struct ews_item_handler handler = {
		.begin = on_begin, .mime = on_bytes, .end = on_end, .failed = on_failed, .ctx = f
	};
	struct report *report = folder->mailbox->run->options->report;
	struct ews *ews = f->thread->ews;
	struct ews_item_ref refs[EWS_BATCH_MAX];
	bool good = false;

	f->question = question_of(f->job);
	choose(f);
	/* Without the change key: what is current is what we want. */
	for (size_t i = 0; i < f->asked; i++)
		refs[i] = (struct ews_item_ref){ .id = ref_at(f, i)->id };
	if (f->job->refs[0].rung == RUNG_FRESH)
		ews_drop_connections(ews);
	report_folder(report, folder->mailbox->active, folder->path);
	report_requests(report, 1);
	switch (f->question) {
	case ASK_MIME:
		good = ews_get_items(ews, &mailbox, refs, f->asked, &handler, err);
		break;
	case ASK_PROPERTIES:
		good = ews_get_properties(ews, &mailbox, refs, f->asked, &handler, err);
		break;
	case ASK_NATIVE:
		good = ews_export_items(ews, &mailbox, refs, f->asked, &handler, err);
		break;
	}
	report_requests(report, -1);
	return good;
}

/* ---- what is left ---- */

static struct fetch_job *
fetch_alone(struct folder *folder, struct item_ref ref)
{
	struct fetch_job *f = fetch_new(folder);

	ref.moves = false;
	fetch_push(f, ref);
	return f;
}

/* Drops what is settled. Items that move on get jobs: each its own, or one together when they may
 * go in a batch. */
static void
clear_settled(struct fetch_job *f)
{
	struct fetch_job *together = NULL;
	size_t kept = 0;

	for (size_t i = 0; i < f->count; i++) {
		struct item_ref *ref = &f->refs[i];

		if (ref->done) {
			ref_done(ref);
		} else if (!ref->moves) {
			f->refs[kept++] = *ref;
		} else if (ref->rung != RUNG_BATCH) {
			fetch_queue(fetch_alone(f->folder, *ref));
		} else {
			ref->moves = false;
			if (together == NULL)
				together = fetch_new(f->folder);
			fetch_push(together, *ref);
		}
	}
	f->count = kept;
	if (together != NULL)
		fetch_queue(together);
}

static void
fetch_ends(struct fetch_job *f)
{
	struct mailbox *m = f->folder->mailbox;

	fetch_free(f);
	mailbox_job_ends(m);
}

/* The second half becomes a job of its own. What was waited for in vain isn't waited for again:
 * both keep the count of failures, so that a poison item is found without delay. */
static void
halve(struct fetch_job *f)
{
	struct fetch_job *other = fetch_new(f->folder);
	size_t half = f->count / 2;

	for (size_t i = half; i < f->count; i++)
		fetch_push(other, f->refs[i]);
	f->count = half;
	other->job.attempts = f->job.attempts;
	other->job.throttled = f->job.throttled;
	fetch_queue(other);
	work_add(f->folder->mailbox->run->work, &f->job);
}

/* Alone, and waited for: on other connections, for what it is worth. */
static void
give_up_form(struct fetch_job *f, struct crawl_thread *t, const struct exa_error *why)
{
	struct item_ref *ref = &f->refs[0];
	struct fetch_job *other;
	struct exa_error err;

	ref->rung = RUNG_FRESH;
	if (!ladder_next(t, f->folder, ref, true, why, &err))
		work_stop(f->folder->mailbox->run->work, &err);
	if (ref->moves) {
		other = fetch_alone(f->folder, *ref);
		/* What was waited for in vain isn't waited for again. */
		other->job.attempts = f->job.attempts;
		other->job.throttled = f->job.throttled;
		fetch_queue(other);
		f->count = 0;
	}
	catalog_batch_done(&t->batch);
	fetch_ends(f);
}

/* The request failed, or items of it did in a way that passes. */
static void
go_on(struct fetch_job *f, struct crawl_thread *t, const struct exa_error *why)
{
	switch (job_fails(t, f->folder->mailbox, &f->job,
		f->count == 1 ? WORK_SCOPE_ITEM : WORK_SCOPE_BATCH, why)) {
	case OUTCOME_QUEUED:
		return;
	case OUTCOME_SMALLER:
		halve(f);
		return;
	case OUTCOME_SKIPPED:
		give_up_form(f, t, why);
		return;
	case OUTCOME_STOPPED:
	case OUTCOME_ASIDE:
		break;
	}
	fetch_ends(f);
}

static void
fetch_run(struct job *base, void *thread)
{
	struct fetch_job *f = (struct fetch_job *)(void *)base;
	struct fetching fetching = { .job = f, .thread = thread };
	struct mailbox *m = f->folder->mailbox;
	struct exa_error err;
	bool good;

	if (mailbox_is_abandoned(m)) {
		fetch_ends(f);
		return;
	}
	good = ask(&fetching, &err);
	catalog_batch_done(&fetching.thread->batch);
	clear_settled(f);
	if (fetching.got_on)
		work_got_on(m->run->work, &f->job);
	if (f->count == 0) {
		fetch_ends(f);
	} else if (!good && fetching.question == ASK_MIME &&
		   (err.code == EXA_DENIED || err.code == EXA_GONE)) {
		/* The request as a whole is refused: that is the mailbox, not an item. Exports may
		 * be forbidden where reading isn't. */
		mailbox_abandon(m, &err);
		fetch_ends(f);
	} else if (!good) {
		go_on(f, thread, &err);
	} else if (fetching.has_passing) {
		go_on(f, thread, &fetching.passing);
	} else {
		/* More than one request's worth, or properties that the stream follows. */
		work_add(m->run->work, &f->job);
	}
}
