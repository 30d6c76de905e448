/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `exarch key ...`: which keys open an archive. Nothing that is stored is touched: a key only wraps
 * the key that everything is encrypted with.
 *
 * Each change has its audit record. A key is added or changed first and recorded then: only then
 * its number is known. Removing is recorded before, since the key at hand may be the one that goes.
 * A change that can't be recorded (a damaged index, a full disk) is made all the same, and said:
 * who must lock somebody out can't wait for that.
 */
#include <stdio.h>

#include <jansson.h>

#include "deed.h"
#include "exarch/clock.h"
#include "exarch/mem.h"
#include "key.h"
#include "select.h"

/* ---- list ---- */

static const char *
kind_name(enum store_key_kind kind)
{
	return kind == STORE_KEY_FILE ? "key-file" : "passphrase";
}

static bool
print_key(void *ctx, const struct store_key_slot *slot, struct exa_error *err)
{
	const struct args *args = ctx;
	char created[CLOCK_TEXT_MAX];
	json_t *line;

	(void)err;
	clock_format(slot->created_ns, created);
	if (args->value[OPT_JSON] == NULL) {
		(void)printf("%4u  %-10s  made %s\n", slot->number, kind_name(slot->kind), created);
		return true;
	}
	line = json_pack("{s:I, s:s, s:s}", "number", (json_int_t)slot->number, "kind",
		kind_name(slot->kind), "created", created);
	if (line != NULL)
		(void)json_dumpf(line, stdout, JSON_COMPACT);
	(void)putchar('\n');
	json_decref(line);
	return true;
}

int
cmd_key_list(const struct args *args)
{
	struct args copy = *args;
	struct exa_error err;

	if (!store_key_each(args->positional[0], print_key, &copy, &err))
		return fail_with(&err);
	return EXIT_DONE;
}

/* ---- add, change, remove ---- */

/* The key the archive has. Asked for before a new one is made. */
static bool
have_key(const struct args *args, struct key *out, struct exa_error *err)
{
	const char *archive = args->positional[0];

	if (!key_get(args, NULL, archive, KEY_NEEDED, out, err))
		return false;
	return out->key.kind != STORE_KEY_NONE ||
	       exa_fail(err, EXA_USAGE, "the archive %s isn't encrypted: it has no keys", archive);
}

static bool
record(const char *archive, const struct store_key *key, const char *action, const char *detail,
	struct exa_error *err)
{
	EXA_AUTO(catalog_abandonp) struct catalog *catalog = NULL;
	const struct store_open_options options = { .access = STORE_WRITE, .key = key };
	struct catalog_audit audit;
	struct deed deed;

	deed_begin(&deed);
	audit = deed_audit(&deed, action, detail);
	return catalog_open(archive, &options, NULL, &catalog, err) &&
	       catalog_audit_add(catalog, &audit, err);
}

/* The exit code of a change that was made. */
static int
tell_record(bool recorded, struct exa_error *err)
{
	if (recorded)
		return EXIT_DONE;
	(void)exa_while(err, "the keys were changed, but `exarch audit` won't show it");
	return fail_with(err);
}

typedef bool put_key_fn(const char *dir, const struct store_key *have, const struct store_key *more,
	unsigned *slot_out, struct exa_error *err);

static int
put_key(const struct args *args, put_key_fn *put, const char *action, const char *done)
{
	EXA_AUTO(exa_freep) char *detail = NULL;
	EXA_AUTO(key_done) struct key have = { 0 };
	EXA_AUTO(key_done) struct key more = { 0 };
	struct key_place place;
	struct exa_error err;
	unsigned slot;
	bool made;

	if (!key_place_of(args, OPT_NEW_KEY_FILE, OPT_NEW_PASSPHRASE_FILE, &place, &err) ||
		!have_key(args, &have, &err) ||
		!key_new(&place, args->positional[0], &more, &made, &err) ||
		!put(args->positional[0], &have.key, &more.key, &slot, &err))
		return fail_with(&err);
	(void)printf("%s key %u of %s\n", done, slot, args->positional[0]);
	key_tell(&place, made);
	detail = exa_asprintf(
		"key %u, a %s", slot, more.key.kind == STORE_KEY_FILE ? "key file" : "passphrase");
	return tell_record(record(args->positional[0], &more.key, action, detail, &err), &err);
}

int
cmd_key_add(const struct args *args)
{
	return put_key(args, store_key_add, "key add", "added");
}

int
cmd_key_change(const struct args *args)
{
	int code = put_key(args, store_key_change, "key change", "changed to");

	if (code == EXIT_DONE)
		(void)printf("copies of the archive made before still open with the old key\n");
	return code;
}

/* Whether a key may be removed at all; if not, removing it says why. */
struct search {
	uint64_t number;
	unsigned count;
	bool found;
};

static bool
look_at_key(void *ctx, const struct store_key_slot *slot, struct exa_error *err)
{
	struct search *s = ctx;

	(void)err;
	s->count++;
	s->found = s->found || slot->number == s->number;
	return true;
}

static bool
can_be_removed(const char *archive, uint64_t number)
{
	struct search s = { .number = number };
	struct exa_error ignored; /* removing it meets the same */

	return store_key_each(archive, look_at_key, &s, &ignored) && s.found && s.count > 1;
}

int
cmd_key_remove(const struct args *args)
{
	EXA_AUTO(key_done) struct key have = { 0 };
	EXA_AUTO(exa_freep) char *detail = NULL;
	const char *archive = args->positional[0];
	struct exa_error err, unrecorded;
	uint64_t number;
	bool recorded;

	if (!number_read(args->positional[1], &number, &err)) {
		(void)exa_while(&err, "the key's number, as `exarch key list` gives it");
		return fail_with(&err);
	}
	if (!have_key(args, &have, &err))
		return fail_with(&err);
	(void)exa_fail(&unrecorded, EXA_LOCKED, "another process changed them at the same time");
	detail = exa_asprintf("key %llu", (unsigned long long)number);
	recorded = can_be_removed(archive, number) &&
		   record(archive, &have.key, "key remove", detail, &unrecorded);
	if (!store_key_remove(
		    archive, &have.key, number <= UINT32_MAX ? (unsigned)number : UINT32_MAX, &err))
		return fail_with(&err);
	(void)printf(
		"removed key %llu of %s; copies of the archive made before still open with it\n",
		(unsigned long long)number, archive);
	return tell_record(recorded, &unrecorded);
}
