/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A profile as YAML. Texts stand in double quotes, which can hold any of them; what can't be told
 * from a default is written out too, so that nothing has to be looked up.
 */
#include <inttypes.h>
#include <string.h>

#include "exarch/clock.h"
#include "exarch/profile.h"

#include "raw.h"
#include "value.h"

static void
add_quoted(struct buf *out, const char *text)
{
	buf_add_byte(out, '"');
	for (; *text != '\0'; text++) {
		if (*text == '\n' || *text == '\t')
			buf_add_string(out, *text == '\n' ? "\\n" : "\\t");
		else
			buf_printf(out, "%s%c", *text == '"' || *text == '\\' ? "\\" : "", *text);
	}
	buf_add_byte(out, '"');
}

/* "KEY: "TEXT"", or nothing when there is no text. KEY carries its indentation. */
static void
add_text(struct buf *out, const char *key, const char *text)
{
	if (text == NULL)
		return;
	buf_printf(out, "%s: ", key);
	add_quoted(out, text);
	buf_add_byte(out, '\n');
}

static void
add_bool(struct buf *out, const char *key, bool value)
{
	buf_printf(out, "%s: %s\n", key, value ? "true" : "false");
}

static void
add_texts(struct buf *out, const char *key, char *const *texts, size_t count)
{
	if (count == 0)
		return;
	buf_printf(out, "%s:\n", key);
	for (size_t i = 0; i < count; i++) {
		buf_add_string(out, "    - ");
		add_quoted(out, texts[i]);
		buf_add_byte(out, '\n');
	}
}

static void
add_patterns(struct buf *out, const char *key, struct pattern *const *patterns, size_t count)
{
	if (count == 0)
		return;
	buf_printf(out, "%s:\n", key);
	for (size_t i = 0; i < count; i++) {
		buf_add_string(out, "    - ");
		add_quoted(out, pattern_text(patterns[i]));
		buf_add_byte(out, '\n');
	}
}

/* clock_format drops fractions; a date in a profile may have one. */
static void
add_date(struct buf *out, const char *key, int64_t moment_ns)
{
	int64_t fraction_ns = moment_ns % EXA_NS_PER_S;
	char text[CLOCK_TEXT_MAX];

	if (moment_ns == EXA_NO_TIME)
		return;
	if (fraction_ns < 0)
		fraction_ns += EXA_NS_PER_S;
	clock_format(moment_ns, text);
	text[strcspn(text, "Z")] = '\0';
	buf_printf(out, "%s: \"%s.%09" PRId64 "Z\"\n", key, text, fraction_ns);
}

static void
add_auth(struct buf *out, const struct auth_config *auth)
{
	buf_printf(
		out, "  auth:\n    kind: %s\n", raw_word("source.auth.kind", (int)auth->kind + 1));
	add_text(out, "    tenant", auth->tenant);
	add_text(out, "    client_id", auth->client_id);
	add_text(out, "    certificate", auth->certificate_file);
	add_text(out, "    key", auth->key_file);
	if (auth->kind == AUTH_APP_CERTIFICATE)
		buf_printf(out, "    assertion: %s\n",
			raw_word("source.auth.assertion", (int)auth->assertion + 1));
	add_text(out, "    secret_file", auth->secret_file);
	add_text(out, "    secret_command", auth->secret_command);
	add_text(out, "    user", auth->user);
	add_text(out, "    password_file", auth->password_file);
	add_text(out, "    password_command", auth->password_command);
}

static void
add_source(struct buf *out, const struct profile *p)
{
	buf_add_string(out, "source:\n  kind: ews\n");
	add_text(out, "  endpoint", p->endpoint);
	if (p->autodiscover_server != NULL)
		add_text(out, "  autodiscover", p->autodiscover_server);
	else
		add_bool(out, "  autodiscover", p->autodiscover);
	add_text(out, "  token_endpoint", p->token_endpoint);
	add_text(out, "  graph_endpoint", p->graph_endpoint);
	add_text(out, "  ews_scope", p->ews_scope);
	add_text(out, "  graph_scope", p->graph_scope);
	add_text(out, "  tls_ca", p->tls_ca);
	buf_printf(out, "  timeout_s: %" PRIu32 "\n", p->timeout_s);
	add_bool(out, "  gzip", p->gzip);
	add_auth(out, &p->auth);
}

static void
add_parts(struct buf *out, unsigned parts)
{
	static const enum profile_part each[] = { PROFILE_PART_PRIMARY, PROFILE_PART_ARCHIVE,
		PROFILE_PART_RECOVERABLE };
	const char *comma = "";

	buf_add_string(out, "  parts: [");
	for (size_t i = 0; i < sizeof each / sizeof each[0]; i++) {
		if ((parts & each[i]) == 0)
			continue;
		buf_printf(out, "%s%s", comma, raw_word("mailboxes.parts", (int)each[i]));
		comma = ", ";
	}
	buf_add_string(out, "]\n");
}

static void
add_public_access(struct buf *out, const struct profile *p)
{
	buf_add_string(out, "public_folder_access:\n");
	add_text(out, "  as", p->public_as);
	add_text(out, "  autodiscover", p->public_server);
	add_text(out, "  hierarchy", p->public_hierarchy);
	add_text(out, "  hierarchy_server", p->public_hierarchy_server);
	buf_printf(out, "  content: %s\n",
		raw_word("public_folder_access.content",
			p->public_content_by_guid ? RAW_CONTENT_GUID : RAW_CONTENT_ADDRESS));
}

static void
add_mailboxes(struct buf *out, const struct profile *p)
{
	const struct rules *r = &p->rules;

	buf_printf(out, "mailboxes:\n  from: %s\n",
		raw_word("mailboxes.from", (int)p->mailboxes_from + 1));
	if (p->mailboxes_from == PROFILE_FROM_LIST)
		add_texts(out, "  list", p->mailbox_list, p->mailbox_count);
	add_text(out, "  file", p->mailbox_file);
	add_bool(out, "  only_licensed", r->only_licensed);
	add_bool(out, "  only_enabled", r->only_enabled);
	add_texts(out, "  groups", p->groups, p->group_count);
	add_patterns(out, "  include", r->mailbox_include, r->mailbox_include_count);
	add_patterns(out, "  exclude", r->mailbox_exclude, r->mailbox_exclude_count);
	add_parts(out, p->parts);
	add_bool(out, "public_folders", p->public_as != NULL);
	if (p->public_as != NULL)
		add_public_access(out, p);
}

static void
add_folders(struct buf *out, const struct rules *r)
{
	buf_add_string(out, "folders:\n");
	add_bool(out, "  standard_exclusions", r->standard_exclusions);
	if (r->folder_rule_count > 0)
		buf_add_string(out, "  rules:\n");
	for (size_t i = 0; i < r->folder_rule_count; i++) {
		const struct rules_folder_rule *rule = &r->folder_rules[i];

		add_text(out, rule->include ? "    - include" : "    - exclude",
			pattern_text(rule->pattern));
	}
}

static void
add_filters(struct buf *out, const struct profile *p)
{
	const struct rules *r = &p->rules;
	const char *comma = "";

	buf_printf(out, "filters:\n  unread: %s\n", raw_word("filters.unread", (int)r->unread + 1));
	add_text(out, "  older_than", p->older_than);
	if (p->older_than == NULL)
		add_date(out, "  before", r->before_ns);
	add_date(out, "  since", r->since_ns);
	buf_add_string(out, "  classes: [");
	for (unsigned i = 0; i < RULES_CLASS_COUNT; i++) {
		if ((r->classes & 1U << i) == 0)
			continue;
		buf_printf(out, "%s%s", comma, rules_class_name((enum rules_class)i));
		comma = ", ";
	}
	buf_add_string(out, "]\n");
}

static void
add_delete(struct buf *out, const struct profile *p)
{
	if (!p->delete_archived) {
		buf_add_string(out, "delete: { when: never }\n");
		return;
	}
	buf_printf(out, "delete:\n  when: archived\n  how: %s\n",
		raw_word("delete.how", (int)p->delete_how + 1));
	add_text(out, "  older_than", p->delete_older_than);
	if (p->delete_max > 0)
		buf_printf(out, "  max: %" PRIu32 "\n", p->delete_max);
}

static void
add_run(struct buf *out, const struct profile *p)
{
	char size[VALUE_SIZE_TEXT_MAX];

	value_size_text(p->batch_bytes, size);
	buf_printf(out,
		"run:\n  threads: %" PRIu32 "\n  batch_items: %" PRIu32
		"\n  batch_bytes: %s\n  mailbox_concurrency: %" PRIu32
		"\n  full_sync_days: %" PRIu32 "\n",
		p->threads, p->batch_items, size, p->mailbox_concurrency, p->full_sync_days);
}

void
profile_show(const struct profile *p, struct buf *out)
{
	buf_add_string(out, "version: 1\n");
	add_text(out, "archive", p->archive);
	add_bool(out, "create_archive", p->create_archive);
	if (p->key_file != NULL || p->passphrase_file != NULL)
		buf_add_string(out, "archive_key:\n");
	add_text(out, "  key_file", p->key_file);
	add_text(out, "  passphrase_file", p->passphrase_file);
	add_source(out, p);
	add_mailboxes(out, p);
	add_folders(out, &p->rules);
	add_filters(out, p);
	buf_printf(out, "versions: %s\ncapture: [%s%s%s]\n",
		raw_word("versions", (int)p->versions + 1),
		p->capture & PROFILE_CAPTURE_MIME ? "mime" : "",
		p->capture == (PROFILE_CAPTURE_MIME | PROFILE_CAPTURE_NATIVE) ? ", " : "",
		p->capture & PROFILE_CAPTURE_NATIVE ? "native" : "");
	add_bool(out, "search", p->search);
	add_delete(out, p);
	add_run(out, p);
}
