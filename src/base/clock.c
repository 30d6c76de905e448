/* SPDX-License-Identifier: Apache-2.0 */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "exarch/clock.h"

#define SECONDS_PER_DAY INT64_C(86400)
#define SPAN_NUMBER_MAX INT64_C(1000000)

int64_t
clock_wall_ns(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_REALTIME, &ts);
	return (int64_t)ts.tv_sec * EXA_NS_PER_S + ts.tv_nsec;
}

int64_t
clock_mono_ns(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * EXA_NS_PER_S + ts.tv_nsec;
}

static int64_t
floor_seconds(int64_t moment_ns)
{
	int64_t s = moment_ns / EXA_NS_PER_S;

	return moment_ns % EXA_NS_PER_S < 0 ? s - 1 : s;
}

void
clock_format(int64_t moment_ns, char *out)
{
	struct tm tm;
	time_t t = (time_t)floor_seconds(moment_ns);

	out[0] = '\0';
	if (moment_ns == EXA_NO_TIME || gmtime_r(&t, &tm) == NULL)
		return;
	(void)strftime(out, CLOCK_TEXT_MAX, "%Y-%m-%dT%H:%M:%SZ", &tm);
}

static int64_t
clamp_seconds(int64_t seconds)
{
	const int64_t limit = INT64_MAX / EXA_NS_PER_S - 1;

	if (seconds > limit)
		seconds = limit;
	if (seconds < -limit)
		seconds = -limit;
	return seconds * EXA_NS_PER_S;
}

static bool
date_is_sane(const struct tm *tm)
{
	return tm->tm_mon >= 0 && tm->tm_mon <= 11 && tm->tm_mday >= 1 && tm->tm_mday <= 31 &&
	       tm->tm_hour >= 0 && tm->tm_hour <= 24 && tm->tm_min >= 0 && tm->tm_min <= 59 &&
	       tm->tm_sec >= 0 && tm->tm_sec <= 60;
}

/* Reads "Z", "+02:00", "-0530" or nothing; true when REST is at the text's end after it. */
static bool
read_zone(const char *rest, int *offset_s_out)
{
	int sign, hours, minutes, used = 0;

	*offset_s_out = 0;
	if (*rest == 'Z' || *rest == 'z')
		return rest[1] == '\0';
	if (*rest == '\0')
		return true;
	sign = *rest == '-' ? -1 : 1;
	if (*rest != '+' && *rest != '-')
		return false;
	if (sscanf(rest + 1, "%2d:%2d%n", &hours, &minutes, &used) != 2 &&
		sscanf(rest + 1, "%2d%2d%n", &hours, &minutes, &used) != 2)
		return false;
	*offset_s_out = sign * (hours * 3600 + minutes * 60);
	return rest[1 + used] == '\0';
}

/* Reads at most DIGITS_MAX digits. By hand: a server's answer has several times in each item, and
 * sscanf takes a microsecond for each. */
static bool
read_number(const char **rest, int digits_max, int *out)
{
	const char *at = *rest;

	for (*out = 0; at < *rest + digits_max && isdigit((unsigned char)*at); at++)
		*out = *out * 10 + (*at - '0');
	if (at == *rest)
		return false;
	*rest = at;
	return true;
}

static bool
read_three(const char **rest, int digits_max, char between, int *a, int *b, int *c)
{
	if (!read_number(rest, digits_max, a) || *(*rest)++ != between ||
		!read_number(rest, 2, b) || *(*rest)++ != between)
		return false;
	return read_number(rest, 2, c);
}

bool
clock_parse(const char *text, int64_t *moment_ns_out, struct exa_error *err)
{
	struct tm tm = { 0 };
	int offset_s;
	const char *rest = text;
	int64_t fraction_ns = 0, scale = EXA_NS_PER_S / 10;

	if (!read_three(&rest, 4, '-', &tm.tm_year, &tm.tm_mon, &tm.tm_mday))
		return exa_fail(err, EXA_USAGE,
			"'%s' is not a date (write 2026-07-22 or 2026-07-22T10:00:00Z)", text);
	if (*rest == 'T' || *rest == 't' || *rest == ' ') {
		rest++;
		if (!read_three(&rest, 2, ':', &tm.tm_hour, &tm.tm_min, &tm.tm_sec))
			return exa_fail(err, EXA_USAGE,
				"'%s' has no full time of day (write T10:00:00Z)", text);
		if (*rest == '.') {
			for (rest++; isdigit((unsigned char)*rest); rest++, scale /= 10)
				fraction_ns += (*rest - '0') * scale;
		}
	}
	tm.tm_year -= 1900;
	tm.tm_mon -= 1;
	if (!date_is_sane(&tm) || !read_zone(rest, &offset_s))
		return exa_fail(err, EXA_USAGE,
			"'%s' is not a date (write 2026-07-22 or 2026-07-22T10:00:00Z)", text);
	*moment_ns_out = clamp_seconds((int64_t)timegm(&tm) - offset_s) + fraction_ns;
	return true;
}

enum span_kind { SPAN_SECONDS, SPAN_MONTHS };

static const struct {
	const char *name;
	enum span_kind kind;
	int64_t factor;
} span_units[] = {
	{ "s", SPAN_SECONDS, 1 },
	{ "sec", SPAN_SECONDS, 1 },
	{ "second", SPAN_SECONDS, 1 },
	{ "seconds", SPAN_SECONDS, 1 },
	{ "min", SPAN_SECONDS, 60 },
	{ "minute", SPAN_SECONDS, 60 },
	{ "minutes", SPAN_SECONDS, 60 },
	{ "h", SPAN_SECONDS, 3600 },
	{ "hour", SPAN_SECONDS, 3600 },
	{ "hours", SPAN_SECONDS, 3600 },
	{ "d", SPAN_SECONDS, SECONDS_PER_DAY },
	{ "day", SPAN_SECONDS, SECONDS_PER_DAY },
	{ "days", SPAN_SECONDS, SECONDS_PER_DAY },
	{ "w", SPAN_SECONDS, 7 * SECONDS_PER_DAY },
	{ "week", SPAN_SECONDS, 7 * SECONDS_PER_DAY },
	{ "weeks", SPAN_SECONDS, 7 * SECONDS_PER_DAY },
	{ "month", SPAN_MONTHS, 1 },
	{ "months", SPAN_MONTHS, 1 },
	{ "year", SPAN_MONTHS, 12 },
	{ "years", SPAN_MONTHS, 12 },
};

static bool
read_span(const char *span, enum span_kind *kind_out, int64_t *count_out, struct exa_error *err)
{
	char *end;
	long long n = strtoll(span, &end, 10);

	while (*end == ' ')
		end++;
	for (size_t i = 0; i < sizeof span_units / sizeof span_units[0]; i++) {
		if (!isdigit((unsigned char)*span) || n > SPAN_NUMBER_MAX)
			break;
		if (strcasecmp(end, span_units[i].name) == 0) {
			*kind_out = span_units[i].kind;
			*count_out = n * span_units[i].factor;
			return true;
		}
	}
	return exa_fail(err, EXA_USAGE,
		"'%s' is not a span of time (write 90 s, 15 min, 2 h, 10 days, 3 months or 1 year)",
		span);
}

/* Counts MONTHS back in the calendar; 31 March less one month is 28 or 29 February. */
static int64_t
months_before(int64_t now_ns, int64_t months)
{
	static const int month_days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
	time_t t = (time_t)floor_seconds(now_ns);
	struct tm tm;
	int64_t absolute;
	int year, last;

	(void)gmtime_r(&t, &tm);
	absolute = (int64_t)(tm.tm_year + 1900) * 12 + tm.tm_mon - months;
	if (absolute < 0)
		absolute = 0;
	year = (int)(absolute / 12);
	tm.tm_year = year - 1900;
	tm.tm_mon = (int)(absolute % 12);
	last = month_days[tm.tm_mon];
	if (tm.tm_mon == 1 && ((year % 4 == 0 && year % 100 != 0) || year % 400 == 0))
		last = 29;
	if (tm.tm_mday > last)
		tm.tm_mday = last;
	return clamp_seconds((int64_t)timegm(&tm));
}

bool
clock_before(const char *span, int64_t now_ns, int64_t *moment_ns_out, struct exa_error *err)
{
	enum span_kind kind;
	int64_t count;

	if (!read_span(span, &kind, &count, err))
		return false;
	*moment_ns_out = kind == SPAN_MONTHS ? months_before(now_ns, count)
					     : clamp_seconds(floor_seconds(now_ns) - count);
	return true;
}

/* "2026" or "2026-01": its first day. */
static bool
is_year_or_month(const char *text, char first_day[CLOCK_TEXT_MAX])
{
	size_t digits = strspn(text, "0123456789");

	if (digits != 4)
		return false;
	if (text[4] == '\0') {
		(void)snprintf(first_day, CLOCK_TEXT_MAX, "%s-01-01", text);
		return true;
	}
	if (text[4] != '-' || strspn(text + 5, "0123456789") != 2 || text[7] != '\0')
		return false;
	(void)snprintf(first_day, CLOCK_TEXT_MAX, "%s-01", text);
	return true;
}

bool
clock_parse_moment(const char *text, int64_t now_ns, int64_t *moment_ns_out, struct exa_error *err)
{
	const int64_t today_s = floor_seconds(now_ns) / SECONDS_PER_DAY * SECONDS_PER_DAY;
	struct exa_error ignored;
	char first_day[CLOCK_TEXT_MAX];

	if (strcasecmp(text, "today") == 0) {
		*moment_ns_out = clamp_seconds(today_s);
		return true;
	}
	if (strcasecmp(text, "yesterday") == 0) {
		*moment_ns_out = clamp_seconds(today_s - SECONDS_PER_DAY);
		return true;
	}
	if (is_year_or_month(text, first_day))
		return clock_parse(first_day, moment_ns_out, err);
	return clock_before(text, now_ns, moment_ns_out, &ignored) ||
	       clock_parse(text, moment_ns_out, &ignored) ||
	       exa_fail(err, EXA_USAGE,
		       "'%s' is neither a date (2026-07-22, 2026-07, 2026, "
		       "2026-07-22T10:00:00Z, today, yesterday) nor a span before now (30d, 3 "
		       "months)",
		       text);
}

bool
clock_parse_span(const char *span, int64_t *span_ms_out, struct exa_error *err)
{
	enum span_kind kind;
	int64_t count;

	if (!read_span(span, &kind, &count, err))
		return false;
	if (kind != SPAN_SECONDS)
		return exa_fail(err, EXA_USAGE,
			"'%s': months and years have no fixed length here; write days", span);
	*span_ms_out = count * 1000;
	return true;
}
