/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The profile: a YAML file that says what to archive, from where, with which rules, into which
 * archive. Read with libcyaml, checked into one struct, with errors that name file, line, key, and
 * what was expected. Keys of the design that this version can't do yet are refused by name, never
 * ignored.
 *
 * Paths in the profile are relative to the profile's folder; in the struct they are absolute. A
 * loaded profile is immutable: any thread.
 */
#ifndef EXARCH_PROFILE_H
#define EXARCH_PROFILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "exarch/attr.h"
#include "exarch/auth.h"
#include "exarch/bytes.h"
#include "exarch/error.h"
#include "exarch/rules.h"

#define PROFILE_FILE_MAX ((size_t)4 * 1024 * 1024)
#define PROFILE_THREADS_MAX 64

enum profile_mailboxes { PROFILE_FROM_DIRECTORY, PROFILE_FROM_LIST, PROFILE_FROM_FILE };

enum profile_versions { PROFILE_VERSIONS_FIRST, PROFILE_VERSIONS_LATEST, PROFILE_VERSIONS_ALL };

enum profile_delete_how { PROFILE_DELETE_SOFT, PROFILE_DELETE_HARD, PROFILE_DELETE_TRASH };

/* The forms that are asked for. */
enum profile_capture { PROFILE_CAPTURE_MIME = 1, PROFILE_CAPTURE_NATIVE = 2 };

enum profile_part {
	PROFILE_PART_PRIMARY = 1,
	PROFILE_PART_ARCHIVE = 2,
	PROFILE_PART_RECOVERABLE = 4, /* with PROFILE_PART_ARCHIVE those of the archive too */
};

struct profile {
	char *path; /* of the profile itself, as given */

	char *archive;
	bool create_archive; /* make the archive at the first run; false: it must exist, so that an
				unmounted disk is noticed */
	/* archive_key: at most one of them; NULL = the archive isn't encrypted, or the key comes
	 * from elsewhere. */
	char *key_file;
	char *passphrase_file;

	/* source */
	char *endpoint; /* EWS URL; default from `cloud`; NULL with autodiscover */
	bool autodiscover;
	char *autodiscover_server; /* "https://HOST": this one alone; NULL = by the address */
	char *token_endpoint;      /* default from `cloud` */
	char *graph_endpoint;      /* default from `cloud` */
	char *ews_scope;           /* default from `cloud` */
	char *graph_scope;         /* default from `cloud` */
	char *tls_ca;              /* NULL = system's */
	uint32_t timeout_s;
	bool gzip;
	struct auth_config auth; /* texts owned by the profile */

	/* mailboxes */
	enum profile_mailboxes mailboxes_from;
	char *mailbox_file;  /* with file: its path; NULL otherwise */
	char **mailbox_list; /* from list, or read from the file: one address a line, '#' comments;
				an address named twice stands here once */
	size_t mailbox_count;
	unsigned parts; /* enum profile_part, or'ed; at least one */
	char **groups;  /* with directory: only members of these */
	size_t group_count;

	/* Public folders: seen with the rights of PUBLIC_AS, NULL = they aren't archived. */
	char *public_as;
	char *public_server;    /* "https://HOST" to ask Autodiscover at; NULL = the endpoint's */
	char *public_hierarchy; /* NULL: by Autodiscover; else both are given */
	char *public_hierarchy_server;
	bool public_content_by_guid; /* content is asked for at GUID@domain, not at an address */

	struct rules rules;
	char *older_than; /* as written, or NULL */
	enum profile_versions versions;
	unsigned capture; /* enum profile_capture, or'ed; at least one */

	bool search; /* bring the search index up to date after each run */

	/* delete: of what is archived, at the server */
	bool delete_archived;
	enum profile_delete_how delete_how;
	char *delete_older_than;  /* as written, or NULL */
	int64_t delete_before_ns; /* what was received before; EXA_NO_TIME = any */
	uint32_t delete_max;      /* items in one run; 0 = any number */

	/* run */
	uint32_t threads;
	uint32_t batch_items;
	uint64_t batch_bytes;
	uint32_t mailbox_concurrency;
	uint32_t full_sync_days; /* a folder is asked for changes at least so often; 0 = at every
				    run */
};

/* EXA_USAGE: "profile.yaml:12: folders.rules[1]: unknown key `exlude`; did you mean `exclude`?"
 * (entries are counted from 1). NOW_NS resolves `older_than`. */
bool profile_load(
	const char *path, int64_t now_ns, struct profile **out, struct exa_error *err) EXA_CHECK;
/* The same from memory: PATH needn't exist, its folder must. */
bool profile_parse(struct bytes text, const char *path, int64_t now_ns, struct profile **out,
	struct exa_error *err) EXA_CHECK;
void profile_free(struct profile *p);
void profile_freep(struct profile **p);

/* The profile as it is understood, all defaults filled in, as YAML that can be loaded again;
 * secrets never stand in a profile. */
void profile_show(const struct profile *p, struct buf *out);

#endif
