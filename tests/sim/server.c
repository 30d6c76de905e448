/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>
#include <strings.h>

#include <libxml/parser.h>

#include "autodiscover.h"
#include "b64.h"
#include "control.h"
#include "ews.h"
#include "graph.h"
#include "live.h"
#include "profile_out.h"
#include "server.h"
#include "side.h"
#include "token.h"
#include "tree_gen.h"

#define EWS_PATH "/EWS/Exchange.asmx"

struct server {
	struct mailstore *store;
	struct auth auth;
	struct behaviour *behaviour;
	struct credentials credentials;
	struct ews_options ews;
	struct graph_options graph;
	struct reqlog *log;
	struct http_server *http;
	char *url;
};

const char *
server_url(const struct server *s)
{
	return s->url;
}

static bool
ends_with(const char *text, const char *end)
{
	size_t n = strlen(text), m = strlen(end);

	return n >= m && strcmp(text + n - m, end) == 0;
}

static void
graph(void *ctx, const struct http_request *r, struct http_answer *answer)
{
	struct server *s = ctx;

	graph_handle(&s->graph, r, answer);
}

static void
token(void *ctx, const struct http_request *r, struct http_answer *answer)
{
	struct server *s = ctx;

	token_handle(&s->auth, r, answer);
}

static void
autodiscover(void *ctx, const struct http_request *r, struct http_answer *answer)
{
	struct server *s = ctx;

	autodiscover_handle(
		&(struct autodiscover_options){ s->store, &s->auth, s->url }, r, answer);
}

static void
route(void *ctx, const struct http_request *r, struct http_answer *answer)
{
	struct server *s = ctx;

	if (strcasecmp(r->path, EWS_PATH) == 0)
		ews_handle(&s->ews, r, answer);
	else if (strncmp(r->path, GRAPH_PATH, strlen(GRAPH_PATH)) == 0)
		side_handle(s->behaviour, "directory", graph, s, r, answer);
	else if (ends_with(r->path, TOKEN_PATH_END))
		side_handle(s->behaviour, "token", token, s, r, answer);
	else if (strncasecmp(r->path, AUTODISCOVER_PATH, strlen(AUTODISCOVER_PATH)) == 0)
		side_handle(s->behaviour, "autodiscover", autodiscover, s, r, answer);
	else if (strncmp(r->path, CONTROL_PATH, strlen(CONTROL_PATH)) == 0)
		control_handle(s->behaviour, r, answer);
	else
		answer->status = 404;
}

static bool
open_store(struct server *s, const struct options *o, struct exa_error *err)
{
	struct tree_gen_options gen = { .mailboxes = o->mailboxes,
		.items = o->items,
		.seed = o->seed,
		.add = o->add,
		.remove = o->remove,
		.small = o->small_mail,
		.folders = o->folders,
		.online_archive = o->online_archive,
		.more_folders = o->more_folders };

	struct mailstore *base;

	if (o->generate != NULL) {
		if (!tree_gen_open(&gen, &base, err))
			return false;
	} else if (!tree_dir_open(o->mail, o->folders, &base, err)) {
		err->code = EXA_USAGE; /* whatever it was, the option is what to mend */
		return exa_while(err, "--mail");
	}
	s->store = live_new(base, err);
	return s->store != NULL;
}

static bool
set_up_auth(struct server *s, const struct options *o, struct exa_error *err)
{
	if (!auth_init(&s->auth, err) || !credentials_init(&s->credentials, o->profile, err))
		return false;
	s->auth.token_lifetime_s = o->token_lifetime_s;
	s->auth.grants_no_role = o->no_role;
	s->auth.app_role = o->app_role;
	s->auth.clock_skew_s = o->clock_skew_s;
	s->auth.basic_user = o->basic_user;
	s->auth.basic_password = o->basic_password;
	s->auth.ntlm_user = o->ntlm_user;
	if (o->ntlm_user != NULL && !ntlm_new(o->ntlm_user, o->ntlm_password, &s->auth.ntlm, err))
		return exa_while(err, "--ntlm");
	s->auth.scheme = o->plain ? "http" : "https";
	(void)X509_up_ref(s->credentials.application.certificate);
	if (!auth_register(&s->auth, s->credentials.application.certificate, err))
		return false;
	for (size_t i = 0; i < o->registered_count; i++) {
		X509 *certificate;

		if (!keys_read_certificate(o->registered[i], &certificate, err) ||
			!auth_register(&s->auth, certificate, err))
			return exa_while(err, "--register");
	}
	return true;
}

static bool
listen_on(struct server *s, const struct options *o, struct exa_error *err)
{
	struct http_options http = { .host = o->host,
		.port = o->port,
		.request_max = (size_t)o->request_max_mib * 1024 * 1024,
		.log = s->log,
		.clock_skew_s = o->clock_skew_s,
		.handle = route,
		.ctx = s };
	EXA_AUTO(buf_done) struct buf certificate = { 0 };
	EXA_AUTO(buf_done) struct buf key = { 0 };
	struct key_pair pair = { 0 };

	if (!o->plain) {
		if (!keys_make_server(&s->credentials.authority, &pair, err))
			return false;
		keys_add_certificate_pem(&certificate, pair.certificate);
		keys_add_key_pem(&key, pair.key);
		key_pair_done(&pair);
		http.certificate_pem = buf_string(&certificate);
		http.key_pem = buf_string(&key);
	}
	if (!http_start(&http, &s->http, err))
		return exa_while(err, "--listen");
	s->url = exa_asprintf(strchr(o->host, ':') != NULL ? "%s://[%s]:%u" : "%s://%s:%u",
		s->auth.scheme, o->host, http_port(s->http));
	return true;
}

static bool
load_scenario(struct server *s, const struct options *o, struct exa_error *err)
{
	struct scenario *scenario = NULL;

	if (o->scenario != NULL && !scenario_load(o->scenario, &scenario, err)) {
		err->code = EXA_USAGE;
		return exa_while(err, "--scenario");
	}
	s->behaviour = behave_new(scenario);
	return true;
}

static bool
start(struct server *s, const struct options *o, struct exa_error *err)
{
	struct profile_facts facts = { .path = o->profile,
		.archive = o->archive,
		.plain = o->plain,
		.basic_user = o->basic_user,
		.basic_password = o->basic_password };

	if (!load_scenario(s, o, err) || !open_store(s, o, err) || !set_up_auth(s, o, err) ||
		(o->log != NULL && !reqlog_open(o->log, &s->log, err)))
		return false;
	s->ews = (struct ews_options){ s->store, &s->auth, s->behaviour, o->denied, o->denied_count,
		o->latency_ms };
	s->graph = (struct graph_options){ s->store, &s->auth, o->extras, o->empty_pages };
	xml_set_illegal(o->illegal_references ? XML_ILLEGAL_AS_EXCHANGE : XML_ILLEGAL_REPLACE);
	if (!listen_on(s, o, err))
		return false;
	facts.url = s->url;
	facts.store = s->store;
	return o->profile == NULL || profile_write(&facts, &s->credentials, err);
}

bool
server_start(const struct options *o, struct server **out, struct exa_error *err)
{
	struct server *s = exa_alloc(sizeof *s);

	xmlInitParser();
	b64_init();
	if (!start(s, o, err)) {
		server_stop(s);
		return false;
	}
	*out = s;
	return true;
}

void
server_stop(struct server *s)
{
	if (s == NULL)
		return;
	http_stop(s->http);
	reqlog_close(s->log);
	behave_free(s->behaviour);
	auth_done(&s->auth);
	credentials_done(&s->credentials);
	if (s->store != NULL)
		s->store->ops->free(s->store);
	exa_free(s->url);
	exa_free(s);
}
