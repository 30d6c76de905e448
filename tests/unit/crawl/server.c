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

void
server_reset(void)
{
	for (size_t m = 0; m < server.mailbox_count; m++) {
		for (size_t i = 0; i < server.mailboxes[m].folder_count; i++)
			exa_free(server.mailboxes[m].folders[i]);
	}
	server = (struct server){ .page = EWS_SYNC_PAGE_MAX };
}

/* NULL: it has no such part. */
static struct server_mailbox *
find_part(const struct ews_mailbox *mailbox)
{
	for (size_t i = 0; i < server.mailbox_count; i++) {
		struct server_mailbox *m = &server.mailboxes[i];

		if (strcmp(m->smtp, mailbox->smtp) == 0 && m->part == mailbox->part)
			return m;
	}
	return NULL;
}

static struct server_mailbox *
find_mailbox(const struct ews_mailbox *mailbox)
{
	struct server_mailbox *m = find_part(mailbox);

	if (m == NULL)
		abort();
	return m;
}

static struct server_folder *
add_folder(struct server_mailbox *m, const char *name)
{
	struct server_folder *f = exa_alloc(sizeof *f);

	f->id = name;
	f->name = name;
	m->folders[m->folder_count++] = f;
	return f;
}

struct server_folder *
server_folder_add(const char *smtp, const char *name)
{
	return add_folder(find_mailbox(&(struct ews_mailbox){ .smtp = smtp }), name);
}

struct server_folder *
server_part_add(const char *smtp, enum ews_part part)
{
	struct server_mailbox *m = &server.mailboxes[server.mailbox_count++];

	*m = (struct server_mailbox){ .smtp = smtp, .part = part };
	return add_folder(m, part == EWS_PART_PRIMARY ? "Inbox" : "Old");
}

struct server_folder *
server_mailbox_add(const char *smtp)
{
	return server_part_add(smtp, EWS_PART_PRIMARY);
}

static void
tell(struct server_folder *f, enum ews_change_kind kind, size_t item)
{
	f->changes[f->change_count].kind = kind;
	f->changes[f->change_count++].item = item;
}

void
server_add_silently(struct server_folder *f)
{
	struct server_item *item = &f->items[f->item_count];

	(void)snprintf(item->id, sizeof item->id, "%s-%zu", f->id, f->item_count++);
	item->class = "IPM.Note";
}

void
server_fill(struct server_folder *f, size_t count)
{
	while (count-- > 0) {
		server_add_silently(f);
		tell(f, EWS_CHANGE_CREATE, f->item_count - 1);
	}
}

void
server_change(struct server_folder *f, size_t item)
{
	f->items[item].version++;
	tell(f, EWS_CHANGE_UPDATE, item);
}

void
server_read(struct server_folder *f, size_t item)
{
	f->items[item].unread = false;
	tell(f, EWS_CHANGE_READ_FLAG, item);
}

void
server_read_anew(struct server_folder *f, size_t item)
{
	f->items[item].version_key++;
	server_read(f, item);
}

void
server_delete(struct server_folder *f, size_t item)
{
	f->items[item].deleted = true;
	tell(f, EWS_CHANGE_DELETE, item);
}

void
server_move(struct server_folder *from, size_t item, struct server_folder *to)
{
	const size_t place = to->item_count;
	char id[sizeof to->items[0].id];

	server_fill(to, 1);
	(void)snprintf(id, sizeof id, "%s", to->items[place].id);
	to->items[place] = from->items[item];
	(void)snprintf(to->items[place].id, sizeof to->items[place].id, "%s", id);
	server_delete(from, item);
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
fails_at_all(struct exa_error *err)
{
	enum exa_code code = server.busy > 0 ? EXA_THROTTLED : EXA_NET;
	int *left = server.busy > 0 ? &server.busy : &server.broken;

	if (*left == 0)
		return false;
	(*left)--;
	(void)exa_fail(err, code, "not now");
	err->retry_after_ms = 1;
	return true;
}

static int64_t
count_of(const struct server_folder *f)
{
	int64_t count = f->miscounted;

	for (size_t i = 0; i < f->item_count; i++)
		count += !f->items[i].deleted;
	return count;
}

static bool
hand_folder(
	const struct server_folder *f, const struct ews_folder_sink *sink, struct exa_error *err)
{
	const struct ews_folder folder = { .id = f->id,
		.parent_id = "root",
		.name = f->name,
		.class = "IPF.Note",
		.total_count = count_of(f),
		.size_bytes = -1,
		.changed_ns = f->changed_ns != 0 ? f->changed_ns : EXA_NO_TIME,
		.replica = f->id };

	return sink->folder(sink->ctx, &folder, err);
}

static bool
is_root(const struct server_folder *f)
{
	return strcmp(f->id, "root") == 0;
}

bool
ews_find_folders(struct ews *e, const struct ews_mailbox *mailbox, int64_t offset,
	const struct ews_folder_sink *sink, int64_t *next_offset_out, struct exa_error *err)
{
	struct server_mailbox *m = find_part(mailbox);
	bool good = true;

	if (m == NULL)
		return exa_fail(err, EXA_GONE, "no such part");
	(void)pthread_mutex_lock(&mu);
	e->counters.requests++;
	server.trees++;
	for (size_t i = 0; good && i < m->folder_count; i++)
		good = m->folders[i]->deleted || is_root(m->folders[i]) ||
		       (m->folders[i]->gone_for_counts && m->tree_was_listed) ||
		       hand_folder(m->folders[i], sink, err);
	(void)pthread_mutex_unlock(&mu);
	*next_offset_out = m->listed_twice && offset == 0 ? 1000 : -1;
	return good;
}

bool
ews_find_children(struct ews *e, const struct ews_mailbox *mailbox, const char *parent,
	int64_t offset, const struct ews_folder_sink *sink, int64_t *next_offset_out,
	struct exa_error *err)
{
	*next_offset_out = -1;
	return parent != NULL || ews_find_folders(e, mailbox, offset, sink, next_offset_out, err);
}

static struct server_folder *
find_folder(const struct ews_mailbox *mailbox, const char *id)
{
	struct server_mailbox *m = find_mailbox(mailbox);

	for (size_t i = 0; i < m->folder_count; i++) {
		if (strcmp(m->folders[i]->id, id) == 0)
			return m->folders[i];
	}
	abort();
}

static bool
hand_root(struct server_mailbox *m, const struct ews_folder_sink *sink, struct exa_error *err)
{
	struct ews_folder root = { .id = "root",
		.parent_id = "",
		.name = "Top of Information Store",
		.class = "IPF.Note",
		.role = EWS_ROLE_ROOT,
		.size_bytes = -1,
		.changed_ns = EXA_NO_TIME };

	server.roots++;
	for (size_t i = 0; i < m->folder_count; i++) {
		if (is_root(m->folders[i]))
			root.total_count = count_of(m->folders[i]);
	}
	m->tree_was_listed = true;
	return sink->folder(sink->ctx, &root, err);
}

bool
ews_get_folder(struct ews *e, const struct ews_mailbox *mailbox, const char *id,
	const struct ews_folder_sink *sink, struct exa_error *err)
{
	bool good;

	(void)pthread_mutex_lock(&mu);
	e->counters.requests++;
	if (fails_at_all(err))
		good = false;
	else if (find_part(mailbox) == NULL)
		good = exa_fail(err, EXA_GONE, "no such part");
	else if (id == NULL && find_mailbox(mailbox)->root_fails_after_tree &&
		 find_mailbox(mailbox)->tree_was_listed)
		good = exa_fail(err, EXA_NET, "not now");
	else if (id == NULL)
		good = hand_root(find_mailbox(mailbox), sink, err);
	else if (find_folder(mailbox, id)->gone || find_folder(mailbox, id)->gone_for_counts)
		good = exa_fail(err, EXA_GONE, "the folder isn't there");
	else
		good = hand_folder(find_folder(mailbox, id), sink, err);
	(void)pthread_mutex_unlock(&mu);
	return good;
}

static int64_t
received_of(const struct server_item *item)
{
	return item->received_ns != 0 ? item->received_ns : EXA_NS_PER_S;
}

static bool
hand_change(const struct server_item *item, enum ews_change_kind kind,
	const struct ews_change_sink *sink, struct exa_error *err)
{
	char change_key[16];
	struct ews_change change = { .kind = kind,
		.id = item->id,
		.change_key = change_key,
		.class = item->class,
		.size_bytes = 100,
		.received_ns = received_of(item),
		.is_read = !item->unread };

	(void)snprintf(
		change_key, sizeof change_key, "v%d", item->version + 1000 * item->version_key);
	return sink->change(sink->ctx, &change, err);
}

/* A state is "<when it was made>.<next item>.<next change>": a first listing names the items that
 * are there, and then goes on with the changes made meanwhile. */
struct position {
	int made;
	size_t item, change;
};

static bool
hand_created(
	const struct server_item *item, const struct ews_change_sink *sink, struct exa_error *err)
{
	return hand_change(item, EWS_CHANGE_CREATE, sink, err) &&
	       (!server.mailboxes[0].changes_twice ||
		       hand_change(item, EWS_CHANGE_CREATE, sink, err));
}

static bool
hand_page(const struct server_folder *f, struct position *at, size_t most,
	const struct ews_change_sink *sink, struct exa_error *err)
{
	size_t left = server.page < most ? server.page : most;

	for (; left > 0 && at->item < f->item_count; at->item++) {
		if (f->items[at->item].deleted)
			continue;
		if (!hand_created(&f->items[at->item], sink, err))
			return false;
		left--;
	}
	for (; left > 0 && at->change < f->change_count; at->change++, left--) {
		if (!hand_change(&f->items[f->changes[at->change].item],
			    f->changes[at->change].kind, sink, err))
			return false;
	}
	return true;
}

static bool
sync_locked(struct server_folder *f, const struct ews_sync_request *request,
	const struct ews_change_sink *sink, struct buf *state_out, bool *last_out,
	struct exa_error *err)
{
	const bool first = request->sync_state[0] == '\0';
	struct position at = { .made = server.states_since, .change = f->change_count };

	server.syncs++;
	if (server.syncs == 2 && server.at_second_sync != NULL)
		server.at_second_sync(f);
	if (fails_at_all(err))
		return false;
	if (f->gone)
		return exa_fail(err, EXA_GONE, "the folder isn't there");
	if (!first &&
		sscanf(request->sync_state, "%d.%zu.%zu", &at.made, &at.item, &at.change) != 3)
		abort();
	if (!first && (f->forgetful || at.made < server.states_since))
		return exa_fail(err, EXA_STALE, "the state is no longer good");
	if (!hand_page(f, &at, request->max_changes, sink, err))
		return false;
	/* Items made after a first listing are changes, not a part of it. */
	*last_out = !f->stuck && at.item >= f->item_count && at.change == f->change_count;
	if (*last_out)
		at.item = SERVER_ITEMS_MAX;
	buf_printf(state_out, "%d.%zu.%zu", at.made, at.item, at.change);
	return true;
}

bool
ews_sync_items(struct ews *e, const struct ews_mailbox *mailbox,
	const struct ews_sync_request *request, const struct ews_change_sink *sink,
	struct buf *state_out, bool *last_out, struct exa_error *err)
{
	bool good;

	(void)pthread_mutex_lock(&mu);
	e->counters.requests++;
	good = sync_locked(
		find_folder(mailbox, request->folder_id), request, sink, state_out, last_out, err);
	(void)pthread_mutex_unlock(&mu);
	return good;
}

/* The routing is the address "content of <folder>". */
static void
check_routing(const struct ews_mailbox *mailbox, const struct server_folder *f)
{
	char wanted[64];

	(void)snprintf(wanted, sizeof wanted, "content-of-%s", f->id);
	if (mailbox->anchor == NULL || strcmp(mailbox->anchor, wanted) != 0 ||
		strcmp(mailbox->public_mailbox, wanted) != 0)
		abort();
}

bool
ews_find_items(struct ews *e, const struct ews_mailbox *mailbox, const char *folder_id,
	int64_t offset, const struct ews_change_sink *sink, int64_t *next_offset_out,
	int64_t *total_out, struct exa_error *err)
{
	struct server_folder *f = find_folder(mailbox, folder_id);
	int64_t at = 0, end = offset + (int64_t)server.page;
	bool good = true;

	(void)pthread_mutex_lock(&mu);
	e->counters.requests++;
	server.syncs++;
	check_routing(mailbox, f);
	if (server.syncs == 2 && server.at_second_sync != NULL)
		server.at_second_sync(f);
	for (size_t i = 0; good && i < f->item_count; i++) {
		if (f->items[i].deleted)
			continue;
		if (at >= offset && at < end)
			good = hand_change(&f->items[i], EWS_CHANGE_CREATE, sink, err);
		at++;
	}
	*next_offset_out = end < at ? end : -1;
	*total_out = at;
	(void)pthread_mutex_unlock(&mu);
	return good;
}

static struct server_item *
find_item(const struct server_mailbox *m, const char *id)
{
	for (size_t f = 0; f < m->folder_count; f++) {
		for (size_t i = 0; i < m->folders[f]->item_count; i++) {
			if (strcmp(m->folders[f]->items[i].id, id) == 0)
				return &m->folders[f]->items[i];
		}
	}
	abort();
}

void
server_search_key(const char *id, uint8_t out[SERVER_KEY_SIZE])
{
	const size_t size = strlen(id);

	for (size_t i = 0; i < SERVER_KEY_SIZE; i++)
		out[i] = (uint8_t)(i == 4 ? 0 : id[i % size]);
}

enum answer { ANSWER_MIME, ANSWER_PROPERTIES, ANSWER_NATIVE };

static bool
hand_item(const struct server_item *item, enum answer answer, size_t index,
	const struct ews_item_handler *h, struct exa_error *err)
{
	const bool has_content =
		answer == ANSWER_NATIVE || (answer == ANSWER_MIME && !item->no_mime);
	char change_key[16], mime[128];
	uint8_t search_key[SERVER_KEY_SIZE];
	int size = answer == ANSWER_NATIVE
			   ? snprintf(mime, sizeof mime, "%s native %d", item->id, item->version)
			   : snprintf(mime, sizeof mime, "Subject: %s\r\n\r\nversion %d\r\n",
				     item->id, item->version);
	struct ews_item found = { .id = item->id,
		.change_key = change_key,
		.class = item->class,
		.internet_message_id = item->search_key != NULL ? item->search_key : "",
		.categories = "",
		.size_bytes = 100,
		.received_ns = received_of(item),
		.sent_ns = EXA_NO_TIME,
		.created_ns = EXA_NO_TIME,
		.modified_ns = item->modified_ns != 0 ? item->modified_ns : EXA_NO_TIME,
		.message_flags = item->message_flags != 0 ? item->message_flags : -1,
		.is_read = !item->unread,
		.has_attachments = 0,
		.flag_status = item->flagged ? 2 : 0,
		.search_key = item->search_key != NULL ? bytes_of_string(item->search_key)
						       : bytes_of(search_key, sizeof search_key),
		.has_mime = has_content };

	server_search_key(item->id, search_key);
	if (!has_content || (answer == ANSWER_NATIVE && item->native_empty))
		size = 0;
	found.mime_bytes = (uint64_t)size;
	(void)snprintf(
		change_key, sizeof change_key, "v%d", item->version + 1000 * item->version_key);
	return h->begin(h->ctx, index, err) &&
	       (size == 0 || h->mime(h->ctx, index, bytes_of(mime, (size_t)size), err)) &&
	       h->end(h->ctx, index, &found, err);
}

static enum exa_code
code_of(struct server_item *item, enum answer answer)
{
	switch (answer) {
	case ANSWER_MIME:
		item->fetched++;
		return item->fails != EXA_OK ? item->fails : item->mime_fails;
	case ANSWER_PROPERTIES:
		item->properties++;
		if (item == server.pardons && item->properties > 1)
			return EXA_OK;
		return item->fails != EXA_OK ? item->fails : item->properties_fail;
	case ANSWER_NATIVE:
		break;
	}
	item->exported++;
	return item->fails != EXA_OK ? item->fails : item->native_fails;
}

static bool
answer_one(struct server_item *item, enum answer answer, size_t index,
	const struct ews_item_handler *h, struct exa_error *err)
{
	const enum exa_code code = code_of(item, answer);
	struct exa_error why;

	if (!item->deleted && code == EXA_OK)
		return hand_item(item, answer, index, h, err);
	(void)exa_fail(&why, item->deleted ? EXA_GONE : code,
		answer == ANSWER_NATIVE ? "this stream can't be had" : "this one can't be had");
	why.retry_after_ms = 1;
	return h->failed(h->ctx, index, &why, err);
}

static bool
get_locked(struct server_mailbox *m, enum answer answer, const struct ews_item_ref *refs,
	size_t count, const struct ews_item_handler *h, struct exa_error *err)
{
	const enum exa_code refused = answer == ANSWER_NATIVE ? m->exports_fail : m->fetches_fail;

	if (answer == ANSWER_NATIVE) {
		server.exports++;
		server.most_exported = count > server.most_exported ? count : server.most_exported;
	} else {
		server.fetches++;
	}
	if (fails_at_all(err))
		return false;
	if (refused != EXA_OK) {
		(void)exa_fail(err, refused, "the mailbox is refused");
		err->retry_after_ms = 1;
		return false;
	}
	if (server.most_at_once > 0 && count > server.most_at_once)
		return exa_fail(err, EXA_TIMEOUT, "took too long");
	for (size_t i = 0; i < count; i++) {
		const size_t which = server.backwards > 0 ? count - 1 - i : i;

		if (!answer_one(find_item(m, refs[which].id), answer, i, h, err))
			return false;
	}
	server.backwards -= server.backwards > 0;
	if (server.cancel_after_fetch != NULL)
		cancel_raise(server.cancel_after_fetch, CANCEL_SIGNAL);
	return true;
}

static bool
get(struct ews *e, enum answer answer, const struct ews_mailbox *mailbox,
	const struct ews_item_ref *refs, size_t count, const struct ews_item_handler *handler,
	struct exa_error *err)
{
	bool good;

	(void)pthread_mutex_lock(&mu);
	e->counters.requests++;
	good = get_locked(find_mailbox(mailbox), answer, refs, count, handler, err);
	(void)pthread_mutex_unlock(&mu);
	return good;
}

/* ---- deleting ---- */

static bool
dies(enum exa_code code, bool late, struct exa_error *err)
{
	const int now = server.looks + server.deletions;

	if (server.dies_at == 0 || now < server.dies_at ||
		(now == server.dies_at && server.dies_late != late))
		return false;
	return !exa_fail(err, code, "the end");
}

static bool
look_at_one(const struct server_item *item, size_t index, const struct ews_item_handler *h,
	struct exa_error *err)
{
	char change_key[16];
	const struct ews_item found = { .id = item->id,
		.change_key = change_key,
		.class = item->class,
		.received_ns = received_of(item),
		.flag_status = item->flagged ? 2 : 0 };
	struct exa_error why;

	(void)snprintf(
		change_key, sizeof change_key, "v%d", item->version + 1000 * item->version_key);
	if (!item->deleted)
		return h->begin(h->ctx, index, err) && h->end(h->ctx, index, &found, err);
	(void)exa_fail(&why, EXA_GONE, "not there");
	return h->failed(h->ctx, index, &why, err);
}

static bool
look_locked(struct server_mailbox *m, const struct ews_item_ref *refs, size_t count,
	const struct ews_item_handler *h, struct exa_error *err)
{
	server.looks++;
	if (dies(EXA_IO, false, err) || fails_at_all(err))
		return false;
	for (size_t i = 0; i < count; i++) {
		const size_t place = server.reversed ? count - 1 - i : i;

		if (!look_at_one(find_item(m, refs[place].id), i, h, err))
			return false;
	}
	if (server.after_look != NULL)
		server.after_look();
	server.after_look = NULL;
	return !dies(EXA_IO, true, err);
}

bool
ews_look_items(struct ews *e, const struct ews_mailbox *mailbox, const struct ews_item_ref *refs,
	size_t count, const struct ews_item_handler *handler, struct exa_error *err)
{
	bool good;

	(void)pthread_mutex_lock(&mu);
	e->counters.requests++;
	good = look_locked(find_mailbox(mailbox), refs, count, handler, err);
	(void)pthread_mutex_unlock(&mu);
	return good;
}

static struct server_folder *
folder_of(struct server_mailbox *m, const struct server_item *item)
{
	for (size_t f = 0; f < m->folder_count; f++) {
		if (item >= m->folders[f]->items && item < m->folders[f]->items + SERVER_ITEMS_MAX)
			return m->folders[f];
	}
	abort();
}

static bool
delete_one(struct server_mailbox *m, struct server_item *item, size_t index,
	const struct ews_delete_handler *h, struct exa_error *err)
{
	struct server_folder *f = folder_of(m, item);
	struct exa_error why;

	if (item->deleted || item->keeps != EXA_OK) {
		(void)exa_fail(&why, item->deleted ? EXA_GONE : item->keeps, "this one can't go");
		exa_error_set_name(&why, "ErrorTest");
		why.retry_after_ms = 1;
		return h->answered(h->ctx, index, &why, err);
	}
	server_delete(f, (size_t)(item - f->items));
	return h->answered(h->ctx, index, NULL, err);
}

static bool
delete_locked(struct server_mailbox *m, const struct ews_delete_request *request,
	const struct ews_delete_handler *h, struct exa_error *err)
{
	const bool lost = server.lost_answers > 0;

	server.deletions++;
	server.deleted_how = request->type;
	for (size_t i = 0; i < request->count; i++)
		find_item(m, request->refs[i].id)->deletions++;
	if (dies(EXA_IO, false, err))
		return false;
	server.lost_answers -= lost;
	for (size_t i = 0; i < request->count && !(lost && server.lost_requests); i++) {
		if (!delete_one(m, find_item(m, request->refs[i].id), i, h, err))
			return false;
	}
	if (lost) {
		(void)exa_fail(err, EXA_NET, "the connection broke");
		err->retry_after_ms = 1;
		return false;
	}
	return !dies(EXA_IO, true, err);
}

bool
ews_delete_items(struct ews *e, const struct ews_mailbox *mailbox,
	const struct ews_delete_request *request, const struct ews_delete_handler *handler,
	struct exa_error *err)
{
	bool good;

	(void)pthread_mutex_lock(&mu);
	e->counters.requests++;
	good = delete_locked(find_mailbox(mailbox), request, handler, err);
	(void)pthread_mutex_unlock(&mu);
	return good;
}

bool
ews_get_items(struct ews *e, const struct ews_mailbox *mailbox, const struct ews_item_ref *refs,
	size_t count, const struct ews_item_handler *handler, struct exa_error *err)
{
	return get(e, ANSWER_MIME, mailbox, refs, count, handler, err);
}

bool
ews_get_properties(struct ews *e, const struct ews_mailbox *mailbox,
	const struct ews_item_ref *refs, size_t count, const struct ews_item_handler *handler,
	struct exa_error *err)
{
	return get(e, ANSWER_PROPERTIES, mailbox, refs, count, handler, err);
}

bool
ews_export_items(struct ews *e, const struct ews_mailbox *mailbox, const struct ews_item_ref *refs,
	size_t count, const struct ews_item_handler *handler, struct exa_error *err)
{
	return get(e, ANSWER_NATIVE, mailbox, refs, count, handler, err);
}

void
ews_drop_connections(struct ews *e)
{
	(void)e;
	(void)pthread_mutex_lock(&mu);
	server.drops++;
	(void)pthread_mutex_unlock(&mu);
}
