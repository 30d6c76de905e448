/* SPDX-License-Identifier: Apache-2.0 */
#include <ctype.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include <curl/curl.h>

#include "exarch/clock.h"

#include "answer.h"

/* Longer waits are not believed: the caller looks again after a day. */
#define RETRY_AFTER_MAX_S ((int64_t)24 * 3600)
#define STATUS_LINE "HTTP/"

static struct bytes
trim(struct bytes b)
{
	while (b.size > 0 && isspace(b.data[0]))
		b = bytes_skip(b, 1);
	while (b.size > 0 && isspace(b.data[b.size - 1]))
		b.size--;
	return b;
}

/* Printable ASCII only: these texts end in logs and on terminals. */
static void
copy_text(char out[HTTP_TEXT_MAX], struct bytes value)
{
	size_t n = 0;

	for (size_t i = 0; i < value.size && n < HTTP_TEXT_MAX - 1; i++) {
		uint8_t c = value.data[i];

		out[n++] = c == '\t' ? ' ' : c >= 0x20 && c < 0x7f ? (char)c : '?';
	}
	out[n] = '\0';
}

/* RFC 9110, 10.2.3: seconds or a date. What can't be read counts as not said. */
static uint32_t
read_retry_after(const char *text)
{
	int64_t seconds;
	char *end;

	seconds = strtoll(text, &end, 10);
	if (end == text || *end != '\0') {
		time_t when = curl_getdate(text, NULL);

		if (when < 0)
			return 0;
		seconds = (int64_t)when - clock_wall_ns() / EXA_NS_PER_S;
	}
	if (seconds < 0)
		seconds = 0;
	if (seconds > RETRY_AFTER_MAX_S)
		seconds = RETRY_AFTER_MAX_S;
	return (uint32_t)(seconds * 1000);
}

static void
read_field(struct http_answer *a, const char *name, struct bytes value)
{
	const struct {
		const char *name;
		char *out;
	} texts[] = {
		{ "content-type", a->content_type },
		{ "location", a->location },
		{ "request-id", a->request_id },
		{ "x-ms-diagnostics", a->diagnostics },
		{ "www-authenticate", a->authenticate },
	};
	char number[HTTP_TEXT_MAX];

	for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
		if (strcasecmp(name, texts[i].name) == 0 && texts[i].out[0] == '\0')
			copy_text(texts[i].out, value);
	}
	if (strcasecmp(name, "retry-after") == 0) {
		copy_text(number, value);
		a->retry_after_ms = read_retry_after(number);
	}
	if (strcasecmp(name, "date") == 0) {
		time_t when;

		copy_text(number, value);
		when = curl_getdate(number, NULL);
		a->date_s = when > 0 ? (int64_t)when : 0;
	}
	if (strcasecmp(name, "content-type") == 0) {
		for (char *c = a->content_type; *c != '\0'; c++)
			*c = (char)tolower((unsigned char)*c);
	}
}

static void
read_status(struct http_answer *a, struct bytes line)
{
	char text[HTTP_TEXT_MAX];
	const char *space;

	*a = (struct http_answer){ 0 };
	copy_text(text, line);
	space = strchr(text, ' ');
	if (space != NULL)
		a->status = (int)strtol(space, NULL, 10);
}

bool
head_line(struct head *h, struct bytes line)
{
	const uint8_t *colon;
	char name[HTTP_TEXT_MAX];
	struct bytes field = trim(line);

	h->bytes += line.size;
	if (h->bytes > HEAD_MAX_BYTES)
		return false;
	if (field.size == 0) {
		h->complete = true;
		return true;
	}
	if (field.size > strlen(STATUS_LINE) &&
		memcmp(field.data, STATUS_LINE, strlen(STATUS_LINE)) == 0) {
		h->complete = false;
		read_status(h->answer, field);
		return true;
	}
	colon = memchr(field.data, ':', field.size);
	if (h->complete || colon == NULL)
		return true;
	copy_text(name, trim(bytes_take(field, (size_t)(colon - field.data))));
	read_field(h->answer, name, trim(bytes_skip(field, (size_t)(colon - field.data) + 1)));
	return true;
}
