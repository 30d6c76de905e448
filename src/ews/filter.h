/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Exchange declares XML 1.0 and then sends what it forbids: control characters, U+FFFE, unpaired
 * surrogates, mostly as numeric references, and characters beyond the BMP as two references. One
 * such subject would make a whole batch unparsable. The filter stands before the parser:
 *
 *     &#x0; &#xB; &#xFFFF; &#xDC00; &#x110000;   ->  U+FFFD
 *     &#xD83D;&#xDE00;  (or decimal, or mixed)    ->  the one character they mean
 *     raw bytes that are no allowed character     ->  U+FFFD
 *     a byte order mark at the start              ->  nothing
 *
 * Everything else passes as it is, good references included. Borders between chunks don't matter.
 * Inside CDATA a reference is text and would be changed all the same; Exchange sends no CDATA where
 * that could happen.
 */
#ifndef EXARCH_EWS_FILTER_H
#define EXARCH_EWS_FILTER_H

#include <stdbool.h>
#include <stdint.h>

#include "exarch/bytes.h"

/* A reference with more characters (leading zeros) is left to the parser. */
#define FILTER_HELD_MAX 32

/* A zeroed struct is ready. */
struct filter {
	uint8_t held[FILTER_HELD_MAX]; /* a character or reference that the chunk's end cut */
	uint8_t held_size;
	bool started;
	uint16_t high; /* a high surrogate that waits for its other half; 0 = none */
};

/* Appends what CHUNK becomes to *out, less an end that can't be judged yet. */
void filter_feed(struct filter *f, struct bytes chunk, struct buf *out);
void filter_finish(struct filter *f, struct buf *out);

/* True when nothing is held: what follows may go past the filter. */
bool filter_is_idle(const struct filter *f);

#endif
