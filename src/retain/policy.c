/* SPDX-License-Identifier: Apache-2.0 */
/* From a file to a policy. What could only be a slip is refused: what a policy says too much is
 * gone for good. */
#include <string.h>

#include <openssl/evp.h>

#include "exarch/clock.h"
#include "exarch/fs.h"
#include "exarch/retain.h"
#include "exarch/rules.h"
#include "exarch/sha256.h"
#include "tree.h"

#define POLICY_VERSION "1"
/* "10 min" for "10 months" is a slip. */
#define KEEP_LEAST_NS (INT64_C(86400) * EXA_NS_PER_S)

struct parsing {
	struct yaml_file file;
	struct retain_policy *policy;
	int64_t now_ns;
};

enum rule_key { RULE_NAME, RULE_MAILBOXES, RULE_FOLDERS, RULE_CLASSES, RULE_KEEP, RULE_KEYS };
static const char *const rule_keys[RULE_KEYS + 1] = { "name", "mailboxes", "folders", "classes",
	"keep", NULL };

static const char *
keep_text(struct parsing *p, const char *text)
{
	return arena_strndup(p->policy->texts, text, strlen(text));
}

/* Addresses never begin with a slash, paths always do: what says otherwise matches nothing. */
static bool
check_pattern(struct parsing *p, const struct yaml_spot *at, const char *text, enum rule_key kind)
{
	const bool is_path = text[0] == '/';

	if (strncmp(text, "re:", 3) == 0)
		return true;
	if (kind == RULE_FOLDERS && !is_path && strncmp(text, "**", 2) != 0)
		return yaml_bad(&p->file, at,
			"`%s` can't match: paths of folders begin with `/`, as in /Inbox/**", text);
	if (kind == RULE_FOLDERS && text[1] != '\0' && text[strlen(text) - 1] == '/')
		return yaml_bad(&p->file, at,
			"`%s` can't match: paths of folders don't end in `/` (with `/**` it means "
			"the folder and all below)",
			text);
	if (kind == RULE_MAILBOXES && is_path)
		return yaml_bad(&p->file, at, "`%s` can't match: it is no address", text);
	return true;
}

static bool
read_patterns(struct parsing *p, const struct yaml_spot *list, enum rule_key kind,
	struct retain_patterns *out)
{
	size_t count;

	if (!yaml_count(&p->file, list, RETAIN_PATTERNS_MAX, &count))
		return false;
	out->of = exa_alloc_array(count, sizeof *out->of);
	for (; out->count < count; out->count++) {
		struct yaml_spot at;
		const char *text;

		yaml_entry(&p->file, list, out->count, &at);
		if (!yaml_text(&p->file, &at, &text) || !check_pattern(p, &at, text, kind))
			return false;
		if (!pattern_compile(text, &out->of[out->count], p->file.err)) {
			struct exa_error why = *p->file.err;

			return yaml_bad(&p->file, &at, "%s", why.text);
		}
	}
	return true;
}

static bool
read_classes(struct parsing *p, const struct yaml_spot *list, unsigned *out)
{
	size_t count;

	if (!yaml_count(&p->file, list, RULES_CLASS_COUNT, &count))
		return false;
	for (size_t i = 0; i < count; i++) {
		EXA_AUTO(buf_done) struct buf known = { 0 };
		enum rules_class class;
		struct yaml_spot at;
		const char *text;

		yaml_entry(&p->file, list, i, &at);
		if (!yaml_text(&p->file, &at, &text))
			return false;
		if (rules_class_parse(text, &class)) {
			*out |= 1U << class;
			continue;
		}
		for (int k = 0; k < RULES_CLASS_COUNT; k++)
			buf_printf(&known, "%s`%s`", k > 0 ? ", " : "",
				rules_class_name((enum rules_class)k));
		return yaml_bad(&p->file, &at, "expected one of %s, found `%.60s`",
			buf_string(&known), text);
	}
	return true;
}

static bool
read_keep(struct parsing *p, const struct yaml_spot *at, struct retain_rule *rule)
{
	struct exa_error why;
	const char *text;

	rule->before_ns = EXA_NO_TIME;
	if (!yaml_text(&p->file, at, &text))
		return false;
	rule->keep = keep_text(p, text);
	if (strcmp(text, "forever") == 0)
		return true;
	if (!clock_before(text, p->now_ns, &rule->before_ns, &why))
		return yaml_bad(&p->file, at,
			"expected `forever` or a span such as 90 days, 18 months or 10 years, "
			"found `%.60s`",
			text);
	return rule->before_ns <= p->now_ns - KEEP_LEAST_NS ||
	       yaml_bad(&p->file, at, "`%.60s` is less than a day", text);
}

static bool
matches_everything(const struct retain_rule *rule)
{
	return rule->mailboxes.count == 0 && rule->folders.count == 0 && rule->classes == 0;
}

/* RULE comes behind those that the policy has already. */
static bool
check_order(struct parsing *p, const struct yaml_spot *at, const struct retain_rule *rule)
{
	for (size_t i = 0; i + 1 < p->policy->rule_count; i++) {
		const struct retain_rule *before = &p->policy->rules[i];

		if (strcmp(before->name, rule->name) == 0)
			return yaml_bad(
				&p->file, at, "rules[%zu] is named `%s` too", i + 1, rule->name);
		if (matches_everything(before))
			return yaml_bad(&p->file, at,
				"is never reached: rules[%zu] `%s` matches everything", i + 1,
				before->name);
	}
	return true;
}

static bool
read_rule(struct parsing *p, const struct yaml_spot *at)
{
	struct retain_rule *rule = &p->policy->rules[p->policy->rule_count++];
	struct yaml_spot keys[RULE_KEYS];
	const char *name;

	if (!yaml_keys(&p->file, at, rule_keys, keys) ||
		!yaml_text(&p->file, &keys[RULE_NAME], &name))
		return false;
	rule->name = keep_text(p, name);
	return check_order(p, at, rule) &&
	       read_patterns(p, &keys[RULE_MAILBOXES], RULE_MAILBOXES, &rule->mailboxes) &&
	       read_patterns(p, &keys[RULE_FOLDERS], RULE_FOLDERS, &rule->folders) &&
	       read_classes(p, &keys[RULE_CLASSES], &rule->classes) &&
	       read_keep(p, &keys[RULE_KEEP], rule);
}

static bool
read_version(struct parsing *p, const struct yaml_spot *at)
{
	const char *version;

	if (at->node == NULL)
		return yaml_bad(&p->file, at, "missing; write `version: 1`");
	return yaml_text(&p->file, at, &version) &&
	       (strcmp(version, POLICY_VERSION) == 0 ||
		       yaml_bad(&p->file, at,
			       "expected 1, the only version of policies that this exarch reads"));
}

static bool
read_policy(struct parsing *p, const struct yaml_spot *root)
{
	static const char *const keys[] = { "version", "rules", NULL };
	struct yaml_spot at[2];
	size_t count;

	if (!yaml_keys(&p->file, root, keys, at) || !read_version(p, &at[0]) ||
		!yaml_count(&p->file, &at[1], RETAIN_RULES_MAX, &count))
		return false;
	if (count == 0)
		return yaml_bad(
			&p->file, &at[1], "missing; a policy without rules keeps everything");
	p->policy->rules = exa_alloc_array(count, sizeof *p->policy->rules);
	for (size_t i = 0; i < count; i++) {
		struct yaml_spot rule;

		yaml_entry(&p->file, &at[1], i, &rule);
		if (!read_rule(p, &rule))
			return false;
	}
	return true;
}

/* ---- the verbs ---- */

bool
retain_policy_parse(struct bytes text, const char *path, int64_t now_ns, struct retain_policy **out,
	struct exa_error *err)
{
	EXA_AUTO(retain_policy_freep) struct retain_policy *policy = exa_alloc(sizeof *policy);
	struct parsing p = {
		.file = { .name = path, .err = err }, .policy = policy, .now_ns = now_ns
	};
	unsigned size = CATALOG_SHA256_SIZE;
	struct yaml_spot root;
	bool good;

	policy->texts = arena_new();
	policy->path = keep_text(&p, path);
	(void)EVP_Digest(text.size > 0 ? (const void *)text.data : "", text.size, policy->sha256,
		&size, exa_sha256(), NULL);
	good = yaml_file_open(&p.file, text, &root) && read_policy(&p, &root);
	yaml_file_done(&p.file);
	if (!good)
		return false;
	*out = policy;
	policy = NULL;
	return true;
}

bool
retain_policy_load(
	const char *path, int64_t now_ns, struct retain_policy **out, struct exa_error *err)
{
	EXA_AUTO(buf_done) struct buf text = { 0 };

	if (!fs_read_file(path, RETAIN_FILE_MAX, &text, err)) {
		err->code = EXA_USAGE; /* whatever the reason, it is another file that helps */
		return false;
	}
	return retain_policy_parse(buf_bytes(&text), path, now_ns, out, err);
}

static void
patterns_done(struct retain_patterns *p)
{
	for (size_t i = 0; i < p->count; i++)
		pattern_free(p->of[i]);
	exa_free(p->of);
}

void
retain_policy_free(struct retain_policy *p)
{
	if (p == NULL)
		return;
	for (size_t i = 0; i < p->rule_count; i++) {
		patterns_done(&p->rules[i].mailboxes);
		patterns_done(&p->rules[i].folders);
	}
	exa_free(p->rules);
	arena_free(p->texts);
	exa_free(p);
}

void
retain_policy_freep(struct retain_policy **p)
{
	retain_policy_free(*p);
	*p = NULL;
}

bool
retain_rule_covers(const struct retain_rule *rule, const char *smtp, const char *folder_path)
{
	bool mailbox = rule->mailboxes.count == 0, folder = rule->folders.count == 0;

	for (size_t i = 0; !mailbox && i < rule->mailboxes.count; i++)
		mailbox = pattern_matches(rule->mailboxes.of[i], smtp);
	for (size_t i = 0; mailbox && !folder && i < rule->folders.count; i++)
		folder = pattern_covers(rule->folders.of[i], folder_path);
	return mailbox && folder;
}
