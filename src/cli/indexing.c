/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "exarch/search.h"

#include "indexing.h"

bool
indexing_clean(struct catalog *c, bool purge)
{
	const struct search_build_options options = { .only_remove = true, .purge = purge };
	const char *archive = store_dir(catalog_store(c));
	struct search_build_result result;
	struct exa_error why, err;

	if (!search_exists(archive) || search_build(c, &options, &result, &why))
		return true;
	if (why.code == EXA_LOCKED) {
		(void)fprintf(stderr,
			"exarch: the search index still has words of what expired, since %s; run "
			"`exarch compact` again\n",
			why.text);
		return false;
	}
	if (!search_remove(archive, &err)) {
		(void)fprintf(stderr,
			"exarch: the search index still has words of what expired (%s) and can't "
			"be "
			"removed: %s\n",
			why.text, err.text);
		return false;
	}
	(void)fprintf(stderr,
		"exarch: the search index was removed, since what expired couldn't be taken out "
		"of it (%s); `exarch index` makes it again\n",
		why.text);
	return true;
}

void
indexing_update(struct catalog *c, struct cancel *cancel)
{
	const struct search_build_options options = { .cancel = cancel };
	struct search_build_result result;
	struct exa_error why;

	if (!search_build(c, &options, &result, &why))
		(void)fprintf(stderr, "exarch: the search index isn't up to date: %s\n", why.text);
	else if (result.was_damaged)
		(void)fprintf(
			stderr, "exarch: the search index was made anew: %s\n", result.why.text);
}
