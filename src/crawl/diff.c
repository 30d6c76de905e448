/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The comparison of an archive with the server: for each mailbox its tree, judged by the rules of
 * the profile, against the folders of the archive; then each folder that is archived, or was.
 */
#include <string.h>

#include "diff.h"
#include "exarch/clock.h"
#include "internal.h"

#define DIFF_REQUESTS_MAX 20 /* of one mailbox at a time: as the crawl's */

struct mailbox_job {
	struct job job; /* first: the pool hands it back */
	struct diff_mailbox *mailbox;
};

const char *
crawl_difference_name(enum crawl_difference d)
{
	switch (d) {
	case CRAWL_SERVER_ONLY:
		return "server_only";
	case CRAWL_FAILED:
		return "failed";
	case CRAWL_CHANGED:
		return "changed";
	case CRAWL_ARCHIVE_ONLY:
		break;
	}
	return "archive_only";
}

uint64_t
crawl_diff_differences(const struct crawl_diff_counts *c)
{
	return c->server_only + c->failed + c->changed + c->archive_only;
}

static void
add_counts(struct crawl_diff_counts *to, const struct crawl_diff_counts *c)
{
	to->listed += c->listed;
	to->same += c->same;
	to->server_only += c->server_only;
	to->failed += c->failed;
	to->changed += c->changed;
	to->archive_only += c->archive_only;
	to->excluded += c->excluded;
	to->deferred += c->deferred;
	to->removed += c->removed;
}

/* ---- telling ---- */

void
diff_tell_item(struct diff_mailbox *m, const struct crawl_diff_item *item)
{
	const struct crawl_diff_listener *listener = &m->run->options->listener;

	(void)pthread_mutex_lock(&m->run->mu);
	listener->item(listener->ctx, item);
	(void)pthread_mutex_unlock(&m->run->mu);
}

void
diff_tell_folder(struct diff_mailbox *m, const char *path, const struct crawl_diff_counts *counts,
	const struct exa_error *why)
{
	const struct crawl_diff_listener *listener = &m->run->options->listener;

	(void)pthread_mutex_lock(&m->run->mu);
	add_counts(&m->counts, counts);
	m->run->result.folders_failed += why != NULL && !atomic_load(&m->abandoned);
	listener->folder(listener->ctx, m->what->label, path, counts, why);
	(void)pthread_mutex_unlock(&m->run->mu);
}

static void
mailbox_ends(struct diff_mailbox *m, const struct exa_error *why)
{
	const struct crawl_diff_listener *listener = &m->run->options->listener;

	(void)pthread_mutex_lock(&m->run->mu);
	atomic_store(&m->done, true);
	m->run->result.mailboxes++;
	m->run->result.mailboxes_failed += why != NULL;
	add_counts(&m->run->result.counts, &m->counts);
	listener->mailbox(listener->ctx, m->what->label, &m->counts, why);
	(void)pthread_mutex_unlock(&m->run->mu);
}

void
diff_mailbox_abandon(struct diff_mailbox *m, const struct exa_error *why)
{
	(void)pthread_mutex_lock(&m->run->mu);
	if (!atomic_load(&m->abandoned)) {
		m->error = *why;
		atomic_store(&m->abandoned, true);
	}
	(void)pthread_mutex_unlock(&m->run->mu);
}

void
diff_folder_ends(struct diff_mailbox *m)
{
	if (atomic_fetch_sub(&m->jobs, 1) != 1)
		return;
	mailbox_ends(m, atomic_load(&m->abandoned) ? &m->error : NULL);
	work_target_close(m->run->work, m->target);
}

bool
diff_retries(struct diff_mailbox *m, struct job *job, enum work_scope scope,
	const struct exa_error *why, bool *stopped_out)
{
	*stopped_out = false;
	switch (work_advise(why, scope, work_attempts(job, why))) {
	case WORK_RETRY:
		work_again(m->run->work, job, why);
		return true;
	case WORK_STOP:
	case WORK_ADVICE_COUNT:
		work_stop(m->run->work, why);
		*stopped_out = true;
		return true;
	case WORK_SKIP_MAILBOX:
		diff_mailbox_abandon(m, why);
		return false;
	case WORK_SMALLER:
	case WORK_SKIP_ITEM:
	case WORK_SKIP_FOLDER:
		break;
	}
	return false;
}

/* ---- a mailbox ---- */

static bool
is_wanted(const struct diff_mailbox *m, const char *path)
{
	const struct pattern *only = m->run->options->folder;

	return only == NULL || pattern_matches(only, path);
}

/* A folder of the tree: compared, or excluded as a whole. */
static bool
begin_listed(struct diff_mailbox *m, struct store_txn *txn, const struct crawl_folder *f,
	struct exa_error *err)
{
	struct crawl_diff_counts excluded = { 0 };
	struct diff_place place = { 0 };
	bool found = false;

	if (!is_wanted(m, f->path))
		return true;
	if (f->decision.verdict != RULES_ARCHIVE) {
		excluded.excluded =
			f->total_count > 0 && !f->search_folder ? (uint64_t)f->total_count : 0;
		if (excluded.excluded > 0)
			diff_tell_folder(m, f->path, &excluded, NULL);
		return true;
	}
	if (m->number != 0 &&
		!catalog_find_folder(txn, m->number, f->id, &found, &place.number, err))
		return false;
	place.id = exa_strdup(f->id);
	place.path = exa_strdup(f->path);
	diff_folder_begin(m, place);
	return true;
}

struct gone {
	struct diff_mailbox *mailbox;
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

/* A folder of the archive that the server has no more: what it held is in the archive alone. */
static bool
begin_gone(void *ctx, const struct catalog_folder *f, struct exa_error *err)
{
	struct gone *g = ctx;

	(void)err;
	if (is_wanted(g->mailbox, f->path) && !is_listed(g->tree, f->server_id))
		diff_folder_begin(g->mailbox, (struct diff_place){ .id = exa_strdup(""),
						      .path = exa_strdup(f->path),
						      .number = f->number });
	return true;
}

static bool
begin_folders(struct diff_mailbox *m, const struct crawl_tree *tree, struct exa_error *err)
{
	EXA_AUTO(store_read_endp) struct store_txn *txn = NULL;
	struct gone gone = { .mailbox = m, .tree = tree };
	bool found = false;

	if (!store_read_begin(catalog_store(m->run->catalog), &txn, err) ||
		!catalog_find_mailbox(txn, m->what->part, m->what->smtp, &found, &m->number, err))
		return false;
	if (!found)
		m->number = 0;
	for (size_t i = 0; i < tree->count; i++) {
		if (!begin_listed(m, txn, &tree->folders[i], err))
			return false;
	}
	return m->number == 0 || catalog_each_folder(txn, m->number, begin_gone, &gone, err);
}

static void
mailbox_drop(struct job *job)
{
	exa_free(job);
}

/* A part that the mailbox hasn't: nothing to compare. */
static void
mailbox_fails(struct mailbox_job *j, struct exa_error *why)
{
	struct diff_mailbox *m = j->mailbox;
	const bool absent = why->code == EXA_GONE && m->what->part != CATALOG_PRIMARY;
	bool stopped;

	if (!absent && diff_retries(m, &j->job, WORK_SCOPE_MAILBOX, why, &stopped)) {
		if (stopped)
			exa_free(j);
		work_target_close(m->run->work, m->target);
		return;
	}
	exa_free(j);
	mailbox_ends(m, absent ? NULL : why);
	work_target_close(m->run->work, m->target);
}

static void
mailbox_run(struct job *job, void *thread)
{
	struct mailbox_job *j = (struct mailbox_job *)(void *)job;
	struct diff_mailbox *m = j->mailbox;
	struct crawl_tree tree;
	struct exa_error err;

	if (!crawl_tree_load(thread, m->what, m->run->options->rules, &tree, &err)) {
		mailbox_fails(j, &err);
		return;
	}
	work_got_on(m->run->work, job);
	(void)atomic_fetch_add(&m->jobs, 1); /* held until all folders have begun */
	if (!begin_folders(m, &tree, &err))
		work_stop(m->run->work, &err); /* the archive can't be read */
	crawl_tree_done(&tree);
	exa_free(j);
	diff_folder_ends(m);
}

/* ---- the run ---- */

static void
thread_end(void *ctx, void *thread)
{
	(void)ctx;
	ews_free(thread);
}

static bool
thread_begin(void *ctx, uint32_t number, void **thread_out, struct exa_error *err)
{
	const struct diff_run *run = ctx;
	struct ews *ews;

	(void)number;
	if (!ews_new(&run->options->ews, &ews, err))
		return false;
	*thread_out = ews;
	return true;
}

static void
begin_mailbox(struct diff_run *run, struct diff_mailbox *m)
{
	struct mailbox_job *j = exa_alloc(sizeof *j);

	j->job = (struct job){
		.rank = WORK_OPEN, .target = m->target, .run = mailbox_run, .drop = mailbox_drop
	};
	j->mailbox = m;
	work_add(run->work, &j->job);
}

bool
crawl_diff(struct catalog *catalog, const struct crawl_diff_options *options,
	struct crawl_diff_result *out, struct exa_error *err)
{
	struct diff_run run = { .catalog = catalog, .options = options };
	const struct work_options work = { .threads = options->threads,
		.target_max = DIFF_REQUESTS_MAX,
		.open_max = options->mailbox_concurrency,
		.cancel = options->cancel,
		.thread_begin = thread_begin,
		.thread_end = thread_end,
		.ctx = &run };
	struct diff_mailbox *mailboxes = exa_alloc_array(options->mailbox_count, sizeof *mailboxes);
	bool good;

	(void)pthread_mutex_init(&run.mu, NULL);
	run.work = work_new(&work);
	for (size_t i = 0; i < options->mailbox_count; i++) {
		const struct crawl_mailbox *what = &options->mailboxes[i];
		const bool same = i > 0 && strcmp(what->smtp, what[-1].smtp) == 0;

		mailboxes[i].run = &run;
		mailboxes[i].what = what;
		mailboxes[i].target = same ? mailboxes[i - 1].target : work_target_new(run.work);
		begin_mailbox(&run, &mailboxes[i]);
	}
	good = work_run(run.work, err);
	work_free(run.work);
	for (size_t i = 0; i < options->mailbox_count; i++) {
		if (!atomic_load(&mailboxes[i].done) && !good)
			mailbox_ends(&mailboxes[i], err);
	}
	*out = run.result;
	exa_free(mailboxes);
	(void)pthread_mutex_destroy(&run.mu);
	return good;
}
