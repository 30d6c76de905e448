/* SPDX-License-Identifier: Apache-2.0 */
/* The schema's tables: read transactions, get, set, delete, and walks over a range of keys. */
#include <string.h>

#include "exarch/mem.h"

#include "handle.h"

struct store_cursor {
	struct store_txn *txn;
	MDB_cursor *cursor; /* NULL: the table isn't there, so nothing is in it */
	struct buf prefix, from;
	bool started;
};

static MDB_val
value_of(struct bytes b)
{
	MDB_val v = { .mv_size = b.size };

	memcpy(&v.mv_data, &b.data, sizeof v.mv_data);
	return v;
}

bool
store_read_begin(struct store *s, struct store_txn **out, struct exa_error *err)
{
	MDB_txn *txn;

	if (!index_read_begin(&s->index, &txn, err))
		return false;
	*out = exa_alloc(sizeof **out);
	**out = (struct store_txn){ .index = &s->index, .txn = txn };
	return true;
}

void
store_read_end(struct store_txn *txn)
{
	if (txn == NULL)
		return;
	index_read_end(txn->index, txn->txn);
	exa_free(txn);
}

void
store_read_endp(struct store_txn **txn)
{
	store_read_end(*txn);
}

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

bool
store_get(struct store_txn *txn, size_t table, struct bytes key, bool *found_out,
	struct bytes *value_out, struct exa_error *err)
{
	MDB_val k = value_of(key);
	MDB_val v;
	int rc;

	if (!check_key(txn, table, key, err))
		return false;
	rc = txn->index->present[table] ? mdb_get(txn->txn, txn->index->tables[table], &k, &v)
					: MDB_NOTFOUND;
	if (rc != 0 && rc != MDB_NOTFOUND)
		return index_fail(txn->index, err, rc, "reading a table");
	*found_out = rc == 0;
	if (rc == 0)
		*value_out = bytes_of(v.mv_data, v.mv_size);
	return true;
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
	MDB_val k = value_of(key);
	MDB_val v = value_of(value);
	int rc;

	if (!check_key(txn, table, key, err))
		return false;
	if (!txn->writable)
		return exa_fail(err, EXA_FAILED, "tables change in apply only");
	rc = mdb_put(txn->txn, txn->index->tables[table], &k, &v, 0);
	return rc == 0 || index_fail(txn->index, err, rc, "writing a table");
}

bool
store_delete(struct store_txn *txn, size_t table, struct bytes key, struct exa_error *err)
{
	MDB_val k = value_of(key);
	int rc;

	if (!check_key(txn, table, key, err))
		return false;
	if (!txn->writable)
		return exa_fail(err, EXA_FAILED, "tables change in apply only");
	rc = mdb_del(txn->txn, txn->index->tables[table], &k, NULL);
	return rc == 0 || rc == MDB_NOTFOUND || index_fail(txn->index, err, rc, "writing a table");
}

bool
store_cursor_open(struct store_txn *txn, size_t table, struct bytes prefix, struct bytes from,
	struct store_cursor **out, struct exa_error *err)
{
	MDB_cursor *cursor = NULL;
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
	(*out)->cursor = cursor;
	buf_add_bytes(&(*out)->prefix, prefix);
	buf_add_bytes(&(*out)->from, from);
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
	*key_out = found;
	*value_out = bytes_of(value.mv_data, value.mv_size);
	return true;
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
	exa_free(c);
}

void
store_cursor_closep(struct store_cursor **c)
{
	store_cursor_close(*c);
}
