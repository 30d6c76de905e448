/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "exarch/catalog.h"
#include "key.h"

int
cmd_rebuild(const struct args *args)
{
	struct catalog *catalog;
	struct store_stats stats = { 0 };
	struct exa_error err;

	if (!archive_open(
		    args, (struct store_open_options){ .access = STORE_REBUILD }, &catalog, &err))
		return fail_with(&err);
	if (!store_stat(catalog_store(catalog), &stats, &err)) {
		catalog_abandonp(&catalog);
		return fail_with(&err);
	}
	if (!catalog_close(catalog, &err))
		return fail_with(&err);
	(void)printf("made the index of %s again: %llu objects, up to commit %llu\n",
		args->positional[0], (unsigned long long)stats.object_count,
		(unsigned long long)stats.last_commit);
	return EXIT_DONE;
}
