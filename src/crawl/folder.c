/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A folder, one step per job run, so that fetches get their turn between two pages:
 *
 *     drain   what earlier runs left open in the ledger, a chunk at a time
 *     sync    one page of the server's changes
 *
 * A page: wait until the page before it is committed, ask, judge each change against the ledger,
 * submit ledger changes and the new sync state as one batch, queue the fetches. The sync state
 * stands in the same batch as what it stands for: it never runs ahead of knowledge, whatever line
 * the process dies on.
 */
#include <stdlib.h>
#include <string.h>

#include "exarch/clock.h"
#include "internal.h"

#define DRAIN_CHUNK 512
/* A sweep of a large folder is cut into batches well below the store's limit. */
#define SWEEP_BATCH_BYTES ((size_t)1024 * 1024)
/* A state may be refused after a mailbox move; a server that refuses the states it has just given
 * must not keep us. */
#define FRESH_STARTS_MOST 3

struct folder_job {
	struct job job; /* first: the pool hands it back */
	struct folder *folder;
};

static void
folder_drop(struct job *job)
{
	exa_free(job);
}

static void
listing_begin(struct listing *l, struct crawl_thread *t, struct folder *f)
{
	*l = (struct listing){ .folder = f, .thread = t, .plan = { .folder = f } };
}

/* Hands the ledger changes to the store (a dry run forgets them), then queues the fetches. Nothing
 * is left of the listing either way. */
static bool
listing_submit(struct listing *l, struct exa_error *err)
{
	struct folder *f = l->folder;
	struct crawl_run *run = f->mailbox->run;

	if (run->options->dry_run) {
		catalog_batch_done(&l->thread->batch);
	} else if (l->thread->batch.store.count > 0) {
		if (!submit(l->thread, f->mailbox, &f->last_epoch, err))
			return false;
	}
	report_listed(run->options->report, l->listed);
	report_known(run->options->report, f->mailbox->active, l->known);
	fetch_plan_queue(&l->plan);
	return true;
}

/* ---- drain ---- */

struct drain {
	struct listing listing;
	bool rules_changed;
	size_t count;
	bool full;
};

static bool
drain_entry(void *ctx, const struct catalog_key *key, const struct ledger_entry *entry,
	struct exa_error *err)
{
	struct drain *d = ctx;

	if (d->count == DRAIN_CHUNK) {
		d->full = true;
		return exa_fail(err, EXA_CANCELLED, "enough for one chunk");
	}
	d->count++;
	d->listing.folder->after = *key;
	d->listing.folder->after_any = true;
	return judge_open(&d->listing, key, entry, d->rules_changed, err);
}

static bool
drain_walk(struct drain *d, struct exa_error *err)
{
	EXA_AUTO(store_read_endp) struct store_txn *txn = NULL;
	struct folder *f = d->listing.folder;
	const struct crawl_run *run = f->mailbox->run;
	struct catalog_sync sync;
	bool found;

	if (!store_read_begin(catalog_store(run->catalog), &txn, err) ||
		!catalog_sync_get(txn, f->mailbox->number, f->number, &found, &sync, err))
		return false;
	d->rules_changed = found && sync.fingerprint != run->options->fingerprint;
	d->listing.txn = txn;
	return catalog_each_open(txn, f->mailbox->number, f->number,
		       f->after_any ? &f->after : NULL, drain_entry, d, err) ||
	       d->full;
}

static bool
drain_step(struct crawl_thread *t, struct folder *f, struct exa_error *err)
{
	struct drain d = { 0 };

	listing_begin(&d.listing, t, f);
	if (!drain_walk(&d, err) || !listing_submit(&d.listing, err)) {
		fetch_plan_drop(&d.listing.plan);
		return exa_while(err, "looking at what earlier runs left open");
	}
	f->drained = !d.full;
	return true;
}

/* ---- sync ---- */

struct page {
	struct arena *arena;
	struct ews_change *changes;
	size_t count, capacity;
};

static const char *
keep(struct arena *arena, const char *text)
{
	return arena_strndup(arena, text, strlen(text));
}

static bool
page_change(void *ctx, const struct ews_change *change, struct exa_error *err)
{
	struct page *p = ctx;

	(void)err;
	if (p->count == p->capacity) {
		p->capacity = p->capacity > 0 ? p->capacity * 2 : EWS_SYNC_PAGE_MAX;
		p->changes = exa_realloc_array(p->changes, p->capacity, sizeof *p->changes);
	}
	p->changes[p->count] = *change;
	p->changes[p->count].id = keep(p->arena, change->id);
	p->changes[p->count].change_key =
		keep(p->arena, change->change_key != NULL ? change->change_key : "");
	p->changes[p->count].class = keep(p->arena, change->class != NULL ? change->class : "");
	p->count++;
	return true;
}

/* Where the listing stands, and whether items of this folder are known although it is at its
 * beginning. */
static bool
load_position(
	struct folder *f, struct catalog_sync *sync, struct arena *arena, struct exa_error *err)
{
	EXA_AUTO(store_read_endp) struct store_txn *txn = NULL;
	struct ledger_counts counts;
	bool found;

	if (!store_read_begin(catalog_store(f->mailbox->run->catalog), &txn, err) ||
		!catalog_sync_get(txn, f->mailbox->number, f->number, &found, sync, err) ||
		!catalog_counts(txn, f->mailbox->number, f->number, &counts, err))
		return false;
	if (!found)
		*sync = (struct catalog_sync){ .state = "",
			.changed_ns = EXA_NO_TIME,
			.total_count = -1,
			.listed_ns = EXA_NO_TIME };
	sync->state = keep(arena, f->dry_state != NULL ? f->dry_state : sync->state);
	if (folder_is_public(f) ? f->offset == 0 : sync->state[0] == '\0')
		f->fresh = counts.of[LEDGER_ARCHIVED] + counts.of[LEDGER_PENDING] +
				   counts.of[LEDGER_EXCLUDED] + counts.of[LEDGER_DEFERRED] +
				   counts.of[LEDGER_FAILED] + counts.of[LEDGER_EXPIRED] >
			   0;
	return true;
}

static int
by_number(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

static bool
was_seen(const struct folder *f, const struct catalog_key *key)
{
	const uint64_t id = get_le64(key->id_hash);

	return f->seen_count > 0 &&
	       bsearch(&id, f->seen, f->seen_count, sizeof *f->seen, by_number) != NULL;
}

/* Removals are true on their own: they needn't stand in one batch with the page. */
static bool
sweep_one(struct listing *l, const struct catalog_key *key, struct exa_error *err)
{
	struct mailbox *m = l->folder->mailbox;

	catalog_batch_removed(&l->thread->batch, key);
	return m->run->options->dry_run || l->thread->batch.store.body.size < SWEEP_BATCH_BYTES ||
	       submit(l->thread, m, &l->folder->last_epoch, err);
}

static bool
sweep_known(void *ctx, const struct catalog_key *key, uint64_t item, struct exa_error *err)
{
	struct listing *l = ctx;

	(void)item;
	if (was_seen(l->folder, key))
		return true;
	(void)atomic_fetch_add(&l->folder->mailbox->removed, 1);
	return sweep_one(l, key, err);
}

static bool
sweep_open(void *ctx, const struct catalog_key *key, const struct ledger_entry *entry,
	struct exa_error *err)
{
	struct listing *l = ctx;
	bool is_known, same;
	uint64_t item;

	if (entry->state == LEDGER_GONE || was_seen(l->folder, key))
		return true;
	if (!catalog_known(l->txn, key, &is_known, &item, &same, "", err))
		return false;
	if (is_known) /* sweep_known took it */
		return true;
	(void)atomic_fetch_add(&l->folder->mailbox->gone, 1);
	return sweep_one(l, key, err);
}

/* A full listing has come to its end: what it didn't name is no longer at the server. */
static bool
sweep(struct listing *l, struct exa_error *err)
{
	struct folder *f = l->folder;

	exa_sort(f->seen, f->seen_count, sizeof *f->seen, by_number);
	if (!catalog_each_known(l->txn, f->mailbox->number, f->number, sweep_known, l, err) ||
		!catalog_each_open(l->txn, f->mailbox->number, f->number, NULL, sweep_open, l, err))
		return false;
	exa_free(f->seen);
	f->seen = NULL;
	f->seen_count = f->seen_capacity = 0;
	f->fresh = false;
	return true;
}

static int
by_id_and_place(const void *a, const void *b)
{
	const struct ews_change *const *x = a, *const *y = b;
	int order = strcmp((*x)->id, (*y)->id);

	return order != 0 ? order : (*x > *y) - (*x < *y);
}

static bool
is_present(const struct ews_change *change)
{
	return change->kind == EWS_CHANGE_CREATE || change->kind == EWS_CHANGE_UPDATE;
}

/* A page may name an item twice. Changes are judged against what was known before the page, so only
 * the last may say that the item is there: it would be fetched twice. */
static void
drop_repetitions(struct page *page)
{
	struct ews_change **sorted = exa_alloc_array(page->count, sizeof *sorted);
	size_t present = 0, kept = 0;

	for (size_t i = 0; i < page->count; i++) {
		if (is_present(&page->changes[i]))
			sorted[present++] = &page->changes[i];
	}
	if (present > 1)
		exa_sort(sorted, present, sizeof(struct ews_change *), by_id_and_place);
	for (size_t i = 1; i < present; i++) {
		if (strcmp(sorted[i - 1]->id, sorted[i]->id) == 0)
			sorted[i - 1]->id = NULL;
	}
	for (size_t i = 0; i < page->count; i++) {
		if (page->changes[i].id != NULL)
			page->changes[kept++] = page->changes[i];
	}
	page->count = kept;
	exa_free(sorted);
}

static bool
judge_page(struct listing *l, const struct page *page, struct catalog_sync *sync, bool last,
	struct exa_error *err)
{
	EXA_AUTO(store_read_endp) struct store_txn *txn = NULL;

	if (!store_read_begin(catalog_store(l->folder->mailbox->run->catalog), &txn, err))
		return false;
	l->txn = txn;
	for (size_t i = 0; i < page->count; i++) {
		if (!judge_change(l, &page->changes[i], err))
			return false;
	}
	if (last && folder_is_public(l->folder))
		sync->state = public_end(l->folder);
	return !last || !l->folder->fresh || sweep(l, err);
}

bool
folder_is_as_listed(const struct crawl_run *run, const struct folder_facts *told,
	const struct catalog_sync *sync)
{
	return sync->state[0] != '\0' && sync->listed_ns != EXA_NO_TIME &&
	       run->now_ns - sync->listed_ns < run->options->full_sync_ns &&
	       sync->fingerprint == run->options->fingerprint && told->changed_ns != EXA_NO_TIME &&
	       told->changed_ns == sync->changed_ns && told->total_count >= 0 &&
	       told->total_count == sync->total_count;
}

static bool
is_unchanged(const struct folder *f, const struct catalog_sync *sync)
{
	const struct folder_facts told = { .changed_ns = f->changed_ns,
		.total_count = f->total_count };

	return f->mailbox->rounds == 0 && !f->relist &&
	       folder_is_as_listed(f->mailbox->run, &told, sync);
}

/* The last change as it will be compared by the next run. */
static int64_t
settled_change(const struct folder *f)
{
	const bool settled = f->changed_ns != EXA_NO_TIME &&
			     f->changed_ns < f->mailbox->asked_ns - CHANGE_SETTLED_NS;

	return settled ? f->changed_ns : EXA_NO_TIME;
}

/* The page's ledger changes and the state behind it, in one batch. */
static bool
finish_page(struct listing *l, const struct page *page, struct catalog_sync *sync, bool last,
	struct exa_error *err)
{
	struct folder *f = l->folder;
	struct crawl_run *run = f->mailbox->run;

	if (!judge_page(l, page, sync, last, err))
		return false;
	sync->fingerprint = run->options->fingerprint;
	if (last) {
		sync->changed_ns = settled_change(f);
		sync->total_count = f->total_count;
		sync->listed_ns = clock_wall_ns();
	}
	catalog_batch_sync(&l->thread->batch, f->mailbox->number, f->number, sync);
	if (run->options->dry_run) {
		exa_free(f->dry_state);
		f->dry_state = exa_strdup(sync->state);
	}
	return listing_submit(l, err);
}

static bool
ask_page(struct crawl_thread *t, struct folder *f, const char *state, struct page *page,
	struct buf *state_out, bool *last_out, struct exa_error *err)
{
	const struct ews_mailbox mailbox = folder_ews_mailbox(f);
	const bool few = f->mailbox->what->items_max > 0 && f->items_left < EWS_SYNC_PAGE_MAX;
	const struct ews_sync_request request = { .folder_id = f->id,
		.sync_state = state,
		.max_changes = few ? (uint32_t)f->items_left : EWS_SYNC_PAGE_MAX };
	const struct ews_change_sink sink = { .change = page_change, .ctx = page };
	struct report *report = f->mailbox->run->options->report;
	bool good;

	if (folder_is_public(f)) {
		int64_t next;

		good = public_ask_page(t, f, &sink, &next, err);
		*last_out = good && next < 0;
		f->next_offset = good ? next : f->offset;
		return good;
	}
	report_folder(report, f->mailbox->active, f->path);
	report_requests(report, 1);
	good = ews_sync_items(t->ews, &mailbox, &request, &sink, state_out, last_out, err);
	report_requests(report, -1);
	return good;
}

/* The server no longer takes our state: forget it and list from the start; what is known is
 * recognised. */
static bool
start_afresh(
	struct crawl_thread *t, struct folder *f, struct catalog_sync *sync, struct exa_error *err)
{
	if (++f->fresh_starts > FRESH_STARTS_MOST)
		return exa_fail(err, EXA_PROTOCOL,
			"the server refuses the states of this folder that it gives");
	sync->state = "";
	sync->listed_ns = EXA_NO_TIME;
	exa_free(f->dry_state);
	f->dry_state = NULL;
	f->seen_count = 0;
	if (f->mailbox->run->options->dry_run) {
		f->dry_state = exa_strdup("");
		return true;
	}
	catalog_batch_sync(&t->batch, f->mailbox->number, f->number, sync);
	return submit(t, f->mailbox, &f->last_epoch, err);
}

/* The folder is no longer at the server, nor is anything in it. Were it to come back, it would be
 * listed from its start. */
static bool
write_off(struct crawl_thread *t, struct folder *f, struct exa_error *err)
{
	EXA_AUTO(store_read_endp) struct store_txn *txn = NULL;
	struct catalog *catalog = f->mailbox->run->catalog;
	const struct catalog_sync nothing = {
		.state = "", .changed_ns = EXA_NO_TIME, .total_count = -1, .listed_ns = EXA_NO_TIME
	};
	struct listing l;

	listing_begin(&l, t, f);
	if (!store_read_begin(catalog_store(catalog), &txn, err))
		return false;
	l.txn = txn;
	if (!sweep(&l, err) || !catalog_folder_gone(catalog, f->mailbox->number, f->number, err))
		return false;
	catalog_batch_sync(&t->batch, f->mailbox->number, f->number, &nothing);
	f->listed = true;
	return submit(t, f->mailbox, &f->last_epoch, err);
}

static bool
sync_step(struct crawl_thread *t, struct folder *f, struct exa_error *err)
{
	EXA_AUTO(buf_done) struct buf state = { 0 };
	struct page page = { .arena = t->arena };
	struct catalog_sync sync;
	struct listing l;
	bool last = false, good;

	arena_reset(t->arena);
	if (f->last_epoch != 0 &&
		!store_wait(catalog_store(f->mailbox->run->catalog), f->last_epoch, err))
		return false;
	if (!load_position(f, &sync, t->arena, err))
		return false;
	if (f->relist) {
		f->relist = false;
		return sync.state[0] == '\0' || start_afresh(t, f, &sync, err);
	}
	if (folder_is_public(f) && f->offset == 0 && !public_begin(t, f, err))
		return false;
	if (is_unchanged(f, &sync)) {
		f->listed = true;
		return true;
	}
	good = ask_page(t, f, sync.state, &page, &state, &last, err);
	if (good && !last && page.count == 0 && !folder_is_public(f) &&
		strcmp(sync.state, buf_string(&state)) == 0) {
		good = exa_fail(err, EXA_PROTOCOL, "the listing of changes doesn't move on");
	} else if (good) {
		sync.state = buf_string(&state);
		drop_repetitions(&page);
		listing_begin(&l, t, f);
		good = finish_page(&l, &page, &sync, last, err);
		if (!good)
			fetch_plan_drop(&l.plan);
	} else if (err->code == EXA_STALE && sync.state[0] != '\0') {
		good = start_afresh(t, f, &sync, err);
	}
	if (good)
		f->items_left -= page.count < f->items_left ? page.count : f->items_left;
	exa_free(page.changes);
	if (good)
		f->offset = last ? 0 : f->next_offset;
	f->listed = good && last;
	return good;
}

/* ---- the job ---- */

static void
folder_ends(struct folder_job *job)
{
	struct mailbox *m = job->folder->mailbox;

	exa_free(job);
	mailbox_job_ends(m);
}

void
folder_give_up(struct folder *f, const struct exa_error *why)
{
	f->failed = true;
	report_problem(f->mailbox->run->options->report,
		&(struct report_problem){
			.mailbox = f->mailbox->what->label, .folder = f->path, .why = why });
}

static void
folder_fails(struct crawl_thread *t, struct folder_job *job, const struct exa_error *why)
{
	struct folder *f = job->folder;
	struct mailbox *m = f->mailbox;

	switch (job_fails(t, m, &job->job, WORK_SCOPE_FOLDER, why)) {
	case OUTCOME_QUEUED:
		return;
	case OUTCOME_STOPPED:
	case OUTCOME_ASIDE:
		break;
	case OUTCOME_SMALLER:
	case OUTCOME_SKIPPED:
		folder_give_up(f, why);
		break;
	}
	folder_ends(job);
}

static void
folder_run(struct job *base, void *thread)
{
	struct folder_job *job = (struct folder_job *)(void *)base;
	struct crawl_thread *t = thread;
	struct folder *f = job->folder;
	struct exa_error err;
	bool good;

	if (mailbox_is_abandoned(f->mailbox)) {
		folder_ends(job);
		return;
	}
	if (f->vanished)
		good = write_off(t, f, &err);
	else
		good = f->drained ? sync_step(t, f, &err) : drain_step(t, f, &err);
	if (!good) {
		catalog_batch_done(&t->batch); /* half a page is no page */
		folder_fails(t, job, &err);
		return;
	}
	work_got_on(f->mailbox->run->work, &job->job);
	if (f->listed || (f->mailbox->what->items_max > 0 && f->items_left == 0))
		folder_ends(job);
	else
		work_add(f->mailbox->run->work, &job->job);
}

void
folder_begin(struct folder *f)
{
	struct folder_job *job = exa_alloc(sizeof *job);

	job->folder = f;
	job->job = (struct job){ .rank = WORK_LIST,
		.target = f->mailbox->target,
		.run = folder_run,
		.drop = folder_drop };
	f->listed = false;
	f->offset = 0;
	mailbox_job_begins(f->mailbox);
	work_add(f->mailbox->run->work, &job->job);
}
