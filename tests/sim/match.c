/* SPDX-License-Identifier: Apache-2.0 */
#include <fnmatch.h>
#include <string.h>
#include <strings.h>

#include "gen_rng.h"
#include "match.h"

enum { SEED_CHANCE = 60 };

bool
pattern_fits(const char *pattern, const char *text)
{
	return pattern == NULL || (text != NULL && fnmatch(pattern, text, FNM_CASEFOLD) == 0);
}

bool
pattern_fits_folder(const char *pattern, const struct view *v, size_t folder)
{
	EXA_AUTO(buf_done) struct buf path = { 0 };
	size_t chain[64], depth = 0;

	if (pattern_fits(pattern, v->folders[folder].name))
		return true;
	for (size_t f = folder; f > FOLDER_TOP && depth < 64; f = v->folders[f].parent)
		chain[depth++] = f;
	while (depth > 0) {
		buf_add_string(&path, v->folders[chain[--depth]].name);
		if (depth > 0)
			buf_add_byte(&path, '/');
	}
	return pattern_fits(pattern, buf_string(&path));
}

bool
where_is_about_targets(const struct scenario_where *w)
{
	return w->folder != NULL || w->subject != NULL || w->item_class != NULL || w->item > 0;
}

bool
where_fits_request(const struct scenario_where *w, const struct request_facts *f)
{
	bool is_ews = f->view != NULL;

	if (w->operation != NULL ? strcasecmp(w->operation, f->operation) != 0 : !is_ews)
		return false;
	if (w->mailbox != NULL && !pattern_fits(w->mailbox, f->mailbox))
		return false;
	return w->mime == SAID_NOTHING || (w->mime == SAID_YES) == f->wants_mime;
}

bool
where_fits_target(const struct scenario_where *w, const struct request_facts *f, size_t target)
{
	const struct target *t = &f->targets->rows[target];

	if (w->item > 0 && w->item != target + 1)
		return false;
	if (t->code != NULL)
		return !where_is_about_targets(w) || (w->item > 0 && w->folder == NULL);
	if (w->folder != NULL && !pattern_fits_folder(w->folder, f->view, t->folder))
		return false;
	if (w->subject == NULL && w->item_class == NULL)
		return true;
	return t->kind == TARGET_ITEM && pattern_fits(w->subject, t->item.subject) &&
	       pattern_fits(w->item_class, t->item.item_class);
}

uint64_t
when_key(const struct scenario_when *w, uint64_t rule, const struct request_facts *f,
	const struct target *target)
{
	uint64_t box = f->view != NULL ? get_be64(f->view->id.guid) : 0;
	uint64_t folder = target != NULL && target->code == NULL && f->view != NULL
				  ? f->view->folders[target->folder].number
				  : 0;

	switch (w->per) {
	case PER_ALL:
		break;
	case PER_MAILBOX:
		return gen_seed(box, 1, rule);
	case PER_FOLDER:
		return gen_seed(box ^ folder, 2, rule);
	case PER_ITEM: /* by search key: it is the same item after a move */
		return gen_seed(
			box ^ get_be64(target != NULL ? target->item.search_key : f->view->id.guid),
			3, rule);
	}
	return gen_seed(0, 0, rule);
}

bool
when_is_now(
	const struct scenario_when *w, struct tally *t, uint64_t key, uint64_t seed, int64_t age_s)
{
	uint64_t n = tally_add(t, key);
	double drawn;

	if ((w->nth > 0 && n != w->nth) || (w->every > 0 && n % w->every != 0) ||
		(w->first > 0 && n > w->first) || n <= w->after || age_s < (int64_t)w->seconds)
		return false;
	if (w->chance == NULL)
		return true;
	drawn = (double)(gen_seed(seed ^ key, SEED_CHANCE, n) >> 11) /
		9007199254740992.0; /* 2^53 */
	return drawn < *w->chance;
}
