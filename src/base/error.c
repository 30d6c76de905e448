/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "exarch/error.h"

static void set_text(struct exa_error *err, const char *fmt, va_list args) EXA_PRINTF(2, 0);

static void
set_text(struct exa_error *err, const char *fmt, va_list args)
{
	if (vsnprintf(err->text, sizeof err->text, fmt, args) < 0)
		err->text[0] = '\0';
}

bool
exa_fail(struct exa_error *err, enum exa_code code, const char *fmt, ...)
{
	va_list args;

	exa_error_clear(err);
	err->code = code;
	va_start(args, fmt);
	set_text(err, fmt, args);
	va_end(args);
	return false;
}

bool
exa_fail_errno(struct exa_error *err, int errno_value, const char *fmt, ...)
{
	va_list args;
	char reason[128];
	size_t used;

	exa_error_clear(err);
	err->code = EXA_IO;
	err->detail = errno_value;
	va_start(args, fmt);
	set_text(err, fmt, args);
	va_end(args);
	used = strlen(err->text);
	(void)snprintf(err->text + used, sizeof err->text - used, ": %s",
		strerror_r(errno_value, reason, sizeof reason));
	return false;
}

bool
exa_while(struct exa_error *err, const char *fmt, ...)
{
	char inner[EXA_ERROR_TEXT_MAX];
	va_list args;
	size_t used;

	memcpy(inner, err->text, sizeof inner);
	va_start(args, fmt);
	set_text(err, fmt, args);
	va_end(args);
	used = strlen(err->text);
	(void)snprintf(err->text + used, sizeof err->text - used, ": %s", inner);
	return false;
}

void
exa_error_set_name(struct exa_error *err, const char *name)
{
	(void)snprintf(err->name, sizeof err->name, "%s", name);
}

void
exa_error_clear(struct exa_error *err)
{
	err->code = EXA_OK;
	err->detail = 0;
	err->retry_after_ms = 0;
	err->name[0] = '\0';
	err->text[0] = '\0';
}

const char *
exa_code_name(enum exa_code code)
{
	static const char *const names[EXA_CODE_COUNT] = {
		[EXA_OK] = "ok",
		[EXA_FAILED] = "failed",
		[EXA_USAGE] = "usage",
		[EXA_IO] = "io",
		[EXA_CORRUPT] = "corrupt",
		[EXA_ABSENT] = "absent",
		[EXA_LOCKED] = "locked",
		[EXA_UNREACHABLE] = "unreachable",
		[EXA_NET] = "net",
		[EXA_TIMEOUT] = "timeout",
		[EXA_THROTTLED] = "throttled",
		[EXA_AUTH] = "auth",
		[EXA_ASIDE] = "aside",
		[EXA_DENIED] = "denied",
		[EXA_GONE] = "gone",
		[EXA_STALE] = "stale",
		[EXA_UNREADABLE] = "unreadable",
		[EXA_LIMIT] = "limit",
		[EXA_PROTOCOL] = "protocol",
		[EXA_CANCELLED] = "cancelled",
	};

	return (unsigned)code < EXA_CODE_COUNT ? names[code] : "unknown";
}
