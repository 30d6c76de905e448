/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The profile as it is written: what libcyaml fills, one struct for each mapping. Texts that aren't
 * given are NULL, words (enums) that aren't given are 0; checking and defaults come after. Numbers,
 * sizes, dates and spans are texts here: libcyaml would read 010 as 8 and any word as true.
 */
#ifndef PROFILE_RAW_H
#define PROFILE_RAW_H

#include <cyaml/cyaml.h>

/* A word of the schema that the design knows and this version can't do. */
#define RAW_NOT_YET (-1)

/* More mailboxes than this in one profile are split into several: a run plans them in memory. */
#define RAW_LIST_MAX 100000

enum raw_bool { RAW_NO = 1, RAW_YES };
enum raw_kind { RAW_KIND_EWS = 1 };
enum raw_cloud { RAW_CLOUD_WORLDWIDE = 1, RAW_CLOUD_US_GOV, RAW_CLOUD_US_DOD, RAW_CLOUD_CHINA };
enum raw_content { RAW_CONTENT_ADDRESS = 1, RAW_CONTENT_GUID };
enum raw_class_all { RAW_CLASS_ALL = 100 };

struct raw_auth {
	int kind;      /* enum auth_kind + 1 */
	int assertion; /* enum auth_assertion + 1 */
	char *tenant;
	char *client_id;
	char *certificate;
	char *key;
	char *secret_file;
	char *secret_command;
	char *user;
	char *password_file;
	char *password_command;
};

struct raw_archive_key {
	char *key_file;
	char *passphrase_file;
};

struct raw_source {
	int kind;
	int cloud;
	char *autodiscover; /* a bool or a URL */
	char *endpoint;
	char *token_endpoint;
	char *graph_endpoint;
	char *ews_scope;
	char *graph_scope;
	char *tls_ca;
	char *timeout_s;
	int gzip;
	struct raw_auth *auth;
};

struct raw_mailboxes {
	int from; /* enum profile_mailboxes + 1 */
	int only_licensed;
	int only_enabled;
	char *file;
	char **list;
	unsigned list_count;
	char **include;
	unsigned include_count;
	char **exclude;
	unsigned exclude_count;
	char **groups;
	unsigned groups_count;
	int *parts; /* enum profile_part */
	unsigned parts_count;
};

struct raw_folder_rule {
	char *include;
	char *exclude;
};

struct raw_folders {
	int standard_exclusions;
	struct raw_folder_rule *rules;
	unsigned rules_count;
};

struct raw_filters {
	int unread; /* enum rules_unread + 1 */
	char *older_than;
	char *before;
	char *since;
	int *classes; /* enum rules_class + 1, or RAW_CLASS_ALL */
	unsigned classes_count;
};

struct raw_delete {
	int when; /* 1 never, 2 archived */
	char *older_than;
	int how; /* enum profile_delete_how + 1 */
	char *max;
};

struct raw_run {
	char *threads;
	char *batch_items;
	char *batch_bytes;
	char *mailbox_concurrency;
	char *full_sync_days;
};

struct raw_public {
	char *as;
	char *autodiscover;
	char *hierarchy;
	char *hierarchy_server;
	int content; /* enum raw_content */
};

struct raw_profile {
	char *version;
	char *archive;
	int create_archive;
	struct raw_archive_key *archive_key;
	int public_folders;
	struct raw_public *public_access;
	int versions; /* enum profile_versions + 1 */
	int *capture;
	unsigned capture_count;
	int search;
	struct raw_source *source;
	struct raw_mailboxes *mailboxes;
	struct raw_folders *folders;
	struct raw_filters *filters;
	struct raw_delete *delete;
	struct raw_run *run;
};

extern const cyaml_schema_value_t raw_schema;

/* The word of the schema that stands for VALUE at the key PATH ("source.auth.kind"). */
const char *raw_word(const char *path, int value);

/* Why a key of type CYAML_IGNORE in the schema is refused, and what to do instead; NULL for any
 * other key. PATH as "source.auth.secret". */
const char *raw_refusal(const char *path);

#endif
