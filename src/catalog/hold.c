/* SPDX-License-Identifier: Apache-2.0 */
/* Holds: what nothing may take out of the archive, whatever a policy says. Lifted ones stay on
 * record. */
#include <stdint.h>
#include <string.h>

#include "exarch/clock.h"
#include "exarch/mem.h"
#include "exarch/pattern.h"
#include "internal.h"
#include "record.h"

/* ---- looking ---- */

struct hold_walk {
	catalog_hold_fn *fn;
	void *ctx;
};

static bool
hold_entry(void *ctx, struct bytes key, struct bytes value, struct exa_error *err)
{
	struct hold_walk *w = ctx;
	struct catalog_hold hold;

	(void)key;
	return hold_decode(value, &hold, err) && w->fn(w->ctx, &hold, err);
}

bool
catalog_each_hold(struct store_txn *txn, catalog_hold_fn *fn, void *ctx, struct exa_error *err)
{
	struct hold_walk w = { .fn = fn, .ctx = ctx };
	struct bytes all = { 0 };

	return walk_table(txn, TABLE_HOLD, all, all, hold_entry, &w, err);
}

/* ---- judging ---- */

struct loaded_hold {
	struct catalog_hold hold;
	struct pattern *mailbox; /* NULL = all */
	struct pattern *folder;  /* NULL = all */
};

struct catalog_holds {
	struct arena *texts;
	struct loaded_hold *holds;
	size_t count;
};

static bool
compile(const char *text, struct pattern **out, struct exa_error *err)
{
	*out = NULL;
	return text[0] == '\0' || pattern_compile(text, out, err);
}

static const char *
keep(struct arena *a, const char *text)
{
	return arena_strndup(a, text, CATALOG_TEXT_MAX);
}

static bool
take_hold(void *ctx, const struct catalog_hold *hold, struct exa_error *err)
{
	struct catalog_holds *h = ctx;
	struct loaded_hold *mine;

	if (hold->lifted_ns != EXA_NO_TIME)
		return true;
	h->holds = exa_realloc_array(h->holds, h->count + 1, sizeof *h->holds);
	mine = &h->holds[h->count];
	*mine = (struct loaded_hold){ .hold = *hold };
	h->count++;
	mine->hold.name = keep(h->texts, hold->name);
	mine->hold.mailbox = keep(h->texts, hold->mailbox);
	mine->hold.folder = keep(h->texts, hold->folder);
	mine->hold.reason = keep(h->texts, hold->reason);
	mine->hold.set_by = keep(h->texts, hold->set_by);
	mine->hold.lifted_by = keep(h->texts, hold->lifted_by);
	/* A hold that can't be judged stops whoever wants to remove something. */
	return (compile(hold->mailbox, &mine->mailbox, err) &&
		       compile(hold->folder, &mine->folder, err)) ||
	       exa_while(err, "hold %llu", (unsigned long long)hold->number);
}

bool
catalog_holds_load(struct store_txn *txn, struct catalog_holds **out, struct exa_error *err)
{
	EXA_AUTO(catalog_holds_freep) struct catalog_holds *h = exa_alloc(sizeof *h);

	h->texts = arena_new();
	if (!catalog_each_hold(txn, take_hold, h, err))
		return false;
	*out = h;
	h = NULL;
	return true;
}

void
catalog_holds_free(struct catalog_holds *h)
{
	if (h == NULL)
		return;
	for (size_t i = 0; i < h->count; i++) {
		pattern_free(h->holds[i].mailbox);
		pattern_free(h->holds[i].folder);
	}
	exa_free(h->holds);
	arena_free(h->texts);
	exa_free(h);
}

void
catalog_holds_freep(struct catalog_holds **h)
{
	catalog_holds_free(*h);
	*h = NULL;
}

size_t
catalog_holds_count(const struct catalog_holds *h)
{
	return h->count;
}

const struct catalog_hold *
catalog_holds_at(const struct catalog_holds *h, size_t index)
{
	return &h->holds[index].hold;
}

bool
catalog_hold_spans(const struct catalog_hold *hold, int64_t received_ns)
{
	if (received_ns == EXA_NO_TIME)
		return true;
	return (hold->from_ns == EXA_NO_TIME || received_ns >= hold->from_ns) &&
	       (hold->before_ns == EXA_NO_TIME || received_ns < hold->before_ns);
}

bool
catalog_hold_covers(const struct catalog_holds *h, size_t index, const char *smtp,
	const char *folder_path, int64_t received_ns)
{
	const struct loaded_hold *one = &h->holds[index];

	if (one->mailbox != NULL && !pattern_matches(one->mailbox, smtp))
		return false;
	return (one->folder == NULL || pattern_covers(one->folder, folder_path)) &&
	       catalog_hold_spans(&one->hold, received_ns);
}

size_t
catalog_holds_cover(const struct catalog_holds *h, const char *smtp, const char *folder_path,
	int64_t received_ns)
{
	for (size_t i = 0; i < h->count; i++) {
		if (catalog_hold_covers(h, i, smtp, folder_path, received_ns))
			return i;
	}
	return SIZE_MAX;
}

/* ---- changing ---- */

static bool
check_name(const struct catalog_holds *in_force, const char *name, struct exa_error *err)
{
	if (name[strspn(name, "0123456789")] == '\0')
		return exa_fail(err, EXA_USAGE,
			"'%s' can't be the name of a hold: a name has at least one character that "
			"isn't a digit",
			name);
	for (size_t i = 0; i < in_force->count; i++) {
		if (strcmp(in_force->holds[i].hold.name, name) == 0)
			return exa_fail(err, EXA_USAGE,
				"there is a hold '%s' already (number %llu)", name,
				(unsigned long long)in_force->holds[i].hold.number);
	}
	return true;
}

static bool
check_scope(const struct catalog_hold *hold, struct exa_error *err)
{
	EXA_AUTO(pattern_freep) struct pattern *mailbox = NULL;
	EXA_AUTO(pattern_freep) struct pattern *folder = NULL;

	if (!compile(hold->mailbox, &mailbox, err) || !compile(hold->folder, &folder, err))
		return false;
	if (hold->folder[0] != '\0' && hold->folder[0] != '/' &&
		strncmp(hold->folder, "**", 2) != 0 && strncmp(hold->folder, "re:", 3) != 0)
		return exa_fail(err, EXA_USAGE,
			"folder '%s' would match nothing: paths begin with '/', as in /Inbox/**",
			hold->folder);
	return hold->from_ns == EXA_NO_TIME || hold->before_ns == EXA_NO_TIME ||
	       hold->from_ns < hold->before_ns ||
	       exa_fail(err, EXA_USAGE, "the hold ends before it begins: nothing would be held");
}

/* The hold and its audit record, both or neither. */
static bool
write_hold(struct catalog *c, const struct catalog_hold *hold, struct catalog_audit *audit,
	struct exa_error *err)
{
	struct catalog_batch b = { 0 };
	bool good;

	hold_encode(&b.scratch, hold);
	store_batch_record(&b.store, buf_bytes(&b.scratch));
	good = catalog_batch_audit(c, &b, audit, err) && batch_settle(c, &b, err);
	catalog_batch_done(&b);
	return good;
}

static bool
load_in_force(
	struct catalog *c, struct catalog_holds **out, uint64_t *next_out, struct exa_error *err)
{
	EXA_AUTO(store_read_endp) struct store_txn *txn = NULL;

	return store_read_begin(c->store, &txn, err) &&
	       state_next(txn, bytes_of_string("hold"), next_out, err) &&
	       catalog_holds_load(txn, out, err);
}

bool
catalog_hold_add(struct catalog *c, struct catalog_hold *hold, struct catalog_audit *audit,
	struct exa_error *err)
{
	EXA_AUTO(catalog_holds_freep) struct catalog_holds *in_force = NULL;
	struct catalog_hold mine = *hold;

	mine.lifted_by = "";
	mine.lifted_ns = EXA_NO_TIME;
	if (!load_in_force(c, &in_force, &mine.number, err) ||
		!check_name(in_force, mine.name, err) || !check_scope(&mine, err) ||
		!write_hold(c, &mine, audit, err))
		return false;
	*hold = mine;
	return true;
}

bool
catalog_hold_lift(
	struct catalog *c, uint64_t number, struct catalog_audit *audit, struct exa_error *err)
{
	EXA_AUTO(catalog_holds_freep) struct catalog_holds *in_force = NULL;
	EXA_AUTO(exa_freep) char *by = exa_asprintf("%s@%s", audit->user, audit->host);
	uint64_t next;

	if (!load_in_force(c, &in_force, &next, err))
		return false;
	for (size_t i = 0; i < in_force->count; i++) {
		struct catalog_hold hold = in_force->holds[i].hold;

		if (hold.number != number)
			continue;
		hold.lifted_by = by;
		hold.lifted_ns = audit->when_ns;
		return write_hold(c, &hold, audit, err);
	}
	return exa_fail(
		err, EXA_USAGE, "there is no hold %llu in force", (unsigned long long)number);
}
