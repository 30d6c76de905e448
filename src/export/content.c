/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "exarch/mem.h"

#include "content.h"

struct content {
	struct catalog *catalog;
	const struct selection *selection;
	struct search *index;     /* NULL: none, or not usable */
	struct search_set *found; /* with an index and conditions */
	struct search_judge *judge;
	struct store_reader *reader;
	struct buf snippet;
	uint64_t judged; /* the item that the judge has at hand; 0 = none */
	bool told;       /* that items are read one at a time */
};

static void
tell(const struct selection *s, const char *text)
{
	if (s->note != NULL)
		s->note(s->note_ctx, text);
}

static bool
sorts_by_text(const struct selection *s)
{
	return s->sort == SELECT_BY_SUBJECT || s->sort == SELECT_BY_SENDER;
}

/* An index that fails is none: the archive has it all. */
void
content_give_up_index(struct content *k, const struct exa_error *why)
{
	EXA_AUTO(buf_done) struct buf text = { 0 };

	buf_printf(&text, "%s; going on without it; `exarch index` makes it again", why->text);
	tell(k->selection, buf_string(&text));
	search_set_free(k->found);
	k->found = NULL;
	search_closep(&k->index);
}

static bool
asks_for_rank(const struct selection *s)
{
	return s->sort == SELECT_BY_RANK && s->content.words != NULL && s->id_count == 0 &&
	       s->item_id == NULL;
}

bool
content_is_ranked(const struct content *k)
{
	return k != NULL && k->index != NULL && asks_for_rank(k->selection);
}

static void
use_index(struct content *k)
{
	struct search_conditions c = k->selection->content;
	const bool any = search_conditions_any(&c);
	struct exa_error why;

	if (asks_for_rank(k->selection))
		c.words = NULL; /* the hits come from search_ranked */
	if (!search_open(k->catalog, &k->index, &why) ||
		(k->index != NULL && any && !search_find(k->index, &c, &k->found, &why)))
		content_give_up_index(k, &why);
}

/* By rank no item comes that has no words: what can't be read must be told of otherwise. */
static void
tell_unreadable(struct content *k)
{
	EXA_AUTO(buf_done) struct buf text = { 0 };

	if (!content_is_ranked(k) || search_set_unreadable(k->found) == 0)
		return;
	buf_printf(&text,
		"%llu items are damaged and can't be searched; `exarch verify` names them",
		(unsigned long long)search_set_unreadable(k->found));
	tell(k->selection, buf_string(&text));
}

bool
content_open(
	struct catalog *c, const struct selection *s, struct content **out, struct exa_error *err)
{
	struct content *k;

	*out = NULL;
	if (!search_conditions_any(&s->content) && !sorts_by_text(s))
		return true;
	k = exa_alloc(sizeof *k);
	k->catalog = c;
	k->selection = s;
	use_index(k);
	tell_unreadable(k);
	k->judge = search_judge_new(&s->content);
	if (!store_reader_new(catalog_store(c), &k->reader, err)) {
		content_close(k);
		return false;
	}
	*out = k;
	return true;
}

void
content_close(struct content *k)
{
	if (k == NULL)
		return;
	search_set_free(k->found);
	search_close(k->index);
	search_judge_free(k->judge);
	store_reader_free(k->reader);
	buf_done(&k->snippet);
	exa_free(k);
}

struct search *
content_index(struct content *k)
{
	return k == NULL ? NULL : k->index;
}

static enum search_verdict
verdict_of(const struct content *k, const struct catalog_row *row)
{
	return k->found == NULL ? SEARCH_UNKNOWN : search_set_verdict(k->found, row);
}

bool
content_is_unknown(const struct content *k, const struct catalog_row *row)
{
	return verdict_of(k, row) == SEARCH_UNKNOWN;
}

static void
tell_once(struct content *k)
{
	if (!k->told && k->index == NULL)
		tell(k->selection,
			"there is no search index: reading the messages one after the other; "
			"`exarch index` makes it fast");
	else if (!k->told)
		tell(k->selection,
			"the search index doesn't have all items yet: reading the others one after "
			"the other; `exarch index` brings it up to date");
	k->told = true;
}

static bool
judge(struct content *k, const struct catalog_row *row, bool *holds_out, struct exa_error *err)
{
	struct exa_error why;

	tell_once(k);
	k->judged = row->number;
	if (search_judge_item(k->judge, k->reader, row, holds_out, &why))
		return true;
	k->judged = 0;
	*holds_out = why.code == EXA_CORRUPT; /* EXA_GONE: it has expired since */
	if (why.code == EXA_CORRUPT || why.code == EXA_GONE)
		return true;
	*err = why;
	return false;
}

bool
content_holds(
	struct content *k, const struct catalog_row *row, bool *holds_out, struct exa_error *err)
{
	*holds_out = true;
	if (k == NULL || !search_conditions_any(&k->selection->content))
		return true;
	switch (verdict_of(k, row)) {
	case SEARCH_UNKNOWN:
		return judge(k, row, holds_out, err);
	case SEARCH_NO:
		*holds_out = false;
		return true;
	case SEARCH_YES:
	case SEARCH_UNREADABLE:
		return true;
	}
	return true;
}

const char *
content_snippet(struct content *k, const struct catalog_row *row)
{
	struct exa_error ignored; /* a hit without its words is a hit */

	buf_reset(&k->snippet);
	if (k->selection->content.words == NULL)
		return "";
	if (k->judged == row->number)
		search_judge_snippet(k->judge, &k->snippet);
	else if (k->index == NULL || !search_snippet(k->index, k->selection->content.words,
					     row->number, &k->snippet, &ignored))
		return "";
	return buf_string(&k->snippet);
}
