/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a run came to, for Prometheus' textfile collector (docs/operating.md). The file is written
 * whole or not at all, at the end of the run, whatever that end was.
 */
#ifndef CLI_METRICS_H
#define CLI_METRICS_H

#include "exarch/report.h"

struct metrics {
	const char *profile; /* the label of all of them */
	int64_t started_ns;
	int exit_code;
	int32_t certificate_days;           /* INT32_MAX: there is none, or it isn't known */
	const struct report_totals *totals; /* of nothing when the run never began */
};

/* The time of the last run that went well is taken over from the file that is there. */
bool metrics_write(const char *path, const struct metrics *m, struct exa_error *err) EXA_CHECK;

#endif
