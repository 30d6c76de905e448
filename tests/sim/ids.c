/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "ids.h"

#define HEAD_SIZE 43 /* 4 + 36 + 1 + 2 */
#define FOLDER_ENTRY_SIZE 46
#define ITEM_ENTRY_SIZE 70
#define CHANGE_KEY_SIZE 30

static const uint8_t id_magic[4] = { 0x00, 0x03, 0x24, 0x00 };

/* Six bytes, high first, as MAPI counters are. */
static void
put_counter(uint8_t *p, uint64_t v)
{
	uint8_t be[8];

	put_be64(be, v);
	memcpy(p, be + 2, 6);
}

static uint64_t
get_counter(const uint8_t *p)
{
	uint8_t be[8] = { 0 };

	memcpy(be + 2, p, 6);
	return get_be64(be);
}

/* The store's replica GUID and the provider UID differ from the mailbox GUID, but follow from it.
 */
static void
put_replica(uint8_t *p, const struct mailbox_id *m, uint8_t twist)
{
	for (size_t i = 0; i < sizeof m->guid; i++)
		p[i] = (uint8_t)(m->guid[15 - i] ^ twist);
}

static void
put_text(struct bytes raw, char *out)
{
	EXA_AUTO(buf_done) struct buf text = { 0 };

	buf_add_base64(&text, raw);
	memcpy(out, buf_string(&text), text.size + 1);
}

static void
put_head(uint8_t *raw, const struct mailbox_id *m, uint16_t entry_size)
{
	memcpy(raw, id_magic, sizeof id_magic);
	memcpy(raw + 4, m->guid_text, 36);
	raw[40] = 0;
	put_le16(raw + 41, entry_size);
}

static void
put_folder_entry(uint8_t *entry, const struct mailbox_id *m, uint64_t folder, uint8_t type)
{
	put_replica(entry + 4, m, 0x5a);
	entry[20] = type;
	put_replica(entry + 22, m, 0xa5);
	put_counter(entry + 38, folder);
}

void
id_of_folder(const struct mailbox_id *m, uint64_t folder, char *out)
{
	uint8_t raw[HEAD_SIZE + FOLDER_ENTRY_SIZE] = { 0 };

	put_head(raw, m, FOLDER_ENTRY_SIZE);
	put_folder_entry(raw + HEAD_SIZE, m, folder, 1);
	put_text(bytes_of(raw, sizeof raw), out);
}

void
id_of_item(const struct mailbox_id *m, uint64_t folder, uint64_t key, char *out)
{
	uint8_t raw[HEAD_SIZE + ITEM_ENTRY_SIZE] = { 0 };
	uint8_t *entry = raw + HEAD_SIZE;

	put_head(raw, m, ITEM_ENTRY_SIZE);
	put_folder_entry(entry, m, folder, 7);
	put_replica(entry + 44, m, 0xa5);
	put_le16(entry + 60 - 2, (uint16_t)(key >> 48));
	put_counter(entry + 60, key & ID_COUNTER_MAX);
	put_text(bytes_of(raw, sizeof raw), out);
}

void
id_change_key(const struct mailbox_id *m, enum id_kind kind, uint64_t change, char *out)
{
	uint8_t raw[CHANGE_KEY_SIZE] = { 0 };

	put_le32(raw, kind == ID_FOLDER ? 1 : 9);
	put_le32(raw + 4, 0x16);
	put_replica(raw + 8, m, 0xa5);
	put_counter(raw + 24, change & ID_COUNTER_MAX);
	put_text(bytes_of(raw, sizeof raw), out);
}

bool
id_read(const char *text, struct id_parts *out)
{
	EXA_AUTO(buf_done) struct buf raw = { 0 };
	struct id_parts id = { 0 };
	const uint8_t *entry;
	size_t entry_size;

	if (strlen(text) >= ID_TEXT_MAX || !buf_decode_base64(&raw, text) || raw.size < HEAD_SIZE ||
		memcmp(raw.data, id_magic, sizeof id_magic) != 0 || raw.data[40] != 0)
		return false;
	entry_size = get_le16(raw.data + 41);
	if (raw.size != HEAD_SIZE + entry_size ||
		(entry_size != FOLDER_ENTRY_SIZE && entry_size != ITEM_ENTRY_SIZE))
		return false;
	entry = raw.data + HEAD_SIZE;
	id.kind = entry_size == ITEM_ENTRY_SIZE ? ID_ITEM : ID_FOLDER;
	memcpy(id.mailbox_guid, raw.data + 4, 36);
	id.folder = get_counter(entry + 38);
	if (id.kind == ID_ITEM)
		id.key = (uint64_t)get_le16(entry + 58) << 48 | get_counter(entry + 60);
	*out = id;
	return true;
}

bool
id_change_key_is_sound(const char *text)
{
	EXA_AUTO(buf_done) struct buf raw = { 0 };

	return strlen(text) < ID_TEXT_MAX && buf_decode_base64(&raw, text) && raw.size >= 4;
}
