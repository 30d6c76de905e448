/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <jansson.h>

#include "exarch/clock.h"

#include "talk.h"
#include "text.h"

#define REDRAW_NS (EXA_NS_PER_S / 5) /* as often as people can read */
#define STATUS_NS (60 * EXA_NS_PER_S)

static bool
is_terminal(void)
{
	const char *kind = getenv("TERM");

	return isatty(STDERR_FILENO) && kind != NULL && strcmp(kind, "dumb") != 0;
}

void
talk_begin(struct talk *t, const char *verb, const struct args *args)
{
	*t = (struct talk){ .verb = verb, .last_ns = clock_mono_ns() };
	t->began_ns = t->last_ns;
	if (args->value[OPT_JSON] != NULL)
		t->style = TALK_JSON;
	else if (args->value[OPT_QUIET] != NULL)
		t->style = TALK_NOTHING;
	else
		t->style = is_terminal() ? TALK_REDRAW : TALK_LINES;
}

void
talk_clear(struct talk *t)
{
	if (t->drawn)
		(void)fprintf(stderr, "\r\033[K");
	t->drawn = false;
}

static void
print_span(int64_t seconds)
{
	if (seconds >= 3600)
		(void)fprintf(stderr, "%lld:%02lld:%02lld", (long long)seconds / 3600,
			(long long)seconds / 60 % 60, (long long)seconds % 60);
	else
		(void)fprintf(
			stderr, "%lld:%02lld", (long long)seconds / 60, (long long)seconds % 60);
}

static void
print_status(const struct talk *t, const struct talk_status *s)
{
	double elapsed = (double)(clock_mono_ns() - t->began_ns) / (double)EXA_NS_PER_S;
	double share = s->all > 0 ? (double)s->done / (double)s->all : 0;
	char done[16], all[16];

	text_size(s->all > 0 ? s->done : s->bytes, done);
	text_size(s->all, all);
	(void)fprintf(stderr, "%s  ", s->what);
	if (s->all == 0) {
		(void)fprintf(stderr, "%llu items  %s", (unsigned long long)s->items, done);
		return;
	}
	(void)fprintf(stderr, "%s of %s  %.0f %%", done, all, 100 * share);
	/* The first seconds foretell nothing. */
	if (elapsed >= 5 && share > 0.001 && share < 1) {
		(void)fprintf(stderr, "  ETA ");
		print_span((int64_t)(elapsed / share * (1 - share)));
	}
}

static void
print_json(const struct talk *t, const struct talk_status *s)
{
	char now[CLOCK_TEXT_MAX];
	json_t *line;

	clock_format(clock_wall_ns(), now);
	line = json_pack("{s:s, s:s, s:s, s:s, s:I, s:I, s:I, s:I}", "event", "status", "time", now,
		"verb", t->verb, "what", s->what, "done_bytes", (json_int_t)s->done, "total_bytes",
		(json_int_t)s->all, "items", (json_int_t)s->items, "item_bytes",
		(json_int_t)s->bytes);
	text_json(line);
}

void
talk_status(struct talk *t, const struct talk_status *s)
{
	int64_t now = clock_mono_ns();
	char when[CLOCK_TEXT_MAX];

	if (t->style == TALK_NOTHING ||
		now - t->last_ns < (t->style == TALK_REDRAW ? REDRAW_NS : STATUS_NS))
		return;
	t->last_ns = now;
	if (t->style == TALK_JSON) {
		print_json(t, s);
		return;
	}
	clock_format(clock_wall_ns(), when);
	if (t->style == TALK_REDRAW)
		(void)fputc('\r', stderr);
	else
		(void)fprintf(stderr, "%s ", when);
	print_status(t, s);
	(void)fputs(t->style == TALK_REDRAW ? "\033[K" : "\n", stderr);
	t->drawn = t->style == TALK_REDRAW;
}
