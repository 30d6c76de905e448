/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SEARCH_INTERNAL_H
#define SEARCH_INTERNAL_H

#include <sqlite3.h>

#include "exarch/message.h"
#include "exarch/search.h"

struct search {
	struct catalog *catalog;
	sqlite3 *db;
	bool finished;            /* it was built to its end once; then: */
	struct store_loc reached; /* all records up to this place are in */
	uint64_t last_commit;     /* the archive's when that build began */
	bool in_clear;            /* of an encrypted archive, by consent */
};

/* ---- sql.c: SQLite's codes as ours ---- */

/* EXA_CORRUPT, EXA_LOCKED or EXA_IO. */
bool sql_fail(sqlite3 *db, int rc, struct exa_error *err);
bool sql_run(sqlite3 *db, const char *sql, struct exa_error *err) EXA_CHECK;
bool sql_prepare(sqlite3 *db, const char *sql, sqlite3_stmt **out, struct exa_error *err) EXA_CHECK;
void sql_finishp(sqlite3_stmt **s); /* for EXA_AUTO */
/* The next row; *ROW_OUT false at the end, and the statement is reset then. */
bool sql_step(sqlite3_stmt *s, bool *row_out, struct exa_error *err) EXA_CHECK;
/* For statements without rows: steps and resets. */
bool sql_do(sqlite3_stmt *s, struct exa_error *err) EXA_CHECK;
/* Binding fails only without memory; what is bound must stay until the next reset. */
void sql_bind_text(sqlite3_stmt *s, int at, const char *text);
const char *sql_text(sqlite3_stmt *s, int column); /* "" for NULL; until the next step */

/* ---- database.c ---- */

char *database_path(const char *archive, const char *name);
enum database_use { DATABASE_READ, DATABASE_WRITE };
/* EXA_ABSENT: there is none. With DATABASE_WRITE one is made where none is. */
bool database_open(struct catalog *c, enum database_use use, struct search **out,
	struct exa_error *err) EXA_CHECK;
bool database_note(
	struct search *s, const char *name, const char *value, struct exa_error *err) EXA_CHECK;
/* What a build notes at its end. */
bool database_note_reached(struct search *s, const struct store_loc *reached, uint64_t commit,
	struct exa_error *err) EXA_CHECK;

/* Places in the order of the log. */
int place_order(const struct store_loc *a, const struct store_loc *b);
int64_t place_number(const struct store_loc *l); /* segment and offset in one, for a column */

/* ---- conditions.c: what an item says ---- */

/* How much of an item a condition needs. */
enum facts_depth { FACTS_RECORD, FACTS_HEAD, FACTS_ALL };

struct facts {
	struct message_words words; /* without FACTS_ALL the head alone */
	char *recipients;           /* To, Cc, Bcc, a line each */
	char *message_id, *class;
	int has_attachments; /* 1, 0 */
};
/* EXA_CORRUPT and EXA_GONE are the archive's. */
bool facts_read(struct store_reader *r, const struct catalog_row *row, enum facts_depth depth,
	struct buf *scratch, struct facts *out, struct exa_error *err) EXA_CHECK;
void facts_done(struct facts *f);

enum facts_depth conditions_depth(const struct search_conditions *c);
/* The texts of an item that conditions but words are about. */
struct condition_texts {
	const char *subject, *sender, *recipients, *message_id, *class, *names;
	int has_attachments;
};
bool conditions_hold(const struct search_conditions *c, const struct condition_texts *t);

/* ---- put.c: one item into the database ---- */

struct putter;
bool putter_new(sqlite3 *db, struct putter **out, struct exa_error *err) EXA_CHECK;
void putter_free(struct putter *p);
void putter_freep(struct putter **p);
/* FACTS is NULL for an item that can't be read. Takes what was there out first. */
bool putter_put(struct putter *p, const struct catalog_row *row, const struct facts *facts,
	struct exa_error *err) EXA_CHECK;
bool putter_remove(
	struct putter *p, uint64_t number, bool *was_there_out, struct exa_error *err) EXA_CHECK;
/* Its record moved, its message is the same. */
bool putter_renew(struct putter *p, const struct catalog_row *row, const struct facts *record,
	struct exa_error *err) EXA_CHECK;
/* Makes body_text() and file_text() known to a connection: they unpack what `body` holds. */
int put_register(sqlite3 *db);

#define WORD_COLUMNS "subject, sender, recipients, names, body, files"
/* Around the words in the body, else where they are. */
#define SNIPPET_SQL                                             \
	"snippet(words, 4, char(2), char(3), char(8230), 16), " \
	"snippet(words, -1, char(2), char(3), char(8230), 16)"
/* Of a row that is these two columns. */
void sql_add_snippet(sqlite3_stmt *s, struct buf *out);

#endif
