/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "act.h"
#include "gzip.h"
#include "pull.h"
#include "soap_out.h"
#include "spoil.h"

#define BACK_OFF_USUAL_MS 60000 /* told when the scenario doesn't say */
#define DRAIN_BLOCK (64 * 1024)

static const struct {
	const char *category, *reason;
	int id;
} diagnostics[] = {
	{ "invalid_signature", "The token has an invalid signature.", 2000000 },
	{ "invalid_token", "The token is malformed.", 2000001 },
	{ "token_expired", "The token has expired and can not be used.", 2000002 },
	{ "invalid_resource", "The audience claim value is invalid.", 2000003 },
	{ "invalid_tenant", "The tenant is not known.", 2000004 },
	{ "internal_error", "Something went wrong here.", 2000007 },
	{ "invalid_grant",
		"The token contains no permissions, or permissions can not be understood.",
		2000008 },
};

/* Codes after which Exchange leaves the rest of a batch alone. */
static const char *const stopping[] = { "ErrorAccountDisabled", "ErrorADUnavailable",
	"ErrorConnectionFailed", "ErrorMailboxStoreUnavailable", "ErrorMailboxMoveInProgress",
	"ErrorQuotaExceeded", "ErrorInsufficientResources", "ErrorServerBusy",
	"ErrorMailboxFailover" };

void
act_html_error(struct buf *out, unsigned status)
{
	buf_printf(out,
		"<!DOCTYPE html>\r\n<html><head><title>%u</title></head>\r\n"
		"<body bgcolor=\"white\"><h1>Server Error in '/EWS' Application.<hr></h1>"
		"<h2><i>Runtime Error</i></h2><p>&nbsp;<br></body></html>\r\n",
		status);
}

/* ---- answers in the operation's place ---- */

static void
note_fault(const struct act *a, const struct scenario_fault *f)
{
	if (a->answer->note.fault[0] == '\0')
		(void)snprintf(a->answer->note.fault, sizeof a->answer->note.fault, "%s",
			f->name != NULL ? f->name : "without a name");
}

static void
tell_to_stay_away(const struct act *a, uint32_t ms)
{
	if (ms == 0)
		return;
	behave_back_off(a->behaviour, a->mailbox, ms);
	a->verdict->told_to_stay_away = true;
	if (a->answer->note.told_ms < ms)
		a->answer->note.told_ms = ms;
}

static void
add_diagnostics(struct http_answer *answer, const char *category)
{
	for (size_t i = 0; i < sizeof diagnostics / sizeof diagnostics[0]; i++) {
		if (strcmp(diagnostics[i].category, category) == 0)
			http_add_header(answer, "x-ms-diagnostics",
				"%d;reason=\"%s\";error_category=\"%s\"", diagnostics[i].id,
				diagnostics[i].reason, category);
	}
	http_add_header(answer, "WWW-Authenticate",
		"Bearer client_id=\"00000002-0000-0ff1-ce00-000000000000\", "
		"error=\"invalid_token\"");
}

static void
answer_status(const struct act *a, const struct scenario_what *w)
{
	struct http_answer *out = a->answer;
	const char *body = w->body != NULL ? w->body : "empty";

	out->status = w->status;
	if (w->retry_after_s > 0)
		http_add_header(out, "Retry-After", "%u", w->retry_after_s);
	if (w->location != NULL)
		http_add_header(out, "Location", "%s", w->location);
	if (w->diagnostics != NULL)
		add_diagnostics(out, w->diagnostics);
	if (strcmp(body, "html") == 0) {
		out->content_type = "text/html; charset=utf-8";
		act_html_error(&out->body, w->status);
	} else if (strcmp(body, "cas-error") == 0) {
		out->content_type = "text/plain";
		http_add_header(out, "X-CasErrorCode", "%s", "NoAvailableServer");
		buf_add_string(&out->body, "CAS error: no server is available for this mailbox.");
	} else if (strcmp(body, "empty") != 0) {
		out->content_type = body[0] == '{'   ? "application/json"
				    : body[0] == '<' ? "text/xml; charset=utf-8"
						     : "text/plain";
		buf_add_string(&out->body, body);
	}
	if (w->retry_after_s > 0)
		tell_to_stay_away(a, w->retry_after_s * 1000);
}

static const char *
back_off_xml(struct arena *arena, uint32_t ms)
{
	char text[96];
	int n = snprintf(text, sizeof text,
		"<t:Value Name=\"BackOffMilliseconds\">%" PRIu32 "</t:Value>", ms);

	return arena_strndup(arena, text, (size_t)n);
}

static const char *
wrapped_xml(struct arena *arena, const char *code, uint32_t ms)
{
	EXA_AUTO(exa_freep)
	char *text = exa_asprintf("<t:Value Name=\"InnerErrorMessageText\">The server cannot "
				  "service this request right now.</t:Value><t:Value "
				  "Name=\"InnerErrorResponseCode\">%s</t:Value>%s",
		code, ms > 0 ? back_off_xml(arena, ms) : "");

	return arena_strndup(arena, text, strlen(text));
}

static void
answer_fault(const struct act *a, const char *code, unsigned status, uint32_t back_off_ms)
{
	a->answer->status = status;
	a->answer->content_type = "text/xml; charset=utf-8";
	soap_fault(&a->answer->body, code, NULL, NULL,
		back_off_ms > 0 ? back_off_xml(a->arena, back_off_ms) : NULL);
	note_code(&a->answer->note, code);
	tell_to_stay_away(a, back_off_ms);
}

/* One message for each target, all alike; one when there are none. */
static void
answer_inline(const struct act *a, const char *code, const char *detail)
{
	size_t count = a->targets != NULL && a->targets->count > 0 ? a->targets->count : 1;

	a->answer->status = 200;
	a->answer->content_type = "text/xml; charset=utf-8";
	note_code(&a->answer->note, code);
	soap_begin(&a->answer->body, a->operation);
	for (size_t i = 0; i < count; i++)
		soap_error(&a->answer->body, a->operation, code, detail, a->payload);
	soap_end(&a->answer->body, a->operation);
}

static void
answer_busy(const struct act *a, enum scenario_busy how, unsigned retry_after_s)
{
	uint32_t ms = a->verdict->back_off_ms > 0 ? a->verdict->back_off_ms : BACK_OFF_USUAL_MS;
	struct scenario_what page = { .body = "html",
		.retry_after_s = retry_after_s > 0 ? retry_after_s : (ms + 999) / 1000 };

	switch (how) {
	case BUSY_FAULT:
		answer_fault(a, "ErrorServerBusy", 500, ms);
		break;
	case BUSY_AT_200:
		answer_fault(a, "ErrorServerBusy", 200, ms);
		break;
	case BUSY_INLINE:
		answer_inline(a, "ErrorServerBusy", back_off_xml(a->arena, ms));
		break;
	case BUSY_WRAPPED:
		answer_inline(a, "ErrorInternalServerError",
			wrapped_xml(a->arena, "ErrorServerBusy", ms));
		break;
	case BUSY_503:
		page.status = 503;
		answer_status(a, &page);
		break;
	case BUSY_429:
		page.status = 429;
		answer_status(a, &page);
		break;
	}
	a->verdict->told_to_stay_away = true;
	a->answer->note.told_ms = ms;
}

static bool
is_throttled(const struct act *a)
{
	const struct scenario *s = verdict_scenario(a->verdict);
	bool by_budget = s->budget.burst > 0;

	switch (a->verdict->limits) {
	case THROTTLE_PASS:
		return false;
	case THROTTLE_TOO_MANY:
		(void)snprintf(a->answer->note.fault, sizeof a->answer->note.fault, "too many");
		answer_busy(a, s->limits.answer, s->limits.retry_after_s);
		return true;
	case THROTTLE_OVER_BUDGET:
		(void)snprintf(a->answer->note.fault, sizeof a->answer->note.fault, "over budget");
		answer_busy(a, s->budget.answer, s->budget.retry_after_s);
		return true;
	case THROTTLE_EARLY:
		(void)snprintf(a->answer->note.fault, sizeof a->answer->note.fault, "early");
		answer_busy(a, by_budget ? s->budget.answer : s->limits.answer, 0);
		return true;
	}
	return false;
}

/* A code for an operation that names nothing. */
static void
answer_code(const struct act *a, const struct scenario_what *w)
{
	if (w->wrapped == SAID_YES)
		answer_inline(a, "ErrorInternalServerError",
			wrapped_xml(a->arena, w->code, w->back_off_ms));
	else
		answer_inline(a, w->code,
			w->back_off_ms > 0 ? back_off_xml(a->arena, w->back_off_ms) : NULL);
	tell_to_stay_away(a, w->back_off_ms);
}

/* ---- single targets ---- */

static bool
is_stopping(const char *code)
{
	for (size_t i = 0; i < sizeof stopping / sizeof stopping[0]; i++) {
		if (strcmp(stopping[i], code) == 0)
			return true;
	}
	return false;
}

static void
hit_targets(const struct act *a)
{
	bool stopped = false;

	if (a->verdict->on_targets == NULL)
		return;
	for (size_t i = 0; i < a->targets->count; i++) {
		const struct scenario_fault *f = a->verdict->on_targets[i];
		struct target *t = &a->targets->rows[i];

		if (stopped) {
			t->code = "ErrorBatchProcessingStopped";
			continue;
		}
		if (f == NULL)
			continue;
		note_fault(a, f);
		t->code = f->what.code;
		if (f->what.wrapped == SAID_YES) {
			t->code = "ErrorInternalServerError";
			t->detail = wrapped_xml(a->arena, f->what.code, f->what.back_off_ms);
		} else if (f->what.back_off_ms > 0) {
			t->detail = back_off_xml(a->arena, f->what.back_off_ms);
		}
		tell_to_stay_away(a, f->what.back_off_ms);
		stopped = is_stopping(t->code);
	}
}

bool
act_before(const struct act *a)
{
	struct verdict *v = a->verdict;

	a->answer->note.open = v->seen.open;
	a->answer->note.mailbox_open = v->seen.mailbox_open;
	a->answer->note.early_ms = v->seen.early_ms;
	if (is_throttled(a))
		return true;
	if (v->wait_ms > 0)
		http_wait(a->request, v->wait_ms);
	for (size_t i = 0; i < v->fault_count; i++) {
		const struct scenario_what *w = &v->faults[i]->what;

		note_fault(a, v->faults[i]);
		if (w->status > 0)
			answer_status(a, w);
		else if (w->fault != NULL && a->operation != NULL)
			answer_fault(a, w->fault, w->at > 0 ? w->at : 500, w->back_off_ms);
		else if (w->code != NULL && a->operation != NULL)
			answer_code(a, w);
		else
			continue;
		return true;
	}
	hit_targets(a);
	return false;
}

/* ---- afterwards ---- */

static void
drain(struct http_answer *answer)
{
	struct pull *pull;
	ssize_t n;

	if (answer->stream == NULL)
		return;
	pull = pull_new(answer->stream);
	do {
		buf_reserve(&answer->body, DRAIN_BLOCK);
		n = pull_read(pull, answer->body.data + answer->body.size, DRAIN_BLOCK);
		answer->body.size += n > 0 ? (size_t)n : 0;
	} while (n > 0);
	pull_free(pull);
	answer->stream = NULL;
	answer->wire.is_chunked = true; /* as it would have been */
}

static void
compress(struct http_answer *answer)
{
	struct buf packed = { 0 };

	drain(answer);
	gzip_add(&packed, buf_bytes(&answer->body));
	buf_done(&answer->body);
	answer->body = packed;
	http_add_header(answer, "Content-Encoding", "gzip");
}

static bool
may_compress(const struct act *a)
{
	const char *accepted = http_header(a->request, "Accept-Encoding");

	return accepted != NULL && strstr(accepted, "gzip") != NULL;
}

/* Where in the body it happens: where the scenario says, else in its middle. */
static uint64_t
place_in(struct http_answer *answer, const struct scenario_what *w)
{
	uint64_t at = w->at_byte;

	drain(answer);
	if (at == 0 || at >= answer->body.size)
		at = answer->body.size / 2;
	return at;
}

static void
break_gzip(const struct act *a, const struct scenario_what *w)
{
	struct http_answer *out = a->answer;
	uint64_t at;

	compress(out); /* whether asked for or not: that is bad service too */
	at = place_in(out, w);
	if (w->wire == WIRE_CUT_GZIP)
		out->body.size = (size_t)at;
	else
		for (size_t i = (size_t)at; i < out->body.size && i < at + 16; i++)
			out->body.data[i] ^= 0xa5;
}

static void
spoil_wire(const struct act *a, const struct scenario_what *w)
{
	struct http_answer *out = a->answer;
	struct http_wire *wire = &out->wire;

	if (w->wire == WIRE_RESET_BEFORE_HEADERS) {
		wire->is_unsent = wire->is_reset = true;
		out->status = 0; /* for the log */
	} else if (w->wire == WIRE_RESET_AFTER_HEADERS) {
		wire->is_broken = wire->is_reset = true;
	} else if (w->wire == WIRE_RESET_MID_BODY) {
		wire->cut_at = place_in(out, w);
		wire->is_broken = wire->is_reset = true;
	} else if (w->wire == WIRE_CUT_WRONG_LENGTH) {
		wire->cut_at = place_in(out, w);
		wire->is_broken = true;
		wire->is_chunked = false;
	} else if (w->wire == WIRE_CUT_RIGHT_LENGTH || w->wire == WIRE_CUT_CHUNKED) {
		out->body.size = (size_t)place_in(out, w);
		wire->is_chunked = w->wire == WIRE_CUT_CHUNKED;
	} else if (w->wire == WIRE_DRIP) {
		wire->bytes_per_s = w->bytes_per_s;
	} else if (w->wire == WIRE_STALL) {
		wire->stall_at = place_in(out, w);
		wire->stall_ms = w->wait_ms;
	} else if (w->wire == WIRE_GZIP && may_compress(a)) {
		compress(out);
	} else if (w->wire == WIRE_BROKEN_GZIP || w->wire == WIRE_CUT_GZIP) {
		break_gzip(a, w);
	}
}

static bool
is_text(enum scenario_wire w)
{
	return w >= WIRE_ILLEGAL_REFERENCES && w < WIRE_COUNT;
}

/* Text first, then compression, then the wire; each in the scenario's order. */
void
act_after(const struct act *a)
{
	struct verdict *v = a->verdict;

	for (size_t i = 0; i < v->fault_count; i++) {
		const struct scenario_what *w = &v->faults[i]->what;

		if (w->wire == WIRE_NONE || !is_text(w->wire))
			continue;
		drain(a->answer);
		(void)spoil_text(w->wire, &a->answer->body);
	}
	if (v->gzip && may_compress(a))
		compress(a->answer);
	if (v->bandwidth > 0)
		a->answer->wire.bytes_per_s = v->bandwidth;
	for (size_t i = 0; i < v->fault_count; i++) {
		if (v->faults[i]->what.wire != WIRE_NONE)
			spoil_wire(a, &v->faults[i]->what);
	}
}
