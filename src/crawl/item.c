/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The life of an item, from its first byte to its acknowledgement:
 *
 *     item_begin     a clean splitter and recipe
 *     item_mime      bytes as they stream in: hashed whole, split into parts, which become objects
 *     item_native    or those of the native stream: hashed whole, cut into objects
 *     item_*_stored  the answer's end: the recipe
 *     item_archive   record, one batch to the store; acknowledged when that is durable
 *
 * or, when it is known from another place (moved.c), item_follow: a record with the recipe it has;
 * or else item_gone (deleted before we came) or item_failed (why, how often, and when to try
 * again). An item whose answer breaks off is none of these: it stays pending, and objects it left
 * in the store wait for the next try to find them.
 */
#include <stdio.h>
#include <string.h>

#include "exarch/clock.h"
#include "internal.h"

/* Growing spacing of tries over runs: at once, then hours, a day, a week. */
static const int64_t retry_after_hours[] = { 0, 0, 6, 24, 168 };

bool
item_begin(struct crawl_thread *t)
{
	mime_splitter_reset(t->splitter);
	recipe_writer_reset(t->recipe);
	return true;
}

bool
item_mime(struct crawl_thread *t, struct bytes mime, struct exa_error *err)
{
	recipe_writer_source(t->recipe, mime);
	return mime_splitter_feed(t->splitter, mime, err);
}

bool
item_native(struct crawl_thread *t, struct bytes stream, struct exa_error *err)
{
	return recipe_writer_stream(t->recipe, stream, err);
}

bool
item_mime_stored(
	struct crawl_thread *t, const char *id, struct recipe_result *out, struct exa_error *err)
{
	if (!mime_splitter_finish(t->splitter, err))
		return exa_while(err, "splitting item %s", id);
	return recipe_writer_finish(t->recipe, out, err) || exa_while(err, "storing item %s", id);
}

bool
item_native_stored(
	struct crawl_thread *t, const char *id, struct recipe_result *out, struct exa_error *err)
{
	return recipe_writer_finish(t->recipe, out, err) ||
	       exa_while(err, "storing the native stream of item %s", id);
}

static struct catalog_item
record_of(struct crawl_run *run, const struct folder *f, const struct ews_item *item,
	const struct recipe_result *mime, const struct recipe_result *native)
{
	struct catalog_item record = {
		.number = catalog_next_item(run->catalog),
		.mailbox = f->mailbox->number,
		.folder = f->number,
		.server_id = item->id,
		.change_key = item->change_key,
		.class = item->class,
		.internet_message_id = item->internet_message_id,
		.categories = item->categories,
		.size_bytes = item->size_bytes,
		.received_ns = item->received_ns,
		.sent_ns = item->sent_ns,
		.created_ns = item->created_ns,
		.modified_ns = item->modified_ns,
		.message_flags = item->message_flags,
		.is_read = item->is_read,
		.has_attachments = item->has_attachments,
		.flag_status = item->flag_status,
		.search_key = item->search_key,
		.keep_older = run->options->versions == CRAWL_VERSIONS_ALL,
	};

	if (mime != NULL) {
		record.mime_bytes = mime->mime_bytes;
		record.recipe = mime->id;
		memcpy(record.mime_sha256, mime->mime_sha256, sizeof record.mime_sha256);
	}
	if (native != NULL) {
		record.native_bytes = native->mime_bytes;
		record.native_recipe = native->id;
		memcpy(record.native_sha256, native->mime_sha256, sizeof record.native_sha256);
	}
	return record;
}

/* So that it is known again when it moves. A change that is younger than this may have another beside
 * it that its time doesn't tell apart. */
static void
note_alike(struct crawl_thread *t, const struct catalog_item *record, uint64_t instead_of)
{
	const struct catalog_alike facts = { .received_ns = record->received_ns,
		.size_bytes = record->size_bytes,
		.class = record->class };
	const struct catalog_alike_item item = { .number = record->number,
		.modified_ns = record->modified_ns,
		.instead_of = instead_of };

	if (catalog_item_has_mime(record) && record->received_ns != EXA_NO_TIME &&
		record->size_bytes >= 0 && record->modified_ns != EXA_NO_TIME &&
		record->modified_ns < clock_wall_ns() - CHANGE_SETTLED_NS)
		catalog_batch_alike(&t->batch, record->mailbox, &facts, &item);
}

static bool
put(struct crawl_thread *t, struct folder *f, const struct catalog_item *record, uint64_t bytes,
	uint64_t instead_of, struct exa_error *err)
{
	struct crawl_run *run = f->mailbox->run;
	struct ack ack = {
		.mailbox = f->mailbox, .bytes = bytes, .native_only = !catalog_item_has_mime(record)
	};

	catalog_batch_item(&t->batch, record);
	note_alike(t, record, instead_of);
	if (!submit(t, f->mailbox, &ack.epoch, err))
		return exa_while(err, "recording item %s", record->server_id);
	report_fetched(run->options->report, f->mailbox->active, 1, ack.bytes);
	acks_add(run->crawl->acks, &ack);
	return true;
}

bool
item_archive(struct crawl_thread *t, struct folder *f, const struct ews_item *item,
	const struct recipe_result *mime, const struct recipe_result *native, struct exa_error *err)
{
	const struct catalog_item record = record_of(t->run, f, item, mime, native);

	return put(t, f, &record, record.mime_bytes + record.native_bytes, 0, err);
}

bool
item_follow(struct crawl_thread *t, struct folder *f, const struct ews_item *item,
	const struct recipe_result *mime, uint64_t former, struct exa_error *err)
{
	const struct catalog_item record = record_of(t->run, f, item, mime, NULL);

	return put(t, f, &record, 0, former, err);
}

void
item_lacks_form(struct folder *f, const struct item_ref *ref, const struct exa_error *why)
{
	struct exa_error told = *why;

	(void)exa_while(&told, "archived as MIME alone; its native stream");
	report_problem(f->mailbox->run->options->report,
		&(struct report_problem){ .mailbox = f->mailbox->what->label,
			.folder = f->path,
			.item = ref->id,
			.why = &told });
}

bool
item_gone(
	struct crawl_thread *t, struct folder *f, const struct item_ref *ref, struct exa_error *err)
{
	const struct catalog_key key = catalog_key_of(f->mailbox->number, f->number, ref->id);
	EXA_AUTO(store_read_endp) struct store_txn *txn = NULL;
	bool is_known, same;
	uint64_t item, epoch;

	/* It may have been a new version of an archived item. */
	if (!store_read_begin(catalog_store(t->run->catalog), &txn, err) ||
		!catalog_known(txn, &key, &is_known, &item, &same, "", err))
		return false;
	catalog_batch_removed(&t->batch, &key);
	(void)atomic_fetch_add(is_known ? &f->mailbox->removed : &f->mailbox->gone, 1);
	return submit(t, f->mailbox, &epoch, err);
}

bool
item_failed(struct crawl_thread *t, struct folder *f, const struct item_ref *ref,
	const struct exa_error *why, struct exa_error *err)
{
	const struct catalog_key key = catalog_key_of(f->mailbox->number, f->number, ref->id);
	const uint32_t last = sizeof retry_after_hours / sizeof retry_after_hours[0] - 1;
	const uint32_t attempts = ref->attempts + 1;
	const int64_t hours = retry_after_hours[attempts < last ? attempts : last];
	const struct ledger_entry entry = { .state = LEDGER_FAILED,
		.server_id = ref->id,
		.change_key = ref->change_key,
		.class = ref->class,
		.why = why->text,
		.size_bytes = ref->size_bytes,
		.received_ns = ref->received_ns,
		.is_read = ref->is_read,
		.attempts = attempts,
		.not_before_ns = hours == 0 ? 0 : clock_wall_ns() + hours * 3600 * EXA_NS_PER_S };
	uint64_t epoch;

	report_problem(f->mailbox->run->options->report,
		&(struct report_problem){ .mailbox = f->mailbox->what->label,
			.folder = f->path,
			.item = ref->id,
			.why = why });
	catalog_batch_ledger(&t->batch, &key, &entry);
	return submit(t, f->mailbox, &epoch, err);
}
