/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The life of an item, from its first byte of MIME to its acknowledgement:
 *
 *     item_begin      a clean splitter and recipe
 *     item_mime       bytes as they stream in: hashed whole, split into parts; parts become objects
 * in the store, once each item_archive    the answer's end: recipe, record, one batch to the store;
 * acknowledged when that is durable
 *
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

static struct catalog_item
record_of(struct crawl_run *run, const struct folder *f, const struct ews_item *item,
	const struct recipe_result *recipe)
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
		.mime_bytes = recipe->mime_bytes,
		.recipe = recipe->id,
		.keep_older = run->options->versions == CRAWL_VERSIONS_ALL,
	};

	memcpy(record.mime_sha256, recipe->mime_sha256, sizeof record.mime_sha256);
	return record;
}

bool
item_archive(struct crawl_thread *t, struct folder *f, const struct ews_item *item,
	struct exa_error *err)
{
	struct crawl_run *run = f->mailbox->run;
	struct recipe_result recipe;
	struct catalog_item record;
	uint64_t epoch;

	if (!mime_splitter_finish(t->splitter, err))
		return exa_while(err, "splitting item %s", item->id);
	if (!recipe_writer_finish(t->recipe, &recipe, err))
		return exa_while(err, "storing item %s", item->id);
	record = record_of(run, f, item, &recipe);
	catalog_batch_item(&t->batch, &record);
	if (!submit(t, f->mailbox, &epoch, err))
		return exa_while(err, "recording item %s", item->id);
	report_fetched(run->options->report, 1, recipe.mime_bytes);
	acks_add(run->crawl->acks, epoch, f->mailbox, recipe.mime_bytes);
	return true;
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
