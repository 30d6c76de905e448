/* SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "context.h"

bool
context_while(const struct context *c, const char *key)
{
	return exa_while(c->err, "%s:%zu: %s", c->file, shape_line(c->shape, key), key);
}

bool
context_bad(const struct context *c, const char *key, const char *fmt, ...)
{
	char text[EXA_ERROR_TEXT_MAX];
	va_list args;

	va_start(args, fmt);
	(void)vsnprintf(text, sizeof text, fmt, args);
	va_end(args);
	(void)exa_fail(c->err, EXA_USAGE, "%s", text);
	return context_while(c, key);
}

char *
context_text(const struct context *c, const char *text)
{
	return text != NULL ? arena_strndup(c->texts, text, strlen(text)) : NULL;
}

void
context_entry(char out[CONTEXT_KEY_MAX], const char *key, size_t index)
{
	(void)snprintf(out, CONTEXT_KEY_MAX, "%s[%zu]", key, index + 1);
}
