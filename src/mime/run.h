/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A run: base64 text that a form (mime.h) describes completely, so that decoded bytes and form give
 * the text back. Here a run is guessed and decoded step by step; each step is proven by rendering.
 */
#ifndef MIME_RUN_H
#define MIME_RUN_H

#include "exarch/mime.h"

/* Characters decoded in one step: a multiple of 4 whose buffers stay in the first-level cache. */
#define MIME_RUN_STEP_CHARS ((size_t)8 * 1024)
/* Text that mime_run_guess looks at. Lines beyond that count as one line without breaks. */
#define MIME_RUN_WINDOW ((size_t)16 * 1024)

struct mime_run_scratch {
	uint8_t chars[MIME_RUN_STEP_CHARS];
	struct buf proof;
};

struct mime_run_step {
	size_t text_size;    /* taken from the text */
	size_t decoded_size; /* written */
	bool ended;          /* the run can't go on behind them, whatever follows */
};

/*
 * Guesses from its first two lines how a run that begins at TEXT would be laid out; false when none
 * can begin there. TEXT holds MIME_RUN_WINDOW bytes or all there is of the part.
 */
bool mime_run_guess(struct bytes text, struct mime_base64_form *form_out) EXA_CHECK;

/*
 * Decodes at most QUANTA_MAX quanta (and MIME_RUN_STEP_CHARS) of TEXT that are laid out by *FORM
 * and moves the form behind them. OUT has room for 3 * QUANTA_MAX bytes. What is taken renders to
 * exactly the text taken.
 */
struct mime_run_step mime_run_decode(struct mime_run_scratch *scratch,
	struct mime_base64_form *form, struct bytes text, size_t quanta_max, uint8_t *out);

#endif
