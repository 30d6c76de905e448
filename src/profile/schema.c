/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The schema of the profile: every key and every word of it, one table for each mapping, in the
 * order of docs/profile.md. Everything is optional here, because what is required depends on other
 * keys; source.c and select.c know that.
 */
#include <stddef.h>
#include <string.h>

#include "exarch/profile.h"

#include "raw.h"

#define COUNT(table) (sizeof(table) / sizeof(table)[0])
#define TEXT(key, type, member) \
	CYAML_FIELD_STRING_PTR(key, CYAML_FLAG_OPTIONAL, type, member, 1, CYAML_UNLIMITED)
#define WORD(key, type, member, words)                                                      \
	CYAML_FIELD_ENUM(key, CYAML_FLAG_OPTIONAL | CYAML_FLAG_STRICT, type, member, words, \
		(uint32_t)COUNT(words))
#define LIST(key, type, member, entry)                                                           \
	CYAML_FIELD_SEQUENCE(key, CYAML_FLAG_OPTIONAL | CYAML_FLAG_POINTER, type, member, entry, \
		1, RAW_LIST_MAX)
#define SECTION(key, type, member, fields) \
	CYAML_FIELD_MAPPING_PTR(key, CYAML_FLAG_OPTIONAL, type, member, fields)
#define REFUSED(key) CYAML_FIELD_IGNORE(key, CYAML_FLAG_OPTIONAL)
#define WORD_ENTRY(words)                                                               \
	{                                                                               \
		CYAML_VALUE_ENUM(CYAML_FLAG_STRICT, int, words, (uint32_t)COUNT(words)) \
	}

static const struct {
	const char *path, *advice;
} refusals[] = {
	{ "source.auth.secret", "a secret doesn't belong in a profile: put it into a file and "
				"give `secret_file`, or give `secret_command`" },
	{ "source.auth.password", "a password doesn't belong in a profile: put it into a file and "
				  "give `password_file`, or give `password_command`" },
	{ "archive_key.passphrase",
		"a passphrase doesn't belong in a profile: put it into a file and give "
		"`passphrase_file`" },
	{ "archive_key.key",
		"a key doesn't belong in a profile: put it into a file and give `key_file`" },
};

static const cyaml_strval_t bools[] = {
	{ "true", RAW_YES },
	{ "false", RAW_NO },
	{ "yes", RAW_YES },
	{ "no", RAW_NO },
	{ "on", RAW_YES },
	{ "off", RAW_NO },
};
static const cyaml_strval_t contents[] = {
	{ "address", RAW_CONTENT_ADDRESS },
	{ "guid", RAW_CONTENT_GUID },
};
static const cyaml_strval_t kinds[] = {
	{ "ews", RAW_KIND_EWS },
	{ "graph", RAW_NOT_YET },
};
static const cyaml_strval_t clouds[] = {
	{ "worldwide", RAW_CLOUD_WORLDWIDE },
	{ "us-gov", RAW_CLOUD_US_GOV },
	{ "us-dod", RAW_CLOUD_US_DOD },
	{ "china", RAW_CLOUD_CHINA },
};
static const cyaml_strval_t auth_kinds[] = {
	{ "app-certificate", AUTH_APP_CERTIFICATE + 1 },
	{ "app-secret", AUTH_APP_SECRET + 1 },
	{ "basic", AUTH_BASIC + 1 },
	{ "ntlm", AUTH_NTLM + 1 },
	{ "negotiate", AUTH_NEGOTIATE + 1 },
};
static const cyaml_strval_t assertions[] = {
	{ "PS256", AUTH_PS256 + 1 },
	{ "RS256", AUTH_RS256 + 1 },
};
static const cyaml_strval_t froms[] = {
	{ "directory", PROFILE_FROM_DIRECTORY + 1 },
	{ "list", PROFILE_FROM_LIST + 1 },
	{ "file", PROFILE_FROM_FILE + 1 },
};
static const cyaml_strval_t parts[] = {
	{ "primary", PROFILE_PART_PRIMARY },
	{ "archive", PROFILE_PART_ARCHIVE },
	{ "recoverable", PROFILE_PART_RECOVERABLE },
};
static const cyaml_strval_t unreads[] = {
	{ "archive", RULES_UNREAD_ARCHIVE + 1 },
	{ "defer", RULES_UNREAD_DEFER + 1 },
};
static const cyaml_strval_t classes[] = {
	{ "mail", RULES_CLASS_MAIL + 1 },
	{ "meeting", RULES_CLASS_MEETING + 1 },
	{ "report", RULES_CLASS_REPORT + 1 },
	{ "calendar", RULES_CLASS_CALENDAR + 1 },
	{ "contact", RULES_CLASS_CONTACT + 1 },
	{ "task", RULES_CLASS_TASK + 1 },
	{ "note", RULES_CLASS_NOTE + 1 },
	{ "journal", RULES_CLASS_JOURNAL + 1 },
	{ "all", RAW_CLASS_ALL },
};
static const cyaml_strval_t versions[] = {
	{ "first", PROFILE_VERSIONS_FIRST + 1 },
	{ "latest", PROFILE_VERSIONS_LATEST + 1 },
	{ "all", PROFILE_VERSIONS_ALL + 1 },
};
static const cyaml_strval_t captures[] = {
	{ "mime", PROFILE_CAPTURE_MIME },
	{ "native", PROFILE_CAPTURE_NATIVE },
};
static const cyaml_strval_t delete_whens[] = {
	{ "never", 1 },
	{ "archived", 2 },
};
static const cyaml_strval_t delete_hows[] = {
	{ "soft", PROFILE_DELETE_SOFT + 1 },
	{ "hard", PROFILE_DELETE_HARD + 1 },
	{ "trash", PROFILE_DELETE_TRASH + 1 },
};

static const cyaml_schema_value_t text_entry = { CYAML_VALUE_STRING(
	CYAML_FLAG_POINTER, char *, 1, CYAML_UNLIMITED) };
static const cyaml_schema_value_t part_entry = WORD_ENTRY(parts);
static const cyaml_schema_value_t class_entry = WORD_ENTRY(classes);
static const cyaml_schema_value_t capture_entry = WORD_ENTRY(captures);

static const cyaml_schema_field_t archive_key_fields[] = {
	TEXT("key_file", struct raw_archive_key, key_file),
	TEXT("passphrase_file", struct raw_archive_key, passphrase_file),
	REFUSED("passphrase"),
	REFUSED("key"),
	CYAML_FIELD_END,
};

static const cyaml_schema_field_t auth_fields[] = {
	WORD("kind", struct raw_auth, kind, auth_kinds),
	TEXT("tenant", struct raw_auth, tenant),
	TEXT("client_id", struct raw_auth, client_id),
	TEXT("certificate", struct raw_auth, certificate),
	TEXT("key", struct raw_auth, key),
	WORD("assertion", struct raw_auth, assertion, assertions),
	TEXT("secret_file", struct raw_auth, secret_file),
	TEXT("secret_command", struct raw_auth, secret_command),
	TEXT("user", struct raw_auth, user),
	TEXT("password_file", struct raw_auth, password_file),
	TEXT("password_command", struct raw_auth, password_command),
	REFUSED("secret"),
	REFUSED("password"),
	CYAML_FIELD_END,
};

static const cyaml_schema_field_t source_fields[] = {
	WORD("kind", struct raw_source, kind, kinds),
	WORD("cloud", struct raw_source, cloud, clouds),
	TEXT("endpoint", struct raw_source, endpoint),
	TEXT("autodiscover", struct raw_source, autodiscover),
	TEXT("token_endpoint", struct raw_source, token_endpoint),
	TEXT("graph_endpoint", struct raw_source, graph_endpoint),
	TEXT("ews_scope", struct raw_source, ews_scope),
	TEXT("graph_scope", struct raw_source, graph_scope),
	TEXT("tls_ca", struct raw_source, tls_ca),
	TEXT("timeout_s", struct raw_source, timeout_s),
	WORD("gzip", struct raw_source, gzip, bools),
	SECTION("auth", struct raw_source, auth, auth_fields),
	CYAML_FIELD_END,
};

static const cyaml_schema_field_t mailboxes_fields[] = {
	WORD("from", struct raw_mailboxes, from, froms),
	LIST("list", struct raw_mailboxes, list, &text_entry),
	TEXT("file", struct raw_mailboxes, file),
	WORD("only_licensed", struct raw_mailboxes, only_licensed, bools),
	WORD("only_enabled", struct raw_mailboxes, only_enabled, bools),
	LIST("groups", struct raw_mailboxes, groups, &text_entry),
	LIST("include", struct raw_mailboxes, include, &text_entry),
	LIST("exclude", struct raw_mailboxes, exclude, &text_entry),
	LIST("parts", struct raw_mailboxes, parts, &part_entry),
	CYAML_FIELD_END,
};

static const cyaml_schema_field_t folder_rule_fields[] = {
	TEXT("include", struct raw_folder_rule, include),
	TEXT("exclude", struct raw_folder_rule, exclude),
	CYAML_FIELD_END,
};
static const cyaml_schema_value_t folder_rule_entry = { CYAML_VALUE_MAPPING(
	CYAML_FLAG_DEFAULT, struct raw_folder_rule, folder_rule_fields) };

static const cyaml_schema_field_t folders_fields[] = {
	WORD("standard_exclusions", struct raw_folders, standard_exclusions, bools),
	LIST("rules", struct raw_folders, rules, &folder_rule_entry),
	CYAML_FIELD_END,
};

static const cyaml_schema_field_t filters_fields[] = {
	WORD("unread", struct raw_filters, unread, unreads),
	TEXT("older_than", struct raw_filters, older_than),
	TEXT("before", struct raw_filters, before),
	TEXT("since", struct raw_filters, since),
	LIST("classes", struct raw_filters, classes, &class_entry),
	CYAML_FIELD_END,
};

static const cyaml_schema_field_t delete_fields[] = {
	WORD("when", struct raw_delete, when, delete_whens),
	TEXT("older_than", struct raw_delete, older_than),
	WORD("how", struct raw_delete, how, delete_hows),
	TEXT("max", struct raw_delete, max),
	CYAML_FIELD_END,
};

static const cyaml_schema_field_t run_fields[] = {
	TEXT("threads", struct raw_run, threads),
	TEXT("batch_items", struct raw_run, batch_items),
	TEXT("batch_bytes", struct raw_run, batch_bytes),
	TEXT("mailbox_concurrency", struct raw_run, mailbox_concurrency),
	TEXT("full_sync_days", struct raw_run, full_sync_days),
	CYAML_FIELD_END,
};

static const cyaml_schema_field_t public_fields[] = {
	TEXT("as", struct raw_public, as),
	TEXT("autodiscover", struct raw_public, autodiscover),
	TEXT("hierarchy", struct raw_public, hierarchy),
	TEXT("hierarchy_server", struct raw_public, hierarchy_server),
	WORD("content", struct raw_public, content, contents),
	CYAML_FIELD_END,
};

static const cyaml_schema_field_t profile_fields[] = {
	TEXT("version", struct raw_profile, version),
	TEXT("archive", struct raw_profile, archive),
	WORD("create_archive", struct raw_profile, create_archive, bools),
	SECTION("archive_key", struct raw_profile, archive_key, archive_key_fields),
	SECTION("source", struct raw_profile, source, source_fields),
	SECTION("mailboxes", struct raw_profile, mailboxes, mailboxes_fields),
	WORD("public_folders", struct raw_profile, public_folders, bools),
	SECTION("public_folder_access", struct raw_profile, public_access, public_fields),
	SECTION("folders", struct raw_profile, folders, folders_fields),
	SECTION("filters", struct raw_profile, filters, filters_fields),
	WORD("versions", struct raw_profile, versions, versions),
	LIST("capture", struct raw_profile, capture, &capture_entry),
	WORD("search", struct raw_profile, search, bools),
	SECTION("delete", struct raw_profile, delete, delete_fields),
	SECTION("run", struct raw_profile, run, run_fields),
	CYAML_FIELD_END,
};

const cyaml_schema_value_t raw_schema = { CYAML_VALUE_MAPPING(
	CYAML_FLAG_POINTER, struct raw_profile, profile_fields) };

const char *
raw_refusal(const char *path)
{
	for (size_t i = 0; i < COUNT(refusals); i++) {
		if (strcmp(path, refusals[i].path) == 0)
			return refusals[i].advice;
	}
	return NULL;
}

const char *
raw_word(const char *path, int value)
{
	const cyaml_schema_value_t *at = &raw_schema;

	while (*path != '\0') {
		size_t size = strcspn(path, ".");
		const cyaml_schema_field_t *f = at->mapping.fields;

		while (strncmp(f->key, path, size) != 0 || f->key[size] != '\0')
			f++;
		at = &f->value;
		path += size + (path[size] == '.');
	}
	if (at->type == CYAML_SEQUENCE)
		at = at->sequence.entry;
	for (uint32_t i = 0; i < at->enumeration.count; i++) {
		if (at->enumeration.strings[i].val == value)
			return at->enumeration.strings[i].str;
	}
	return NULL;
}
