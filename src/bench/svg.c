/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The picture: two plots, one above the other, with the numbers of threads side by side at equal
 * distances (they mostly double).
 *
 *     items/s   the median round, a bar from the slowest to the fastest, a line if all grew with
 *               the threads as from the first; points that were throttled are red
 *     ms        median and 95th percentile
 */
#include "exarch/bench.h"

#define WIDTH 720.0
#define LEFT 70.0
#define RIGHT 690.0
#define RADIUS 4.0
#define TICKS 4

struct plot {
	const struct bench_point *points;
	size_t count;
	double top, bottom; /* on the page */
	double most;        /* the value at the top */
	struct buf *out;
};

static void
add_text(struct buf *out, const char *text)
{
	for (; *text != '\0'; text++) {
		switch (*text) {
		case '<':
			buf_add_string(out, "&lt;");
			break;
		case '>':
			buf_add_string(out, "&gt;");
			break;
		case '&':
			buf_add_string(out, "&amp;");
			break;
		default:
			/* what XML can't hold */
			buf_add_byte(out, (uint8_t)*text < ' ' ? (uint8_t)' ' : (uint8_t)*text);
		}
	}
}

static double
x_of(const struct plot *p, size_t i)
{
	const double step = (RIGHT - LEFT) / (double)p->count;

	return LEFT + step * ((double)i + 0.5);
}

static double
y_of(const struct plot *p, double value)
{
	return p->bottom - (p->bottom - p->top) * value / p->most;
}

/* 1, 2 or 5 times a power of ten, TICKS of which cover VALUE. */
static double
round_step(double value)
{
	double step = 1e-3;

	for (;;) {
		if (step * TICKS >= value)
			return step;
		if (2 * step * TICKS >= value)
			return 2 * step;
		if (5 * step * TICKS >= value)
			return 5 * step;
		step *= 10;
	}
}

static void
add_label(struct buf *out, double x, double y, const char *anchor, const char *text)
{
	buf_printf(out, "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"%s\">", x, y, anchor);
	add_text(out, text);
	buf_add_string(out, "</text>\n");
}

static void
add_number(struct buf *out, double x, double y, const char *anchor, double value)
{
	const bool small = value > 0 && value < 10 && value != (double)(int)value;

	buf_printf(out, "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"%s\">%.*f</text>\n", x, y,
		anchor, small ? 1 : 0, value);
}

static void
add_axes(struct plot *p, double most, const char *unit)
{
	const double step = round_step(most);

	p->most = step * TICKS;
	for (int i = 0; i <= TICKS; i++) {
		const double y = y_of(p, step * i);

		buf_printf(p->out,
			"<line x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\" "
			"stroke=\"#ddd\"/>\n",
			LEFT, y, RIGHT, y);
		add_number(p->out, LEFT - 8, y + 4, "end", step * i);
	}
	add_label(p->out, LEFT, p->top - 10, "start", unit);
	for (size_t i = 0; i < p->count; i++)
		add_number(p->out, x_of(p, i), p->bottom + 18, "middle", p->points[i].threads);
}

typedef double value_fn(const struct plot *p, size_t i);

static double
items_per_s(const struct plot *p, size_t i)
{
	return p->points[i].items_per_s;
}

static double
median_ms(const struct plot *p, size_t i)
{
	return (double)p->points[i].median_us / 1000;
}

static double
p95_ms(const struct plot *p, size_t i)
{
	return (double)p->points[i].p95_us / 1000;
}

static double
in_proportion(const struct plot *p, size_t i)
{
	const struct bench_point *first = &p->points[0];

	return first->items_per_s * p->points[i].threads / first->threads;
}

static void
add_line(const struct plot *p, value_fn *value, const char *style)
{
	buf_printf(p->out, "<polyline fill=\"none\" %s points=\"", style);
	for (size_t i = 0; i < p->count; i++)
		buf_printf(p->out, "%.1f,%.1f ", x_of(p, i), y_of(p, value(p, i)));
	buf_add_string(p->out, "\"/>\n");
}

static void
add_dots(const struct plot *p, value_fn *value, const char *colour)
{
	for (size_t i = 0; i < p->count; i++) {
		const struct bench_point *at = &p->points[i];
		const bool throttled =
			(double)at->throttled > (double)at->requests * BENCH_THROTTLED_SHARE;

		buf_printf(p->out, "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"%.1f\" fill=\"%s\"/>\n",
			x_of(p, i), y_of(p, value(p, i)), RADIUS, throttled ? "#c33" : colour);
	}
}

static void
add_rates(struct plot *p, const struct bench_advice *a)
{
	double most = 0;

	for (size_t i = 0; i < p->count; i++) {
		if (p->points[i].items_per_s_most > most)
			most = p->points[i].items_per_s_most;
	}
	add_axes(p, most, "items/s by threads (dashed: in proportion; red: throttled)");
	buf_printf(p->out,
		"<rect x=\"%.1f\" y=\"%.1f\" width=\"36\" height=\"%.1f\" fill=\"#e6f0e6\"/>\n",
		x_of(p, a->at) - 18, p->top, p->bottom - p->top);
	buf_printf(p->out,
		"<clipPath id=\"rates\"><rect x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" "
		"height=\"%.1f\"/></clipPath>\n",
		LEFT, p->top, RIGHT - LEFT, p->bottom - p->top);
	add_line(p, in_proportion,
		"stroke=\"#999\" stroke-dasharray=\"4 4\" clip-path=\"url(#rates)\"");
	add_line(p, items_per_s, "stroke=\"#246\" stroke-width=\"2\"");
	for (size_t i = 0; i < p->count; i++)
		buf_printf(p->out,
			"<line x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\" stroke=\"#246\"/>\n",
			x_of(p, i), y_of(p, p->points[i].items_per_s_least), x_of(p, i),
			y_of(p, p->points[i].items_per_s_most));
	add_dots(p, items_per_s, "#246");
	for (size_t i = 0; i < p->count; i++)
		add_number(p->out, x_of(p, i), y_of(p, items_per_s(p, i)) - 8, "middle",
			items_per_s(p, i));
}

static void
add_latencies(struct plot *p)
{
	double most = 0;

	for (size_t i = 0; i < p->count; i++) {
		if (p95_ms(p, i) > most)
			most = p95_ms(p, i);
	}
	add_axes(p, most, "ms a request by threads (blue: median; grey: 95th percentile)");
	add_line(p, p95_ms, "stroke=\"#888\" stroke-width=\"2\"");
	add_dots(p, p95_ms, "#888");
	add_line(p, median_ms, "stroke=\"#246\" stroke-width=\"2\"");
	add_dots(p, median_ms, "#246");
}

void
bench_svg(const struct bench_point *points, size_t count, const struct bench_advice *a,
	const char *title, struct buf *out)
{
	struct plot rates = { points, count, 70, 310, 0, out },
		    latencies = { points, count, 380, 520, 0, out };

	buf_printf(out,
		"<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%.0f\" height=\"550\" "
		"font-family=\"sans-serif\" font-size=\"12\">\n"
		"<rect width=\"100%%\" height=\"100%%\" fill=\"#fff\"/>\n",
		WIDTH);
	buf_add_string(out, "<g font-size=\"15\">");
	add_label(out, LEFT, 28, "start", title);
	buf_add_string(out, "</g>\n");
	add_rates(&rates, a);
	add_latencies(&latencies);
	buf_add_string(out, "</svg>\n");
}
