/* SPDX-License-Identifier: Apache-2.0 */
/* The terminal we are started from: what it can, and asking a person there for a secret. */
#ifndef CLI_TERMINAL_H
#define CLI_TERMINAL_H

#include "exarch/bytes.h"
#include "exarch/error.h"

/* Whether lines on stderr may be drawn over: a terminal that isn't dumb. */
bool terminal_can_redraw(void);
/* From now on displays begin afresh after the program was stopped and has gone on. */
void terminal_watch_stops(void);

/* Whether somebody sits there: standard input is a terminal. From cron, or with input from
 * elsewhere, nobody is asked, so that no job waits for an answer that never comes. */
bool terminal_is_there(void);

/*
 * Shows PROMPT on the process's terminal and appends the line that is typed, without its end and
 * without showing it. What the terminal was set to comes back whatever happens, signals and Ctrl-Z
 * included. EXA_USAGE for a line of more than LIMIT bytes or none; EXA_CANCELLED after a signal
 * that left us alive. The caller wipes OUT.
 */
bool terminal_ask(
	const char *prompt, size_t limit, struct buf *out, struct exa_error *err) EXA_CHECK;

#endif
