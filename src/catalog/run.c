/* SPDX-License-Identifier: Apache-2.0 */
/* Run manifests: each carries the hash of the one before, so that a run taken out or changed shows.
 */
#include <openssl/evp.h>

#include "exarch/clock.h"
#include "internal.h"
#include "record.h"

bool
catalog_run_add(struct catalog *c, struct catalog_run *run, struct exa_error *err)
{
	EXA_AUTO(store_read_endp) struct store_txn *txn = NULL;
	EXA_AUTO(buf_done) struct buf record = { 0 };
	struct store_batch batch = { 0 };
	struct bytes previous = { 0 };
	struct table_key k;
	uint64_t epoch, number;
	unsigned size = CATALOG_SHA256_SIZE;
	bool found = false, good;

	if (!store_read_begin(c->store, &txn, err) ||
		!state_next(txn, bytes_of_string("run"), &number, err))
		return false;
	k = key_u64(number - 1);
	if (number > 1 && !store_get(txn, TABLE_RUN, key_bytes(&k), &found, &previous, err))
		return false;
	if (!found)
		previous = bytes_of("", 0);
	(void)EVP_Digest(
		previous.data, previous.size, run->previous_hash, &size, EVP_sha256(), NULL);
	run->number = number;
	run_encode(&record, run);
	store_batch_record(&batch, buf_bytes(&record));
	good = store_submit(c->store, &batch, &epoch, err);
	store_batch_done(&batch);
	return good;
}

bool
catalog_each_run(struct store_txn *txn, catalog_run_fn *fn, void *ctx, struct exa_error *err)
{
	EXA_AUTO(store_cursor_closep) struct store_cursor *cursor = NULL;
	struct bytes none = { 0 }, key, value;

	if (!store_cursor_open(txn, TABLE_RUN, none, none, &cursor, err))
		return false;
	exa_error_clear(err);
	while (store_cursor_next(cursor, &key, &value, err)) {
		struct catalog_run run;

		if (!run_decode(value, &run, err) || !fn(ctx, &run, err))
			return false;
	}
	return err->code == EXA_OK;
}
