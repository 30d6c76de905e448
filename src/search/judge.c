/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One item against conditions, from its bytes. Words are looked for by the same FTS5 with the same
 * tokenizer, in a table in memory that holds this item alone: so there is one rule of what matches.
 */
#include "exarch/mem.h"
#include "internal.h"
#include "query.h"
#include "tokens.h"

struct search_judge {
	const struct search_conditions *conditions;
	enum facts_depth depth;
	struct buf scratch;
	sqlite3 *db; /* with words only */
	sqlite3_stmt *clear, *put, *ask;
};

struct search_judge *
search_judge_new(const struct search_conditions *conditions)
{
	struct search_judge *j = exa_alloc(sizeof *j);

	j->conditions = conditions;
	j->depth = conditions_depth(conditions);
	return j;
}

void
search_judge_free(struct search_judge *j)
{
	if (j == NULL)
		return;
	sql_finishp(&j->clear);
	sql_finishp(&j->put);
	sql_finishp(&j->ask);
	(void)sqlite3_close(j->db);
	buf_done(&j->scratch);
	exa_free(j);
}

static bool
make_table(struct search_judge *j, struct exa_error *err)
{
	int rc = sqlite3_open_v2(":memory:", &j->db,
		SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, NULL);

	if (rc == SQLITE_OK)
		rc = tokens_register(j->db);
	if (rc != SQLITE_OK)
		return sql_fail(j->db, rc, err);
	return sql_run(j->db,
		       "CREATE VIRTUAL TABLE words USING fts5(" WORD_COLUMNS ", tokenize='exarch')",
		       err) &&
	       sql_prepare(j->db, "DELETE FROM words", &j->clear, err) &&
	       sql_prepare(j->db,
		       "INSERT INTO words(rowid, " WORD_COLUMNS
		       ") VALUES(1, ?1, ?2, ?3, ?4, ?5, ?6)",
		       &j->put, err) &&
	       sql_prepare(j->db, "SELECT " SNIPPET_SQL " FROM words WHERE words MATCH ?1", &j->ask,
		       err);
}

/* Leaves `ask` at the row, so that its snippet can be had. */
static bool
ask_words(struct search_judge *j, const struct facts *f, bool *yes_out, struct exa_error *err)
{
	const struct message_words *w = &f->words;

	if (j->ask == NULL && !make_table(j, err))
		return false;
	(void)sqlite3_reset(j->ask);
	if (!sql_do(j->clear, err))
		return false;
	sql_bind_text(j->put, 1, w->head.subject);
	sql_bind_text(j->put, 2, w->head.from);
	sql_bind_text(j->put, 3, f->recipients);
	sql_bind_text(j->put, 4, w->names);
	sql_bind_text(j->put, 5, w->body);
	sql_bind_text(j->put, 6, w->files);
	sql_bind_text(j->ask, 1, query_expression(j->conditions->words));
	return sql_do(j->put, err) && sql_step(j->ask, yes_out, err);
}

/* Of an item without MIME there are none. */
static const char *
text_of(const char *text)
{
	return text != NULL ? text : "";
}

static bool
judge(struct search_judge *j, const struct facts *f, bool *yes_out, struct exa_error *err)
{
	const struct condition_texts texts = { .subject = text_of(f->words.head.subject),
		.sender = text_of(f->words.head.from),
		.recipients = f->recipients,
		.message_id = f->message_id,
		.class = f->class,
		.names = text_of(f->words.names),
		.has_attachments = f->has_attachments };

	*yes_out = conditions_hold(j->conditions, &texts);
	return !*yes_out || j->conditions->words == NULL || ask_words(j, f, yes_out, err);
}

bool
search_judge_item(struct search_judge *j, struct store_reader *r, const struct catalog_row *row,
	bool *yes_out, struct exa_error *err)
{
	struct facts facts;
	bool good;

	if (!facts_read(r, row, j->depth, &j->scratch, &facts, err))
		return false;
	good = judge(j, &facts, yes_out, err);
	facts_done(&facts);
	return good;
}

void
search_judge_snippet(struct search_judge *j, struct buf *out)
{
	if (j->ask != NULL && sqlite3_stmt_busy(j->ask) != 0)
		sql_add_snippet(j->ask, out);
}
