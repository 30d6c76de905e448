/* SPDX-License-Identifier: Apache-2.0 */
#include <ctype.h>
#include <iconv.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "exarch/clock.h"

#include "mailhead.h"

#define VALUE_MAX 4096 /* of one header field; Exchange cuts subjects far earlier */

/* The end of the field at P: past its line ends, up to a line that isn't a continuation. */
static const char *
field_end(const char *p, const char *end)
{
	while (p < end) {
		const char *nl = memchr(p, '\n', (size_t)(end - p));

		if (nl == NULL)
			return end;
		p = nl + 1;
		if (p >= end || (*p != ' ' && *p != '\t'))
			return p;
	}
	return end;
}

/* Finds NAME in the header and puts its value, unfolded and trimmed, into VALUE (VALUE_MAX). */
static bool
find_field(struct bytes head, const char *name, char *value)
{
	const char *p = (const char *)head.data, *end = p + head.size;
	size_t length = strlen(name), used = 0;

	for (const char *next; p < end && *p != '\n' && *p != '\r'; p = next) {
		next = field_end(p, end);
		if ((size_t)(next - p) <= length || p[length] != ':' ||
			strncasecmp(p, name, length) != 0)
			continue;
		for (p += length + 1; p < next && used < VALUE_MAX - 1; p++) {
			if (*p != '\r' && *p != '\n' && *p != '\0' &&
				(used > 0 || (*p != ' ' && *p != '\t')))
				value[used++] = *p == '\t' ? ' ' : *p;
		}
		while (used > 0 && value[used - 1] == ' ')
			used--;
		value[used] = '\0';
		return true;
	}
	return false;
}

static void
decode_q(struct buf *out, const char *p, size_t size)
{
	unsigned byte;

	for (size_t i = 0; i < size; i++) {
		if (p[i] == '=' && i + 2 < size && isxdigit((unsigned char)p[i + 1]) &&
			isxdigit((unsigned char)p[i + 2]) && sscanf(p + i + 1, "%2x", &byte) == 1) {
			buf_add_byte(out, (uint8_t)byte);
			i += 2;
		} else {
			buf_add_byte(out, p[i] == '_' ? ' ' : (uint8_t)p[i]);
		}
	}
}

/* glibc loads converters when they are opened; its own lock for that is one the thread sanitizer
 * can't see. */
static pthread_mutex_t converters_mu = PTHREAD_MUTEX_INITIALIZER;

static iconv_t
open_converter(const char *charset)
{
	iconv_t cd;

	(void)pthread_mutex_lock(&converters_mu);
	cd = iconv_open("UTF-8", charset);
	(void)pthread_mutex_unlock(&converters_mu);
	return cd;
}

static void
close_converter(iconv_t cd)
{
	(void)pthread_mutex_lock(&converters_mu);
	(void)iconv_close(cd);
	(void)pthread_mutex_unlock(&converters_mu);
}

/* Appends RAW in CHARSET as UTF-8; as it is when the charset is unknown or the bytes are wrong. */
static void
add_converted(struct buf *out, struct buf *raw, const char *charset)
{
	char *in = (char *)raw->data;
	size_t in_left = raw->size, room = raw->size * 4 + 16, out_left = room;
	size_t before = out->size;
	char *to;
	iconv_t cd = open_converter(charset);

	if (cd == (iconv_t)-1) {
		buf_add_bytes(out, buf_bytes(raw));
		return;
	}
	buf_reserve(out, room);
	to = (char *)out->data + before;
	if (iconv(cd, &in, &in_left, &to, &out_left) == (size_t)-1 || in_left > 0)
		buf_add_bytes(out, buf_bytes(raw));
	else
		out->size = before + (room - out_left);
	close_converter(cd);
}

/* Decodes "=?charset?B|Q?text?=" at P; gives the place after it, or NULL when it isn't one. */
static const char *
decode_word(struct buf *out, const char *p)
{
	EXA_AUTO(buf_done) struct buf raw = { 0 };
	char charset[64];
	const char *q, *text, *end;
	size_t size;

	if (strncmp(p, "=?", 2) != 0 || (q = strchr(p + 2, '?')) == NULL || q[1] == '\0' ||
		q[2] != '?' || (end = strstr(q + 3, "?=")) == NULL)
		return NULL;
	size = (size_t)(q - p - 2);
	if (size == 0 || size >= sizeof charset)
		return NULL;
	memcpy(charset, p + 2, size);
	charset[size] = '\0';
	charset[strcspn(charset, "*")] = '\0'; /* RFC 2231 language */
	text = q + 3;
	if (q[1] == 'Q' || q[1] == 'q') {
		decode_q(&raw, text, (size_t)(end - text));
	} else {
		EXA_AUTO(exa_freep) char *coded = exa_strndup(text, (size_t)(end - text));

		if (!buf_decode_base64(&raw, coded))
			return NULL;
	}
	add_converted(out, &raw, charset);
	return end + 2;
}

/* RFC 2047; white space between two encoded words is dropped. */
static const char *
decode_words(const char *value, struct arena *a)
{
	EXA_AUTO(buf_done) struct buf out = { 0 };
	bool after_word = false;

	for (const char *p = value; *p != '\0';) {
		size_t blank = strspn(p, " ");
		const char *next = decode_word(&out, after_word ? p + blank : p);

		if (next != NULL) {
			p = next;
			after_word = true;
			continue;
		}
		after_word = false;
		buf_add_byte(&out, (uint8_t)*p++);
	}
	return arena_strndup(a, buf_string(&out), strlen(buf_string(&out)));
}

static int
month_of(const char *name)
{
	static const char months[] = "janfebmaraprmayjunjulaugsepoctnovdec";

	for (int i = 0; i < 12; i++) {
		if (strncasecmp(name, months + (ptrdiff_t)i * 3, 3) == 0)
			return i;
	}
	return -1;
}

static int
zone_seconds(const char *text)
{
	static const struct {
		const char *name;
		int hours;
	} zones[] = { { "EST", -5 }, { "EDT", -4 }, { "CST", -6 }, { "CDT", -5 }, { "MST", -7 },
		{ "MDT", -6 }, { "PST", -8 }, { "PDT", -7 } };
	int n;

	while (*text == ' ')
		text++;
	if ((*text == '+' || *text == '-') && sscanf(text + 1, "%4d", &n) == 1 && n % 100 < 60)
		return (*text == '-' ? -1 : 1) * (n / 100 * 3600 + n % 100 * 60);
	for (size_t i = 0; i < sizeof zones / sizeof zones[0]; i++) {
		if (strncasecmp(text, zones[i].name, 3) == 0)
			return zones[i].hours * 3600;
	}
	return 0;
}

int64_t
mailhead_date(const char *text)
{
	struct tm tm = { 0 };
	char month[4] = "";
	int used = 0;

	while (*text == ' ')
		text++;
	if (isalpha((unsigned char)*text)) { /* the day of the week, with a comma or without */
		text += strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ");
		text += strspn(text, ", ");
	}
	if (sscanf(text, "%2d%*1[ -]%3[A-Za-z]%*1[ -]%4d %2d:%2d%n", &tm.tm_mday, month,
		    &tm.tm_year, &tm.tm_hour, &tm.tm_min, &used) != 5)
		return EXA_NO_TIME;
	text += used;
	if (*text == ':' && sscanf(text + 1, "%2d%n", &tm.tm_sec, &used) == 1)
		text += 1 + used;
	tm.tm_mon = month_of(month);
	if (tm.tm_year < 50)
		tm.tm_year += 2000;
	else if (tm.tm_year < 1000)
		tm.tm_year += 1900;
	tm.tm_year -= 1900;
	if (tm.tm_mon < 0 || tm.tm_mday < 1 || tm.tm_mday > 31 || tm.tm_hour < 0 ||
		tm.tm_hour > 23 || tm.tm_min < 0 || tm.tm_min > 59 || tm.tm_sec < 0 ||
		tm.tm_sec > 60 || tm.tm_year < 70 || tm.tm_year > 300)
		return EXA_NO_TIME;
	return ((int64_t)timegm(&tm) - zone_seconds(text)) * EXA_NS_PER_S;
}

static void
classify(const char *type, struct mailhead *out)
{
	if (strncasecmp(type, "multipart/signed", 16) == 0)
		out->item_class = "IPM.Note.SMIME.MultipartSigned";
	else if (strncasecmp(type, "application/pkcs7-mime", 22) == 0 ||
		 strncasecmp(type, "application/x-pkcs7-mime", 24) == 0)
		out->item_class = "IPM.Note.SMIME";
	else if (strncasecmp(type, "multipart/report", 16) == 0 &&
		 strcasestr(type, "delivery-status") != NULL)
		out->item_class = "REPORT.IPM.Note.NDR";
	else if (strncasecmp(type, "text/calendar", 13) == 0)
		out->item_class = strcasestr(type, "method=REPLY") != NULL
					  ? "IPM.Schedule.Meeting.Resp.Pos"
				  : strcasestr(type, "method=CANCEL") != NULL
					  ? "IPM.Schedule.Meeting.Canceled"
				  : strcasestr(type, "method=REQUEST") != NULL
					  ? "IPM.Schedule.Meeting.Request"
					  : "IPM.Appointment";
	else if (strncasecmp(type, "text/vcard", 10) == 0 ||
		 strncasecmp(type, "text/x-vcard", 12) == 0)
		out->item_class = "IPM.Contact";
	out->has_attachments = strncasecmp(type, "multipart/mixed", 15) == 0;
}

/* "Importance: high" (RFC 2156), or the older "X-Priority: 1 (Highest)". */
static enum importance
importance_in(struct bytes head)
{
	char value[VALUE_MAX];

	if (find_field(head, "Importance", value))
		return strncasecmp(value, "high", 4) == 0  ? IMPORTANCE_HIGH
		       : strncasecmp(value, "low", 3) == 0 ? IMPORTANCE_LOW
							   : IMPORTANCE_NORMAL;
	if (!find_field(head, "X-Priority", value))
		return IMPORTANCE_NORMAL;
	return *value == '1' || *value == '2'   ? IMPORTANCE_HIGH
	       : *value == '4' || *value == '5' ? IMPORTANCE_LOW
						: IMPORTANCE_NORMAL;
}

void
mailhead_read(struct bytes head, struct arena *a, struct mailhead *out)
{
	char value[VALUE_MAX];

	*out = (struct mailhead){ .date_ns = EXA_NO_TIME, .item_class = "IPM.Note" };
	if (find_field(head, "Subject", value))
		out->subject = decode_words(value, a);
	if (find_field(head, "Message-ID", value) && *value != '\0')
		out->message_id = arena_strndup(a, value, strlen(value));
	if (find_field(head, "Date", value))
		out->date_ns = mailhead_date(value);
	out->importance = importance_in(head);
	if (find_field(head, "Content-Type", value))
		classify(value, out);
	if (find_field(head, MAILHEAD_CLASS_FIELD, value) && *value != '\0')
		out->item_class = arena_strndup(a, value, strlen(value));
}
