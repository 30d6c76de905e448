/* SPDX-License-Identifier: Apache-2.0 */

#include <string.h>
#include <strings.h>

#include "amount.h"

/* Digits and one point, as everywhere: not what the locale or strtod also take for a number. */
static bool
read_number(const char *text, double *out, const char **rest_out)
{
	size_t size = strspn(text, "0123456789.");
	double scale = 0.1;
	double n = 0;
	bool point = false;

	if (size == 0 || size > 15 || text[0] == '.')
		return false;
	for (size_t i = 0; i < size; i++) {
		if (text[i] == '.') {
			if (point)
				return false;
			point = true;
		} else if (point) {
			n += (text[i] - '0') * scale;
			scale /= 10;
		} else {
			n = n * 10 + (text[i] - '0');
		}
	}
	*out = n;
	*rest_out = text + size + strspn(text + size, " ");
	return true;
}

/* A size in a range; ends at END. */
static bool
read_size(const char *text, const char *end, uint64_t *out)
{
	static const struct {
		const char *name;
		double factor;
	} units[] = { { "", 1 }, { "B", 1 }, { "kB", 1e3 }, { "MB", 1e6 }, { "GB", 1e9 },
		{ "TB", 1e12 }, { "KiB", 1024.0 }, { "MiB", 1048576.0 }, { "GiB", 1073741824.0 },
		{ "TiB", 1099511627776.0 } };
	const char *rest;
	size_t size;
	double n;

	text += strspn(text, " ");
	while (end > text && end[-1] == ' ')
		end--;
	if (!read_number(text, &n, &rest) || rest > end)
		return false;
	size = (size_t)(end - rest);
	for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
		if (strlen(units[i].name) != size || strncasecmp(rest, units[i].name, size) != 0)
			continue;
		*out = (uint64_t)(n * units[i].factor);
		return n * units[i].factor <= 1e18;
	}
	return false;
}

bool
range_read(const char *text, uint64_t *least_out, uint64_t *below_out, struct exa_error *err)
{
	const char *end = text + strlen(text), *dots = strstr(text, "..");
	bool more = text[0] == '>', less = text[0] == '<', equal = (more || less) && text[1] == '=';
	uint64_t a, b = 0;
	bool good;

	if (more || less)
		good = read_size(text + 1 + equal, end, &a);
	else
		good = dots != NULL && read_size(text, dots, &a) && read_size(dots + 2, end, &b);
	if (!good)
		return exa_fail(err, EXA_USAGE,
			"'%s' is no range of sizes; write >10MB, >=1MiB, <64KiB or 1MB..10MB",
			text);
	if (!more && !less && b < a)
		return exa_fail(err, EXA_USAGE,
			"'%s' holds nothing: the first size is the greater one", text);
	if (less && a == 0 && !equal)
		return exa_fail(err, EXA_USAGE, "'%s' holds nothing", text);
	*least_out = more ? a + !equal : less ? 0 : a;
	*below_out = more ? 0 : less ? a + equal : b + 1;
	return true;
}

bool
amount_read(const char *text, uint64_t *bytes_out, struct exa_error *err)
{
	static const char *const units[] = { "", "KiB", "MiB", "GiB", "TiB" };
	const char *rest;
	double n, factor = 1;

	if (!read_number(text, &n, &rest))
		return exa_fail(err, EXA_USAGE, "'%s' is no size (\"50MiB\" is one)", text);
	for (size_t i = 0; i < sizeof units / sizeof units[0]; i++, factor *= 1024) {
		if (strcasecmp(rest, units[i]) != 0)
			continue;
		if (n * factor < 1 || n * factor > 1e18)
			return exa_fail(err, EXA_USAGE, "'%s' is out of range", text);
		*bytes_out = (uint64_t)(n * factor);
		return true;
	}
	return exa_fail(err, EXA_USAGE,
		"'%s' has no unit I know (KiB, MiB, GiB, TiB, or none for bytes)", text);
}

bool
share_read(const char *text, double *share_out, struct exa_error *err)
{
	const char *rest;
	double n;

	if (!read_number(text, &n, &rest) || strcmp(rest, "%") != 0)
		return exa_fail(err, EXA_USAGE, "'%s' is no share (\"5%%\" is one)", text);
	if (n <= 0 || n > 100)
		return exa_fail(err, EXA_USAGE, "'%s' isn't between 0%% and 100%%", text);
	*share_out = n >= 100 ? 0 : n / 100;
	return true;
}
