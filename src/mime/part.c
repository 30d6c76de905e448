/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A part is a row of gaps (text as it stands) and runs (base64 text that renders back). A part that
 * isn't base64 is one gap.
 *
 *               1 KiB that could be a run was found
 *             +-- gap goes out: RAW, or LITERAL when small --+
 *             |                                              v
 *     begin-> gap <----- BASE64 goes out; the run ended ---- run
 *             full: RAW goes out                             full: BASE64 goes out
 *
 * Base64 text is gathered in blocks counted from the part's start, so that what is decided doesn't
 * depend on how it came. Within a block `at` moves on; a run is only begun with a whole window
 * ahead, else the rest moves to the front and waits for more. Each place is tried for a run at most
 * twice: after a failed try the next is at the line where it failed, or behind it.
 */
#include <string.h>

#include "part.h"

/* The first step of a run; they double, so that a run that soon breaks costs little. */
#define FIRST_STEP_QUANTA (MIME_PART_MIN / 4)

void
mime_part_begin(struct mime_part *p, bool base64)
{
	p->base64 = base64;
	buf_reset(&p->block);
	buf_reset(&p->gap);
	buf_reset(&p->decoded);
	p->gap_is_cut = false;
	p->running = false;
	p->quanta = 0;
}

void
mime_part_done(struct mime_part *p)
{
	buf_done(&p->block);
	buf_done(&p->gap);
	buf_done(&p->decoded);
	buf_done(&p->scratch.proof);
}

static bool
gap_add(struct mime_part *p, struct bytes text, struct exa_error *err)
{
	while (text.size > 0) {
		struct bytes some = bytes_take(text, MIME_RAW_MAX - p->gap.size);

		buf_add_bytes(&p->gap, some);
		text = bytes_skip(text, some.size);
		if (p->gap.size < MIME_RAW_MAX)
			break;
		if (!mime_pieces_raw(p->pieces, buf_bytes(&p->gap), err))
			return false;
		buf_reset(&p->gap);
		p->gap_is_cut = true;
	}
	return true;
}

static bool
gap_end(struct mime_part *p, struct exa_error *err)
{
	struct bytes gap = buf_bytes(&p->gap);
	bool as_raw = gap.size >= MIME_PART_MIN || (p->gap_is_cut && gap.size > 0);

	if (as_raw ? !mime_pieces_raw(p->pieces, gap, err)
		   : !mime_pieces_literal(p->pieces, gap, err))
		return false;
	buf_reset(&p->gap);
	p->gap_is_cut = false;
	return true;
}

static bool
run_hand_out(struct mime_part *p, struct exa_error *err)
{
	if (p->decoded.size > 0 &&
		!mime_pieces_base64(p->pieces, buf_bytes(&p->decoded), &p->piece_form, err))
		return false;
	buf_reset(&p->decoded);
	p->piece_form = p->form;
	return true;
}

static bool
run_begin(struct mime_part *p, const struct mime_base64_form *form, struct exa_error *err)
{
	p->running = true;
	p->form = p->piece_form = *form;
	return gap_end(p, err);
}

static bool
run_end(struct mime_part *p, struct exa_error *err)
{
	p->running = false;
	return run_hand_out(p, err);
}

/* Goes on with the run through TEXT; ends it where it ends, else takes all but a broken quantum. */
static bool
run_continue(struct mime_part *p, struct bytes text, size_t *taken_out, struct exa_error *err)
{
	const uint64_t quanta_in_piece = MIME_BASE64_MAX / 3;
	size_t taken = 0;

	for (size_t quanta = FIRST_STEP_QUANTA; p->running; quanta *= 2) {
		size_t room = (size_t)(quanta_in_piece - p->quanta % quanta_in_piece);
		struct mime_run_step step;

		buf_reserve(&p->decoded, MIME_RUN_STEP_CHARS / 4 * 3);
		step = mime_run_decode(&p->scratch, &p->form, bytes_skip(text, taken),
			room < quanta ? room : quanta, p->decoded.data + p->decoded.size);
		p->decoded.size += step.decoded_size;
		p->quanta += (step.decoded_size + 2) / 3;
		taken += step.text_size;
		if (p->quanta % quanta_in_piece == 0 && !run_hand_out(p, err))
			return false;
		if (step.ended && !run_end(p, err))
			return false;
		if (step.text_size == 0)
			break;
	}
	*taken_out = taken;
	return true;
}

/*
 * Could a run of at least MIME_PART_MIN text bytes begin at TEXT? Else *failed_at_out tells how far
 * it got. Looks in growing steps: a failure costs no more than what was good, twice.
 */
static bool
run_try(struct mime_part *p, struct bytes text, struct mime_base64_form *form_out,
	size_t *failed_at_out)
{
	uint8_t decoded[3 * MIME_PART_MIN / 4];
	struct mime_base64_form form;
	size_t good = 0;

	*failed_at_out = 0;
	if (!mime_run_guess(text, form_out))
		return false;
	form = *form_out;
	for (size_t quanta = 1; good < MIME_PART_MIN;
		quanta = 2 * quanta < MIME_PART_MIN / 4 ? 2 * quanta : MIME_PART_MIN / 4) {
		struct mime_run_step step = mime_run_decode(
			&p->scratch, &form, bytes_skip(text, good), quanta, decoded);

		good += step.text_size;
		if (step.ended || step.text_size == 0)
			break;
	}
	*failed_at_out = good;
	return good >= MIME_PART_MIN;
}

/* Where to try next after a run failed FAILED_AT bytes behind AT. */
static size_t
next_try(struct bytes text, size_t at, size_t failed_at)
{
	const uint8_t *line = memrchr(text.data + at, '\n', failed_at);
	struct bytes rest = bytes_skip(text, at + failed_at);
	struct bytes window = bytes_take(rest, MIME_RUN_WINDOW);

	if (line != NULL)
		return (size_t)(line - text.data) + 1;
	line = window.size > 0 ? memchr(window.data, '\n', window.size) : NULL;
	if (line != NULL)
		return (size_t)(line - text.data) + 1;
	/* A very long line: behind the damage, whole quanta further, lest the phase be lost. */
	return at + failed_at + (rest.size < MIME_PART_MIN ? rest.size : MIME_PART_MIN);
}

/* Divides the block into gaps and runs, as far as the text at hand decides it. */
static bool
divide(struct mime_part *p, bool last, struct exa_error *err)
{
	struct bytes text = buf_bytes(&p->block);
	size_t at = 0;

	while (at < text.size) {
		struct bytes rest = bytes_skip(text, at);
		struct mime_base64_form form;
		size_t size = 0;

		if (p->running) {
			if (!run_continue(p, rest, &size, err))
				return false;
			at += size;
			if (!p->running)
				continue;
			if (!last)
				break;
			if (!run_end(p, err))
				return false;
			continue;
		}
		if (!last && rest.size < MIME_RUN_WINDOW)
			break;
		if (run_try(p, rest, &form, &size)) {
			if (!run_begin(p, &form, err))
				return false;
			continue;
		}
		size = next_try(text, at, size) - at;
		if (!gap_add(p, bytes_take(rest, size), err))
			return false;
		at += size;
	}
	buf_consume(&p->block, at);
	return true;
}

bool
mime_part_feed(struct mime_part *p, struct bytes body, struct exa_error *err)
{
	if (!p->base64)
		return gap_add(p, body, err);
	while (body.size > 0) {
		struct bytes some = bytes_take(body, MIME_PART_BLOCK - p->block.size);

		buf_add_bytes(&p->block, some);
		body = bytes_skip(body, some.size);
		if (p->block.size == MIME_PART_BLOCK && !divide(p, false, err))
			return false;
	}
	return true;
}

bool
mime_part_end(struct mime_part *p, struct exa_error *err)
{
	if (!divide(p, true, err))
		return false;
	if (p->running && !run_end(p, err))
		return false;
	return gap_end(p, err);
}
