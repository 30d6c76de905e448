/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Exchange says what went wrong in three places: the HTTP status, a SOAP fault (at 500, other
 * servers at 200), response messages (at 200). A body is parsed at any status if it claims to be
 * XML; a fault in it tells more than the status does.
 */
#include <string.h>

#include "exarch/clock.h"
#include "exarch/mem.h"

#include "request.h"
#include "status.h"

/* Under load a server refuses good tokens now and then; that happens to one request twice when many
 * are on their way. `auth` ends it sooner when no token is accepted at all. */
#define TOKENS_MOST 3

struct ews {
	struct http_client *http;
	struct auth *auth;
	char *endpoint;
	char *scope;
	struct outgoing out; /* the request */
	struct ews_counters counters;
	struct ews_watcher watcher;
	uint64_t elapsed_us; /* of the last request */
};

/* One answer on its way from the connection to the parser. */
struct delivery {
	struct answer *answer;
	bool parsed;  /* the body went to the parser */
	bool garbled; /* ... which couldn't read it, at a status where that doesn't matter */
	size_t ignored_bytes;
};

bool
ews_new(const struct ews_options *options, struct ews **out, struct exa_error *err)
{
	struct ews *e = exa_alloc(sizeof *e);

	e->auth = options->auth;
	e->watcher = options->watcher;
	e->endpoint = exa_strdup(options->endpoint);
	e->scope = exa_strdup(options->scope);
	if (!http_client_new(&options->http, &e->http, err)) {
		ews_free(e);
		return false;
	}
	*out = e;
	return true;
}

void
ews_free(struct ews *e)
{
	if (e == NULL)
		return;
	http_client_free(e->http);
	exa_free(e->endpoint);
	exa_free(e->scope);
	outgoing_done(&e->out);
	exa_free(e);
}

void
ews_freep(struct ews **e)
{
	ews_free(*e);
	*e = NULL;
}

void
ews_drop_connections(struct ews *e)
{
	http_client_drop_connections(e->http);
}

void
ews_count(const struct ews *e, struct ews_counters *out)
{
	*out = e->counters;
}

struct outgoing *
request_outgoing(struct ews *e)
{
	outgoing_reset(&e->out);
	return &e->out;
}

struct buf *
request_text(struct ews *e)
{
	return &request_outgoing(e)->text;
}

/* ---- the answer ---- */

static bool
claims_xml(const struct http_answer *head)
{
	return head->content_type[0] == '\0' || (strstr(head->content_type, "xml") != NULL &&
							strstr(head->content_type, "html") == NULL);
}

static bool
deliver(void *ctx, const struct http_answer *head, struct bytes data, struct exa_error *err)
{
	struct delivery *d = ctx;

	d->parsed = head->status != 401 && claims_xml(head);
	if (d->parsed && !d->garbled) {
		if (answer_feed(d->answer, data, err))
			return true;
		d->garbled = true;
		if (head->status == 200)
			return false;
	}
	d->ignored_bytes += d->parsed ? 0 : data.size;
	if (d->ignored_bytes > HTTP_SMALL_ANSWER_MAX)
		return exa_fail(err, EXA_LIMIT, "an error page of more than %zu bytes",
			HTTP_SMALL_ANSWER_MAX);
	return true;
}

/* The fixed headers, one for public folders, and the authorization: without one the connection signs
 * in by itself. */
#define HEADERS_MOST 7

static bool
send_once(struct ews *e, const struct ews_mailbox *mailbox, const char *authorization,
	struct delivery *d, struct http_answer *head, struct exa_error *err)
{
	EXA_AUTO(exa_freep) char *authorize = exa_asprintf("Authorization: %s", authorization);
	EXA_AUTO(exa_freep)
	char *anchor = exa_asprintf(
		"X-AnchorMailbox: %s", mailbox->anchor != NULL ? mailbox->anchor : mailbox->smtp);
	EXA_AUTO(exa_freep)
	char *public_mailbox = exa_asprintf("X-PublicFolderMailbox: %s",
		mailbox->public_mailbox != NULL ? mailbox->public_mailbox : "");
	EXA_AUTO(exa_freep) char *id = NULL;
	char guid[HTTP_GUID_SIZE];
	const char *headers[HEADERS_MOST] = { anchor, NULL, "return-client-request-id: true",
		"Accept: text/xml", "Content-Type: text/xml; charset=utf-8" };
	struct http_request request = { .method = "POST",
		.url = e->endpoint,
		.headers = headers,
		.header_count = 5,
		.body = buf_bytes(&e->out.text) };
	EXA_AUTO(outgoing_reader_done) struct outgoing_reader reader = { 0 };
	struct http_sink sink = { .write = deliver, .ctx = d };
	struct http_source source;
	int64_t begun_ns;
	bool good;

	if (e->out.insert_count > 0) {
		outgoing_source(&reader, &e->out, &source);
		request.source = &source;
	}
	if (mailbox->public_mailbox != NULL)
		headers[request.header_count++] = public_mailbox;
	if (authorization[0] != '\0')
		headers[request.header_count++] = authorize;
	http_guid(guid);
	id = exa_asprintf("client-request-id: %s", guid);
	headers[1] = id;
	begun_ns = clock_mono_ns();
	good = http_perform(e->http, &request, &sink, head, err);
	e->elapsed_us = (uint64_t)(clock_mono_ns() - begun_ns) / 1000;
	exa_wipe(authorize, strlen(authorize));
	e->counters.requests++;
	e->counters.received_bytes += head->body_bytes;
	e->counters.elapsed_ms += head->elapsed_ms;
	return good;
}

static bool
explain_status(struct ews *e, const struct http_answer *head, struct exa_error *err)
{
	EXA_AUTO(buf_done) struct buf roles = { 0 };
	const bool has_token = auth_token_roles(e->auth, e->scope, &roles);
	const struct status_asked asked = { .online = ews_is_online(e->endpoint),
		.who = auth_who(e->auth),
		.roles = has_token ? buf_string(&roles) : NULL };

	return status_explain(head, &asked, err);
}

/* Some refusals come as a fault too, whose own words ("Check credentials and try again") mislead.
 */
static bool
explain_denied_fault(struct ews *e, const struct http_answer *head, struct exa_error *err)
{
	const struct exa_error fault = *err;
	const int text_most = 120;
	struct http_answer refusal = *head;

	refusal.status = 403;
	(void)explain_status(e, &refusal, err);
	(void)exa_while(err, "%.*s", text_most, fault.text);
	exa_error_set_name(err, fault.name);
	err->detail = head->status;
	return false;
}

/* The connection did its part, or broke when all that matters had been said. */
static bool
judge(struct ews *e, const struct delivery *d, const struct http_answer *head,
	struct exa_error *err)
{
	bool readable = d->parsed && !d->garbled;

	if (head->status == 401)
		return explain_status(e, head, err) ||
		       exa_while(err, "signing in as %s", auth_who(e->auth));
	if ((head->status != 200 || !claims_xml(head)) && !(readable && answer_is_fault(d->answer)))
		return explain_status(e, head, err);
	if (answer_finish(d->answer, err))
		return true;
	if (answer_is_fault(d->answer) && err->code == EXA_DENIED &&
		(head->status == 403 || strcmp(err->name, "ErrorAccessDenied") == 0))
		return explain_denied_fault(e, head, err);
	err->detail = head->status;
	if (err->retry_after_ms == 0)
		err->retry_after_ms = head->retry_after_ms;
	return false;
}

static bool
transport_failure_matters(
	const struct delivery *d, const struct http_answer *head, const struct exa_error *why)
{
	if (why->code != EXA_NET && why->code != EXA_TIMEOUT)
		return true;
	return !answer_complete(d->answer) && (head->status == 0 || head->status == 200);
}

/* Texts that go into a header must stay on their line. */
static bool
check_mailbox(const struct ews_mailbox *mailbox, struct exa_error *err)
{
	const char *const texts[] = { mailbox->smtp, mailbox->anchor, mailbox->public_mailbox };

	for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
		for (const char *c = texts[i]; c != NULL && *c != '\0'; c++) {
			if ((unsigned char)*c <= ' ' || *c == 0x7f)
				return exa_fail(err, EXA_USAGE,
					"a mailbox's address can't hold spaces or "
					"control characters");
		}
	}
	return mailbox->smtp[0] != '\0' || exa_fail(err, EXA_USAGE, "a mailbox needs an address");
}

static void
wiped_buf_done(struct buf *b)
{
	exa_wipe(b->data, b->capacity);
	buf_done(b);
}

/* Passes GOOD and ERR on, and tells whoever watches. */
static bool
tell(const struct ews *e, const struct answer *answer, bool good, const struct exa_error *err)
{
	struct ews_seen seen = { .elapsed_us = e->elapsed_us };

	if (e->watcher.seen == NULL)
		return good;
	seen.throttled = answer_is_busy(answer, &seen.retry_after_ms);
	if (!good && err->code == EXA_THROTTLED) {
		seen.throttled = true;
		seen.retry_after_ms = err->retry_after_ms;
	}
	seen.failed = !good && !seen.throttled;
	e->watcher.seen(e->watcher.ctx, &seen);
	return good;
}

enum repeatable { MAY_BE_REPEATED, MUST_NOT_BE_REPEATED };

static bool
send_signed(struct ews *e, const struct ews_mailbox *mailbox, struct answer *answer,
	enum repeatable repeatable, struct exa_error *err)
{
	EXA_AUTO(wiped_buf_done) struct buf authorization = { 0 };
	struct delivery d = { .answer = answer };
	struct http_answer head;
	struct exa_error why;
	int tries = 0;

	if (!check_mailbox(mailbox, err))
		return false;
	for (;;) {
		buf_reset(&authorization);
		if (!auth_header(e->auth, e->scope, e->http, &authorization, err))
			return false;
		if (repeatable == MUST_NOT_BE_REPEATED)
			http_client_drop_connections(e->http);
		if (!send_once(e, mailbox, buf_string(&authorization), &d, &head, &why) &&
			transport_failure_matters(&d, &head, &why)) {
			*err = why;
			return tell(e, answer, false, err);
		}
		if (head.status == 200)
			auth_accepted(e->auth, e->scope, buf_string(&authorization));
		if (head.status != 401 || ++tries == TOKENS_MOST ||
			!auth_refused(e->auth, e->scope, buf_string(&authorization)))
			return tell(e, answer, judge(e, &d, &head, err), err);
	}
}

bool
request_send(struct ews *e, const struct ews_mailbox *mailbox, struct answer *answer,
	struct exa_error *err)
{
	return send_signed(e, mailbox, answer, MAY_BE_REPEATED, err);
}

bool
request_send_once(struct ews *e, const struct ews_mailbox *mailbox, struct answer *answer,
	struct exa_error *err)
{
	return send_signed(e, mailbox, answer, MUST_NOT_BE_REPEATED, err);
}
