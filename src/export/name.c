/* SPDX-License-Identifier: Apache-2.0 */
#include <ctype.h>
#include <string.h>
#include <strings.h>

#include <glib.h>

#include "exarch/clock.h"
#include "exarch/report.h"
#include "name.h"

/* More than this of a text never gets into a name, but is normalised before it is cut. */
#define TEXT_MAX ((size_t)1024)
#define MARK '_'

/* Slashes and backslashes that aren't ASCII: some file systems and converters take them for real
 * ones, and people do. U+2215 is what a '/' in a folder's name became. */
static bool
is_slash_lookalike(gunichar c)
{
	static const gunichar list[] = { 0x2044, 0x2215, 0x2216, 0x29f5, 0x29f8, 0x29f9, 0xfe68,
		0xff0f, 0xff3c };

	for (size_t i = 0; i < sizeof list / sizeof list[0]; i++) {
		if (list[i] == c)
			return true;
	}
	return false;
}

static bool
is_reserved(gunichar c)
{
	return (c < 0x80 && strchr("<>:\"/\\|?*", (int)c) != NULL) || c == 0xfffd ||
	       is_slash_lookalike(c);
}

/* Appends TEXT in NFC without what may not be in a name, cut at LIMIT bytes; nothing at all when
 * nothing is left. */
static void
add_safe(struct buf *out, const char *text, size_t limit)
{
	EXA_AUTO(buf_done) struct buf clean = { 0 };
	size_t start = out->size;
	gchar *nfc, *next;

	report_clean(&clean, text, TEXT_MAX);
	nfc = g_utf8_normalize(buf_string(&clean), -1, G_NORMALIZE_NFC);
	for (gchar *p = nfc; p != NULL && *p != '\0'; p = next) {
		bool reserved = is_reserved(g_utf8_get_char(p));
		size_t size;

		next = g_utf8_next_char(p);
		size = reserved ? 1 : (size_t)(next - p);
		if (out->size - start + size > limit)
			break;
		if (reserved)
			buf_add_byte(out, MARK);
		else
			buf_add(out, p, size);
	}
	g_free(nfc);
	while (out->size > start && strchr(". ", out->data[out->size - 1]) != NULL)
		out->size--;
	if (out->size > start && out->data[start] == '.')
		out->data[start] = MARK;
}

/* Windows keeps these for devices, with any extension too; superscript digits count. */
static bool
is_device_name(const char *name)
{
	static const char *const plain[] = { "CON", "PRN", "AUX", "NUL", "CONIN$", "CONOUT$",
		"CLOCK$" };
	static const char *const digits[] = { "0", "1", "2", "3", "4", "5", "6", "7", "8", "9",
		"\xc2\xb9", "\xc2\xb2", "\xc2\xb3" };
	size_t size = strcspn(name, ".");

	while (size > 0 && name[size - 1] == ' ')
		size--;
	for (size_t i = 0; i < sizeof plain / sizeof plain[0]; i++) {
		if (strlen(plain[i]) == size && strncasecmp(name, plain[i], size) == 0)
			return true;
	}
	if (size < 4 || (strncasecmp(name, "COM", 3) != 0 && strncasecmp(name, "LPT", 3) != 0))
		return false;
	for (size_t i = 0; i < sizeof digits / sizeof digits[0]; i++) {
		if (strlen(digits[i]) == size - 3 && strncmp(name + 3, digits[i], size - 3) == 0)
			return true;
	}
	return false;
}

static bool
ends_in(const struct buf *name, const char *end)
{
	size_t size = strlen(end);

	return name->size >= size &&
	       strncasecmp((const char *)name->data + name->size - size, end, size) == 0;
}

void
name_add_folder(struct buf *out, const char *text)
{
	static const char *const endings[] = { NAME_EML, NAME_STREAM, NAME_MBOX, NAME_ICS,
		NAME_VCF };
	static const char *const inside[] = { "cur", "new", "tmp", "maildirfolder" };
	EXA_AUTO(buf_done) struct buf name = { 0 };
	size_t size;

	/* Room for the marks before and behind. */
	add_safe(&name, text, NAME_FOLDER_MAX - 2);
	size = name.size;
	if (size == 0 || is_device_name(buf_string(&name)))
		buf_add_byte(out, MARK);
	buf_add_bytes(out, buf_bytes(&name));
	for (size_t i = 0; i < sizeof endings / sizeof endings[0]; i++) {
		if (ends_in(&name, endings[i]))
			buf_add_byte(out, MARK);
	}
	/* What a Maildir has beside its folders. */
	for (size_t i = 0; i < sizeof inside / sizeof inside[0]; i++) {
		if (strcasecmp(buf_string(&name), inside[i]) == 0)
			buf_add_byte(out, MARK);
	}
}

static void
add_stamp(struct buf *out, int64_t received_ns)
{
	char text[CLOCK_TEXT_MAX];

	clock_format(received_ns, text);
	if (text[0] == '\0') {
		buf_add_string(out, "00000000-000000");
		return;
	}
	for (const char *p = text; *p != '\0'; p++) {
		if (isdigit((unsigned char)*p))
			buf_add_byte(out, (uint8_t)*p);
		else if (*p == 'T')
			buf_add_byte(out, '-');
	}
}

void
name_add_file(struct buf *out, int64_t received_ns, uint64_t number, const char *subject)
{
	size_t start;

	add_stamp(out, received_ns);
	buf_printf(out, "-%llu-", (unsigned long long)number);
	start = out->size;
	add_safe(out, subject, NAME_SUBJECT_MAX);
	if (out->size == start)
		buf_add_byte(out, MARK);
}

void
name_add_folded(struct buf *out, const char *name)
{
	gchar *folded = g_utf8_casefold(name, -1);
	gchar *nfc = g_utf8_normalize(folded, -1, G_NORMALIZE_NFC);

	buf_add_string(out, nfc != NULL ? nfc : folded);
	g_free(nfc);
	g_free(folded);
}
