/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The root of a mailbox's tree. FindFolder names all folders but the one they hang below, so what the
 * root holds takes a second request, in every run, for a folder that is empty nearly always. It isn't
 * asked for (design promise 8) when all of this holds:
 *
 *     it was empty when it was last asked for, less than `full_sync_ns` ago,
 *     the archive never had an item of it,
 *     it is the same one: the only parent in the tree that isn't listed itself,
 *     and no folder that is archived has any news.
 *
 * What was last found stands as the sync note of folder 0, which no folder is: its state is the
 * root's id. A rebuild loses it, then the root is asked for.
 */
#include <string.h>

#include "exarch/clock.h"
#include "internal.h"

#define ROOT_NOTE 0

static bool
was_empty(const struct mailbox *m, struct store_txn *txn, uint32_t mailbox, const char *root_id,
	bool *out, struct exa_error *err)
{
	const struct crawl_run *run = m->run;
	struct catalog_sync note;
	bool noted, is_known;
	uint32_t number;

	if (!catalog_sync_get(txn, mailbox, ROOT_NOTE, &noted, &note, err))
		return false;
	*out = noted && strcmp(note.state, root_id) == 0 && note.total_count == 0 &&
	       note.listed_ns != EXA_NO_TIME &&
	       run->now_ns - note.listed_ns < run->options->full_sync_ns;
	if (!catalog_find_folder(txn, mailbox, root_id, &is_known, &number, err))
		return false;
	*out = *out && !is_known;
	return true;
}

static bool
has_news(const struct mailbox *m, struct store_txn *txn, uint32_t mailbox,
	const struct crawl_tree *tree, bool *out, struct exa_error *err)
{
	*out = false;
	for (size_t i = 0; i < tree->count && !*out; i++) {
		const struct crawl_folder *f = &tree->folders[i];
		const struct folder_facts told = { .changed_ns = f->changed_ns,
			.total_count = f->total_count };
		struct catalog_sync sync;
		uint32_t number;
		bool found;

		if (f->decision.verdict != RULES_ARCHIVE || f->role == EWS_ROLE_ROOT)
			continue;
		if (!catalog_find_folder(txn, mailbox, f->id, &found, &number, err))
			return false;
		if (found && !catalog_sync_get(txn, mailbox, number, &found, &sync, err))
			return false;
		*out = !found || !folder_is_as_listed(m->run, &told, &sync);
	}
	return true;
}

/* If so, the tree has the root in it, as empty, and is judged. */
static bool
may_be_assumed(struct mailbox *m, struct crawl_tree *tree, bool *out, struct exa_error *err)
{
	EXA_AUTO(store_read_endp) struct store_txn *txn = NULL;
	const char *root_id = tree_root_id(tree);
	uint32_t mailbox;
	bool found, news;

	*out = false;
	if (root_id == NULL || m->run->options->full_sync_ns == 0 ||
		m->what->part == CATALOG_PUBLIC)
		return true;
	if (!store_read_begin(catalog_store(m->run->catalog), &txn, err) ||
		!catalog_find_mailbox(txn, m->what->part, m->what->smtp, &found, &mailbox, err) ||
		(found && !was_empty(m, txn, mailbox, root_id, &found, err)))
		return false;
	if (!found)
		return true;
	tree_assume_root(tree, root_id);
	tree_judge(tree, m->run->options->rules, m->what->part);
	if (!has_news(m, txn, mailbox, tree, &news, err))
		return false;
	*out = !news;
	if (news)
		tree_forget(tree, root_id);
	return true;
}

bool
root_load_tree(struct crawl_thread *t, struct mailbox *m, struct crawl_tree *out, bool *asked_out,
	struct exa_error *err)
{
	struct crawl_tree tree;
	bool assumed;

	if (!tree_list(t->ews, m->what, &tree, err))
		return false;
	if (!may_be_assumed(m, &tree, &assumed, err) ||
		(!assumed && !tree_ask_root(t->ews, m->what, &tree, err))) {
		crawl_tree_done(&tree);
		return false;
	}
	if (!assumed)
		tree_judge(&tree, m->run->options->rules, m->what->part);
	*asked_out = !assumed && m->what->part != CATALOG_PUBLIC;
	*out = tree;
	return true;
}

bool
root_note(struct crawl_thread *t, struct mailbox *m, const struct crawl_tree *tree,
	struct exa_error *err)
{
	for (size_t i = 0; i < tree->count; i++) {
		const struct crawl_folder *f = &tree->folders[i];
		const struct catalog_sync note = { .state = f->id,
			.fingerprint = m->run->options->fingerprint,
			.changed_ns = f->changed_ns,
			.total_count = f->total_count,
			.listed_ns = m->asked_ns };
		uint64_t epoch;

		if (f->role != EWS_ROLE_ROOT)
			continue;
		catalog_batch_sync(&t->batch, m->number, ROOT_NOTE, &note);
		return submit(t, m, &epoch, err);
	}
	return true;
}
