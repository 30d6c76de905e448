/* SPDX-License-Identifier: Apache-2.0 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "exarch/clock.h"
#include "exarch/mem.h"

#include "server.h"

struct server server;
static pthread_mutex_t mu = PTHREAD_MUTEX_INITIALIZER;

struct ews {
	struct ews_counters counters;
};

/* ---- what tests do ---- */

static struct server_folder *
add_folder(const char *parent, const char *name, const char *class, enum ews_role role)
{
	struct server_folder *f = &server.folders[server.folder_count++];

	if (server.folder_count > SERVER_FOLDERS_MAX)
		abort();
	(void)snprintf(f->id, sizeof f->id, "F%u", ++server.next_id);
	(void)snprintf(f->parent, sizeof f->parent, "%s", parent);
	(void)snprintf(f->name, sizeof f->name, "%s", name);
	(void)snprintf(f->class, sizeof f->class, "%s", class);
	f->role = role;
	return f;
}

void
server_reset(void)
{
	server = (struct server){ 0 };
	(void)add_folder("", "Top", "IPF.Note", EWS_ROLE_ROOT);
	(void)add_folder(server.folders[0].id, "Posteingang", "IPF.Note", EWS_ROLE_INBOX);
}

static struct server_item *
add_item(const char *folder)
{
	struct server_item *i = &server.items[server.item_count++];

	if (server.item_count > SERVER_ITEMS_MAX)
		abort();
	(void)snprintf(i->id, sizeof i->id, "I%u", ++server.next_id);
	(void)snprintf(i->folder, sizeof i->folder, "%s", folder);
	return i;
}

static const struct server_folder *
folder_of_name(const char *name)
{
	for (size_t i = 0; i < server.folder_count; i++) {
		if (strcmp(server.folders[i].name, name) == 0)
			return &server.folders[i];
	}
	return NULL;
}

struct server_item *
server_add_item(const char *folder, const char *message_id, int64_t received_ns)
{
	struct server_item *i = add_item(folder_of_name(folder)->id);

	(void)snprintf(i->message_id, sizeof i->message_id, "%s", message_id);
	(void)snprintf(i->content, sizeof i->content, "stranger");
	i->received_ns = received_ns;
	return i;
}

unsigned
server_count(const char *folder, const char *content)
{
	const struct server_folder *f = folder_of_name(folder);
	unsigned count = 0;

	for (size_t i = 0; f != NULL && i < server.item_count; i++) {
		const struct server_item *item = &server.items[i];

		count += !item->deleted && strcmp(item->folder, f->id) == 0 &&
			 strcmp(item->content, content) == 0;
	}
	return count;
}

/* ---- faults ---- */

/* Each request begins here, with mu held from then on. */
static bool
begin(bool *is_lost_out, struct exa_error *err)
{
	(void)pthread_mutex_lock(&mu);
	*is_lost_out = ++server.requests == server.fault_at;
	if (!*is_lost_out || server.fault == FAULT_AFTER)
		return true;
	(void)pthread_mutex_unlock(&mu);
	return exa_fail(err, server.fault_code, "the connection broke");
}

static bool
end(bool is_lost, bool good, struct exa_error *err)
{
	const enum exa_code code = server.fault_code;

	(void)pthread_mutex_unlock(&mu);
	return is_lost ? exa_fail(err, code, "the answer was lost") : good;
}

/* ---- exarch/ews.h ---- */

bool
ews_new(const struct ews_options *options, struct ews **out, struct exa_error *err)
{
	(void)options;
	(void)err;
	*out = exa_alloc(sizeof **out);
	return true;
}

void
ews_free(struct ews *e)
{
	exa_free(e);
}

void
ews_count(const struct ews *e, struct ews_counters *out)
{
	*out = e->counters;
}

static bool
hand_out(const struct server_folder *f, const struct ews_folder_sink *sink, struct exa_error *err)
{
	return sink->folder(sink->ctx,
		&(struct ews_folder){ .id = f->id,
			.parent_id = f->parent,
			.name = f->name,
			.class = f->class,
			.role = f->role },
		err);
}

bool
ews_get_folder(struct ews *e, const struct ews_mailbox *mailbox, const char *id,
	const struct ews_folder_sink *sink, struct exa_error *err)
{
	bool lost;

	(void)e;
	(void)mailbox;
	(void)id;
	if (!begin(&lost, err))
		return false;
	return end(lost, lost || hand_out(&server.folders[0], sink, err), err);
}

bool
ews_find_folders(struct ews *e, const struct ews_mailbox *mailbox, int64_t offset,
	const struct ews_folder_sink *sink, int64_t *next_offset_out, struct exa_error *err)
{
	bool lost, good = true;

	(void)e;
	(void)mailbox;
	(void)offset;
	if (!begin(&lost, err))
		return false;
	for (size_t i = 1; !lost && good && i < server.folder_count; i++)
		good = hand_out(&server.folders[i], sink, err);
	*next_offset_out = -1;
	return end(lost, good, err);
}

bool
ews_create_folder(struct ews *e, const struct ews_mailbox *mailbox,
	const struct ews_new_folder *folder, struct buf *id_out, struct exa_error *err)
{
	bool lost;

	(void)e;
	(void)mailbox;
	if (!begin(&lost, err))
		return false;
	server.writes++;
	for (size_t i = 0; i < server.folder_count; i++) {
		if (strcmp(server.folders[i].parent, folder->parent_id) == 0 &&
			strcmp(server.folders[i].name, folder->name) == 0)
			return end(false, exa_fail(err, EXA_STALE, "it exists"), err);
	}
	buf_add_string(id_out,
		add_folder(folder->parent_id, folder->name, folder->class, EWS_ROLE_NONE)->id);
	return end(lost, true, err);
}

static bool
is_asked_for(const struct server_item *i, const struct ews_find_request *r)
{
	bool any = r->marker_count == 0 && r->span_count == 0;

	for (size_t k = 0; k < r->marker_count; k++)
		any = any || strcmp(r->markers[k], i->marker) == 0;
	for (size_t k = 0; k < r->span_count; k++)
		any = any || (i->received_ns >= r->spans[k].from_ns &&
				     i->received_ns < r->spans[k].before_ns);
	return any && !i->deleted && strcmp(i->folder, r->folder_id) == 0;
}

bool
ews_search_items(struct ews *e, const struct ews_mailbox *mailbox,
	const struct ews_find_request *request, const struct ews_found_sink *sink,
	int64_t *next_offset_out, struct exa_error *err)
{
	bool lost, good = true;

	(void)e;
	(void)mailbox;
	if (!begin(&lost, err))
		return false;
	for (size_t i = 0; !lost && good && i < server.item_count; i++) {
		const struct server_item *item = &server.items[i];

		if (is_asked_for(item, request))
			good = sink->found(sink->ctx,
				&(struct ews_found){ .id = item->id,
					.change_key = "",
					.class = item->class,
					.internet_message_id = item->message_id,
					.marker = item->marker,
					.received_ns = item->received_ns },
				err);
	}
	*next_offset_out = -1;
	return end(lost, good, err);
}

/* All of the source, or nothing. */
static bool
pull(const struct ews_source *source, char out[SERVER_TEXT_MAX], struct exa_error *err)
{
	EXA_AUTO(buf_done) struct buf text = { 0 };
	struct bytes piece;

	if (!source->open(source->ctx, err))
		return false;
	do {
		if (!source->next(source->ctx, &piece, err))
			return false;
		buf_add_bytes(&text, piece);
	} while (piece.size > 0);
	(void)snprintf(out, SERVER_TEXT_MAX, "%s", buf_string(&text));
	return text.size == source->size || exa_fail(err, EXA_CORRUPT, "another size");
}

/* What a native stream of the tests says of its item: "MESSAGE-ID RECEIVED-SECOND". */
static void
read_native(struct server_item *i)
{
	long long second = 0;

	(void)sscanf(i->content, "%127s %lld", i->message_id, &second);
	i->received_ns = second * EXA_NS_PER_S;
	i->native = true;
}

static bool
answer(const struct ews_made_handler *h, size_t index, const struct server_item *made,
	struct exa_error *err)
{
	return h->answered(h->ctx, index,
		&(struct ews_item_ref){ .id = made->id, .change_key = "" }, NULL, err);
}

static bool
make(const struct ews_new_item *new, const char *folder_id, const char *content, size_t index,
	bool lost, const struct ews_made_handler *handler, struct exa_error *err)
{
	struct server_item *i;
	struct exa_error why;

	if (server.refuses != NULL && strcmp(server.refuses, content) == 0) {
		(void)exa_fail(&why, server.refuses_with, "refused");
		return handler->answered(
			handler->ctx, index, &(struct ews_item_ref){ "", "" }, &why, err);
	}
	i = add_item(folder_id);
	(void)snprintf(i->content, sizeof i->content, "%s", content);
	(void)snprintf(i->marker, sizeof i->marker, "%s", new->marker);
	(void)snprintf(i->class, sizeof i->class, "%s", new->class);
	/* as the tests' MIME has it */
	(void)snprintf(i->message_id, sizeof i->message_id, "%s", content);
	i->received_ns = new->received_ns;
	i->draft = new->is_draft;
	return lost || answer(handler, index, i, err);
}

bool
ews_create_items(struct ews *e, const struct ews_mailbox *mailbox,
	const struct ews_create_request *request, const struct ews_made_handler *handler,
	struct exa_error *err)
{
	char contents[EWS_BATCH_MAX][SERVER_TEXT_MAX];
	bool lost, good = true;

	(void)e;
	(void)mailbox;
	for (size_t i = 0; i < request->count; i++) {
		if (!pull(&request->items[i].mime, contents[i], err))
			return false;
	}
	if (!begin(&lost, err))
		return false;
	server.writes++;
	for (size_t i = 0; good && i < request->count; i++)
		good = make(
			&request->items[i], request->folder_id, contents[i], i, lost, handler, err);
	return end(lost, good, err);
}

bool
ews_upload_items(struct ews *e, const struct ews_mailbox *mailbox,
	const struct ews_upload_request *request, const struct ews_made_handler *handler,
	struct exa_error *err)
{
	char contents[EWS_BATCH_MAX][SERVER_TEXT_MAX];
	bool lost, good = true;

	(void)e;
	(void)mailbox;
	for (size_t i = 0; i < request->count; i++) {
		if (!pull(&request->streams[i], contents[i], err))
			return false;
	}
	if (!begin(&lost, err))
		return false;
	server.writes++;
	for (size_t i = 0; good && i < request->count; i++) {
		struct server_item *item = add_item(request->folder_id);

		memcpy(item->content, contents[i], sizeof item->content);
		read_native(item);
		good = lost || answer(handler, i, item, err);
	}
	return end(lost, good, err);
}

static struct server_item *
find_item(const char *id)
{
	for (size_t i = 0; i < server.item_count; i++) {
		if (!server.items[i].deleted && strcmp(server.items[i].id, id) == 0)
			return &server.items[i];
	}
	return NULL;
}

bool
ews_mark_items(struct ews *e, const struct ews_mailbox *mailbox, const struct ews_mark *marks,
	size_t count, const struct ews_made_handler *handler, struct exa_error *err)
{
	bool lost, good = true;

	(void)e;
	(void)mailbox;
	if (!begin(&lost, err))
		return false;
	server.writes++;
	for (size_t i = 0; good && i < count; i++) {
		struct server_item *item = find_item(marks[i].id);

		if (item == NULL)
			abort();
		(void)snprintf(item->marker, sizeof item->marker, "%s", marks[i].marker);
		good = lost || answer(handler, i, item, err);
	}
	return end(lost, good, err);
}

bool
ews_delete_items(struct ews *e, const struct ews_mailbox *mailbox,
	const struct ews_delete_request *request, const struct ews_delete_handler *handler,
	struct exa_error *err)
{
	bool lost, good = true;

	(void)e;
	(void)mailbox;
	if (!begin(&lost, err))
		return false;
	server.writes++;
	for (size_t i = 0; good && i < request->count; i++) {
		struct server_item *item = find_item(request->refs[i].id);
		struct exa_error gone;

		(void)exa_fail(&gone, EXA_GONE, "it isn't there");
		if (item != NULL)
			item->deleted = true;
		good = lost || handler->answered(handler->ctx, i, item != NULL ? NULL : &gone, err);
	}
	return end(lost, good, err);
}
