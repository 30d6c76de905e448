/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Run manifests and audit records. Each carries the hash of the one before of its kind, so that one
 * taken out or changed shows. That the last ones were taken off can't show here; the segments'
 * chain of COMMITs is for that.
 */
#include <stdio.h>
#include <string.h>

#include <openssl/evp.h>

#include "exarch/clock.h"
#include "exarch/mem.h"
#include "exarch/sha256.h"
#include "internal.h"
#include "record.h"

static void
hash_record(struct bytes record, uint8_t out[CATALOG_SHA256_SIZE])
{
	unsigned size = CATALOG_SHA256_SIZE;

	(void)EVP_Digest(record.size > 0 ? (const void *)record.data : "", record.size, out, &size,
		exa_sha256(), NULL);
}

/* The number to give next under NAME, and the hash of the record in TABLE before it. */
static bool
next_link(struct catalog *c, const char *name, enum table table, uint64_t *number_out,
	uint8_t previous_out[CATALOG_SHA256_SIZE], struct exa_error *err)
{
	EXA_AUTO(store_read_endp) struct store_txn *txn = NULL;
	struct bytes previous = { 0 };
	struct table_key k;
	uint64_t number;
	bool found = false;

	if (!store_read_begin(c->store, &txn, err) ||
		!state_next(txn, bytes_of_string(name), &number, err))
		return false;
	k = key_number(number - 1);
	if (number > 1 && !store_get(txn, table, key_bytes(&k), &found, &previous, err))
		return false;
	hash_record(found ? previous : bytes_of(NULL, 0), previous_out);
	*number_out = number;
	return true;
}

bool
catalog_run_add(struct catalog *c, struct catalog_run *run, struct exa_error *err)
{
	EXA_AUTO(buf_done) struct buf record = { 0 };
	struct store_batch batch = { 0 };
	uint64_t epoch;
	bool good;

	if (!next_link(c, "run", TABLE_RUN, &run->number, run->previous_hash, err))
		return false;
	run_encode(&record, run);
	store_batch_record(&batch, buf_bytes(&record));
	good = store_submit(c->store, &batch, &epoch, err);
	store_batch_done(&batch);
	return good;
}

bool
catalog_batch_audit(struct catalog *c, struct catalog_batch *b, struct catalog_audit *audit,
	struct exa_error *err)
{
	if (!next_link(c, "audit", TABLE_AUDIT, &audit->number, audit->previous_hash, err))
		return false;
	buf_reset(&b->scratch);
	audit_encode(&b->scratch, audit);
	store_batch_record(&b->store, buf_bytes(&b->scratch));
	return true;
}

bool
catalog_audit_add(struct catalog *c, struct catalog_audit *audit, struct exa_error *err)
{
	struct catalog_batch b = { 0 };
	bool good = catalog_batch_audit(c, &b, audit, err) && batch_settle(c, &b, err);

	catalog_batch_done(&b);
	return good;
}

bool
batch_settle(struct catalog *c, struct catalog_batch *b, struct exa_error *err)
{
	uint64_t epoch;

	return catalog_submit(c, b, &epoch, err) && store_wait(c->store, epoch, err);
}

/* ---- looking ---- */

struct record_walk {
	catalog_run_fn *run;
	catalog_audit_fn *audit;
	void *ctx;
};

static bool
run_entry(void *ctx, struct bytes key, struct bytes value, struct exa_error *err)
{
	struct record_walk *w = ctx;
	struct catalog_run run;

	(void)key;
	return run_decode(value, &run, err) && w->run(w->ctx, &run, err);
}

static bool
audit_entry(void *ctx, struct bytes key, struct bytes value, struct exa_error *err)
{
	struct record_walk *w = ctx;
	struct catalog_audit audit;

	(void)key;
	return audit_decode(value, &audit, err) && w->audit(w->ctx, &audit, err);
}

bool
catalog_each_run(struct store_txn *txn, catalog_run_fn *fn, void *ctx, struct exa_error *err)
{
	struct record_walk w = { .run = fn, .ctx = ctx };
	struct bytes all = { 0 };

	return walk_table(txn, TABLE_RUN, all, all, run_entry, &w, err);
}

bool
catalog_each_audit(struct store_txn *txn, catalog_audit_fn *fn, void *ctx, struct exa_error *err)
{
	struct record_walk w = { .audit = fn, .ctx = ctx };
	struct bytes all = { 0 };

	return walk_table(txn, TABLE_AUDIT, all, all, audit_entry, &w, err);
}

/* ---- following the hashes ---- */

struct chain_walk {
	catalog_broken_fn *broken;
	void *ctx;
	bool runs; /* else audit records */
	uint64_t expected;
	uint8_t hash[CATALOG_SHA256_SIZE]; /* of the record before */
	uint64_t broken_count;
};

static void
tell_broken(struct chain_walk *w, uint64_t number, const char *why)
{
	char text[128];

	(void)snprintf(text, sizeof text, "%s %llu: %s", w->runs ? "run" : "audit record",
		(unsigned long long)number, why);
	w->broken_count++;
	if (w->broken != NULL)
		w->broken(w->ctx, text);
}

static bool
chain_entry(void *ctx, struct bytes key, struct bytes value, struct exa_error *err)
{
	struct chain_walk *w = ctx;
	struct catalog_audit audit;
	struct catalog_run run;
	const uint8_t *previous;
	uint64_t number;

	(void)key;
	if (w->runs ? !run_decode(value, &run, err) : !audit_decode(value, &audit, err))
		return false;
	number = w->runs ? run.number : audit.number;
	previous = w->runs ? run.previous_hash : audit.previous_hash;
	if (number != w->expected)
		tell_broken(w, number, "the one before it is missing");
	else if (memcmp(previous, w->hash, sizeof w->hash) != 0)
		tell_broken(w, number, "isn't the successor of the one before it");
	w->expected = number + 1;
	hash_record(value, w->hash);
	return true;
}

static bool
check_chain(struct store_txn *txn, enum table table, const char *name, struct chain_walk *w,
	struct exa_error *err)
{
	struct bytes all = { 0 };
	uint64_t next;

	w->expected = 1;
	hash_record(all, w->hash);
	if (!walk_table(txn, table, all, all, chain_entry, w, err) ||
		!state_next(txn, bytes_of_string(name), &next, err))
		return false;
	if (next != w->expected)
		tell_broken(w, next - 1, "is missing");
	return true;
}

bool
catalog_check_chains(struct store_txn *txn, catalog_broken_fn *broken, void *ctx,
	uint64_t *broken_out, struct exa_error *err)
{
	struct chain_walk runs = { .broken = broken, .ctx = ctx, .runs = true };
	struct chain_walk audits = { .broken = broken, .ctx = ctx };

	if (!check_chain(txn, TABLE_RUN, "run", &runs, err) ||
		!check_chain(txn, TABLE_AUDIT, "audit", &audits, err))
		return false;
	*broken_out = runs.broken_count + audits.broken_count;
	return true;
}
