/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bringing the index up to date. Two walks over the archive's rows:
 *
 *   1. in one read transaction: how many there are, and the last place in the log that one of them
 *      names. Whatever is committed later stands behind it.
 *   2. in many short ones: each row that isn't in the index as it is now is read from the archive
 *      and put in; what has expired is taken out.
 *
 * The index is committed every few thousand items, and the place from (1) is noted when (2) is
 * through. Killed anywhere, the next build finds the rows that are in and goes on with the others.
 * While it was never through, or for rows behind the place, each row tells for itself when it was
 * read.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "exarch/fs.h"
#include "exarch/mem.h"
#include "internal.h"

#define STEP_ROWS ((size_t)256)
/* After so many items, or bytes of words, they are committed. */
#define COMMIT_ITEMS 4000
#define COMMIT_BYTES ((size_t)64 * 1024 * 1024)

struct building {
	struct catalog *catalog;
	const struct search_build_options *options;
	struct search_build_result *result;
	struct search *search;
	struct putter *putter;
	sqlite3_stmt *find;
	struct store_reader *reader;
	struct buf scratch;

	uint64_t total, done;
	struct store_loc last; /* in the log, when it began */
	uint64_t commit;

	struct catalog_row rows[STEP_ROWS];
	size_t row_count;

	bool open;           /* a transaction of the database */
	size_t items, bytes; /* in it */
};

/* ---- transactions ---- */

static bool
begin(struct building *b, struct exa_error *err)
{
	if (b->open)
		return true;
	b->items = b->bytes = 0;
	b->open = sql_run(b->search->db, "BEGIN IMMEDIATE", err);
	return b->open;
}

static bool
commit(struct building *b, struct exa_error *err)
{
	if (!b->open)
		return true;
	b->open = false;
	return sql_run(b->search->db, "COMMIT", err);
}

static bool
commit_if_full(struct building *b, struct exa_error *err)
{
	return (b->items < COMMIT_ITEMS && b->bytes < COMMIT_BYTES) || commit(b, err);
}

/* ---- one row ---- */

enum presence { NOT_THERE, OTHER_CONTENT, OTHER_RECORD, AS_IT_IS };

static bool
look_up(struct building *b, const struct catalog_row *row, enum presence *out,
	struct exa_error *err)
{
	bool found;

	*out = NOT_THERE;
	(void)sqlite3_bind_int64(b->find, 1, (sqlite3_int64)row->number);
	if (!sql_step(b->find, &found, err))
		return false;
	if (!found)
		return true;
	if (sqlite3_column_int64(b->find, 2) != (sqlite3_int64)get_le64(row->mime_hash) ||
		sqlite3_column_int(b->find, 3) == 0)
		*out = OTHER_CONTENT;
	else if (sqlite3_column_int64(b->find, 0) == place_number(&row->loc) &&
		 sqlite3_column_int(b->find, 1) == row->loc.slot)
		*out = AS_IT_IS;
	else
		*out = OTHER_RECORD;
	(void)sqlite3_reset(b->find);
	return true;
}

static bool
put_unreadable(struct building *b, const struct catalog_row *row, const struct exa_error *why,
	struct exa_error *err)
{
	b->result->unreadable++;
	if (b->options->unreadable != NULL)
		b->options->unreadable(b->options->ctx, row->number, why);
	return putter_put(b->putter, row, NULL, err);
}

static size_t
size_of(const struct facts *f)
{
	return (f->words.body != NULL ? strlen(f->words.body) : 0) +
	       (f->words.files != NULL ? strlen(f->words.files) : 0);
}

static bool
put(struct building *b, const struct catalog_row *row, struct exa_error *err)
{
	struct exa_error why;
	struct facts facts;
	bool good;

	if (!facts_read(b->reader, row, FACTS_ALL, &b->scratch, &facts, &why)) {
		if (why.code == EXA_GONE && row->loc.segment != 0)
			return true; /* expired since the row was read */
		if (why.code != EXA_CORRUPT && why.code != EXA_GONE) {
			*err = why;
			return false;
		}
		return put_unreadable(b, row, &why, err);
	}
	good = putter_put(b->putter, row, &facts, err);
	b->bytes += size_of(&facts);
	facts_done(&facts);
	return good;
}

static bool
renew(struct building *b, const struct catalog_row *row, struct exa_error *err)
{
	struct exa_error why;
	struct facts record;
	bool good;

	if (!facts_read(b->reader, row, FACTS_RECORD, &b->scratch, &record, &why))
		return put(b, row, err);
	good = putter_renew(b->putter, row, &record, err);
	facts_done(&record);
	return good;
}

static bool
take_out(struct building *b, uint64_t number, struct exa_error *err)
{
	bool was_there;

	if (!begin(b, err) || !putter_remove(b->putter, number, &was_there, err))
		return false;
	b->result->removed += was_there;
	b->items += was_there;
	return true;
}

/* Rows in front of the place that is reached are in. */
static bool
is_known(const struct building *b, const struct catalog_row *row)
{
	return b->search->finished && place_order(&row->loc, &b->search->reached) <= 0;
}

static bool
bring_in(struct building *b, const struct catalog_row *row, struct exa_error *err)
{
	enum presence presence;

	if (!look_up(b, row, &presence, err))
		return false;
	if (presence == AS_IT_IS)
		return true;
	if (!begin(b, err))
		return false;
	b->items++;
	if (presence == OTHER_RECORD) {
		b->result->renewed++;
		return renew(b, row, err);
	}
	b->result->added += presence == NOT_THERE;
	b->result->renewed += presence != NOT_THERE;
	return put(b, row, err);
}

static bool
index_row(struct building *b, const struct catalog_row *row, struct exa_error *err)
{
	b->done++;
	if (row->state == ITEM_EXPIRED)
		return take_out(b, row->number, err);
	if (b->options->only_remove || is_known(b, row))
		return true;
	return bring_in(b, row, err) && commit_if_full(b, err);
}

/* ---- the walks ---- */

static bool
survey_row(void *ctx, const struct catalog_row *row, struct exa_error *err)
{
	struct building *b = ctx;

	(void)err;
	b->total++;
	if (place_order(&row->loc, &b->last) > 0)
		b->last = row->loc;
	return true;
}

static bool
survey(struct building *b, struct exa_error *err)
{
	EXA_AUTO(store_read_endp) struct store_txn *txn = NULL;
	struct store_stats stats;
	uint64_t number = 0;
	bool more;

	if (!store_stat(catalog_store(b->catalog), &stats, err))
		return false;
	b->commit = stats.last_commit;
	return store_read_begin(catalog_store(b->catalog), &txn, err) &&
	       catalog_each_row_by_number(txn, &number, SIZE_MAX, survey_row, b, &more, err);
}

static bool
copy_row(void *ctx, const struct catalog_row *row, struct exa_error *err)
{
	struct building *b = ctx;

	(void)err;
	b->rows[b->row_count++] = *row;
	return true;
}

static bool
copy_rows(struct building *b, uint64_t *number, bool *more_out, struct exa_error *err)
{
	EXA_AUTO(store_read_endp) struct store_txn *txn = NULL;

	b->row_count = 0;
	return store_read_begin(catalog_store(b->catalog), &txn, err) &&
	       catalog_each_row_by_number(txn, number, STEP_ROWS, copy_row, b, more_out, err);
}

static bool
walk(struct building *b, struct exa_error *err)
{
	uint64_t number = 0;
	bool more = true;

	while (more) {
		if (!copy_rows(b, &number, &more, err))
			return false;
		for (size_t i = 0; i < b->row_count; i++) {
			if (cancel_raised(b->options->cancel))
				return true;
			if (!index_row(b, &b->rows[i], err))
				return false;
		}
		if (b->options->progress != NULL)
			b->options->progress(b->options->ctx, b->done, b->total);
	}
	b->result->finished = true;
	return true;
}

/* What couldn't be read may be whole again: a segment came back from a backup. */
static bool
try_unreadable(struct building *b, struct exa_error *err)
{
	EXA_AUTO(sql_finishp) sqlite3_stmt *all = NULL;
	struct buf numbers = { 0 };
	bool row = true, good;

	good = sql_prepare(b->search->db, "SELECT number FROM item WHERE readable = 0", &all, err);
	while (good && row) {
		good = sql_step(all, &row, err);
		if (good && row)
			buf_add_le64(&numbers, (uint64_t)sqlite3_column_int64(all, 0));
	}
	for (size_t at = 0; good && at < numbers.size; at += 8) {
		struct catalog_row item;
		bool found;
		EXA_AUTO(store_read_endp) struct store_txn *txn = NULL;

		good = store_read_begin(catalog_store(b->catalog), &txn, err) &&
		       catalog_row(txn, get_le64(numbers.data + at), &found, &item, err);
		if (good && found && item.state != ITEM_EXPIRED)
			good = begin(b, err) && put(b, &item, err);
	}
	buf_done(&numbers);
	return good;
}

/* ---- what is left of what is gone ---- */

static bool
note_removed(struct building *b, struct exa_error *err)
{
	return b->result->removed == 0 ||
	       (begin(b, err) && database_note(b->search, "unpurged", "1", err));
}

static bool
is_unpurged(struct building *b, bool *out, struct exa_error *err)
{
	EXA_AUTO(sql_finishp) sqlite3_stmt *get = NULL;

	return sql_prepare(
		       b->search->db, "SELECT 1 FROM meta WHERE name = 'unpurged'", &get, err) &&
	       sql_step(get, out, err);
}

/* FTS5 only notes that an item is gone until its lists are merged; and pages that become free keep
 * what stood in them until the file is written anew. */
static bool
purge(struct building *b, struct exa_error *err)
{
	bool unpurged;

	if (!b->options->purge)
		return true;
	if (!is_unpurged(b, &unpurged, err))
		return false;
	if (!unpurged)
		return true;
	return sql_run(b->search->db, "INSERT INTO words(words) VALUES('optimize')", err) &&
	       sql_run(b->search->db, "VACUUM", err) &&
	       sql_run(b->search->db, "DELETE FROM meta WHERE name = 'unpurged'", err);
}

static bool
count_items(struct building *b, struct exa_error *err)
{
	EXA_AUTO(sql_finishp) sqlite3_stmt *count = NULL;
	EXA_AUTO(exa_freep)
	char *path = database_path(store_dir(catalog_store(b->catalog)), "search.db");
	struct stat st;
	bool row;

	if (!sql_prepare(b->search->db, "SELECT count(*) FROM item", &count, err) ||
		!sql_step(count, &row, err))
		return false;
	b->result->items = row ? (uint64_t)sqlite3_column_int64(count, 0) : 0;
	b->result->database_bytes = stat(path, &st) == 0 ? (uint64_t)st.st_size : 0;
	return true;
}

/* ---- the whole ---- */

static bool
build(struct building *b, struct exa_error *err)
{
	bool noted;

	if (!putter_new(b->search->db, &b->putter, err) ||
		!sql_prepare(b->search->db,
			"SELECT place, slot, hash, readable FROM item WHERE number = ?1", &b->find,
			err) ||
		!store_reader_new(catalog_store(b->catalog), &b->reader, err) || !survey(b, err))
		return false;
	if (!b->options->only_remove && b->search->finished && !try_unreadable(b, err))
		return false;
	if (!walk(b, err) || !note_removed(b, err))
		return false;
	noted = !b->result->finished || b->options->only_remove ||
		(begin(b, err) && database_note_reached(b->search, &b->last, b->commit, err));
	return noted && commit(b, err) && purge(b, err) &&
	       sql_run(b->search->db, "PRAGMA wal_checkpoint(TRUNCATE)", err) &&
	       count_items(b, err);
}

static void
building_done(struct building *b)
{
	sql_finishp(&b->find);
	putter_freep(&b->putter);
	store_reader_freep(&b->reader);
	search_closep(&b->search); /* what isn't committed is rolled back */
	buf_done(&b->scratch);
	exa_free(b);
}

/* An index that can't be used is made anew. */
static bool
open_or_remake(struct building *b, struct exa_error *err)
{
	const char *archive = store_dir(catalog_store(b->catalog));

	if (b->options->anew && !search_remove(archive, err))
		return false;
	if (database_open(b->catalog, DATABASE_WRITE, &b->search, err))
		return true;
	if (err->code != EXA_CORRUPT)
		return false;
	b->result->was_damaged = true;
	b->result->why = *err;
	return search_remove(archive, err) &&
	       database_open(b->catalog, DATABASE_WRITE, &b->search, err);
}

/* refuse_encrypted was asked before. */
static bool
note_consent(struct building *b, struct exa_error *err)
{
	return !b->options->in_clear || b->search->in_clear ||
	       database_note(b->search, "in_clear", "1", err);
}

static bool
refuse_encrypted(
	struct catalog *c, const struct search_build_options *options, struct exa_error *err)
{
	struct exa_error ignored;
	struct search *have = NULL;
	struct store_stats stats;
	bool consent;

	if (!store_stat(catalog_store(c), &stats, err))
		return false;
	if (!stats.encrypted || options->in_clear)
		return true;
	consent = database_open(c, DATABASE_READ, &have, &ignored) && have->in_clear;
	search_closep(&have);
	return consent ||
	       exa_fail(err, EXA_USAGE,
		       "the archive is encrypted, and a search index would hold the words of its "
		       "mail in clear; if that is meant, say --in-clear (docs/security.md)");
}

/* One at a time. The file stays: to remove it would let two in. */
static bool
take_lock(const char *archive, int *fd_out, struct exa_error *err)
{
	EXA_AUTO(exa_freep) char *path = database_path(archive, "lock");
	EXA_AUTO(exa_freep) char *folder = fs_dir_of(path);
	int fd;

	if (mkdir(folder, 0700) != 0 && errno != EEXIST)
		return exa_fail_errno(err, errno, "can't make %s", folder);
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0)
		return exa_fail_errno(err, errno, "can't open %s", path);
	if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
		(void)close(fd);
		return exa_fail(err, EXA_LOCKED, "another process is making the search index");
	}
	*fd_out = fd;
	return true;
}

static bool
attempt(struct catalog *c, const struct search_build_options *options,
	struct search_build_result *result, struct exa_error *err)
{
	struct building *b = exa_alloc(sizeof *b);
	bool good;

	b->catalog = c;
	b->options = options;
	b->result = result;
	good = open_or_remake(b, err) && note_consent(b, err) && build(b, err);
	building_done(b);
	return good;
}

bool
search_build(struct catalog *c, const struct search_build_options *options,
	struct search_build_result *out, struct exa_error *err)
{
	const char *archive = store_dir(catalog_store(c));
	EXA_AUTO(fs_closep) int lock = -1;
	struct search_build_result result = { 0 };

	if (!refuse_encrypted(c, options, err) || !take_lock(archive, &lock, err))
		return false;
	if (!attempt(c, options, &result, err)) {
		if (err->code != EXA_CORRUPT || result.was_damaged)
			return false;
		/* Damage that shows only inside. */
		result = (struct search_build_result){ .was_damaged = true, .why = *err };
		if (!search_remove(archive, err) || !attempt(c, options, &result, err))
			return false;
	}
	*out = result;
	return true;
}
