/* SPDX-License-Identifier: Apache-2.0 */
/* Answers from the index. */
#include <stdlib.h>
#include <string.h>

#include "exarch/mem.h"
#include "internal.h"
#include "query.h"

/* Item numbers are dense; one beyond this isn't one of ours. */
#define NUMBER_MAX (INT64_C(1) << 34)

/* An item whose row is newer than the place up to which all is indexed. */
struct late {
	uint64_t number;
	int64_t place;
	uint16_t slot;
};

struct search_set {
	bool finished;
	struct store_loc reached;
	uint64_t limit;                /* numbers below it have bits */
	uint8_t *known, *yes, *broken; /* a bit for each number */
	struct late *late;             /* by number */
	size_t late_count, late_capacity;
	uint64_t unreadable;
};

static bool
bit(const uint8_t *bits, uint64_t number)
{
	return (bits[number / 8] >> (number % 8) & 1) != 0;
}

static void
set_bit(uint8_t *bits, uint64_t number)
{
	bits[number / 8] = (uint8_t)(bits[number / 8] | 1U << (number % 8));
}

void
search_set_free(struct search_set *set)
{
	if (set == NULL)
		return;
	exa_free(set->known);
	exa_free(set->yes);
	exa_free(set->broken);
	exa_free(set->late);
	exa_free(set);
}

/* ---- which items are known, as of when ---- */

static bool
make_bits(struct search *s, struct search_set *set, struct exa_error *err)
{
	EXA_AUTO(sql_finishp) sqlite3_stmt *most = NULL;
	sqlite3_int64 number;
	bool row;

	if (!sql_prepare(s->db, "SELECT max(number) FROM item", &most, err) ||
		!sql_step(most, &row, err))
		return false;
	number = row ? sqlite3_column_int64(most, 0) : 0;
	if (number < 0 || number > NUMBER_MAX)
		return exa_fail(err, EXA_CORRUPT, "search index: it has an item that can't be");
	set->limit = (uint64_t)number + 1;
	set->known = exa_alloc(set->limit / 8 + 1);
	set->yes = exa_alloc(set->limit / 8 + 1);
	set->broken = exa_alloc(set->limit / 8 + 1);
	return true;
}

static struct store_loc
loc_of(int64_t place, int slot)
{
	uint64_t both = (uint64_t)place;

	return (struct store_loc){ .segment = (uint32_t)(both >> 40),
		.offset = both & ((UINT64_C(1) << 40) - 1),
		.slot = (uint16_t)slot };
}

static void
add_late(struct search_set *set, uint64_t number, int64_t place, int slot)
{
	if (set->late_count == set->late_capacity) {
		set->late_capacity = set->late_capacity == 0 ? 64 : 2 * set->late_capacity;
		set->late = exa_realloc_array(set->late, set->late_capacity, sizeof *set->late);
	}
	set->late[set->late_count++] =
		(struct late){ .number = number, .place = place, .slot = (uint16_t)slot };
}

static int
by_number(const void *a, const void *b)
{
	const struct late *x = a, *y = b;

	return x->number < y->number ? -1 : x->number > y->number;
}

/* SQLite answers this from the index item_place alone, a twentieth of the table. */
static bool
load_known(struct search *s, struct search_set *set, struct exa_error *err)
{
	EXA_AUTO(sql_finishp) sqlite3_stmt *all = NULL;
	bool row;

	if (!sql_prepare(s->db, "SELECT number, place, slot, readable FROM item", &all, err))
		return false;
	for (;;) {
		struct store_loc loc;
		uint64_t number;

		if (!sql_step(all, &row, err))
			return false;
		if (!row)
			break;
		number = (uint64_t)sqlite3_column_int64(all, 0);
		if (number >= set->limit) /* written since */
			continue;
		loc = loc_of(sqlite3_column_int64(all, 1), sqlite3_column_int(all, 2));
		set_bit(set->known, number);
		if (sqlite3_column_int(all, 3) == 0) {
			set_bit(set->broken, number);
			set->unreadable++;
		}
		if (!set->finished || place_order(&loc, &set->reached) > 0)
			add_late(set, number, sqlite3_column_int64(all, 1),
				sqlite3_column_int(all, 2));
	}
	if (set->late_count > 0)
		exa_sort(set->late, set->late_count, sizeof *set->late, by_number);
	return true;
}

/* ---- which of them match ---- */

static bool
find_words(struct search *s, const struct search_query *q, uint8_t *bits, uint64_t limit,
	struct exa_error *err)
{
	EXA_AUTO(sql_finishp) sqlite3_stmt *hits = NULL;
	bool row;

	if (!sql_prepare(s->db, "SELECT rowid FROM words WHERE words MATCH ?1", &hits, err))
		return false;
	sql_bind_text(hits, 1, query_expression(q));
	for (;;) {
		uint64_t number;

		if (!sql_step(hits, &row, err))
			return false;
		if (!row)
			return true;
		number = (uint64_t)sqlite3_column_int64(hits, 0);
		if (number < limit)
			set_bit(bits, number);
	}
}

static const char *
column(const void *wanted, const char *name)
{
	return wanted != NULL ? name : "''";
}

static bool
prepare_scan(struct search *s, const struct search_conditions *c, sqlite3_stmt **out,
	struct exa_error *err)
{
	EXA_AUTO(exa_freep)
	char *sql = exa_asprintf("SELECT number, attachments, %s, %s, %s, %s, %s, %s FROM item",
		c->kinds != 0 ? "class" : column(c->class, "class"), column(c->subject, "subject"),
		column(c->sender, "sender"), column(c->message_id, "message_id"),
		column(c->recipient, "recipients"), column(c->attachment, "names"));

	return sql_prepare(s->db, sql, out, err);
}

/* WITHIN: only items with this bit are asked; NULL = all. */
static bool
find_texts(struct search *s, const struct search_conditions *c, const uint8_t *within,
	struct search_set *set, struct exa_error *err)
{
	EXA_AUTO(sql_finishp) sqlite3_stmt *all = NULL;
	bool row;

	if (!prepare_scan(s, c, &all, err))
		return false;
	for (;;) {
		struct condition_texts t;
		uint64_t number;

		if (!sql_step(all, &row, err))
			return false;
		if (!row)
			return true;
		number = (uint64_t)sqlite3_column_int64(all, 0);
		if (number >= set->limit || (within != NULL && !bit(within, number)))
			continue;
		t = (struct condition_texts){ .has_attachments = sqlite3_column_int(all, 1),
			.class = sql_text(all, 2),
			.subject = sql_text(all, 3),
			.sender = sql_text(all, 4),
			.message_id = sql_text(all, 5),
			.recipients = sql_text(all, 6),
			.names = sql_text(all, 7) };
		if (conditions_hold(c, &t))
			set_bit(set->yes, number);
	}
}

static bool
has_text_conditions(const struct search_conditions *c)
{
	struct search_conditions others = *c;

	others.words = NULL;
	return search_conditions_any(&others);
}

static bool
find_all(struct search *s, const struct search_conditions *c, struct search_set *set,
	struct exa_error *err)
{
	EXA_AUTO(exa_freep) uint8_t *hits = NULL;

	if (!search_conditions_any(c)) {
		memcpy(set->yes, set->known, set->limit / 8 + 1);
		return true;
	}
	if (c->words == NULL)
		return find_texts(s, c, NULL, set, err);
	if (!has_text_conditions(c))
		return find_words(s, c->words, set->yes, set->limit, err);
	hits = exa_alloc(set->limit / 8 + 1);
	return find_words(s, c->words, hits, set->limit, err) && find_texts(s, c, hits, set, err);
}

/* One view of the database, whoever writes meanwhile. */
bool
search_find(struct search *s, const struct search_conditions *conditions, struct search_set **out,
	struct exa_error *err)
{
	struct search_set *set = exa_alloc(sizeof *set);
	bool good;

	set->finished = s->finished;
	set->reached = s->reached;
	good = sql_run(s->db, "BEGIN", err) && make_bits(s, set, err) && load_known(s, set, err) &&
	       find_all(s, conditions, set, err);
	(void)sqlite3_exec(s->db, "COMMIT", NULL, NULL, NULL); /* nothing was written */
	if (!good) {
		search_set_free(set);
		return false;
	}
	*out = set;
	return true;
}

uint64_t
search_set_unreadable(const struct search_set *set)
{
	return set->unreadable;
}

enum search_verdict
search_set_verdict(const struct search_set *set, const struct catalog_row *row)
{
	const struct late key = { .number = row->number };
	const struct late *late;

	if (row->number >= set->limit || !bit(set->known, row->number))
		return SEARCH_UNKNOWN;
	if (!set->finished || place_order(&row->loc, &set->reached) > 0) {
		late = set->late_count == 0 ? NULL
					    : bsearch(&key, set->late, set->late_count,
						      sizeof *set->late, by_number);
		if (late == NULL || late->place != place_number(&row->loc) ||
			late->slot != row->loc.slot)
			return SEARCH_UNKNOWN;
	}
	if (bit(set->broken, row->number))
		return SEARCH_UNREADABLE;
	return bit(set->yes, row->number) ? SEARCH_YES : SEARCH_NO;
}

bool
search_is_current(struct search *s)
{
	struct store_stats stats;
	struct exa_error ignored;

	return s->finished && store_stat(catalog_store(s->catalog), &stats, &ignored) &&
	       stats.last_commit == s->last_commit;
}

/* ---- in order of rank, and texts ---- */

/* All hits, by number. */
static bool
list_hits(struct search *s, const struct search_query *q, struct buf *out, struct exa_error *err)
{
	EXA_AUTO(sql_finishp) sqlite3_stmt *hits = NULL;
	bool row;

	if (!sql_prepare(s->db, "SELECT rowid FROM words WHERE words MATCH ?1", &hits, err))
		return false;
	sql_bind_text(hits, 1, query_expression(q));
	for (;;) {
		if (!sql_step(hits, &row, err))
			return false;
		if (!row)
			return true;
		buf_add_le64(out, (uint64_t)sqlite3_column_int64(hits, 0));
	}
}

static bool
rank_from(struct search *s, const struct search_query *q, uint64_t first, search_hit_fn *fn,
	void *ctx, struct exa_error *err)
{
	EXA_AUTO(sql_finishp) sqlite3_stmt *hits = NULL;
	bool row;

	if (!sql_prepare(s->db,
		    "SELECT rowid FROM words WHERE words MATCH ?1 AND rowid >= ?2 ORDER BY rank",
		    &hits, err))
		return false;
	sql_bind_text(hits, 1, query_expression(q));
	(void)sqlite3_bind_int64(hits, 2, (sqlite3_int64)first);
	for (;;) {
		if (!sql_step(hits, &row, err))
			return false;
		if (!row)
			return true;
		if (!fn(ctx, (uint64_t)sqlite3_column_int64(hits, 0), err))
			return false;
	}
}

bool
search_ranked(struct search *s, const struct search_query *query, search_hit_fn *fn, void *ctx,
	struct exa_error *err)
{
	EXA_AUTO(buf_done) struct buf hits = { 0 };
	size_t count, ranked;

	if (!list_hits(s, query, &hits, err))
		return false;
	count = hits.size / 8;
	if (count == 0)
		return true;
	ranked = count < SEARCH_RANKED_MAX ? count : SEARCH_RANKED_MAX;
	if (!rank_from(s, query, get_le64(hits.data + 8 * (count - ranked)), fn, ctx, err))
		return false;
	for (size_t i = count - ranked; i > 0; i--) {
		if (!fn(ctx, get_le64(hits.data + 8 * (i - 1)), err))
			return false;
	}
	return true;
}

bool
search_texts(struct search *s, enum search_text which, search_text_fn *fn, void *ctx,
	struct exa_error *err)
{
	EXA_AUTO(sql_finishp) sqlite3_stmt *all = NULL;
	const char *sql = which == SEARCH_SUBJECT ? "SELECT number, subject FROM item"
						  : "SELECT number, sender FROM item";
	bool row;

	if (!sql_prepare(s->db, sql, &all, err))
		return false;
	for (;;) {
		if (!sql_step(all, &row, err))
			return false;
		if (!row)
			return true;
		if (!fn(ctx, (uint64_t)sqlite3_column_int64(all, 0), sql_text(all, 1), err))
			return false;
	}
}

bool
search_snippet(struct search *s, const struct search_query *query, uint64_t number, struct buf *out,
	struct exa_error *err)
{
	EXA_AUTO(sql_finishp) sqlite3_stmt *get = NULL;
	bool row;

	if (!sql_prepare(s->db,
		    "SELECT " SNIPPET_SQL " FROM words WHERE words MATCH ?1 AND rowid = ?2", &get,
		    err))
		return false;
	sql_bind_text(get, 1, query_expression(query));
	(void)sqlite3_bind_int64(get, 2, (sqlite3_int64)number);
	if (!sql_step(get, &row, err))
		return false;
	if (row)
		sql_add_snippet(get, out);
	return true;
}
