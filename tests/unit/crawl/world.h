/* SPDX-License-Identifier: Apache-2.0 */
/* An archive, a profile's worth of options, and runs over the server in memory. */
#ifndef TEST_WORLD_H
#define TEST_WORLD_H

#include "exarch/crawl.h"

#include "server.h"

#define ANNA "anna@contoso.example"
#define BERT "bert@contoso.example"

struct world {
	char dir[64];
	struct rules rules;
	struct cancel cancel;
	struct crawl_options options; /* tests change what they are about */
	/* of the last run: */
	bool good;
	struct exa_error err;
	struct report_totals totals;
};

int world_make(void **state);   /* cmocka setup: a fresh server and archive */
int world_remove(void **state); /* cmocka teardown */
void world_run(struct world *w);

/* What the archive says of a folder of ANNA's; WHICH counts from 1 in the order first seen. */
struct ledger_counts world_counts(const struct world *w, uint32_t which);
size_t world_rows(const struct world *w, uint32_t which, enum catalog_item_state state);

#endif
