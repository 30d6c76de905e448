/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the audit says of a deletion: "delete begin" before the server is asked, "delete end" about
 * it afterwards (docs/format.md, "A, audit"). Numbers and hashes of audit records follow the one
 * before, which must be durable: so they are written one at a time, whichever mailbox they are of.
 */
#include <stdlib.h>
#include <string.h>

#include "delete.h"
#include "exarch/clock.h"

static const char begun[] = "delete begin", ended[] = "delete end";

static int
by_number(const void *a, const void *b)
{
	const struct due *x = a, *y = b;

	return (x->number > y->number) - (x->number < y->number);
}

static struct catalog_audit
audit_of(const struct deletion *d, const char *action)
{
	const struct crawl_deleting *who = &d->mailbox->run->options->deleting;

	return (struct catalog_audit){ .when_ns = clock_wall_ns(),
		.user = who->user,
		.host = who->host,
		.program = who->program,
		.action = action };
}

/* Counts and names the items of the batch that are in STATE; the batch is in order of numbers. */
static void
name_items(const struct deletion *d, enum due_state state, struct catalog_audit *audit,
	struct buf *numbers)
{
	uint64_t last = 0;

	for (size_t i = 0; i < d->due_count; i++) {
		if (d->due[i].state != state)
			continue;
		audit->items++;
		audit->bytes += d->due[i].bytes;
		catalog_numbers_add(numbers, &last, d->due[i].number);
	}
	audit->numbers = buf_bytes(numbers);
}

/* AUDIT and what BATCH holds besides, both or neither; durable when this returns. */
static bool
write_down(struct deletion *d, struct catalog_batch *batch, struct catalog_audit *audit,
	struct exa_error *err)
{
	struct catalog *catalog = d->mailbox->run->catalog;
	pthread_mutex_t *mu = &d->mailbox->run->deletions->mu;
	uint64_t epoch;
	bool good;

	(void)pthread_mutex_lock(mu);
	good = catalog_batch_audit(catalog, batch, audit, err) &&
	       catalog_submit(catalog, batch, &epoch, err) &&
	       store_wait(catalog_store(catalog), epoch, err);
	(void)pthread_mutex_unlock(mu);
	return good;
}

static void
describe_condition(const struct deletion *d, struct buf *out)
{
	static const char *const hows[] = { [EWS_DELETE_SOFT] = "soft",
		[EWS_DELETE_HARD] = "hard",
		[EWS_DELETE_TO_TRASH] = "to Deleted Items" };
	const struct crawl_deleting *what = &d->mailbox->run->options->deleting;
	char before[CLOCK_TEXT_MAX];

	buf_printf(out, "%s, %s", d->mailbox->what->label, hows[what->how]);
	if (what->before_ns == EXA_NO_TIME)
		return;
	clock_format(what->before_ns, before);
	buf_printf(out, ", received before %s", before);
}

bool
deletion_announce(struct deletion *d, struct exa_error *err)
{
	EXA_AUTO(catalog_batch_done) struct catalog_batch batch = { 0 };
	EXA_AUTO(buf_done) struct buf numbers = { 0 };
	EXA_AUTO(buf_done) struct buf detail = { 0 };
	struct catalog_audit audit = audit_of(d, begun);

	exa_sort(d->due, d->due_count, sizeof d->due[0], by_number);
	name_items(d, DUE_OPEN, &audit, &numbers);
	describe_condition(d, &detail);
	audit.detail = buf_string(&detail);
	if (!write_down(d, &batch, &audit, err))
		return exa_while(err, "noting what is to be deleted");
	d->intent = audit.number;
	return true;
}

static void
describe_outcome(const struct deletion *d, struct buf *out)
{
	const size_t refused = deletion_count(d, DUE_REFUSED);

	buf_printf(out, "of record %llu, %s: %zu deleted", (unsigned long long)d->intent,
		d->mailbox->what->label, deletion_count(d, DUE_DELETED));
	if (refused > 0)
		buf_printf(out, ", %zu refused (%s)", refused, d->refusal);
	if (d->unasked > 0)
		buf_printf(
			out, ", %zu not known (the archive no longer has their ids)", d->unasked);
	if (d->resumed)
		buf_add_string(out, "; found so by a later run");
}

/* The ledger and the audit in one batch. */
bool
deletion_conclude(struct deletion *d, struct crawl_thread *t, struct exa_error *err)
{
	EXA_AUTO(buf_done) struct buf numbers = { 0 };
	EXA_AUTO(buf_done) struct buf detail = { 0 };
	struct catalog_audit audit = audit_of(d, ended);

	for (size_t i = 0; i < d->due_count; i++) {
		const struct catalog_key key =
			catalog_key_of(d->mailbox->number, d->due[i].folder, d->due[i].id);

		if (d->due[i].state == DUE_DELETED)
			catalog_batch_removed(&t->batch, &key);
	}
	name_items(d, DUE_DELETED, &audit, &numbers);
	describe_outcome(d, &detail);
	audit.detail = buf_string(&detail);
	audit.about = d->intent;
	if (!write_down(d, &t->batch, &audit, err))
		return exa_while(err, "noting what was deleted");
	if (!d->resumed) /* that was another run's deed */
		deletion_count_deleted(d);
	return true;
}

/* ---- what earlier runs left ---- */

struct search {
	struct store_txn *txn;
	struct interrupted *of;
	size_t count;
};

/* The mailbox is that of any item: a batch is of one. */
static bool
find_mailbox(struct search *s, struct interrupted *one, struct exa_error *err)
{
	struct catalog_row row;
	bool found = false;

	for (size_t i = 0; i < one->count && !found; i++) {
		if (!catalog_row(s->txn, one->numbers[i], &found, &row, err))
			return false;
	}
	one->mailbox = found ? row.mailbox : 0;
	return true;
}

static bool
take_begun(struct search *s, const struct catalog_audit *audit, struct exa_error *err)
{
	struct bytes rest = audit->numbers;
	struct interrupted one = { .record = audit->number };
	uint64_t last = 0, number;

	if (rest.size > EWS_BATCH_MAX * sizeof number * 2)
		return exa_fail(err, EXA_CORRUPT, "audit record %llu names too many items",
			(unsigned long long)audit->number);
	one.numbers = exa_alloc_array(EWS_BATCH_MAX, sizeof *one.numbers);
	while (one.count < EWS_BATCH_MAX && catalog_numbers_next(&rest, &last, &number))
		one.numbers[one.count++] = number;
	s->of = exa_realloc_array(s->of, s->count + 1, sizeof *s->of);
	s->of[s->count++] = one;
	return find_mailbox(s, &s->of[s->count - 1], err);
}

static void
take_ended(struct search *s, uint64_t record)
{
	for (size_t i = s->count; i-- > 0;) {
		if (s->of[i].record != record)
			continue;
		exa_free(s->of[i].numbers);
		s->of[i] = s->of[--s->count];
		return;
	}
}

static bool
take_audit(void *ctx, const struct catalog_audit *audit, struct exa_error *err)
{
	struct search *s = ctx;

	if (strcmp(audit->action, begun) == 0)
		return take_begun(s, audit, err);
	if (strcmp(audit->action, ended) == 0)
		take_ended(s, audit->about);
	return true;
}

bool
deletion_find_interrupted(
	struct crawl_run *run, struct interrupted **out, size_t *count_out, struct exa_error *err)
{
	EXA_AUTO(store_read_endp) struct store_txn *txn = NULL;
	struct search s = { 0 };
	bool good;

	if (!store_read_begin(catalog_store(run->catalog), &txn, err))
		return false;
	s.txn = txn;
	good = catalog_each_audit(txn, take_audit, &s, err);
	*out = s.of; /* theirs to free in any case */
	*count_out = s.count;
	return good;
}

/* One item of it. What expired since has no id to ask with. */
static bool
resume_item(struct deletion *d, struct store_reader *reader, uint64_t number, struct exa_error *err)
{
	EXA_AUTO(store_read_endp) struct store_txn *txn = NULL;
	struct exa_error unreadable;
	struct catalog_item item;
	struct catalog_row row;
	bool found;

	if (!store_read_begin(catalog_store(d->mailbox->run->catalog), &txn, err) ||
		!catalog_row(txn, number, &found, &row, err))
		return false;
	/* Damage to a record must not hold up every run from now on; `verify` names it. */
	if (!found || row.mailbox != d->mailbox->number ||
		!catalog_item_read(reader, &row, &d->scratch, &item, &unreadable)) {
		d->unasked++;
		return true;
	}
	d->due[d->due_count++] = (struct due){ .number = row.number,
		.folder = row.folder,
		.id = exa_strdup(item.server_id),
		.change_key = exa_strdup(item.change_key),
		.received_ns = row.received_ns,
		.bytes = row.mime_bytes,
		.asks = 1 };
	return true;
}

bool
deletion_resume(struct deletion *d, const struct interrupted *from, struct exa_error *err)
{
	EXA_AUTO(store_reader_freep) struct store_reader *reader = NULL;

	deletion_forget_batch(d);
	if (!store_reader_new(catalog_store(d->mailbox->run->catalog), &reader, err))
		return false;
	for (size_t i = 0; i < from->count; i++) {
		if (!resume_item(d, reader, from->numbers[i], err))
			return false;
	}
	d->intent = from->record;
	d->resumed = true;
	return true;
}
