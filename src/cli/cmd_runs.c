/* SPDX-License-Identifier: Apache-2.0 */
/* `exarch runs`: how the runs went, from their manifests in the archive. The oldest come first, so
 * that the last night stands where the eye is. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "exarch/clock.h"

#include "deed.h"
#include "select.h"
#include "text.h"

struct runs {
	uint64_t skip; /* of the oldest */
	uint64_t seen;
	bool json;
};

static bool
count_run(void *ctx, const struct catalog_run *run, struct exa_error *err)
{
	struct runs *r = ctx;

	(void)run;
	(void)err;
	r->seen++;
	return true;
}

static const char *
outcome_of(int exit_code)
{
	static const struct {
		int code;
		const char *words;
	} outcomes[] = {
		{ EXIT_DONE, "done" },
		{ EXIT_FAILED, "failed" },
		{ EXIT_INCOMPLETE, "incomplete" },
		{ EXIT_STOPPED, "stopped" },
		{ EXIT_AUTH, "sign-in" },
		{ EXIT_CORRUPT, "damage" },
	};

	for (size_t i = 0; i < sizeof outcomes / sizeof outcomes[0]; i++) {
		if (outcomes[i].code == exit_code)
			return outcomes[i].words;
	}
	return "failed";
}

static void
print_row(const struct catalog_run *r)
{
	int64_t took_s = (r->ended_ns - r->started_ns) / EXA_NS_PER_S;
	char when[CLOCK_TEXT_MAX], size[16], took[32];

	clock_format(r->started_ns, when);
	text_size(r->bytes, size);
	(void)snprintf(took, sizeof took, "%" PRId64 ":%02d:%02d", took_s / 3600,
		(int)(took_s / 60 % 60), (int)(took_s % 60));
	(void)printf("%6" PRIu64 "  %-20s %9s  %2d %-10s %9" PRIu64 "  %10s  %7" PRIu64
		     "  %11" PRIu64 "  ",
		r->number, when, took, r->exit_code, outcome_of(r->exit_code), r->archived, size,
		r->failed, r->unexplained);
	text_print(stdout, r->profile, 0);
	(void)putchar('\n');
}

static bool
print_run(void *ctx, const struct catalog_run *run, struct exa_error *err)
{
	struct runs *r = ctx;

	(void)err;
	if (r->seen++ < r->skip)
		return true;
	(r->json ? deed_print_run : print_row)(run);
	return true;
}

static bool
runs(struct catalog *c, const struct args *args, struct runs *r, struct exa_error *err)
{
	EXA_AUTO(store_read_endp) struct store_txn *txn = NULL;
	const char *limit = args->value[OPT_LIMIT];
	uint64_t most = UINT64_MAX;

	if (limit != NULL && !number_read(limit, &most, err))
		return exa_while(err, "--limit");
	if (!store_read_begin(catalog_store(c), &txn, err) ||
		!catalog_each_run(txn, count_run, r, err))
		return false;
	r->skip = r->seen > most ? r->seen - most : 0;
	if (!r->json && r->seen == 0)
		(void)printf("no run yet\n");
	else if (!r->json)
		(void)printf("%6s  %-20s %9s  %-13s %9s  %10s  %7s  %11s  %s\n", "run", "started",
			"took", "exit code", "new", "bytes", "failed", "unexplained", "profile");
	r->seen = 0;
	return catalog_each_run(txn, print_run, r, err);
}

int
cmd_runs(const struct args *args)
{
	struct runs r = { .json = args->value[OPT_JSON] != NULL };
	struct catalog *catalog = NULL;
	struct exa_error err;
	bool good = deed_open(args, STORE_READ, &catalog, &err) && runs(catalog, args, &r, &err);

	catalog_abandonp(&catalog);
	return good ? EXIT_DONE : fail_with(&err);
}
