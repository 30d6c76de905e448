/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One mailbox of the live store, for live.c (edits), live_view.c (views) and live_sync.c (states).
 */
#ifndef SIM_LIVE_BOX_H
#define SIM_LIVE_BOX_H

#include <pthread.h>

#include "folder_table.h"
#include "live.h"
#include "spool.h"

enum live_kind {
	LIVE_ADDED,   /* isn't in the base */
	LIVE_CHANGED, /* lies over an item of the base */
	LIVE_REMOVED  /* hides one */
};

/* An edit of an item; never changes once made. Views hold it as long as they show it. */
struct live_item {
	_Atomic unsigned references;
	enum live_kind kind;
	uint64_t folder; /* number; with item.key what it is found by */
	struct sim_item item;
	struct arena *arena; /* its strings */
	bool is_spooled;     /* else its message is that of the base item below */
	uint64_t offset, size;
	uint64_t base_folder, base_key;
	char *header;  /* before the message; NULL: nothing */
	bool was_read; /* the hidden one: for the folder's counts */
	uint64_t was_size;
};

struct live_folder {
	struct sim_folder folder; /* name and class are of the box's arena */
	uint64_t parent;          /* number */
	bool is_own, is_removed;
};

struct live_entry {
	uint64_t serial, folder, key;
	enum change_kind kind;
	uint64_t created;   /* when it came into the folder; 0: it is the base's */
	bool is_superseded; /* a later entry speaks of the same item in the same folder */
};

struct live_box {
	struct mailbox_id id;
	struct spool *spool; /* the store's */
	uint64_t run;        /* a number of this run */
	pthread_mutex_t mu;
	struct arena *names; /* all of this under mu */
	struct view *base;   /* as last seen */
	struct view *latest; /* over base; NULL: has to be made */
	struct live_item **edits;
	size_t edit_count, edit_room;
	struct live_folder *folders; /* own ones, and what differs in the base's */
	size_t folder_count;
	struct live_entry *journal;
	size_t entry_count, entry_room;
	uint64_t serial;     /* of the last change */
	uint64_t valid_from; /* states that know less are refused */
};

struct live_item *live_item_keep(struct live_item *e);
void live_item_drop(struct live_item *e);

/* One folder of a view, when it isn't just the base's. */
struct live_list {
	struct live_row {
		struct live_item *edit; /* NULL: the base's item */
		size_t base_position;
	} * rows;
	size_t count;
	size_t *row_of_base; /* by position in the base; SIZE_MAX: isn't shown */
	size_t base_count;
};

#define NO_BASE SIZE_MAX

struct live_view {
	struct view view;
	struct live_box *box; /* outlives all views */
	struct view *base;
	uint64_t serial;
	size_t *base_place;       /* by folder: its place in the base, or NO_BASE */
	struct live_list **lists; /* by folder; NULL: as in the base */
};

/* Under the box's mu. */
struct view *live_view_new(struct live_box *box);

/* live_sync.c */
bool live_sync(struct view *v, size_t folder, struct bytes state, struct change_page *page,
	struct buf *state_out);

#endif
