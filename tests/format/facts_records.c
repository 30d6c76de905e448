/* SPDX-License-Identifier: Apache-2.0 */
/* The catalog's part: what each type of record holds, and how a recipe reads. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "exarch/ews.h"

#include "facts.h"
#include "recipe.h"
#include "record.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* ---- what a record's struct holds ---- */

enum member_type {
	MEMBER_UNSIGNED,     /* of 1, 2, 4 or 8 bytes; enums and bools too */
	MEMBER_SIGNED,       /* int64_t */
	MEMBER_INT,          /* int */
	MEMBER_INT_PLUS_ONE, /* int, stored plus one: -1 is "not known" */
	MEMBER_TEXT,
	MEMBER_BYTES, /* struct bytes */
	MEMBER_ARRAY, /* of as many bytes as its size */
};

struct member {
	const char *name; /* as in the document, where rows of several names are parted */
	enum member_type type;
	size_t offset, size;
};
#define MEMBER(of, member, type, name)                            \
	{                                                         \
		name, MEMBER_##type, offsetof(struct of, member), \
			sizeof(((struct of *)NULL)->member)       \
	}

#define RECORD_STRUCT_MAX 512

struct record_kind {
	enum record_type type;
	const struct member *members;
	size_t member_count;
	bool (*decode)(struct bytes record, void *out, struct exa_error *err);
	void (*encode)(struct buf *b, const void *fields);
};

/* The code's two functions, made to look alike. */
#define CODEC(of, name)                                                              \
	static bool name##_in(struct bytes record, void *out, struct exa_error *err) \
	{                                                                            \
		_Static_assert(sizeof(struct of) <= RECORD_STRUCT_MAX, "room");      \
		return name##_decode(record, out, err);                              \
	}                                                                            \
	static void name##_out(struct buf *b, const void *fields)                    \
	{                                                                            \
		name##_encode(b, fields);                                            \
	}

CODEC(catalog_mailbox, mailbox)
CODEC(catalog_folder, folder)
CODEC(catalog_item, item)
CODEC(catalog_run, run)

static const struct member mailbox_members[] = {
	MEMBER(catalog_mailbox, number, UNSIGNED, "number"),
	MEMBER(catalog_mailbox, part, UNSIGNED, "part"),
	MEMBER(catalog_mailbox, smtp, TEXT, "address"),
	MEMBER(catalog_mailbox, display_name, TEXT, "display name"),
};

static const struct member folder_members[] = {
	MEMBER(catalog_folder, mailbox, UNSIGNED, "mailbox"),
	MEMBER(catalog_folder, number, UNSIGNED, "number"),
	MEMBER(catalog_folder, role, UNSIGNED, "role"),
	MEMBER(catalog_folder, deleted, UNSIGNED, "deleted"),
	MEMBER(catalog_folder, server_id, TEXT, "server id"),
	MEMBER(catalog_folder, parent_id, TEXT, "parent's server id"),
	MEMBER(catalog_folder, name, TEXT, "name"),
	MEMBER(catalog_folder, path, TEXT, "path"),
	MEMBER(catalog_folder, class, TEXT, "class"),
};

static const struct member item_members[] = {
	MEMBER(catalog_item, number, UNSIGNED, "number"),
	MEMBER(catalog_item, mailbox, UNSIGNED, "mailbox"),
	MEMBER(catalog_item, folder, UNSIGNED, "folder"),
	MEMBER(catalog_item, keep_older, UNSIGNED, "keep older"),
	MEMBER(catalog_item, recipe, ARRAY, "recipe"),
	MEMBER(catalog_item, mime_bytes, UNSIGNED, "MIME length"),
	MEMBER(catalog_item, mime_sha256, ARRAY, "MIME SHA-256"),
	MEMBER(catalog_item, size_bytes, SIGNED, "size"),
	MEMBER(catalog_item, received_ns, SIGNED, "received"),
	MEMBER(catalog_item, sent_ns, SIGNED, "sent"),
	MEMBER(catalog_item, created_ns, SIGNED, "created"),
	MEMBER(catalog_item, modified_ns, SIGNED, "modified"),
	MEMBER(catalog_item, message_flags, SIGNED, "message flags"),
	MEMBER(catalog_item, is_read, INT_PLUS_ONE, "is read"),
	MEMBER(catalog_item, has_attachments, INT_PLUS_ONE, "has attachments"),
	MEMBER(catalog_item, flag_status, INT_PLUS_ONE, "flag status"),
	MEMBER(catalog_item, server_id, TEXT, "server id"),
	MEMBER(catalog_item, change_key, TEXT, "change key"),
	MEMBER(catalog_item, class, TEXT, "class"),
	MEMBER(catalog_item, internet_message_id, TEXT, "internet message id"),
	MEMBER(catalog_item, categories, TEXT, "categories"),
	MEMBER(catalog_item, search_key, BYTES, "search key"),
	MEMBER(catalog_item, native_bytes, UNSIGNED, "native length"),
	MEMBER(catalog_item, native_sha256, ARRAY, "native SHA-256"),
	MEMBER(catalog_item, native_recipe, ARRAY, "native recipe"),
};

static const struct member run_members[] = {
	MEMBER(catalog_run, number, UNSIGNED, "number"),
	MEMBER(catalog_run, started_ns, SIGNED, "started"),
	MEMBER(catalog_run, ended_ns, SIGNED, "ended"),
	MEMBER(catalog_run, exit_code, INT, "exit code"),
	MEMBER(catalog_run, host, TEXT, "host"),
	MEMBER(catalog_run, profile, TEXT, "profile"),
	MEMBER(catalog_run, program, TEXT, "program"),
	MEMBER(catalog_run, archived, UNSIGNED, "archived"),
	MEMBER(catalog_run, bytes, UNSIGNED, "bytes"),
	MEMBER(catalog_run, excluded, UNSIGNED, "excluded"),
	MEMBER(catalog_run, deferred, UNSIGNED, "deferred"),
	MEMBER(catalog_run, failed, UNSIGNED, "failed"),
	MEMBER(catalog_run, gone, UNSIGNED, "gone"),
	MEMBER(catalog_run, unexplained, UNSIGNED, "unexplained"),
	MEMBER(catalog_run, previous_hash, ARRAY, "previous"),
};

CODEC(catalog_hold, hold)
CODEC(catalog_audit, audit)

static const struct member hold_members[] = {
	MEMBER(catalog_hold, number, UNSIGNED, "number"),
	MEMBER(catalog_hold, name, TEXT, "name"),
	MEMBER(catalog_hold, mailbox, TEXT, "mailbox"),
	MEMBER(catalog_hold, folder, TEXT, "folder"),
	MEMBER(catalog_hold, from_ns, SIGNED, "from"),
	MEMBER(catalog_hold, before_ns, SIGNED, "before"),
	MEMBER(catalog_hold, reason, TEXT, "reason"),
	MEMBER(catalog_hold, set_by, TEXT, "set by"),
	MEMBER(catalog_hold, set_ns, SIGNED, "set"),
	MEMBER(catalog_hold, lifted_by, TEXT, "lifted by"),
	MEMBER(catalog_hold, lifted_ns, SIGNED, "lifted"),
};

static const struct member audit_members[] = {
	MEMBER(catalog_audit, number, UNSIGNED, "number"),
	MEMBER(catalog_audit, when_ns, SIGNED, "when"),
	MEMBER(catalog_audit, user, TEXT, "user"),
	MEMBER(catalog_audit, host, TEXT, "host"),
	MEMBER(catalog_audit, program, TEXT, "program"),
	MEMBER(catalog_audit, action, TEXT, "action"),
	MEMBER(catalog_audit, detail, TEXT, "detail"),
	MEMBER(catalog_audit, items, UNSIGNED, "items"),
	MEMBER(catalog_audit, bytes, UNSIGNED, "bytes"),
	MEMBER(catalog_audit, previous_hash, ARRAY, "previous"),
	MEMBER(catalog_audit, about, UNSIGNED, "about"),
	MEMBER(catalog_audit, numbers, BYTES, "numbers"),
};

/* Records with the key of an item: its bytes beside what was read. */

struct keyed_expired {
	struct catalog_expired e;
	uint8_t key[RECORD_KEY_SIZE];
};

struct keyed_short {
	struct short_item s;
	uint8_t key[RECORD_KEY_SIZE];
};

struct carried {
	uint64_t number;
	struct bytes item_record;
};

static void
put_key(const struct catalog_key *key, uint8_t out[RECORD_KEY_SIZE])
{
	EXA_AUTO(buf_done) struct buf bytes = { 0 };

	add_item_key(&bytes, key);
	memcpy(out, bytes.data, RECORD_KEY_SIZE);
}

static bool
expired_in(struct bytes record, void *out, struct exa_error *err)
{
	struct keyed_expired *k = out;

	if (!expired_decode(record, &k->e, err))
		return false;
	put_key(&k->e.key, k->key);
	return true;
}

static void
expired_out(struct buf *b, const void *fields)
{
	const struct keyed_expired *k = fields;

	expired_encode(b, &k->e);
}

static bool
short_in(struct bytes record, void *out, struct exa_error *err)
{
	struct keyed_short *k = out;

	if (!short_decode(record, &k->s, err))
		return false;
	put_key(&k->s.key, k->key);
	return true;
}

static void
short_out(struct buf *b, const void *fields)
{
	const struct keyed_short *k = fields;

	short_encode(b, &k->s);
}

static bool
carried_in(struct bytes record, void *out, struct exa_error *err)
{
	struct carried *c = out;

	return carried_decode(record, &c->number, &c->item_record, err);
}

static void
carried_out(struct buf *b, const void *fields)
{
	const struct carried *c = fields;

	carried_encode(b, c->number, c->item_record);
}

static const struct member expired_members[] = {
	MEMBER(keyed_expired, e.number, UNSIGNED, "number"),
	MEMBER(keyed_expired, key, ARRAY, "key"),
	MEMBER(keyed_expired, e.when_ns, SIGNED, "when"),
	MEMBER(keyed_expired, e.rule, TEXT, "rule"),
	MEMBER(keyed_expired, e.received_ns, SIGNED, "received"),
	MEMBER(keyed_expired, e.mime_bytes, UNSIGNED, "MIME length"),
};

static const struct member short_members[] = {
	MEMBER(keyed_short, s.number, UNSIGNED, "number"),
	MEMBER(keyed_short, key, ARRAY, "key"),
	MEMBER(keyed_short, s.keep_older, UNSIGNED, "keep older"),
	MEMBER(keyed_short, s.change_hash, ARRAY, "change key's hash"),
	MEMBER(keyed_short, s.mime_hash, ARRAY, "MIME hash"),
};

static const struct member carried_members[] = {
	MEMBER(carried, number, UNSIGNED, "number"),
	MEMBER(carried, item_record, BYTES, "item record"),
};

static const struct record_kind record_kinds[] = {
	{ RECORD_MAILBOX, mailbox_members, COUNT(mailbox_members), mailbox_in, mailbox_out },
	{ RECORD_FOLDER, folder_members, COUNT(folder_members), folder_in, folder_out },
	{ RECORD_ITEM, item_members, COUNT(item_members), item_in, item_out },
	{ RECORD_RUN, run_members, COUNT(run_members), run_in, run_out },
	{ RECORD_EXPIRED, expired_members, COUNT(expired_members), expired_in, expired_out },
	{ RECORD_HOLD, hold_members, COUNT(hold_members), hold_in, hold_out },
	{ RECORD_AUDIT, audit_members, COUNT(audit_members), audit_in, audit_out },
	{ RECORD_SHORT, short_members, COUNT(short_members), short_in, short_out },
	{ RECORD_CARRIED, carried_members, COUNT(carried_members), carried_in, carried_out },
};

static uint64_t
unsigned_of(const uint8_t *at, size_t size)
{
	uint64_t value = 0;

	memcpy(&value, at, size); /* as little-endian machines have it, which all of ours are */
	return value;
}

static void
tell_hex(struct bytes b)
{
	for (size_t i = 0; i < b.size; i++)
		(void)printf("%02x", b.data[i]);
}

static void
tell_member(const struct member *m, const uint8_t *fields)
{
	const uint8_t *at = fields + m->offset;
	struct bytes bytes;
	const char *text;
	int64_t number;
	int small;

	(void)printf("value\t%s\t", m->name);
	switch (m->type) {
	case MEMBER_UNSIGNED:
		(void)printf("%" PRIu64, unsigned_of(at, m->size));
		break;
	case MEMBER_SIGNED:
		memcpy(&number, at, sizeof number);
		(void)printf("%" PRId64, number);
		break;
	case MEMBER_INT:
	case MEMBER_INT_PLUS_ONE:
		memcpy(&small, at, sizeof small);
		(void)printf("%d", small + (m->type == MEMBER_INT_PLUS_ONE ? 1 : 0));
		break;
	case MEMBER_TEXT:
		memcpy(&text, at, sizeof text);
		tell_hex(bytes_of_string(text));
		break;
	case MEMBER_BYTES:
		memcpy(&bytes, at, sizeof bytes);
		tell_hex(bytes);
		break;
	case MEMBER_ARRAY:
		tell_hex(bytes_of(at, m->size));
		break;
	}
	(void)printf("\n");
}

bool
tell_record(struct bytes record, struct exa_error *err)
{
	for (size_t i = 0; i < COUNT(record_kinds); i++) {
		_Alignas(max_align_t) uint8_t fields[RECORD_STRUCT_MAX] = { 0 };
		const struct record_kind *k = &record_kinds[i];
		EXA_AUTO(buf_done) struct buf again = { 0 };

		if (record.size == 0 || record.data[0] != (uint8_t)k->type)
			continue;
		if (!k->decode(record, fields, err))
			return false;
		for (size_t m = 0; m < k->member_count; m++)
			tell_member(&k->members[m], fields);
		k->encode(&again, fields);
		(void)printf("again\t");
		tell_hex(buf_bytes(&again));
		(void)printf("\n");
		return true;
	}
	return exa_fail(err, EXA_USAGE, "facts_records.c knows no record of this type");
}

/* ---- records that are a key and nothing else ---- */

static bool
removed_bytes(const void *fields, struct buf *out, struct exa_error *err)
{
	EXA_AUTO(catalog_batch_done) struct catalog_batch b = { 0 };
	struct reader r;

	(void)err;
	catalog_batch_removed(&b, fields);
	r = reader_of(buf_bytes(&b.store.body));
	(void)read_u8(&r); /* that it is a record */
	buf_add_bytes(out, read_sized(&r));
	return true;
}

static const struct probe removed_probes[] = {
	PROBE(catalog_key, mailbox, "mailbox"),
	PROBE(catalog_key, folder, "folder"),
	PROBE(catalog_key, id_hash, "id hash"),
};

bool
tell_record_layouts(struct exa_error *err)
{
	static const struct layout removed = { "R", sizeof(struct catalog_key), removed_probes,
		COUNT(removed_probes), removed_bytes };

	return tell_layout(&removed, err);
}

/* ---- names ---- */

static const char *
record_name(unsigned n)
{
	switch ((enum record_type)n) {
	case RECORD_MAILBOX:
		return "mailbox";
	case RECORD_FOLDER:
		return "folder";
	case RECORD_ITEM:
		return "item";
	case RECORD_REMOVED:
		return "removed";
	case RECORD_RUN:
		return "run";
	case RECORD_EXPIRED:
		return "expired";
	case RECORD_HOLD:
		return "hold";
	case RECORD_AUDIT:
		return "audit";
	case RECORD_SHORT:
		return "short item";
	case RECORD_CARRIED:
		return "carried item";
	case NOTE_LEDGER:
	case NOTE_CLOSE:
	case NOTE_ALIKE:
	case NOTE_SYNC:
		break; /* in the index alone: not part of the format */
	}
	return NULL;
}

static const char *
part_word(unsigned n)
{
	switch ((enum catalog_part)n) {
	case CATALOG_PRIMARY:
		return "primary";
	case CATALOG_ONLINE_ARCHIVE:
		return "online archive";
	case CATALOG_RECOVERABLE:
		return "recoverable items";
	case CATALOG_PUBLIC:
		return "public folders";
	case CATALOG_ARCHIVE_RECOVERABLE:
		return "recoverable items of the online archive";
	}
	return NULL;
}

static const char *
role_word(unsigned n)
{
	static const char *const words[] = {
		[EWS_ROLE_NONE] = "user's own",
		[EWS_ROLE_ROOT] = "root",
		[EWS_ROLE_INBOX] = "inbox",
		[EWS_ROLE_SENT] = "sent items",
		[EWS_ROLE_DRAFTS] = "drafts",
		[EWS_ROLE_DELETED] = "deleted items",
		[EWS_ROLE_JUNK] = "junk",
		[EWS_ROLE_OUTBOX] = "outbox",
		[EWS_ROLE_SYNC_ISSUES] = "sync issues",
		[EWS_ROLE_CALENDAR] = "calendar",
		[EWS_ROLE_CONTACTS] = "contacts",
		[EWS_ROLE_TASKS] = "tasks",
		[EWS_ROLE_NOTES] = "notes",
		[EWS_ROLE_JOURNAL] = "journal",
		[EWS_ROLE_OTHER] = "other",
	};

	return n < COUNT(words) ? words[n] : NULL;
}

/* Stored plus one; ews.h has the numbers. */
static const char *
flag_status_word(unsigned n)
{
	static const char *const words[] = { "not known", "not flagged", "complete", "flagged" };

	return n < COUNT(words) ? words[n] : NULL;
}

static const char *
operation_word(unsigned n)
{
	switch ((enum recipe_op)n) {
	case RECIPE_LIT:
		return "LIT";
	case RECIPE_RAW:
		return "RAW";
	case RECIPE_B64:
		return "B64";
	}
	return NULL;
}

void
tell_record_words(void)
{
	for (unsigned n = 0; n < 256; n++)
		if (record_name(n) != NULL)
			(void)printf("record\t%c\t%s\n", (int)n, record_name(n));
	tell_choices("M", "part", part_word);
	tell_choices("F", "role", role_word);
	tell_choices("I", "flag status", flag_status_word);
	tell_choices("Recipes", "operation", operation_word);
	(void)printf("word\trecord version\t%d\n", RECORD_VERSION);
	(void)printf("word\trecipe version\t%d\n", RECIPE_VERSION);
}

/* ---- recipes ---- */

static void
tell_step(const struct recipe_step *step)
{
	(void)printf("operation\t%s\t", operation_word((unsigned)step->op));
	if (step->op == RECIPE_LIT) {
		tell_hex(step->literal);
	} else {
		tell_hex(bytes_of(step->id.bytes, STORE_ID_SIZE));
		(void)printf("\t%" PRIu64, step->size);
	}
	if (step->op == RECIPE_B64)
		(void)printf("\t%" PRIu32 "\t%" PRIu32 "\t%d", step->form.line_chars,
			step->form.column, step->form.eol == MIME_EOL_LF ? 1 : 0);
	(void)printf("\n");
}

bool
tell_recipe(struct bytes bytes, struct exa_error *err)
{
	struct recipe recipe;
	struct recipe_step step;

	if (!recipe_open(bytes, &recipe, err))
		return false;
	(void)printf("value\tlength\t%" PRIu64 "\nvalue\tSHA-256\t", recipe.total);
	tell_hex(bytes_of(recipe.sha256, sizeof recipe.sha256));
	(void)printf("\nvalue\tcount\t%" PRIu64 "\n", recipe.op_count);
	for (uint64_t i = 0; i < recipe.op_count; i++) {
		if (!recipe_next(&recipe, &step, err))
			return false;
		tell_step(&step);
	}
	return recipe_ended(&recipe, err);
}
