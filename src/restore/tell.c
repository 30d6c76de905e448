/* SPDX-License-Identifier: Apache-2.0 */
/* What is counted and told. The listener hears one thing at a time. */
#include <string.h>

#include "internal.h"

const char *
restore_outcome_name(enum restore_outcome o)
{
	switch (o) {
	case RESTORE_DONE:
		return "restored";
	case RESTORE_THERE:
		return "there";
	case RESTORE_TWIN:
		return "twin";
	case RESTORE_FAILED:
		break;
	}
	return "failed";
}

/* False: it isn't settled. In a dry run, what is open would be restored. */
static bool
outcome_of(const struct batch *b, const struct wanted *w, enum restore_outcome *out)
{
	switch (w->state) {
	case WANTED_OPEN:
		*out = RESTORE_DONE;
		return b->looked && b->source->target->run->options->dry_run;
	case WANTED_UNMARKED:
	case WANTED_DONE:
		*out = RESTORE_DONE;
		return true;
	case WANTED_THERE:
		*out = RESTORE_THERE;
		return true;
	case WANTED_TWIN:
		*out = RESTORE_TWIN;
		return true;
	case WANTED_FAILED:
		*out = RESTORE_FAILED;
		return true;
	}
	return false;
}

static void
count(struct restore_counts *c, const struct wanted *w, enum restore_outcome outcome)
{
	switch (outcome) {
	case RESTORE_DONE:
		c->restored++;
		c->native += w->native;
		c->bytes += w->native ? w->item.native_bytes : w->item.mime_bytes;
		break;
	case RESTORE_THERE:
		c->there++;
		break;
	case RESTORE_TWIN:
		c->twins++;
		break;
	case RESTORE_FAILED:
		c->failed++;
		c->damaged += w->why->code == EXA_CORRUPT;
		break;
	}
}

static void
note_restored(struct run *run, uint64_t number)
{
	if (run->restored_count == run->restored_capacity) {
		run->restored_capacity =
			run->restored_capacity > 0 ? run->restored_capacity * 2 : 256;
		run->restored = exa_realloc_array(
			run->restored, run->restored_capacity, sizeof *run->restored);
	}
	run->restored[run->restored_count++] = number;
}

void
tell_batch(struct batch *b)
{
	struct target *t = b->source->target;
	struct run *run = t->run;
	const struct restore_listener *listener = &run->options->listener;

	(void)pthread_mutex_lock(&run->mu);
	for (size_t i = 0; i < b->count; i++) {
		const struct wanted *w = &b->wanted[i];
		enum restore_outcome outcome;

		if (!outcome_of(b, w, &outcome))
			continue;
		count(&t->counts, w, outcome);
		count(&run->result.counts, w, outcome);
		if (outcome == RESTORE_DONE && !run->options->dry_run)
			note_restored(run, w->row.number);
		listener->item(
			listener->ctx, &(struct restore_told){ .number = w->row.number,
					       .mailbox = t->label,
					       .folder = b->source->place_path,
					       .outcome = outcome,
					       .item_id = w->made_id != NULL ? w->made_id : "",
					       .why = w->why });
	}
	(void)pthread_mutex_unlock(&run->mu);
}

void
tell_folder(struct target *t, const char *path)
{
	const struct restore_listener *listener = &t->run->options->listener;

	(void)pthread_mutex_lock(&t->run->mu);
	t->counts.folders++;
	t->run->result.counts.folders++;
	listener->folder(listener->ctx, t->label, path);
	(void)pthread_mutex_unlock(&t->run->mu);
}

void
tell_problem(struct target *t, const char *folder, const struct exa_error *why)
{
	const struct restore_listener *listener = &t->run->options->listener;

	(void)pthread_mutex_lock(&t->run->mu);
	listener->problem(listener->ctx, t->label, folder, why);
	(void)pthread_mutex_unlock(&t->run->mu);
}

void
tell_replaced(struct target *t)
{
	(void)pthread_mutex_lock(&t->run->mu);
	t->counts.replaced++;
	t->run->result.counts.replaced++;
	(void)pthread_mutex_unlock(&t->run->mu);
}

void
tell_target(struct target *t, bool complete)
{
	const struct restore_listener *listener = &t->run->options->listener;
	struct restore_mailbox told = { .mailbox = t->label, .complete = complete };

	(void)pthread_mutex_lock(&t->run->mu);
	told.counts = t->counts;
	if (atomic_load(&t->abandoned))
		told.error = t->error;
	t->run->result.mailboxes++;
	t->run->result.mailboxes_failed += told.error.code != EXA_OK;
	t->run->result.mailboxes_incomplete += told.error.code == EXA_OK && !complete;
	listener->mailbox(listener->ctx, &told);
	(void)pthread_mutex_unlock(&t->run->mu);
}

void
tell_waiting(struct run *run, uint32_t ms)
{
	const struct restore_listener *listener = &run->options->listener;

	(void)pthread_mutex_lock(&run->mu);
	listener->waiting(listener->ctx, ms);
	(void)pthread_mutex_unlock(&run->mu);
}
