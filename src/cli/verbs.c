/* SPDX-License-Identifier: Apache-2.0 */
#include "options.h"

const struct option_spec option_specs[OPT_COUNT] = {
	[OPT_HELP] = { "help", 'h', NULL, false, "show this help" },
	[OPT_JSON] = { "json", 0, NULL, false, "one JSON object a line on stdout" },
	[OPT_QUIET] = { "quiet", 'q', NULL, false, "say only what needs a human" },
	[OPT_DRY_RUN] = { "dry-run", 'n', NULL, false,
		"judge and tell; fetch nothing, change nothing" },
	[OPT_THREADS] = { "threads", 't', "N", false,
		"crawler threads (1 to 64) instead of the profile's run.threads; bench: several, "
		"as 1,2,4,8" },
	[OPT_MAX_DURATION] = { "max-duration", 0, "SPAN", false,
		"stop after this long (\"6 h\"); a rerun continues" },
	[OPT_ITEMS] = { "items", 0, "N", false, "how many items each run reads (default 4000)" },
	[OPT_DURATION] = { "duration", 0, "SPAN", false,
		"end each run after this long (default \"2 min\")" },
	[OPT_ROUNDS] = { "rounds", 0, "N", false,
		"measure all of it N times; the median counts (default 1)" },
	[OPT_SVG] = { "svg", 0, "FILE", false, "draw the result into FILE" },
	[OPT_SCRATCH] = { "scratch", 0, "DIR", false,
		"where the scratch archive is made (default: where the archive is)" },
	[OPT_COMPRESSION] = { "compression", 0, "CODEC", false,
		"zlib (default; any program reads it) or zstd (less CPU)" },
	[OPT_MAILBOX] = { "mailbox", 'm', "PATTERN", false,
		"only mailboxes whose address matches (glob, or re:EXPRESSION)" },
	[OPT_FOLDER] = { "folder", 'f', "PATTERN", false,
		"only folders whose path matches (\"/Inbox/**\", or re:EXPRESSION)" },
	[OPT_SINCE] = { "since", 0, "DATE", false,
		"received at or after DATE (2026-07-22, 2026-07, 2026-07-22T10:00:00Z; 30d = 30 "
		"days ago)" },
	[OPT_BEFORE] = { "before", 0, "DATE", false, "received before DATE" },
	[OPT_ID] = { "id", 0, "NUMBER", true,
		"only this item, as `exarch list` numbers it; may be repeated" },
	[OPT_ALL_VERSIONS] = { "all-versions", 0, NULL, false,
		"earlier versions of changed items too" },
	[OPT_LIMIT] = { "limit", 0, "N", false, "at most N of them" },
	[OPT_FAILED] = { "failed", 0, NULL, false,
		"what could not be archived, and why, instead of what is" },
	[OPT_RAW] = { "raw", 0, NULL, false, "the message's bytes as archived" },
	[OPT_HEADERS] = { "headers", 0, NULL, false, "its header block as archived" },
	[OPT_NATIVE] = { "native", 0, NULL, false, "native streams, of items that have MIME too" },
	[OPT_TO] = { "to", 0, "DIR", false, "folder to write into; made if missing" },
	[OPT_FORMAT] = { "format", 0, "FORMAT", false,
		"eml (default; one file a message), mbox or maildir" },
	[OPT_UPDATE] = { "update", 0, NULL, false,
		"write only what isn't there yet; goes on with an export that was cut off" },
	[OPT_LAYOUT] = { "layout", 0, "LAYOUT", false,
		"of Maildirs: ++ (default; Mailbox/.Folder.Sub) or nested (Mailbox/Folder/Sub)" },
	[OPT_FLAT] = { "flat", 0, NULL, false,
		"no folders: everything into one folder, one mbox or one Maildir" },
	[OPT_ICS_VCF] = { "ics-vcf", 0, "HOW", false,
		"calendar items and contacts as .ics and .vcf files: beside their message, or "
		"instead of it" },
	[OPT_WORKERS] = { "threads", 't', "N", false,
		"so many threads (1 to 64; default: one for each core, up to 4)" },
	[OPT_ATTACHMENTS] = { "attachments", 0, NULL, false,
		"the largest and most repeated attachments too; reads every recipe" },
	[OPT_BY] = { "by", 0, "WHAT", false,
		"only this table: mailbox, folder, year, class or run" },
	[OPT_LEVEL] = { "level", 0, "LEVEL", false,
		"headers, bytes, blobs or messages (default); each includes those before it" },
	[OPT_SAMPLE] = { "sample", 0, "PERCENT", false,
		"look only at this share, by chance (\"5%\"); of the rest at the headers" },
	[OPT_SEED] = { "seed", 0, "N", false, "another number is another sample; 1 if not given" },
	[OPT_RATE] = { "rate", 0, "SIZE", false, "read at most so much a second (\"50MiB\")" },
	[OPT_STATE] = { "state", 0, "FILE", false,
		"note in FILE how far it came; the next call goes on there" },
	[OPT_ENCRYPT] = { "encrypt", 0, NULL, false,
		"encrypt it, with a key from one of these files or a passphrase that is asked "
		"for" },
	[OPT_KEY_FILE] = { "key-file", 0, "FILE", false,
		"the archive's key file (otherwise EXARCH_KEY_FILE names it)" },
	[OPT_PASSPHRASE_FILE] = { "passphrase-file", 0, "FILE", false,
		"a file with the archive's passphrase (otherwise the terminal is asked)" },
	[OPT_NEW_KEY_FILE] = { "new-key-file", 0, "FILE", false,
		"the new key's file; made if it isn't there" },
	[OPT_NEW_PASSPHRASE_FILE] = { "new-passphrase-file", 0, "FILE", false,
		"a file with the new passphrase" },
	[OPT_EXPIRED] = { "expired", 0, NULL, false, "what has expired, when and by which rule" },
	[OPT_REASON] = { "reason", 0, "TEXT", false, "why, for those who come after you" },
	[OPT_ALL] = { "all", 0, NULL, false, "all there is, without a threshold" },
	[OPT_POLICY] = { "policy", 0, "FILE", false,
		"how long to keep what (YAML; docs/retention.md)" },
	[OPT_YES] = { "yes", 'y', NULL, false, "don't ask" },
	[OPT_GARBAGE] = { "garbage", 0, "SHARE", false,
		"how much of the archive may be garbage (default 5%)" },
	[OPT_NO_DELETE] = { "no-delete", 0, NULL, false,
		"delete nothing at the server, whatever the profile's `delete` says" },
	[OPT_MAX_DELETE] = { "max-delete", 0, "N", false,
		"delete at most N items at the server, instead of the profile's delete.max" },
	[OPT_OUT] = { "out", 0, "DIR", false, "folder for the files; made if missing" },
	[OPT_NAME] = { "name", 0, "NAME", false, "the certificate's common name (\"exarch\")" },
	[OPT_DAYS] = { "days", 0, "N", false, "how long it lasts (default 365, at most 3650)" },
	[OPT_PROFILE] = { "profile", 0, "FILE", false,
		"the profile that says how to reach the server" },
	[OPT_INTO] = { "into", 0, "MAILBOX[/FOLDER]", false,
		"into this mailbox, below this folder; otherwise where everything was" },
	[OPT_ON_DUPLICATE] = { "on-duplicate", 0, "HOW", false,
		"with what is there already: skip (default), copy or replace" },
	[OPT_SUBJECT] = { "subject", 0, "TEXT", false,
		"TEXT is in the subject (`*` = anything; =TEXT: is all of it; re:EXPRESSION)" },
	[OPT_SENDER] = { "sender", 0, "TEXT", false, "the same of From" },
	[OPT_RECIPIENT] = { "recipient", 0, "TEXT", false, "the same of To, Cc or Bcc" },
	[OPT_CLASS] = { "class", 0, "CLASS", false,
		"mail, meeting, report, calendar, contact, task, note, journal; or as --subject, "
		"of the item class" },
	[OPT_SIZE] = { "size", 0, "RANGE", false, "\">10MB\", \"<=64KiB\", \"1MB..10MB\"" },
	[OPT_HAS_ATTACHMENT] = { "has-attachment", 0, NULL, false, "only items with attachments" },
	[OPT_ATTACHMENT_NAME] = { "attachment", 0, "TEXT", false,
		"as --subject, of the name of an attachment" },
	[OPT_MESSAGE_ID] = { "message-id", 0, "TEXT", false, "as --subject, of the Message-ID" },
	[OPT_ITEM_ID] = { "item-id", 0, "ID", false, "the item that has this id at the server" },
	[OPT_TEXT] = { "text", 0, "WORDS", false,
		"these words are in it, as `exarch search` finds them" },
	[OPT_SORT] = { "sort", 0, "KEY", false,
		"date, size, subject, sender, number, rank or place; -KEY turns it round" },
	[OPT_COUNT_ONLY] = { "count", 0, NULL, false, "only how many there are" },
	[OPT_ATTACHMENT_NUMBER] = { "attachment", 0, "N", false,
		"the N-th attachment, as `exarch show` counts them" },
	[OPT_TO_FILE] = { "to", 0, "FILE", false, "write it into FILE, which must not exist" },
	[OPT_IN_CLEAR] = { "in-clear", 0, NULL, false,
		"of an encrypted archive too: the words of its mail then stand open on the disk" },
	[OPT_ANEW] = { "anew", 0, NULL, false, "from the first item on" },
	[OPT_REMOVE] = { "remove", 0, NULL, false, "take the index away" },
	[OPT_SETUP_OUT] = { "out", 0, "FILE", false, "the profile; it must not be there yet" },
	[OPT_KIND] = { "kind", 0, "KIND", false,
		"app-certificate (default), app-secret, ntlm, negotiate or basic" },
	[OPT_CLOUD] = { "cloud", 0, "CLOUD", false, "worldwide (default), us-gov, us-dod, china" },
	[OPT_TENANT] = { "tenant", 0, "ID", false, "the tenant's id, or one of its domains" },
	[OPT_CLIENT_ID] = { "client-id", 0, "ID", false, "the application (client) id" },
	[OPT_CERTIFICATE] = { "certificate", 0, "FILE", false, "the application's certificate" },
	[OPT_KEY] = { "key", 0, "FILE", false, "the certificate's private key" },
	[OPT_SECRET_FILE] = { "secret-file", 0, "FILE", false, "a file with the client secret" },
	[OPT_ENDPOINT] = { "endpoint", 0, "URL", false,
		"EWS of a server of your own; without it Autodiscover finds it" },
	[OPT_TLS_CA] = { "tls-ca", 0, "FILE", false, "trust this authority instead (PEM)" },
	[OPT_USER] = { "user", 0, "USER", false, "the account: DOMAIN\\user or user@domain" },
	[OPT_PASSWORD_FILE] = { "password-file", 0, "FILE", false, "a file with its password" },
	[OPT_MAILBOXES] = { "mailboxes", 0, "WHICH", false,
		"directory, a file with addresses, or addresses with commas between" },
	[OPT_ARCHIVE] = { "archive", 0, "DIR", false, "folder of the archive" },
	[OPT_LOG_FILE] = { "log-file", 0, "FILE", false,
		"append what happens to FILE, as JSON lines; it may be rotated meanwhile" },
	[OPT_METRICS_FILE] = { "metrics-file", 0, "FILE", false,
		"write what came of it for Prometheus' textfile collector" },
	[OPT_LOCK_WAIT] = { "lock-wait", 0, "SPAN", false,
		"wait so long for another run to end (\"30 min\")" },
	[OPT_HELP_FORMAT] = { "format", 0, "FORMAT", false,
		"for programs: man, bash, zsh, fish (completions) or list (the verbs)" },
	[OPT_BUILD] = { "build", 0, NULL, false, "how it was built, and what it runs with" },
	[OPT_VERIFY] = { "verify", 0, NULL, false, "only say whether the record is whole" },
};

#define KEY OPT_KEY_FILE, OPT_PASSPHRASE_FILE
#define SELECTION                                                                               \
	OPT_MAILBOX, OPT_FOLDER, OPT_SINCE, OPT_BEFORE, OPT_SUBJECT, OPT_SENDER, OPT_RECIPIENT, \
		OPT_CLASS, OPT_SIZE, OPT_HAS_ATTACHMENT, OPT_ATTACHMENT_NAME, OPT_MESSAGE_ID,   \
		OPT_ITEM_ID, OPT_TEXT, OPT_ID, OPT_ALL_VERSIONS

static const enum option_id only_help[] = { OPT_HELP, OPT_COUNT };
static const enum option_id version_options[] = { OPT_BUILD, OPT_JSON, OPT_HELP, OPT_COUNT };
static const enum option_id help_options[] = { OPT_HELP_FORMAT, OPT_HELP, OPT_COUNT };
static const enum option_id init_options[] = { OPT_COMPRESSION, OPT_ENCRYPT, KEY, OPT_HELP,
	OPT_COUNT };
static const enum option_id cert_create_options[] = { OPT_OUT, OPT_NAME, OPT_DAYS, OPT_JSON,
	OPT_HELP, OPT_COUNT };
static const enum option_id key_list_options[] = { OPT_JSON, OPT_HELP, OPT_COUNT };
static const enum option_id key_put_options[] = { KEY, OPT_NEW_KEY_FILE, OPT_NEW_PASSPHRASE_FILE,
	OPT_HELP, OPT_COUNT };
static const enum option_id only_key[] = { KEY, OPT_HELP, OPT_COUNT };
static const enum option_id setup_options[] = { OPT_SETUP_OUT, OPT_KIND, OPT_CLOUD, OPT_TENANT,
	OPT_CLIENT_ID, OPT_CERTIFICATE, OPT_KEY, OPT_SECRET_FILE, OPT_ENDPOINT, OPT_TLS_CA,
	OPT_USER, OPT_PASSWORD_FILE, OPT_MAILBOXES, OPT_ARCHIVE, OPT_HELP, OPT_COUNT };
static const enum option_id check_options[] = { OPT_MAILBOX, KEY, OPT_JSON, OPT_HELP, OPT_COUNT };
static const enum option_id explain_options[] = { OPT_JSON, OPT_HELP, OPT_COUNT };
static const enum option_id bench_options[] = { OPT_THREADS, OPT_ITEMS, OPT_DURATION, OPT_ROUNDS,
	OPT_MAILBOX, OPT_COMPRESSION, OPT_SCRATCH, OPT_SVG, OPT_JSON, OPT_QUIET, OPT_HELP,
	OPT_COUNT };
static const enum option_id archive_options[] = { OPT_DRY_RUN, OPT_THREADS, OPT_MAILBOX,
	OPT_MAX_DURATION, OPT_NO_DELETE, OPT_MAX_DELETE, OPT_LOG_FILE, OPT_METRICS_FILE,
	OPT_LOCK_WAIT, KEY, OPT_JSON, OPT_QUIET, OPT_HELP, OPT_COUNT };
static const enum option_id list_options[] = { SELECTION, OPT_SORT, OPT_LIMIT, OPT_COUNT_ONLY,
	OPT_FAILED, OPT_EXPIRED, KEY, OPT_JSON, OPT_HELP, OPT_COUNT };
static const enum option_id search_options[] = { SELECTION, OPT_SORT, OPT_LIMIT, OPT_ALL,
	OPT_COUNT_ONLY, KEY, OPT_JSON, OPT_HELP, OPT_COUNT };
static const enum option_id index_options[] = { OPT_IN_CLEAR, OPT_ANEW, OPT_REMOVE, KEY, OPT_JSON,
	OPT_QUIET, OPT_HELP, OPT_COUNT };
static const enum option_id show_options[] = { OPT_RAW, OPT_HEADERS, OPT_NATIVE,
	OPT_ATTACHMENT_NUMBER, OPT_TO_FILE, KEY, OPT_HELP, OPT_COUNT };
static const enum option_id export_options[] = { OPT_TO, OPT_FORMAT, OPT_LAYOUT, OPT_FLAT,
	OPT_ICS_VCF, OPT_NATIVE, OPT_UPDATE, OPT_WORKERS, SELECTION, KEY, OPT_QUIET, OPT_JSON,
	OPT_HELP, OPT_COUNT };
static const enum option_id stats_options[] = { OPT_BY, OPT_ATTACHMENTS, OPT_MAILBOX, OPT_FOLDER,
	OPT_SINCE, OPT_BEFORE, KEY, OPT_JSON, OPT_HELP, OPT_COUNT };
static const enum option_id verify_options[] = { OPT_LEVEL, OPT_SAMPLE, OPT_SEED, OPT_RATE,
	OPT_MAX_DURATION, OPT_STATE, SELECTION, KEY, OPT_QUIET, OPT_JSON, OPT_HELP, OPT_COUNT };
static const enum option_id rebuild_options[] = { KEY, OPT_QUIET, OPT_JSON, OPT_HELP, OPT_COUNT };

static const enum option_id diff_options[] = { OPT_MAILBOX, OPT_FOLDER, KEY, OPT_JSON, OPT_HELP,
	OPT_COUNT };
static const enum option_id restore_options[] = { OPT_PROFILE, OPT_INTO, OPT_ON_DUPLICATE,
	OPT_DRY_RUN, OPT_THREADS, OPT_MAX_DURATION, SELECTION, KEY, OPT_JSON, OPT_QUIET, OPT_HELP,
	OPT_COUNT };

#define KEY_DETAILS                                                                               \
	"Needs a key that opens the archive. Without --new-key-file and --new-passphrase-file a " \
	"new passphrase\nis asked for. What is stored isn't touched."
static const enum option_id hold_add_options[] = { OPT_MAILBOX, OPT_FOLDER, OPT_SINCE, OPT_BEFORE,
	OPT_REASON, KEY, OPT_HELP, OPT_COUNT };
static const enum option_id hold_list_options[] = { OPT_ALL, KEY, OPT_JSON, OPT_HELP, OPT_COUNT };
static const enum option_id expire_options[] = { OPT_POLICY, OPT_DRY_RUN, OPT_YES, OPT_LIMIT, KEY,
	OPT_JSON, OPT_HELP, OPT_COUNT };
static const enum option_id compact_options[] = { OPT_GARBAGE, OPT_ALL, OPT_DRY_RUN, KEY, OPT_JSON,
	OPT_QUIET, OPT_HELP, OPT_COUNT };
static const enum option_id runs_options[] = { OPT_LIMIT, KEY, OPT_JSON, OPT_HELP, OPT_COUNT };
static const enum option_id audit_options[] = { OPT_VERIFY, KEY, OPT_JSON, OPT_HELP, OPT_COUNT };
static const enum option_id hold_remove_options[] = { KEY, OPT_HELP, OPT_COUNT };

const struct verb verbs[] = {
	{ "init", "ARCHIVE", 1, "make a new, empty archive",
		"ARCHIVE must not exist or be an empty folder on a local disk. With --encrypt its "
		"key "
		"is in a file (made, readable\nby you alone, if it isn't there) or is a "
		"passphrase. "
		"Whoever loses every key loses the archive.",
		init_options, cmd_init },
	{ "cert create", "", 0, "a key and a certificate for an app registration",
		"Upload the .cer to the registration, name the other two in the profile. Nothing "
		"that is "
		"there is overwritten.\nBefore it expires make another in another folder, upload "
		"that too, "
		"and change the profile.",
		cert_create_options, cmd_cert_create },
	{ "key list", "ARCHIVE", 1, "the keys that open an encrypted archive", NULL,
		key_list_options, cmd_key_list },
	{ "key add", "ARCHIVE", 1, "give it another key", KEY_DETAILS, key_put_options,
		cmd_key_add },
	{ "key change", "ARCHIVE", 1, "put a new key in the place of the one that opens it",
		KEY_DETAILS, key_put_options, cmd_key_change },
	{ "key remove", "ARCHIVE NUMBER", 2, "take a key away; the last one stays",
		"Needs any key of the archive. NUMBER is the one of `exarch key list`.", only_key,
		cmd_key_remove },
	{ "config check", "PROFILE", 1, "read a profile and say what is wrong with it", NULL,
		only_help, cmd_config_check },
	{ "config show", "PROFILE", 1, "print a profile as it is understood, defaults filled in",
		NULL, only_help, cmd_config_show },
	{ "setup", "", 0, "write a profile, with comments",
		"On a terminal it asks for what no option says. An existing file is never touched.",
		setup_options, cmd_setup },
	{ "check", "PROFILE", 1, "look at all that a run needs, and say what to do about it",
		"Profile, credentials, servers, clock, tokens and their roles, directory, EWS, "
		"three "
		"mailboxes (--mailbox: those),\narchive, disk. One line each: ok, warning or "
		"FAILED, "
		"and behind the arrow what to do. Writes nothing.\n"
		"Exit codes: 0 nothing failed, 2 profile, 12 sign-in or permissions, 10 no "
		"archive, "
		"13 damage, 1 a server or the disk,\n3 only mailboxes failed; the worst of them.",
		check_options, cmd_check },
	{ "mailboxes", "PROFILE", 1, "who would be archived, who not, and why", NULL,
		explain_options, cmd_mailboxes },
	{ "folders", "PROFILE MAILBOX", 2,
		"a mailbox's folders, with the rule that decides for each", NULL, explain_options,
		cmd_folders },
	{ "archive", "PROFILE", 1, "archive the profile's mailboxes",
		"Continues where the last run ended; archives what is new or changed since.\n"
		"SIGINT and SIGTERM stop it cleanly (exit code 4), SIGUSR1 prints where it "
		"stands.\n"
		"Where the profile's `delete` asks for it, archived items are deleted at the "
		"server "
		"in the end; look first: -n\nsays what would be, and what keeps the rest.",
		archive_options, cmd_archive },
	{ "bench", "PROFILE", 1, "try numbers of threads against the server; advise run.threads",
		"Reads the same items with each number of threads into a scratch archive that is "
		"removed. Each request counts against\nthe tenant's budget, as a run's do; nothing "
		"is written at the server, whatever the profile's `delete` says.",
		bench_options, cmd_bench },
	{ "list", "ARCHIVE", 1, "list archived items",
		"All conditions that are given hold (docs/selection.md). The numbers are good for "
		"`exarch show`\nand --id.",
		list_options, cmd_list },
	{ "search", "ARCHIVE WORD...", 2, "find messages by their words, best first",
		"All words must be there, in head, text or attachments: \"two words\" together, "
		"begin*, one OR other,\nsubject:word (from: to: attachment: body: file:), and "
		"behind `--` -word for what must not be there.\n"
		"Prints the best 20; --limit and --all print more. Fast with `exarch index`, and "
		"the same without.",
		search_options, cmd_search },
	{ "index", "ARCHIVE", 1, "make or update the index that makes searching fast",
		"It is made of the archive's mail and stands in its folder `search`; it may be "
		"removed at any time.\nSafe to stop: the next call goes on. May run beside "
		"`exarch archive`.",
		index_options, cmd_index },
	{ "show", "ARCHIVE NUMBER", 2, "show one archived message", NULL, show_options, cmd_show },
	{ "export", "ARCHIVE", 1, "write archived messages into files",
		"Each message is compared with its SHA-256 before its file gets its name. No "
		"existing file is changed.\n"
		"Items without MIME become .fts files: the server's native stream.\n"
		"`sha256sum -c MANIFEST.sha256` in DIR proves the export later; MANIFEST.jsonl "
		"says "
		"what is where (docs/export.md).",
		export_options, cmd_export },
	{ "stats", "ARCHIVE", 1, "how much there is, of what, and what it costs",
		"Items and bytes by mailbox, year and run, and how much deduplication and "
		"compression save, from the index\n"
		"alone. --by class reads every item's record, --attachments every recipe too: that "
		"takes as long as a `list`\n"
		"of everything. Earlier versions of items are counted apart.",
		stats_options, cmd_stats },
	{ "verify", "ARCHIVE", 1, "prove that the archive is undamaged",
		"A selection limits which messages are put together; the levels below `messages` "
		"look at the whole archive.\n"
		"Damage is named with the items that can't be given back because of it (exit code "
		"13). Made for every night:\n"
		"`exarch verify ARCHIVE --state FILE --max-duration '1 h'` stops after an hour "
		"(exit code 4) and goes on the next\n"
		"night; after a whole round it begins again.",
		verify_options, cmd_verify },
	{ "hold add", "ARCHIVE NAME", 2, "keep what matches, whatever a policy says",
		"Conditions that aren't given match everything. A folder that ends in /** is that "
		"folder and all below.",
		hold_add_options, cmd_hold_add },
	{ "hold remove", "ARCHIVE HOLD", 2, "lift a hold, by its number or name", NULL,
		hold_remove_options, cmd_hold_remove },
	{ "hold list", "ARCHIVE", 1, "the holds in force (--all: lifted ones too)", NULL,
		hold_list_options, cmd_hold_list },
	{ "expire", "ARCHIVE", 1, "give up what a policy no longer keeps",
		"Look first: -n shows what would go. Without it you are asked, or say --yes "
		"beforehand. What is held stays.\n"
		"The room comes back with `exarch compact`.",
		expire_options, cmd_expire },
	{ "compact", "ARCHIVE", 1, "give back the room of what has expired",
		"May be stopped at any moment and run again. Needs room for one segment (256 MiB).",
		compact_options, cmd_compact },
	{ "runs", "ARCHIVE", 1, "how the runs went",
		"The oldest first; --limit N: the last N. With --json as `exarch audit` tells "
		"them.",
		runs_options, cmd_runs },
	{ "audit", "ARCHIVE", 1,
		"who did what to the archive: runs, holds, expiries, compactions, keys",
		"Each entry carries the hash of the one before. One that was changed or taken out "
		"shows: exit code 13.",
		audit_options, cmd_audit },
	{ "rebuild", "ARCHIVE", 1, "make the index again from the segments",
		"The old index stays until the new one is whole. Damage is stepped over and named "
		"(exit code 13).",
		rebuild_options, cmd_rebuild },
	{ "diff", "ARCHIVE PROFILE", 2, "compare the archive with what the server has now",
		"Lists ids and change keys; fetches no body and writes nothing. Exit code 0: no "
		"difference; 3: there are some,\nor something couldn't be compared. What the "
		"profile's rules hold back is no difference.",
		diff_options, cmd_diff },
	{ "restore", "ARCHIVE", 1, "put archived items back into mailboxes",
		"Look first: -n says what would be restored. What was restored once isn't again, "
		"so a restore that was\nstopped, in whatever way, is simply run again. Folders "
		"that "
		"are missing are made. --on-duplicate says what\nhappens with items that are there "
		"and weren't restored by exarch (docs/restore.md).",
		restore_options, cmd_restore },
	{ "version", "", 0, "print the version",
		"With --build also what a report of trouble needs: compiler, hardening, the "
		"libraries it was compiled with\nand those that it runs with, the formats it "
		"writes "
		"and reads, and what of the processor it can use.",
		version_options, cmd_version },
	{ "help", "[VERB]", 1, "help on a verb", NULL, help_options, cmd_help },
};
const size_t verb_count = sizeof verbs / sizeof verbs[0];
