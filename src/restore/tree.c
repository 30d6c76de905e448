/* SPDX-License-Identifier: Apache-2.0 */
/* A mailbox's folders as the server has them: what an archived folder can be found among. */
#include <string.h>
#include <strings.h>

#include "internal.h"

#define PLACES_MAX ((size_t)1000000)

struct place *
server_tree_add(struct tree *t, const char *parent_id, const char *id, const char *name)
{
	struct place *p = exa_alloc(sizeof *p);

	if (t->count == t->capacity) {
		t->capacity = t->capacity > 0 ? t->capacity * 2 : 64;
		t->places = exa_realloc_array(t->places, t->capacity, sizeof(struct place *));
	}
	*p = (struct place){
		.id = exa_strdup(id), .parent_id = exa_strdup(parent_id), .name = exa_strdup(name)
	};
	t->places[t->count++] = p;
	return p;
}

/* Search folders show what lies elsewhere: nothing can be put there. */
static bool
take_folder(void *ctx, const struct ews_folder *f, struct exa_error *err)
{
	struct tree *t = ctx;

	if (t->count >= PLACES_MAX)
		return exa_fail(err, EXA_LIMIT, "more than %zu folders", PLACES_MAX);
	if (!f->search_folder)
		server_tree_add(t, f->parent_id, f->id, f->name)->role = f->role;
	return true;
}

bool
server_tree_load(
	struct ews *ews, const struct ews_mailbox *mailbox, struct tree *out, struct exa_error *err)
{
	struct tree tree = { 0 };
	const struct ews_folder_sink sink = { .folder = take_folder, .ctx = &tree };
	int64_t offset = 0;
	bool good = ews_get_folder(ews, mailbox, NULL, &sink, err);

	while (good && offset >= 0)
		good = ews_find_folders(ews, mailbox, offset, &sink, &offset, err);
	if (good && tree.count == 0)
		good = exa_fail(err, EXA_PROTOCOL, "the mailbox has no root folder");
	if (!good) {
		server_tree_done(&tree);
		return exa_while(err, "listing folders");
	}
	*out = tree;
	return true;
}

void
server_tree_done(struct tree *t)
{
	for (size_t i = 0; i < t->count; i++) {
		exa_free(t->places[i]->id);
		exa_free(t->places[i]->parent_id);
		exa_free(t->places[i]->name);
		exa_free(t->places[i]);
	}
	exa_free(t->places);
	*t = (struct tree){ 0 };
}

struct place *
server_tree_root(struct tree *t)
{
	return t->places[0];
}

struct place *
server_tree_by_role(struct tree *t, enum ews_role role)
{
	for (size_t i = 0; i < t->count; i++) {
		if (t->places[i]->role == role)
			return t->places[i];
	}
	return NULL;
}

/* Exchange doesn't tell names apart by case; but what is written alike is meant first. */
struct place *
server_tree_child(struct tree *t, const struct place *parent, const char *name)
{
	struct place *like = NULL;

	for (size_t i = 1; i < t->count; i++) {
		struct place *p = t->places[i];

		if (strcmp(p->parent_id, parent->id) != 0)
			continue;
		if (strcmp(p->name, name) == 0)
			return p;
		if (like == NULL && strcasecmp(p->name, name) == 0)
			like = p;
	}
	return like;
}
