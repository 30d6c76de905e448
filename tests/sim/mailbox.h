/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Mailboxes, whatever they are made of. A mail store knows who has a mailbox; a view is one mailbox
 * as of one moment: its folder tree and, in each folder, items by position, newest first. Views are
 * immutable and counted, so an answer that streams for minutes reads what it began with.
 *
 * Two kinds of store exist: a directory of .eml files (tree_dir.c) and generated mail (tree_gen.c);
 * what clients and scenarios change lies over either of them (live.c). Operations use only what
 * stands here, and live.h to change something. Any thread may call; a view is shared by reference.
 */
#ifndef SIM_MAILBOX_H
#define SIM_MAILBOX_H

#include <stdatomic.h>
#include <sys/types.h>

#include "exarch/bytes.h"
#include "exarch/error.h"
#include "exarch/mem.h"

#define MAILBOX_ADDRESS_MAX 321 /* 64 + '@' + 255 + NUL (RFC 5321) */
#define MAILBOX_GUID_TEXT 37

struct mailbox_id {
	char address[MAILBOX_ADDRESS_MAX];
	char name[128];   /* for people */
	uint8_t guid[16]; /* made from the address */
	char guid_text[MAILBOX_GUID_TEXT];
};

enum folder_kind { FOLDER_MAIL, FOLDER_SEARCH, FOLDER_CALENDAR, FOLDER_CONTACTS, FOLDER_TASKS };

/* Places in every view's folder table. */
enum { FOLDER_ROOT = 0, FOLDER_TOP = 1, FOLDER_INBOX = 2 };

struct sim_folder {
	uint64_t number; /* 48 bits; with the mailbox it makes the FolderId */
	size_t parent;   /* place in the table; the root is its own parent */
	const char *name;
	const char *folder_class;  /* NULL: has none */
	const char *distinguished; /* "inbox", or NULL for a user's own folder */
	enum folder_kind kind;
	bool hidden;
	size_t item_count, unread_count, child_count;
	uint64_t size_bytes;
	int64_t changed_ns; /* any change in the folder makes it later */
};

/* A MAPI property that a client set and nothing here knows of; kept and given back as it came. */
struct sim_property {
	const char *key;    /* how it is asked for: property_key() */
	const char *values; /* one value, or several, each ended by "\n" when it is_many */
	bool is_many;
};

enum follow_up { FOLLOW_UP_NONE, FOLLOW_UP_COMPLETE, FOLLOW_UP_FLAGGED }; /* as in 0x1090 */

enum importance { IMPORTANCE_NORMAL, IMPORTANCE_LOW, IMPORTANCE_HIGH };

struct sim_item {
	uint64_t key;    /* with mailbox and folder it makes the ItemId */
	uint64_t change; /* 48 bits of the ChangeKey */
	int64_t received_ns, sent_ns, created_ns, modified_ns;
	uint64_t size_bytes;
	uint32_t article; /* 0x0E23, what IMAP gateways number by: later arrivals have more */
	bool is_read, is_draft, has_attachments;
	const char *item_class;
	const char *subject, *message_id; /* NULL: has none */
	uint8_t search_key[16];           /* the same in all copies of one submission */
	enum importance importance;
	enum follow_up follow_up;
	const char *categories; /* each ended by "\n"; NULL: none */
	const struct sim_property *properties;
	size_t property_count;
};

enum change_kind { CHANGE_CREATE, CHANGE_UPDATE, CHANGE_DELETE, CHANGE_READ };

struct sim_change {
	enum change_kind kind;
	size_t position; /* of the item, but for delete */
	uint64_t key;
};

struct change_page {
	struct sim_change *changes; /* room for max, the caller's */
	size_t max, count;
	bool is_last;
};

/* A message's bytes, pulled once from begin to end. */
struct body {
	/* Puts up to SIZE bytes into OUT; 0 at the end, -1 when the message can't be read on. */
	ssize_t (*read)(struct body *b, uint8_t *out, size_t size);
	void (*close)(struct body *b);
};

void body_close(struct body *b); /* NULL is fine */
void body_closep(struct body **b);

struct view {
	const struct view_ops *ops;
	_Atomic unsigned references;
	struct mailbox_id id;
	struct sim_folder *folders;
	size_t folder_count;
	bool is_public; /* public folders: no sync, no deep traversal */
};

struct view_ops {
	/* Strings in *out live as long as the arena and the view. */
	void (*item)(struct view *v, size_t folder, size_t position, struct arena *a,
		struct sim_item *out);
	bool (*find)(struct view *v, size_t folder, uint64_t key, size_t *position_out);
	bool (*open)(struct view *v, size_t folder, size_t position, struct body **out,
		struct exa_error *err);
	/*
	 * The next page of changes since STATE (size 0: from the beginning), newest first, and the
	 * state after it. False: not a state of this kind.
	 */
	bool (*sync)(struct view *v, size_t folder, struct bytes state, struct change_page *page,
		struct buf *state_out);
	void (*free)(struct view *v);
};

struct view *view_keep(struct view *v);
void view_drop(struct view *v); /* NULL is fine */
void view_dropp(struct view **v);
bool view_find_folder(const struct view *v, uint64_t number, size_t *folder_out);
bool view_find_distinguished(const struct view *v, const char *name, size_t *folder_out);
bool view_is_below(const struct view *v, size_t folder, size_t ancestor); /* not itself */

enum freshness { VIEW_FRESH, VIEW_KNOWN }; /* look again, or what was last seen will do */

struct mailstore {
	const struct mailstore_ops *ops;
};

struct mailstore_ops {
	/* False: no such mailbox. ADDRESS in any case of letters. */
	bool (*open)(struct mailstore *s, const char *address, enum freshness, struct view **out);
	/* All mailboxes in a stable order; *out is exa_alloc'ed. */
	void (*list)(struct mailstore *s, struct mailbox_id **out, size_t *count_out);
	void (*free)(struct mailstore *s);
};

/* Fills in both forms of the guid and cuts what is too long. */
void mailbox_id_init(struct mailbox_id *id, const char *address, const char *name);

/* 64 bits from SHA-256 over PURPOSE and the parts: for keys that are the same after a restart. */
uint64_t stable_hash(const char *purpose, struct bytes a, struct bytes b);

#endif
