/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Deleting at the server what is archived (design promise 10). Off unless the profile says
 * otherwise. It begins when a mailbox is reconciled: every folder listed, nothing pending, nothing
 * unexplained. Then, a batch at a time:
 *
 *     choose    what the archive has and nothing keeps; each read back to its last byte and
 *               compared with the SHA-256 of its record
 *     look      the same items at the server: still there, with the very change key that was
 *               archived, not flagged
 *     announce  an audit record that names them                          durable before
 *     ask       DeleteItem                                               ... this, durable after
 *     conclude  an audit record of what became of each, and the ledger with it
 *
 *          ┌─────────────────────── all settled ◄──────────────────────────┐
 *          ▼                                                               │
 *     (resume) ─► choose ─► look ─► announce ─► ask ─► conclude ───────────┘
 *                            ▲                   │
 *                            └── answer lost ────┘
 *
 * 1. Nothing is asked for that the archive didn't give back, whole, in this very run.
 * 2. Nothing is asked for before the audit names it. So whatever line the process dies on, what was
 *    deleted stands in the audit.
 * 3. DeleteItem is never sent again on suspicion. When its answer is lost, the server is looked at:
 *    what is gone was deleted by us, what is there unchanged may be asked for again.
 * 4. An announcement without conclusion is from a run that died in between. The next run that
 *    reconciles the mailbox looks at the server and concludes it, before it chooses anything and
 *    even if deleting was switched off since.
 *
 * It is one job of the mailbox, put back into the pool after each batch, so that other mailboxes
 * get their turn. Trouble that passes is waited for as with any job; what doesn't pass ends the
 * mailbox's deletion and is reported, and no item is worse off for it.
 */
#include <string.h>

#include "delete.h"
#include "exarch/clock.h"

/* ---- the batch ---- */

void
due_done(struct due *d)
{
	exa_free(d->id);
	exa_free(d->change_key);
}

void
deletion_forget_batch(struct deletion *d)
{
	for (size_t i = 0; i < d->due_count; i++)
		due_done(&d->due[i]);
	d->due_count = 0;
	d->intent = 0;
	d->resumed = false;
	d->unasked = 0;
	d->refusal[0] = '\0';
}

size_t
deletion_count(const struct deletion *d, enum due_state state)
{
	size_t count = 0;

	for (size_t i = 0; i < d->due_count; i++)
		count += d->due[i].state == state;
	return count;
}

void
deletion_count_deleted(struct deletion *d)
{
	for (size_t i = 0; i < d->due_count; i++) {
		if (d->due[i].state != DUE_DELETED)
			continue;
		d->told.deleted++;
		d->told.bytes += d->due[i].bytes;
	}
}

static void
deletion_free(struct deletion *d)
{
	deletion_forget_batch(d);
	catalog_holds_free(d->holds);
	store_reader_free(d->reader);
	buf_done(&d->scratch);
	exa_free(d);
}

static void
deletion_drop(struct job *job)
{
	deletion_free((struct deletion *)(void *)job);
}

/* ---- all of a run ---- */

bool
deletions_new(struct crawl_run *run, struct deletions **out, struct exa_error *err)
{
	struct deletions *all = exa_alloc(sizeof *all);

	(void)pthread_mutex_init(&all->mu, NULL);
	atomic_store(&all->left, run->options->deleting.most);
	*out = all; /* freed by the caller in any case */
	return run->options->dry_run ||
	       deletion_find_interrupted(run, &all->interrupted, &all->interrupted_count, err);
}

void
deletions_free(struct deletions *all)
{
	if (all == NULL)
		return;
	for (size_t i = 0; i < all->interrupted_count; i++)
		exa_free(all->interrupted[i].numbers);
	exa_free(all->interrupted);
	(void)pthread_mutex_destroy(&all->mu);
	exa_free(all);
}

uint64_t
deletions_take(struct deletions *all, uint64_t wanted)
{
	uint64_t left = atomic_load(&all->left), take;

	if (left == UINT64_MAX)
		return wanted;
	do {
		take = wanted < left ? wanted : left;
	} while (!atomic_compare_exchange_weak(&all->left, &left, left - take));
	return take;
}

void
deletions_give_back(struct deletions *all, uint64_t count)
{
	if (atomic_load(&all->left) != UINT64_MAX)
		(void)atomic_fetch_add(&all->left, count);
}

bool
deletions_exhausted(const struct deletions *all)
{
	return atomic_load(&all->left) == 0;
}

/* The mailbox's first one from place FROM on; NULL = there is none. */
static const struct interrupted *
next_interrupted(const struct mailbox *m, size_t from)
{
	const struct deletions *all = m->run->deletions;

	for (size_t i = from; m->number != 0 && i < all->interrupted_count; i++) {
		if (all->interrupted[i].mailbox == m->number)
			return &all->interrupted[i];
	}
	return NULL;
}

/* ---- steps ---- */

static bool
resume(struct deletion *d, struct exa_error *err)
{
	const struct deletions *all = d->mailbox->run->deletions;
	const struct interrupted *next = next_interrupted(d->mailbox, d->interrupted);

	if (next == NULL) {
		d->phase = d->chooses ? DELETION_CHOOSE : DELETION_DONE;
		return true;
	}
	if (!deletion_resume(d, next, err))
		return false;
	d->interrupted = (size_t)(next - all->interrupted) + 1;
	d->phase = d->due_count > 0 ? DELETION_LOOK : DELETION_RECORD;
	return true;
}

static bool
choose(struct deletion *d, struct exa_error *err)
{
	enum chosen chosen;

	if (!deletion_choose(d, &chosen, err))
		return false;
	switch (chosen) {
	case CHOSEN_SOME:
		break;
	case CHOSEN_BATCH:
		d->phase = DELETION_LOOK;
		break;
	case CHOSEN_NOTHING:
		d->phase = DELETION_DONE;
		break;
	}
	return true;
}

/* What a dry run ends with. */
static void
tell_batch(struct deletion *d)
{
	for (size_t i = 0; i < d->due_count; i++) {
		const struct due *due = &d->due[i];

		if (due->state != DUE_OPEN)
			continue;
		report_delete_item(d->mailbox->run->options->report,
			&(struct report_delete_item){ .mailbox = d->mailbox->what->label,
				.folder = due->path,
				.number = due->number,
				.received_ns = due->received_ns,
				.bytes = due->bytes });
		d->told.deleted++;
		d->told.bytes += due->bytes;
	}
	deletion_forget_batch(d);
	d->phase = DELETION_CHOOSE;
}

/* The most that may be deleted is shared with other mailboxes: what is beyond it stays. */
static void
limit_batch(struct deletion *d)
{
	const uint64_t allowed =
		deletions_take(d->mailbox->run->deletions, deletion_count(d, DUE_OPEN));
	uint64_t open = 0;

	for (size_t i = 0; i < d->due_count; i++) {
		if (d->due[i].state != DUE_OPEN || open++ < allowed)
			continue;
		d->due[i].state = DUE_KEPT;
		d->told.limited++;
	}
	d->taken = allowed;
}

static bool
look(struct deletion *d, struct crawl_thread *t, struct exa_error *err)
{
	if (!deletion_look(d, t, err))
		return false;
	if (d->intent != 0) {
		d->phase = deletion_count(d, DUE_OPEN) > 0 ? DELETION_ASK : DELETION_RECORD;
		return true;
	}
	limit_batch(d);
	if (d->mailbox->run->options->dry_run) {
		tell_batch(d);
	} else if (deletion_count(d, DUE_OPEN) == 0) {
		deletion_forget_batch(d);
		d->phase = DELETION_CHOOSE;
	} else {
		if (!deletion_announce(d, err))
			return false;
		d->phase = DELETION_ASK;
	}
	return true;
}

/* Whatever comes of the request, what isn't settled by it is looked at before it is asked for
 * again. */
static bool
ask(struct deletion *d, struct crawl_thread *t, struct exa_error *err)
{
	d->phase = DELETION_LOOK;
	if (!deletion_ask(d, t, err))
		return false;
	d->phase = DELETION_RECORD;
	return true;
}

static bool
record(struct deletion *d, struct crawl_thread *t, struct exa_error *err)
{
	const size_t deleted = deletion_count(d, DUE_DELETED);

	if (!deletion_conclude(d, t, err))
		return false;
	if (!d->resumed)
		deletions_give_back(d->mailbox->run->deletions, d->taken - deleted);
	d->taken = 0;
	d->phase = DELETION_RESUME;
	deletion_forget_batch(d);
	return true;
}

/* From what was chosen to what became of it in one go: the less time between looking and asking the
 * better. */
static bool
step(struct deletion *d, struct crawl_thread *t, struct exa_error *err)
{
	do {
		bool good = true;

		switch (d->phase) {
		case DELETION_RESUME:
			good = resume(d, err);
			break;
		case DELETION_CHOOSE:
			good = choose(d, err);
			break;
		case DELETION_LOOK:
			good = look(d, t, err);
			break;
		case DELETION_ASK:
			good = ask(d, t, err);
			break;
		case DELETION_RECORD:
			good = record(d, t, err);
			break;
		case DELETION_DONE:
			break;
		}
		if (!good)
			return false;
	} while (d->phase == DELETION_LOOK || d->phase == DELETION_ASK ||
		 d->phase == DELETION_RECORD);
	return true;
}

/* ---- the job ---- */

/* The batch can't be brought to its end. If it was announced it stays so until a later run looks:
 * what became of it isn't known for all. */
static void
leave_batch(struct deletion *d)
{
	if (!d->resumed)
		deletion_count_deleted(d);
	d->told.undeleted += deletion_count(d, DUE_OPEN);
}

/* The mailbox's end, as it is now. */
static void
report_and_close(struct deletion *d)
{
	struct mailbox *m = d->mailbox;
	struct ledger_counts counts = d->settled.counts;
	struct exa_error ignored;

	if (d->chooses)
		report_deletion(m->run->options->report, &d->told);
	m->deleted = d->told.deleted;
	m->undeleted = d->told.undeleted;
	/* For information: what was deleted is no longer `known`. */
	if (!m->run->options->dry_run && !mailbox_counts(m, &counts, &ignored))
		counts = d->settled.counts;
	mailbox_report(m, &counts, d->settled.unexplained, d->settled.complete);
	work_target_close(m->run->work, m->target);
	deletion_free(d);
}

/* The server has the last word on the mailbox. */
static void
give_up_mailbox(struct deletion *d)
{
	struct mailbox *m = d->mailbox;
	const struct exa_error why = m->error;

	leave_batch(d);
	m->deleted = d->told.deleted;
	m->undeleted = d->told.undeleted;
	mailbox_give_up(m, &why);
	work_target_close(m->run->work, m->target);
	deletion_free(d);
}

/* The rest of the mailbox is left to a later run. */
static void
give_up_rest(struct deletion *d, const struct exa_error *why)
{
	report_problem(d->mailbox->run->options->report,
		&(struct report_problem){ .mailbox = d->mailbox->what->label, .why = why });
	leave_batch(d);
	report_and_close(d);
}

static void
deletion_fails(struct deletion *d, struct crawl_thread *t, struct exa_error *why)
{
	(void)exa_while(why, "deleting at the server what is archived");
	switch (job_fails(t, d->mailbox, &d->job, WORK_SCOPE_FOLDER, why)) {
	case OUTCOME_QUEUED:
		return;
	case OUTCOME_STOPPED:
		deletion_free(d);
		return;
	case OUTCOME_ASIDE:
		give_up_mailbox(d);
		return;
	case OUTCOME_SMALLER:
	case OUTCOME_SKIPPED:
		break;
	}
	give_up_rest(d, why);
}

static void
deletion_run(struct job *job, void *thread)
{
	struct deletion *d = (struct deletion *)(void *)job;
	struct crawl_thread *t = thread;
	struct exa_error err;

	if (mailbox_is_abandoned(d->mailbox)) {
		give_up_mailbox(d);
		return;
	}
	if (!step(d, t, &err)) {
		catalog_batch_done(&t->batch);
		deletion_fails(d, t, &err);
		return;
	}
	work_got_on(d->mailbox->run->work, job);
	if (d->phase == DELETION_DONE)
		report_and_close(d);
	else
		work_add(d->mailbox->run->work, job);
}

/* ---- the beginning ---- */

static bool
part_may_be_deleted_from(enum catalog_part part)
{
	switch (part) {
	case CATALOG_PRIMARY:
	case CATALOG_ONLINE_ARCHIVE:
		return true;
	case CATALOG_RECOVERABLE:
	case CATALOG_PUBLIC:
	case CATALOG_ARCHIVE_RECOVERABLE:
		break;
	}
	return false;
}

/* NULL: nothing speaks against it. */
static const char *
why_left_out(const struct settled *settled)
{
	if (!settled->complete)
		return "the mailbox isn't archived completely";
	if (settled->unexplained > 0)
		return "the archive and the server don't agree on what the mailbox holds";
	return NULL;
}

bool
deletion_begin(struct mailbox *m, const struct settled *settled)
{
	const struct crawl_options *options = m->run->options;
	bool wanted = options->deleting.archived && part_may_be_deleted_from(m->what->part);
	struct report_deletion told = { .mailbox = m->what->label, .dry_run = options->dry_run };
	struct deletion *d;

	if (wanted && why_left_out(settled) != NULL) {
		told.left_out = why_left_out(settled);
		report_deletion(options->report, &told);
		wanted = false;
	}
	if (!wanted && next_interrupted(m, 0) == NULL)
		return false;
	d = exa_alloc(sizeof *d);
	d->job = (struct job){
		.rank = WORK_LIST, .target = m->target, .run = deletion_run, .drop = deletion_drop
	};
	d->mailbox = m;
	d->settled = *settled;
	d->chooses = wanted;
	d->told = told;
	d->place = (struct catalog_place){ .received_ns = EXA_NO_TIME };
	d->more = true;
	work_add(m->run->work, &d->job);
	return true;
}
