/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A mailbox's end: what the ledger says of each folder is compared with the server's own count
 * (design promise 2). Mail that came while we worked makes them differ: then the tree is asked for
 * again, and what doesn't fit is listed again; at the second time from its start, in case the
 * server's changes left something out; and what differs after RECONCILE_ROUNDS is reported as
 * unexplained.
 *
 * One folder that doesn't fit puts all others in doubt: what was moved out of it may be in one that
 * had been listed by then, whose old count still fits. So the first time, whatever has changed since
 * the tree was asked for is listed again too.
 */
#include <string.h>

#include "exarch/clock.h"
#include "internal.h"

struct close_job {
	struct job job; /* first: the pool hands it back */
	struct mailbox *mailbox;
};

static void
close_drop(struct job *job)
{
	exa_free(job);
}

static void close_run(struct job *base, void *thread);

void
mailbox_job_begins(struct mailbox *m)
{
	(void)atomic_fetch_add(&m->jobs, 1);
}

void
mailbox_job_ends(struct mailbox *m)
{
	struct close_job *job;

	if (atomic_fetch_sub(&m->jobs, 1) != 1)
		return;
	job = exa_alloc(sizeof *job);
	job->mailbox = m;
	job->job = (struct job){
		.rank = WORK_LIST, .target = m->target, .run = close_run, .drop = close_drop
	};
	work_add(m->run->work, &job->job);
}

static void
add_counts(struct ledger_counts *sum, const struct ledger_counts *add)
{
	for (int i = 0; i < LEDGER_STATE_COUNT; i++)
		sum->of[i] += add->of[i];
}

bool
mailbox_counts(struct mailbox *m, struct ledger_counts *out, struct exa_error *err)
{
	EXA_AUTO(store_read_endp) struct store_txn *txn = NULL;
	struct ledger_counts sum = { 0 };

	if (!store_read_begin(catalog_store(m->run->catalog), &txn, err))
		return false;
	for (size_t i = 0; i < m->folder_count; i++) {
		struct ledger_counts counts;

		if (!catalog_counts(txn, m->number, m->folders[i].number, &counts, err))
			return false;
		add_counts(&sum, &counts);
	}
	*out = sum;
	return true;
}

/* How far the ledger is from the server's count of items in the folder. */
static bool
difference(const struct folder *f, uint64_t *out, struct exa_error *err)
{
	EXA_AUTO(store_read_endp) struct store_txn *txn = NULL;
	struct ledger_counts counts;
	uint64_t ours, theirs;

	*out = 0;
	if (f->total_count < 0)
		return true;
	if (!store_read_begin(catalog_store(f->mailbox->run->catalog), &txn, err) ||
		!catalog_counts(txn, f->mailbox->number, f->number, &counts, err))
		return false;
	ours = counts.of[LEDGER_PENDING] + counts.of[LEDGER_ARCHIVED] + counts.of[LEDGER_EXCLUDED] +
	       counts.of[LEDGER_DEFERRED] + counts.of[LEDGER_FAILED] + counts.of[LEDGER_EXPIRED];
	theirs = (uint64_t)f->total_count;
	*out = ours > theirs ? ours - theirs : theirs - ours;
	return true;
}

/* ---- the server's counts, as they are now ---- */

static bool
take_count(void *ctx, const struct ews_folder *folder, struct exa_error *err)
{
	struct folder *f = ctx;

	(void)err;
	f->total_count = folder->total_count;
	f->changed_ns = folder->changed_ns;
	return true;
}

static bool
ask_count(struct crawl_thread *t, struct folder *f, struct exa_error *err)
{
	const struct ews_mailbox mailbox = folder_ews_mailbox(f);
	const struct ews_folder_sink sink = { .folder = take_count, .ctx = f };

	return ews_get_folder(t->ews, &mailbox, f->id, &sink, err);
}

static const struct crawl_folder *
find_in(const struct crawl_tree *tree, const char *id)
{
	for (size_t i = 0; i < tree->count; i++) {
		if (strcmp(tree->folders[i].id, id) == 0)
			return &tree->folders[i];
	}
	return NULL;
}

/* A folder that is no longer there costs that folder; other failures are the mailbox's. The root
 * isn't listed with its tree, and one that wasn't listed may still be there. */
static bool
renew_count(struct crawl_thread *t, struct folder *f, const struct crawl_tree *tree,
	struct exa_error *err)
{
	const struct crawl_folder *now = find_in(tree, f->id);
	const struct folder_facts before = { .changed_ns = f->changed_ns,
		.total_count = f->total_count };

	if (now != NULL) {
		f->total_count = now->total_count;
		f->changed_ns = now->changed_ns;
	} else if (!ask_count(t, f, err)) {
		if (err->code != EXA_GONE)
			return false;
		folder_give_up(f, err);
	}
	f->stirred = f->changed_ns != before.changed_ns || f->total_count != before.total_count;
	return true;
}

static bool
renew_counts(struct crawl_thread *t, struct mailbox *m, struct exa_error *err)
{
	struct report *report = m->run->options->report;
	const int64_t asked_ns = clock_wall_ns();
	struct crawl_tree tree = { 0 };
	bool good;

	report_requests(report, 1);
	/* The tree of public folders doesn't know how much is in them. */
	good = m->what->part == CATALOG_PUBLIC || tree_list(t->ews, m->what, &tree, err);
	for (size_t i = 0; good && i < m->folder_count; i++) {
		struct folder *f = &m->folders[i];

		if (!f->failed && !f->vanished)
			good = renew_count(t, f, &tree, err);
	}
	report_requests(report, -1);
	crawl_tree_done(&tree);
	if (good)
		m->asked_ns = asked_ns;
	return good;
}

/* ---- reconciliation ---- */

static bool
sum_differences(struct mailbox *m, uint64_t *out, struct exa_error *err)
{
	*out = 0;
	for (size_t i = 0; i < m->folder_count; i++) {
		struct folder *f = &m->folders[i];

		f->off = 0;
		if (f->failed)
			continue;
		if (!difference(f, &f->off, err))
			return false;
		*out += f->off;
	}
	return true;
}

/* Looks at each folder; marks those whose counts don't fit, to be listed again unless that was done
 * often enough. */
static bool
reconcile(struct crawl_thread *t, struct mailbox *m, uint64_t *unexplained_out, bool *again_out,
	struct exa_error *err)
{
	bool again = false;

	for (size_t i = 0; i < m->folder_count; i++)
		m->folders[i].stirred = m->folders[i].unsettled = false;
	if (!sum_differences(m, unexplained_out, err))
		return false;
	if (*unexplained_out > 0 &&
		(!renew_counts(t, m, err) || !sum_differences(m, unexplained_out, err)))
		return false;
	for (size_t i = 0; i < m->folder_count; i++) {
		struct folder *f = &m->folders[i];

		f->unsettled = !f->failed && m->rounds < RECONCILE_ROUNDS &&
			       (f->off > 0 || (m->rounds == 0 && f->stirred));
		again = again || f->unsettled;
	}
	*again_out = again;
	return true;
}

/* The mailbox gets a new closing job when the folders begun here have ended; it may run before this
 * returns. */
static void
list_again(struct mailbox *m)
{
	const bool from_start = m->rounds == 1;

	m->rounds++;
	mailbox_job_begins(m); /* so that the first folder to end doesn't close the mailbox before
				  all have begun */
	for (size_t i = 0; i < m->folder_count; i++) {
		struct folder *f = &m->folders[i];

		if (f->unsettled) {
			f->relist = from_start && f->off > 0;
			folder_begin(f);
		}
	}
	mailbox_job_ends(m);
}

static bool
all_listed(const struct mailbox *m)
{
	if (m->partial)
		return false;
	for (size_t i = 0; i < m->folder_count; i++) {
		if (!m->folders[i].listed || m->folders[i].failed)
			return false;
	}
	return true;
}

bool
mailbox_wait(struct mailbox *m, struct exa_error *err)
{
	const uint64_t epoch = atomic_load(&m->last_epoch);

	return epoch == 0 || store_wait(catalog_store(m->run->catalog), epoch, err);
}

enum closing {
	CLOSING_DONE,  /* reported, or given up */
	CLOSING_AGAIN, /* folders are to be listed again */
	CLOSING_LATER, /* whoever deletes what is archived reports and closes it */
};

/* Waits until everything submitted for the mailbox is durable, then settles it. False: it isn't
 * settled; err says why. */
static bool
close_mailbox(
	struct crawl_thread *t, struct mailbox *m, enum closing *next_out, struct exa_error *err)
{
	const bool trial = m->what->items_max > 0;
	struct settled settled = { 0 };
	bool again = false;

	if (!m->run->options->dry_run) {
		if (!mailbox_wait(m, err) ||
			(!trial && !reconcile(t, m, &settled.unexplained, &again, err)))
			return false;
		*next_out = CLOSING_AGAIN;
		if (again)
			return true;
	}
	if (!mailbox_counts(m, &settled.counts, err))
		return false;
	if (m->run->options->dry_run)
		settled.counts.of[LEDGER_PENDING] = 0; /* they stand among what would be archived */
	settled.complete = !trial && all_listed(m) && settled.counts.of[LEDGER_PENDING] == 0;
	*next_out = CLOSING_LATER;
	if (deletion_begin(m, &settled))
		return true;
	*next_out = CLOSING_DONE;
	mailbox_report(m, &settled.counts, settled.unexplained, settled.complete);
	return true;
}

static void
close_run(struct job *base, void *thread)
{
	struct close_job *job = (struct close_job *)(void *)base;
	struct mailbox *m = job->mailbox;
	struct work *work = m->run->work;
	enum closing next = CLOSING_DONE;
	struct exa_error err;

	if (mailbox_is_abandoned(m)) {
		err = m->error;
		mailbox_give_up(m, &err);
	} else if (!close_mailbox(thread, m, &next, &err)) {
		switch (job_fails(thread, m, base, WORK_SCOPE_MAILBOX, &err)) {
		case OUTCOME_QUEUED:
			return;
		case OUTCOME_STOPPED:
			break;
		case OUTCOME_SMALLER:
		case OUTCOME_SKIPPED:
		case OUTCOME_ASIDE:
			mailbox_give_up(m, &err);
			break;
		}
	}
	exa_free(job);
	switch (next) {
	case CLOSING_DONE:
		work_target_close(work, m->target);
		break;
	case CLOSING_AGAIN:
		list_again(m);
		break;
	case CLOSING_LATER:
		break;
	}
}
