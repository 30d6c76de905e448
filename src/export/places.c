/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A mailbox's folders are a tree of path prefixes. Each prefix gets a name that no sibling has in
 * the eyes of any file system (folded: name.h); a second folder of the very same path (deleted and
 * made again at the server) gets a name of its own too.
 */
#include <string.h>

#include <glib.h>

#include "exarch/ews.h"
#include "exarch/fs.h"
#include "exarch/mem.h"
#include "journal.h"
#include "maildir.h"
#include "name.h"
#include "places.h"

struct places {
	GHashTable *mailboxes; /* number -> place */
	GHashTable *top;       /* folded places of mailboxes: a set */
	/* of the mailbox entered: */
	const char *root;
	GHashTable *prefixes; /* path at the server -> struct prefix */
	GHashTable *taken;    /* folded places: a set */
	GHashTable *folders;  /* number -> place */
	GArray *order;        /* their numbers, as they were added */
	char *inbox;          /* the place of the inbox, or NULL */
	GHashTable *flat; /* number -> place as Maildir++ has it; filled when one is asked for */
};

struct prefix {
	char *place;
	bool owned; /* a folder has it, not only folders below it */
};

static void
prefix_free(gpointer data)
{
	struct prefix *x = data;

	exa_free(x->place);
	exa_free(x);
}

static GHashTable *
numbers_to_places(void)
{
	return g_hash_table_new_full(g_direct_hash, g_direct_equal, NULL, exa_free);
}

static GHashTable *
set_of_texts(void)
{
	return g_hash_table_new_full(g_str_hash, g_str_equal, exa_free, NULL);
}

static void
forget_mailbox(struct places *p)
{
	g_hash_table_remove_all(p->prefixes);
	g_hash_table_remove_all(p->taken);
	g_hash_table_remove_all(p->folders);
	g_hash_table_remove_all(p->flat);
	g_array_set_size(p->order, 0);
	exa_free(p->inbox);
	p->inbox = NULL;
}

/* Appends " (2)", " (3)", ... to PARENT/NAME until nobody has it, and takes it. Gives it. */
static char *
take_place(GHashTable *taken, const char *parent, const char *name)
{
	for (unsigned n = 1;; n++) {
		EXA_AUTO(buf_done) struct buf folded = { 0 };
		struct buf place = { 0 };
		char *key;

		if (parent[0] != '\0')
			buf_printf(&place, "%s/", parent);
		buf_add_string(&place, name);
		if (n > 1)
			buf_printf(&place, " (%u)", n);
		name_add_folded(&folded, buf_string(&place));
		key = buf_steal(&folded);
		if (g_hash_table_add(taken, key))
			return buf_steal(&place);
		buf_done(&place);
	}
}

struct places *
places_new(void)
{
	static const char *const ours[] = { TARGET_WORKSHOP, JOURNAL_ITEMS, JOURNAL_SUMS,
		PLACES_FILES };
	struct places *p = exa_alloc(sizeof *p);

	p->mailboxes = numbers_to_places();
	p->top = set_of_texts();
	p->prefixes = g_hash_table_new_full(g_str_hash, g_str_equal, exa_free, prefix_free);
	p->taken = set_of_texts();
	p->folders = numbers_to_places();
	p->flat = numbers_to_places();
	p->order = g_array_new(FALSE, FALSE, sizeof(uint32_t));
	for (size_t i = 0; i < sizeof ours / sizeof ours[0]; i++)
		exa_free(take_place(p->top, "", ours[i]));
	return p;
}

void
places_free(struct places *p)
{
	if (p == NULL)
		return;
	g_hash_table_destroy(p->mailboxes);
	g_hash_table_destroy(p->top);
	g_hash_table_destroy(p->prefixes);
	g_hash_table_destroy(p->taken);
	g_hash_table_destroy(p->folders);
	g_hash_table_destroy(p->flat);
	(void)g_array_free(p->order, TRUE);
	exa_free(p->inbox);
	exa_free(p);
}

/* The online archive of a mailbox stands beside it, not in it. */
void
places_add_mailbox(struct places *p, const struct catalog_mailbox *m)
{
	EXA_AUTO(buf_done) struct buf name = { 0 };

	name_add_folder(&name, m->smtp);
	buf_add_string(&name, catalog_part_suffix(m->part));
	(void)g_hash_table_insert(p->mailboxes, GUINT_TO_POINTER(m->number),
		take_place(p->top, "", buf_string(&name)));
}

void
places_enter_mailbox(struct places *p, uint32_t mailbox)
{
	forget_mailbox(p);
	p->root = g_hash_table_lookup(p->mailboxes, GUINT_TO_POINTER(mailbox));
	if (p->root == NULL)
		p->root = "_";
}

static char *
take_component(struct places *p, const char *parent, const char *start, size_t size)
{
	EXA_AUTO(exa_freep) char *text = exa_strndup(start, size);
	EXA_AUTO(buf_done) struct buf name = { 0 };

	name_add_folder(&name, text);
	return take_place(p->taken, parent, buf_string(&name));
}

/* The place of the path's first SIZE bytes, whose last component begins at START. */
static struct prefix *
prefix_of(struct places *p, const char *parent, const char *path, size_t size, const char *start)
{
	char *key = exa_strndup(path, size);
	struct prefix *x = g_hash_table_lookup(p->prefixes, key);

	if (x != NULL) {
		exa_free(key);
		return x;
	}
	x = exa_alloc(sizeof *x);
	x->place = take_component(p, parent, start, size - (size_t)(start - path));
	(void)g_hash_table_insert(p->prefixes, key, x);
	return x;
}

/* Gives the place its own: a folder of a path that another folder has stands beside it. */
static char *
own(struct places *p, struct prefix *x, const char *parent, const char *start, size_t size)
{
	if (!x->owned) {
		x->owned = true;
		return exa_strdup(x->place);
	}
	return take_component(p, parent, start, size);
}

void
places_add_folder(struct places *p, const struct catalog_folder *f)
{
	const char *parent = p->root, *at = f->path;
	/* The folder at the top has no name. */
	char *place = at[strspn(at, "/")] == '\0' ? exa_strdup(p->root) : NULL;

	while (place == NULL) {
		const char *start = at + strspn(at, "/");
		size_t size = strcspn(start, "/");
		const char *end = start + size;
		struct prefix *x = prefix_of(p, parent, f->path, (size_t)(end - f->path), start);

		if (end[strspn(end, "/")] == '\0')
			place = own(p, x, parent, start, size);
		parent = x->place;
		at = end;
	}
	(void)g_hash_table_insert(p->folders, GUINT_TO_POINTER(f->number), place);
	(void)g_array_append_val(p->order, f->number);
	if (f->role == EWS_ROLE_INBOX && !f->deleted && p->inbox == NULL)
		p->inbox = exa_strdup(place);
}

const char *
places_folder(const struct places *p, uint32_t folder)
{
	return g_hash_table_lookup(p->folders, GUINT_TO_POINTER(folder));
}

/* ---- Maildir++ ---- */

/* PLACE behind PARENT and its slash; NULL when it isn't below it. */
static const char *
below(const char *place, const char *parent)
{
	size_t size = strlen(parent);

	return strncmp(place, parent, size) == 0 && place[size] == '/' ? place + size + 1 : NULL;
}

static char *
flatten(struct places *p, GHashTable *taken, uint32_t number, const char *place)
{
	const char *rest = below(place, p->root), *in_inbox;
	EXA_AUTO(buf_done) struct buf name = { 0 };

	in_inbox = p->inbox != NULL ? below(place, p->inbox) : NULL;
	if (p->inbox != NULL && strcmp(place, p->inbox) == 0)
		return exa_strdup(p->root);
	if (in_inbox != NULL)
		buf_add_string(&name, ".INBOX");
	maildir_add_folder(&name, in_inbox != NULL ? in_inbox : rest != NULL ? rest : "(top)");
	if (name.size > MAILDIR_FOLDER_MAX) {
		buf_reset(&name);
		buf_printf(&name, ".(folder %u)", number);
	}
	return take_place(taken, p->root, buf_string(&name));
}

/* In the order of their numbers, as all names are given. */
static void
flatten_all(struct places *p)
{
	GHashTable *taken = set_of_texts();

	for (guint i = 0; i < p->order->len; i++) {
		uint32_t number = g_array_index(p->order, uint32_t, i);

		(void)g_hash_table_insert(p->flat, GUINT_TO_POINTER(number),
			flatten(p, taken, number, places_folder(p, number)));
	}
	g_hash_table_destroy(taken);
}

const char *
places_maildir(struct places *p, uint32_t folder)
{
	if (g_hash_table_size(p->flat) != g_hash_table_size(p->folders))
		flatten_all(p);
	return g_hash_table_lookup(p->flat, GUINT_TO_POINTER(folder));
}

char *
places_nested(const struct places *p, uint32_t folder)
{
	const char *place = places_folder(p, folder), *rest;
	EXA_AUTO(exa_freep) char *inbox = exa_asprintf("%s/INBOX", p->root);
	EXA_AUTO(buf_done) struct buf ours = { 0 };
	EXA_AUTO(buf_done) struct buf wanted = { 0 };

	if (p->inbox == NULL)
		return exa_strdup(place);
	name_add_folded(&ours, p->inbox);
	name_add_folded(&wanted, inbox);
	if (strcmp(buf_string(&ours), buf_string(&wanted)) != 0 &&
		g_hash_table_contains(p->taken, buf_string(&wanted)))
		return exa_strdup(place);
	rest = below(place, p->inbox);
	return rest != NULL                   ? fs_join(inbox, rest)
	       : strcmp(place, p->inbox) == 0 ? exa_strdup(inbox)
					      : exa_strdup(place);
}

const char *
places_root(const struct places *p)
{
	return p->root;
}
