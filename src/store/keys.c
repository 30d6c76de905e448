/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The keys of an archive: listed, added, changed, removed. Each verb takes the writer's lock, mends
 * a copy of the keyring that is damaged or was left behind, changes the keyring in memory, and
 * writes it whole. Segments and index are never touched.
 */
#include <string.h>

#include "exarch/fs.h"
#include "exarch/mem.h"

#include "handle.h"
#include "keyring.h"

bool
store_is_encrypted(const char *dir, bool *encrypted_out, struct exa_error *err)
{
	struct store_format format;

	if (!read_format(dir, &format, err))
		return false;
	*encrypted_out = (format.incompatible & FORMAT_ENCRYPTED) != 0;
	return true;
}

/* The keyring, with the lock that is held while it is changed. */
static bool
begin(const char *dir, int *lock_out, struct keyring *out, struct exa_error *err)
{
	struct store_format format;

	if (!read_format(dir, &format, err))
		return false;
	if ((format.incompatible & FORMAT_ENCRYPTED) == 0)
		return exa_fail(
			err, EXA_USAGE, "the archive %s isn't encrypted: it has no keys", dir);
	return lock_for_writing(dir, lock_out, err) && keyring_mend(dir, format.uuid, err) &&
	       keyring_load(dir, format.uuid, out, err);
}

static bool
open_with(const struct keyring *k, const char *dir, const struct store_key *have, size_t *slot_out,
	uint8_t master_out[MASTER_KEY_SIZE], struct exa_error *err)
{
	if (!keyring_find(k, have, slot_out, master_out, err))
		return false;
	return *slot_out < k->count ||
	       exa_fail(err, EXA_AUTH, "this key doesn't open the archive %s", dir);
}

/* A second slot for a key would stay behind when the first is taken away. */
static bool
check_new(const struct keyring *k, const struct store_key *more, struct exa_error *err)
{
	uint8_t master[MASTER_KEY_SIZE];
	size_t slot;
	bool good = keyring_key_check(more, err) && keyring_find(k, more, &slot, master, err);

	exa_wipe(master, sizeof master);
	if (!good || slot == k->count)
		return good;
	return exa_fail(err, EXA_USAGE, "the new key opens the archive already: it is key %u",
		k->slots[slot].number);
}

static void
drop(struct keyring *k, size_t slot)
{
	memmove(&k->slots[slot], &k->slots[slot + 1], (k->count - slot - 1) * sizeof k->slots[0]);
	k->count--;
}

bool
store_key_each(const char *dir, store_key_fn *fn, void *ctx, struct exa_error *err)
{
	EXA_AUTO(lock_release) int lock = -1;
	struct keyring k;

	if (!begin(dir, &lock, &k, err))
		return false;
	for (size_t i = 0; i < k.count; i++) {
		const struct store_key_slot slot = { .number = k.slots[i].number,
			.kind = k.slots[i].kind,
			.created_ns = k.slots[i].created_ns };

		if (!fn(ctx, &slot, err))
			return false;
	}
	return true;
}

/* The slot that HAVE opens makes way for MORE's, or stays. */
static bool
put_key(const char *dir, const struct store_key *have, const struct store_key *more, bool replace,
	unsigned *slot_out, struct exa_error *err)
{
	EXA_AUTO(lock_release) int lock = -1;
	uint8_t master[MASTER_KEY_SIZE];
	struct keyring k;
	size_t old;
	bool good;

	if (!begin(dir, &lock, &k, err))
		return false;
	good = open_with(&k, dir, have, &old, master, err) && check_new(&k, more, err);
	if (good && replace)
		drop(&k, old);
	good = good && keyring_add(&k, more, master, err) && keyring_save(dir, &k, err);
	exa_wipe(master, sizeof master);
	if (good)
		*slot_out = k.slots[k.count - 1].number;
	return good;
}

bool
store_key_add(const char *dir, const struct store_key *have, const struct store_key *more,
	unsigned *slot_out, struct exa_error *err)
{
	return put_key(dir, have, more, false, slot_out, err);
}

bool
store_key_change(const char *dir, const struct store_key *have, const struct store_key *more,
	unsigned *slot_out, struct exa_error *err)
{
	return put_key(dir, have, more, true, slot_out, err);
}

bool
store_key_remove(
	const char *dir, const struct store_key *have, unsigned slot, struct exa_error *err)
{
	EXA_AUTO(lock_release) int lock = -1;
	uint8_t master[MASTER_KEY_SIZE];
	struct keyring k;
	size_t opened, at = 0;
	bool good;

	if (!begin(dir, &lock, &k, err))
		return false;
	good = open_with(&k, dir, have, &opened, master, err);
	exa_wipe(master, sizeof master);
	if (!good)
		return false;
	while (at < k.count && k.slots[at].number != slot)
		at++;
	if (at == k.count)
		return exa_fail(err, EXA_USAGE, "the archive %s has no key %u", dir, slot);
	if (k.count == 1)
		return exa_fail(err, EXA_USAGE,
			"key %u is the last one: without it nobody could read the archive", slot);
	drop(&k, at);
	return keyring_save(dir, &k, err);
}
