/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Items that are new where they are listed, and are likely archived already: moved from another
 * folder of the mailbox, which gave them another id. They are followed without a fetch when that is
 * proven, else they are fetched like any other. What must hold:
 *
 *     the archive has one item of that class, size and date of receipt in this mailbox, as MIME
 *     nothing more is asked for than MIME
 *     the server has it no longer under the id it was archived by
 *     class, size, received, sent, search key, Message-ID, attachments: the same in the properties
 *     it has not been changed since it was archived: the same time of the last change, which was
 *       a minute old by then at least; or both times no draft, and mfUnmodified, "not modified since
 *       it was delivered" (MS-OXCMSG)
 *     what is archived can be read back to its last byte, and is what its SHA-256 says
 *
 * Exchange may give a moved item another time of change; the flag is there for that. The search key
 * alone proves little: copies have it too, and drafts keep it while they are written.
 */
#include <string.h>

#include "exarch/clock.h"
#include "internal.h"

#define MF_UNMODIFIED 0x2
#define MF_UNSENT 0x8

/* One item that is looked into. */
struct suspect {
	struct ledger_entry entry; /* texts owned */
	uint64_t number;           /* what it likely is */
	int64_t modified_ns;       /* as the hint has it */
	char *former_id;           /* NULL: it isn't worth asking about */
	struct catalog_row row;
	struct item_held *now; /* its properties, NULL when they can't be had */
	bool has_left;         /* the server has it no longer under its former id */
	bool settled;
};

struct moved_job {
	struct job job; /* first: the pool hands it back */
	struct folder *folder;
	struct suspect *suspects;
	size_t count;
};

/* ---- gathering ---- */

static void
suspect_done(struct suspect *s)
{
	exa_free((char *)(uintptr_t)s->entry.server_id);
	exa_free((char *)(uintptr_t)s->entry.change_key);
	exa_free((char *)(uintptr_t)s->entry.class);
	exa_free(s->former_id);
	held_free(s->now);
}

static void
moved_drop(struct job *base)
{
	struct moved_job *job = (struct moved_job *)(void *)base;

	for (size_t i = 0; i < job->count; i++)
		suspect_done(&job->suspects[i]);
	exa_free(job->suspects);
	exa_free(job);
}

static void moved_run(struct job *base, void *thread);

struct moved_job *
moved_job_new(struct folder *f)
{
	struct moved_job *job = exa_alloc(sizeof *job);

	job->folder = f;
	job->suspects = exa_alloc_array(EWS_BATCH_MAX, sizeof *job->suspects);
	job->job = (struct job){ .rank = WORK_FETCH,
		.target = f->mailbox->target,
		.run = moved_run,
		.drop = moved_drop };
	return job;
}

struct job *
moved_job_base(struct moved_job *job)
{
	return &job->job;
}

bool
moved_job_add(struct moved_job *job, const struct ledger_entry *entry,
	const struct catalog_alike_item *likely)
{
	struct suspect *s = &job->suspects[job->count++];

	*s = (struct suspect){
		.entry = *entry, .number = likely->number, .modified_ns = likely->modified_ns
	};
	s->entry.server_id = exa_strdup(entry->server_id);
	s->entry.change_key = exa_strdup(entry->change_key);
	s->entry.class = exa_strdup(entry->class);
	s->entry.why = "";
	return job->count < EWS_BATCH_MAX;
}

bool
moved_is_suspect(const struct listing *l, const struct catalog_key *key,
	const struct ledger_entry *entry, struct catalog_alike_item *likely_out, bool *out,
	struct exa_error *err)
{
	const struct crawl_options *options = l->folder->mailbox->run->options;
	const struct catalog_alike facts = { .received_ns = entry->received_ns,
		.size_bytes = entry->size_bytes,
		.class = entry->class };
	bool is_known, same;
	uint64_t item;

	*out = false;
	/* An id that one mailbox of public folders doesn't know may be in another. */
	if (options->dry_run || folder_is_public(l->folder) ||
		options->capture != CRAWL_CAPTURE_MIME || entry->received_ns == EXA_NO_TIME ||
		entry->size_bytes < 0)
		return true;
	if (!catalog_known(l->txn, key, &is_known, &item, &same, "", err))
		return false;
	return is_known ||
	       catalog_alike_find(l->txn, l->folder->mailbox->number, &facts, out, likely_out, err);
}

/* ---- the proof ---- */

static bool
same_bytes(struct bytes a, struct bytes b)
{
	return a.size == b.size && memcmp(a.data, b.data, a.size) == 0;
}

static bool
is_unmodified_since_delivery(int64_t flags)
{
	return flags >= 0 && (flags & MF_UNMODIFIED) != 0 && (flags & MF_UNSENT) == 0;
}

static bool
is_unchanged(const struct suspect *s, const struct catalog_item *then, const struct ews_item *now)
{
	if (then->modified_ns != EXA_NO_TIME && then->modified_ns == now->modified_ns &&
		then->modified_ns == s->modified_ns)
		return true;
	return now->internet_message_id[0] != '\0' &&
	       is_unmodified_since_delivery(then->message_flags) &&
	       is_unmodified_since_delivery(now->message_flags);
}

static bool
is_the_same(const struct suspect *s, const struct catalog_item *then, const struct ews_item *now)
{
	return then->search_key.size > 0 && same_bytes(then->search_key, now->search_key) &&
	       strcmp(then->class, now->class) == 0 &&
	       strcmp(then->internet_message_id, now->internet_message_id) == 0 &&
	       then->size_bytes >= 0 && then->size_bytes == now->size_bytes &&
	       then->received_ns != EXA_NO_TIME && then->received_ns == now->received_ns &&
	       then->sent_ns == now->sent_ns && then->has_attachments == now->has_attachments &&
	       is_unchanged(s, then, now);
}

/* ---- what the archive has ---- */

struct looking {
	struct moved_job *job;
	struct crawl_thread *thread;
	struct store_reader *reader;
	struct buf scratch;
	size_t place[EWS_BATCH_MAX]; /* in job->suspects, by position in the request */
	size_t asked;
	bool has_passing;
	struct exa_error passing;
};

static struct suspect *
suspect_at(const struct looking *l, size_t index)
{
	return &l->job->suspects[l->place[index]];
}

/* Nothing that is found here is a failure of the run: such an item is fetched. */
static bool
read_record(struct looking *l, struct suspect *s, struct catalog_item *out)
{
	EXA_AUTO(store_read_endp) struct store_txn *txn = NULL;
	struct store *store = catalog_store(l->thread->run->catalog);
	struct exa_error ignored;
	bool found;

	if (!store_read_begin(store, &txn, &ignored) ||
		!catalog_row(txn, s->number, &found, &s->row, &ignored) || !found)
		return false;
	return s->row.mailbox == l->job->folder->mailbox->number &&
	       (s->row.state == ITEM_LIVE || s->row.state == ITEM_REMOVED) &&
	       catalog_item_read(l->reader, &s->row, &l->scratch, out, &ignored) &&
	       catalog_item_has_mime(out);
}

static void
look_into_archive(struct looking *l)
{
	for (size_t i = 0; i < l->job->count; i++) {
		struct suspect *s = &l->job->suspects[i];
		struct catalog_item then;

		if (s->settled)
			continue;
		exa_free(s->former_id);
		s->former_id = NULL;
		if (read_record(l, s, &then) && strcmp(then.server_id, s->entry.server_id) != 0)
			s->former_id = exa_strdup(then.server_id);
	}
}

/* ---- what the server says ---- */

static bool
on_begin(void *ctx, size_t index, struct exa_error *err)
{
	(void)ctx;
	(void)index;
	(void)err;
	return true;
}

static bool
on_properties(void *ctx, size_t index, const struct ews_item *item, struct exa_error *err)
{
	struct suspect *s = suspect_at(ctx, index);

	(void)err;
	if (strcmp(item->id, s->entry.server_id) == 0)
		s->now = held_new(item, NULL);
	return true;
}

static bool
on_former_is_there(void *ctx, size_t index, const struct ews_item *item, struct exa_error *err)
{
	(void)ctx;
	(void)index;
	(void)item;
	(void)err;
	return true;
}

static void
note_passing(struct looking *l, const struct exa_error *why)
{
	if (why->code != EXA_THROTTLED && why->code != EXA_ASIDE)
		return;
	l->has_passing = true;
	l->passing = *why;
}

static bool
on_no_properties(void *ctx, size_t index, const struct exa_error *why, struct exa_error *err)
{
	(void)index;
	(void)err;
	note_passing(ctx, why);
	return true;
}

static bool
on_no_former(void *ctx, size_t index, const struct exa_error *why, struct exa_error *err)
{
	(void)err;
	note_passing(ctx, why);
	suspect_at(ctx, index)->has_left = why->code == EXA_GONE;
	return true;
}

enum moved_question { ASK_PROPERTIES, ASK_FORMER };

static bool
ask(struct looking *l, enum moved_question question, struct exa_error *err)
{
	const struct ews_mailbox mailbox = crawl_ews_mailbox(l->job->folder->mailbox->what);
	const struct ews_item_handler handler = { .begin = on_begin,
		.end = question == ASK_FORMER ? on_former_is_there : on_properties,
		.failed = question == ASK_FORMER ? on_no_former : on_no_properties,
		.ctx = l };
	struct report *report = l->thread->run->options->report;
	struct ews_item_ref refs[EWS_BATCH_MAX];
	bool good = true;

	l->asked = 0;
	for (size_t i = 0; i < l->job->count; i++) {
		struct suspect *s = &l->job->suspects[i];

		if (s->settled || s->former_id == NULL ||
			(question == ASK_FORMER && s->now == NULL) ||
			(question == ASK_PROPERTIES && s->now != NULL))
			continue;
		refs[l->asked] =
			(struct ews_item_ref){ .id = question == ASK_FORMER ? s->former_id
									    : s->entry.server_id };
		l->place[l->asked++] = i;
	}
	if (l->asked == 0)
		return true;
	report_requests(report, 1);
	good = question == ASK_FORMER
		       ? ews_look_items(l->thread->ews, &mailbox, refs, l->asked, &handler, err)
		       : ews_get_properties(
				 l->thread->ews, &mailbox, refs, l->asked, &handler, err);
	report_requests(report, -1);
	if (good && l->has_passing) {
		*err = l->passing;
		return false;
	}
	return good;
}

/* ---- following ---- */

static bool
forget_bytes(void *ctx, struct bytes data, struct exa_error *err)
{
	(void)ctx;
	(void)data;
	(void)err;
	return true;
}

static bool
follow(struct looking *l, struct suspect *s, struct exa_error *err)
{
	const struct recipe_sink sink = { .write = forget_bytes };
	struct recipe_result mime = { 0 };
	struct catalog_item then;
	struct exa_error ignored;

	if (s->settled || s->now == NULL || !s->has_left || !read_record(l, s, &then) ||
		strcmp(then.server_id, s->former_id) != 0 || !is_the_same(s, &then, &s->now->item))
		return true;
	mime.id = then.recipe;
	mime.mime_bytes = then.mime_bytes;
	memcpy(mime.mime_sha256, then.mime_sha256, sizeof mime.mime_sha256);
	/* The texts of THEN are gone once its message is read. */
	if (!catalog_play_message(l->reader, &s->row, &then, &sink, &ignored))
		return true;
	s->settled =
		item_follow(l->thread, l->job->folder, &s->now->item, &mime, s->row.number, err);
	return s->settled;
}

/* False: asking, or writing, failed. */
static bool
look(struct looking *l, struct exa_error *err)
{
	if (!store_reader_new(catalog_store(l->thread->run->catalog), &l->reader, err))
		return false;
	look_into_archive(l);
	if (!ask(l, ASK_PROPERTIES, err) || !ask(l, ASK_FORMER, err))
		return false;
	for (size_t i = 0; i < l->job->count; i++) {
		if (!follow(l, &l->job->suspects[i], err))
			return false;
	}
	return true;
}

/* What isn't proven is fetched. */
static void
moved_ends(struct moved_job *job)
{
	struct fetch_plan plan = { .folder = job->folder };
	struct mailbox *m = job->folder->mailbox;

	for (size_t i = 0; i < job->count; i++) {
		if (!job->suspects[i].settled)
			fetch_plan_add(&plan, &job->suspects[i].entry, false);
	}
	fetch_plan_queue(&plan);
	moved_drop(&job->job);
	mailbox_job_ends(m);
}

static void
moved_run(struct job *base, void *thread)
{
	struct moved_job *job = (struct moved_job *)(void *)base;
	struct looking l = { .job = job, .thread = thread };
	struct mailbox *m = job->folder->mailbox;
	struct exa_error err;
	bool good;

	if (mailbox_is_abandoned(m)) {
		moved_drop(base);
		mailbox_job_ends(m);
		return;
	}
	good = look(&l, &err);
	store_reader_free(l.reader);
	buf_done(&l.scratch);
	catalog_batch_done(&l.thread->batch);
	if (!good) {
		switch (job_fails(thread, m, base, WORK_SCOPE_BATCH, &err)) {
		case OUTCOME_QUEUED:
			return;
		case OUTCOME_SMALLER: /* the fetch will find out which item it is */
		case OUTCOME_SKIPPED:
			break;
		case OUTCOME_STOPPED:
		case OUTCOME_ASIDE:
			moved_drop(base);
			mailbox_job_ends(m);
			return;
		}
	}
	moved_ends(job);
}
