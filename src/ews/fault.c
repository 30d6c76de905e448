/* SPDX-License-Identifier: Apache-2.0 */
#include <ctype.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "codes.h"
#include "fault.h"
#include "utf8.h"

/* Longer back-offs are not believed; observed ones stay below five minutes. */
#define BACK_OFF_MAX_MS (UINT32_C(3600) * 1000)

enum fault_value {
	VALUE_OTHER,
	VALUE_BACK_OFF,
	VALUE_INNER_CODE,
	VALUE_INNER_TEXT,
	VALUE_EXTRA,
};

static const struct {
	const char *name;
	enum fault_value value;
} values[] = {
	{ "BackOffMilliseconds", VALUE_BACK_OFF },
	{ "InnerErrorResponseCode", VALUE_INNER_CODE },
	{ "InnerErrorMessageText", VALUE_INNER_TEXT },
	{ "SmtpAddress", VALUE_EXTRA },
	{ "Primary", VALUE_EXTRA },
};

/* One line of printable text; a run of white space becomes one space. */
static void
copy_line(char *out, size_t out_size, const char *text)
{
	struct buf line = { 0 };
	struct bytes fitting;

	for (; *text != '\0' && line.size < out_size; text++) {
		bool space = (uint8_t)*text <= ' ' || *text == 0x7f;

		if (!space)
			buf_add_byte(&line, (uint8_t)*text);
		else if (line.size > 0 && line.data[line.size - 1] != ' ')
			buf_add_byte(&line, ' ');
	}
	fitting = utf8_take(buf_bytes(&line), out_size - 1);
	while (fitting.size > 0 && fitting.data[fitting.size - 1] == ' ')
		fitting.size--;
	if (fitting.size > 0)
		memcpy(out, fitting.data, fitting.size);
	out[fitting.size] = '\0';
	buf_done(&line);
}

void
fault_set_code(struct fault *f, const char *code)
{
	const char *local = strrchr(code, ':');

	if (f->code[0] == '\0')
		copy_line(f->code, sizeof f->code, local != NULL ? local + 1 : code);
}

void
fault_set_text(struct fault *f, const char *text)
{
	if (f->text[0] == '\0')
		copy_line(f->text, sizeof f->text, text);
}

void
fault_begin_value(struct fault *f, struct bytes name)
{
	f->value = VALUE_OTHER;
	for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
		if (bytes_equal(name, bytes_of_string(values[i].name)))
			f->value = (int)values[i].value;
	}
}

static uint32_t
read_back_off(const char *text)
{
	long long ms = strtoll(text, NULL, 10);

	if (ms < 0)
		return 0;
	return ms > BACK_OFF_MAX_MS ? BACK_OFF_MAX_MS : (uint32_t)ms;
}

void
fault_end_value(struct fault *f, const char *text)
{
	switch ((enum fault_value)f->value) {
	case VALUE_BACK_OFF:
		f->back_off_ms = read_back_off(text);
		break;
	case VALUE_INNER_CODE:
		copy_line(f->inner_code, sizeof f->inner_code, text);
		break;
	case VALUE_INNER_TEXT:
		copy_line(f->text, sizeof f->text, text);
		break;
	case VALUE_EXTRA:
		copy_line(f->extra, sizeof f->extra, text);
		break;
	case VALUE_OTHER:
		break;
	}
	f->value = VALUE_OTHER;
}

bool
fault_explain(const struct fault *f, struct exa_error *err)
{
	/* ErrorInternalServerError may only be the wrapping of what really happened. */
	const char *code = f->inner_code[0] != '\0' ? f->inner_code : f->code;
	const struct code_meaning *meaning = code_find(code);
	bool has_extra = f->extra[0] != '\0';

	(void)exa_fail(err, meaning->code, "%s: %s%s%s%s%s%s", code[0] != '\0' ? code : "fault",
		f->text[0] != '\0' ? f->text : "the server gives no reason", has_extra ? " (" : "",
		f->extra, has_extra ? ")" : "", meaning->remedy[0] != '\0' ? "; " : "",
		meaning->remedy);
	exa_error_set_name(err, code);
	err->retry_after_ms = f->back_off_ms;
	return false;
}
