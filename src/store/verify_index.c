/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The schema's tables against the segments. LMDB has no checksums: a key that went bad hides its
 * row, and nobody misses it. So the records that the walk passes are applied once more, to an index
 * of its own in a folder outside the archive, and then both are compared.
 *
 *     begin   an empty index in TMPDIR, without a name from its first moment: a process that
 *             dies leaves nothing behind
 *     take    the records of a frame, a megabyte at a time
 *     end     one view of the archive's index; what was committed between the walk's end and that
 *             view is applied too; then table by table
 *
 * Rows are looked up, not only walked in parallel: with a bad key in an inner page a row may be
 * there and still be found by nobody. In an encrypted store both sides are compared as they stand,
 * for the same entry has the same bytes there.
 *
 * What isn't compared is said: a sample and the later parts of a round don't pass all records, and
 * where frames are lost the segments can't say what should be there.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>

#include "exarch/mem.h"

#include "guard.h"
#include "pack.h"
#include "verify.h"

#define LOG_BYTES ((size_t)1 << 20) /* gathered before they are applied: what an epoch may have */

struct verify_index {
	struct index made;
	struct epoch epoch;
	struct watermark unused; /* each index has one; nobody looks at this one's */
};

/* ---- not comparing ---- */

static void
drop(struct verify *v)
{
	if (v->replay == NULL)
		return;
	index_close(&v->replay->made);
	epoch_done(&v->replay->epoch);
	exa_free(v->replay);
	v->replay = NULL;
}

static void
skip(struct verify *v, const char *why)
{
	drop(v);
	v->result.tables = STORE_TABLES_SKIPPED;
	(void)exa_fail(&v->result.tables_why, EXA_USAGE, "%s", why);
}

/* It should have been done. The walk is worth more than to end for it. */
static void
give_up(struct verify *v, const struct exa_error *why)
{
	drop(v);
	if (why->code == EXA_CORRUPT)
		verify_report(v, &(struct store_damage){ .first = 1, .what = *why });
	v->result.tables = STORE_TABLES_FAILED;
	v->result.tables_why = *why;
}

/* ---- the other index ---- */

/* Not /tmp at first: that may be memory. */
static const char *
scratch_folder(const struct verify *v)
{
	struct statvfs ignored;

	if (v->options->scratch != NULL)
		return v->options->scratch;
	return statvfs("/var/tmp", &ignored) == 0 ? "/var/tmp" : "/tmp";
}

/* It becomes no larger than the one it is compared with, which has the objects too. */
static bool
check_room(const struct verify *v, const char *folder, struct exa_error *err)
{
	MDB_envinfo info;
	MDB_stat root;
	struct statvfs fs;
	uint64_t needed;

	if (statvfs(folder, &fs) != 0)
		return exa_fail_errno(
			err, errno, "can't look at %s (TMPDIR names another folder)", folder);
	if (mdb_env_info(v->store->index.env, &info) != 0 ||
		mdb_env_stat(v->store->index.env, &root) != 0)
		return exa_fail(err, EXA_IO, "can't measure the index");
	needed = (uint64_t)(info.me_last_pgno + 1) * root.ms_psize;
	if ((uint64_t)fs.f_bavail * fs.f_frsize >= needed)
		return true;
	return exa_fail(err, EXA_LIMIT,
		"that takes up to %llu MiB of room in %s, which hasn't as much; TMPDIR names "
		"another folder",
		(unsigned long long)(needed >> 20) + 1, folder);
}

static bool
make_index(struct verify *v, struct index *out, struct exa_error *err)
{
	const char *folder = scratch_folder(v);
	EXA_AUTO(exa_freep) char *path = exa_asprintf("%s/exarch-verify-XXXXXX", folder);
	bool good;

	if (!check_room(v, folder, err))
		return false;
	if (mkdtemp(path) == NULL)
		return exa_fail_errno(
			err, errno, "can't make a folder in %s (TMPDIR names another)", folder);
	good = index_create(path, v->store->format.uuid, INDEX_SCRATCH, err) &&
	       index_open(out, path, INDEX_BUILD, &v->store->schema, v->store->format.uuid, err);
	index_remove(path);
	if (!good)
		return false;
	/* The guard would tell people to rebuild it. */
	guard_forget(out->guard);
	out->guard = 0;
	out->crypt = &v->store->crypt;
	return true;
}

void
verify_index_begin(struct verify *v)
{
	struct verify_index *replay;
	struct exa_error err;

	if (v->options->level != STORE_VERIFY_BLOBS || v->store->index.env == NULL)
		return;
	if (v->options->sample > 0) {
		skip(v, "only a sample of the records is read");
		return;
	}
	if (v->options->from.segment > 1) {
		skip(v, "the segments weren't walked in one go");
		return;
	}
	replay = exa_alloc(sizeof *replay);
	v->replay = replay;
	if (!make_index(v, &replay->made, &err))
		give_up(v, &err);
}

/* ---- the records ---- */

static bool
apply(struct verify *v, struct exa_error *err)
{
	struct verify_index *r = v->replay;

	if (!epoch_apply(&r->epoch, &r->made, &v->store->schema, &r->unused, err))
		return false;
	epoch_reset(&r->epoch);
	return true;
}

static bool
add_records(struct verify *v, struct place at, struct bytes raw, struct exa_error *err)
{
	struct epoch *e = &v->replay->epoch;
	struct pack_walk w;
	struct pack_entry entry;

	if (!pack_walk_begin(raw, &w, err))
		return false;
	epoch_add_pack(e, at);
	while (pack_walk_next(&w, &entry)) {
		if (entry.kind == PACK_RECORD)
			epoch_log_record(
				&e->log, (uint32_t)e->pack_count - 1, entry.slot, entry.data);
	}
	return e->log.size < LOG_BYTES || apply(v, err);
}

void
verify_index_take(struct verify *v, const struct scan_frame *f)
{
	struct exa_error err;

	if (v->replay == NULL || f->head.kind != FRAME_PACK_M || v->rows_unsure)
		return;
	if (!add_records(v, f->at, buf_bytes(&v->raw), &err))
		give_up(v, &err);
}

/* What a writer has committed since the walk began. */
static bool
catch_up(struct verify *v, const struct watermark *now, struct exa_error *err)
{
	struct place from = { 1, SEGMENT_HEAD_SIZE };
	enum scan_result r = SCAN_FRAME;
	struct scan_frame f;
	struct scan scan;
	bool good = true;

	if (now->commit == v->end.commit)
		return true;
	if (v->end.end > 0)
		from = (struct place){ v->end.commit_at.segment, v->end.end };
	scan_begin(&scan, &v->store->files, from, v->end.sequence + 1);
	scan.stop = (struct place){ now->commit_at.segment, now->end };
	while (good && (r == SCAN_FRAME || r == SCAN_HEAD)) {
		r = scan_next(&scan, &f, err);
		if (r != SCAN_FRAME || f.head.kind != FRAME_PACK_M)
			continue;
		buf_reset(&v->raw);
		good = unpack_proven(&v->unpacker, f.fd, f.at, &f.head, &v->raw, err) &&
		       add_records(v, f.at, buf_bytes(&v->raw), err);
	}
	scan_done(&scan);
	return (good && r == SCAN_END) ||
	       exa_fail(err, EXA_FAILED, "the archive was changed meanwhile");
}

/* ---- comparing ---- */

struct view {
	struct index *index;
	MDB_txn *txn;
};

struct tally {
	uint64_t rows;   /* of one index, */
	uint64_t absent; /* which the other one doesn't have, */
	uint64_t other;  /* or has with another value */
};

static bool
same_value(const MDB_val *a, const MDB_val *b)
{
	return a->mv_size == b->mv_size &&
	       (a->mv_size == 0 || memcmp(a->mv_data, b->mv_data, a->mv_size) == 0);
}

static bool
look_up(const struct view *in, size_t table, MDB_val *key, const MDB_val *value, struct tally *t,
	struct exa_error *err)
{
	MDB_val there;
	int rc = in->index->present[table] ? mdb_get(in->txn, in->index->tables[table], key, &there)
					   : MDB_NOTFOUND;

	t->rows++;
	if (rc == MDB_NOTFOUND || rc == MDB_BAD_VALSIZE)
		t->absent++;
	else if (rc != 0)
		return index_fail(in->index, err, rc, "comparing a table");
	else
		t->other += !same_value(&there, value);
	return true;
}

/* Looks each row of one index up in the other. */
static bool
tally_rows(const struct view *of, const struct view *in, size_t table, struct cancel *cancel,
	struct tally *out, struct exa_error *err)
{
	MDB_val key, value;
	MDB_cursor *cursor;
	bool good = true;
	int rc;

	*out = (struct tally){ 0 };
	if (!of->index->present[table])
		return true;
	rc = mdb_cursor_open(of->txn, of->index->tables[table], &cursor);
	if (rc != 0)
		return index_fail(of->index, err, rc, "walking a table");
	rc = mdb_cursor_get(cursor, &key, &value, MDB_FIRST);
	while (rc == 0 && good) {
		good = look_up(in, table, &key, &value, out, err) &&
		       (!cancel_raised(cancel) || exa_fail(err, EXA_CANCELLED, "it was stopped"));
		if (good)
			rc = mdb_cursor_get(cursor, &key, &value, MDB_NEXT);
	}
	mdb_cursor_close(cursor);
	return good && (rc == MDB_NOTFOUND || index_fail(of->index, err, rc, "walking a table"));
}

static void
report_table(struct verify *v, size_t table, uint64_t lacking, uint64_t many, uint64_t other)
{
	struct store_damage damage = { .first = 1 };

	(void)exa_fail(&damage.what, EXA_CORRUPT,
		"the index's table `%s` doesn't fit the segments: %llu rows are missing, %llu are "
		"too many, %llu say something else; `exarch rebuild` makes it again",
		v->store->schema.tables[table].name, (unsigned long long)lacking,
		(unsigned long long)many, (unsigned long long)other);
	verify_report(v, &damage);
}

/* LIVE is the archive's, MADE what its segments say. */
static bool
compare_table(struct verify *v, const struct view *live, const struct view *made, size_t table,
	struct exa_error *err)
{
	const enum store_table_source source = v->store->schema.tables[table].source;
	struct tally wanted, there;
	uint64_t met;

	if (source == STORE_FROM_NOTES)
		return true;
	if (!tally_rows(made, live, table, v->options->cancel, &wanted, err) ||
		!tally_rows(live, made, table, v->options->cancel, &there, err))
		return false;
	if (source == STORE_FROM_BOTH)
		wanted.other = there.absent = 0;
	/* Rows that a look-up finds and a walk doesn't are missing too. */
	met = there.rows - there.absent;
	if (source == STORE_FROM_RECORDS && wanted.rows > met && wanted.rows - met > wanted.absent)
		wanted.absent = wanted.rows - met;
	if (wanted.absent + wanted.other + there.absent > 0)
		report_table(v, table, wanted.absent, there.absent, wanted.other);
	return true;
}

static bool
compare_tables(struct verify *v, const struct view *live, struct exa_error *err)
{
	struct view made = { .index = &v->replay->made };
	bool good = true;

	if (!index_read_begin(made.index, &made.txn, err))
		return false;
	for (size_t i = 0; good && i < v->store->schema.table_count; i++)
		good = compare_table(v, live, &made, i, err);
	index_read_end(made.index, made.txn);
	return good;
}

static bool
compare(struct verify *v, struct exa_error *err)
{
	struct view live = { .index = &v->store->index };
	struct watermark now;
	bool good;

	if (!index_read_begin(live.index, &live.txn, err))
		return false;
	good = index_get_watermark(live.index, live.txn, &now, err) && catch_up(v, &now, err) &&
	       apply(v, err) && compare_tables(v, &live, err);
	index_read_end(live.index, live.txn);
	return good;
}

void
verify_index_end(struct verify *v)
{
	struct exa_error err = { 0 };

	if (v->replay == NULL)
		return;
	if (!v->result.finished) {
		skip(v, "the segments weren't walked in one go");
	} else if (v->rows_unsure) {
		skip(v, "frames are lost, and nobody knows what they said");
	} else if (!compare(v, &err)) {
		give_up(v, &err);
	} else {
		drop(v);
		v->result.tables = STORE_TABLES_COMPARED;
	}
}

void
verify_index_done(struct verify *v)
{
	drop(v);
}
