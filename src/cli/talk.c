/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include <jansson.h>

#include "exarch/clock.h"
#include "exarch/mem.h"

#include "talk.h"
#include "terminal.h"
#include "text.h"

#define REDRAW_NS (EXA_NS_PER_S / 5) /* as often as people can read */
#define STATUS_NS (60 * EXA_NS_PER_S)

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
		t->style = terminal_can_redraw() ? TALK_REDRAW : TALK_LINES;
	if (t->style != TALK_REDRAW)
		return;
	terminal_watch_stops();
	t->display = display_new(stderr);
}

void
talk_clear(struct talk *t)
{
	if (t->display != NULL)
		display_clear(t->display);
}

void
talk_end(struct talk *t)
{
	display_free(t->display);
	t->display = NULL;
}

static void
add_span(struct buf *out, int64_t seconds)
{
	if (seconds >= 3600)
		buf_printf(out, "%lld:%02lld:%02lld", (long long)seconds / 3600,
			(long long)seconds / 60 % 60, (long long)seconds % 60);
	else
		buf_printf(out, "%lld:%02lld", (long long)seconds / 60, (long long)seconds % 60);
}

static void
add_status(struct buf *out, const struct talk *t, const struct talk_status *s)
{
	double elapsed = (double)(clock_mono_ns() - t->began_ns) / (double)EXA_NS_PER_S;
	const bool counts = s->of_items > 0;
	double share = counts       ? (double)s->items / (double)s->of_items
		       : s->all > 0 ? (double)s->done / (double)s->all
				    : 0;
	char done[16], all[16];

	text_size(s->all > 0 ? s->done : s->bytes, done);
	text_size(s->all, all);
	buf_printf(out, "%s  ", s->what);
	if (s->all == 0 && !counts) {
		buf_printf(out, "%llu items", (unsigned long long)s->items);
		if (s->bytes > 0)
			buf_printf(out, "  %s", done);
		return;
	}
	if (counts)
		buf_printf(out, "%llu of %llu items  %.0f %%", (unsigned long long)s->items,
			(unsigned long long)s->of_items, 100 * share);
	else
		buf_printf(out, "%s of %s  %.0f %%", done, all, 100 * share);
	/* The first seconds foretell nothing. */
	if (elapsed >= 5 && share > 0.001 && share < 1) {
		buf_add_string(out, "  ETA ");
		add_span(out, (int64_t)(elapsed / share * (1 - share)));
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

static void
draw(struct talk *t, const struct talk_status *s)
{
	EXA_AUTO(buf_done) struct buf line = { 0 };

	add_status(&line, t, s);
	line.size = display_fit(buf_bytes(&line), display_size(t->display).columns);
	buf_add_byte(&line, '\n');
	display_draw(t->display, (struct bytes){ 0 }, buf_bytes(&line));
}

void
talk_status(struct talk *t, const struct talk_status *s)
{
	EXA_AUTO(buf_done) struct buf line = { 0 };
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
	if (t->style == TALK_REDRAW) {
		draw(t, s);
		return;
	}
	clock_format(clock_wall_ns(), when);
	add_status(&line, t, s);
	(void)fprintf(stderr, "%s  %s\n", when, buf_string(&line));
}
