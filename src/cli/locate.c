/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The server of a run with `autodiscover: true`. A run has one endpoint, so the mailboxes of all
 * domains must be served by the same; an address of each domain is asked for.
 */
#include <string.h>
#include <strings.h>

#include "exarch/discover.h"
#include "exarch/mem.h"

#include "errand.h"
#include "session.h"

struct question {
	const struct session *session;
	const char *address;
	struct buf url;
};

static bool
discover(void *ctx, struct exa_error *err)
{
	struct question *q = ctx;
	const struct session *s = q->session;
	const struct discover_options options = {
		.auth = s->auth, .http = s->http, .server = s->profile->autodiscover_server
	};

	buf_reset(&q->url);
	return discover_ews(&options, q->address, &q->url, err);
}

/* FIRST was answered with s->found_endpoint, ADDRESS with URL. */
static bool
take_url(struct session *s, const char *address, const char *first, const char *url,
	struct exa_error *err)
{
	if (ews_is_online(url))
		return exa_fail(err, EXA_USAGE,
			"Autodiscover says that %s is in Exchange Online (%s), which doesn't take "
			"`kind: ntlm`, `negotiate` or `basic`; use a profile with an application "
			"for it",
			address, url);
	if (s->found_endpoint != NULL && strcasecmp(s->found_endpoint, url) != 0)
		return exa_fail(err, EXA_USAGE,
			"Autodiscover names %s for %s, but %s for %s; make one profile for each "
			"server, or set source.endpoint if one of them serves all",
			s->found_endpoint, first, url, address);
	if (s->found_endpoint == NULL)
		s->found_endpoint = exa_strdup(url);
	s->ews.endpoint = s->found_endpoint;
	return true;
}

static bool
locate(struct session *s, const char *address, const char *first, struct cancel *cancel,
	struct exa_error *err)
{
	struct question q = { .session = s, .address = address };
	bool good = errand_run(discover, &q, cancel, err) &&
		    take_url(s, address, first, buf_string(&q.url), err);

	buf_done(&q.url);
	return good;
}

static const char *
domain_of(const char *address)
{
	const char *at = strrchr(address, '@');

	return at != NULL ? at + 1 : "";
}

static bool
is_known(const char *const *domains, size_t count, const char *domain)
{
	for (size_t i = 0; i < count; i++) {
		if (strcasecmp(domains[i], domain) == 0)
			return true;
	}
	return false;
}

bool
session_locate(struct session *s, const struct crawl_mailbox *mailboxes, size_t count,
	struct cancel *cancel, struct exa_error *err)
{
	const char **domains = exa_alloc_array(count, sizeof *domains);
	size_t known = 0;
	bool good = true;

	for (size_t i = 0; good && s->profile->autodiscover && i < count; i++) {
		const char *domain = domain_of(mailboxes[i].smtp);

		if (is_known(domains, known, domain))
			continue;
		domains[known++] = domain;
		good = locate(s, mailboxes[i].smtp, mailboxes[0].smtp, cancel, err);
	}
	exa_free(domains);
	return good;
}
