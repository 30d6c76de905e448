/* SPDX-License-Identifier: Apache-2.0 */
/*
 * EWS ids, laid out as Exchange's are, so that they look, sort and grow like the real ones:
 *
 *     00 03 24 00 | 36 ASCII mailbox GUID | 00 | le16 size of entry id | entry id
 *     entry id of a folder (46):  flags 4, provider 16, type 2, replica 16, counter 6, pad 2
 *     entry id of an item (70):   the folder's 44, then replica 16, counter 6, pad 2
 *
 * An item's key is 64 bits: 48 in the counter, 16 at the end of its replica GUID.
 */
#ifndef SIM_IDS_H
#define SIM_IDS_H

#include "mailbox.h"

#define ID_TEXT_MAX 160
#define ID_COUNTER_MAX UINT64_C(0xffffffffffff)

enum id_kind { ID_FOLDER, ID_ITEM };

struct id_parts {
	enum id_kind kind;
	char mailbox_guid[MAILBOX_GUID_TEXT];
	uint64_t folder;
	uint64_t key; /* of an item */
};

/* OUT holds ID_TEXT_MAX in all three. */
void id_of_folder(const struct mailbox_id *m, uint64_t folder, char *out);
void id_of_item(const struct mailbox_id *m, uint64_t folder, uint64_t key, char *out);
void id_change_key(const struct mailbox_id *m, enum id_kind kind, uint64_t change, char *out);

bool id_read(const char *text, struct id_parts *out) EXA_CHECK; /* false: malformed */
bool id_change_key_is_sound(const char *text) EXA_CHECK;

#endif
