/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A generated mailbox as a view. It keeps three numbers an item, for order and position; the rest
 * is made when asked.
 */
#ifndef SIM_GEN_VIEW_H
#define SIM_GEN_VIEW_H

#include "gen_plan.h"
#include "mailbox.h"
#include "tree_dir.h"

#define GEN_SLOT_ABSENT UINT32_MAX

struct gen_view {
	struct view view;
	const struct gen_plan *plan; /* the store's; outlives the view */
	uint32_t mailbox;
	struct gen_epoch epoch;
	struct arena *names; /* of folders */
	uint32_t slot_count;
	uint32_t *order;    /* all slots by folder, newest first; removed ones too */
	uint8_t *folder_of; /* by slot */
	uint32_t *starts;   /* of each folder in order, and the end */
	uint32_t *shown;    /* slots that are there, in the same order */
	uint32_t *shown_starts;
	uint32_t *position_of; /* by slot, in its folder; or GEN_SLOT_ABSENT */
};

struct view *gen_view_new(const struct gen_plan *plan, uint32_t mailbox,
	const struct mailbox_id *id, struct gen_epoch epoch, enum extra_folders extra);

uint64_t gen_key_of_slot(uint32_t slot);

/* The folder of any slot, those this view doesn't count included. */
size_t gen_folder_of_slot(const struct gen_plan *plan, uint32_t mailbox, uint32_t slot);

/* gen_sync.c */
bool gen_sync(struct view *v, size_t folder, struct bytes state, struct change_page *page,
	struct buf *state_out);

#endif
