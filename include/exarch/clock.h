/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Time. Moments are int64_t nanoseconds since 1970-01-01T00:00:00Z (EXA_NO_TIME = none); spans are
 * milliseconds or seconds and say so in their names. Any thread.
 */
#ifndef EXARCH_CLOCK_H
#define EXARCH_CLOCK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "exarch/attr.h"
#include "exarch/error.h"

#define EXA_NO_TIME INT64_MIN
#define EXA_NS_PER_S INT64_C(1000000000)
#define EXA_NS_PER_MS INT64_C(1000000)
#define CLOCK_TEXT_MAX 32

int64_t clock_wall_ns(void);
int64_t clock_mono_ns(void); /* for spans; never goes back, has no date */

/* "2026-07-22T10:00:00Z" (xsd:dateTime in UTC, whole seconds). out holds CLOCK_TEXT_MAX;
 * EXA_NO_TIME gives "". */
void clock_format(int64_t moment_ns, char *out);

/*
 * Reads xsd:dateTime ("2026-07-22T10:00:00Z", fractions, "+02:00" or no zone = UTC) and plain dates
 * ("2026-07-22" = midnight UTC). Years 1601 to 2262 outside int64 nanoseconds are clamped to the
 * nearest moment that fits.
 */
bool clock_parse(const char *text, int64_t *moment_ns_out, struct exa_error *err) EXA_CHECK;

/*
 * Reads a span: a number and a unit, "90 s", "15 min", "2 h", "10 days", "3 months", "1 year", and
 * gives the moment that long before NOW_NS; months and years count in the calendar (UTC), a day
 * that doesn't exist becomes the last.
 */
bool clock_before(
	const char *span, int64_t now_ns, int64_t *moment_ns_out, struct exa_error *err) EXA_CHECK;

/*
 * Reads a moment as people write one: what clock_parse takes, a month or year ("2026-01", "2026":
 * its beginning), "today", "yesterday" (midnight UTC), or a span, as long before NOW_NS as it is
 * ("30d", "3 months").
 */
bool clock_parse_moment(
	const char *text, int64_t now_ns, int64_t *moment_ns_out, struct exa_error *err) EXA_CHECK;

/* Reads a span of fixed length ("90 s" to "10 days") as milliseconds. */
bool clock_parse_span(const char *span, int64_t *span_ms_out, struct exa_error *err) EXA_CHECK;

#endif
