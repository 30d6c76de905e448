/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>
#include <strings.h>

#include "exarch/mem.h"
#include "join.h"

/* "=?charset?B?text?=" */
struct word {
	const char *charset;
	size_t charset_size;
	const char *text;
	size_t text_size;
	const char *end; /* behind it */
};

/* Reads the base64 word that stands at P. */
static bool
word_at(const char *p, struct word *out)
{
	struct word w;

	if (strncmp(p, "=?", 2) != 0)
		return false;
	w.charset = p + 2;
	w.charset_size = strcspn(w.charset, "? \t");
	p = w.charset + w.charset_size;
	if (w.charset_size == 0 || strncasecmp(p, "?B?", 3) != 0)
		return false;
	w.text = p + 3;
	w.text_size = strcspn(w.text, "? \t");
	if (strncmp(w.text + w.text_size, "?=", 2) != 0)
		return false;
	w.end = w.text + w.text_size + 2;
	*out = w;
	return true;
}

static bool
add_decoded(struct buf *bytes, const struct word *w)
{
	EXA_AUTO(exa_freep) char *text = exa_strndup(w->text, w->text_size);
	size_t before = bytes->size;

	if (buf_decode_base64(bytes, text))
		return true;
	bytes->size = before;
	return false;
}

static bool
same_charset(const struct word *a, const struct word *b)
{
	return a->charset_size == b->charset_size &&
	       strncasecmp(a->charset, b->charset, a->charset_size) == 0;
}

/* Joins the run that begins with FIRST and gives where it ends; NULL when FIRST isn't base64 after
 * all. */
static const char *
join_run(struct buf *out, const struct word *first)
{
	EXA_AUTO(buf_done) struct buf bytes = { 0 };
	const char *end = first->end;
	struct word next;

	if (!add_decoded(&bytes, first))
		return NULL;
	while (word_at(end + strspn(end, " \t\r\n"), &next) && same_charset(first, &next) &&
		add_decoded(&bytes, &next))
		end = next.end;
	buf_add_string(out, "=?");
	buf_add(out, first->charset, first->charset_size);
	buf_add_string(out, "?B?");
	buf_add_base64(out, buf_bytes(&bytes));
	buf_add_string(out, "?=");
	return end;
}

void
words_join(struct buf *out, const char *value)
{
	while (*value != '\0') {
		struct word w;
		const char *end = word_at(value, &w) ? join_run(out, &w) : NULL;

		if (end == NULL)
			buf_add_byte(out, (uint8_t)*value++);
		else
			value = end;
	}
}
