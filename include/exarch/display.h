/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Display: a few lines at the end of a terminal that are drawn over, with other text above them.
 * It knows nothing of what the lines say.
 *
 * Between two frames the terminal is as any program leaves it: the cursor can be seen, and stands at
 * the start of the line below the display. So there is nothing that must be put back, whatever ends
 * the program, `kill -9` included. A frame is one write: cursor up, each line with "clear to the end
 * of the line", nothing of what stands above touched; without a change there is none.
 *
 * The terminal never holds up the program. What it doesn't take at once (a slow line, Ctrl-S) is
 * kept; frames are left out until it has gone, and of texts, beyond a limit, the number of lines is
 * kept alone.
 *
 * One thread at a time; display_resumed is for signal handlers.
 */
#ifndef EXARCH_DISPLAY_H
#define EXARCH_DISPLAY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "exarch/bytes.h"

struct display;

/* TERMINAL is borrowed, and a terminal. */
struct display *display_new(FILE *terminal);
void display_free(struct display *d); /* clears; NULL is fine */

/* As it is now, less what must stay free: the last column, where some terminals wrap, and the line
 * below the display. */
struct display_size {
	size_t columns, rows;
};
struct display_size display_size(const struct display *d);

/* LINES of an earlier size may be drawn when it has just changed; each ends with '\n' and has
 * nothing but text in it. ABOVE, whole lines too, goes above them for good. */
void display_draw(struct display *d, struct bytes above, struct bytes lines);

/* Takes the lines away, so that others may write to the terminal; waits until it has taken
 * everything. */
void display_clear(struct display *d);

/* SIGCONT: others have written to the terminal meanwhile. For all displays. */
void display_resumed(void);

/* How many columns clean text (report_clean) takes: two for a wide character, none for a combining
 * one. */
size_t display_columns(struct bytes text);
/* How much of it fits into so many; never half a character. */
size_t display_fit(struct bytes text, size_t columns);

#endif
