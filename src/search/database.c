/* SPDX-License-Identifier: Apache-2.0 */
/* The database's file, and whether it is this archive's. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "exarch/fs.h"
#include "exarch/mem.h"
#include "internal.h"
#include "tokens.h"
#include "vfs.h"

#define FOLDER "search"
#define FILE_NAME "search.db"
/* Of tables, texts and tokens: another one is made anew. */
#define FORMAT "exarch-search 1"
/* A reader holds a page for moments only; longer than this somebody hangs. */
#define BUSY_MS 10000

static const char schema[] =
	"CREATE TABLE meta(name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;"
	"CREATE TABLE item(number INTEGER PRIMARY KEY, place INTEGER NOT NULL, slot INTEGER NOT "
	"NULL,"
	" hash INTEGER NOT NULL, readable INTEGER NOT NULL, attachments INTEGER NOT NULL,"
	" class TEXT NOT NULL, subject TEXT NOT NULL, sender TEXT NOT NULL, message_id TEXT NOT "
	"NULL,"
	" recipients TEXT NOT NULL, names TEXT NOT NULL);"
	"CREATE INDEX item_place ON item(place, slot, readable);"
	"CREATE TABLE body(number INTEGER PRIMARY KEY, packed BLOB NOT NULL);"
	"CREATE VIEW text AS SELECT item.number AS number, subject, sender, recipients, names,"
	" body_text(packed) AS body, file_text(packed) AS files"
	" FROM item JOIN body ON body.number = item.number;"
	"CREATE VIRTUAL TABLE words USING fts5(" WORD_COLUMNS
	", content='text', content_rowid='number', tokenize='exarch');"
	/* A word in the subject says most. */
	"INSERT INTO words(words, rank) VALUES('rank', 'bm25(8.0, 4.0, 2.0, 4.0, 1.0, 0.5)');"
	"INSERT INTO words(words, rank) VALUES('hashsize', 16777216);";

int
place_order(const struct store_loc *a, const struct store_loc *b)
{
	if (a->segment != b->segment)
		return a->segment < b->segment ? -1 : 1;
	if (a->offset != b->offset)
		return a->offset < b->offset ? -1 : 1;
	return a->slot < b->slot ? -1 : a->slot > b->slot;
}

int64_t
place_number(const struct store_loc *l)
{
	return (int64_t)((uint64_t)l->segment << 40 | l->offset);
}

char *
database_path(const char *archive, const char *name)
{
	EXA_AUTO(exa_freep) char *folder = fs_join(archive, FOLDER);

	return fs_join(folder, name);
}

bool
search_exists(const char *archive)
{
	EXA_AUTO(exa_freep) char *path = database_path(archive, FILE_NAME);

	return fs_exists(path);
}

static bool
drop(const char *archive, const char *name, struct exa_error *err)
{
	EXA_AUTO(exa_freep) char *path = database_path(archive, name);

	return unlink(path) == 0 || errno == ENOENT ||
	       exa_fail_errno(err, errno, "can't remove %s", path);
}

bool
search_remove(const char *archive, struct exa_error *err)
{
	return drop(archive, FILE_NAME, err) && drop(archive, FILE_NAME "-wal", err) &&
	       drop(archive, FILE_NAME "-shm", err);
}

void
search_close(struct search *s)
{
	if (s == NULL)
		return;
	(void)sqlite3_close(s->db);
	exa_free(s);
}

void
search_closep(struct search **s)
{
	search_close(*s);
	*s = NULL;
}

/* ---- meta ---- */

bool
database_note(struct search *s, const char *name, const char *value, struct exa_error *err)
{
	EXA_AUTO(sql_finishp) sqlite3_stmt *put = NULL;

	if (!sql_prepare(
		    s->db, "INSERT OR REPLACE INTO meta(name, value) VALUES(?1, ?2)", &put, err))
		return false;
	sql_bind_text(put, 1, name);
	sql_bind_text(put, 2, value);
	return sql_do(put, err);
}

bool
database_note_reached(
	struct search *s, const struct store_loc *reached, uint64_t commit, struct exa_error *err)
{
	EXA_AUTO(exa_freep)
	char *text = exa_asprintf("%u %llu %u %llu", (unsigned)reached->segment,
		(unsigned long long)reached->offset, (unsigned)reached->slot,
		(unsigned long long)commit);

	return database_note(s, "reached", text, err);
}

/* The archive's name, as the database has it. */
static bool
name_of(struct catalog *c, char out[33], struct exa_error *err)
{
	struct store_stats stats;

	if (!store_stat(catalog_store(c), &stats, err))
		return false;
	hex_encode(bytes_of(stats.uuid, sizeof stats.uuid), out);
	return true;
}

static bool
read_reached(struct search *s, const char *text, struct exa_error *err)
{
	unsigned segment, slot;
	unsigned long long offset, commit;

	if (sscanf(text, "%u %llu %u %llu", &segment, &offset, &slot, &commit) != 4)
		return exa_fail(err, EXA_CORRUPT, "search index: its position is malformed");
	s->reached =
		(struct store_loc){ .segment = segment, .offset = offset, .slot = (uint16_t)slot };
	s->last_commit = commit;
	s->finished = true;
	return true;
}

static bool
read_meta(struct search *s, struct exa_error *err)
{
	EXA_AUTO(sql_finishp) sqlite3_stmt *get = NULL;
	char uuid[33];
	bool format = false, ours = false, row;

	if (!name_of(s->catalog, uuid, err) ||
		!sql_prepare(s->db, "SELECT name, value FROM meta", &get, err))
		return false;
	for (;;) {
		const char *name, *value;

		if (!sql_step(get, &row, err))
			return false;
		if (!row)
			break;
		name = sql_text(get, 0);
		value = sql_text(get, 1);
		if (strcmp(name, "format") == 0)
			format = strcmp(value, FORMAT) == 0;
		else if (strcmp(name, "archive") == 0)
			ours = strcmp(value, uuid) == 0;
		else if (strcmp(name, "in_clear") == 0)
			s->in_clear = true;
		else if (strcmp(name, "reached") == 0 && !read_reached(s, value, err))
			return false;
	}
	if (!format)
		return exa_fail(err, EXA_CORRUPT, "search index: it was made by another version");
	return ours || exa_fail(err, EXA_CORRUPT, "search index: it is of another archive");
}

/* ---- opening ---- */

static bool
prepare(struct search *s, struct exa_error *err)
{
	int rc = tokens_register(s->db);

	if (rc == SQLITE_OK)
		rc = put_register(s->db);
	if (rc == SQLITE_OK)
		rc = sqlite3_busy_timeout(s->db, BUSY_MS);
	if (rc == SQLITE_OK)
		rc = sqlite3_db_config(s->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
	if (rc == SQLITE_OK)
		rc = sqlite3_db_config(s->db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
	if (rc != SQLITE_OK)
		return sql_fail(s->db, rc, err);
	return sql_run(s->db, "PRAGMA mmap_size = 0; PRAGMA cache_size = -16000", err);
}

/* Empty, with the right to read for its owner alone: SQLite's own files beside it get the same. */
static bool
make_file(const char *archive, const char *path, struct exa_error *err)
{
	EXA_AUTO(exa_freep) char *folder = fs_join(archive, FOLDER);
	int fd;

	if (mkdir(folder, 0700) != 0 && errno != EEXIST)
		return exa_fail_errno(err, errno, "can't make %s", folder);
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0)
		return exa_fail_errno(err, errno, "can't make %s", path);
	(void)close(fd);
	return true;
}

static bool
make_tables(struct search *s, struct exa_error *err)
{
	int reserved = VFS_RESERVED_BYTES;
	char uuid[33];

	(void)sqlite3_file_control(s->db, NULL, SQLITE_FCNTL_RESERVE_BYTES, &reserved);
	return name_of(s->catalog, uuid, err) &&
	       sql_run(s->db, "PRAGMA page_size = 8192; PRAGMA journal_mode = WAL; BEGIN", err) &&
	       sql_run(s->db, schema, err) && database_note(s, "format", FORMAT, err) &&
	       database_note(s, "archive", uuid, err) && sql_run(s->db, "COMMIT", err);
}

/* Where nothing can be written nothing changes either; SQLite must be told, or it wants files beside
 * the database. */
static char *
uri_of(const char *path, enum database_use use)
{
	EXA_AUTO(exa_freep) char *folder = fs_dir_of(path);
	struct buf uri = { 0 };

	buf_add_string(&uri, path[0] == '/' ? "file://" : "file:");
	for (const char *p = path; *p != '\0'; p++) {
		if (strchr("%?#", *p) != NULL)
			buf_printf(&uri, "%%%02x", (unsigned)(unsigned char)*p);
		else
			buf_add_byte(&uri, (uint8_t)*p);
	}
	if (use == DATABASE_READ && access(folder, W_OK) != 0)
		buf_add_string(&uri, "?immutable=1");
	return buf_steal(&uri);
}

static bool
connect(struct search *s, const char *path, enum database_use use, struct exa_error *err)
{
	EXA_AUTO(exa_freep) char *uri = uri_of(path, use);
	const char *vfs = vfs_checked();
	int flags = SQLITE_OPEN_URI | SQLITE_OPEN_NOMUTEX |
		    (use == DATABASE_READ ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE);
	int rc;

	if (vfs == NULL)
		return exa_fail(err, EXA_FAILED, "SQLite can't be used here");
	rc = sqlite3_open_v2(uri, &s->db, flags, vfs);
	return rc == SQLITE_OK || sql_fail(s->db, rc, err);
}

static bool
is_empty(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && st.st_size == 0;
}

bool
database_open(struct catalog *c, enum database_use use, struct search **out, struct exa_error *err)
{
	const char *archive = store_dir(catalog_store(c));
	EXA_AUTO(exa_freep) char *path = database_path(archive, FILE_NAME);
	struct search *s;
	bool fresh;

	if (use == DATABASE_WRITE && !make_file(archive, path, err))
		return false;
	fresh = is_empty(path);
	if (use == DATABASE_READ && (fresh || !fs_exists(path)))
		return exa_fail(err, EXA_ABSENT, "there is no search index");
	s = exa_alloc(sizeof *s);
	s->catalog = c;
	if (!connect(s, path, use, err) || !prepare(s, err) ||
		(fresh && use == DATABASE_WRITE && !make_tables(s, err)) || !read_meta(s, err)) {
		search_close(s);
		return false;
	}
	*out = s;
	return true;
}

bool
search_open(struct catalog *c, struct search **out, struct exa_error *err)
{
	struct exa_error why;

	*out = NULL;
	if (database_open(c, DATABASE_READ, out, &why) || why.code == EXA_ABSENT)
		return true;
	*err = why;
	return false;
}
