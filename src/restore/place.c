/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where an archived folder belongs. Folders that every mailbox has are known by their role, not
 * their name: what was archived from /Posteingang/Projekte goes into the folder Projekte of the
 * inbox, whatever that is called there. So of a path, the longest beginning that is such a folder
 * is found by role; the rest, and everything below a folder that was named for the restore, by
 * names.
 */
#include <string.h>

#include "internal.h"

/* '/' inside a name, as it stands in archived paths. */
#define SLASH_IN_NAME "\xe2\x88\x95"

/* A mailbox has at most one of each. */
static bool
is_unique(enum ews_role role)
{
	switch (role) {
	case EWS_ROLE_ROOT:
	case EWS_ROLE_INBOX:
	case EWS_ROLE_SENT:
	case EWS_ROLE_DRAFTS:
	case EWS_ROLE_DELETED:
	case EWS_ROLE_JUNK:
	case EWS_ROLE_OUTBOX:
	case EWS_ROLE_CALENDAR:
	case EWS_ROLE_CONTACTS:
	case EWS_ROLE_TASKS:
	case EWS_ROLE_NOTES:
	case EWS_ROLE_JOURNAL:
		return true;
	case EWS_ROLE_NONE:
	case EWS_ROLE_SYNC_ISSUES:
	case EWS_ROLE_OTHER:
		break;
	}
	return false;
}

/* ---- what the archive knows of folders ---- */

static bool
take_archived(void *ctx, const struct catalog_folder *f, struct exa_error *err)
{
	struct archived_folders *all = ctx;

	(void)err;
	if (all->count == all->capacity) {
		all->capacity = all->capacity > 0 ? all->capacity * 2 : 64;
		all->of = exa_realloc_array(all->of, all->capacity, sizeof *all->of);
	}
	all->of[all->count++] = (struct archived_folder){ .path = exa_strdup(f->path),
		.class = exa_strdup(f->class),
		.role = (enum ews_role)f->role };
	return true;
}

bool
archived_folders_load(
	struct catalog *c, uint32_t mailbox, struct archived_folders *out, struct exa_error *err)
{
	EXA_AUTO(store_read_endp) struct store_txn *txn = NULL;

	return store_read_begin(catalog_store(c), &txn, err) &&
	       catalog_each_folder(txn, mailbox, take_archived, out, err);
}

void
archived_folders_done(struct archived_folders *f)
{
	for (size_t i = 0; i < f->count; i++) {
		exa_free(f->of[i].path);
		exa_free(f->of[i].class);
	}
	exa_free(f->of);
	*f = (struct archived_folders){ 0 };
}

/* The archived folder whose path is the first SIZE bytes of PATH; NULL when none is. */
static const struct archived_folder *
find_archived(const struct archived_folders *all, const char *path, size_t size)
{
	for (size_t i = 0; i < all->count; i++) {
		if (strncmp(all->of[i].path, path, size) == 0 && all->of[i].path[size] == '\0')
			return &all->of[i];
	}
	return NULL;
}

/* ---- the way ---- */

static void
way_add(struct way *w, const char *name, size_t size, const char *class)
{
	EXA_AUTO(buf_done) struct buf text = { 0 };

	while (size > 0) {
		const size_t slash = strlen(SLASH_IN_NAME);

		if (size >= slash && memcmp(name, SLASH_IN_NAME, slash) == 0) {
			buf_add_byte(&text, '/');
			name += slash;
			size -= slash;
		} else {
			buf_add_byte(&text, (uint8_t)*name++);
			size--;
		}
	}
	w->names = exa_realloc_array(w->names, w->count + 1, sizeof(char *));
	w->classes = exa_realloc_array(w->classes, w->count + 1, sizeof(char *));
	w->names[w->count] = buf_steal(&text);
	w->classes[w->count++] = exa_strdup(class);
}

/* All names of PATH from byte BEGIN on. ARCHIVED may be NULL: nothing is known of their classes. */
static void
add_names(struct way *w, const struct archived_folders *archived, const char *path, size_t begin)
{
	size_t at = begin;

	while (path[at] != '\0') {
		const size_t size = strcspn(path + at, "/");
		const struct archived_folder *known =
			archived == NULL ? NULL : find_archived(archived, path, at + size);

		if (size > 0)
			way_add(w, path + at, size, known != NULL ? known->class : "");
		at += size + (path[at + size] == '/');
	}
}

/* The longest beginning of PATH that is one of the folders every mailbox has; *SIZE_OUT is 0 when
 * that is its top. */
static struct place *
find_by_role(struct tree *tree, const struct archived_folders *archived, const char *path,
	size_t *size_out)
{
	for (size_t size = strlen(path); size > 1; size--) {
		const struct archived_folder *known;
		struct place *place;

		if (path[size] != '\0' && path[size] != '/')
			continue;
		known = find_archived(archived, path, size);
		if (known == NULL || !is_unique(known->role))
			continue;
		place = server_tree_by_role(tree, known->role);
		if (place != NULL) {
			*size_out = size;
			return place;
		}
	}
	*size_out = 0;
	return server_tree_root(tree);
}

void
way_find(struct tree *tree, const struct archived_folders *archived, const char *into,
	const char *path, struct way *out)
{
	size_t size = 0;

	*out = (struct way){ 0 };
	if (into != NULL) {
		out->from = server_tree_root(tree);
		add_names(out, NULL, into, 0);
	} else {
		out->from = find_by_role(tree, archived, path, &size);
	}
	add_names(out, archived, path, size);
}

void
way_done(struct way *w)
{
	for (size_t i = 0; i < w->count; i++) {
		exa_free(w->names[i]);
		exa_free(w->classes[i]);
	}
	exa_free(w->names);
	exa_free(w->classes);
	*w = (struct way){ 0 };
}
