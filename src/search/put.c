/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One item into the database, and out of it again. FTS5 keeps no texts of its own here: to take
 * words out of it, it must be told them again, so they are kept in `body`, compressed.
 */
#include <string.h>

#include <zstd.h>

#include "exarch/mem.h"
#include "internal.h"

#define PACK_LEVEL 3
/* Two texts, and the length of the first. */
#define UNPACKED_MAX (2 * MESSAGE_WORDS_MAX + 4)

enum statement {
	FIND_ITEM,
	PUT_ITEM,
	RENEW_ITEM,
	DROP_ITEM,
	PUT_BODY,
	DROP_BODY,
	PUT_WORDS,
	DROP_WORDS,
	STATEMENTS
};

static const char *const sql_of[STATEMENTS] = {
	[FIND_ITEM] = "SELECT 1 FROM item WHERE number = ?1",
	[PUT_ITEM] = "INSERT INTO item(number, place, slot, hash, readable, attachments, class, "
		     "subject, sender, message_id, recipients, names) "
		     "VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)",
	[RENEW_ITEM] = "UPDATE item SET place = ?2, slot = ?3, class = ?4, "
		       "attachments = iif(?5 < 0, attachments, ?5) WHERE number = ?1",
	[DROP_ITEM] = "DELETE FROM item WHERE number = ?1",
	[PUT_BODY] = "INSERT INTO body(number, packed) VALUES(?1, ?2)",
	[DROP_BODY] = "DELETE FROM body WHERE number = ?1",
	[PUT_WORDS] =
		"INSERT INTO words(rowid, " WORD_COLUMNS ") VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7)",
	[DROP_WORDS] = "INSERT INTO words(words, rowid, " WORD_COLUMNS
		       ") SELECT 'delete', number, " WORD_COLUMNS " FROM text WHERE number = ?1",
};

struct putter {
	sqlite3_stmt *of[STATEMENTS];
	ZSTD_CCtx *packer;
	struct buf plain, packed;
};

bool
putter_new(sqlite3 *db, struct putter **out, struct exa_error *err)
{
	struct putter *p = exa_alloc(sizeof *p);

	for (size_t i = 0; i < STATEMENTS; i++) {
		if (!sql_prepare(db, sql_of[i], &p->of[i], err)) {
			putter_free(p);
			return false;
		}
	}
	p->packer = ZSTD_createCCtx();
	*out = p;
	return true;
}

void
putter_free(struct putter *p)
{
	if (p == NULL)
		return;
	for (size_t i = 0; i < STATEMENTS; i++)
		sql_finishp(&p->of[i]);
	(void)ZSTD_freeCCtx(p->packer);
	buf_done(&p->plain);
	buf_done(&p->packed);
	exa_free(p);
}

void
putter_freep(struct putter **p)
{
	putter_free(*p);
	*p = NULL;
}

/* ---- packing ---- */

static bool
pack(struct putter *p, const char *body, const char *files, struct exa_error *err)
{
	size_t size;

	buf_reset(&p->plain);
	buf_reset(&p->packed);
	buf_add_le32(&p->plain, (uint32_t)strlen(body));
	buf_add_string(&p->plain, body);
	buf_add_string(&p->plain, files);
	buf_reserve(&p->packed, ZSTD_compressBound(p->plain.size));
	size = ZSTD_compressCCtx(p->packer, p->packed.data, p->packed.capacity, p->plain.data,
		p->plain.size, PACK_LEVEL);
	if (ZSTD_isError(size))
		return exa_fail(err, EXA_FAILED, "packing the words: %s", ZSTD_getErrorName(size));
	p->packed.size = size;
	return true;
}

static bool
unpack(struct bytes packed, struct buf *out)
{
	unsigned long long size = ZSTD_getFrameContentSize(packed.data, packed.size);

	if (size < 4 || size > UNPACKED_MAX) /* an error is more than any size */
		return false;
	buf_reserve(out, (size_t)size);
	out->size = ZSTD_decompress(out->data, (size_t)size, packed.data, packed.size);
	return out->size == size && get_le32(out->data) <= size - 4;
}

enum unpacked { UNPACKED_BODY, UNPACKED_FILES };

static void
give_unpacked(sqlite3_context *call, sqlite3_value *value, enum unpacked which)
{
	EXA_AUTO(buf_done) struct buf plain = { 0 };
	const void *packed = sqlite3_value_blob(value);
	struct bytes part, all;

	if (!unpack(bytes_of(packed, (size_t)sqlite3_value_bytes(value)), &plain)) {
		sqlite3_result_error_code(call, SQLITE_CORRUPT);
		return;
	}
	all = bytes_skip(buf_bytes(&plain), 4);
	part = which == UNPACKED_BODY ? bytes_take(all, get_le32(plain.data))
				      : bytes_skip(all, get_le32(plain.data));
	sqlite3_result_text(call, (const char *)part.data, (int)part.size, SQLITE_TRANSIENT);
}

static void
body_text(sqlite3_context *call, int count, sqlite3_value **values)
{
	(void)count;
	give_unpacked(call, values[0], UNPACKED_BODY);
}

static void
file_text(sqlite3_context *call, int count, sqlite3_value **values)
{
	(void)count;
	give_unpacked(call, values[0], UNPACKED_FILES);
}

int
put_register(sqlite3 *db)
{
	const int flags = SQLITE_UTF8 | SQLITE_DETERMINISTIC | SQLITE_INNOCUOUS;
	int rc = sqlite3_create_function(db, "body_text", 1, flags, NULL, body_text, NULL, NULL);

	if (rc != SQLITE_OK)
		return rc;
	return sqlite3_create_function(db, "file_text", 1, flags, NULL, file_text, NULL, NULL);
}

/* ---- in and out ---- */

static bool
do_with_number(struct putter *p, enum statement which, uint64_t number, struct exa_error *err)
{
	(void)sqlite3_bind_int64(p->of[which], 1, (sqlite3_int64)number);
	return sql_do(p->of[which], err);
}

bool
putter_remove(struct putter *p, uint64_t number, bool *was_there_out, struct exa_error *err)
{
	sqlite3_stmt *find = p->of[FIND_ITEM];

	(void)sqlite3_bind_int64(find, 1, (sqlite3_int64)number);
	if (!sql_step(find, was_there_out, err))
		return false;
	(void)sqlite3_reset(find);
	return !*was_there_out || (do_with_number(p, DROP_WORDS, number, err) &&
					  do_with_number(p, DROP_BODY, number, err) &&
					  do_with_number(p, DROP_ITEM, number, err));
}

static void
bind_place(sqlite3_stmt *s, const struct catalog_row *row)
{
	(void)sqlite3_bind_int64(s, 1, (sqlite3_int64)row->number);
	(void)sqlite3_bind_int64(s, 2, place_number(&row->loc));
	(void)sqlite3_bind_int(s, 3, row->loc.slot);
}

static bool
put_item(struct putter *p, const struct catalog_row *row, const struct facts *f,
	struct exa_error *err)
{
	sqlite3_stmt *s = p->of[PUT_ITEM];

	bind_place(s, row);
	(void)sqlite3_bind_int64(s, 4, (sqlite3_int64)get_le64(row->mime_hash));
	(void)sqlite3_bind_int(s, 5, f != NULL);
	(void)sqlite3_bind_int(s, 6, f != NULL ? f->has_attachments : 0);
	sql_bind_text(s, 7, f != NULL ? f->class : "");
	sql_bind_text(s, 8, f != NULL ? f->words.head.subject : "");
	sql_bind_text(s, 9, f != NULL ? f->words.head.from : "");
	sql_bind_text(s, 10, f != NULL ? f->message_id : "");
	sql_bind_text(s, 11, f != NULL ? f->recipients : "");
	sql_bind_text(s, 12, f != NULL ? f->words.names : "");
	return sql_do(s, err);
}

static bool
put_words(struct putter *p, uint64_t number, const struct facts *f, struct exa_error *err)
{
	const struct message_words *w = &f->words;
	const char *body = w->body != NULL ? w->body : "",
		   *files = w->files != NULL ? w->files : "";
	sqlite3_stmt *put = p->of[PUT_BODY], *words = p->of[PUT_WORDS];

	if (!pack(p, body, files, err))
		return false;
	(void)sqlite3_bind_int64(put, 1, (sqlite3_int64)number);
	(void)sqlite3_bind_blob(put, 2, p->packed.data, (int)p->packed.size, SQLITE_STATIC);
	if (!sql_do(put, err))
		return false;
	(void)sqlite3_bind_int64(words, 1, (sqlite3_int64)number);
	sql_bind_text(words, 2, w->head.subject);
	sql_bind_text(words, 3, w->head.from);
	sql_bind_text(words, 4, f->recipients);
	sql_bind_text(words, 5, w->names);
	sql_bind_text(words, 6, body);
	sql_bind_text(words, 7, files);
	return sql_do(words, err);
}

bool
putter_put(struct putter *p, const struct catalog_row *row, const struct facts *facts,
	struct exa_error *err)
{
	const struct facts none = { 0 };
	bool was_there;

	return putter_remove(p, row->number, &was_there, err) && put_item(p, row, facts, err) &&
	       put_words(p, row->number, facts != NULL ? facts : &none, err);
}

bool
putter_renew(struct putter *p, const struct catalog_row *row, const struct facts *record,
	struct exa_error *err)
{
	sqlite3_stmt *s = p->of[RENEW_ITEM];

	bind_place(s, row);
	sql_bind_text(s, 4, record->class);
	(void)sqlite3_bind_int(s, 5, record->has_attachments);
	return sql_do(s, err);
}
