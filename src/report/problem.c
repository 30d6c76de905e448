/* SPDX-License-Identifier: Apache-2.0 */
/* One cause often fails thousands of items: the first few of a kind are shown, the rest counted. */
#include <search.h>
#include <string.h>

#include "exarch/mem.h"
#include "internal.h"

#define TEXT_LIMIT ((size_t)1024) /* of one name or text in a line for people */
#define ITEM_SHOWN 16             /* server ids differ at their end */

static int
compare(const void *a, const void *b)
{
	const struct problem_group *x = a, *y = b;
	int order;

	if (x->code != y->code)
		return x->code < y->code ? -1 : 1;
	order = strcmp(x->name, y->name);
	return order != 0 ? order : strcmp(x->mailbox, y->mailbox);
}

static struct problem_group *
group_of(struct problem_book *book, const struct report_problem *p)
{
	EXA_AUTO(exa_freep) char *name = exa_strdup(p->why->name);
	EXA_AUTO(exa_freep) char *mailbox = exa_strdup(p->mailbox == NULL ? "" : p->mailbox);
	const struct problem_group key = { .code = p->why->code, .name = name, .mailbox = mailbox };
	struct problem_group **found = tfind(&key, &book->tree, compare), *group;

	if (found != NULL)
		return *found;
	if (book->count == PROBLEM_GROUPS_MAX)
		return NULL;
	group = exa_alloc(sizeof *group);
	*group = key;
	/* Out of memory: as everywhere, the repeats are just not collapsed. */
	(void)tsearch(group, &book->tree, compare);
	name = NULL;
	mailbox = NULL;
	if (book->last == NULL)
		book->first = group;
	else
		book->last->next = group;
	book->last = group;
	book->count++;
	return group;
}

bool
problem_note(struct problem_book *book, const struct report_problem *p)
{
	struct problem_group *group = group_of(book, p);

	if (group == NULL) {
		book->unlisted++;
		return false;
	}
	return ++group->count <= PROBLEM_SHOWN;
}

static void
keep_group(void *group)
{
	(void)group; /* the list frees it */
}

void
problem_book_done(struct problem_book *book)
{
	struct problem_group *next;

	tdestroy(book->tree, keep_group);
	for (struct problem_group *g = book->first; g != NULL; g = next) {
		next = g->next;
		exa_free(g->name);
		exa_free(g->mailbox);
		exa_free(g);
	}
	*book = (struct problem_book){ 0 };
}

static void
add_where(struct buf *out, const char *text)
{
	if (text == NULL || text[0] == '\0')
		return;
	buf_add_byte(out, ' ');
	report_clean(out, text, TEXT_LIMIT);
}

void
problem_text(const struct report_problem *p, struct buf *out)
{
	size_t size = p->item == NULL ? 0 : strlen(p->item), start = out->size;

	add_where(out, p->mailbox);
	add_where(out, p->folder);
	if (size > 0) {
		buf_add_string(out, size > ITEM_SHOWN ? " item ..." : " item ");
		report_clean(
			out, size > ITEM_SHOWN ? p->item + size - ITEM_SHOWN : p->item, TEXT_LIMIT);
	}
	if (out->size > start)
		buf_add_byte(out, ':');
	add_where(out, p->why->text[0] != '\0' ? p->why->text : exa_code_name(p->why->code));
	if (p->why->name[0] != '\0' && strstr(p->why->text, p->why->name) == NULL) {
		buf_add_string(out, " (");
		report_clean(out, p->why->name, TEXT_LIMIT);
		buf_add_byte(out, ')');
	}
	buf_add_byte(out, '\n');
}

void
problem_repeats_text(const struct problem_book *book, struct buf *out)
{
	for (const struct problem_group *g = book->first; g != NULL; g = g->next) {
		if (g->count <= PROBLEM_SHOWN)
			continue;
		buf_add_string(out, "problem:");
		add_where(out, g->mailbox);
		if (g->mailbox[0] != '\0')
			buf_add_byte(out, ':');
		add_where(out, g->name[0] != '\0' ? g->name : exa_code_name(g->code));
		buf_add_string(out, ": and ");
		add_count(out, g->count - PROBLEM_SHOWN);
		buf_add_string(out, " more of the same\n");
	}
	if (book->unlisted > 0) {
		buf_add_string(out, "problem: and ");
		add_count(out, book->unlisted);
		buf_add_string(out, " more, not shown\n");
	}
}
