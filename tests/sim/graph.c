/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <jansson.h>

#include "graph.h"

#define TOP_DEFAULT 100
#define TOP_MAX 999
#define EMPTY_PAGE_EVERY 3 /* with empty_pages: each third page is one */

static const char default_fields[] = "id,displayName,mail,userPrincipalName";

static void
fail(struct http_answer *a, unsigned status, const char *code, const char *message)
{
	char id[37];

	auth_guid(id);
	a->status = status;
	a->content_type = "application/json";
	note_code(&a->note, code);
	buf_printf(&a->body,
		"{\"error\":{\"code\":\"%s\",\"message\":\"%s\",\"innerError\":{\"request-id\":\"%"
		"s\"}}}",
		code, message, id);
}

static void
send_json(struct http_answer *a, json_t *o)
{
	char *text = json_dumps(o, JSON_COMPACT);

	json_decref(o);
	a->status = 200;
	a->content_type = "application/json;odata.metadata=minimal;charset=utf-8";
	note_code(&a->note, "NoError");
	buf_add_string(&a->body, text != NULL ? text : "{}");
	exa_free(text);
}

static bool
is_selected(const char *select, const char *field)
{
	size_t length = strlen(field);

	for (const char *p = select; *p != '\0'; p += strcspn(p, ","), p += *p == ',') {
		if (strcspn(p, ",") == length && strncasecmp(p, field, length) == 0)
			return true;
	}
	return false;
}

static json_t *
text_or_null(const char *text)
{
	json_t *o = json_string(text);

	return o != NULL ? o : json_null();
}

static json_t *
field_value(const struct person *p, const char *field)
{
	if (strcmp(field, "id") == 0)
		return json_string(p->id.guid_text);
	if (strcmp(field, "userPrincipalName") == 0)
		return text_or_null(p->id.address);
	if (strcmp(field, "mail") == 0)
		return text_or_null(p->id.address);
	if (strcmp(field, "displayName") == 0)
		return text_or_null(p->id.name);
	if (strcmp(field, "proxyAddresses") == 0)
		return json_pack("[s+]", "SMTP:", p->id.address);
	if (strcmp(field, "accountEnabled") == 0)
		return json_boolean(p->is_enabled);
	if (strcmp(field, "userType") == 0)
		return json_string(p->is_guest ? "Guest" : "Member");
	if (strcmp(field, "assignedLicenses") == 0)
		return p->is_licensed ? json_pack("[{s:[], s:s}]", "disabledPlans", "skuId",
						"6fd2c87f-b296-42f0-b197-1e91e994b900")
				      : json_array();
	return p->is_licensed ? json_pack("[{s:s, s:s, s:s, s:s}]", "assignedDateTime",
					"2023-01-02T03:04:05Z", "capabilityStatus", "Enabled",
					"service", "exchange", "servicePlanId",
					"efb87545-963c-4e0d-99df-69c6916d9eb0")
			      : json_array();
}

static json_t *
user_object(const struct person *p, const char *select)
{
	static const char *const fields[] = { "id", "userPrincipalName", "mail", "displayName",
		"proxyAddresses", "accountEnabled", "assignedLicenses", "assignedPlans",
		"userType" };
	json_t *o = json_object();

	for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++) {
		if (is_selected(select, fields[i]))
			(void)json_object_set_new(o, fields[i], field_value(p, fields[i]));
	}
	return o;
}

/* A place in the list and the count of pages before, hidden from view as Graph's are. */
static void
make_token(size_t offset, unsigned pages, char *out, size_t size)
{
	(void)snprintf(out, size, "RFNwdAoAAQ%08zx%04xAAAA", offset, pages);
}

static bool
read_token(const char *token, size_t *offset_out, unsigned *pages_out)
{
	return sscanf(token, "RFNwdAoAAQ%8zx%4xAAAA", offset_out, pages_out) == 2 &&
	       strlen(token) == 26;
}

struct user_page {
	const char *select, *context; /* context: for @odata.context */
	bool with_count;
	size_t offset, top;
	unsigned pages;
};

static void
add_next_link(json_t *o, const struct graph_options *g, const struct http_request *r,
	const struct user_page *page, size_t offset)
{
	EXA_AUTO(exa_freep) char *link = NULL;
	const char *host = http_header(r, "Host");
	char token[64];

	make_token(offset, page->pages + 1, token, sizeof token);
	link = exa_asprintf("%s://%s%s?$select=%s&$top=%zu%s&$skiptoken=%s", g->auth->scheme,
		host != NULL ? host : "", r->path, page->select, page->top,
		page->with_count ? "&$count=true" : "", token);
	(void)json_object_set_new(o, "@odata.nextLink", json_string(link));
}

static void
send_users(const struct graph_options *g, const struct http_request *r, struct http_answer *answer,
	const struct user_page *page, const struct person *people, size_t count)
{
	bool empty = g->empty_pages && page->pages % EMPTY_PAGE_EVERY == EMPTY_PAGE_EVERY - 1;
	size_t begin = page->offset < count ? page->offset : count;
	size_t end = empty ? begin : count - begin < page->top ? count : begin + page->top;
	json_t *o = json_object(), *value = json_array();

	(void)json_object_set_new(o, "@odata.context",
		json_pack("s+", "https://graph.microsoft.com/v1.0/$metadata#", page->context));
	if (page->with_count && page->pages == 0)
		(void)json_object_set_new(o, "@odata.count", json_integer((json_int_t)count));
	if (end < count)
		add_next_link(o, g, r, page, end);
	for (size_t i = begin; i < end; i++)
		(void)json_array_append_new(value, user_object(&people[i], page->select));
	(void)json_object_set_new(o, "value", value);
	answer->note.items = (unsigned)(end - begin);
	send_json(answer, o);
}

/* $top, $select and $skiptoken; false: the failure is in the answer. */
static bool
read_page(const struct http_request *r, struct user_page *page, struct http_answer *answer)
{
	const char *top = http_query(r, "$top"), *select = http_query(r, "$select");
	const char *token = http_query(r, "$skiptoken"), *count = http_query(r, "$count");
	char *end = NULL;

	page->top = top == NULL ? TOP_DEFAULT : strtoul(top, &end, 10);
	page->select = select != NULL ? select : default_fields;
	page->with_count = count != NULL && strcmp(count, "true") == 0;
	if (page->top < 1 || page->top > TOP_MAX || (end != NULL && *end != '\0')) {
		fail(answer, 400, "Request_UnsupportedQuery",
			"Invalid page size specified. Must be between 1 and 999 inclusive.");
		return false;
	}
	if (http_query(r, "$skip") != NULL) {
		fail(answer, 400, "Request_UnsupportedQuery", "'$skip' is not supported.");
		return false;
	}
	if (token != NULL && !read_token(token, &page->offset, &page->pages)) {
		fail(answer, 400, "Directory_ExpiredPageToken",
			"The specified page token value has expired.");
		return false;
	}
	return true;
}

static void
list_users(const struct graph_options *g, const struct http_request *r, struct http_answer *answer)
{
	struct user_page page = { .context = "users" };
	struct person *people;
	size_t count;

	if (!read_page(r, &page, answer))
		return;
	people = people_list(g->store, g->extras, &count);
	send_users(g, r, answer, &page, people, count);
	exa_free(people);
}

static void
find_groups(const struct graph_options *g, const struct http_request *r, struct http_answer *answer)
{
	const char *filter = http_query(r, "$filter");
	char wanted[128] = "";
	json_t *o, *value;

	(void)g;
	if (filter != NULL && sscanf(filter, "displayName eq '%127[^']'", wanted) != 1) {
		fail(answer, 400, "Request_UnsupportedQuery",
			"Unsupported or invalid query filter.");
		return;
	}
	value = json_array();
	for (const struct group *group = people_groups; group->name != NULL; group++) {
		if (filter == NULL || strcasecmp(group->name, wanted) == 0)
			(void)json_array_append_new(value, json_pack("{s:s, s:s}", "id", group->id,
								   "displayName", group->name));
	}
	o = json_pack(
		"{s:s}", "@odata.context", "https://graph.microsoft.com/v1.0/$metadata#groups");
	(void)json_object_set_new(o, "value", value);
	send_json(answer, o);
}

static void
list_members(const struct graph_options *g, const struct http_request *r,
	struct http_answer *answer, const struct group *group)
{
	const char *level = http_header(r, "ConsistencyLevel");
	struct user_page page = { .context = "users" };
	struct person *people;
	size_t count, kept = 0;

	if (!read_page(r, &page, answer))
		return;
	if (level == NULL || strcasecmp(level, "eventual") != 0 || !page.with_count) {
		fail(answer, 400, "Request_UnsupportedQuery",
			"The casting query needs the header ConsistencyLevel: eventual and "
			"$count=true.");
		return;
	}
	people = people_list(g->store, g->extras, &count);
	for (size_t i = 0; i < count; i += group->every)
		people[kept++] = people[i];
	send_users(g, r, answer, &page, people, kept);
	exa_free(people);
}

static const struct group *
find_member_path(const char *path)
{
	for (const struct group *group = people_groups; group->name != NULL; group++) {
		EXA_AUTO(exa_freep)
		char *wanted =
			exa_asprintf("groups/%s/transitiveMembers/microsoft.graph.user", group->id);

		if (strcasecmp(path, wanted) == 0)
			return group;
	}
	return NULL;
}

/* Sources: "List users", "List groups", "List group transitive members" of Graph: any of them will
 * do. Members of a group are users too. */
static bool
may_ask(const struct auth *a, const struct http_request *r, const char *path,
	struct http_answer *answer)
{
	static const char *const users[] = { "User.Read.All", "Directory.Read.All", NULL };
	static const char *const groups[] = { "GroupMember.Read.All", "Group.Read.All",
		"Directory.Read.All", NULL };
	bool of_groups = strncmp(path, "groups", 6) == 0;

	if (of_groups && !auth_check_graph(a, r, groups, answer))
		return false;
	return strcmp(path, "groups") == 0 || auth_check_graph(a, r, users, answer);
}

void
graph_handle(
	const struct graph_options *o, const struct http_request *r, struct http_answer *answer)
{
	const char *path = r->path + strlen(GRAPH_PATH);
	const struct group *group = find_member_path(path);

	(void)snprintf(answer->note.operation, sizeof answer->note.operation, "graph");
	if (!may_ask(o->auth, r, path, answer))
		return;
	if (strcmp(r->method, "GET") != 0)
		fail(answer, 405, "Request_BadRequest", "Only GET is served here.");
	else if (strcmp(path, "users") == 0)
		list_users(o, r, answer);
	else if (strcmp(path, "groups") == 0)
		find_groups(o, r, answer);
	else if (group != NULL)
		list_members(o, r, answer, group);
	else
		fail(answer, 404, "Request_ResourceNotFound", "Resource does not exist.");
}
