/* SPDX-License-Identifier: Apache-2.0 */
/* The rows of the index that are the store's own, as LMDB was given them. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "exarch/mem.h"

#include "facts.h"
#include "index.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const struct store_schema no_tables = { 0 };
static char folder[] = "/tmp/exarch-format-XXXXXX";
static struct index opened;

/* What stands under KEY. */
static bool
row_bytes(MDB_txn *txn, MDB_dbi table, struct bytes key, struct buf *out, struct exa_error *err)
{
	MDB_val name = { .mv_size = key.size };
	MDB_val value;
	int rc;

	memcpy(&name.mv_data, &key.data, sizeof name.mv_data);
	rc = mdb_get(txn, table, &name, &value);
	if (rc != 0)
		return exa_fail(err, EXA_FAILED, "no row: %s", mdb_strerror(rc));
	buf_add(out, value.mv_data, value.mv_size);
	return true;
}

static bool
watermark_bytes(const void *fields, struct buf *out, struct exa_error *err)
{
	MDB_txn *txn;
	bool good;

	if (mdb_txn_begin(opened.env, NULL, 0, &txn) != 0)
		return exa_fail(err, EXA_FAILED, "no transaction");
	good = index_set_watermark(&opened, txn, fields, err) &&
	       row_bytes(txn, opened.meta, bytes_of_string("watermark"), out, err);
	mdb_txn_abort(txn);
	return good;
}

static const struct probe watermark_probes[] = {
	PROBE(watermark, commit_at.segment, "segment"),
	PROBE(watermark, commit_at.offset, "offset of its frame"),
	PROBE(watermark, end, "offset behind it"),
	PROBE(watermark, sequence, "its sequence"),
	PROBE(watermark, commit, "commit number"),
	PROBE(watermark, chain, "chain"),
	PROBE(watermark, object_bytes, "raw bytes of all objects"),
};

struct identity {
	uint8_t uuid[UUID_SIZE];
};

static bool
identity_bytes(const void *fields, struct buf *out, struct exa_error *err)
{
	const struct identity *i = fields;
	EXA_AUTO(exa_freep) char *path = exa_asprintf("%s/own", folder);
	struct index own = { 0 };
	MDB_txn *txn;
	bool good = index_create(path, i->uuid, INDEX_LASTING, err) &&
		    index_open(&own, path, INDEX_READ, &no_tables, i->uuid, err) &&
		    index_read_begin(&own, &txn, err);

	if (good) {
		good = row_bytes(txn, own.meta, bytes_of_string("store"), out, err);
		index_read_end(&own, txn);
	}
	index_close(&own);
	index_remove(path);
	(void)rmdir(path);
	return good;
}

static const struct probe identity_probes[] = { PROBE(identity, uuid, "uuid") };

static bool
tell_rows(struct exa_error *err)
{
	static const struct layout layouts[] = {
		{ "The index/watermark", sizeof(struct watermark), watermark_probes,
			COUNT(watermark_probes), watermark_bytes },
		{ "The index/store", sizeof(struct identity), identity_probes,
			COUNT(identity_probes), identity_bytes },
	};

	for (size_t i = 0; i < COUNT(layouts); i++)
		if (!tell_layout(&layouts[i], err))
			return false;
	return true;
}

bool
tell_index_layouts(struct exa_error *err)
{
	static const uint8_t uuid[UUID_SIZE];
	EXA_AUTO(exa_freep) char *path = NULL;
	bool good;

	if (mkdtemp(folder) == NULL)
		return exa_fail_errno(err, errno, "making %s", folder);
	path = exa_asprintf("%s/idx", folder);
	good = index_create(path, uuid, INDEX_LASTING, err) &&
	       index_open(&opened, path, INDEX_BUILD, &no_tables, uuid, err) && tell_rows(err);
	index_close(&opened);
	index_remove(path);
	(void)rmdir(path);
	(void)rmdir(folder);
	return good;
}

bool
tell_object(struct bytes value, struct exa_error *err)
{
	static const uint8_t key[OBJECT_KEY_SIZE];
	EXA_AUTO(buf_done) struct buf again = { 0 };
	EXA_AUTO(buf_done) struct buf hex = { 0 };
	struct object_row row;

	if (!object_row_get(bytes_of(key, sizeof key), value, &row, err))
		return false;
	(void)printf("value\tsegment\t%u\n", row.at.segment);
	(void)printf("value\tframe offset\t%llu\n", (unsigned long long)row.at.offset);
	(void)printf("value\tslot\t%u\n", row.slot);
	(void)printf("value\traw length\t%u\n", row.raw);
	(void)printf("value\tkind\t%u\n", row.kind);
	object_row_put(&row, &again);
	buf_reserve(&hex, 2 * again.size + 1);
	hex_encode(buf_bytes(&again), (char *)hex.data);
	(void)printf("again\t%s\n", (char *)hex.data);
	return true;
}
