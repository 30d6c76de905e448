/* SPDX-License-Identifier: Apache-2.0 */
/* A profile brought to life: what the verbs that talk to a server share. */
#ifndef CLI_SESSION_H
#define CLI_SESSION_H

#include "exarch/cancel.h"
#include "exarch/crawl.h"
#include "exarch/directory.h"
#include "exarch/profile.h"
#include "options.h"

struct session {
	struct profile *profile;
	struct auth *auth;
	struct http_options http;
	struct ews_options ews; /* endpoint NULL until session_locate, with autodiscover */
	char *found_endpoint;   /* by Autodiscover, or NULL */
	/* public.c */
	struct crawl_public public_routing;
	char *public_server, *public_hierarchy, *public_hierarchy_server;
};

/* Reads the profile and the credentials; asks no server yet. */
bool session_open(const char *profile_path, struct cancel *cancel, struct session *out,
	struct exa_error *err) EXA_CHECK;
/* The same with a profile that is read already: taken on success. */
bool session_of(struct profile *profile, struct cancel *cancel, struct session *out,
	struct exa_error *err) EXA_CHECK;
void session_done(struct session *s);

/*
 * With `autodiscover`: finds the server of these mailboxes and sets ews.endpoint. EXA_USAGE when
 * their domains are served by different ones (a run has one), or by Exchange Online. Without:
 * nothing to do.
 */
bool session_locate(struct session *s, const struct crawl_mailbox *mailboxes, size_t count,
	struct cancel *cancel, struct exa_error *err) EXA_CHECK;

/* The public folders as one more mailbox, for a profile that has `public_as`, once ews.endpoint is
 * set. The label is owned by the caller; the session must stay where it is. */
struct crawl_mailbox session_public(struct session *s);

/* ---- who ---- */

struct plan_entry {
	struct crawl_mailbox mailbox;
	int licensed, enabled; /* 1, 0, -1 not known */
	bool guest;
	struct rules_decision decision;
};

struct plan {
	struct plan_entry *entries;
	size_t count, capacity;
};

/* The profile's mailboxes, each address once, judged. MAILBOX_GLOB (may be NULL) narrows them
 * further. */
bool plan_load(struct session *s, const char *mailbox_glob, struct cancel *cancel, struct plan *out,
	struct exa_error *err) EXA_CHECK;
void plan_done(struct plan *p);
/* How many are to be archived. */
size_t plan_chosen(const struct plan *p);

/* The parts of MAILBOX that the profile names, side by side, at most PARTS_MOST. Labels are owned;
 * the other texts are the mailbox's. */
#define PARTS_MOST 4
size_t session_parts(const struct session *s, const struct crawl_mailbox *mailbox,
	struct crawl_mailbox out[PARTS_MOST]);

#endif
