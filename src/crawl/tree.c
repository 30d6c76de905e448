/* SPDX-License-Identifier: Apache-2.0 */
/* A mailbox's folders: listed, put in order, given paths, judged. Folder trees come flat and in any
 * order. */
#include <stdlib.h>
#include <string.h>

#include "exarch/clock.h"
#include "internal.h"

/* Exchange allows some 300 levels; a server that links folders in a ring must not keep us. */
#define DEPTH_MAX 512
#define FOLDERS_MAX ((size_t)1000000)
/* '/' separates folders in a path; inside a name it is shown as U+2215, DIVISION SLASH. */
#define SLASH_IN_NAME "\xe2\x88\x95"

static void
folder_done(struct crawl_folder *f)
{
	exa_free(f->id);
	exa_free(f->parent_id);
	exa_free(f->name);
	exa_free(f->path);
	exa_free(f->class);
	exa_free(f->replica);
	exa_free(f->content);
	exa_free(f->below);
}

void
crawl_tree_done(struct crawl_tree *t)
{
	for (size_t i = 0; i < t->count; i++)
		folder_done(&t->folders[i]);
	exa_free(t->folders);
	*t = (struct crawl_tree){ 0 };
}

struct collect {
	struct crawl_tree tree;
	size_t capacity;
	uint32_t level;
};

static bool
collect_folder(void *ctx, const struct ews_folder *f, struct exa_error *err)
{
	struct collect *c = ctx;

	if (c->tree.count >= FOLDERS_MAX)
		return exa_fail(err, EXA_LIMIT, "more than %zu folders", FOLDERS_MAX);
	if (c->tree.count == c->capacity) {
		c->capacity = c->capacity > 0 ? c->capacity * 2 : 64;
		c->tree.folders =
			exa_realloc_array(c->tree.folders, c->capacity, sizeof *c->tree.folders);
	}
	c->tree.folders[c->tree.count++] = (struct crawl_folder){
		.id = exa_strdup(f->id),
		.parent_id = exa_strdup(f->parent_id),
		.name = exa_strdup(f->name),
		.class = exa_strdup(f->class),
		.role = f->role,
		.hidden = f->hidden,
		.search_folder = f->search_folder,
		.total_count = f->total_count,
		.size_bytes = f->size_bytes,
		.changed_ns = f->changed_ns,
		.replica = exa_strdup(f->replica != NULL ? f->replica : ""),
		.child_count = f->child_count,
		.level = c->level,
	};
	return true;
}

enum reach { ALL_BELOW, RIGHT_BELOW };

static bool
list_below(struct ews *ews, const struct ews_mailbox *mailbox, const char *parent, enum reach reach,
	struct collect *c, struct exa_error *err)
{
	const struct ews_folder_sink sink = { .folder = collect_folder, .ctx = c };
	int64_t offset = 0;

	while (offset >= 0) {
		int64_t next;
		bool good = reach == ALL_BELOW
				    ? ews_find_folders(ews, mailbox, offset, &sink, &next, err)
				    : ews_find_children(
					      ews, mailbox, parent, offset, &sink, &next, err);

		if (!good)
			return false;
		if (next >= 0 && next <= offset)
			return exa_fail(err, EXA_PROTOCOL,
				"the folder listing doesn't move on from offset %lld",
				(long long)offset);
		offset = next;
	}
	return true;
}

/* Whose rights don't reach below a folder still sees the others. */
static bool
note_refusal(struct crawl_folder *f, const struct exa_error *why)
{
	if (why->code != EXA_DENIED && why->code != EXA_GONE)
		return false;
	f->below = exa_alloc(sizeof *f->below);
	*f->below = *why;
	return true;
}

/* Level by level. */
static bool
list_public(struct ews *ews, const struct ews_mailbox *mailbox, struct collect *c,
	struct exa_error *err)
{
	if (!list_below(ews, mailbox, NULL, RIGHT_BELOW, c, err))
		return false;
	for (size_t i = 0; i < c->tree.count; i++) {
		const char *id = c->tree.folders[i].id; /* outlives the array */

		if (c->tree.folders[i].child_count == 0)
			continue;
		c->level = c->tree.folders[i].level + 1;
		if (c->level > DEPTH_MAX)
			return exa_fail(err, EXA_LIMIT, "folders deeper than %d levels", DEPTH_MAX);
		if (!list_below(ews, mailbox, id, RIGHT_BELOW, c, err) &&
			!note_refusal(&c->tree.folders[i], err))
			return false;
	}
	return true;
}

static bool
passes(const struct exa_error *why)
{
	return why->code == EXA_NET || why->code == EXA_TIMEOUT || why->code == EXA_THROTTLED ||
	       why->code == EXA_UNREACHABLE || why->code == EXA_CANCELLED;
}

static bool
find_content(const struct crawl_public *routing, struct crawl_tree *t, size_t which,
	struct exa_error *err)
{
	struct crawl_folder *f = &t->folders[which];
	EXA_AUTO(buf_done) struct buf address = { 0 };

	for (size_t i = 0; i < which; i++) {
		if (strcmp(t->folders[i].replica, f->replica) != 0)
			continue;
		f->content =
			t->folders[i].content != NULL ? exa_strdup(t->folders[i].content) : NULL;
		return true;
	}
	if (!routing->content(routing->ctx, f->replica, &address, err))
		return !passes(err);
	f->content = exa_strdup(buf_string(&address));
	return true;
}

/* Where the content of each folder is asked for. */
static bool
find_contents(const struct crawl_public *routing, struct crawl_tree *t, struct exa_error *err)
{
	for (size_t i = 0; i < t->count; i++) {
		if (t->folders[i].replica[0] != '\0' && !find_content(routing, t, i, err))
			return exa_while(err, "looking for the content of public folders");
	}
	return true;
}

static int
by_id(const void *a, const void *b)
{
	const struct crawl_folder *x = a, *y = b;

	return strcmp(x->id, y->id);
}

/* A folder made while we page through the listing moves others to the next page: they come twice,
 * and two crawls of one folder would disturb each other. Leaves the folders in order of their ids.
 */
static void
drop_doubles(struct crawl_tree *t)
{
	size_t kept = 0;

	exa_sort(t->folders, t->count, sizeof *t->folders, by_id);
	for (size_t i = 0; i < t->count; i++) {
		if (kept > 0 && by_id(&t->folders[kept - 1], &t->folders[i]) == 0)
			folder_done(&t->folders[i]);
		else
			t->folders[kept++] = t->folders[i];
	}
	t->count = kept;
}

/* In a tree in order of ids. */
static struct crawl_folder *
find_id(const struct crawl_tree *t, char *id)
{
	const struct crawl_folder key = { .id = id };

	return bsearch(&key, t->folders, t->count, sizeof *t->folders, by_id);
}

static void
add_name(struct buf *path, const char *name)
{
	buf_add_byte(path, '/');
	for (; *name != '\0'; name++) {
		if (*name == '/')
			buf_add_string(path, SLASH_IN_NAME);
		else
			buf_add_byte(path, (uint8_t)*name);
	}
}

static bool
is_standard(enum ews_role role)
{
	return role == EWS_ROLE_DELETED || role == EWS_ROLE_DRAFTS || role == EWS_ROLE_JUNK ||
	       role == EWS_ROLE_OUTBOX || role == EWS_ROLE_SYNC_ISSUES;
}

static enum rules_role
rules_role_of(enum ews_role role)
{
	switch (role) {
	case EWS_ROLE_ROOT:
		return RULES_ROLE_ROOT;
	case EWS_ROLE_DELETED:
		return RULES_ROLE_DELETED;
	case EWS_ROLE_DRAFTS:
		return RULES_ROLE_DRAFTS;
	case EWS_ROLE_JUNK:
		return RULES_ROLE_JUNK;
	case EWS_ROLE_OUTBOX:
		return RULES_ROLE_OUTBOX;
	case EWS_ROLE_SYNC_ISSUES:
		return RULES_ROLE_SYNC_ISSUES;
	case EWS_ROLE_NONE:
	case EWS_ROLE_INBOX:
	case EWS_ROLE_SENT:
	case EWS_ROLE_CALENDAR:
	case EWS_ROLE_CONTACTS:
	case EWS_ROLE_TASKS:
	case EWS_ROLE_NOTES:
	case EWS_ROLE_JOURNAL:
	case EWS_ROLE_OTHER:
		return RULES_ROLE_PLAIN;
	}
	return RULES_ROLE_PLAIN;
}

/* Follows the parents up and writes the names down. A parent that isn't listed ends the path there.
 */
static void
make_path(const struct crawl_tree *t, struct crawl_folder *f, bool *below_standard_out)
{
	struct crawl_folder *chain[DEPTH_MAX];
	struct buf path = { 0 };
	size_t depth = 0;

	*below_standard_out = false;
	for (struct crawl_folder *at = f;
		at != NULL && at->role != EWS_ROLE_ROOT && depth < DEPTH_MAX;
		at = find_id(t, at->parent_id)) {
		if (at != f && is_standard(at->role))
			*below_standard_out = true;
		chain[depth++] = at;
	}
	while (depth > 0)
		add_name(&path, chain[--depth]->name);
	if (path.size == 0)
		buf_add_byte(&path, '/');
	exa_free(f->path);
	f->path = buf_steal(&path);
}

static int
by_path(const void *a, const void *b)
{
	const struct crawl_folder *x = a, *y = b;

	return strcmp(x->path, y->path);
}

void
tree_judge(struct crawl_tree *t, const struct rules *rules, enum catalog_part part)
{
	/* All of the recoverable items are out of users' sight. */
	const bool all_hidden = part == CATALOG_RECOVERABLE || part == CATALOG_ARCHIVE_RECOVERABLE;

	drop_doubles(t);
	for (size_t i = 0; i < t->count; i++) {
		struct crawl_folder *f = &t->folders[i];
		struct rules_folder facts = { .class = f->class,
			.role = rules_role_of(f->role),
			.hidden = f->hidden && !all_hidden,
			.search_folder = f->search_folder };

		make_path(t, f, &facts.below_standard);
		facts.path = f->path;
		rules_judge_folder(rules, &facts, &f->decision);
	}
	exa_sort(t->folders, t->count, sizeof *t->folders, by_path);
}

struct ews_mailbox
crawl_ews_mailbox(const struct crawl_mailbox *m)
{
	struct ews_mailbox mailbox = { .smtp = m->smtp };

	switch (m->part) {
	case CATALOG_PRIMARY:
		break;
	case CATALOG_PUBLIC:
		mailbox.part = EWS_PART_PUBLIC;
		mailbox.anchor = m->routing->hierarchy;
		mailbox.public_mailbox = m->routing->hierarchy_server;
		break;
	case CATALOG_ONLINE_ARCHIVE:
		mailbox.part = EWS_PART_ARCHIVE;
		break;
	case CATALOG_RECOVERABLE:
		mailbox.part = EWS_PART_RECOVERABLE;
		break;
	case CATALOG_ARCHIVE_RECOVERABLE:
		mailbox.part = EWS_PART_ARCHIVE_RECOVERABLE;
		break;
	}
	return mailbox;
}

static bool
list(struct ews *ews, const struct crawl_mailbox *of, struct collect *c, struct exa_error *err)
{
	struct ews_mailbox mailbox;

	if (of->part == CATALOG_PUBLIC && !of->routing->locate(of->routing->ctx, err))
		return false;
	mailbox = crawl_ews_mailbox(of);
	return of->part == CATALOG_PUBLIC ? list_public(ews, &mailbox, c, err) &&
						    find_contents(of->routing, &c->tree, err)
					  : list_below(ews, &mailbox, NULL, ALL_BELOW, c, err);
}

bool
tree_list(struct ews *ews, const struct crawl_mailbox *of, struct crawl_tree *out,
	struct exa_error *err)
{
	struct collect c = { 0 };

	if (!list(ews, of, &c, err)) {
		crawl_tree_done(&c.tree);
		return exa_while(err, "listing folders");
	}
	drop_doubles(&c.tree);
	*out = c.tree;
	return true;
}

const char *
tree_root_id(const struct crawl_tree *t)
{
	const char *root = NULL;

	for (size_t i = 0; i < t->count; i++) {
		const struct crawl_folder *f = &t->folders[i];

		if (find_id(t, f->parent_id) != NULL)
			continue;
		if (f->parent_id[0] == '\0' || (root != NULL && strcmp(root, f->parent_id) != 0))
			return NULL;
		root = f->parent_id;
	}
	return root;
}

static void
add_folder(struct crawl_tree *t, struct crawl_folder folder)
{
	t->folders = exa_realloc_array(t->folders, t->count + 1, sizeof *t->folders);
	t->folders[t->count++] = folder;
}

void
tree_assume_root(struct crawl_tree *t, const char *id)
{
	add_folder(t, (struct crawl_folder){ .id = exa_strdup(id),
			      .parent_id = exa_strdup(""),
			      .name = exa_strdup(""),
			      .class = exa_strdup(""),
			      .replica = exa_strdup(""),
			      .role = EWS_ROLE_ROOT,
			      .size_bytes = -1,
			      .changed_ns = EXA_NO_TIME });
}

void
tree_forget(struct crawl_tree *t, const char *id)
{
	size_t kept = 0;

	for (size_t i = 0; i < t->count; i++) {
		if (strcmp(t->folders[i].id, id) == 0)
			folder_done(&t->folders[i]);
		else
			t->folders[kept++] = t->folders[i];
	}
	t->count = kept;
}

bool
tree_ask_root(struct ews *ews, const struct crawl_mailbox *of, struct crawl_tree *t,
	struct exa_error *err)
{
	const struct ews_mailbox mailbox = crawl_ews_mailbox(of);
	struct collect c = { 0 };
	const struct ews_folder_sink sink = { .folder = collect_folder, .ctx = &c };
	const char *root_id = tree_root_id(t);
	bool good;

	if (mailbox.part == EWS_PART_PUBLIC) { /* nothing can be put there */
		tree_assume_root(t, root_id != NULL ? root_id : "");
		return true;
	}
	good = ews_get_folder(ews, &mailbox, NULL, &sink, err);
	if (good) {
		add_folder(t, c.tree.folders[0]);
		c.tree.count = 0;
	}
	crawl_tree_done(&c.tree);
	return good || exa_while(err, "asking for the root folder");
}

bool
crawl_tree_load(struct ews *ews, const struct crawl_mailbox *of, const struct rules *rules,
	struct crawl_tree *out, struct exa_error *err)
{
	struct crawl_tree tree;

	if (!tree_list(ews, of, &tree, err))
		return false;
	if (!tree_ask_root(ews, of, &tree, err)) {
		crawl_tree_done(&tree);
		return false;
	}
	tree_judge(&tree, rules, of->part);
	*out = tree;
	return true;
}
