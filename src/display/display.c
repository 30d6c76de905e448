/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A frame:
 *
 *     hide the cursor, up to the display's first row
 *     text above, a line at a time       ┐ each followed by "clear to the end of the line"
 *     the display's lines                ┘
 *     clear what an earlier, longer one left below; show the cursor
 *
 * How far up is counted in rows of the terminal's width now: one that was made narrower has wrapped
 * the lines that stood there. In a job of the background, and after one that was stopped has gone
 * on, nothing of ours is at the end of the terminal any more: the next frame begins afresh.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "exarch/display.h"
#include "exarch/mem.h"

#define COLUMNS_DEFAULT 80
#define ROWS_DEFAULT 24

#define CURSOR_HIDE "\x1b[?25l"
#define CURSOR_SHOW "\x1b[?25h"
#define CLEAR_LINE_END "\x1b[K"
#define CLEAR_BELOW "\x1b[J"

/* What a slow terminal may have us keep: more lines than anybody reads. */
#define ABOVE_MAX ((size_t)256 * 1024)
/* A frame seldom goes through at once when it is longer than the kernel's buffer: so long we wait for
 * some room. */
#define PATIENCE_MS 10

struct display {
	FILE *terminal;
	int fd;                   /* of our own, so that it can be non-blocking for nobody else */
	bool fd_blocks;           /* none could be had: the terminal's own */
	struct buf pending;       /* of a frame that the terminal didn't take whole */
	struct buf above;         /* text for the next frame */
	size_t lines_lost;        /* text beyond ABOVE_MAX */
	struct buf shown;         /* the lines that stand there */
	struct display_size size; /* when they were drawn */
	unsigned resumptions;     /* seen so far */
};

static _Atomic unsigned resumptions;

void
display_resumed(void)
{
	(void)atomic_fetch_add(&resumptions, 1);
}

struct display *
display_new(FILE *terminal)
{
	struct display *d = exa_alloc(sizeof *d);
	char path[64];

	d->terminal = terminal;
	(void)snprintf(path, sizeof path, "/proc/self/fd/%d", fileno(terminal));
	d->fd = open(path, O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	/* After `su` the terminal belongs to somebody else. */
	d->fd_blocks = d->fd < 0;
	if (d->fd_blocks)
		d->fd = fileno(terminal);
	d->resumptions = atomic_load(&resumptions);
	return d;
}

struct display_size
display_size(const struct display *d)
{
	struct winsize size;

	if (ioctl(fileno(d->terminal), TIOCGWINSZ, &size) != 0 || size.ws_col == 0 ||
		size.ws_row == 0)
		size = (struct winsize){ .ws_col = COLUMNS_DEFAULT, .ws_row = ROWS_DEFAULT };
	return (struct display_size){ .columns = size.ws_col > 1 ? size.ws_col - 1u : 1,
		.rows = size.ws_row > 1 ? size.ws_row - 1u : 1 };
}

/* ---- writing ---- */

static bool
takes_more(const struct display *d, int timeout_ms)
{
	struct pollfd wait = { .fd = d->fd, .events = POLLOUT };

	return poll(&wait, 1, timeout_ms) > 0;
}

/* True when nothing is left. A terminal that has gone (EIO) takes everything. */
static bool
flush(struct display *d, int timeout_ms)
{
	ssize_t n;

	while (d->pending.size > 0) {
		if (!takes_more(d, timeout_ms))
			return false;
		n = write(d->fd, d->pending.data, d->pending.size);
		if (n >= 0)
			buf_consume(&d->pending, (size_t)n);
		else if (errno != EAGAIN && errno != EINTR)
			buf_reset(&d->pending);
	}
	return true;
}

/* ---- what stands there ---- */

static bool
is_in_background(const struct display *d)
{
	const pid_t group = tcgetpgrp(fileno(d->terminal));

	return group >= 0 && group != getpgrp(); /* -1: it isn't the one we are started from */
}

static void
forget_what_others_wrote_over(struct display *d, bool background)
{
	const unsigned now = atomic_load(&resumptions);

	if (background || now != d->resumptions)
		buf_reset(&d->shown);
	d->resumptions = now;
}

/* Each line and its end. */
static struct bytes
take_line(struct bytes *text)
{
	const uint8_t *end = memchr(text->data, '\n', text->size);
	const struct bytes line =
		bytes_take(*text, end != NULL ? (size_t)(end - text->data) : text->size);

	*text = bytes_skip(*text, line.size + 1);
	return line;
}

static size_t
rows_shown(const struct display *d, size_t columns)
{
	struct bytes rest = buf_bytes(&d->shown);
	size_t rows = 0;

	while (rest.size > 0) {
		const size_t wide = display_columns(take_line(&rest));

		/* The terminal has one column more than we use. */
		rows += columns < d->size.columns && wide > 0 ? (wide + columns) / (columns + 1)
							      : 1;
	}
	return rows;
}

/* ---- a frame ---- */

static void
add_up(struct display *d, size_t columns)
{
	const size_t rows = rows_shown(d, columns);

	buf_add_byte(&d->pending, '\r');
	if (rows > 0)
		buf_printf(&d->pending, "\x1b[%zuA", rows);
}

static void
add_lines(struct display *d, struct bytes lines)
{
	while (lines.size > 0) {
		buf_add_bytes(&d->pending, take_line(&lines));
		buf_add_string(&d->pending, CLEAR_LINE_END "\n");
	}
}

static size_t
count_lines(struct bytes text)
{
	size_t n = 0;

	for (; text.size > 0; n++)
		(void)take_line(&text);
	return n;
}

static void
keep_text(struct display *d, struct bytes text)
{
	if (d->above.size + text.size > ABOVE_MAX)
		d->lines_lost += count_lines(text);
	else
		buf_add_bytes(&d->above, text);
}

static void
take_text(struct display *d)
{
	add_lines(d, buf_bytes(&d->above));
	if (d->lines_lost > 0)
		buf_printf(&d->pending,
			"... %zu lines are left out: the terminal was too slow" CLEAR_LINE_END "\n",
			d->lines_lost);
	d->lines_lost = 0;
	buf_reset(&d->above);
}

static void
compose(struct display *d, struct display_size size, struct bytes lines)
{
	buf_add_string(&d->pending, CURSOR_HIDE);
	add_up(d, size.columns);
	take_text(d);
	add_lines(d, lines);
	buf_add_string(&d->pending, CLEAR_BELOW CURSOR_SHOW);
	buf_reset(&d->shown);
	buf_add_bytes(&d->shown, lines);
	d->size = size;
}

void
display_draw(struct display *d, struct bytes above, struct bytes lines)
{
	const struct display_size size = display_size(d);
	const bool background = is_in_background(d);

	keep_text(d, above);
	if (!flush(d, PATIENCE_MS))
		return;
	forget_what_others_wrote_over(d, background);
	if (background)
		lines.size = 0;
	if (d->above.size == 0 && d->lines_lost == 0 && bytes_equal(lines, buf_bytes(&d->shown)) &&
		size.columns == d->size.columns && size.rows == d->size.rows)
		return;
	compose(d, size, lines);
	(void)!flush(d, 0);
}

void
display_clear(struct display *d)
{
	if (!flush(d, -1))
		return;
	forget_what_others_wrote_over(d, is_in_background(d));
	if (d->shown.size == 0 && d->above.size == 0 && d->lines_lost == 0)
		return;
	compose(d, display_size(d), (struct bytes){ 0 });
	(void)!flush(d, -1);
}

void
display_free(struct display *d)
{
	if (d == NULL)
		return;
	display_clear(d);
	if (!d->fd_blocks)
		(void)close(d->fd);
	buf_done(&d->pending);
	buf_done(&d->above);
	buf_done(&d->shown);
	exa_free(d);
}
