/* SPDX-License-Identifier: Apache-2.0 */
/* Sources: Microsoft Graph "Paging", "Error responses", "Throttling guidance". */
#include <string.h>
#include <strings.h>

#include "exarch/mem.h"

#include "graph.h"

#define HEADERS_MAX 4

static void
wiped_buf_done(struct buf *b)
{
	exa_wipe(b->data, b->capacity);
	buf_done(b);
}

/* "https://host:port" of URL, as a length. */
static size_t
origin_length(const char *url)
{
	const char *host = strstr(url, "://");

	return host == NULL ? 0 : (size_t)(host - url) + 3 + strcspn(host + 3, "/?#\\");
}

bool
graph_same_origin(const char *endpoint, const char *url)
{
	size_t length = origin_length(endpoint);

	return length > 0 && strlen(url) > length && strncasecmp(endpoint, url, length) == 0 &&
	       url[length] == '/';
}

/* ---- failures ---- */

static bool
explain_status(const struct graph_listing *l, const struct http_answer *head, bool first_page,
	struct exa_error *err)
{
	switch (head->status) {
	case 401:
		return exa_fail(err, EXA_AUTH,
			"the directory doesn't accept the token (HTTP 401); check cloud and "
			"tenant");
	case 403:
		return exa_fail(err, EXA_DENIED,
			"the directory refuses (HTTP 403); grant the application permission %s of "
			"Microsoft Graph and give admin consent",
			l->permission);
	case 404:
		return exa_fail(
			err, EXA_FAILED, "no directory there (HTTP 404); check the Graph endpoint");
	case 429:
		return exa_fail(err, EXA_THROTTLED, "the directory is busy (HTTP 429)");
	default:
		break;
	}
	if (!first_page && (head->status == 400 || head->status == 410))
		return exa_fail(err, EXA_NET,
			"the directory forgot where the listing was (HTTP %d); list again",
			head->status);
	if (head->status >= 500 || head->status < 400)
		return exa_fail(err, EXA_NET, "the directory has trouble (HTTP %d)", head->status);
	return exa_fail(
		err, EXA_FAILED, "the directory refuses the request (HTTP %d)", head->status);
}

static bool
fail_page(const struct graph_listing *l, const struct http_answer *head, const json_t *body,
	bool first_page, struct exa_error *err)
{
	const char *code =
		json_string_value(json_object_get(json_object_get(body, "error"), "code"));

	(void)explain_status(l, head, first_page, err);
	err->detail = head->status;
	err->retry_after_ms = head->retry_after_ms;
	if (code != NULL)
		exa_error_set_name(err, code);
	return false;
}

/* ---- one page ---- */

static bool
fetch_once(const struct graph_listing *l, const char *url, const char *authorization,
	struct buf *body, struct http_answer *head, struct exa_error *err)
{
	EXA_AUTO(exa_freep) char *authorize = exa_asprintf("Authorization: %s", authorization);
	EXA_AUTO(exa_freep) char *id = NULL;
	char guid[HTTP_GUID_SIZE];
	const char *headers[HEADERS_MAX] = { authorize, NULL, "Accept: application/json",
		"ConsistencyLevel: eventual" };
	struct http_request request = { .method = "GET",
		.url = url,
		.headers = headers,
		.header_count = l->eventual ? HEADERS_MAX : HEADERS_MAX - 1 };
	bool good;

	http_guid(guid);
	id = exa_asprintf("client-request-id: %s", guid);
	headers[1] = id;
	good = http_fetch(l->options->http, &request, body, head, err);
	exa_wipe(authorize, strlen(authorize));
	return good;
}

/* A token that is refused is renewed once. */
static bool
fetch(const struct graph_listing *l, const char *url, struct buf *body, struct http_answer *head,
	struct exa_error *err)
{
	const struct directory_options *o = l->options;
	EXA_AUTO(wiped_buf_done) struct buf authorization = { 0 };

	for (bool again = false;; again = true) {
		buf_reset(&authorization);
		buf_reset(body);
		if (!auth_header(o->auth, o->scope, o->http, &authorization, err) ||
			!fetch_once(l, url, buf_string(&authorization), body, head, err))
			return false;
		if (head->status == 200)
			auth_accepted(o->auth, o->scope, buf_string(&authorization));
		if (head->status != 401 || again ||
			!auth_refused(o->auth, o->scope, buf_string(&authorization)))
			return true;
	}
}

static bool
read_entries(const struct graph_listing *l, const json_t *body, struct exa_error *err)
{
	const json_t *entries = json_object_get(body, "value");
	const json_t *entry;
	size_t i;

	if (!json_is_array(entries))
		return exa_fail(err, EXA_PROTOCOL, "the directory's answer has no list");
	json_array_foreach(entries, i, entry)
	{
		if (!l->entry(l->ctx, entry, err))
			return false;
	}
	return true;
}

/* *NEXT_OUT: the next page's address, NULL when this was the last. */
static bool
read_page(const struct graph_listing *l, const json_t *body, char **next_out, struct exa_error *err)
{
	const char *next = json_string_value(json_object_get(body, "@odata.nextLink"));

	if (!read_entries(l, body, err))
		return false;
	if (next != NULL && !graph_same_origin(l->options->graph_endpoint, next))
		return exa_fail(err, EXA_PROTOCOL,
			"the directory's next page is at another host; not followed");
	*next_out = exa_strdup(next);
	return true;
}

static bool
list_page(const struct graph_listing *l, const char *url, bool first_page, char **next_out,
	struct exa_error *err)
{
	EXA_AUTO(buf_done) struct buf text = { 0 };
	struct http_answer head;
	json_t *body;
	bool good;

	if (!fetch(l, url, &text, &head, err))
		return false;
	body = json_loadb((const char *)buf_string(&text), text.size, 0, NULL);
	if (head.status != 200)
		good = fail_page(l, &head, body, first_page, err);
	else if (body == NULL)
		good = exa_fail(err, EXA_PROTOCOL, "the directory's answer is not JSON");
	else
		good = read_page(l, body, next_out, err);
	json_decref(body);
	return good;
}

bool
graph_list(const struct graph_listing *listing, struct exa_error *err)
{
	EXA_AUTO(exa_freep) char *url = exa_strdup(listing->url);

	for (int page = 0; page < GRAPH_PAGES_MAX; page++) {
		char *next = NULL;

		if (!list_page(listing, url, page == 0, &next, err))
			return false;
		exa_free(url);
		url = next;
		if (url == NULL)
			return true;
	}
	return exa_fail(
		err, EXA_LIMIT, "the directory's listing has more than %d pages", GRAPH_PAGES_MAX);
}
