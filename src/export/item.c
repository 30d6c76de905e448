/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The life of an item on its way out: its record, its forms, their names, are they there already;
 * then recipe -> workshop -> compared with the record -> time -> name -> a line in the journal.
 */
#include <string.h>

#include <openssl/evp.h>

#include "exarch/fs.h"
#include "exarch/mem.h"
#include "exarch/sha256.h"
#include "inner.h"
#include "item.h"
#include "name.h"

/* A form in which an item becomes a file. */
struct form {
	const char *name;      /* in the journal */
	const char *extension; /* of a name that has none yet; "" */
	uint64_t bytes;
	const uint8_t *sha256;
	/* How its bytes come; NULL: they are these. */
	bool (*play)(struct store_reader *r, const struct catalog_row *row,
		const struct catalog_item *item, const struct recipe_sink *sink,
		struct exa_error *err);
	struct bytes content;
};

/* The item at hand. */
struct job {
	struct item_writer *w;
	const struct item_place *place;
	const struct selected *item;
	const struct catalog_item *record;
	struct item_outcome *out;
	bool named; /* w->name is its name */
	bool end;   /* what fails now ends the export */
};

/* Failures of the target end the export, failures of the archive cost the item. */
struct sink {
	bool (*write)(void *to, struct bytes data, struct exa_error *err);
	void *to;
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
	if (!s->write(s->to, data, err))
		return false;
	s->ended = false;
	return true;
}

static bool
play(struct job *j, const struct form *form, struct sink *s, struct exa_error *err)
{
	const struct recipe_sink sink = { .write = sink_write, .ctx = s };
	bool good;

	s->cancel = j->w->options->cancel;
	if (form->play == NULL)
		return s->write(s->to, form->content, err);
	good = form->play(j->w->reader, j->item->row, j->record, &sink, err);
	j->end = good || s->ended;
	return good;
}

static bool
note(struct job *j, const struct form *form, uint64_t offset, uint64_t length,
	struct exa_error *err)
{
	struct journal_line line = { .item = j->item->row->number,
		.mailbox = j->item->mailbox,
		.folder = j->item->folder,
		.received_ns = j->item->row->received_ns,
		.form = form->name,
		.path = buf_string(&j->w->path),
		.bytes = form->bytes,
		.offset = offset,
		.length = length };

	memcpy(line.sha256, form->sha256, sizeof line.sha256);
	return journal_add(j->w->journal, &line, err);
}

static void
count(struct job *j, const struct form *form)
{
	j->out->written = true;
	j->out->bytes += form->bytes;
}

static bool
fail_there(const struct job *j, struct exa_error *err)
{
	return exa_fail(err, EXA_USAGE,
		"%s/%s is there already; --update leaves alone what is there", j->w->target.path,
		buf_string(&j->w->path));
}

/* ---- files ---- */

static bool
write_to_file(void *to, struct bytes data, struct exa_error *err)
{
	return target_file_write(to, data, err);
}

static bool
write_file(struct job *j, const struct form *form, const char *name, struct exa_error *err)
{
	EXA_AUTO(target_file_done) struct target_file file = { .fd = -1 };
	struct sink s = { .write = write_to_file, .to = &file };

	return target_file_begin(&j->w->target, name, &file, err) && play(j, form, &s, err) &&
	       target_file_commit(&file, j->item->row->received_ns, err) &&
	       note(j, form, 0, 0, err);
}

static void
set_path(struct item_writer *w, const char *name)
{
	const char *place = w->target.place;

	if (strncmp(place, "./", 2) == 0)
		place += 2;
	buf_reset(&w->path);
	if (strcmp(place, ".") != 0)
		buf_printf(&w->path, "%s/", place);
	buf_add_string(&w->path, name);
}

/* The file NAME in the folder entered. */
static bool
put_file(struct job *j, const struct form *form, const char *name, struct exa_error *err)
{
	struct item_writer *w = j->w;
	bool there;

	set_path(w, name);
	if (!target_has(&w->target, name, form->bytes, &there, err))
		return false;
	if (there && !w->options->update)
		return fail_there(j, err);
	if (!there) {
		if (!write_file(j, form, name, err))
			return false;
		count(j, form);
		return true;
	}
	/* Found without a line: the power failed, or it is from before there was a journal. */
	return journal_has(w->journal, buf_string(&w->path), j->item->row->number, form->sha256) ||
	       (target_compare(&w->target, name, form->sha256, err) && note(j, form, 0, 0, err));
}

/* Without extension. */
static bool
name_item(struct job *j, struct exa_error *err)
{
	struct item_writer *w = j->w;
	struct message_head head = { 0 };

	if (j->named)
		return true;
	if (catalog_item_has_mime(j->record) &&
		!message_head_read(w->reader, &j->record->recipe, &head, err))
		return false;
	buf_reset(&w->name);
	name_add_file(&w->name, j->item->row->received_ns, j->item->row->number,
		head.subject != NULL ? head.subject : j->record->class);
	message_head_done(&head);
	j->named = true;
	return true;
}

/* Under the item's own name and the form's extension. */
static bool
put_named(struct job *j, const char *place, const struct form *form, struct exa_error *err)
{
	struct item_writer *w = j->w;
	size_t base;
	bool good;

	j->end = false;
	if (!name_item(j, err))
		return false;
	j->end = true;
	base = w->name.size;
	buf_add_string(&w->name, form->extension);
	good = target_enter(&w->target, place, err) && put_file(j, form, buf_string(&w->name), err);
	w->name.size = base;
	return good;
}

/* ---- messages in a Maildir ---- */

static bool
put_in_maildir(struct job *j, const struct form *form, struct exa_error *err)
{
	struct item_writer *w = j->w;
	EXA_AUTO(buf_done) struct buf name = { 0 };
	const char *place = j->place->place, *root = j->place->root;
	bool subfolder = root != NULL && strcmp(root, place) != 0, there = false;

	if ((subfolder && !maildir_enter(&w->target, root, false, err)) ||
		!maildir_enter(&w->target, place, subfolder, err))
		return false;
	maildir_add_name(&name, j->record, w->archive);
	set_path(w, buf_string(&name));
	/* A reader may have changed its flags, and its name with them. */
	if (w->options->update &&
		journal_has(w->journal, buf_string(&w->path), j->item->row->number, form->sha256) &&
		!maildir_has(
			&w->listing, &w->target, j->item->row->number, w->archive, &there, err))
		return false;
	return there || put_file(j, form, buf_string(&name), err);
}

/* ---- messages in an mbox ---- */

static bool
write_to_mbox(void *to, struct bytes data, struct exa_error *err)
{
	return mbox_message_write(to, data, err);
}

static bool
append(struct job *j, const struct form *form, struct exa_error *err)
{
	struct item_writer *w = j->w;
	struct mbox *x = j->place->mbox;
	struct sink s = { .write = write_to_mbox, .to = x };
	uint64_t offset, length;

	j->end = false;
	buf_reset(&w->head);
	if (!recipe_head(w->reader, &j->record->recipe, MESSAGE_HEAD_SOURCE_MAX, &w->head, err))
		return false;
	j->end = true;
	if (!mbox_message_begin(x, &w->target, buf_bytes(&w->head), j->item->row->received_ns, err))
		return false;
	if (!play(j, form, &s, err)) {
		mbox_message_cut(x);
		return false;
	}
	if (!mbox_message_commit(x, &offset, &length, err) || !note(j, form, offset, length, err))
		return false;
	count(j, form);
	return true;
}

static bool
put_in_mbox(struct job *j, const struct form *form, struct exa_error *err)
{
	struct item_writer *w = j->w;
	struct mbox *x = j->place->mbox;

	buf_reset(&w->path);
	buf_add_string(&w->path, mbox_path(x));
	if (!mbox_enter(x, &w->target, err))
		return false;
	if (!journal_has(w->journal, mbox_path(x), j->item->row->number, form->sha256))
		return append(j, form, err);
	return w->options->update || fail_there(j, err);
}

/* ---- an item ---- */

static bool
put_message(struct job *j, struct exa_error *err)
{
	const struct form form = { .extension = NAME_EML,
		.bytes = j->record->mime_bytes,
		.sha256 = j->record->mime_sha256,
		.play = catalog_play_message };
	struct form named = form;

	j->end = true;
	switch (j->w->options->format) {
	case EXPORT_EML:
		break;
	case EXPORT_MBOX:
		named.name = "mbox";
		return put_in_mbox(j, &named, err);
	case EXPORT_MAILDIR:
		named.name = "maildir";
		return put_in_maildir(j, &named, err);
	}
	named.name = "eml";
	return put_named(j, j->place->place, &named, err);
}

static bool
put_native(struct job *j, struct exa_error *err)
{
	const struct form form = { .name = "fts",
		.extension = NAME_STREAM,
		.bytes = j->record->native_bytes,
		.sha256 = j->record->native_sha256,
		.play = catalog_play_native };

	j->end = true;
	return put_named(j, j->place->files, &form, err);
}

/* *FOUND_OUT: the item has a calendar or contact part, which is a file now. */
static bool
put_inner(struct job *j, bool *found_out, struct exa_error *err)
{
	struct item_writer *w = j->w;
	uint8_t sha256[CATALOG_SHA256_SIZE];
	struct form form = { .sha256 = sha256 };

	*found_out = false;
	if (w->options->inner == EXPORT_INNER_NONE || !inner_is_wanted(j->record->class))
		return true;
	buf_reset(&w->inner);
	if (!inner_find(w->reader, j->record, &w->inner, &form.extension, err))
		return false;
	if (form.extension == NULL)
		return true;
	form.name = form.extension + 1;
	form.content = buf_bytes(&w->inner);
	form.bytes = form.content.size;
	if (EVP_Digest(form.content.data, form.content.size, sha256, NULL, exa_sha256(), NULL) != 1)
		return exa_fail(err, EXA_FAILED, "SHA-256 is not available");
	j->end = *found_out = true;
	return put_named(j, j->place->files, &form, err);
}

/* As item_export, of all its files. */
static bool
put_all(struct job *j, struct exa_error *err)
{
	const struct export_options *o = j->w->options;
	bool has_mime = catalog_item_has_mime(j->record), has_inner = false;

	if (has_mime && !put_inner(j, &has_inner, err))
		return false;
	if (has_mime && !(has_inner && o->inner == EXPORT_INNER_INSTEAD) && !put_message(j, err))
		return false;
	return !catalog_item_has_native(j->record) || !(o->native || !has_mime) ||
	       put_native(j, err);
}

bool
item_export(struct item_writer *w, const struct item_place *place, const struct selected *item,
	struct item_outcome *out, bool *end_out, struct exa_error *err)
{
	struct item_outcome outcome = { 0 };
	struct catalog_item record;
	struct job j = { .w = w, .place = place, .item = item, .record = &record, .out = &outcome };

	if (!catalog_item_read(w->reader, item->row, &w->scratch, &record, err) ||
		!put_all(&j, err)) {
		*end_out = j.end;
		return false;
	}
	outcome.native_only = !catalog_item_has_mime(&record);
	*out = outcome;
	return true;
}

void
item_writer_done(struct item_writer *w)
{
	store_reader_free(w->reader);
	target_close(&w->target);
	maildir_listing_done(&w->listing);
	buf_done(&w->scratch);
	buf_done(&w->name);
	buf_done(&w->path);
	buf_done(&w->head);
	buf_done(&w->inner);
}
