/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "exarch/mem.h"
#include "exarch/message.h"
#include "exarch/pattern.h"
#include "exarch/search.h"

enum match_kind { MATCH_IN, MATCH_WHOLE, MATCH_EXPRESSION };

struct search_match {
	enum match_kind kind;
	char *text;         /* folded; of MATCH_IN the pieces between stars, each with its NUL */
	size_t piece_count; /* of MATCH_IN */
	struct pattern *pattern; /* of MATCH_EXPRESSION */
};

/* Stars become the ends of pieces; empty pieces are left out. */
static void
cut_at_stars(struct search_match *m, const char *folded)
{
	struct buf pieces = { 0 };

	while (*folded != '\0') {
		size_t size = strcspn(folded, "*");

		if (size > 0) {
			buf_add(&pieces, folded, size);
			buf_add_byte(&pieces, 0);
			m->piece_count++;
		}
		folded += size + (folded[size] == '*');
	}
	m->text = buf_steal(&pieces);
}

bool
search_match_compile(const char *text, struct search_match **out, struct exa_error *err)
{
	EXA_AUTO(buf_done) struct buf folded = { 0 };
	struct search_match *m;
	const char *literal = text[0] == '=' ? text + 1 : text;
	struct pattern *pattern = NULL;
	bool expression = strncmp(text, "re:", 3) == 0;

	if (strlen(text) > SEARCH_TEXT_MAX)
		return exa_fail(
			err, EXA_USAGE, "the text is longer than %zu bytes", SEARCH_TEXT_MAX);
	if (text[0] == '\0')
		return exa_fail(err, EXA_USAGE,
			"there is nothing to look for; leave it out, or write a text");
	if (expression && !pattern_compile(text, &pattern, err))
		return false;
	message_fold(&folded, literal);
	m = exa_alloc(sizeof *m);
	m->pattern = pattern;
	m->kind = expression ? MATCH_EXPRESSION : text[0] == '=' ? MATCH_WHOLE : MATCH_IN;
	if (m->kind == MATCH_IN)
		cut_at_stars(m, buf_string(&folded));
	else
		m->text = exa_strdup(buf_string(&folded));
	*out = m;
	return true;
}

void
search_match_free(struct search_match *m)
{
	if (m == NULL)
		return;
	pattern_free(m->pattern);
	exa_free(m->text);
	exa_free(m);
}

/* One piece behind the other. */
static bool
has_pieces(const struct search_match *m, const char *folded)
{
	const char *piece = m->text;

	for (size_t i = 0; i < m->piece_count; i++, piece += strlen(piece) + 1) {
		const char *found = strstr(folded, piece);

		if (found == NULL)
			return false;
		folded = found + strlen(piece);
	}
	return true;
}

bool
search_matches(const struct search_match *m, const char *text)
{
	EXA_AUTO(buf_done) struct buf folded = { 0 };

	if (m->kind == MATCH_EXPRESSION)
		return pattern_matches(m->pattern, text);
	message_fold(&folded, text);
	return m->kind == MATCH_WHOLE ? strcmp(buf_string(&folded), m->text) == 0
				      : has_pieces(m, buf_string(&folded));
}
