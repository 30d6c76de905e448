/* SPDX-License-Identifier: Apache-2.0 */
#include <glib.h>

#include "exarch/message.h"

#define SHARP_S 0xdf
#define FINAL_SIGMA 0x3c2
#define SIGMA 0x3c3
/* Unicode's longest full decomposition. */
#define PIECES_MAX 18

static void
add_char(struct buf *out, gunichar c)
{
	char bytes[6];
	gint size;

	c = g_unichar_tolower(c);
	if (c == SHARP_S) {
		buf_add_string(out, "ss");
		return;
	}
	size = g_unichar_to_utf8(c == FINAL_SIGMA ? SIGMA : c, bytes);
	buf_add(out, bytes, (size_t)size);
}

void
message_fold_char(struct buf *out, uint32_t c)
{
	gunichar pieces[PIECES_MAX];
	gsize count;

	if (c < 0x80) {
		buf_add_byte(out, c >= 'A' && c <= 'Z' ? (uint8_t)(c + 32) : (uint8_t)c);
		return;
	}
	/* A syllable is the letter of Hangul; taken apart it would only be longer. */
	if (g_unichar_get_script(c) == G_UNICODE_SCRIPT_HANGUL) {
		add_char(out, c);
		return;
	}
	count = g_unichar_fully_decompose(c, TRUE, pieces, PIECES_MAX);
	for (gsize i = 0; i < count; i++) {
		if (!g_unichar_ismark(pieces[i]))
			add_char(out, pieces[i]);
	}
}

bool
message_next_char(struct bytes *rest, uint32_t *out)
{
	while (rest->size > 0) {
		const char *text = (const char *)rest->data;
		gunichar c = (uint8_t)*text < 0x80
				     ? (gunichar)(uint8_t)*text
				     : g_utf8_get_char_validated(text, (gssize)rest->size);

		if (c == (gunichar)-1 || c == (gunichar)-2) {
			*rest = bytes_skip(*rest, 1);
			continue;
		}
		*rest = bytes_skip(*rest, (size_t)g_utf8_skip[(uint8_t)*text]);
		*out = c;
		return true;
	}
	return false;
}

/* Most text is ASCII: runs of it are folded as a whole. */
static void
fold_ascii(struct buf *out, struct bytes *rest)
{
	size_t size = 0;

	while (size < rest->size && rest->data[size] < 0x80)
		size++;
	if (size == 0)
		return;
	buf_reserve(out, size);
	for (size_t i = 0; i < size; i++) {
		uint8_t c = rest->data[i];

		out->data[out->size++] = c >= 'A' && c <= 'Z' ? (uint8_t)(c + 32) : c;
	}
	*rest = bytes_skip(*rest, size);
}

void
message_fold(struct buf *out, const char *text)
{
	struct bytes rest = bytes_of_string(text);
	uint32_t c;

	for (fold_ascii(out, &rest); message_next_char(&rest, &c); fold_ascii(out, &rest))
		message_fold_char(out, c);
}
