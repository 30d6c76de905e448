/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>
#include <strings.h>

#include "exarch/clock.h"

#include "gen_rng.h"
#include "ids.h"
#include "live_box.h"

#define OWN_FOLDERS UINT64_C(0x700000000000) /* their numbers count up from here */
#define OWN_KEYS UINT64_C(0x4000000000000000)
#define OWN_ARTICLES UINT32_C(0x40000000)

struct live_store {
	struct mailstore store;
	struct mailstore *base;
	struct spool *spool;
	uint64_t run;
	pthread_mutex_t mu;
	struct live_box **boxes; /* under mu; made when first asked for, then kept */
	size_t box_count;
};

/* ---- items as records ---- */

struct live_item *
live_item_keep(struct live_item *e)
{
	atomic_fetch_add(&e->references, 1);
	return e;
}

void
live_item_drop(struct live_item *e)
{
	if (e == NULL || atomic_fetch_sub(&e->references, 1) != 1)
		return;
	arena_free(e->arena);
	exa_free(e->header);
	exa_free(e);
}

static const char *
keep(struct arena *a, const char *text)
{
	return text == NULL ? NULL : arena_strndup(a, text, strlen(text));
}

static void
copy_item(struct arena *a, const struct sim_item *from, struct sim_item *to)
{
	struct sim_property *properties =
		arena_alloc(a, (from->property_count + 1) * sizeof *properties);

	*to = *from;
	to->item_class = keep(a, from->item_class);
	to->subject = keep(a, from->subject);
	to->message_id = keep(a, from->message_id);
	to->categories = keep(a, from->categories);
	for (size_t i = 0; i < from->property_count; i++)
		properties[i] = (struct sim_property){ keep(a, from->properties[i].key),
			keep(a, from->properties[i].values), from->properties[i].is_many };
	to->properties = properties;
}

static struct live_item *
item_new(enum live_kind kind, uint64_t folder, const struct sim_item *item)
{
	struct live_item *e = exa_alloc(sizeof *e);

	e->references = 1;
	e->kind = kind;
	e->folder = folder;
	e->arena = arena_new();
	copy_item(e->arena, item, &e->item);
	return e;
}

/* A record with the same message behind it. */
static struct live_item *
item_over(const struct live_item *old, const struct sim_item *item)
{
	struct live_item *e = item_new(old->kind, old->folder, item);

	e->is_spooled = old->is_spooled;
	e->offset = old->offset;
	e->size = old->size;
	e->base_folder = old->base_folder;
	e->base_key = old->base_key;
	e->header = exa_strdup(old->header);
	e->was_read = old->was_read;
	e->was_size = old->was_size;
	return e;
}

/* ---- the box; all under its mu ---- */

static uint64_t
next_serial(struct live_box *box)
{
	uint64_t now = (uint64_t)clock_wall_ns();

	box->serial = now > box->serial ? now : box->serial + 1;
	view_drop(box->latest);
	box->latest = NULL;
	return box->serial;
}

static void
note(struct live_box *box, uint64_t folder, uint64_t key, enum change_kind kind)
{
	struct live_entry e = { next_serial(box), folder, key, kind, 0, false };

	e.created = kind == CHANGE_CREATE ? e.serial : 0;
	for (size_t i = box->entry_count; i > 0; i--) {
		struct live_entry *old = &box->journal[i - 1];

		if (old->key != key || old->folder != folder)
			continue;
		old->is_superseded = true;
		if (kind != CHANGE_CREATE)
			e.created = old->created;
		break;
	}
	if (box->entry_count == box->entry_room) {
		box->entry_room = box->entry_room * 2 + 64;
		box->journal =
			exa_realloc_array(box->journal, box->entry_room, sizeof *box->journal);
	}
	box->journal[box->entry_count++] = e;
}

static struct live_item **
find_edit(struct live_box *box, uint64_t folder, uint64_t key)
{
	for (size_t i = box->edit_count; i > 0; i--) {
		struct live_item *e = box->edits[i - 1];

		if (e->folder == folder && e->item.key == key)
			return &box->edits[i - 1];
	}
	return NULL;
}

static void
add_edit(struct live_box *box, struct live_item *e)
{
	if (box->edit_count == box->edit_room) {
		box->edit_room = box->edit_room * 2 + 64;
		box->edits =
			exa_realloc_array(box->edits, box->edit_room, sizeof(struct live_item *));
	}
	box->edits[box->edit_count++] = e;
}

/* The record of what is shown there now: an edit, or a new one of the base's item. The caller drops
 * it. */
static struct live_item *
record_of(struct live_box *box, uint64_t folder, uint64_t key)
{
	struct live_item **edit = find_edit(box, folder, key), *e;
	struct arena *arena;
	struct sim_item item;
	size_t place, position;

	if (edit != NULL)
		return (*edit)->kind == LIVE_REMOVED ? NULL : live_item_keep(*edit);
	if (!view_find_folder(box->base, folder, &place) ||
		!box->base->ops->find(box->base, place, key, &position))
		return NULL;
	arena = arena_new();
	box->base->ops->item(box->base, place, position, arena, &item);
	e = item_new(LIVE_CHANGED, folder, &item);
	arena_free(arena);
	e->base_folder = folder;
	e->base_key = key;
	e->was_read = item.is_read;
	e->was_size = item.size_bytes;
	return e;
}

/* Puts E (taken) where an edit of the same item was, or adds it. */
static void
put_edit(struct live_box *box, struct live_item *e)
{
	struct live_item **old = find_edit(box, e->folder, e->item.key);

	if (old == NULL) {
		add_edit(box, e);
		return;
	}
	live_item_drop(*old);
	*old = e;
}

static const char *
take_away(struct live_box *box, uint64_t folder, uint64_t key)
{
	struct live_item *e = record_of(box, folder, key), **edit, *gone;

	if (e == NULL)
		return "ErrorItemNotFound";
	if (e->kind == LIVE_ADDED) {
		edit = find_edit(box, folder, key);
		if (edit != NULL) {
			live_item_drop(*edit);
			*edit = box->edits[--box->edit_count];
		}
	} else {
		gone = item_over(e, &e->item);
		gone->kind = LIVE_REMOVED;
		put_edit(box, gone);
	}
	live_item_drop(e);
	note(box, folder, key, CHANGE_DELETE);
	return NULL;
}

static uint64_t
fresh_key(struct live_box *box)
{
	return (gen_mix(box->run ^ (box->serial + box->entry_count)) >> 2) | OWN_KEYS;
}

/* Later than whatever the base has or gets. */
static uint32_t
fresh_article(const struct live_box *box)
{
	return OWN_ARTICLES + (uint32_t)box->entry_count;
}

static uint64_t
fresh_change(struct live_box *box)
{
	return (box->serial / 1000 + box->entry_count) & ID_COUNTER_MAX;
}

static bool
has_folder(struct live_box *box, uint64_t number)
{
	size_t place;

	if (box->latest == NULL)
		box->latest = live_view_new(box);
	return view_find_folder(box->latest, number, &place);
}

/* ---- the store ---- */

static struct live_box *
find_box(struct live_store *s, const struct view *base)
{
	struct live_box *box = NULL;

	(void)pthread_mutex_lock(&s->mu);
	for (size_t i = 0; i < s->box_count && box == NULL; i++) {
		if (strcasecmp(s->boxes[i]->id.address, base->id.address) == 0)
			box = s->boxes[i];
	}
	if (box == NULL) {
		box = exa_alloc(sizeof *box);
		box->id = base->id;
		box->spool = s->spool;
		box->run = s->run;
		box->names = arena_new();
		(void)pthread_mutex_init(&box->mu, NULL);
		s->boxes = exa_realloc_array(s->boxes, s->box_count + 1, sizeof(struct live_box *));
		s->boxes[s->box_count++] = box;
	}
	(void)pthread_mutex_unlock(&s->mu);
	return box;
}

/* Opens the base's view and its box, which comes back locked. */
static struct live_box *
lock_box(struct mailstore *store, const char *address, enum freshness how)
{
	struct live_store *s = (struct live_store *)store;
	struct live_box *box;
	struct view *base;

	if (!s->base->ops->open(s->base, address, how, &base))
		return NULL;
	box = find_box(s, base);
	(void)pthread_mutex_lock(&box->mu);
	if (box->base != base) {
		view_drop(box->latest);
		box->latest = NULL;
	}
	view_drop(box->base);
	box->base = base;
	return box;
}

static bool
open_view(struct mailstore *store, const char *address, enum freshness how, struct view **out)
{
	struct live_box *box = lock_box(store, address, how);

	if (box == NULL)
		return false;
	if (box->serial == 0) {
		*out = view_keep(box->base);
	} else {
		if (box->latest == NULL)
			box->latest = live_view_new(box);
		*out = view_keep(box->latest);
	}
	(void)pthread_mutex_unlock(&box->mu);
	return true;
}

static void
list_boxes(struct mailstore *store, struct mailbox_id **out, size_t *count_out)
{
	struct live_store *s = (struct live_store *)store;

	s->base->ops->list(s->base, out, count_out);
}

static void
box_free(struct live_box *box)
{
	view_drop(box->latest);
	view_drop(box->base);
	for (size_t i = 0; i < box->edit_count; i++)
		live_item_drop(box->edits[i]);
	arena_free(box->names);
	(void)pthread_mutex_destroy(&box->mu);
	exa_free(box->edits);
	exa_free(box->folders);
	exa_free(box->journal);
	exa_free(box);
}

static void
free_store(struct mailstore *store)
{
	struct live_store *s = (struct live_store *)store;

	for (size_t i = 0; i < s->box_count; i++)
		box_free(s->boxes[i]);
	s->base->ops->free(s->base);
	spool_close(s->spool);
	(void)pthread_mutex_destroy(&s->mu);
	exa_free(s->boxes);
	exa_free(s);
}

static const struct mailstore_ops live_store_ops = { open_view, list_boxes, free_store };

struct mailstore *
live_new(struct mailstore *base, struct exa_error *err)
{
	struct live_store *s = exa_alloc(sizeof *s);

	if (!spool_open(&s->spool, err)) {
		exa_free(s);
		base->ops->free(base);
		return NULL;
	}
	s->store.ops = &live_store_ops;
	s->base = base;
	s->run = gen_mix((uint64_t)clock_wall_ns());
	(void)pthread_mutex_init(&s->mu, NULL);
	return &s->store;
}

/* ---- edits of items ---- */

static void
unlock(struct live_box *box)
{
	(void)pthread_mutex_unlock(&box->mu);
}

const char *
live_add_item(struct mailstore *store, const char *address, uint64_t folder,
	const struct sim_item *item, struct bytes mime, struct live_made *made_out)
{
	static const uint8_t none[sizeof item->search_key];
	struct live_box *box = lock_box(store, address, VIEW_KNOWN);
	struct exa_error err;
	struct live_item *e;

	if (box == NULL)
		return "ErrorNonExistentMailbox";
	if (!has_folder(box, folder)) {
		unlock(box);
		return "ErrorFolderNotFound";
	}
	e = item_new(LIVE_ADDED, folder, item);
	e->is_spooled = true;
	e->size = mime.size;
	if (!spool_add(box->spool, mime, &e->offset, &err)) {
		live_item_drop(e);
		unlock(box);
		return "ErrorInsufficientResources";
	}
	(void)next_serial(box);
	e->item.key = fresh_key(box);
	e->item.article = fresh_article(box);
	e->item.change = fresh_change(box);
	*made_out = (struct live_made){ e->item.key, e->item.change };
	if (memcmp(e->item.search_key, none, sizeof none) == 0) {
		put_be64(e->item.search_key, gen_mix(e->item.key));
		put_be64(e->item.search_key + 8, gen_mix(box->run ^ e->item.key));
	}
	add_edit(box, e);
	note(box, folder, e->item.key, CHANGE_CREATE);
	unlock(box);
	return NULL;
}

const char *
live_remove_item(struct mailstore *store, const struct live_at *at)
{
	struct live_box *box = lock_box(store, at->address, VIEW_KNOWN);
	const char *code;

	if (box == NULL)
		return "ErrorNonExistentMailbox";
	code = take_away(box, at->folder, at->key);
	unlock(box);
	return code;
}

static const char *
move_item(struct live_box *box, const struct live_at *at, uint64_t to, struct live_made *made_out)
{
	struct live_item *e = record_of(box, at->folder, at->key), *moved;
	const char *code;

	if (e == NULL)
		return "ErrorItemNotFound";
	moved = item_over(e, &e->item);
	live_item_drop(e);
	code = has_folder(box, to) ? take_away(box, at->folder, at->key) : "ErrorFolderNotFound";
	if (code != NULL) {
		live_item_drop(moved);
		return code;
	}
	moved->kind = LIVE_ADDED;
	moved->folder = to;
	moved->item.key = fresh_key(box);
	moved->item.article = fresh_article(box);
	moved->item.change = fresh_change(box);
	*made_out = (struct live_made){ moved->item.key, moved->item.change };
	add_edit(box, moved);
	note(box, to, moved->item.key, CHANGE_CREATE);
	return NULL;
}

const char *
live_move_item(
	struct mailstore *store, const struct live_at *at, uint64_t to, struct live_made *made_out)
{
	struct live_box *box = lock_box(store, at->address, VIEW_KNOWN);
	const char *code;

	if (box == NULL)
		return "ErrorNonExistentMailbox";
	code = move_item(box, at, to, made_out);
	unlock(box);
	return code;
}

const char *
live_set_item(struct mailstore *store, const struct live_at *at, const struct sim_item *item,
	const char *header, enum change_kind kind, struct live_made *made_out)
{
	struct live_box *box = lock_box(store, at->address, VIEW_KNOWN);
	struct live_item *old, *e;

	if (box == NULL)
		return "ErrorNonExistentMailbox";
	old = record_of(box, at->folder, at->key);
	if (old == NULL) {
		unlock(box);
		return "ErrorItemNotFound";
	}
	e = item_over(old, item);
	e->item.key = at->key;
	if (header != NULL) {
		exa_free(e->header);
		e->header = exa_asprintf("%s%s", header, old->header != NULL ? old->header : "");
	}
	(void)next_serial(box);
	e->item.change = fresh_change(box);
	e->item.modified_ns = (int64_t)box->serial;
	*made_out = (struct live_made){ at->key, e->item.change };
	put_edit(box, e);
	note(box, at->folder, at->key, kind);
	live_item_drop(old);
	unlock(box);
	return NULL;
}

/* ---- edits of folders ---- */

/* The folder as it is shown, copied into an edit that was made for it, or is there. */
static struct live_folder *
edit_folder(struct live_box *box, uint64_t number)
{
	struct live_folder *e;
	size_t place;

	for (size_t i = 0; i < box->folder_count; i++) {
		if (box->folders[i].folder.number == number)
			return &box->folders[i];
	}
	if (!view_find_folder(box->base, number, &place))
		return NULL;
	box->folders = exa_realloc_array(box->folders, box->folder_count + 1, sizeof *box->folders);
	e = &box->folders[box->folder_count++];
	*e = (struct live_folder){ .folder = box->base->folders[place],
		.parent = box->base->folders[box->base->folders[place].parent].number };
	e->folder.name = keep(box->names, e->folder.name);
	return e;
}

/* A name is there once below each parent. */
static bool
name_is_taken(struct live_box *box, uint64_t parent, const char *name)
{
	if (!has_folder(box, parent))
		return false;
	for (size_t i = 0; i < box->latest->folder_count; i++) {
		const struct sim_folder *f = &box->latest->folders[i];

		if (box->latest->folders[f->parent].number == parent &&
			strcasecmp(f->name, name) == 0)
			return true;
	}
	return false;
}

static const char *
add_folder(struct live_box *box, uint64_t parent, const struct live_folder_spec *spec,
	uint64_t *number_out)
{
	struct live_folder *e;

	if (!has_folder(box, parent))
		return "ErrorParentFolderNotFound";
	if (name_is_taken(box, parent, spec->name))
		return "ErrorFolderExists";
	(void)next_serial(box);
	box->folders = exa_realloc_array(box->folders, box->folder_count + 1, sizeof *box->folders);
	e = &box->folders[box->folder_count++];
	*e = (struct live_folder){ .parent = parent, .is_own = true };
	e->folder.number = OWN_FOLDERS | (gen_mix(box->run + box->folder_count) >> 20);
	e->folder.name = keep(box->names, spec->name);
	e->folder.folder_class = keep(box->names, spec->folder_class);
	e->folder.kind = spec->kind;
	e->folder.changed_ns = (int64_t)box->serial;
	*number_out = e->folder.number;
	return NULL;
}

const char *
live_add_folder(struct mailstore *store, const char *address, uint64_t parent,
	const struct live_folder_spec *spec, uint64_t *number_out)
{
	struct live_box *box = lock_box(store, address, VIEW_KNOWN);
	const char *code;

	if (box == NULL)
		return "ErrorNonExistentMailbox";
	code = add_folder(box, parent, spec, number_out);
	unlock(box);
	return code;
}

const char *
live_remove_folder(struct mailstore *store, const char *address, uint64_t number)
{
	struct live_box *box = lock_box(store, address, VIEW_KNOWN);
	struct live_folder *e;
	const char *code = NULL;

	if (box == NULL)
		return "ErrorNonExistentMailbox";
	e = has_folder(box, number) ? edit_folder(box, number) : NULL;
	if (e == NULL)
		code = "ErrorFolderNotFound";
	else if (e->folder.distinguished != NULL)
		code = "ErrorDeleteDistinguishedFolder";
	else
		e->is_removed = true;
	(void)next_serial(box);
	unlock(box);
	return code;
}

const char *
live_set_folder(struct mailstore *store, const char *address, uint64_t number, const char *name,
	uint64_t parent)
{
	struct live_box *box = lock_box(store, address, VIEW_KNOWN);
	struct live_folder *e;
	const char *code = NULL;

	if (box == NULL)
		return "ErrorNonExistentMailbox";
	e = has_folder(box, number) ? edit_folder(box, number) : NULL;
	if (e == NULL || (parent != 0 && !has_folder(box, parent))) {
		code = "ErrorFolderNotFound";
	} else {
		e->folder.name = name != NULL ? keep(box->names, name) : e->folder.name;
		e->parent = parent != 0 ? parent : e->parent;
	}
	(void)next_serial(box);
	unlock(box);
	return code;
}

void
live_invalidate_sync(struct mailstore *store, const char *address)
{
	struct live_box *box = lock_box(store, address, VIEW_KNOWN);

	if (box == NULL)
		return;
	box->valid_from = next_serial(box);
	unlock(box);
}
