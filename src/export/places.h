/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where folders go: gives each mailbox and each of its folders a path below the target of its own.
 * Names are given in the order of the folders' numbers, so that what was exported once keeps its
 * place when folders are added; and over all folders, whatever is selected.
 */
#ifndef EXPORT_PLACES_H
#define EXPORT_PLACES_H

#include "exarch/catalog.h"

/* Holds the files of an mbox or Maildir export that are no messages. */
#define PLACES_FILES "files"

struct places;

struct places *places_new(void);
void places_free(struct places *p);

/* Gives the mailbox a place. Mailboxes in the order of their number. */
void places_add_mailbox(struct places *p, const struct catalog_mailbox *m);
/* Turns to a mailbox that has one; its folders are then added in the order of their number. */
void places_enter_mailbox(struct places *p, uint32_t mailbox);
void places_add_folder(struct places *p, const struct catalog_folder *f);

/* "anna@contoso.com/Inbox/Sub", without slashes at its ends; of the mailbox entered. NULL when the
 * folder was never added. Borrowed until another mailbox is entered. */
const char *places_folder(const struct places *p, uint32_t folder);
/* The same as Maildir++ has it: the mailbox itself for its inbox, "anna@contoso.com/.Sent Items" and
 * "anna@contoso.com/.INBOX.Sub" for others. */
const char *places_maildir(struct places *p, uint32_t folder);
/* As places_folder, but the inbox is called INBOX, whatever the server calls it, unless another folder
 * has that name: readers expect it. To be freed with exa_free. */
char *places_nested(const struct places *p, uint32_t folder);
/* The place of the mailbox entered. */
const char *places_root(const struct places *p);

#endif
