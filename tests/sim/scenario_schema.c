/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every key and word of a scenario, one table for each mapping. Here all is optional; scenario.c
 * knows what goes together.
 */
#include <stddef.h>

#include <cyaml/cyaml.h>

#include "scenario.h"

#define COUNT(table) (sizeof(table) / sizeof(table)[0])
#define TEXT(key, type, member) \
	CYAML_FIELD_STRING_PTR(key, CYAML_FLAG_OPTIONAL, type, member, 1, CYAML_UNLIMITED)
#define NUMBER(key, type, member) CYAML_FIELD_UINT(key, CYAML_FLAG_OPTIONAL, type, member)
#define WORD(key, type, member, words)                                                      \
	CYAML_FIELD_ENUM(key, CYAML_FLAG_OPTIONAL | CYAML_FLAG_STRICT, type, member, words, \
		(uint32_t)COUNT(words))
#define SECTION(key, type, member, fields) \
	CYAML_FIELD_MAPPING(key, CYAML_FLAG_OPTIONAL, type, member, fields)
#define LIST(key, type, member, entry)                                                           \
	CYAML_FIELD_SEQUENCE(key, CYAML_FLAG_OPTIONAL | CYAML_FLAG_POINTER, type, member, entry, \
		1, SCENARIO_LIST_MAX)

static const cyaml_strval_t yes_no[] = {
	{ "yes", SAID_YES },
	{ "true", SAID_YES },
	{ "no", SAID_NO },
	{ "false", SAID_NO },
};

static const cyaml_strval_t pers[] = {
	{ "all", PER_ALL },
	{ "mailbox", PER_MAILBOX },
	{ "folder", PER_FOLDER },
	{ "item", PER_ITEM },
};

static const cyaml_strval_t busy_forms[] = {
	{ "fault", BUSY_FAULT },
	{ "fault-at-200", BUSY_AT_200 },
	{ "inline", BUSY_INLINE },
	{ "wrapped", BUSY_WRAPPED },
	{ "503", BUSY_503 },
	{ "429", BUSY_429 },
};

static const cyaml_strval_t wires[] = {
	{ "reset-before-headers", WIRE_RESET_BEFORE_HEADERS },
	{ "reset-after-headers", WIRE_RESET_AFTER_HEADERS },
	{ "reset-mid-body", WIRE_RESET_MID_BODY },
	{ "cut-right-length", WIRE_CUT_RIGHT_LENGTH },
	{ "cut-wrong-length", WIRE_CUT_WRONG_LENGTH },
	{ "cut-chunked", WIRE_CUT_CHUNKED },
	{ "drip", WIRE_DRIP },
	{ "stall", WIRE_STALL },
	{ "gzip", WIRE_GZIP },
	{ "broken-gzip", WIRE_BROKEN_GZIP },
	{ "cut-gzip", WIRE_CUT_GZIP },
	{ "illegal-references", WIRE_ILLEGAL_REFERENCES },
	{ "split-surrogates", WIRE_SPLIT_SURROGATES },
	{ "lone-surrogate", WIRE_LONE_SURROGATE },
	{ "brackets", WIRE_BRACKETS },
	{ "huge-text", WIRE_HUGE_TEXT },
	{ "other-prefixes", WIRE_OTHER_PREFIXES },
	{ "default-namespace", WIRE_DEFAULT_NAMESPACE },
	{ "bom", WIRE_BOM },
	{ "comments", WIRE_COMMENTS },
	{ "doctype", WIRE_DOCTYPE },
	{ "padded-codes", WIRE_PADDED_CODES },
	{ "cdata", WIRE_CDATA },
	{ "split-cdata", WIRE_SPLIT_CDATA },
	{ "base64-lines", WIRE_BASE64_LINES },
	{ "bad-base64", WIRE_BAD_BASE64 },
	{ "short-base64", WIRE_SHORT_BASE64 },
	{ "truncated-data", WIRE_TRUNCATED_DATA },
	{ "fewer-messages", WIRE_FEWER_MESSAGES },
	{ "more-messages", WIRE_MORE_MESSAGES },
	{ "reversed-messages", WIRE_REVERSED_MESSAGES },
	{ "duplicate-items", WIRE_DUPLICATE_ITEMS },
	{ "unknown-delete", WIRE_UNKNOWN_DELETE },
};

static const cyaml_strval_t deeds[] = {
	{ "add-item", DO_ADD_ITEM },
	{ "remove-item", DO_REMOVE_ITEM },
	{ "move-item", DO_MOVE_ITEM },
	{ "modify-item", DO_MODIFY_ITEM },
	{ "mark-read", DO_MARK_READ },
	{ "mark-unread", DO_MARK_UNREAD },
	{ "create-folder", DO_CREATE_FOLDER },
	{ "delete-folder", DO_DELETE_FOLDER },
	{ "rename-folder", DO_RENAME_FOLDER },
	{ "move-folder", DO_MOVE_FOLDER },
	{ "invalidate-sync-states", DO_INVALIDATE_SYNC },
	{ "token-lifetime", DO_TOKEN_LIFETIME },
	{ "revoke-tokens", DO_REVOKE_TOKENS },
};

static const cyaml_schema_field_t where_fields[] = {
	TEXT("operation", struct scenario_where, operation),
	TEXT("mailbox", struct scenario_where, mailbox),
	TEXT("folder", struct scenario_where, folder),
	TEXT("subject", struct scenario_where, subject),
	TEXT("class", struct scenario_where, item_class),
	NUMBER("item", struct scenario_where, item),
	WORD("mime", struct scenario_where, mime, yes_no),
	CYAML_FIELD_END,
};

static const cyaml_schema_field_t when_fields[] = {
	NUMBER("nth", struct scenario_when, nth),
	NUMBER("every", struct scenario_when, every),
	NUMBER("first", struct scenario_when, first),
	NUMBER("after", struct scenario_when, after),
	NUMBER("seconds", struct scenario_when, seconds),
	CYAML_FIELD_FLOAT_PTR("chance", CYAML_FLAG_OPTIONAL, struct scenario_when, chance),
	WORD("per", struct scenario_when, per, pers),
	CYAML_FIELD_END,
};

static const cyaml_schema_field_t what_fields[] = {
	NUMBER("status", struct scenario_what, status),
	TEXT("body", struct scenario_what, body),
	TEXT("diagnostics", struct scenario_what, diagnostics),
	NUMBER("retry_after_s", struct scenario_what, retry_after_s),
	TEXT("location", struct scenario_what, location),
	TEXT("fault", struct scenario_what, fault),
	NUMBER("at", struct scenario_what, at),
	TEXT("code", struct scenario_what, code),
	WORD("wrapped", struct scenario_what, wrapped, yes_no),
	NUMBER("back_off_ms", struct scenario_what, back_off_ms),
	WORD("wire", struct scenario_what, wire, wires),
	NUMBER("at_byte", struct scenario_what, at_byte),
	NUMBER("bytes_per_s", struct scenario_what, bytes_per_s),
	CYAML_FIELD_UINT_PTR("page", CYAML_FLAG_OPTIONAL, struct scenario_what, page),
	NUMBER("wait_ms", struct scenario_what, wait_ms),
	CYAML_FIELD_END,
};

static const cyaml_schema_field_t fault_fields[] = {
	TEXT("name", struct scenario_fault, name),
	SECTION("where", struct scenario_fault, where, where_fields),
	SECTION("when", struct scenario_fault, when, when_fields),
	CYAML_FIELD_MAPPING("what", CYAML_FLAG_DEFAULT, struct scenario_fault, what, what_fields),
	CYAML_FIELD_END,
};
static const cyaml_schema_value_t fault_entry = { CYAML_VALUE_MAPPING(
	CYAML_FLAG_DEFAULT, struct scenario_fault, fault_fields) };

static const cyaml_schema_field_t change_fields[] = {
	TEXT("name", struct scenario_change, name),
	SECTION("where", struct scenario_change, where, where_fields),
	SECTION("when", struct scenario_change, when, when_fields),
	CYAML_FIELD_ENUM("do", CYAML_FLAG_STRICT, struct scenario_change, deed, deeds,
		(uint32_t)COUNT(deeds)),
	TEXT("mailbox", struct scenario_change, mailbox),
	TEXT("folder", struct scenario_change, folder),
	TEXT("subject", struct scenario_change, subject),
	NUMBER("count", struct scenario_change, count),
	TEXT("to", struct scenario_change, to),
	TEXT("new_name", struct scenario_change, new_name),
	NUMBER("seconds", struct scenario_change, seconds),
	CYAML_FIELD_END,
};
static const cyaml_schema_value_t change_entry = { CYAML_VALUE_MAPPING(
	CYAML_FLAG_DEFAULT, struct scenario_change, change_fields) };

static const cyaml_schema_field_t latency_fields[] = {
	NUMBER("fixed_ms", struct scenario_latency, fixed_ms),
	NUMBER("jitter_ms", struct scenario_latency, jitter_ms),
	CYAML_FIELD_END,
};

static const cyaml_schema_field_t limits_fields[] = {
	NUMBER("total", struct scenario_limits, total),
	NUMBER("per_mailbox", struct scenario_limits, per_mailbox),
	WORD("answer", struct scenario_limits, answer, busy_forms),
	NUMBER("back_off_ms", struct scenario_limits, back_off_ms),
	NUMBER("retry_after_s", struct scenario_limits, retry_after_s),
	CYAML_FIELD_END,
};

static const cyaml_schema_field_t budget_fields[] = {
	NUMBER("burst", struct scenario_budget, burst),
	CYAML_FIELD_FLOAT_PTR(
		"refill_per_s", CYAML_FLAG_OPTIONAL, struct scenario_budget, refill_per_s),
	WORD("answer", struct scenario_budget, answer, busy_forms),
	NUMBER("back_off_ms", struct scenario_budget, back_off_ms),
	NUMBER("retry_after_s", struct scenario_budget, retry_after_s),
	WORD("punish", struct scenario_budget, punish, yes_no),
	CYAML_FIELD_END,
};

static const cyaml_schema_field_t scenario_fields[] = {
	TEXT("title", struct scenario, title),
	NUMBER("seed", struct scenario, seed),
	SECTION("latency", struct scenario, latency, latency_fields),
	NUMBER("bandwidth", struct scenario, bandwidth),
	WORD("gzip", struct scenario, gzip, yes_no),
	SECTION("limits", struct scenario, limits, limits_fields),
	SECTION("budget", struct scenario, budget, budget_fields),
	LIST("faults", struct scenario, faults, &fault_entry),
	LIST("changes", struct scenario, changes, &change_entry),
	CYAML_FIELD_END,
};

const cyaml_schema_value_t scenario_schema = { CYAML_VALUE_MAPPING(
	CYAML_FLAG_POINTER, struct scenario, scenario_fields) };

const char *
scenario_wire_name(enum scenario_wire w)
{
	for (size_t i = 0; i < COUNT(wires); i++) {
		if (wires[i].val == (int64_t)w)
			return wires[i].str;
	}
	return "none";
}
