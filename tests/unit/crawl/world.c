/* SPDX-License-Identifier: Apache-2.0 */
#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "exarch/clock.h"
#include "exarch/mem.h"

#include "world.h"

static const struct crawl_mailbox people[] = {
	{ .smtp = (char[]){ ANNA }, .display_name = (char[]){ "Anna" }, .label = (char[]){ ANNA } },
	{ .smtp = (char[]){ BERT }, .display_name = (char[]){ "Bert" }, .label = (char[]){ BERT } }
};

static void
must(bool good, const struct exa_error *err)
{
	if (!good)
		fail_msg("%s", err->text);
}

int
world_make(void **state)
{
	const struct store_create_options create = { .codec = STORE_CODEC_ZLIB };
	struct world *w = exa_alloc(sizeof *w);
	struct exa_error err;

	server_reset();
	(void)snprintf(w->dir, sizeof w->dir, "/tmp/exarch-crawl-XXXXXX");
	assert_non_null(mkdtemp(w->dir));
	must(catalog_create(w->dir, &create, &err), &err);
	w->rules = (struct rules){ .before_ns = EXA_NO_TIME,
		.since_ns = EXA_NO_TIME,
		.classes = (1U << RULES_CLASS_COUNT) - 1 };
	w->options = (struct crawl_options){ .mailboxes = people,
		.mailbox_count = 1,
		.rules = &w->rules,
		.versions = CRAWL_VERSIONS_LATEST,
		.capture = CRAWL_CAPTURE_MIME,
		.cancel = &w->cancel,
		.threads = 3,
		.batch_items = 10,
		.batch_bytes = 1 << 20,
		.mailbox_concurrency = 2 };
	*state = w;
	return 0;
}

static int
remove_one(const char *path, const struct stat *st, int type, struct FTW *at)
{
	(void)st;
	(void)type;
	(void)at;
	return remove(path);
}

int
world_remove(void **state)
{
	struct world *w = *state;

	(void)nftw(w->dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	exa_free(w);
	server_reset();
	return 0;
}

void
world_run(struct world *w)
{
	EXA_AUTO(crawl_freep) struct crawl *crawl = crawl_new();
	EXA_AUTO(report_freep) struct report *report = NULL;
	const struct catalog_listener listener = crawl_listener(crawl);
	FILE *nowhere = fopen("/dev/null", "w");
	const struct report_options quiet = {
		.style = REPORT_QUIET, .out = nowhere, .talk = nowhere
	};
	struct catalog *catalog;
	struct exa_error err;

	assert_non_null(nowhere);
	w->cancel = (struct cancel){ 0 };
	server.syncs = server.fetches = server.looks = server.deletions = 0;
	server.trees = server.roots = 0;
	must(catalog_open(w->dir,
		     &(struct store_open_options){
			     .access = w->options.dry_run ? STORE_READ : STORE_WRITE },
		     &listener, &catalog, &err),
		&err);
	report = report_new(&quiet);
	w->options.report = report;
	w->options.fingerprint = rules_fingerprint(&w->rules);
	w->good = crawl_run(crawl, catalog, &w->options, &w->err);
	report_totals_so_far(report, &w->totals);
	report_freep(&report);
	must(catalog_close(catalog, &err), &err);
	(void)fclose(nowhere);
}

struct ledger_counts
world_counts(const struct world *w, uint32_t which)
{
	struct ledger_counts counts;
	struct catalog *catalog;
	struct store_txn *txn;
	struct exa_error err;

	must(catalog_open(w->dir, &(struct store_open_options){ .access = STORE_READ }, NULL,
		     &catalog, &err),
		&err);
	must(store_read_begin(catalog_store(catalog), &txn, &err), &err);
	must(catalog_counts(txn, 1, which, &counts, &err), &err);
	store_read_end(txn);
	must(catalog_close(catalog, &err), &err);
	return counts;
}

struct row_count {
	enum catalog_item_state state;
	size_t count;
};

static bool
count_row(void *ctx, const struct catalog_row *row, struct exa_error *err)
{
	struct row_count *c = ctx;

	(void)err;
	c->count += row->state == c->state;
	return true;
}

size_t
world_rows(const struct world *w, uint32_t which, enum catalog_item_state state)
{
	struct row_count c = { .state = state };
	struct catalog_place place = { .received_ns = EXA_NO_TIME };
	struct catalog *catalog;
	struct store_txn *txn;
	struct exa_error err;
	bool more;

	must(catalog_open(w->dir, &(struct store_open_options){ .access = STORE_READ }, NULL,
		     &catalog, &err),
		&err);
	must(store_read_begin(catalog_store(catalog), &txn, &err), &err);
	must(catalog_each_row(
		     txn, 1, which, &place, SERVER_ITEMS_MAX * 2, count_row, &c, &more, &err),
		&err);
	store_read_end(txn);
	must(catalog_close(catalog, &err), &err);
	return c.count;
}
