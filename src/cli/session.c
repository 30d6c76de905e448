/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "errand.h"
#include "exarch/clock.h"
#include "exarch/mem.h"
#include "session.h"

#define USER_AGENT "exarch/" EXARCH_VERSION

bool
session_of(
	struct profile *profile, struct cancel *cancel, struct session *out, struct exa_error *err)
{
	struct session s = { .profile = profile };

	if (!auth_open(&profile->auth, &s.auth, err))
		return false;
	s.http = (struct http_options){ .tls_ca_file = profile->tls_ca,
		.user_agent = USER_AGENT,
		.timeout_s = profile->timeout_s,
		.gzip = profile->gzip,
		.cancel = cancel };
	auth_login(s.auth, &s.http.login);
	s.ews = (struct ews_options){ .endpoint = profile->endpoint,
		.scope = profile->ews_scope,
		.auth = s.auth,
		.http = s.http };
	*out = s;
	return true;
}

bool
session_open(
	const char *profile_path, struct cancel *cancel, struct session *out, struct exa_error *err)
{
	EXA_AUTO(profile_freep) struct profile *profile = NULL;

	if (!profile_load(profile_path, clock_wall_ns(), &profile, err) ||
		!session_of(profile, cancel, out, err))
		return false;
	profile = NULL;
	return true;
}

void
session_done(struct session *s)
{
	exa_free(s->found_endpoint);
	exa_free(s->public_server);
	exa_free(s->public_hierarchy);
	exa_free(s->public_hierarchy_server);
	auth_free(s->auth);
	profile_free(s->profile);
	*s = (struct session){ 0 };
}

/* ---- who ---- */

void
plan_done(struct plan *p)
{
	for (size_t i = 0; i < p->count; i++) {
		exa_free(p->entries[i].mailbox.smtp);
		exa_free(p->entries[i].mailbox.display_name);
	}
	exa_free(p->entries);
	*p = (struct plan){ 0 };
}

size_t
plan_chosen(const struct plan *p)
{
	size_t chosen = 0;

	for (size_t i = 0; i < p->count; i++)
		chosen += p->entries[i].decision.verdict == RULES_ARCHIVE;
	return chosen;
}

static void
plan_add(struct plan *p, const char *smtp, const char *name, int licensed, int enabled, bool guest)
{
	if (p->count == p->capacity) {
		p->capacity = p->capacity > 0 ? p->capacity * 2 : 64;
		p->entries = exa_realloc_array(p->entries, p->capacity, sizeof *p->entries);
	}
	p->entries[p->count++] = (struct plan_entry){
		.mailbox = { .smtp = exa_strdup(smtp), .display_name = exa_strdup(name) },
		.licensed = licensed,
		.enabled = enabled,
		.guest = guest,
	};
}

static bool
take_user(void *ctx, const struct directory_user *u, struct exa_error *err)
{
	const char *address = u->smtp[0] != '\0' ? u->smtp : u->principal_name;

	(void)err;
	plan_add(ctx, address, u->display_name, u->licensed, u->enabled, u->guest);
	return true;
}

static bool
ask_directory(struct session *s, struct http_client *http, struct plan *p, struct exa_error *err)
{
	const struct profile *profile = s->profile;
	const struct directory_options options = { .graph_endpoint = profile->graph_endpoint,
		.scope = profile->graph_scope,
		.auth = s->auth,
		.http = http };
	const struct directory_sink sink = { .user = take_user, .ctx = p };

	if (profile->group_count == 0)
		return directory_users(&options, &sink, err);
	for (size_t i = 0; i < profile->group_count; i++) {
		if (!directory_group_members(&options, profile->groups[i], &sink, err))
			return exa_while(err, "members of group '%s'", profile->groups[i]);
	}
	return true;
}

struct listing {
	struct session *session;
	struct http_client *http;
	struct plan plan;
};

static bool
list_users(void *ctx, struct exa_error *err)
{
	struct listing *l = ctx;

	plan_done(&l->plan);
	return ask_directory(l->session, l->http, &l->plan, err);
}

static bool
load_directory(struct session *s, struct cancel *cancel, struct plan *out, struct exa_error *err)
{
	EXA_AUTO(http_client_freep) struct http_client *http = NULL;
	struct listing l = { .session = s };

	if (!http_client_new(&s->http, &http, err))
		return false;
	l.http = http;
	if (!errand_run(list_users, &l, cancel, err)) {
		plan_done(&l.plan);
		return exa_while(err, "asking the directory who has a mailbox");
	}
	*out = l.plan;
	return true;
}

static int
by_address(const void *a, const void *b)
{
	const struct plan_entry *x = a, *y = b;

	return strcasecmp(x->mailbox.smtp, y->mailbox.smtp);
}

/* Someone may be a member of several groups. */
static void
drop_doubles(struct plan *p)
{
	size_t kept = 0;

	if (p->count > 0)
		exa_sort(p->entries, p->count, sizeof *p->entries, by_address);
	for (size_t i = 0; i < p->count; i++) {
		if (kept > 0 && by_address(&p->entries[kept - 1], &p->entries[i]) == 0) {
			exa_free(p->entries[i].mailbox.smtp);
			exa_free(p->entries[i].mailbox.display_name);
		} else {
			p->entries[kept++] = p->entries[i];
		}
	}
	p->count = kept;
}

static bool
judge_all(struct plan *p, const struct rules *rules, const char *glob, struct exa_error *err)
{
	EXA_AUTO(pattern_freep) struct pattern *only = NULL;

	if (glob != NULL && !pattern_compile(glob, &only, err))
		return false;
	for (size_t i = 0; i < p->count; i++) {
		struct plan_entry *e = &p->entries[i];
		const struct rules_mailbox facts = { .smtp = e->mailbox.smtp,
			.licensed = e->licensed,
			.enabled = e->enabled,
			.guest = e->guest };

		rules_judge_mailbox(rules, &facts, &e->decision);
		if (only != NULL && e->decision.verdict == RULES_ARCHIVE &&
			!pattern_matches(only, e->mailbox.smtp))
			e->decision = (struct rules_decision){ .verdict = RULES_EXCLUDE,
				.reason = "doesn't match --mailbox" };
	}
	return true;
}

bool
plan_load(struct session *s, const char *mailbox_glob, struct cancel *cancel, struct plan *out,
	struct exa_error *err)
{
	const struct profile *profile = s->profile;
	struct plan p = { 0 };

	if (profile->mailboxes_from == PROFILE_FROM_DIRECTORY) {
		if (!load_directory(s, cancel, &p, err))
			return false;
	} else {
		for (size_t i = 0; i < profile->mailbox_count; i++)
			plan_add(&p, profile->mailbox_list[i], "", -1, -1, false);
	}
	drop_doubles(&p);
	if (!judge_all(&p, &profile->rules, mailbox_glob, err)) {
		plan_done(&p);
		return false;
	}
	*out = p;
	return true;
}

static size_t
add_part(struct crawl_mailbox *out, const struct crawl_mailbox *of, enum catalog_part part)
{
	*out = *of;
	out->part = part;
	out->label = exa_asprintf("%s%s", of->smtp, catalog_part_suffix(part));
	return 1;
}

size_t
session_parts(const struct session *s, const struct crawl_mailbox *mailbox,
	struct crawl_mailbox out[PARTS_MOST])
{
	const unsigned parts = s->profile->parts;
	const unsigned both = PROFILE_PART_ARCHIVE | PROFILE_PART_RECOVERABLE;
	size_t n = 0;

	if ((parts & PROFILE_PART_PRIMARY) != 0)
		n += add_part(&out[n], mailbox, CATALOG_PRIMARY);
	if ((parts & PROFILE_PART_ARCHIVE) != 0)
		n += add_part(&out[n], mailbox, CATALOG_ONLINE_ARCHIVE);
	if ((parts & PROFILE_PART_RECOVERABLE) != 0)
		n += add_part(&out[n], mailbox, CATALOG_RECOVERABLE);
	if ((parts & both) == both)
		n += add_part(&out[n], mailbox, CATALOG_ARCHIVE_RECOVERABLE);
	return n;
}
