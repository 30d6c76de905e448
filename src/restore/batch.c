/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A batch of items of one archived folder, for one folder at the server:
 *
 *     look     which of them are there: restored before, or something like them
 *     send     those that aren't, a few in a request
 *     mark     what was uploaded
 *     delete   what was replaced
 *
 *          ┌────────────────── answer lost, or trouble that passes ──────────────────┐
 *          ▼                                                                         │
 *        look ─► send ─► send ─► ... ─► mark ─► delete ─► done ──────────────────────┘
 *
 * 1. Nothing is sent that wasn't looked for since the last answer that was lost, in this run or
 *    any before: so nothing is sent twice. What is made carries its marker from its first moment,
 *    but for native streams: those are marked in a second request, and until then known by what
 *    was there before them (look.c).
 * 2. Nothing is deleted before what replaces it is there.
 * 3. What a server says of one item costs that item; what the archive can't give, too.
 *
 * Between two requests the batch goes back to the pool: while a mailbox is asked to be left alone,
 * none of its batches asks for the next thing.
 *
 * A process that dies on any line leaves items that the next run finds.
 */
#include <string.h>

#include "internal.h"

struct batch *
batch_new(struct source *s)
{
	struct batch *b = exa_alloc(sizeof *b);

	b->source = s;
	b->arena = arena_new();
	b->group = GROUP_ITEMS;
	return b;
}

void
batch_add(struct batch *b, const struct catalog_row *row)
{
	b->wanted[b->count++].row = *row;
}

void
batch_free(struct batch *b)
{
	if (b == NULL)
		return;
	for (size_t i = 0; i < b->count; i++)
		exa_free(b->wanted[i].why);
	arena_free(b->arena);
	exa_free(b);
}

void
wanted_fail(struct wanted *w, const struct exa_error *why)
{
	exa_free(w->why);
	w->why = exa_alloc(sizeof *w->why);
	*w->why = *why;
	w->state = WANTED_FAILED;
}

bool
failure_passes(const struct exa_error *why)
{
	return why->code == EXA_ASIDE || why->code == EXA_AUTH || why->code == EXA_CANCELLED ||
	       work_advise(why, WORK_SCOPE_ITEM, 1) == WORK_RETRY;
}

static size_t
count_state(const struct batch *b, enum wanted_state state)
{
	size_t count = 0;

	for (size_t i = 0; i < b->count; i++)
		count += b->wanted[i].state == state;
	return count;
}

static bool
has_replaced(const struct batch *b)
{
	for (size_t i = 0; i < b->count; i++) {
		if (b->wanted[i].old_id != NULL)
			return true;
	}
	return false;
}

static bool
load(struct batch *b, struct restore_thread *t, struct exa_error *err)
{
	for (size_t i = 0; i < b->count; i++) {
		if (!item_load(b, &b->wanted[i], t, err))
			return exa_while(err, "reading item %llu",
				(unsigned long long)b->wanted[i].row.number);
	}
	b->loaded = true;
	return true;
}

static bool
look(struct batch *b, struct restore_thread *t, bool *asked_out, struct exa_error *err)
{
	if (!b->loaded && !load(b, t, err))
		return false;
	/* A dry run where the folder would be made: nothing can be there. */
	if (b->source->place_id[0] == '\0')
		return true;
	return b->phase == PHASE_LOOK_MARKED ? look_for_marked(b, t, asked_out, err)
					     : look_for_twins(b, t, asked_out, err);
}

/* At most one question to the server, so that the pool can hold back the next one. */
static bool
step(struct batch *b, struct restore_thread *t, bool *asked_out, struct exa_error *err)
{
	*asked_out = false;
	switch (b->phase) {
	case PHASE_LOOK_MARKED:
		if (!look(b, t, asked_out, err))
			return false;
		b->phase = PHASE_LOOK_TWINS;
		break;
	case PHASE_LOOK_TWINS:
		if (!look(b, t, asked_out, err))
			return false;
		b->looked = true;
		b->phase = t->run->options->dry_run ? PHASE_DONE : PHASE_SEND;
		break;
	case PHASE_SEND:
		if (count_state(b, WANTED_OPEN) == 0) {
			b->phase = PHASE_MARK;
			break;
		}
		*asked_out = true;
		return send_group(b, t, err);
	case PHASE_MARK:
		*asked_out = count_state(b, WANTED_UNMARKED) > 0;
		if (*asked_out && !send_marks(b, t, err))
			return false;
		b->phase = PHASE_DELETE;
		break;
	case PHASE_DELETE:
		*asked_out = has_replaced(b);
		if (*asked_out && !send_deletions(b, t, err))
			return false;
		b->phase = PHASE_DONE;
		break;
	case PHASE_DONE:
		break;
	}
	return true;
}

/* ---- the job ---- */

static void
batch_end(struct batch *b)
{
	struct target *target = b->source->target;

	tell_batch(b);
	batch_free(b);
	feed_batch_ends(target->run);
	target_job_ends(target);
}

static void
batch_drop(struct job *job)
{
	struct batch *b = (struct batch *)(void *)job;

	tell_batch(b); /* what is restored is restored */
	batch_free(b);
}

/* The request that failed is left out; when none was (looking, marking, deleting failed), nothing
 * more can be done for any of the batch. */
static void
leave_out(struct batch *b, const struct exa_error *why)
{
	const bool all = b->asked_count == 0;
	bool told = false;

	for (size_t i = 0; i < b->count; i++) {
		struct wanted *w = &b->wanted[i];
		bool asked = all;

		for (size_t k = 0; k < b->asked_count; k++)
			asked = asked || b->asked[k] == i;
		if (asked && w->state == WANTED_OPEN) {
			wanted_fail(w, why);
			told = true;
		}
		/* Unmarked, or its forerunner still there: it is restored all the same. */
		if (all && w->state == WANTED_UNMARKED)
			w->state = WANTED_DONE;
		if (all)
			w->old_id = NULL;
	}
	if (!told)
		tell_problem(b->source->target, b->source->place_path, why);
}

static void
batch_fails(struct batch *b, struct restore_thread *t, const struct exa_error *why)
{
	struct run *run = b->source->target->run;
	const enum work_scope scope = b->asked_count > 1    ? WORK_SCOPE_BATCH
				      : b->asked_count == 1 ? WORK_SCOPE_ITEM
							    : WORK_SCOPE_FOLDER;

	b->phase = PHASE_LOOK_MARKED; /* whatever may have been done is looked for */
	switch (target_job_fails(t, b->source->target, &b->job, scope, why)) {
	case OUTCOME_QUEUED:
		return;
	case OUTCOME_SMALLER:
		b->group = b->asked_count / 2;
		work_forget_failures(&b->job);
		work_add(run->work, &b->job);
		return;
	case OUTCOME_SKIPPED:
		leave_out(b, why);
		if (count_state(b, WANTED_OPEN) == 0 && count_state(b, WANTED_UNMARKED) == 0 &&
			!has_replaced(b))
			break;
		work_forget_failures(&b->job);
		work_add(run->work, &b->job);
		return;
	case OUTCOME_STOPPED:
	case OUTCOME_ASIDE:
		break;
	}
	batch_end(b);
}

static void
batch_run(struct job *job, void *thread)
{
	struct batch *b = (struct batch *)(void *)job;
	struct restore_thread *t = thread;
	struct exa_error err;
	bool asked;

	if (atomic_load(&b->source->target->abandoned)) {
		batch_end(b);
		return;
	}
	do {
		b->asked_count = 0;
		if (!step(b, t, &asked, &err)) {
			batch_fails(b, t, &err);
			return;
		}
	} while (!asked && b->phase != PHASE_DONE);
	work_got_on(b->source->target->run->work, job);
	if (b->phase == PHASE_DONE)
		batch_end(b);
	else
		work_add(b->source->target->run->work, job);
}

void
batch_queue(struct batch *b)
{
	struct target *t = b->source->target;

	b->job = (struct job){
		.rank = WORK_FETCH, .target = t->work, .run = batch_run, .drop = batch_drop
	};
	target_job_begins(t);
	work_add(t->run->work, &b->job);
}
