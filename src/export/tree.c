/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "tree.h"

static const char *
copy(struct arena *a, const char *text)
{
	return text == NULL ? "" : arena_strndup(a, text, CATALOG_TEXT_MAX);
}

static bool
matches(const struct pattern *p, const char *subject)
{
	return p == NULL || pattern_matches(p, subject);
}

static bool
take_mailbox(void *ctx, const struct catalog_mailbox *m, struct exa_error *err)
{
	struct tree *t = ctx;
	struct tree_mailbox mine = { .mailbox = *m,
		.wanted = matches(t->selection->mailbox, m->smtp) };

	(void)err;
	mine.mailbox.smtp = copy(t->texts, m->smtp);
	mine.mailbox.display_name = copy(t->texts, m->display_name);
	t->mailboxes = exa_realloc_array(t->mailboxes, t->mailbox_count + 1, sizeof *t->mailboxes);
	t->mailboxes[t->mailbox_count++] = mine;
	return true;
}

struct loading {
	const struct selection *selection;
	struct tree_mailbox *m;
};

static bool
take_folder(void *ctx, const struct catalog_folder *f, struct exa_error *err)
{
	struct loading *l = ctx;
	struct tree_mailbox *m = l->m;
	struct tree_folder mine = { .folder = *f,
		.wanted = matches(l->selection->folder, f->path) };

	(void)err;
	mine.folder.server_id = copy(m->texts, f->server_id);
	mine.folder.parent_id = copy(m->texts, f->parent_id);
	mine.folder.name = copy(m->texts, f->name);
	mine.folder.path = copy(m->texts, f->path);
	mine.folder.class = copy(m->texts, f->class);
	m->folders = exa_realloc_array(m->folders, m->folder_count + 1, sizeof *m->folders);
	m->folders[m->folder_count++] = mine;
	return true;
}

static int
by_mailbox_number(const void *a, const void *b)
{
	const struct tree_mailbox *x = a, *y = b;

	return x->mailbox.number < y->mailbox.number ? -1 : x->mailbox.number > y->mailbox.number;
}

static int
by_folder_number(const void *a, const void *b)
{
	const struct tree_folder *x = a, *y = b;

	return x->folder.number < y->folder.number ? -1 : x->folder.number > y->folder.number;
}

bool
tree_load(struct tree *t, struct catalog *c, const struct selection *s, struct exa_error *err)
{
	EXA_AUTO(store_read_endp) struct store_txn *txn = NULL;

	*t = (struct tree){ .catalog = c, .selection = s, .texts = arena_new() };
	if (!store_read_begin(catalog_store(c), &txn, err) ||
		!catalog_each_mailbox_shown(txn, take_mailbox, t, err))
		return false;
	if (t->mailbox_count > 0)
		exa_sort(t->mailboxes, t->mailbox_count, sizeof *t->mailboxes, by_mailbox_number);
	return true;
}

void
tree_drop_folders(struct tree_mailbox *m)
{
	arena_free(m->texts);
	exa_free(m->folders);
	m->texts = NULL;
	m->folders = NULL;
	m->folder_count = 0;
}

void
tree_done(struct tree *t)
{
	for (size_t i = 0; i < t->mailbox_count; i++)
		tree_drop_folders(&t->mailboxes[i]);
	exa_free(t->mailboxes);
	arena_free(t->texts);
}

bool
tree_load_folders(struct tree *t, struct tree_mailbox *m, struct exa_error *err)
{
	EXA_AUTO(store_read_endp) struct store_txn *txn = NULL;
	struct loading l = { .selection = t->selection, .m = m };

	if (m->texts != NULL)
		return true;
	m->texts = arena_new();
	if (!store_read_begin(catalog_store(t->catalog), &txn, err) ||
		!catalog_each_folder_shown(txn, m->mailbox.number, take_folder, &l, err)) {
		tree_drop_folders(m);
		return exa_while(err, "listing the folders of %s", m->mailbox.smtp);
	}
	if (m->folder_count > 0)
		exa_sort(m->folders, m->folder_count, sizeof *m->folders, by_folder_number);
	return true;
}

bool
tree_find(struct tree *t, const struct catalog_row *row, struct tree_mailbox **mailbox_out,
	struct tree_folder **folder_out, struct exa_error *err)
{
	const struct tree_mailbox mailbox_key = { .mailbox.number = row->mailbox };
	const struct tree_folder folder_key = { .folder.number = row->folder };
	struct tree_mailbox *m = t->mailbox_count == 0
					 ? NULL
					 : bsearch(&mailbox_key, t->mailboxes, t->mailbox_count,
						   sizeof *t->mailboxes, by_mailbox_number);
	struct tree_folder *f;

	if (m != NULL && !tree_load_folders(t, m, err))
		return false;
	f = m == NULL || m->folder_count == 0 ? NULL
					      : bsearch(&folder_key, m->folders, m->folder_count,
							sizeof *m->folders, by_folder_number);
	if (f == NULL)
		return exa_fail(err, EXA_CORRUPT,
			"index: item %llu is in a folder that isn't known; run `exarch rebuild`",
			(unsigned long long)row->number);
	*mailbox_out = m;
	*folder_out = f;
	return true;
}
