/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The search. For an address:
 *
 *     each host:  POX --> SOAP --> JSON      stops at the first that names a URL of EWS
 *                  |
 *                  +-- to another URL: followed, over https, at most 10 in a search, none twice
 *                  +-- to another address: the search begins anew with that
 *                  +-- 401: no credentials to this host any more; JSON asks without
 *                  +-- no connection, no trust: next host
 *
 * What each answered is noted for the error that is told when nobody knows.
 */
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "exarch/discover.h"
#include "exarch/mem.h"

#include "question.h"
#include "reply.h"
#include "url.h"

/* RFC 5321: 64 for the part before the @, 255 for the domain. */
#define ADDRESS_MAX 320
/* A run waits for this before it begins, and most firms' own domain has a firewall that is silent.
 */
#define CONNECT_TIMEOUT_S 10
#define TIMEOUT_S 60
/* Of a failed connection: an error's text must hold several. */
#define NOTE_MAX 170

enum outcome {
	FOUND,
	NEW_ADDRESS, /* search.address has it */
	NEXT_FORM,
	NEXT_HOST,
	STOPPED, /* err says why */
};

struct search {
	const struct discover_options *options;
	struct http_client *known, *unknown; /* with credentials, and without any */
	struct buf basic;                    /* "Authorization: Basic ...", or empty */
	char address[ADDRESS_MAX];
	unsigned redirects;
	char **seen; /* what was asked, and "401 ORIGIN" */
	size_t seen_count, seen_capacity;
	struct buf notes;
	char noted[DISCOVER_URL_MAX]; /* the host whose answers are being noted */
	struct url elsewhere;         /* where plain http leads */
	bool reached, refused, passing;
	struct url found;
};

/* ---- what was asked already ---- */

static bool
was_seen(const struct search *s, const char *text)
{
	for (size_t i = 0; i < s->seen_count; i++) {
		if (strcmp(s->seen[i], text) == 0)
			return true;
	}
	return false;
}

/* Takes TEXT. False: it was there already. */
static bool
add_seen(struct search *s, char *text)
{
	if (was_seen(s, text)) {
		exa_free(text);
		return false;
	}
	if (s->seen_count == s->seen_capacity) {
		s->seen_capacity = s->seen_capacity > 0 ? 2 * s->seen_capacity : 16;
		s->seen = exa_realloc_array(s->seen, s->seen_capacity, sizeof *s->seen);
	}
	s->seen[s->seen_count++] = text;
	return true;
}

static bool
has_refused(const struct search *s, const struct url *at)
{
	EXA_AUTO(exa_freep) char *mark = exa_asprintf("401 %s", at->origin);

	return was_seen(s, mark);
}

/* ---- what is told when nobody knows ---- */

static void note(struct search *s, const struct url *at, const char *fmt, ...) EXA_PRINTF(3, 4);

static void
note(struct search *s, const struct url *at, const char *fmt, ...)
{
	va_list args;

	if (strcmp(s->noted, at->origin) != 0) {
		buf_printf(&s->notes, "%s%s: ", s->notes.size > 0 ? "; " : "", at->origin);
		(void)snprintf(s->noted, sizeof s->noted, "%s", at->origin);
	} else {
		buf_add_string(&s->notes, ", ");
	}
	va_start(args, fmt);
	buf_vprintf(&s->notes, fmt, args);
	va_end(args);
}

/* The connection failed: WHY begins with the host's name, which is noted already. */
static enum outcome
note_failure(
	struct search *s, const struct url *at, const struct exa_error *why, struct exa_error *err)
{
	const char *text = strstr(why->text, ": ");

	if (why->code == EXA_CANCELLED || why->code == EXA_USAGE || why->code == EXA_IO) {
		*err = *why;
		return STOPPED;
	}
	note(s, at, "%.*s", NOTE_MAX, text != NULL ? text + 2 : why->text);
	s->refused = s->refused || why->code == EXA_AUTH;
	s->passing = s->passing || why->code == EXA_NET || why->code == EXA_TIMEOUT;
	s->reached = s->reached || why->code != EXA_UNREACHABLE;
	return NEXT_HOST;
}

/* ---- one request ---- */

struct gathered {
	struct buf body;
	bool too_long;
};

static bool
gather(void *ctx, const struct http_answer *answer, struct bytes data, struct exa_error *err)
{
	struct gathered *g = ctx;

	(void)answer;
	if (g->body.size + data.size > DISCOVER_ANSWER_MAX)
		return exa_fail(err, EXA_LIMIT, "Autodiscover: the answer is larger than %zu bytes",
			DISCOVER_ANSWER_MAX);
	buf_add_bytes(&g->body, data);
	return true;
}

static bool
send_once(struct search *s, enum question q, const struct url *at, bool with_basic,
	struct buf *body_out, struct http_answer *head, struct exa_error *why)
{
	EXA_AUTO(buf_done) struct buf body = { 0 };
	struct gathered g = { 0 };
	const struct http_sink sink = { gather, &g };
	const bool posts = strcmp(question_forms[q].method, "POST") == 0;
	const char *headers[] = { posts ? "Content-Type: text/xml; charset=utf-8"
					: "Accept: application/json",
		buf_string(&s->basic) };
	const bool login = s->options->http.login.kind != HTTP_LOGIN_NONE;
	struct http_request request = { .method = question_forms[q].method,
		.url = at->text,
		.headers = headers,
		.header_count = with_basic ? 2 : 1 };
	bool good;

	question_body(q, at->text, s->address, &body);
	request.body = buf_bytes(&body);
	good = http_perform(question_forms[q].signs_in && login ? s->known : s->unknown, &request,
		&sink, head, why);
	if (good) {
		buf_reset(body_out);
		buf_add_bytes(body_out, buf_bytes(&g.body));
	}
	buf_done(&g.body);
	return good;
}

/* Basic shows the password to whom it is sent: so nobody gets it who doesn't ask. */
static bool
send_question(struct search *s, enum question q, const struct url *at, struct buf *body,
	struct http_answer *head, struct exa_error *why)
{
	if (!send_once(s, q, at, false, body, head, why))
		return false;
	if (head->status != 401 || s->basic.size == 0 || !question_forms[q].signs_in)
		return true;
	return send_once(s, q, at, true, body, head, why);
}

/* ---- one form at one host ---- */

/* Moves *AT to TARGET. False: it can't be followed, as noted. */
static bool
follow(struct search *s, enum question q, struct url *at, const char *target)
{
	const struct url from = *at;
	struct url to;

	if (!url_read_beside(&from, target, &to) || !to.safe)
		note(s, &from, "%s leads to what is no https address", question_forms[q].name);
	else if (++s->redirects > DISCOVER_REDIRECTS_MAX)
		note(s, &from, "%s leads on after %d redirects, not followed",
			question_forms[q].name, DISCOVER_REDIRECTS_MAX);
	else if (question_forms[q].signs_in && has_refused(s, &to))
		note(s, &from, "%s leads to %s, which refused already", question_forms[q].name,
			to.origin);
	else if (!add_seen(s, exa_asprintf("%s %s", s->address, to.text)))
		note(s, &from, "%s leads back to %.160s, asked already", question_forms[q].name,
			to.text);
	else {
		*at = to;
		return true;
	}
	return false;
}

static enum outcome
take_found(struct search *s, enum question q, const struct url *at, const char *text)
{
	if (url_read(text, &s->found) && s->found.safe)
		return FOUND;
	note(s, at, "%s names what is no https address", question_forms[q].name);
	return NEXT_FORM;
}

static bool
is_address(const char *text)
{
	const char *at = strrchr(text, '@');

	if (at == NULL || at == text || strlen(text) >= ADDRESS_MAX)
		return false;
	for (const char *c = text; *c != '\0'; c++) {
		if ((unsigned char)*c <= ' ' || *c == 0x7f)
			return false;
	}
	for (const char *c = at + 1; *c != '\0'; c++) {
		if (strchr("/:?#@[]\\%", *c) != NULL)
			return false;
	}
	return at[1] != '\0' && at[1] != '.';
}

static enum outcome
take_address(struct search *s, enum question q, const struct url *at, const char *text)
{
	if (!is_address(text))
		note(s, at, "%s leads to what is no address", question_forms[q].name);
	else if (++s->redirects > DISCOVER_REDIRECTS_MAX)
		note(s, at, "%s leads on after %d redirects, not followed", question_forms[q].name,
			DISCOVER_REDIRECTS_MAX);
	else if (!add_seen(s, exa_asprintf("address %s", text)))
		note(s, at, "%s leads back to %.100s, asked already", question_forms[q].name, text);
	else {
		memcpy(s->address, text, strlen(text) + 1);
		return NEW_ADDRESS;
	}
	return NEXT_FORM;
}

/* ANSWER came with status 200. True: go on at *AT. */
static bool
take_reply(struct search *s, enum question q, struct url *at, const struct reply *reply,
	enum outcome *out)
{
	const char *name = question_forms[q].name;

	*out = NEXT_FORM;
	switch (reply->kind) {
	case REPLY_EWS:
		*out = take_found(s, q, at, reply->text);
		break;
	case REPLY_TO_ADDRESS:
		*out = take_address(s, q, at, reply->text);
		break;
	case REPLY_TO_URL:
		return follow(s, q, at, reply->text);
	case REPLY_ERROR:
		note(s, at, "%s error %s", name, reply->text);
		break;
	case REPLY_NOTHING:
		note(s, at, "%s names no EWS", name);
		break;
	case REPLY_GARBLED:
		note(s, at, "%s answer can't be read", name);
		break;
	}
	return false;
}

static bool
is_redirect(int status)
{
	return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

static bool
take_answer(struct search *s, enum question q, struct url *at, const struct http_answer *head,
	struct bytes body, enum outcome *out)
{
	const char *name = question_forms[q].name;
	struct reply reply;

	*out = NEXT_FORM;
	s->reached = true;
	if (head->status == 200) {
		reply_read(q, body, &reply);
		return take_reply(s, q, at, &reply, out);
	}
	/* A Location that fills its field was cut. */
	if (is_redirect(head->status) && strlen(head->location) < HTTP_TEXT_MAX - 1)
		return follow(s, q, at, head->location);
	if (head->status == 401 && question_forms[q].signs_in) {
		s->refused = true;
		(void)add_seen(s, exa_asprintf("401 %s", at->origin));
		note(s, at, "%s refuses the sign-in (asks for %.40s)", name,
			head->authenticate[0] != '\0' ? head->authenticate : "nothing");
		return false;
	}
	s->passing = s->passing || head->status >= 500 || head->status == 429;
	note(s, at, "%s HTTP %d", name, head->status);
	return false;
}

static enum outcome
ask(struct search *s, enum question q, const char *origin, struct exa_error *err)
{
	EXA_AUTO(buf_done) struct buf text = { 0 };
	EXA_AUTO(buf_done) struct buf body = { 0 };
	struct http_answer head;
	struct exa_error why;
	enum outcome outcome = NEXT_FORM;
	struct url at;

	question_url(q, origin, s->address, &text);
	if (!url_read(buf_string(&text), &at)) {
		(void)exa_fail(err, EXA_USAGE,
			"%s: an address whose domain has other than plain letters can't be looked "
			"for; set source.endpoint",
			s->address);
		return STOPPED;
	}
	if (question_forms[q].signs_in && has_refused(s, &at))
		return NEXT_FORM;
	if (!add_seen(s, exa_asprintf("%s %s", s->address, at.text)))
		return NEXT_FORM;
	do {
		if (!send_question(s, q, &at, &body, &head, &why))
			return note_failure(s, &at, &why, err);
	} while (take_answer(s, q, &at, &head, buf_bytes(&body), &outcome));
	return outcome;
}

static enum outcome
ask_host(struct search *s, const char *origin, struct exa_error *err)
{
	enum outcome outcome = NEXT_FORM;

	for (int q = 0; q < QUESTION_COUNT && outcome == NEXT_FORM; q++)
		outcome = ask(s, (enum question)q, origin, err);
	return outcome;
}

/* ---- all hosts ---- */

/* Where http://autodiscover.DOMAIN leads: nobody can know who says so, so it is only told. */
static enum outcome
look_at_plain(
	struct search *s, const char *domain, const char *const asked[2], struct exa_error *err)
{
	EXA_AUTO(exa_freep)
	char *text = exa_asprintf("http://autodiscover.%s/autodiscover/autodiscover.xml", domain);
	const struct http_request request = { .method = "GET", .url = text };
	struct gathered g = { 0 };
	const struct http_sink sink = { gather, &g };
	struct http_answer head;
	struct exa_error why;
	struct url at, to;
	bool good, news = true;

	if (!url_read(text, &at))
		return NEXT_HOST;
	good = http_perform(s->unknown, &request, &sink, &head, &why);
	buf_done(&g.body);
	if (!good)
		return note_failure(s, &at, &why, err);
	if (!is_redirect(head.status) || !url_read(head.location, &to)) {
		note(s, &at, "HTTP %d", head.status);
		return NEXT_HOST;
	}
	note(s, &at, "leads to %s", to.origin);
	for (size_t i = 0; i < 2; i++)
		news = news && strcmp(to.origin, asked[i]) != 0;
	if (news)
		s->elsewhere = to;
	return NEXT_HOST;
}

static enum outcome
ask_domain(struct search *s, struct exa_error *err)
{
	const char *domain = strrchr(s->address, '@') + 1;
	EXA_AUTO(exa_freep) char *bare = exa_asprintf("https://%s", domain);
	EXA_AUTO(exa_freep) char *usual = exa_asprintf("https://autodiscover.%s", domain);
	const char *const asked[2] = { bare, usual };
	enum outcome outcome = ask_host(s, bare, err);

	if (outcome == NEXT_FORM || outcome == NEXT_HOST)
		outcome = ask_host(s, usual, err);
	if (outcome == NEXT_FORM || outcome == NEXT_HOST)
		outcome = look_at_plain(s, domain, asked, err);
	return outcome;
}

static bool
fail_search(const struct search *s, const char *address, struct exa_error *err)
{
	EXA_AUTO(buf_done) struct buf notes = { 0 };
	enum exa_code code = s->refused    ? EXA_AUTH
			     : s->passing  ? EXA_NET
			     : !s->reached ? EXA_UNREACHABLE
					   : EXA_FAILED;

	/* The remedy at the end must fit as well. */
	buf_add_bytes(&notes, bytes_take(buf_bytes(&s->notes), EXA_ERROR_TEXT_MAX - 260));
	if (s->elsewhere.text[0] != '\0')
		return exa_fail(err, code,
			"Autodiscover found no EWS for %.80s (%s); no password is sent to a host "
			"that only plain http names: if it is yours, set source.autodiscover: "
			"%.80s",
			address, buf_string(&notes), s->elsewhere.origin);
	return exa_fail(err, code,
		"Autodiscover found no EWS for %.80s (%s); set source.endpoint if you know it",
		address, buf_string(&notes));
}

static bool
run_search(struct search *s, const char *address, struct exa_error *err)
{
	enum outcome outcome;

	do {
		if (s->options->server != NULL)
			outcome = ask_host(s, s->options->server, err);
		else
			outcome = ask_domain(s, err);
	} while (outcome == NEW_ADDRESS);
	if (outcome == STOPPED)
		return false;
	return outcome == FOUND || fail_search(s, address, err);
}

static bool
open_clients(struct search *s, struct exa_error *err)
{
	const struct discover_options *o = s->options;
	struct http_options http = o->http;

	if (!auth_header(o->auth, "", NULL, &s->basic, err))
		return false;
	if (s->basic.size > 0) {
		struct buf whole = { 0 };

		buf_reserve(&whole, s->basic.size + sizeof "Authorization: ");
		buf_add_string(&whole, "Authorization: ");
		buf_add_bytes(&whole, buf_bytes(&s->basic));
		exa_wipe(s->basic.data, s->basic.capacity);
		buf_done(&s->basic);
		s->basic = whole;
	}
	http.connect_timeout_s = CONNECT_TIMEOUT_S;
	http.timeout_s = TIMEOUT_S;
	if (!http_client_new(&http, &s->known, err))
		return false;
	http.login = (struct http_login){ 0 };
	http.plain = true;
	return http_client_new(&http, &s->unknown, err);
}

static void
search_done(struct search *s)
{
	http_client_free(s->known);
	http_client_free(s->unknown);
	if (s->basic.data != NULL)
		exa_wipe(s->basic.data, s->basic.capacity);
	buf_done(&s->basic);
	buf_done(&s->notes);
	for (size_t i = 0; i < s->seen_count; i++)
		exa_free(s->seen[i]);
	exa_free(s->seen);
}

bool
discover_ews(const struct discover_options *options, const char *address, struct buf *url_out,
	struct exa_error *err)
{
	EXA_AUTO(search_done) struct search s = { .options = options };

	if (!is_address(address))
		return exa_fail(err, EXA_USAGE, "'%.80s' is not an address to look for", address);
	memcpy(s.address, address, strlen(address) + 1);
	(void)add_seen(&s, exa_asprintf("address %s", address));
	if (!open_clients(&s, err) || !run_search(&s, address, err))
		return false;
	buf_add_string(url_out, s.found.text);
	return true;
}
