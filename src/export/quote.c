/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>
#include <strings.h>
#include <time.h>

#include "exarch/clock.h"
#include "quote.h"

#define FROM "From "
#define FROM_SIZE ((unsigned)5)
/* RFC 5321: 64 for the name, 255 for the domain. */
#define SENDER_MAX ((size_t)320)

/* '>'s go through: it doesn't matter before which of them the new one stands. */
static void
add_at_start(struct quote *q, uint8_t c, struct buf *out)
{
	if (q->match == 0 && c == '>') {
		buf_add_byte(out, c);
		return;
	}
	if (c == FROM[q->match]) {
		if (++q->match < FROM_SIZE)
			return;
		buf_add_byte(out, '>');
		buf_add(out, FROM, FROM_SIZE);
	} else {
		buf_add(out, FROM, q->match);
		buf_add_byte(out, c);
	}
	q->in_line = c != '\n';
	q->match = 0;
}

void
quote_add(struct quote *q, struct bytes message, struct buf *out)
{
	while (message.size > 0) {
		const uint8_t *end;
		size_t size = 1;

		if (q->in_line) {
			end = memchr(message.data, '\n', message.size);
			size = end == NULL ? message.size : (size_t)(end - message.data) + 1;
			buf_add(out, message.data, size);
			q->in_line = end == NULL;
		} else {
			add_at_start(q, message.data[0], out);
		}
		q->ended = message.data[size - 1] == '\n';
		message = bytes_skip(message, size);
	}
}

void
quote_end(struct quote *q, struct buf *out)
{
	buf_add(out, FROM, q->match);
	buf_add_string(out, q->ended ? "\n" : "\n\n");
	*q = (struct quote){ 0 };
}

/* ---- the From_ line ---- */

/* The first field of this name in the header block: its value, unfolded or not. */
static bool
find_field(struct bytes head, const char *name, struct bytes *value_out)
{
	const size_t size = strlen(name);

	while (head.size > 0) {
		const uint8_t *end = memchr(head.data, '\n', head.size);
		size_t line = end == NULL ? head.size : (size_t)(end - head.data);

		if (line == 0 || (line == 1 && head.data[0] == '\r'))
			return false;
		if (line > size && head.data[size] == ':' &&
			strncasecmp((const char *)head.data, name, size) == 0) {
			*value_out = bytes_skip(bytes_take(head, line), size + 1);
			return true;
		}
		head = bytes_skip(head, line + 1);
	}
	return false;
}

static bool
is_address_byte(uint8_t c)
{
	return c > ' ' && c < 0x7f && strchr("<>()[],;:\\\"", c) == NULL;
}

/* Appends the address in VALUE: what stands in <>, else the first word with an '@'. Readers split the
 * line at spaces, and some of them know ASCII alone: an address that isn't plain is none. */
static bool
add_address(struct buf *out, struct bytes value)
{
	const uint8_t *open = value.size > 0 ? memchr(value.data, '<', value.size) : NULL;
	struct bytes rest =
		open != NULL ? bytes_skip(value, (size_t)(open - value.data) + 1) : value;
	size_t start = 0, end;

	while (start < rest.size && open == NULL &&
		(rest.data[start] == ' ' || rest.data[start] == '\t'))
		start++;
	for (end = start; end < rest.size && is_address_byte(rest.data[end]); end++)
		;
	rest = bytes_skip(bytes_take(rest, end), start);
	if (open != NULL &&
		(end >= value.size - (size_t)(open - value.data) - 1 || open[1 + end] != '>'))
		return false;
	if (rest.size == 0 || rest.size > SENDER_MAX || memchr(rest.data, '@', rest.size) == NULL)
		return false;
	buf_add_bytes(out, rest);
	return true;
}

static void
add_moment(struct buf *out, int64_t received_ns)
{
	static const char *const days[] = { "Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat" };
	static const char *const months[] = { "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul",
		"Aug", "Sep", "Oct", "Nov", "Dec" };
	time_t seconds = 0;
	struct tm tm = { .tm_mday = 1, .tm_wday = 4, .tm_year = 70 };

	/* Before 1970 the years of some readers end. */
	if (received_ns != EXA_NO_TIME && received_ns > 0)
		seconds = (time_t)(received_ns / EXA_NS_PER_S);
	(void)gmtime_r(&seconds, &tm);
	buf_printf(out, "%s %s %2d %02d:%02d:%02d %d", days[tm.tm_wday], months[tm.tm_mon],
		tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec, tm.tm_year + 1900);
}

void
quote_from_line(struct buf *out, struct bytes head, int64_t received_ns)
{
	struct bytes value;

	buf_add_string(out, FROM);
	if (!(find_field(head, "Return-Path", &value) && add_address(out, value)) &&
		!(find_field(head, "From", &value) && add_address(out, value)))
		buf_add_string(out, "MAILER-DAEMON");
	buf_add_byte(out, ' ');
	add_moment(out, received_ns);
	buf_add_byte(out, '\n');
}
