/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What stands on a terminal during a run, as a function of where things stand and of the room:
 *
 *     [########------------]  42 %  8,412/20,000 items  1.1 GiB  ETA 0:42
 *     12/20 mailboxes  312 items/s  24.0 MiB/s  8 in flight  2 failed
 *       anna@contoso.com           [####------]  48 %  1,204/2,500  312.0 MiB  /Inbox
 *       bob@contoso.com (archive)  [----------]   0 %      7/1,020    1.2 MiB  /2019/Projects
 *       and 3 more
 */
#include "internal.h"

#define ROWS_FOR_TWO 3 /* fewer: the totals in one line */
#define BAR_COLUMNS 10
#define WIDTH_FOR_BAR 72
#define WIDTH_FOR_BYTES 56
#define NAME_COLUMNS_MAX ((size_t)40)
#define BYTES_COLUMNS 10
#define INDENT "  "

struct columns {
	size_t name, count;
	bool bar, bytes;
};

static void
count_text(const struct progress_mailbox *m, struct buf *out)
{
	add_count(out, m->done);
	if (m->expected > 0) {
		buf_add_byte(out, '/');
		add_count(out, m->expected > m->done ? m->expected : m->done);
	}
}

static size_t
larger(size_t a, size_t b)
{
	return a > b ? a : b;
}

/* So that the columns stand still, over those that are shown. */
static struct columns
lay_out(const struct progress_mailbox *mailboxes, size_t count, size_t width)
{
	const size_t name_max = width / 3 < NAME_COLUMNS_MAX ? width / 3 : NAME_COLUMNS_MAX;
	struct columns c = { .bar = width >= WIDTH_FOR_BAR, .bytes = width >= WIDTH_FOR_BYTES };

	for (size_t i = 0; i < count; i++) {
		EXA_AUTO(buf_done) struct buf text = { 0 };

		count_text(&mailboxes[i], &text);
		c.count = larger(c.count, text.size);
		c.name = larger(c.name, text_columns(mailboxes[i].mailbox));
	}
	if (c.name > name_max)
		c.name = name_max;
	return c;
}

static void
add_cell(struct buf *line, const char *text, size_t columns, bool right)
{
	EXA_AUTO(buf_done) struct buf cut = { 0 };

	add_cut(&cut, text, columns);
	add_padded(line, buf_string(&cut), columns, right);
}

static void
add_mailbox(
	struct buf *out, const struct columns *c, const struct progress_mailbox *m, size_t width)
{
	EXA_AUTO(buf_done) struct buf line = { 0 };
	EXA_AUTO(buf_done) struct buf number = { 0 };

	buf_add_string(&line, INDENT);
	add_cell(&line, m->mailbox, c->name, false);
	buf_add_string(&line, "  ");
	if (c->bar) {
		add_bar(&line, m->done, m->expected > 0 ? m->expected : UINT64_MAX, BAR_COLUMNS);
		buf_add_string(&line, "  ");
	}
	count_text(m, &number);
	add_padded(&line, buf_string(&number), c->count, true);
	if (c->bytes) {
		buf_reset(&number);
		add_size(&number, m->bytes);
		add_padded(&line, buf_string(&number), BYTES_COLUMNS + 1, true);
	}
	if (m->folder[0] != '\0') {
		buf_add_string(&line, "  ");
		buf_add_string(&line, m->folder);
	}
	add_cut(out, buf_string(&line), width);
	buf_add_byte(out, '\n');
}

static void
add_more(struct buf *out, size_t more, size_t width)
{
	EXA_AUTO(buf_done) struct buf line = { 0 };

	if (more == 0)
		return;
	buf_add_string(&line, INDENT "and ");
	add_count(&line, more);
	buf_add_string(&line, " more");
	add_cut(out, buf_string(&line), width);
	buf_add_byte(out, '\n');
}

void
progress_lines(const struct progress *p, struct display_size size, struct buf *out)
{
	const bool two = size.rows >= ROWS_FOR_TWO;
	const size_t room = size.rows - (two ? 2 : 1);
	size_t shown = p->count;
	struct columns c;

	if (two) {
		status_lines(&p->status, size.columns, out);
	} else {
		status_line(&p->status, size.columns, out);
		buf_add_byte(out, '\n');
	}
	/* The line that counts the rest needs room too. */
	if (p->count + (p->more > 0) > room)
		shown = room > 0 ? room - 1 : 0;
	c = lay_out(p->mailboxes, shown, size.columns);
	for (size_t i = 0; i < shown; i++)
		add_mailbox(out, &c, &p->mailboxes[i], size.columns);
	if (room > 0)
		add_more(out, p->more + p->count - shown, size.columns);
}
