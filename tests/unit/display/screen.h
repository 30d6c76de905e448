/* SPDX-License-Identifier: Apache-2.0 */
/* A pty, and what a terminal would show of what was written to it: enough of one for what a display
 * says. Text beyond the right edge and anything unknown is a failure of the test. */
#ifndef TEST_SCREEN_H
#define TEST_SCREEN_H

#include <fcntl.h>
#include <pty.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "exarch/display.h"

#define SCREEN_ROWS 24
#define SCREEN_COLUMNS 200

struct screen {
	int master, slave;
	FILE *file; /* the terminal, for what is tested */
	char said[1 << 20];
	size_t size;
	/* what stands there, after screen_read */
	char rows[SCREEN_ROWS][SCREEN_COLUMNS + 1];
	size_t row, column;
	bool cursor_hidden;
};

static inline void
screen_begin(struct screen *s, unsigned short columns)
{
	const struct winsize size = { .ws_row = SCREEN_ROWS, .ws_col = columns };

	memset(s, 0, sizeof *s);
	assert_int_equal(openpty(&s->master, &s->slave, NULL, NULL, &size), 0);
	assert_int_equal(fcntl(s->master, F_SETFL, O_NONBLOCK), 0);
	s->file = fdopen(s->slave, "w");
}

static inline void
screen_resize(struct screen *s, unsigned short columns)
{
	const struct winsize size = { .ws_row = SCREEN_ROWS, .ws_col = columns };

	assert_int_equal(ioctl(s->slave, TIOCSWINSZ, &size), 0);
}

static inline void
screen_end(struct screen *s)
{
	(void)fclose(s->file);
	(void)close(s->master);
}

static inline void
screen_blank(struct screen *s, size_t row, size_t column)
{
	for (; column < SCREEN_COLUMNS; column++)
		s->rows[row][column] = ' ';
}

static inline void
screen_line_feed(struct screen *s)
{
	if (++s->row < SCREEN_ROWS)
		return;
	memmove(s->rows[0], s->rows[1], sizeof s->rows - sizeof s->rows[0]);
	s->row = SCREEN_ROWS - 1;
	screen_blank(s, s->row, 0);
}

/* One escape sequence, from behind its ESC; its size. */
static inline size_t
screen_escape(struct screen *s, const char *text)
{
	size_t size = strspn(text, "[?;0123456789") + 1;
	unsigned long n = strtoul(text + 1, NULL, 10);

	switch (text[size - 1]) {
	case 'K':
		assert_int_equal(size, 2);
		screen_blank(s, s->row, s->column);
		break;
	case 'J':
		assert_int_equal(size, 2); /* with a number it would clear what is above */
		for (size_t row = s->row; row < SCREEN_ROWS; row++)
			screen_blank(s, row, row == s->row ? s->column : 0);
		break;
	case 'A':
		s->row -= n < s->row ? n : s->row;
		break;
	case 'm':
		break;
	case 'h':
	case 'l':
		assert_memory_equal(text, "[?25", 4);
		s->cursor_hidden = text[size - 1] == 'l';
		break;
	default:
		fail_msg("an escape sequence that isn't expected: %.8s", text);
	}
	return size;
}

/* Takes what was written, and shows it. */
static inline void
screen_read(struct screen *s)
{
	ssize_t n;

	while ((n = read(s->master, s->said + s->size, sizeof s->said - 1 - s->size)) > 0)
		s->size += (size_t)n;
	s->said[s->size] = '\0';
	for (size_t row = 0; row < SCREEN_ROWS; row++)
		screen_blank(s, row, 0);
	s->row = s->column = 0;
	for (size_t i = 0; i < s->size; i++) {
		switch (s->said[i]) {
		case '\r':
			s->column = 0;
			break;
		case '\n':
			screen_line_feed(s);
			break;
		case '\x1b':
			i += screen_escape(s, s->said + i + 1);
			break;
		default:
			assert_true(s->column < SCREEN_COLUMNS);
			s->rows[s->row][s->column++] = s->said[i];
		}
	}
}

static inline void
assert_row(const struct screen *s, size_t row, const char *expected)
{
	char text[SCREEN_COLUMNS + 1];
	size_t size = SCREEN_COLUMNS;

	while (size > 0 && s->rows[row][size - 1] == ' ')
		size--;
	memcpy(text, s->rows[row], size);
	text[size] = '\0';
	assert_string_equal(text, expected);
}

#endif
