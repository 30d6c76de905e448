/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One folder: listed from its beginning, a page a step, each item looked up by its id; then what
 * the archive has and the list didn't name. The sync states are thrown away with the job. A page
 * that fails is asked for again.
 */
#include <stdlib.h>
#include <string.h>

#include "exarch/clock.h"

#include "diff.h"
#include "internal.h"

struct folder_diff {
	struct job job; /* first: the pool hands it back */
	struct diff_mailbox *mailbox;
	struct diff_place place;
	struct buf state;
	struct crawl_diff_counts counts;
	uint64_t *seen; /* first 8 bytes of the hash of each id listed that is archived */
	size_t seen_count, seen_capacity;
};

static void
folder_diff_free(struct folder_diff *d)
{
	exa_free(d->place.id);
	exa_free(d->place.path);
	exa_free(d->seen);
	buf_done(&d->state);
	exa_free(d);
}

static void
folder_diff_drop(struct job *job)
{
	folder_diff_free((struct folder_diff *)(void *)job);
}

/* ---- listed items ---- */

/* A page: what it changes counts when it came whole. */
struct page {
	struct folder_diff *diff;
	struct store_txn *txn;
	struct crawl_diff_counts counts;
	struct arena *arena;
	struct crawl_diff_item *items;
	size_t count, capacity;
	size_t seen_before;
};

static void
add_item(struct page *p, enum crawl_difference what, const struct ews_change *c, uint64_t number)
{
	if (p->count == p->capacity) {
		p->capacity = p->capacity > 0 ? p->capacity * 2 : 64;
		p->items = exa_realloc_array(p->items, p->capacity, sizeof *p->items);
	}
	p->items[p->count++] = (struct crawl_diff_item){ .what = what,
		.number = number,
		.item_id = arena_strndup(p->arena, c->id, strlen(c->id)),
		.received_ns = c->received_ns };
}

static uint64_t
short_hash(const struct catalog_key *key)
{
	return get_le64(key->id_hash);
}

static void
note_seen(struct folder_diff *d, const struct catalog_key *key)
{
	if (d->seen_count == d->seen_capacity) {
		d->seen_capacity = d->seen_capacity > 0 ? d->seen_capacity * 2 : 1024;
		d->seen = exa_realloc_array(d->seen, d->seen_capacity, sizeof *d->seen);
	}
	d->seen[d->seen_count++] = short_hash(key);
}

/* At the server, and not in the archive: by a rule, or is it missing? */
static bool
judge_unarchived(struct page *p, const struct catalog_key *key, const struct ews_change *c,
	struct exa_error *err)
{
	const struct rules_item facts = {
		.class = c->class, .received_ns = c->received_ns, .is_read = c->is_read
	};
	struct rules_decision decision;
	struct ledger_entry entry;
	bool open = false;

	rules_judge_item(p->diff->mailbox->run->options->rules, &facts, &decision);
	switch (decision.verdict) {
	case RULES_EXCLUDE:
		p->counts.excluded++;
		return true;
	case RULES_DEFER:
		p->counts.deferred++;
		return true;
	case RULES_ARCHIVE:
		break;
	}
	if (key->folder != 0 && !catalog_ledger(p->txn, key, &open, &entry, err))
		return false;
	if (open && entry.state == LEDGER_FAILED) {
		p->counts.failed++;
		add_item(p, CRAWL_FAILED, c, 0);
	} else {
		p->counts.server_only++;
		add_item(p, CRAWL_SERVER_ONLY, c, 0);
	}
	return true;
}

static bool
on_change(void *ctx, const struct ews_change *c, struct exa_error *err)
{
	struct page *p = ctx;
	const struct catalog_key key =
		catalog_key_of(p->diff->mailbox->number, p->diff->place.number, c->id);
	bool found = false, same = false;
	uint64_t number = 0;

	if (c->kind != EWS_CHANGE_CREATE && c->kind != EWS_CHANGE_UPDATE)
		return true; /* a list from the beginning has none */
	p->counts.listed++;
	if (key.folder != 0 &&
		!catalog_known(p->txn, &key, &found, &number, &same, c->change_key, err))
		return false;
	if (!found)
		return judge_unarchived(p, &key, c, err);
	note_seen(p->diff, &key);
	if (same) {
		p->counts.same++;
		return true;
	}
	p->counts.changed++;
	add_item(p, CRAWL_CHANGED, c, number);
	return true;
}

static void
add_counts(struct crawl_diff_counts *to, const struct crawl_diff_counts *c)
{
	to->listed += c->listed;
	to->same += c->same;
	to->server_only += c->server_only;
	to->failed += c->failed;
	to->changed += c->changed;
	to->excluded += c->excluded;
	to->deferred += c->deferred;
}

static void
tell_page(struct page *p)
{
	for (size_t i = 0; i < p->count; i++) {
		p->items[i].mailbox = p->diff->mailbox->what->label;
		p->items[i].folder = p->diff->place.path;
		diff_tell_item(p->diff->mailbox, &p->items[i]);
	}
	add_counts(&p->diff->counts, &p->counts);
}

static bool
list_page(struct folder_diff *d, struct ews *ews, bool *last_out, struct exa_error *err)
{
	const struct ews_mailbox mailbox = crawl_ews_mailbox(d->mailbox->what);
	const struct ews_sync_request request = { .folder_id = d->place.id,
		.sync_state = buf_string(&d->state),
		.max_changes = EWS_SYNC_PAGE_MAX };
	EXA_AUTO(store_read_endp) struct store_txn *txn = NULL;
	EXA_AUTO(arena_freep) struct arena *arena = arena_new();
	EXA_AUTO(buf_done) struct buf next = { 0 };
	struct page page = { .diff = d, .arena = arena, .seen_before = d->seen_count };
	const struct ews_change_sink sink = { .change = on_change, .ctx = &page };
	bool good;

	if (!store_read_begin(catalog_store(d->mailbox->run->catalog), &txn, err))
		return false;
	page.txn = txn;
	good = ews_sync_items(ews, &mailbox, &request, &sink, &next, last_out, err);
	if (good) {
		tell_page(&page);
		buf_reset(&d->state);
		buf_add_bytes(&d->state, buf_bytes(&next));
	} else {
		d->seen_count = page.seen_before;
	}
	exa_free(page.items);
	return good;
}

/* ---- what wasn't listed ---- */

static int
by_value(const void *a, const void *b)
{
	const uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

static bool
is_seen(const struct folder_diff *d, const struct catalog_key *key)
{
	const uint64_t hash = short_hash(key);

	return d->seen_count > 0 &&
	       bsearch(&hash, d->seen, d->seen_count, sizeof *d->seen, by_value) != NULL;
}

struct settling {
	struct folder_diff *diff;
	struct store_txn *txn;
};

static bool
on_known(void *ctx, const struct catalog_key *key, uint64_t number, struct exa_error *err)
{
	struct settling *s = ctx;
	struct folder_diff *d = s->diff;
	struct catalog_row row = { .received_ns = EXA_NO_TIME };
	bool found;

	if (is_seen(d, key))
		return true;
	if (!catalog_row(s->txn, number, &found, &row, err))
		return false;
	d->counts.archive_only++;
	diff_tell_item(d->mailbox, &(struct crawl_diff_item){ .what = CRAWL_ARCHIVE_ONLY,
					   .mailbox = d->mailbox->what->label,
					   .folder = d->place.path,
					   .number = number,
					   .item_id = "",
					   .received_ns = found ? row.received_ns : EXA_NO_TIME });
	return true;
}

static bool
settle(struct folder_diff *d, struct exa_error *err)
{
	EXA_AUTO(store_read_endp) struct store_txn *txn = NULL;
	struct settling s = { .diff = d };
	struct ledger_counts counts;

	if (d->place.number == 0)
		return true;
	exa_sort(d->seen, d->seen_count, sizeof *d->seen, by_value);
	if (!store_read_begin(catalog_store(d->mailbox->run->catalog), &txn, err) ||
		!catalog_counts(txn, d->mailbox->number, d->place.number, &counts, err))
		return false;
	d->counts.removed = counts.of[LEDGER_REMOVED];
	s.txn = txn;
	return catalog_each_known(txn, d->mailbox->number, d->place.number, on_known, &s, err);
}

/* ---- the job ---- */

static void
folder_diff_end(struct folder_diff *d, const struct exa_error *why)
{
	struct diff_mailbox *m = d->mailbox;

	diff_tell_folder(m, d->place.path, &d->counts, why);
	folder_diff_free(d);
	diff_folder_ends(m);
}

static void
folder_diff_run(struct job *job, void *thread)
{
	struct folder_diff *d = (struct folder_diff *)(void *)job;
	struct diff_mailbox *m = d->mailbox;
	struct exa_error err;
	bool last = true, stopped, good = true;

	if (atomic_load(&m->abandoned)) {
		folder_diff_end(d, &m->error);
		return;
	}
	if (d->place.id[0] != '\0')
		good = list_page(d, thread, &last, &err);
	if (good && last)
		good = settle(d, &err);
	if (!good) {
		if (!diff_retries(m, job, WORK_SCOPE_FOLDER, &err, &stopped))
			folder_diff_end(d, &err);
		else if (stopped)
			folder_diff_free(d);
		return;
	}
	work_got_on(m->run->work, job);
	if (last)
		folder_diff_end(d, NULL);
	else
		work_add(m->run->work, job);
}

void
diff_folder_begin(struct diff_mailbox *m, struct diff_place place)
{
	struct folder_diff *d = exa_alloc(sizeof *d);

	d->job = (struct job){ .rank = WORK_LIST,
		.target = m->target,
		.run = folder_diff_run,
		.drop = folder_diff_drop };
	d->mailbox = m;
	d->place = place;
	(void)atomic_fetch_add(&m->jobs, 1);
	work_add(m->run->work, &d->job);
}
