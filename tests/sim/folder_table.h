/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The folders every mailbox has, and the ones a real Exchange mailbox has besides: the begin of
 * both kinds of trees.
 */
#ifndef SIM_FOLDER_TABLE_H
#define SIM_FOLDER_TABLE_H

#include "mailbox.h"

/* Numbers of folders that come from these tables; other folders' numbers are larger. */
#define FOLDER_NUMBER_TABLE_MAX 0xffff

struct folder_list {
	struct sim_folder *folders;
	size_t count;
};

/* Adds a folder (fields copied, strings borrowed) and gives its place. */
size_t folder_list_add(struct folder_list *list, const struct sim_folder *folder);
/* Root, top of information store, and the six that every mailbox has. */
void folder_list_add_standard(struct folder_list *list);
/* Root and the top of the public folders, nothing else. */
void folder_list_add_public(struct folder_list *list);
/* Calendar, contacts, sync issues, a search folder, hidden and configuration folders. */
void folder_list_add_exchange(struct folder_list *list);
/* Recoverable Items and what is in it; gives the place of its root. */
size_t folder_list_add_recoverable(struct folder_list *list);
/* The online archive, a tree of its own; gives the place of its top. */
size_t folder_list_add_archive(struct folder_list *list);
/* The table's folder in PARENT that a directory of this NAME stands for; false: none. Exchange has
 * no two folders of one name in one place. */
bool folder_list_find(const struct folder_list *list, size_t parent, const char *name, size_t *out);

#endif
