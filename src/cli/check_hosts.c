/* SPDX-License-Identifier: Apache-2.0 */
/* The servers a profile leads to: one request to each, without credentials. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "exarch/clock.h"
#include "exarch/mem.h"

#include "check.h"

#define USER_AGENT "exarch/" EXARCH_VERSION
/* Nobody waits half a minute for each of them; a server that takes longer is out of order. */
#define CONNECT_TIMEOUT_S 10
#define TIMEOUT_S 30
/* Entra and Kerberos take five minutes; one is a clock that isn't looked after. */
#define SKEW_WARNING_S 60
#define SKEW_FAILED_S 300

static size_t
origin_size(const char *url)
{
	const char *host = strstr(url, "://");

	return host == NULL ? strlen(url) : (size_t)(host - url) + 3 + strcspn(host + 3, "/?#");
}

static const struct check_host *
find_host(const struct check *c, const char *url)
{
	size_t size = origin_size(url);

	for (size_t i = 0; i < c->host_count; i++) {
		if (strlen(c->hosts[i].origin) == size &&
			strncasecmp(c->hosts[i].origin, url, size) == 0)
			return &c->hosts[i];
	}
	return NULL;
}

bool
check_host_reached(const struct check *c, const char *url)
{
	const struct check_host *h = url != NULL ? find_host(c, url) : NULL;

	return h == NULL || h->reached;
}

static void
add_host(struct check *c, const char *url, const char *key)
{
	if (url == NULL || find_host(c, url) != NULL || c->host_count == CHECK_HOSTS_MAX)
		return;
	c->hosts[c->host_count++] =
		(struct check_host){ .origin = exa_strndup(url, origin_size(url)), .key = key };
}

static bool
uses_tokens(const struct profile *p)
{
	return p->auth.kind == AUTH_APP_CERTIFICATE || p->auth.kind == AUTH_APP_SECRET;
}

static bool
ignore_body(void *ctx, const struct http_answer *answer, struct bytes data, struct exa_error *err)
{
	(void)ctx;
	(void)answer;
	(void)data;
	(void)err;
	return true;
}

/* What a failure to connect says of its cause stands in its text. */
static const char *
remedy_of_unreached(const struct exa_error *err)
{
	static const struct {
		const char *words, *remedy;
	} causes[] = {
		{ "the proxy's name", "DNS: does `getent hosts` find the proxy that the "
				      "environment's https_proxy names?" },
		{ "looked up", "DNS: does `getent hosts` find the name on this machine?" },
		{ "TLS handshake",
			"TLS: the server must speak TLS 1.2 or newer on that port, and nothing "
			"between (proxy, inspection) may break it" },
	};

	if (err->code == EXA_AUTH)
		return "TLS: trust the server's authority with source.tls_ca";
	for (size_t i = 0; i < sizeof causes / sizeof causes[0]; i++) {
		if (strstr(err->text, causes[i].words) != NULL)
			return causes[i].remedy;
	}
	return "let this machine connect to it (firewall, or name a proxy in the environment's "
	       "https_proxy)";
}

static void
tell_unreached(struct check *c, const struct check_host *h, const struct exa_error *err)
{
	EXA_AUTO(exa_freep)
	char *remedy = exa_asprintf("%s; or correct %s", remedy_of_unreached(err), h->key);

	check_tell_error(c, "host", h->origin, err, remedy, 0);
}

static bool
probe(struct check *c, struct check_host *h, struct http_answer *answer)
{
	const struct http_options options = { .tls_ca_file = c->profile->tls_ca,
		.user_agent = USER_AGENT,
		.connect_timeout_s = CONNECT_TIMEOUT_S,
		.timeout_s = TIMEOUT_S };
	EXA_AUTO(http_client_freep) struct http_client *http = NULL;
	EXA_AUTO(exa_freep) char *url = exa_asprintf("%s/", h->origin);
	const struct http_request request = { .method = "GET", .url = url };
	const struct http_sink sink = { .write = ignore_body };
	struct exa_error err;

	h->reached = http_client_new(&options, &http, &err) &&
		     http_perform(http, &request, &sink, answer, &err);
	if (!h->reached) {
		tell_unreached(c, h, &err);
		return false;
	}
	check_tell(c, &(struct check_finding){ .what = "host", .subject = h->origin },
		"%s, answers in %u ms",
		strncmp(h->origin, "https:", 6) == 0 ? "name and TLS are good"
						     : "plain http, on this machine",
		(unsigned)answer->elapsed_ms);
	return true;
}

static void
tell_clock(struct check *c, const char *origin, int64_t skew_s)
{
	struct check_finding f = { .what = "clock",
		.code = EXIT_AUTH,
		.remedy = "set it, and keep it set (timedatectl set-ntp true): sign-ins more than "
			  "five minutes off are refused" };
	int64_t off_s = skew_s < 0 ? -skew_s : skew_s;

	if (off_s <= SKEW_WARNING_S) {
		f.remedy = NULL;
		check_tell(c, &f, "agrees with %s", origin);
		return;
	}
	f.state = off_s > SKEW_FAILED_S ? CHECK_FAILED : CHECK_WARNING;
	check_tell(c, &f, "%lld:%02lld:%02lld %s of %s", (long long)(off_s / 3600),
		(long long)(off_s / 60 % 60), (long long)(off_s % 60),
		skew_s < 0 ? "behind that" : "ahead of that", origin);
}

void
check_hosts(struct check *c)
{
	const struct profile *p = c->profile;
	bool clock_told = false;

	if (uses_tokens(p))
		add_host(c, p->token_endpoint, "source.token_endpoint");
	add_host(c, p->endpoint, "source.endpoint");
	add_host(c, p->autodiscover_server, "source.autodiscover");
	if (p->mailboxes_from == PROFILE_FROM_DIRECTORY)
		add_host(c, p->graph_endpoint, "source.graph_endpoint");
	for (size_t i = 0; i < c->host_count; i++) {
		struct http_answer answer = { 0 };

		if (!probe(c, &c->hosts[i], &answer) || clock_told || answer.date_s == 0)
			continue;
		/* Every host's date is checked only until one says it: the first is the one that
		 * judges sign-ins. */
		tell_clock(c, c->hosts[i].origin, clock_wall_ns() / EXA_NS_PER_S - answer.date_s);
		clock_told = true;
	}
}
