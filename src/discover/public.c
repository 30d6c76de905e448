/* SPDX-License-Identifier: Apache-2.0 */
/* Where public folders are: two requests of Autodiscover, each to one server that is known. */
#include <string.h>

#include "exarch/discover.h"
#include "exarch/mem.h"

#include "question.h"
#include "reply.h"

struct gathered {
	struct buf body;
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
send_signed(const struct discover_options *o, const char *scope, struct http_client *client,
	struct http_request *request, struct gathered *g, struct http_answer *head,
	struct exa_error *err)
{
	EXA_AUTO(buf_done) struct buf header = { 0 };
	EXA_AUTO(exa_freep) char *authorize = NULL;
	const struct http_sink sink = { gather, g };
	const char *headers[] = { "Content-Type: text/xml; charset=utf-8", NULL };
	bool good;

	if (!auth_header(o->auth, scope, client, &header, err))
		return false;
	authorize = exa_asprintf("Authorization: %s", buf_string(&header));
	headers[1] = authorize;
	request->headers = headers;
	/* without one the connection signs in by itself */
	request->header_count = header.size > 0 ? 2 : 1;
	good = http_perform(client, request, &sink, head, err);
	exa_wipe(authorize, strlen(authorize));
	exa_wipe(header.data, header.capacity);
	return good;
}

static bool
explain(const char *url, const struct http_answer *head, struct exa_error *err)
{
	const enum exa_code code = head->status == 401                          ? EXA_AUTH
				   : head->status == 429 || head->status >= 500 ? EXA_NET
										: EXA_FAILED;

	(void)exa_fail(err, code, "Autodiscover at %s: HTTP %d", url, head->status);
	err->detail = head->status;
	err->retry_after_ms = head->retry_after_ms;
	return false;
}

/* Appends the answer, which had status 200. */
static bool
ask(const struct discover_options *o, const char *scope, const char *url, const struct buf *text,
	struct buf *body_out, struct exa_error *err)
{
	EXA_AUTO(http_client_freep) struct http_client *client = NULL;
	struct http_request request = { .method = "POST", .url = url, .body = buf_bytes(text) };
	struct http_answer head;
	struct gathered g = { 0 };
	bool good;

	if (!http_client_new(&o->http, &client, err))
		return false;
	good = send_signed(o, scope, client, &request, &g, &head, err);
	if (good && head.status != 200)
		good = explain(url, &head, err);
	if (good)
		buf_add_bytes(body_out, buf_bytes(&g.body));
	buf_done(&g.body);
	return good;
}

/* It becomes a header. */
static bool
check_name(const char *url, const char *name, struct exa_error *err)
{
	for (const char *c = name; *c != '\0'; c++) {
		if ((unsigned char)*c <= ' ' || *c == 0x7f)
			return exa_fail(err, EXA_FAILED,
				"Autodiscover at %s names what is no address", url);
	}
	return true;
}

static bool
ask_setting(const struct discover_options *o, const char *scope, const char *user,
	const char *setting, struct buf *out, struct exa_error *err)
{
	EXA_AUTO(exa_freep)
	char *url = exa_asprintf("%s%s", o->server, question_forms[QUESTION_SOAP].path);
	EXA_AUTO(buf_done) struct buf text = { 0 };
	EXA_AUTO(buf_done) struct buf body = { 0 };
	char value[REPLY_TEXT_MAX];

	question_soap(url, user, &setting, 1, &text);
	if (!ask(o, scope, url, &text, &body, err))
		return false;
	if (!reply_setting(buf_bytes(&body), setting, value))
		return exa_fail(err, EXA_FAILED, "Autodiscover at %s names no %s for %s", url,
			setting, user);
	if (!check_name(url, value, err))
		return false;
	buf_add_string(out, value);
	return true;
}

bool
discover_public_tree(const struct discover_options *options, const char *scope, const char *user,
	struct buf *address_out, struct buf *server_out, struct exa_error *err)
{
	EXA_AUTO(buf_done) struct buf address = { 0 };
	EXA_AUTO(buf_done) struct buf server = { 0 };

	if (!ask_setting(options, scope, user, "PublicFolderInformation", &address, err) ||
		!ask_setting(options, scope, buf_string(&address), "InternalRpcClientServer",
			&server, err))
		return false;
	buf_add_bytes(address_out, buf_bytes(&address));
	buf_add_bytes(server_out, buf_bytes(&server));
	return true;
}

bool
discover_public_content(const struct discover_options *options, const char *scope,
	const char *server_id, struct buf *address_out, struct exa_error *err)
{
	EXA_AUTO(exa_freep)
	char *url = exa_asprintf("%s%s", options->server, question_forms[QUESTION_POX].path);
	EXA_AUTO(buf_done) struct buf text = { 0 };
	EXA_AUTO(buf_done) struct buf body = { 0 };
	char value[REPLY_TEXT_MAX];

	question_pox(server_id, &text);
	if (!ask(options, scope, url, &text, &body, err))
		return false;
	if (!reply_pox_address(buf_bytes(&body), value))
		return exa_fail(err, EXA_FAILED, "Autodiscover at %s names no address for %s", url,
			server_id);
	if (!check_name(url, value, err))
		return false;
	buf_add_string(address_out, value);
	return true;
}
