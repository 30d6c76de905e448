/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A step strips the line breaks where the form expects them (characters side by side), decodes
 * these in one go up to the first quantum that isn't one, renders the result and compares:
 *
 *     "AAAA..76..\r\nBBBB..76..\r\nCC!C"       text
 *      gather -> "AAAA..76..BBBB..76..CC!C"    characters; alphabet not looked at
 *      decode -> 38 quanta, then CC!C ends it  bytes
 *      render -> must be the text again        proof
 *
 * A short line in the middle ends a run without being looked for: its line break stands among the
 * characters and isn't in the alphabet.
 */
#include <string.h>

#include "base64.h"
#include "run.h"

static size_t
line_size(struct bytes text)
{
	const uint8_t *end = text.size > 0 ? memchr(text.data, '\n', text.size) : NULL;

	return end == NULL ? text.size : (size_t)(end - text.data);
}

/* A cheap look that spares most lines of text, and blank lines, the rest: a character or a break.
 */
static bool
may_begin(uint8_t c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '/' && c <= '9') ||
	       c == '+' || c == '\r' || c == '\n';
}

bool
mime_run_guess(struct bytes text, struct mime_base64_form *form_out)
{
	struct mime_base64_form form = { .line_chars = 0, .eol = MIME_EOL_LF };
	struct bytes window = bytes_take(text, MIME_RUN_WINDOW);
	size_t one, two, eol = 1;

	if (window.size == 0 || !may_begin(window.data[0]))
		return false;
	*form_out = form;
	one = line_size(window);
	if (one == window.size)
		return true;
	if (one > 0 && window.data[one - 1] == '\r') {
		form.eol = MIME_EOL_CRLF;
		eol = 2;
		one--;
	}
	window = bytes_skip(window, one + eol);
	if (one == 0 && (window.size == 0 || !may_begin(window.data[0])))
		return false;
	two = line_size(window);
	if (two > 0 && window.data[two - 1] == '\r')
		two--;
	/* A first line that is shorter than the second: the run begins within a line. */
	form.line_chars = (uint32_t)(one > two ? one : two);
	form.column = (uint32_t)(form.line_chars - one);
	*form_out = form;
	return form.line_chars > 0;
}

struct gathered {
	size_t count;
	bool broken; /* there is no line break where one must be */
};

/* Gives the size of the break at the front of TEXT, 0 when there is none followed by more. */
static size_t
take_break(const struct mime_base64_form *form, struct bytes text, bool *broken_out)
{
	const char *eol = form->eol == MIME_EOL_CRLF ? "\r\n" : "\n";
	size_t size = strlen(eol), have = text.size < size ? text.size : size;

	*broken_out = have > 0 && memcmp(text.data, eol, have) != 0;
	return *broken_out || text.size <= size ? 0 : size;
}

/* Up to MAX characters of TEXT, breaks left out. */
static struct gathered
gather(const struct mime_base64_form *form, struct bytes text, size_t max, uint8_t *chars)
{
	struct gathered g = { 0 };
	size_t column = form->column;

	while (text.size > 0 && g.count < max) {
		size_t n = text.size < max - g.count ? text.size : max - g.count;

		if (form->line_chars > 0 && column == form->line_chars) {
			size_t eol = take_break(form, text, &g.broken);

			if (eol == 0)
				break;
			text = bytes_skip(text, eol);
			column = 0;
			continue;
		}
		if (form->line_chars > 0 && n > form->line_chars - column)
			n = form->line_chars - column;
		memcpy(chars + g.count, text.data, n);
		g.count += n;
		column += n;
		text = bytes_skip(text, n);
	}
	return g;
}

/* Takes DECODED into the step if it renders to the text that comes next. */
static bool
prove(struct mime_run_scratch *scratch, struct mime_base64_form *form, struct bytes text,
	struct bytes decoded, struct mime_run_step *step)
{
	buf_reset(&scratch->proof);
	mime_base64_render(decoded, form, &scratch->proof);
	text = bytes_take(bytes_skip(text, step->text_size), scratch->proof.size);
	if (!bytes_equal(buf_bytes(&scratch->proof), text))
		return false;
	mime_base64_form_advance(form, decoded.size);
	step->text_size += text.size;
	step->decoded_size += decoded.size;
	return true;
}

struct mime_run_step
mime_run_decode(struct mime_run_scratch *scratch, struct mime_base64_form *form, struct bytes text,
	size_t quanta_max, uint8_t *out)
{
	struct mime_run_step step = { 0 };
	size_t chars_max =
		quanta_max < MIME_RUN_STEP_CHARS / 4 ? 4 * quanta_max : MIME_RUN_STEP_CHARS;
	struct gathered g = gather(form, text, chars_max, scratch->chars);
	size_t quanta = mime_base64_decode_quanta(scratch->chars, g.count / 4, out);
	uint8_t last[2];
	size_t size;

	step.ended = g.broken || quanta < g.count / 4;
	if (!prove(scratch, form, text, bytes_of(out, 3 * quanta), &step)) {
		step.ended = true;
		return step;
	}
	if (quanta == g.count / 4)
		return step;
	size = mime_base64_decode_padded(scratch->chars + 4 * quanta, last);
	if (size > 0 && prove(scratch, form, text, bytes_of(last, size), &step))
		memcpy(out + 3 * quanta, last, size);
	return step;
}
