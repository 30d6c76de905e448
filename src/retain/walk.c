/* SPDX-License-Identifier: Apache-2.0 */
#include "walk.h"

#include <string.h>

#include "exarch/clock.h"
#include "exarch/mem.h"

#define STEP_ROWS ((size_t)256) /* copied in one transaction */

struct walking {
	struct catalog *catalog;
	const struct walk *walk;
	struct arena *texts;        /* of mailboxes */
	struct arena *folder_texts; /* of the mailbox at hand */
	struct catalog_mailbox *mailboxes;
	size_t mailbox_count;
	struct catalog_folder *folders;
	size_t folder_count;
	struct arena *path_texts; /* of the folder at hand */
	const char **paths;
	size_t path_count;
	struct catalog_row rows[STEP_ROWS];
	size_t row_count;
	bool stopped;
};

static bool
take_mailbox(void *ctx, const struct catalog_mailbox *m, struct exa_error *err)
{
	struct walking *w = ctx;
	struct catalog_mailbox mine = *m;

	(void)err;
	mine.smtp = arena_strndup(w->texts, m->smtp, CATALOG_TEXT_MAX);
	mine.display_name = arena_strndup(w->texts, m->display_name, CATALOG_TEXT_MAX);
	w->mailboxes = exa_realloc_array(w->mailboxes, w->mailbox_count + 1, sizeof *w->mailboxes);
	w->mailboxes[w->mailbox_count++] = mine;
	return true;
}

static bool
take_folder(void *ctx, const struct catalog_folder *f, struct exa_error *err)
{
	struct walking *w = ctx;

	(void)err;
	w->folders = exa_realloc_array(w->folders, w->folder_count + 1, sizeof *w->folders);
	w->folders[w->folder_count++] = (struct catalog_folder){ .mailbox = f->mailbox,
		.number = f->number,
		.path = arena_strndup(w->folder_texts, f->path, CATALOG_TEXT_MAX) };
	return true;
}

static bool
take_path(void *ctx, const char *path, struct exa_error *err)
{
	struct walking *w = ctx;

	(void)err;
	if (w->path_count > 0 && strcmp(path, w->paths[0]) == 0)
		return true;
	w->paths = exa_realloc_array(w->paths, w->path_count + 1, sizeof *w->paths);
	w->paths[w->path_count++] = arena_strndup(w->path_texts, path, CATALOG_TEXT_MAX);
	return true;
}

static bool
take_row(void *ctx, const struct catalog_row *row, struct exa_error *err)
{
	struct walking *w = ctx;

	(void)err;
	w->rows[w->row_count++] = *row;
	return true;
}

static bool
load_mailboxes(struct walking *w, struct exa_error *err)
{
	EXA_AUTO(store_read_endp) struct store_txn *txn = NULL;

	return store_read_begin(catalog_store(w->catalog), &txn, err) &&
	       catalog_each_mailbox(txn, take_mailbox, w, err);
}

static bool
load_folders(struct walking *w, uint32_t mailbox, struct exa_error *err)
{
	EXA_AUTO(store_read_endp) struct store_txn *txn = NULL;

	arena_reset(w->folder_texts);
	w->folder_count = 0;
	return store_read_begin(catalog_store(w->catalog), &txn, err) &&
	       catalog_each_folder(txn, mailbox, take_folder, w, err);
}

static bool
load_paths(struct walking *w, const struct catalog_folder *f, struct exa_error *err)
{
	EXA_AUTO(store_read_endp) struct store_txn *txn = NULL;

	arena_reset(w->path_texts);
	w->path_count = 0;
	return take_path(w, f->path, err) &&
	       store_read_begin(catalog_store(w->catalog), &txn, err) &&
	       catalog_each_folder_path(txn, f->mailbox, f->number, take_path, w, err);
}

static bool
load_rows(struct walking *w, const struct catalog_folder *f, struct catalog_place *place,
	bool *more_out, struct exa_error *err)
{
	EXA_AUTO(store_read_endp) struct store_txn *txn = NULL;

	w->row_count = 0;
	return store_read_begin(catalog_store(w->catalog), &txn, err) &&
	       catalog_each_row(
		       txn, f->mailbox, f->number, place, STEP_ROWS, take_row, w, more_out, err);
}

static bool
walk_folder(struct walking *w, const struct catalog_folder *f, struct exa_error *err)
{
	struct catalog_place place = { .received_ns = EXA_NO_TIME };
	bool more = true;

	while (more) {
		if (!load_rows(w, f, &place, &more, err))
			return false;
		for (size_t i = 0; i < w->row_count; i++) {
			switch (w->walk->row(w->walk->ctx, &w->rows[i], err)) {
			case WALK_ON:
				break;
			case WALK_STOP:
				w->stopped = true;
				return true;
			case WALK_NEXT_FOLDER:
				return true;
			case WALK_FAILED:
				return false;
			}
		}
	}
	return true;
}

static bool
walk_mailbox(struct walking *w, const struct catalog_mailbox *m, struct exa_error *err)
{
	if (!load_folders(w, m->number, err))
		return false;
	for (size_t i = 0; i < w->folder_count && !w->stopped; i++) {
		const struct catalog_folder *f = &w->folders[i];
		struct walk_folder entered = { .mailbox = m, .folder = f };

		if (!load_paths(w, f, err))
			return exa_while(err, "in folder %s", f->path);
		entered.paths = w->paths;
		entered.path_count = w->path_count;
		if (w->walk->enter(w->walk->ctx, &entered) && !walk_folder(w, f, err))
			return exa_while(err, "in folder %s", f->path);
	}
	return true;
}

static bool
walk_all(struct walking *w, struct exa_error *err)
{
	if (!load_mailboxes(w, err))
		return false;
	for (size_t i = 0; i < w->mailbox_count && !w->stopped; i++) {
		if (!walk_mailbox(w, &w->mailboxes[i], err))
			return exa_while(err, "mailbox %s", w->mailboxes[i].smtp);
	}
	return true;
}

bool
walk_archive(struct catalog *c, const struct walk *walk, struct exa_error *err)
{
	struct walking *w = exa_alloc(sizeof *w);
	bool good;

	w->catalog = c;
	w->walk = walk;
	w->texts = arena_new();
	w->folder_texts = arena_new();
	w->path_texts = arena_new();
	good = walk_all(w, err);
	arena_free(w->texts);
	arena_free(w->folder_texts);
	arena_free(w->path_texts);
	exa_free(w->mailboxes);
	exa_free(w->folders);
	exa_free(w->paths);
	exa_free(w);
	return good;
}

bool
walk_is_held(const struct catalog_holds *h, size_t index, const struct walk_folder *f)
{
	for (size_t i = 0; i < f->path_count; i++) {
		if (catalog_hold_covers(h, index, f->mailbox->smtp, f->paths[i], EXA_NO_TIME))
			return true;
	}
	return false;
}
