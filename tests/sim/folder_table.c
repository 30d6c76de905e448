/* SPDX-License-Identifier: Apache-2.0 */
#include <strings.h>

#include "folder_table.h"

static const struct sim_folder standard[] = {
	{ .number = 0x01, .parent = FOLDER_ROOT, .name = "root", .distinguished = "root" },
	{ .number = 0x02,
		.parent = FOLDER_ROOT,
		.name = "Top of Information Store",
		.distinguished = "msgfolderroot" },
	{ .number = 0x10c,
		.parent = FOLDER_TOP,
		.name = "Inbox",
		.folder_class = "IPF.Note",
		.distinguished = "inbox" },
	{ .number = 0x10f,
		.parent = FOLDER_TOP,
		.name = "Drafts",
		.folder_class = "IPF.Note",
		.distinguished = "drafts" },
	{ .number = 0x109,
		.parent = FOLDER_TOP,
		.name = "Sent Items",
		.folder_class = "IPF.Note",
		.distinguished = "sentitems" },
	{ .number = 0x10a,
		.parent = FOLDER_TOP,
		.name = "Deleted Items",
		.folder_class = "IPF.Note",
		.distinguished = "deleteditems" },
	{ .number = 0x11d,
		.parent = FOLDER_TOP,
		.name = "Junk Email",
		.folder_class = "IPF.Note",
		.distinguished = "junkemail" },
	{ .number = 0x10b,
		.parent = FOLDER_TOP,
		.name = "Outbox",
		.folder_class = "IPF.Note",
		.distinguished = "outbox" },
};

/* Parents here: TOP, ROOT, or the place in this table less 100. */
enum { IN_THIS_TABLE = 100 };

static const struct sim_folder exchange[] = {
	{ .number = 0x10d,
		.parent = FOLDER_TOP,
		.name = "Calendar",
		.folder_class = "IPF.Appointment",
		.distinguished = "calendar",
		.kind = FOLDER_CALENDAR },
	{ .number = 0x10e,
		.parent = FOLDER_TOP,
		.name = "Contacts",
		.folder_class = "IPF.Contact",
		.distinguished = "contacts",
		.kind = FOLDER_CONTACTS },
	{ .number = 0x130,
		.parent = FOLDER_TOP,
		.name = "Sync Issues",
		.folder_class = "IPF.Note",
		.distinguished = "syncissues" },
	{ .number = 0x131,
		.parent = IN_THIS_TABLE + 2,
		.name = "Conflicts",
		.folder_class = "IPF.Note",
		.distinguished = "conflicts" },
	{ .number = 0x132,
		.parent = IN_THIS_TABLE + 2,
		.name = "Local Failures",
		.folder_class = "IPF.Note",
		.distinguished = "localfailures" },
	{ .number = 0x133,
		.parent = IN_THIS_TABLE + 2,
		.name = "Server Failures",
		.folder_class = "IPF.Note",
		.distinguished = "serverfailures" },
	{ .number = 0x140,
		.parent = FOLDER_TOP,
		.name = "Conversation Action Settings",
		.folder_class = "IPF.Configuration",
		.hidden = true },
	{ .number = 0x141,
		.parent = FOLDER_TOP,
		.name = "Conversation History",
		.folder_class = "IPF.Note",
		.distinguished = "conversationhistory" },
	{ .number = 0x142,
		.parent = FOLDER_TOP,
		.name = "Quick Step Settings",
		.folder_class = "IPF.Configuration",
		.hidden = true },
	{ .number = 0x143, .parent = FOLDER_TOP, .name = "Yammer Feeds", .hidden = true },
	{ .number = 0x150,
		.parent = FOLDER_ROOT,
		.name = "Finder",
		.distinguished = "searchfolders" },
	{ .number = 0x151,
		.parent = IN_THIS_TABLE + 10,
		.name = "Unread Mail",
		.folder_class = "IPF.Note",
		.kind = FOLDER_SEARCH },
	{ .number = 0x152,
		.parent = FOLDER_TOP,
		.name = "AllItems",
		.folder_class = "IPF",
		.kind = FOLDER_SEARCH },
};

static const struct sim_folder recoverable[] = {
	{ .number = 0x160,
		.parent = FOLDER_ROOT,
		.name = "Recoverable Items",
		.distinguished = "recoverableitemsroot" },
	{ .number = 0x161,
		.parent = IN_THIS_TABLE,
		.name = "Deletions",
		.distinguished = "recoverableitemsdeletions" },
	{ .number = 0x162,
		.parent = IN_THIS_TABLE,
		.name = "Versions",
		.distinguished = "recoverableitemsversions" },
	{ .number = 0x163,
		.parent = IN_THIS_TABLE,
		.name = "Purges",
		.distinguished = "recoverableitemspurges" },
	{ .number = 0x164,
		.parent = IN_THIS_TABLE,
		.name = "DiscoveryHolds",
		.distinguished = "recoverableitemsdiscoveryholds" },
};

/* The root of the archive is its own parent: it is another mailbox. */
static const struct sim_folder archive[] = {
	{ .number = 0x181,
		.parent = IN_THIS_TABLE,
		.name = "root",
		.distinguished = "archiveroot" },
	{ .number = 0x182,
		.parent = IN_THIS_TABLE,
		.name = "Top of Information Store",
		.distinguished = "archivemsgfolderroot" },
	{ .number = 0x183,
		.parent = IN_THIS_TABLE + 1,
		.name = "Deleted Items",
		.folder_class = "IPF.Note",
		.distinguished = "archivedeleteditems" },
	{ .number = 0x184,
		.parent = IN_THIS_TABLE,
		.name = "Recoverable Items",
		.distinguished = "archiverecoverableitemsroot" },
	{ .number = 0x185,
		.parent = IN_THIS_TABLE + 3,
		.name = "Deletions",
		.distinguished = "archiverecoverableitemsdeletions" },
	{ .number = 0x186,
		.parent = IN_THIS_TABLE + 3,
		.name = "Purges",
		.distinguished = "archiverecoverableitemspurges" },
};

size_t
folder_list_add(struct folder_list *list, const struct sim_folder *folder)
{
	list->folders = exa_realloc_array(list->folders, list->count + 1, sizeof *list->folders);
	list->folders[list->count] = *folder;
	if (list->count > 0 && folder->parent != list->count)
		list->folders[folder->parent].child_count++;
	return list->count++;
}

void
folder_list_add_standard(struct folder_list *list)
{
	for (size_t i = 0; i < sizeof standard / sizeof standard[0]; i++)
		(void)folder_list_add(list, &standard[i]);
}

void
folder_list_add_public(struct folder_list *list)
{
	struct sim_folder top = standard[FOLDER_TOP];

	top.name = "IPM_SUBTREE";
	top.distinguished = "publicfoldersroot";
	(void)folder_list_add(list, &standard[FOLDER_ROOT]);
	(void)folder_list_add(list, &top);
}

static size_t
add_table(struct folder_list *list, const struct sim_folder *table, size_t count)
{
	size_t first = list->count;

	for (size_t i = 0; i < count; i++) {
		struct sim_folder folder = table[i];

		if (folder.parent >= IN_THIS_TABLE)
			folder.parent += first - IN_THIS_TABLE;
		(void)folder_list_add(list, &folder);
	}
	return first;
}

void
folder_list_add_exchange(struct folder_list *list)
{
	(void)add_table(list, exchange, sizeof exchange / sizeof exchange[0]);
}

size_t
folder_list_add_recoverable(struct folder_list *list)
{
	return add_table(list, recoverable, sizeof recoverable / sizeof recoverable[0]);
}

size_t
folder_list_add_archive(struct folder_list *list)
{
	return add_table(list, archive, sizeof archive / sizeof archive[0]) + 1;
}

bool
folder_list_find(const struct folder_list *list, size_t parent, const char *name, size_t *out)
{
	for (size_t i = FOLDER_INBOX; i < list->count; i++) {
		const struct sim_folder *f = &list->folders[i];

		if (f->parent == parent && f->number <= FOLDER_NUMBER_TABLE_MAX &&
			f->kind != FOLDER_SEARCH && strcasecmp(f->name, name) == 0) {
			*out = i;
			return true;
		}
	}
	return false;
}
