/* SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <jansson.h>

#include "exarch/clock.h"

#include "check.h"
#include "text.h"

/* Exit codes from harmless to bad: the worst is the program's. */
static const int badness[] = { EXIT_DONE, EXIT_INCOMPLETE, EXIT_FAILED, EXIT_LOCKED, EXIT_CORRUPT,
	EXIT_ABSENT, EXIT_AUTH, EXIT_USAGE };

static size_t
badness_of(int code)
{
	size_t i = 0;

	while (i + 1 < sizeof badness / sizeof badness[0] && badness[i] != code)
		i++;
	return i;
}

static void
print_json(const struct check_finding *f, const char *text)
{
	static const char *const states[] = { "ok", "warning", "failed" };
	char now[CLOCK_TEXT_MAX];

	clock_format(clock_wall_ns(), now);
	text_json(json_pack("{s:s, s:s, s:s, s:o, s:s, s:o, s:o, s:o}", "event", "check", "time",
		now, "check", f->what, "subject", text_value(f->subject), "state", states[f->state],
		"text", text_value(text), "remedy", text_value(f->remedy), "name",
		text_value(f->name)));
}

static void
print_line(const struct check_finding *f, const char *text)
{
	static const char *const states[] = { "ok", "warning", "FAILED" };

	(void)printf("%-7s  %-11s  ", states[f->state], f->what);
	if (f->subject != NULL) {
		text_print(stdout, f->subject, 0);
		(void)printf(": ");
	}
	text_print(stdout, text, 0);
	if (f->remedy != NULL) {
		(void)printf("  -> ");
		text_print(stdout, f->remedy, 0);
	}
	(void)putchar('\n');
	(void)fflush(stdout); /* the next may take its time */
}

void
check_tell(struct check *c, const struct check_finding *f, const char *fmt, ...)
{
	EXA_AUTO(buf_done) struct buf text = { 0 };
	va_list args;

	va_start(args, fmt);
	buf_vprintf(&text, fmt, args);
	va_end(args);
	(c->json ? print_json : print_line)(f, buf_string(&text));
	c->count[f->state]++;
	if (f->state == CHECK_FAILED && badness_of(f->code) > badness_of(c->code))
		c->code = f->code;
}

void
check_tell_error(struct check *c, const char *what, const char *subject,
	const struct exa_error *err, const char *remedy, int code)
{
	const struct check_finding f = { .what = what,
		.subject = subject,
		.state = CHECK_FAILED,
		.remedy = remedy,
		.name = err->name[0] != '\0' ? err->name : NULL,
		.code = code != 0 ? code : exit_code_of(err) };

	check_tell(c, &f, "%s", err->text);
}
