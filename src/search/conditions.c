/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "exarch/mem.h"
#include "internal.h"

void
search_conditions_done(struct search_conditions *c)
{
	search_match_free(c->subject);
	search_match_free(c->sender);
	search_match_free(c->recipient);
	search_match_free(c->message_id);
	search_match_free(c->class);
	search_match_free(c->attachment);
	search_query_free(c->words);
	*c = (struct search_conditions){ 0 };
}

bool
search_conditions_any(const struct search_conditions *c)
{
	return c->subject != NULL || c->sender != NULL || c->recipient != NULL ||
	       c->message_id != NULL || c->class != NULL || c->attachment != NULL ||
	       c->kinds != 0 || c->has_attachment || c->words != NULL;
}

enum facts_depth
conditions_depth(const struct search_conditions *c)
{
	if (c->words != NULL || c->attachment != NULL || c->has_attachment)
		return FACTS_ALL;
	if (c->subject != NULL || c->sender != NULL || c->recipient != NULL ||
		c->message_id != NULL)
		return FACTS_HEAD;
	return FACTS_RECORD;
}

static bool
holds(const struct search_match *m, const char *text)
{
	return m == NULL || search_matches(m, text);
}

static bool
holds_for_a_line(const struct search_match *m, const char *lines)
{
	if (m == NULL)
		return true;
	while (*lines != '\0') {
		size_t size = strcspn(lines, "\n");
		EXA_AUTO(exa_freep) char *line = exa_strndup(lines, size);

		if (search_matches(m, line))
			return true;
		lines += size + (lines[size] == '\n');
	}
	return false;
}

bool
conditions_hold(const struct search_conditions *c, const struct condition_texts *t)
{
	return (!c->has_attachment || t->has_attachments == 1) &&
	       (c->kinds == 0 || (c->kinds >> rules_class_of(t->class) & 1) != 0) &&
	       holds(c->class, t->class) && holds(c->message_id, t->message_id) &&
	       holds(c->subject, t->subject) && holds(c->sender, t->sender) &&
	       holds_for_a_line(c->recipient, t->recipients) &&
	       holds_for_a_line(c->attachment, t->names);
}

/* ---- from the archive ---- */

static char *
join_recipients(const struct message_head *h)
{
	const char *const of[] = { h->to, h->cc, h->bcc };
	struct buf lines = { 0 };

	for (size_t i = 0; i < sizeof of / sizeof of[0]; i++) {
		if (of[i] == NULL || of[i][0] == '\0')
			continue;
		if (lines.size > 0)
			buf_add_byte(&lines, '\n');
		buf_add_string(&lines, of[i]);
	}
	return buf_steal(&lines);
}

static bool
read_message(struct store_reader *r, const struct store_id *recipe, enum facts_depth depth,
	struct facts *f, struct exa_error *err)
{
	switch (depth) {
	case FACTS_RECORD:
		return true;
	case FACTS_HEAD:
		return message_head_read(r, recipe, &f->words.head, err);
	case FACTS_ALL:
		return message_words_read(r, recipe, &f->words, err);
	}
	return true;
}

bool
facts_read(struct store_reader *r, const struct catalog_row *row, enum facts_depth depth,
	struct buf *scratch, struct facts *out, struct exa_error *err)
{
	struct catalog_item item;
	struct store_id recipe;
	struct facts f = { 0 };
	bool has_mime;

	if (!catalog_item_read(r, row, scratch, &item, err))
		return false;
	has_mime = catalog_item_has_mime(&item);
	recipe = item.recipe;
	f.class = exa_strdup(item.class != NULL ? item.class : "");
	f.message_id = exa_strdup(item.internet_message_id != NULL ? item.internet_message_id : "");
	f.has_attachments = item.has_attachments;
	if (has_mime && !read_message(r, &recipe, depth, &f, err)) { /* ITEM's texts are void now */
		facts_done(&f);
		return false;
	}
	f.recipients = join_recipients(&f.words.head);
	if (f.has_attachments < 0)
		f.has_attachments = f.words.attachment_count > 0;
	if (f.words.head.message_id != NULL && f.words.head.message_id[0] != '\0') {
		exa_free(f.message_id);
		f.message_id = exa_strdup(f.words.head.message_id);
	}
	*out = f;
	return true;
}

void
facts_done(struct facts *f)
{
	message_words_done(&f->words);
	exa_free(f->recipients);
	exa_free(f->message_id);
	exa_free(f->class);
	*f = (struct facts){ 0 };
}
