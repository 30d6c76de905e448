/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Messages as files. The life of one: its record, its name, is it there already; then recipe ->
 * temporary file -> compared with the record -> time -> name. Files are made durable together at
 * the end, since an fsync for each would cost more than everything else.
 */
#include <errno.h>

#include "exarch/fs.h"
#include "exarch/mem.h"
#include "name.h"
#include "places.h"
#include "target.h"

struct export
{
	struct catalog *catalog;
	const struct export_options *options;
	struct export_result result;
	struct store_reader *reader;
	struct target target;
	struct places *places;
	uint32_t mailbox; /* entered in places; 0 = none */
	struct buf scratch;
	struct buf name;
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
enter_folder(struct export *x, const struct catalog_folder *f, struct exa_error *err)
{
	const char *place = x->mailbox == f->mailbox ? places_folder(x->places, f->number) : NULL;

	if (place == NULL) {
		if (!place_folders(x, f->mailbox, err))
			return false;
		x->mailbox = f->mailbox;
		place = places_folder(x->places, f->number);
	}
	if (place == NULL)
		return exa_fail(err, EXA_CORRUPT,
			"index: folder %u of mailbox %u has no row; run `exarch rebuild`",
			f->number, f->mailbox);
	return target_enter(&x->target, place, err);
}

/* ---- one message ---- */

/* Failures of the target end the export, failures of the archive cost the message. */
struct sink {
	struct target_file *file;
	struct cancel *cancel;
	bool ended;
};

static bool
sink_write(void *ctx, struct bytes data, struct exa_error *err)
{
	struct sink *s = ctx;

	s->ended = true;
	if (cancel_raised(s->cancel))
		return exa_fail(err, EXA_CANCELLED, "stopped; --update goes on from here");
	if (!target_file_write(s->file, data, err))
		return false;
	s->ended = false;
	return true;
}

/* A form in which an item becomes a file. */
struct form {
	const char *extension;
	uint64_t bytes;
	bool (*play)(struct store_reader *r, const struct catalog_row *row,
		const struct catalog_item *item, const struct recipe_sink *sink,
		struct exa_error *err);
};

static bool
write_file(struct export *x, const struct selected *item, const struct catalog_item *record,
	const struct form *form, bool *end_out, struct exa_error *err)
{
	EXA_AUTO(target_file_done) struct target_file file = { .fd = -1 };
	struct sink s = { .file = &file, .cancel = x->options->cancel };
	const struct recipe_sink sink = { .write = sink_write, .ctx = &s };

	*end_out = true;
	if (!target_file_begin(&x->target, buf_string(&x->name), &file, err))
		return false;
	*end_out = false;
	if (!form->play(x->reader, item->row, record, &sink, err)) {
		*end_out = s.ended;
		return false;
	}
	*end_out = true;
	return target_file_commit(&file, item->row->received_ns, err);
}

/* Without extension. */
static bool
name_files(struct export *x, const struct selected *item, const struct catalog_item *record,
	struct exa_error *err)
{
	struct message_head head = { 0 };

	if (catalog_item_has_mime(record) &&
		!message_head_read(x->reader, &record->recipe, &head, err))
		return false;
	buf_reset(&x->name);
	name_add_file(&x->name, item->row->received_ns, item->row->number,
		head.subject != NULL ? head.subject : record->class);
	message_head_done(&head);
	return true;
}

/* False with *END_OUT: the export can't go on. False without: this file can't be given back. */
static bool
export_file(struct export *x, const struct selected *item, const struct catalog_item *record,
	const struct form *form, bool *written_out, bool *end_out, struct exa_error *err)
{
	const size_t base = x->name.size;
	bool there, good;

	buf_add_string(&x->name, form->extension);
	*end_out = true;
	good = target_has(&x->target, buf_string(&x->name), form->bytes, &there, err);
	if (good && there && !x->options->update)
		good = exa_fail(err, EXA_USAGE,
			"%s/%s/%s is there already; --update leaves alone what is there",
			x->target.path, x->target.place, buf_string(&x->name));
	if (good && !there)
		good = write_file(x, item, record, form, end_out, err);
	x->name.size = base;
	if (good && !there) {
		*written_out = true;
		x->result.bytes += form->bytes;
	}
	return good;
}

/* As export_file, of all files of the item. */
static bool
export_item(struct export *x, const struct selected *item, bool *end_out, struct exa_error *err)
{
	struct catalog_item record;
	bool has_mime, written = false;

	*end_out = false;
	if (!catalog_item_read(x->reader, item->row, &x->scratch, &record, err) ||
		!name_files(x, item, &record, err))
		return false;
	has_mime = catalog_item_has_mime(&record);
	if (has_mime && !export_file(x, item, &record,
				&(struct form){ NAME_EML, record.mime_bytes, catalog_play_message },
				&written, end_out, err))
		return false;
	if (catalog_item_has_native(&record) && (x->options->native || !has_mime) &&
		!export_file(x, item, &record,
			&(struct form){ NAME_STREAM, record.native_bytes, catalog_play_native },
			&written, end_out, err))
		return false;
	x->result.skipped += !written;
	x->result.items += written;
	x->result.native_only += written && !has_mime;
	return true;
}

static bool
export_selected(void *ctx, const struct selected *item, struct exa_error *err)
{
	struct export *x = ctx;
	bool end = true;

	if (cancel_raised(x->options->cancel))
		return exa_fail(err, EXA_CANCELLED, "stopped; --update goes on from here");
	if (!enter_folder(x, item->folder, err))
		return false;
	if (!export_item(x, item, &end, err)) {
		if (end)
			return false;
		x->result.failed++;
		if (x->options->failed != NULL)
			x->options->failed(x->options->ctx, item, err);
	}
	if (x->options->progress != NULL)
		x->options->progress(x->options->ctx, x->result.items, x->result.bytes);
	return true;
}

/* ---- all of them ---- */

/* Also what was written before a failure is made durable: --update will rely on it. */
static bool
write_all(struct export *x, const struct selection *s, struct exa_error *err)
{
	struct exa_error later;

	if (selection_walk(x->catalog, s, export_selected, x, err))
		return target_sync(&x->target, err);
	if (!target_sync(&x->target, &later))
		return exa_while(err, "%s; and before that", later.text);
	return false;
}

static bool
run(struct export *x, const struct selection *s, struct exa_error *err)
{
	return target_open(&x->target, x->options->to, err) &&
	       store_reader_new(catalog_store(x->catalog), &x->reader, err) &&
	       place_mailboxes(x, err) && write_all(x, s, err);
}

bool
export_eml(struct catalog *c, const struct selection *s, const struct export_options *options,
	struct export_result *out, struct exa_error *err)
{
	struct export x = { .catalog = c,
		.options = options,
		.target = { .top_fd = -1, .folder_fd = -1 },
		.places = places_new() };
	bool good = run(&x, s, err);

	store_reader_free(x.reader);
	places_free(x.places);
	target_close(&x.target);
	buf_done(&x.scratch);
	buf_done(&x.name);
	if (good)
		*out = x.result;
	else if (err->code == EXA_IO && err->detail == ENOSPC)
		return exa_while(err, "the disk is full after %llu messages; --update goes on",
			(unsigned long long)x.result.items);
	return good;
}
