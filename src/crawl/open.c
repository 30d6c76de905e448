/* SPDX-License-Identifier: Apache-2.0 */
/* A mailbox's beginning: its tree, what the rules say of it, its numbers in the catalog, and a job
 * for each folder that is archived. */
#include <string.h>

#include "exarch/clock.h"
#include "internal.h"

struct open_job {
	struct job job; /* first: the pool hands it back */
	struct mailbox *mailbox;
};

static void
open_drop(struct job *job)
{
	exa_free(job);
}

void
mailbox_free(struct mailbox *m)
{
	for (size_t i = 0; i < m->folder_count; i++) {
		exa_free(m->folders[i].id);
		exa_free(m->folders[i].path);
		exa_free(m->folders[i].content);
		exa_free(m->folders[i].dry_state);
		exa_free(m->folders[i].seen);
	}
	exa_free(m->folders);
	m->folders = NULL;
	m->folder_count = 0;
	m->excluded_whole = 0;
	m->partial = false;
}

void
mailbox_report(
	struct mailbox *m, const struct ledger_counts *counts, uint64_t unexplained, bool complete)
{
	/* What expired here was archived and is still at the server. */
	uint64_t archived = atomic_load(&m->archived),
		 known = counts->of[LEDGER_ARCHIVED] + counts->of[LEDGER_EXPIRED];
	struct report_mailbox result = {
		.mailbox = m->what->label,
		.archived = m->run->options->dry_run ? atomic_load(&m->would_archive) : archived,
		.bytes = atomic_load(&m->archived_bytes),
		.native_only = atomic_load(&m->native_only),
		.known = known > archived ? known - archived : 0,
		.excluded = counts->of[LEDGER_EXCLUDED] + m->excluded_whole,
		.deferred = counts->of[LEDGER_DEFERRED],
		.failed = counts->of[LEDGER_FAILED],
		.gone = atomic_load(&m->gone),
		.removed = atomic_load(&m->removed),
		.deleted = m->deleted,
		.undeleted = m->undeleted,
		.pending = counts->of[LEDGER_PENDING],
		.unexplained = unexplained,
		.complete = complete,
		.error = m->error,
	};

	m->done = true;
	m->active = NULL;
	report_mailbox_done(m->run->options->report, &result);
}

void
mailbox_give_up(struct mailbox *m, const struct exa_error *why)
{
	struct ledger_counts counts = { 0 };
	struct exa_error ignored;

	if (why != NULL) {
		m->error = *why;
		if (why->code != EXA_CANCELLED)
			report_problem(m->run->options->report,
				&(struct report_problem){ .mailbox = m->what->label, .why = why });
	}
	/* The counts are for information here: the failure that is reported is `why`. They are as
	 * of what is durable, which in a store that has failed is not all that was submitted. */
	if (m->opened) {
		(void)!mailbox_wait(m, &ignored);
		if (!mailbox_counts(m, &counts, &ignored))
			counts = (struct ledger_counts){ 0 };
	}
	mailbox_report(m, &counts, 0, false);
}

void
mailbox_abandon(struct mailbox *m, const struct exa_error *why)
{
	bool no = false;

	if (atomic_compare_exchange_strong(&m->abandoned, &no, true))
		m->error = *why;
}

bool
mailbox_is_abandoned(const struct mailbox *m)
{
	return atomic_load(&m->abandoned);
}

static bool
note_folder(struct mailbox *m, const struct crawl_folder *from, struct exa_error *err)
{
	const struct catalog_folder record = { .mailbox = m->number,
		.server_id = from->id,
		.parent_id = from->parent_id,
		.name = from->name,
		.path = from->path,
		.class = from->class,
		.role = (uint8_t)from->role };
	struct folder *f = &m->folders[m->folder_count];

	*f = (struct folder){ .mailbox = m,
		.role = from->role,
		.total_count = from->total_count,
		.changed_ns = from->changed_ns };
	if (!m->run->options->dry_run &&
		!catalog_folder_put(m->run->catalog, &record, &f->number, err))
		return false;
	f->id = exa_strdup(from->id);
	f->path = exa_strdup(from->path);
	f->content = from->content != NULL ? exa_strdup(from->content) : NULL;
	m->folder_count++;
	return true;
}

/* An empty root folder isn't worth a request, unless it had items once: they are to be removed. */
static bool
is_worth_listing(struct mailbox *m, const struct crawl_folder *f, bool *out, struct exa_error *err)
{
	EXA_AUTO(store_read_endp) struct store_txn *txn = NULL;
	uint32_t number;

	*out = f->role != EWS_ROLE_ROOT || f->total_count != 0;
	return *out || m->number == 0 ||
	       (store_read_begin(catalog_store(m->run->catalog), &txn, err) &&
		       catalog_find_folder(txn, m->number, f->id, out, &number, err));
}

static void
tell_what_is_hidden(struct mailbox *m, const struct crawl_tree *tree)
{
	for (size_t i = 0; i < tree->count; i++) {
		const struct crawl_folder *f = &tree->folders[i];
		struct exa_error why;

		if (f->below == NULL)
			continue;
		why = *f->below;
		(void)exa_while(&why, "listing the folders below");
		report_problem(m->run->options->report,
			&(struct report_problem){
				.mailbox = m->what->label, .folder = f->path, .why = &why });
		m->partial = true;
	}
}

/* A trial takes the first folders, up to what is allowed. Counts as told now: whatever comes
 * meanwhile, the same for each. */
static void
share_out(struct mailbox *m)
{
	uint64_t left = m->what->items_max;

	for (size_t i = 0; i < m->folder_count; i++) {
		struct folder *f = &m->folders[i];
		uint64_t total = f->total_count > 0 ? (uint64_t)f->total_count : 0;

		f->items_left = total < left ? total : left;
		left -= f->items_left;
	}
}

/* Takes over what is archived; adds up what is excluded as a whole. */
static bool
choose_folders(struct mailbox *m, const struct crawl_tree *tree, struct exa_error *err)
{
	uint64_t expected = 0;

	m->folders = exa_alloc_array(tree->count, sizeof *m->folders);
	for (size_t i = 0; i < tree->count; i++) {
		const struct crawl_folder *f = &tree->folders[i];
		uint64_t total = f->total_count > 0 ? (uint64_t)f->total_count : 0;
		bool is_worth_it;

		if (!is_worth_listing(m, f, &is_worth_it, err))
			return false;
		if (f->decision.verdict != RULES_ARCHIVE) {
			m->excluded_whole += f->search_folder ? 0 : total;
		} else if (is_worth_it) {
			if (!note_folder(m, f, err))
				return exa_while(err, "folder %s", f->path);
			expected += total;
		}
	}
	report_expect(m->run->options->report, m->active, expected);
	return true;
}

struct vanishing {
	struct mailbox *mailbox;
	const struct crawl_tree *tree;
};

static bool
is_listed(const struct crawl_tree *tree, const char *id)
{
	for (size_t i = 0; i < tree->count; i++) {
		if (strcmp(tree->folders[i].id, id) == 0)
			return true;
	}
	return false;
}

static bool
note_vanished(void *ctx, const struct catalog_folder *folder, struct exa_error *err)
{
	struct vanishing *v = ctx;
	struct mailbox *m = v->mailbox;

	(void)err;
	if (folder->deleted || is_listed(v->tree, folder->server_id))
		return true;
	m->folders = exa_realloc_array(m->folders, m->folder_count + 1, sizeof *m->folders);
	m->folders[m->folder_count++] = (struct folder){
		.mailbox = m,
		.number = folder->number,
		.id = exa_strdup(folder->server_id),
		.path = exa_strdup(folder->path),
		.changed_ns = EXA_NO_TIME,
		.drained = true,
		.vanished = true,
	};
	return true;
}

/* Folders the archive has and the tree no longer has. A tree of nothing but its root isn't
 * believed: every mailbox has an inbox. */
static bool
find_vanished(struct mailbox *m, const struct crawl_tree *tree, struct exa_error *err)
{
	EXA_AUTO(store_read_endp) struct store_txn *txn = NULL;
	struct vanishing v = { .mailbox = m, .tree = tree };

	if (tree->count < 2 || m->partial)
		return true;
	return store_read_begin(catalog_store(m->run->catalog), &txn, err) &&
	       catalog_each_folder(txn, m->number, note_vanished, &v, err);
}

static bool
open_mailbox(struct crawl_thread *t, struct mailbox *m, struct exa_error *err)
{
	const struct catalog_mailbox record = {
		.part = m->what->part, .smtp = m->what->smtp, .display_name = m->what->display_name
	};
	struct crawl_tree tree = { 0 };
	bool good, asked_root;

	m->asked_ns = clock_wall_ns();
	report_requests(m->run->options->report, 1);
	good = root_load_tree(t, m, &tree, &asked_root, err);
	report_requests(m->run->options->report, -1);
	if (!good)
		return false;
	tell_what_is_hidden(m, &tree);
	good = (m->run->options->dry_run ||
		       catalog_mailbox_put(m->run->catalog, &record, &m->number, err)) &&
	       choose_folders(m, &tree, err) &&
	       (m->run->options->dry_run || (find_vanished(m, &tree, err) &&
						    (!asked_root || root_note(t, m, &tree, err))));
	crawl_tree_done(&tree);
	return good;
}

/* In a dry run nothing is numbered: what the archive knows already keeps its numbers, anything else
 * is number 0. */
static bool
find_numbers(struct mailbox *m, struct exa_error *err)
{
	EXA_AUTO(store_read_endp) struct store_txn *txn = NULL;
	bool found;

	if (!store_read_begin(catalog_store(m->run->catalog), &txn, err) ||
		!catalog_find_mailbox(txn, m->what->part, m->what->smtp, &found, &m->number, err))
		return false;
	for (size_t i = 0; found && i < m->folder_count; i++) {
		if (!catalog_find_folder(
			    txn, m->number, m->folders[i].id, &found, &m->folders[i].number, err))
			return false;
		found = true;
	}
	return true;
}

/* The mailbox couldn't be opened. False: the job is in the pool again. */
static bool
open_fails(struct crawl_thread *t, struct mailbox *m, struct job *job, const struct exa_error *why)
{
	const struct ledger_counts none = { 0 };

	work_target_close(m->run->work, m->target);
	mailbox_free(m);
	if (why->code == EXA_GONE && m->what->part != CATALOG_PRIMARY) {
		mailbox_report(m, &none, 0, true); /* not everybody has an online archive */
		return true;
	}
	switch (job_fails(t, m, job, WORK_SCOPE_MAILBOX, why)) {
	case OUTCOME_QUEUED:
		return false;
	case OUTCOME_STOPPED:
		break;
	case OUTCOME_SMALLER:
	case OUTCOME_SKIPPED:
	case OUTCOME_ASIDE:
		mailbox_give_up(m, why);
		break;
	}
	return true;
}

static void
open_run(struct job *job, void *thread)
{
	struct open_job *open = (struct open_job *)(void *)job;
	struct mailbox *m = open->mailbox;
	struct crawl_run *run = m->run;
	struct exa_error err;

	if (job->attempts == 0)
		m->active = report_mailbox_open(run->options->report, m->what->label);
	if (!open_mailbox(thread, m, &err) || (run->options->dry_run && !find_numbers(m, &err))) {
		if (open_fails(thread, m, job, &err))
			exa_free(job);
		return;
	}
	work_got_on(run->work, job);
	exa_free(job);
	m->opened = true;
	/* so that the mailbox isn't closed before all its folders have begun */
	mailbox_job_begins(m);
	if (m->what->items_max > 0)
		share_out(m);
	for (size_t i = 0; i < m->folder_count; i++) {
		if (m->what->items_max == 0 || m->folders[i].items_left > 0)
			folder_begin(&m->folders[i]);
	}
	mailbox_job_ends(m);
}

void
mailbox_begin(struct crawl_run *run, struct mailbox *m, struct work_target *target)
{
	struct open_job *open = exa_alloc(sizeof *open);

	m->run = run;
	m->target = target;
	open->mailbox = m;
	open->job = (struct job){
		.rank = WORK_OPEN, .target = m->target, .run = open_run, .drop = open_drop
	};
	work_add(run->work, &open->job);
}
