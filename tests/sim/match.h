/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The conditions of a scenario: does a `where` fit a request or one of its targets, and is it the
 * `when` of it.
 */
#ifndef SIM_MATCH_H
#define SIM_MATCH_H

#include "behave.h"
#include "tally.h"

/* It speaks of single things: what fits one target need not fit the request's others. */
bool where_is_about_targets(const struct scenario_where *w);
bool where_fits_request(const struct scenario_where *w, const struct request_facts *f);
bool where_fits_target(
	const struct scenario_where *w, const struct request_facts *f, size_t target);

/* Letters in any case; NULL fits all. A folder is meant by its name or its path from the top. */
bool pattern_fits(const char *pattern, const char *text);
bool pattern_fits_folder(const char *pattern, const struct view *v, size_t folder);

/* What the counter counts by: TARGET is one for folder and item, and ignored for the others. */
uint64_t when_key(const struct scenario_when *w, uint64_t rule, const struct request_facts *f,
	const struct target *target);
/* Counts once more. SEED: of the scenario; AGE_S: how long it runs. */
bool when_is_now(
	const struct scenario_when *w, struct tally *t, uint64_t key, uint64_t seed, int64_t age_s);

#endif
