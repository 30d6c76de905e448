/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An export. One thread walks the selection and makes batches of a folder's items; a crew turns them
 * into files. Messages of one mbox are a lane of the crew: they stay in order, and threads work on
 * different mboxes.
 *
 *     walk ─► batches ─► crew ─► item.c: files, mboxes ─► journal
 *                                                          │ in the end, also an early one:
 *                                        mboxes get their names, the journal becomes the manifest
 */
#include <errno.h>
#include <pthread.h>
#include <string.h>

#include "crew.h"
#include "exarch/fs.h"
#include "exarch/mem.h"
#include "item.h"
#include "name.h"
#include "places.h"

/* Enough that queueing costs nothing, few enough that many threads share a folder. */
#define BATCH_ROWS ((size_t)64)

/* Items of one folder, on their way from the walk to a thread. */
struct batch {
	struct export *x;
	struct arena *texts;
	struct catalog_mailbox mailbox;
	struct catalog_folder folder;
	struct item_place place;
	size_t count;
	struct catalog_row rows[BATCH_ROWS];
};

struct export
{
	struct catalog *catalog;
	const struct export_options *options;
	uint8_t archive[16];
	struct target target; /* of the walking thread */
	struct journal *journal;
	struct mboxes *mboxes;
	struct crew *crew;
	struct item_writer *writers; /* one for each thread */
	unsigned threads;

	/* of the walk: */
	struct places *places;
	uint32_t mailbox; /* entered in places; 0 = none */
	struct batch *batch;
	bool given_up; /* the crew has ended early */

	pthread_mutex_t mu;
	/* under mu: */
	struct export_result result;
};

/* ---- places ---- */

static bool
place_mailbox(void *ctx, const struct catalog_mailbox *m, struct exa_error *err)
{
	(void)err;
	places_add_mailbox(ctx, m);
	return true;
}

static bool
place_folder(void *ctx, const struct catalog_folder *f, struct exa_error *err)
{
	(void)err;
	places_add_folder(ctx, f);
	return true;
}

static bool
place_mailboxes(struct export *x, struct exa_error *err)
{
	EXA_AUTO(store_read_endp) struct store_txn *txn = NULL;

	x->places = places_new();
	return store_read_begin(catalog_store(x->catalog), &txn, err) &&
	       catalog_each_mailbox_shown(txn, place_mailbox, x->places, err);
}

static bool
place_folders(struct export *x, uint32_t mailbox, struct exa_error *err)
{
	EXA_AUTO(store_read_endp) struct store_txn *txn = NULL;

	places_enter_mailbox(x->places, mailbox);
	return store_read_begin(catalog_store(x->catalog), &txn, err) &&
	       catalog_each_folder_shown(txn, mailbox, place_folder, x->places, err);
}

/* A folder that appeared since the mailbox was entered (an archiving process runs beside us) is
 * found by looking again. */
static bool
find_place(
	struct export *x, const struct catalog_folder *f, const char **out, struct exa_error *err)
{
	const char *place = x->mailbox == f->mailbox ? places_folder(x->places, f->number) : NULL;

	if (place == NULL) {
		if (!place_folders(x, f->mailbox, err))
			return false;
		x->mailbox = f->mailbox;
		place = places_folder(x->places, f->number);
	}
	*out = place;
	return place != NULL ||
	       exa_fail(err, EXA_CORRUPT,
		       "index: folder %u of mailbox %u has no row; run `exarch rebuild`", f->number,
		       f->mailbox);
}

static char *
text(struct batch *b, const char *s)
{
	return arena_strndup(b->texts, s != NULL ? s : "", CATALOG_TEXT_MAX);
}

static char *
text_join(struct batch *b, const char *folder, const char *name)
{
	EXA_AUTO(exa_freep) char *joined = fs_join(folder, name);

	return text(b, joined);
}

static struct mbox *
find_mbox(struct export *x, const struct catalog_folder *f, const char *place)
{
	EXA_AUTO(exa_freep) char *folder = fs_dir_of(place);
	const char *slash = strrchr(place, '/');
	EXA_AUTO(exa_freep)
	char *name = exa_asprintf("%s%s", slash != NULL ? slash + 1 : place, NAME_MBOX);
	EXA_AUTO(exa_freep) char *part = exa_asprintf("mbox-%u-%u", f->mailbox, f->number);

	return x->options->flat ? mboxes_get(x->mboxes, ".", "mail" NAME_MBOX, "mbox-all")
				: mboxes_get(x->mboxes, folder, name, part);
}

static void
set_maildir(struct export *x, struct batch *b)
{
	EXA_AUTO(exa_freep) char *nested = NULL;

	if (x->options->layout == EXPORT_NESTED) {
		nested = places_nested(x->places, b->folder.number);
		b->place.place = text(b, nested);
	} else {
		b->place.place = text(b, places_maildir(x->places, b->folder.number));
		b->place.root = text(b, places_root(x->places));
	}
}

static bool
set_place(struct export *x, struct batch *b, struct exa_error *err)
{
	const struct export_options *o = x->options;
	const char *place;

	if (!find_place(x, &b->folder, &place, err))
		return false;
	b->place.place = o->flat ? "." : text(b, place);
	b->place.files = o->format == EXPORT_EML ? b->place.place
			 : o->flat               ? PLACES_FILES
						 : text_join(b, PLACES_FILES, place);
	if (o->format == EXPORT_MBOX)
		b->place.mbox = find_mbox(x, &b->folder, place);
	if (o->format == EXPORT_MAILDIR && !o->flat)
		set_maildir(x, b);
	return true;
}

/* ---- what a thread does ---- */

static void
note_outcome(struct export *x, const struct item_outcome *o)
{
	x->result.items += o->written;
	x->result.skipped += !o->written;
	x->result.native_only += o->written && o->native_only;
	x->result.bytes += o->bytes;
}

/* False: the export can't go on. */
static bool
export_one(struct export *x, struct item_writer *w, const struct batch *b,
	const struct catalog_row *row, struct exa_error *err)
{
	const struct selected item = { .mailbox = &b->mailbox, .folder = &b->folder, .row = row };
	const struct export_options *o = x->options;
	struct item_outcome outcome;
	bool end = true, good;

	if (cancel_raised(o->cancel))
		return exa_fail(err, EXA_CANCELLED, "stopped; --update goes on from here");
	good = item_export(w, &b->place, &item, &outcome, &end, err);
	if (!good && end)
		return false;
	(void)pthread_mutex_lock(&x->mu);
	if (good)
		note_outcome(x, &outcome);
	x->result.failed += !good;
	if (!good && o->failed != NULL)
		o->failed(o->ctx, &item, err);
	if (o->progress != NULL)
		o->progress(o->ctx, x->result.items, x->result.bytes);
	(void)pthread_mutex_unlock(&x->mu);
	return true;
}

static void
batch_free(void *job)
{
	struct batch *b = job;

	arena_free(b->texts);
	exa_free(b);
}

static bool
export_batch(void *ctx, unsigned worker, void *job, struct exa_error *err)
{
	struct export *x = ctx;
	struct batch *b = job;
	bool good = true;

	for (size_t i = 0; good && i < b->count; i++)
		good = export_one(x, &x->writers[worker], b, &b->rows[i], err);
	if (b->place.mbox != NULL)
		mbox_leave(b->place.mbox);
	batch_free(b);
	return good;
}

/* ---- the walk ---- */

static bool
send_batch(struct export *x)
{
	struct batch *b = x->batch;

	x->batch = NULL;
	x->given_up = b != NULL && !crew_give(x->crew, b, b->place.mbox);
	return !x->given_up;
}

static bool
begin_batch(struct export *x, const struct selected *item, struct exa_error *err)
{
	struct batch *b = exa_alloc(sizeof *b);

	b->texts = arena_new();
	b->mailbox = *item->mailbox;
	b->mailbox.smtp = text(b, item->mailbox->smtp);
	b->mailbox.display_name = text(b, item->mailbox->display_name);
	b->folder = *item->folder;
	b->folder.server_id = text(b, item->folder->server_id);
	b->folder.parent_id = text(b, item->folder->parent_id);
	b->folder.name = text(b, item->folder->name);
	b->folder.path = text(b, item->folder->path);
	b->folder.class = text(b, item->folder->class);
	if (!set_place(x, b, err)) {
		batch_free(b);
		return false;
	}
	x->batch = b;
	return true;
}

static bool
take_selected(void *ctx, const struct selected *item, struct exa_error *err)
{
	struct export *x = ctx;
	const struct batch *b = x->batch;

	if (cancel_raised(x->options->cancel))
		return exa_fail(err, EXA_CANCELLED, "stopped; --update goes on from here");
	if (b != NULL &&
		(b->count == BATCH_ROWS || b->folder.mailbox != item->folder->mailbox ||
			b->folder.number != item->folder->number) &&
		!send_batch(x))
		return exa_fail(err, EXA_FAILED, "a thread has failed");
	if (x->batch == NULL && !begin_batch(x, item, err))
		return false;
	x->batch->rows[x->batch->count++] = *item->row;
	return true;
}

/* ---- all of it ---- */

static bool
open_writers(struct export *x, struct exa_error *err)
{
	x->threads = x->options->threads > 0 ? x->options->threads : 1;
	if (x->threads > EXPORT_THREADS_MAX)
		x->threads = EXPORT_THREADS_MAX;
	x->writers = exa_alloc_array(x->threads, sizeof *x->writers);
	for (unsigned i = 0; i < x->threads; i++)
		x->writers[i].target =
			(struct target){ .top_fd = -1, .workshop_fd = -1, .folder_fd = -1 };
	for (unsigned i = 0; i < x->threads; i++) {
		struct item_writer *w = &x->writers[i];

		w->options = x->options;
		w->archive = x->archive;
		w->journal = x->journal;
		if (!target_share(&x->target, i + 1, &w->target, err) ||
			!store_reader_new(catalog_store(x->catalog), &w->reader, err))
			return false;
	}
	return true;
}

static bool
run_crew(struct export *x, const struct selection *s, struct exa_error *err)
{
	struct exa_error why;
	bool walked;

	if (!crew_new(&(struct crew_options){ .threads = x->threads,
			      .run = export_batch,
			      .drop = batch_free,
			      .ctx = x },
		    &x->crew, err))
		return false;
	walked = selection_walk(x->catalog, s, take_selected, x, err) && send_batch(x);
	if (x->batch != NULL)
		batch_free(x->batch);
	x->batch = NULL;
	/* Whichever of the two failed: when the crew did, the walk only followed. */
	if (!crew_end(x->crew, !walked, &why)) {
		*err = why;
		return false;
	}
	return walked;
}

/* What was written stays, whole and named, also when the export ends early. */
static bool
finish(struct export *x, bool good, struct exa_error *err)
{
	struct exa_error later;
	bool finished =
		journal_step(x->journal, &later) && mboxes_finish(x->mboxes, &x->target, &later);

	if (!finished)
		journal_abandon(x->journal);
	else
		finished = journal_close(x->journal, &later);
	if (finished)
		return good;
	if (good) {
		*err = later;
		return false;
	}
	return exa_while(err, "%s; and before that", later.text);
}

static bool
begin(struct export *x, struct exa_error *err)
{
	struct store_stats stats;
	struct journal_options options = {
		.target = &x->target, .format = x->options->format, .update = x->options->update
	};

	if (!store_stat(catalog_store(x->catalog), &stats, err))
		return false;
	memcpy(x->archive, stats.uuid, sizeof x->archive);
	memcpy(options.archive, stats.uuid, sizeof options.archive);
	if (!target_open(&x->target, x->options->to, err) || !place_mailboxes(x, err) ||
		!journal_open(&options, &x->journal, err))
		return false;
	x->mboxes = mboxes_new(x->journal);
	return true;
}

static bool
run(struct export *x, const struct selection *s, struct exa_error *err)
{
	return begin(x, err) && finish(x, open_writers(x, err) && run_crew(x, s, err), err);
}

static void
done(struct export *x)
{
	for (unsigned i = 0; x->writers != NULL && i < x->threads; i++)
		item_writer_done(&x->writers[i]);
	exa_free(x->writers);
	mboxes_free(x->mboxes);
	places_free(x->places);
	if (x->target.top_fd >= 0)
		target_clear(&x->target);
	target_close(&x->target);
	(void)pthread_mutex_destroy(&x->mu);
}

bool
export_files(struct catalog *c, const struct selection *s, const struct export_options *options,
	struct export_result *out, struct exa_error *err)
{
	struct export x = { .catalog = c,
		.options = options,
		.target = { .top_fd = -1, .workshop_fd = -1, .folder_fd = -1 } };
	bool good;

	(void)pthread_mutex_init(&x.mu, NULL);
	good = run(&x, s, err);
	done(&x);
	if (good)
		*out = x.result;
	else if (err->code == EXA_IO && err->detail == ENOSPC)
		return exa_while(err, "the disk is full after %llu messages; --update goes on",
			(unsigned long long)x.result.items);
	return good;
}
