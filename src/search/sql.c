/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "internal.h"
#include "vfs.h"

/* The statements are ours and fixed: what SQLite can't make sense of is a database that isn't as we
 * made it. */
static enum exa_code
code_of(int rc)
{
	if (rc == SQLITE_IOERR_DATA || rc == SQLITE_IOERR_SHORT_READ ||
		rc == SQLITE_IOERR_CORRUPTFS)
		return EXA_CORRUPT;
	switch (rc & 0xff) {
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		return EXA_LOCKED;
	case SQLITE_FULL:
	case SQLITE_IOERR:
	case SQLITE_CANTOPEN:
	case SQLITE_READONLY:
	case SQLITE_PERM:
	case SQLITE_AUTH:
	case SQLITE_NOMEM:
		return EXA_IO;
	default:
		return EXA_CORRUPT;
	}
}

bool
sql_fail(sqlite3 *db, int rc, struct exa_error *err)
{
	int extended = db != NULL ? sqlite3_extended_errcode(db) : rc;

	if (vfs_take_damage())
		return exa_fail(err, EXA_CORRUPT, "search index: a page of it is damaged");
	return exa_fail(err, code_of(extended), "search index: %s",
		rc == SQLITE_ERROR && db != NULL ? sqlite3_errmsg(db) : sqlite3_errstr(extended));
}

bool
sql_run(sqlite3 *db, const char *sql, struct exa_error *err)
{
	int rc = sqlite3_exec(db, sql, NULL, NULL, NULL);

	return rc == SQLITE_OK || sql_fail(db, rc, err);
}

bool
sql_prepare(sqlite3 *db, const char *sql, sqlite3_stmt **out, struct exa_error *err)
{
	int rc = sqlite3_prepare_v2(db, sql, -1, out, NULL);

	return rc == SQLITE_OK || sql_fail(db, rc, err);
}

void
sql_finishp(sqlite3_stmt **s)
{
	(void)sqlite3_finalize(*s);
	*s = NULL;
}

bool
sql_step(sqlite3_stmt *s, bool *row_out, struct exa_error *err)
{
	int rc = sqlite3_step(s);

	*row_out = rc == SQLITE_ROW;
	if (rc == SQLITE_ROW)
		return true;
	if (rc != SQLITE_DONE)
		(void)sql_fail(sqlite3_db_handle(s), rc, err);
	(void)sqlite3_reset(s);
	return rc == SQLITE_DONE;
}

bool
sql_do(sqlite3_stmt *s, struct exa_error *err)
{
	bool row;

	if (!sql_step(s, &row, err))
		return false;
	(void)sqlite3_reset(s);
	return true;
}

void
sql_bind_text(sqlite3_stmt *s, int at, const char *text)
{
	(void)sqlite3_bind_text(s, at, text != NULL ? text : "", -1, SQLITE_STATIC);
}

const char *
sql_text(sqlite3_stmt *s, int column)
{
	const unsigned char *text = sqlite3_column_text(s, column);

	return text != NULL ? (const char *)text : "";
}

void
sql_add_snippet(sqlite3_stmt *s, struct buf *out)
{
	const char *body = sql_text(s, 0);

	buf_add_string(out, strchr(body, SEARCH_MARK_ON) != NULL ? body : sql_text(s, 1));
}
