/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "exarch/clock.h"

#include "folder_table.h"
#include "gen_body.h"
#include "gen_rng.h"
#include "gen_view.h"

#define FIRST_COUNTER 0x1000 /* of ItemIds; slots count up from here */
#define UNREAD_PERCENT 12

/* Places of the folders that hold generated mail; the first ones are folder_table's. */
enum gen_folder {
	IN_INBOX = FOLDER_INBOX,
	IN_SENT = 4,
	IN_DELETED = 5,
	IN_JUNK = 6,
	IN_PROJECTS = 8,
	IN_CUSTOMERS,
	IN_ARCHIVE,
	IN_NEWS,
	IN_MORE /* and behind it */
};

static const struct sim_folder own_folders[] = {
	{ .number = 0x200, .parent = FOLDER_INBOX, .name = "Projects", .folder_class = "IPF.Note" },
	{ .number = 0x201,
		.parent = FOLDER_INBOX,
		.name = "Customers",
		.folder_class = "IPF.Note" },
	{ .number = 0x202, .parent = FOLDER_TOP, .name = "Archive", .folder_class = "IPF.Note" },
	{ .number = 0x203,
		.parent = FOLDER_TOP,
		.name = "Newsletters",
		.folder_class = "IPF.Note" },
};

static struct gen_view *
of(struct view *v)
{
	return (struct gen_view *)v;
}

uint64_t
gen_key_of_slot(uint32_t slot)
{
	return FIRST_COUNTER + (uint64_t)slot;
}

static uint64_t
copy_seed(const struct gen_plan *plan, uint32_t mailbox, uint32_t slot)
{
	return gen_seed(plan->world.seed, 20, (uint64_t)mailbox << 32 | slot);
}

size_t
gen_folder_of_slot(const struct gen_plan *plan, uint32_t mailbox, uint32_t slot)
{
	static const struct {
		enum gen_folder folder;
		unsigned percent;
	} shares[] = { { IN_PROJECTS, 14 }, { IN_CUSTOMERS, 10 }, { IN_ARCHIVE, 14 },
		{ IN_NEWS, 6 }, { IN_DELETED, 6 }, { IN_JUNK, 2 } };
	unsigned roll = (unsigned)(copy_seed(plan, mailbox, slot) % 100);
	bool is_sent;

	(void)gen_plan_ref(plan, mailbox, slot, &is_sent);
	if (is_sent)
		return IN_SENT;
	for (size_t i = 0; i < sizeof shares / sizeof shares[0]; i++) {
		if (roll < shares[i].percent)
			return shares[i].folder;
		roll -= shares[i].percent;
	}
	if (plan->more_folders > 0 && copy_seed(plan, mailbox, slot) / 10000 % 2 == 0)
		return IN_MORE + copy_seed(plan, mailbox, slot) / 20000 % plan->more_folders;
	return IN_INBOX;
}

static void
message_of(const struct gen_view *v, uint32_t slot, struct gen_message *m, struct gen_copy *copy)
{
	*copy = (struct gen_copy){ .mailbox = v->mailbox,
		.seed = copy_seed(v->plan, v->mailbox, slot) };
	gen_message_of(&v->plan->world, gen_plan_ref(v->plan, v->mailbox, slot, &copy->is_sent), m);
}

static bool
is_read(const struct gen_copy *copy)
{
	return copy->is_sent || copy->seed / 100 % 100 >= UNREAD_PERCENT;
}

static char *
keep(struct arena *a, const char *text)
{
	return arena_strndup(a, text, strlen(text));
}

static void
view_item(struct view *view, size_t folder, size_t position, struct arena *a, struct sim_item *out)
{
	struct gen_view *v = of(view);
	uint32_t slot = v->shown[v->shown_starts[folder] + position];
	struct gen_message m;
	struct gen_copy copy;
	char text[512];

	message_of(v, slot, &m, &copy);
	*out = (struct sim_item){ .key = gen_key_of_slot(slot),
		.change = 0x10000 + (uint64_t)slot,
		.article = slot + 1,
		.item_class = "IPM.Note",
		.is_read = is_read(&copy),
		.has_attachments = m.file_count > 0,
		.size_bytes = gen_size_estimate(&m) };
	out->sent_ns = m.date_ns;
	out->received_ns = m.date_ns + 2 * EXA_NS_PER_S;
	out->created_ns = out->modified_ns = out->received_ns;
	put_be64(out->search_key, m.seed);
	put_be64(out->search_key + 8, gen_mix(m.seed));
	gen_subject(&m, text, sizeof text);
	out->subject = keep(a, text);
	gen_message_id(&m, text, sizeof text);
	out->message_id = keep(a, text);
}

static bool
view_find(struct view *view, size_t folder, uint64_t key, size_t *position_out)
{
	struct gen_view *v = of(view);
	uint64_t slot = key - FIRST_COUNTER;

	if (key < FIRST_COUNTER || slot >= v->slot_count || v->folder_of[slot] != folder ||
		v->position_of[slot] == GEN_SLOT_ABSENT)
		return false;
	*position_out = v->position_of[slot];
	return true;
}

static bool
view_open(
	struct view *view, size_t folder, size_t position, struct body **out, struct exa_error *err)
{
	struct gen_view *v = of(view);
	struct gen_message m;
	struct gen_copy copy;

	(void)err;
	message_of(v, v->shown[v->shown_starts[folder] + position], &m, &copy);
	*out = gen_body_new(&v->plan->world, &m, &copy);
	return true;
}

static void
view_free(struct view *view)
{
	struct gen_view *v = of(view);

	exa_free(v->view.folders);
	arena_free(v->names);
	exa_free(v->order);
	exa_free(v->folder_of);
	exa_free(v->starts);
	exa_free(v->shown);
	exa_free(v->shown_starts);
	exa_free(v->position_of);
	exa_free(v);
}

static const struct view_ops gen_view_ops = { view_item, view_find, view_open, gen_sync,
	view_free };

struct dated {
	int64_t date_ns;
	uint32_t slot;
	uint8_t folder;
};

static int
by_folder_newest_first(const void *a, const void *b)
{
	const struct dated *x = a, *y = b;

	if (x->folder != y->folder)
		return x->folder < y->folder ? -1 : 1;
	if (x->date_ns != y->date_ns)
		return x->date_ns > y->date_ns ? -1 : 1;
	return x->slot > y->slot ? -1 : x->slot < y->slot;
}

/* Counts the slot in its folder. */
static void
count_item(struct gen_view *v, const struct dated *d)
{
	struct sim_folder *f = &v->view.folders[d->folder];
	struct gen_message m;
	struct gen_copy copy;

	message_of(v, d->slot, &m, &copy);
	f->item_count++;
	f->unread_count += !is_read(&copy);
	f->size_bytes += gen_size_estimate(&m);
}

static void
order_slots(struct gen_view *v, const struct dated *rows)
{
	size_t folder = 0, shown_folder = 0;
	uint32_t shown = 0;

	for (uint32_t i = 0; i < v->slot_count; i++) {
		uint32_t slot = rows[i].slot;

		for (; folder <= rows[i].folder; folder++)
			v->starts[folder] = i;
		for (; shown_folder <= rows[i].folder; shown_folder++)
			v->shown_starts[shown_folder] = shown;
		v->order[i] = slot;
		v->folder_of[slot] = rows[i].folder;
		v->position_of[slot] = GEN_SLOT_ABSENT;
		if (gen_plan_has(v->plan, v->mailbox, slot, v->epoch)) {
			v->position_of[slot] = shown - v->shown_starts[rows[i].folder];
			v->shown[shown++] = slot;
			count_item(v, &rows[i]);
		}
	}
	for (; folder <= v->view.folder_count; folder++)
		v->starts[folder] = v->slot_count;
	for (; shown_folder <= v->view.folder_count; shown_folder++)
		v->shown_starts[shown_folder] = shown;
}

static void
sort_slots(struct gen_view *v)
{
	EXA_AUTO(exa_freep)
	struct dated *rows = exa_alloc_array((size_t)v->slot_count + 1, sizeof *rows);

	for (uint32_t i = 0; i < v->slot_count; i++) {
		struct gen_message m;
		struct gen_copy copy;

		message_of(v, i, &m, &copy);
		rows[i] = (struct dated){ m.date_ns, i,
			(uint8_t)gen_folder_of_slot(v->plan, v->mailbox, i) };
	}
	exa_sort(rows, v->slot_count, sizeof *rows, by_folder_newest_first);
	order_slots(v, rows);
}

/* The time of the last change, in nothing but the epoch: so it moves on with each item added or
 * removed anywhere, which is more often than need be, never less. */
static void
date_folders(struct gen_view *v)
{
	int64_t changes = (int64_t)v->epoch.added + v->epoch.removed;

	for (size_t i = 0; i < v->view.folder_count; i++)
		v->view.folders[i].changed_ns = GEN_END_NS + changes * EXA_NS_PER_S;
}

static void
add_more(struct gen_view *v, struct folder_list *list)
{
	char name[24];

	v->names = arena_new();
	for (uint32_t i = 0; i < v->plan->more_folders; i++) {
		(void)snprintf(name, sizeof name, "Matter %02u", i + 1);
		(void)folder_list_add(list, &(struct sim_folder){ .number = 0x300 + i,
						    .parent = FOLDER_TOP,
						    .name = keep(v->names, name),
						    .folder_class = "IPF.Note" });
	}
}

struct view *
gen_view_new(const struct gen_plan *plan, uint32_t mailbox, const struct mailbox_id *id,
	struct gen_epoch epoch, enum extra_folders extra)
{
	struct gen_view *v = exa_alloc(sizeof *v);
	struct folder_list list = { 0 };

	v->view.ops = &gen_view_ops;
	v->view.references = 1;
	v->view.id = *id;
	v->plan = plan;
	v->mailbox = mailbox;
	v->epoch = epoch;
	folder_list_add_standard(&list);
	for (size_t i = 0; i < sizeof own_folders / sizeof own_folders[0]; i++)
		(void)folder_list_add(&list, &own_folders[i]);
	add_more(v, &list);
	if (extra == FOLDERS_AS_EXCHANGE)
		folder_list_add_exchange(&list);
	(void)folder_list_add_recoverable(&list);
	if (plan->has_archive) { /* what is moved away by age is there then, not in the mailbox */
		list.folders[FOLDER_TOP].child_count--;
		list.folders[IN_ARCHIVE].parent = folder_list_add_archive(&list);
		list.folders[list.folders[IN_ARCHIVE].parent].child_count++;
	}
	v->view.folders = list.folders;
	v->view.folder_count = list.count;
	v->slot_count = gen_plan_slots(plan, mailbox, epoch.added);
	v->order = exa_alloc_array((size_t)v->slot_count + 1, sizeof *v->order);
	v->folder_of = exa_alloc((size_t)v->slot_count + 1);
	v->shown = exa_alloc_array((size_t)v->slot_count + 1, sizeof *v->shown);
	v->position_of = exa_alloc_array((size_t)v->slot_count + 1, sizeof *v->position_of);
	v->starts = exa_alloc_array(list.count + 1, sizeof *v->starts);
	v->shown_starts = exa_alloc_array(list.count + 1, sizeof *v->shown_starts);
	sort_slots(v);
	date_folders(v);
	return &v->view;
}
