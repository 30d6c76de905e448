/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who has a copy of which generated message. Each mailbox has slots: its items at the begin, then
 * those added by --add. Slots never move, so ids and sync states hold over restarts with other
 * numbers to add and remove.
 */
#ifndef SIM_GEN_PLAN_H
#define SIM_GEN_PLAN_H

#include "gen_message.h"

#define GEN_MORE_FOLDERS_MAX 100

struct gen_slot {
	uint32_t number;
	bool is_single, is_sent;
};

struct gen_plan {
	struct gen_world world;
	uint32_t items;
	bool has_archive;       /* the folder Archive is in an online archive */
	uint32_t more_folders;  /* below the top, with half of what would be in the Inbox */
	struct gen_slot *slots; /* items of each mailbox, one mailbox after the other */
	uint32_t remove_stride, remove_inverse; /* modulo items */
};

/* What is there: this many were added and removed, over all mailboxes. */
struct gen_epoch {
	uint32_t added, removed;
};

void gen_plan_init(struct gen_plan *p, const struct gen_world *w, uint32_t items);
void gen_plan_done(struct gen_plan *p);

/* Slots of a mailbox as of an epoch, removed ones included. */
uint32_t gen_plan_slots(const struct gen_plan *p, uint32_t mailbox, uint32_t added);
bool gen_plan_has(
	const struct gen_plan *p, uint32_t mailbox, uint32_t slot, struct gen_epoch epoch);
struct gen_ref gen_plan_ref(
	const struct gen_plan *p, uint32_t mailbox, uint32_t slot, bool *is_sent_out);

#endif
