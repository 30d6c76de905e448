/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "exarch/clock.h"

#include "value.h"

#define NUMBER_TEXT_MAX 24
/* What stores write for "no date": years at or before the start of Windows time, and Outlook's
 * 4501-01-01. */
#define FIRST_REAL_YEAR 1602
#define NO_DATE_YEAR 4501

static bool
copy_short(struct bytes text, char out[NUMBER_TEXT_MAX])
{
	if (text.size == 0 || text.size >= NUMBER_TEXT_MAX)
		return false;
	memcpy(out, text.data, text.size);
	out[text.size] = '\0';
	return true;
}

int64_t
value_number(struct bytes text)
{
	char number[NUMBER_TEXT_MAX];
	char *end;
	long long v;

	if (!copy_short(text, number))
		return -1;
	v = strtoll(number, &end, 10);
	return end == number || *end != '\0' || v < 0 ? -1 : (int64_t)v;
}

int
value_boolean(struct bytes text)
{
	if (bytes_equal(text, bytes_of_string("true")) || bytes_equal(text, bytes_of_string("1")))
		return 1;
	if (bytes_equal(text, bytes_of_string("false")) || bytes_equal(text, bytes_of_string("0")))
		return 0;
	return -1;
}

int64_t
value_moment(const char *text)
{
	struct exa_error ignored;
	int64_t moment_ns;
	long year = strtol(text, NULL, 10);

	if (year < FIRST_REAL_YEAR || year >= NO_DATE_YEAR)
		return EXA_NO_TIME;
	return clock_parse(text, &moment_ns, &ignored) ? moment_ns : EXA_NO_TIME;
}

unsigned
value_tag(const struct attributes *attributes)
{
	char number[NUMBER_TEXT_MAX];
	unsigned long tag;

	if (!copy_short(attribute(attributes, "PropertyTag"), number))
		return 0;
	tag = strtoul(number, NULL, strncmp(number, "0x", 2) == 0 ? 16 : 10);
	return tag > UINT16_MAX ? 0 : (unsigned)tag;
}

bool
value_id(const struct attributes *attributes, const char *name, struct buf *out,
	struct exa_error *err)
{
	struct bytes value = attribute(attributes, name);

	if (value.size > EWS_ID_MAX)
		return exa_fail(
			err, EXA_LIMIT, "the server gives an %s of %zu bytes", name, value.size);
	buf_reset(out);
	buf_add_bytes(out, value);
	return true;
}

void
value_text(struct buf *out, const char *text)
{
	buf_reset(out);
	buf_add_string(out, text);
}
