/* SPDX-License-Identifier: Apache-2.0 */
/* The schema's tables: read transactions, get, set, delete, and walks over a range of keys. */
#include <string.h>

#include "exarch/mem.h"

#include "handle.h"

struct store_cursor {
	struct store_txn *txn;
	MDB_cursor *cursor; /* NULL: the table isn't there, so nothing is in it */
	size_t table;
	struct buf prefix, from; /* as they stand in the table */
	struct buf key, value;   /* the last ones, deciphered */
	bool started;
};

static MDB_val
value_of(struct bytes b)
{
	return index_value(b.data, b.size);
}

void
txn_init(struct store_txn *t, struct index *x, MDB_txn *txn, enum txn_use use)
{
	*t = (struct store_txn){ .index = x, .txn = txn, .writable = use == TXN_WRITES };
	if (x->crypt->state == CRYPT_OPEN)
		t->cipher = row_cipher_take(x->crypt);
}

void
txn_done(struct store_txn *t)
{
	if (t->cipher != NULL)
		row_cipher_give(t->index->crypt, t->cipher);
	t->cipher = NULL;
}

bool
store_read_begin(struct store *s, struct store_txn **out, struct exa_error *err)
{
	MDB_txn *txn;

	if (!index_read_begin(&s->index, &txn, err))
		return false;
	*out = exa_alloc(sizeof **out);
	txn_init(*out, &s->index, txn, TXN_READS);
	return true;
}

void
store_read_end(struct store_txn *txn)
{
	if (txn == NULL)
		return;
	txn_done(txn);
	index_read_end(txn->index, txn->txn);
	exa_free(txn);
}

void
store_read_endp(struct store_txn **txn)
{
	store_read_end(*txn);
}

bool
store_txn_encrypted(const struct store_txn *txn)
{
	return txn->cipher != NULL;
}

/* ---- single entries ---- */

static bool
check_key(const struct store_txn *txn, size_t table, struct bytes key, struct exa_error *err)
{
	if (table >= txn->index->table_count)
		return exa_fail(err, EXA_FAILED, "there is no table %zu", table);
	if (key.size == 0 || key.size > STORE_KEY_MAX)
		return exa_fail(err, EXA_LIMIT, "a key of %zu bytes (1 to %zu are allowed)",
			key.size, STORE_KEY_MAX);
	return true;
}

/* A key as it stands in the table; ROOM takes it if that isn't the key itself. */
static struct bytes
hide_key(const struct store_txn *txn, size_t table, struct bytes key, uint8_t room[STORE_KEY_MAX])
{
	if (txn->cipher == NULL || key.size == 0 || !txn->index->hides_tail[table])
		return key;
	memcpy(room, key.data, key.size);
	row_hide_tail(txn->cipher, room, key.size);
	return bytes_of(room, key.size);
}

/* KEY as it stands in the table. ROOM takes the value if it was sealed, and is as long as FOUND. */
static bool
open_value(struct store_txn *txn, size_t table, struct bytes key, struct bytes found, uint8_t *room,
	struct bytes *out, struct exa_error *err)
{
	size_t size;

	if (txn->cipher == NULL) {
		*out = found;
		return true;
	}
	if (key.size > STORE_KEY_MAX || !row_open(txn->cipher, table, key, found, room, &size))
		return exa_fail(err, EXA_CORRUPT,
			"the index is damaged: an entry of its table %zu can't be deciphered; "
			"`exarch rebuild` makes it again from the segments",
			table);
	*out = bytes_of(room, size);
	return true;
}

bool
store_get(struct store_txn *txn, size_t table, struct bytes key, bool *found_out,
	struct bytes *value_out, struct exa_error *err)
{
	uint8_t room[STORE_KEY_MAX];
	struct bytes stored;
	uint8_t *value;
	MDB_val k;
	MDB_val v;
	int rc;

	if (!check_key(txn, table, key, err))
		return false;
	stored = hide_key(txn, table, key, room);
	k = value_of(stored);
	rc = txn->index->present[table] ? mdb_get(txn->txn, txn->index->tables[table], &k, &v)
					: MDB_NOTFOUND;
	if (rc != 0 && rc != MDB_NOTFOUND)
		return index_fail(txn->index, err, rc, "reading a table");
	if (rc == 0) {
		value = txn->cipher == NULL ? NULL : arena_alloc(txn->cipher->values, v.mv_size);
		if (!open_value(txn, table, stored, bytes_of(v.mv_data, v.mv_size), value,
			    value_out, err))
			return false;
	}
	*found_out = rc == 0;
	return true;
}

/* What store_get lent is void from here on, as it is in LMDB. */
static bool
end_change(struct store_txn *txn, int rc, struct exa_error *err)
{
	if (txn->cipher != NULL)
		arena_reset(txn->cipher->values);
	return rc == 0 || index_fail(txn->index, err, rc, "writing a table");
}

static bool
check_change(const struct store_txn *txn, size_t table, struct bytes key, struct exa_error *err)
{
	if (!check_key(txn, table, key, err))
		return false;
	return txn->writable || exa_fail(err, EXA_FAILED, "tables change in apply only");
}

bool
store_locate(struct store_txn *txn, const struct store_id *id, bool *found_out,
	struct store_loc *out, struct exa_error *err)
{
	struct object_row row;
	bool found;

	if (!index_get_object(txn->index, txn->txn, id, &found, &row, err))
		return false;
	*found_out = found;
	if (found)
		*out = (struct store_loc){
			.segment = row.at.segment, .offset = row.at.offset, .slot = row.slot
		};
	return true;
}

bool
store_set(struct store_txn *txn, size_t table, struct bytes key, struct bytes value,
	struct exa_error *err)
{
	uint8_t room[STORE_KEY_MAX];
	struct bytes stored;
	MDB_val k;
	MDB_val v;

	if (!check_change(txn, table, key, err))
		return false;
	stored = hide_key(txn, table, key, room);
	k = value_of(stored);
	v = value_of(txn->cipher == NULL ? value : row_seal(txn->cipher, table, stored, value));
	return end_change(txn, mdb_put(txn->txn, txn->index->tables[table], &k, &v, 0), err);
}

bool
store_delete(struct store_txn *txn, size_t table, struct bytes key, struct exa_error *err)
{
	uint8_t room[STORE_KEY_MAX];
	MDB_val k;
	int rc;

	if (!check_change(txn, table, key, err))
		return false;
	k = value_of(hide_key(txn, table, key, room));
	rc = mdb_del(txn->txn, txn->index->tables[table], &k, NULL);
	return end_change(txn, rc == MDB_NOTFOUND ? 0 : rc, err);
}

/* ---- walks ---- */

bool
store_cursor_open(struct store_txn *txn, size_t table, struct bytes prefix, struct bytes from,
	struct store_cursor **out, struct exa_error *err)
{
	MDB_cursor *cursor = NULL;
	uint8_t room[STORE_KEY_MAX];
	int rc = 0;

	if (table >= txn->index->table_count)
		return exa_fail(err, EXA_FAILED, "there is no table %zu", table);
	if (prefix.size > STORE_KEY_MAX || from.size > STORE_KEY_MAX)
		return exa_fail(err, EXA_LIMIT, "a key is longer than %zu bytes", STORE_KEY_MAX);
	if (txn->index->present[table])
		rc = mdb_cursor_open(txn->txn, txn->index->tables[table], &cursor);
	if (rc != 0)
		return index_fail(txn->index, err, rc, "walking a table");
	*out = exa_alloc(sizeof **out);
	(*out)->txn = txn;
	(*out)->table = table;
	(*out)->cursor = cursor;
	buf_add_bytes(&(*out)->prefix, prefix);
	buf_add_bytes(&(*out)->from, hide_key(txn, table, from, room));
	return true;
}

/* The first key that counts: the later one of prefix and from. */
static struct bytes
first_key(const struct store_cursor *c)
{
	struct bytes prefix = buf_bytes(&c->prefix);
	struct bytes from = buf_bytes(&c->from);
	size_t both = prefix.size < from.size ? prefix.size : from.size;
	int order = both == 0 ? 0 : memcmp(from.data, prefix.data, both);

	return order > 0 || (order == 0 && from.size > prefix.size) ? from : prefix;
}

static int
move_on(struct store_cursor *c, MDB_val *key, MDB_val *value)
{
	struct bytes first = first_key(c);

	if (c->cursor == NULL)
		return MDB_NOTFOUND;
	if (c->started)
		return mdb_cursor_get(c->cursor, key, value, MDB_NEXT);
	c->started = true;
	if (first.size == 0)
		return mdb_cursor_get(c->cursor, key, value, MDB_FIRST);
	*key = value_of(first);
	return mdb_cursor_get(c->cursor, key, value, MDB_SET_RANGE);
}

/* Gives an entry as the layer above knows it. */
static bool
show_entry(struct store_cursor *c, struct bytes key, struct bytes value, struct bytes *key_out,
	struct bytes *value_out, struct exa_error *err)
{
	buf_reset(&c->value);
	buf_reserve(&c->value, value.size);
	if (!open_value(c->txn, c->table, key, value, c->value.data, value_out, err))
		return false;
	*key_out = key;
	if (c->txn->cipher == NULL || !c->txn->index->hides_tail[c->table])
		return true;
	buf_reset(&c->key);
	buf_add_bytes(&c->key, key);
	row_show_tail(c->txn->cipher, c->key.data, c->key.size);
	*key_out = buf_bytes(&c->key);
	return true;
}

bool
store_cursor_next(struct store_cursor *c, struct bytes *key_out, struct bytes *value_out,
	struct exa_error *err)
{
	struct bytes prefix = buf_bytes(&c->prefix);
	struct bytes found;
	MDB_val key;
	MDB_val value;
	int rc = move_on(c, &key, &value);

	if (rc != 0 && rc != MDB_NOTFOUND)
		return index_fail(c->txn->index, err, rc, "walking a table");
	exa_error_clear(err);
	if (rc == MDB_NOTFOUND)
		return false;
	found = bytes_of(key.mv_data, key.mv_size);
	if (!bytes_equal(bytes_take(found, prefix.size), prefix))
		return false;
	return show_entry(
		c, found, bytes_of(value.mv_data, value.mv_size), key_out, value_out, err);
}

void
store_cursor_close(struct store_cursor *c)
{
	if (c == NULL)
		return;
	if (c->cursor != NULL)
		mdb_cursor_close(c->cursor);
	buf_done(&c->prefix);
	buf_done(&c->from);
	buf_done(&c->key);
	buf_done(&c->value);
	exa_free(c);
}

void
store_cursor_closep(struct store_cursor **c)
{
	store_cursor_close(*c);
}
