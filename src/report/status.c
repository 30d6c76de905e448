/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "exarch/clock.h"
#include "exarch/mem.h"
#include "internal.h"

#define ETA_MAX_S (INT64_C(99) * 86400) /* further away is no estimate */
#define SHARE_COLUMNS 20

enum part {
	PART_SHARE,
	PART_MAILBOXES,
	PART_ITEMS,
	PART_BYTES,
	PART_RATE,
	PART_SPEED,
	PART_ETA,
	PART_WAITING,
	PART_IN_FLIGHT,
	PART_FAILED,
	PART_COUNT
};

/* Which part goes first when the line is too long. */
static const enum part give_way[] = { PART_SHARE, PART_SPEED, PART_IN_FLIGHT, PART_BYTES, PART_RATE,
	PART_MAILBOXES, PART_ETA, PART_WAITING, PART_FAILED };

/* As a line by itself, and as the two of a display. */
#define ALL_BUT_SHARE (((1U << PART_COUNT) - 1) & ~(1U << PART_SHARE))
#define OF_HOW_FAR (1U << PART_SHARE | 1U << PART_ITEMS | 1U << PART_BYTES | 1U << PART_ETA)
#define OF_HOW_IT_GOES (ALL_BUT_SHARE & ~OF_HOW_FAR)

static void
add_of(struct buf *b, uint64_t done, uint64_t all)
{
	add_count(b, done);
	if (all > 0) {
		buf_add_byte(b, '/');
		add_count(b, all);
	}
}

static void
add_part(struct buf *b, const struct status *s, enum part part)
{
	switch (part) {
	case PART_SHARE:
		if (s->items_expected > 0)
			add_bar(b, s->items_done, s->items_expected, SHARE_COLUMNS);
		break;
	case PART_MAILBOXES:
		add_of(b, s->mailboxes_done, s->mailboxes_planned);
		buf_add_string(b, " mailboxes");
		break;
	case PART_ITEMS:
		add_of(b, s->items_done, s->items_expected);
		buf_add_string(b, " items");
		break;
	case PART_BYTES:
		add_size(b, s->bytes_archived);
		break;
	case PART_RATE:
		add_count(b, (uint64_t)(s->items_per_s + 0.5));
		buf_add_string(b, " items/s");
		break;
	case PART_SPEED:
		add_size(b, (uint64_t)s->bytes_per_s);
		buf_add_string(b, "/s");
		break;
	case PART_ETA:
		if (s->eta_s < 0)
			break;
		buf_add_string(b, "ETA ");
		add_span(b, (uint64_t)s->eta_s);
		break;
	case PART_WAITING:
		if (s->waiting_ms <= 0)
			break;
		buf_add_string(b, "server asks to wait ");
		add_span(b, ((uint64_t)s->waiting_ms + 999) / 1000);
		break;
	case PART_IN_FLIGHT:
		buf_printf(b, "%d in flight", s->in_flight);
		break;
	case PART_FAILED:
		if (s->problems == 0)
			break;
		add_count(b, s->problems);
		buf_add_string(b, " failed");
		break;
	case PART_COUNT:
		break;
	}
}

static void
join(const struct status *s, unsigned parts, struct buf *line)
{
	buf_reset(line);
	for (int part = 0; part < PART_COUNT; part++) {
		size_t before = line->size;

		if ((parts & 1U << part) == 0)
			continue;
		if (before > 0)
			buf_add_string(line, "  ");
		add_part(line, s, (enum part)part);
		if (before > 0 && line->size == before + 2)
			line->size = before;
	}
}

static void
add_parts(const struct status *s, unsigned parts, size_t width, struct buf *out)
{
	EXA_AUTO(buf_done) struct buf line = { 0 };

	join(s, parts, &line);
	for (size_t i = 0; line.size > width && i < sizeof give_way / sizeof give_way[0]; i++) {
		parts &= ~(1U << give_way[i]);
		join(s, parts, &line);
	}
	/* ASCII throughout: a byte is a column. */
	buf_add_bytes(out, bytes_take(buf_bytes(&line), width));
}

void
status_line(const struct status *s, size_t width, struct buf *out)
{
	add_parts(s, ALL_BUT_SHARE, width, out);
}

void
status_lines(const struct status *s, size_t width, struct buf *out)
{
	add_parts(s, OF_HOW_FAR, width, out);
	buf_add_byte(out, '\n');
	add_parts(s, OF_HOW_IT_GOES, width, out);
	buf_add_byte(out, '\n');
}

static int64_t
eta_of(const struct status *s, double progress_per_s)
{
	double seconds;

	if (s->items_expected <= s->items_done || progress_per_s <= 0)
		return -1;
	seconds = (double)(s->items_expected - s->items_done) / progress_per_s;
	return seconds < (double)ETA_MAX_S ? (int64_t)seconds : -1;
}

/*
 * How many items are done: while a mailbox is worked on, what went by (known, fetched, failed);
 * when it is finished, its own count, since a listing of changes doesn't name what is archived
 * already.
 */
static uint64_t
items_done(struct report_counters *c)
{
	uint64_t seen =
		atomic_load(&c->known) + atomic_load(&c->fetched) + atomic_load(&c->item_problems);
	uint64_t settled = atomic_load(&c->settled);

	return seen > settled ? seen : settled;
}

/* Mailboxes not opened yet are taken to hold as much as those that are: a run's end is not in sight
 * before. */
static uint64_t
items_expected(struct report_counters *c)
{
	uint64_t expected = atomic_load(&c->expected), counted = atomic_load(&c->counted);
	uint64_t planned = atomic_load(&c->mailboxes_planned);

	if (counted == 0 || planned <= counted)
		return expected;
	return (uint64_t)((double)expected * (double)planned / (double)counted);
}

struct status
report_status(struct report *r, int64_t now_ns)
{
	struct report_counters *c = &r->counters;
	int64_t waiting_ns = atomic_load(&c->waiting_until_ns) - now_ns;
	struct status s = {
		.mailboxes_done = atomic_load(&c->mailboxes_done),
		.mailboxes_planned = atomic_load(&c->mailboxes_planned),
		.items_done = items_done(c),
		.items_expected = items_expected(c),
		.items_listed = atomic_load(&c->listed),
		.items_known = atomic_load(&c->known),
		.items_fetched = atomic_load(&c->fetched),
		.bytes_fetched = atomic_load(&c->fetched_bytes),
		.items_archived = atomic_load(&c->archived),
		.bytes_archived = atomic_load(&c->archived_bytes),
		.problems = atomic_load(&c->problems),
		.waiting_ms = waiting_ns > 0 ? waiting_ns / EXA_NS_PER_MS : 0,
		.in_flight = atomic_load(&c->in_flight),
	};
	struct meter_sample now = { .at_ns = now_ns,
		.items = s.items_fetched,
		.bytes = s.bytes_fetched,
		.progress = s.items_done };
	struct meter_rates rates = meter_add(&r->meter, &now);

	/* New mail arrives while we count: never "20,003/20,000". */
	if (s.items_expected > 0 && s.items_done > s.items_expected)
		s.items_expected = s.items_done;
	s.items_per_s = rates.items_per_s;
	s.bytes_per_s = rates.bytes_per_s;
	s.eta_s = eta_of(&s, rates.progress_per_s);
	return s;
}
