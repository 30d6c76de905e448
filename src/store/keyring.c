/* SPDX-License-Identifier: Apache-2.0 */
/* The two files, which of them counts, and what is done with their slots; keyring.h says why two.
 */
#include <errno.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "exarch/clock.h"
#include "exarch/fs.h"
#include "exarch/mem.h"

#include "keyring.h"

static const char *const names[] = { "KEYRING", "KEYRING.copy" };
#define COPIES (sizeof names / sizeof names[0])

/* ---- reading ---- */

static bool
read_copy(const char *dir, const char *name, const uint8_t uuid[UUID_SIZE], struct keyring *out,
	struct exa_error *err)
{
	EXA_AUTO(exa_freep) char *path = fs_join(dir, name);
	EXA_AUTO(buf_done) struct buf text = { 0 };

	if (!fs_read_file(path, KEYRING_TEXT_MAX, &text, err)) {
		if (err->code == EXA_LIMIT || err->detail == ENOENT)
			err->code = EXA_CORRUPT;
		return false;
	}
	if (!keyring_get(buf_bytes(&text), out, err))
		return exa_while(err, "reading %s", path);
	return memcmp(out->uuid, uuid, UUID_SIZE) == 0 ||
	       exa_fail(err, EXA_CORRUPT, "%s belongs to another archive", path);
}

struct copies {
	struct keyring ring[COPIES];
	bool good[COPIES];
	struct exa_error why[COPIES]; /* of those that aren't good */
};

static void
read_copies(const char *dir, const uint8_t uuid[UUID_SIZE], struct copies *c)
{
	for (size_t i = 0; i < COPIES; i++)
		c->good[i] = read_copy(dir, names[i], uuid, &c->ring[i], &c->why[i]);
}

/* The place of the one that counts: the higher generation, the first of equals. */
static bool
choose(const struct copies *c, const char *dir, size_t *out, struct exa_error *err)
{
	if (c->good[0] || c->good[1]) {
		*out = !c->good[0] || (c->good[1] && c->ring[1].generation > c->ring[0].generation);
		return true;
	}
	*err = c->why[c->why[0].code == EXA_CORRUPT ? 1 : 0];
	if (err->code != EXA_CORRUPT)
		return false;
	return exa_fail(err, EXA_CORRUPT,
		"KEYRING and KEYRING.copy of %s are both damaged or missing (%s); bring back "
		"either "
		"from a backup of this archive: without one nobody can read it",
		dir, c->why[0].text);
}

static bool
are_same(const struct keyring *a, const struct keyring *b)
{
	EXA_AUTO(buf_done) struct buf x = { 0 };
	EXA_AUTO(buf_done) struct buf y = { 0 };

	keyring_put(a, &x);
	keyring_put(b, &y);
	return bytes_equal(buf_bytes(&x), buf_bytes(&y));
}

bool
keyring_load(
	const char *dir, const uint8_t uuid[UUID_SIZE], struct keyring *out, struct exa_error *err)
{
	struct copies c;
	size_t which = 0;

	read_copies(dir, uuid, &c);
	if (!choose(&c, dir, &which, err))
		return false;
	*out = c.ring[which];
	return true;
}

bool
keyring_check(const char *dir, const uint8_t uuid[UUID_SIZE], struct exa_error *err)
{
	struct copies c;
	size_t which = 0;

	read_copies(dir, uuid, &c);
	if (!choose(&c, dir, &which, err))
		return false;
	if (!c.good[1 - which]) {
		*err = c.why[1 - which];
		return err->code != EXA_CORRUPT ? false
						: exa_fail(err, EXA_CORRUPT,
							  "%s (%s is good: `exarch key list %s` "
							  "makes it again from that)",
							  c.why[1 - which].text, names[which], dir);
	}
	return are_same(&c.ring[0], &c.ring[1]) ||
	       exa_fail(err, EXA_CORRUPT,
		       "%s/%s isn't the same as %s, which counts: a change of keys was cut short; "
		       "`exarch key list %s` makes it again",
		       dir, names[1 - which], names[which], dir);
}

/* ---- writing ---- */

static bool
write_copy(const char *dir, const char *name, const struct keyring *k, struct exa_error *err)
{
	EXA_AUTO(exa_freep) char *path = fs_join(dir, name);
	EXA_AUTO(buf_done) struct buf text = { 0 };

	keyring_put(k, &text);
	return fs_write_file(path, buf_bytes(&text), 0600, err);
}

bool
keyring_mend(const char *dir, const uint8_t uuid[UUID_SIZE], struct exa_error *err)
{
	struct copies c;
	size_t which = 0;

	read_copies(dir, uuid, &c);
	if (!choose(&c, dir, &which, err))
		return false;
	if (c.good[1 - which] && are_same(&c.ring[0], &c.ring[1]))
		return true;
	/* A file this program can't read may be one that a later program wrote. */
	if (!c.good[1 - which] && c.why[1 - which].code != EXA_CORRUPT) {
		*err = c.why[1 - which];
		return false;
	}
	return write_copy(dir, names[1 - which], &c.ring[which], err);
}

bool
keyring_save(const char *dir, struct keyring *k, struct exa_error *err)
{
	k->generation++;
	for (size_t i = 0; i < COPIES; i++) {
		if (write_copy(dir, names[i], k, err))
			continue;
		return i > 0 ? exa_while(err,
				       "the change of keys holds, but %s isn't written; `exarch "
				       "key list "
				       "%s` makes it again",
				       names[i], dir)
			     : false;
	}
	return true;
}

bool
keyring_drop(const char *dir, struct exa_error *err)
{
	for (size_t i = 0; i < COPIES; i++) {
		EXA_AUTO(exa_freep) char *path = fs_join(dir, names[i]);

		if (unlink(path) != 0 && errno != ENOENT)
			return exa_fail_errno(err, errno, "can't take away %s", path);
	}
	return fs_sync_dir(dir, err);
}

/* ---- slots ---- */

bool
keyring_find(const struct keyring *k, const struct store_key *key, size_t *slot_out,
	uint8_t master_out[MASTER_KEY_SIZE], struct exa_error *err)
{
	for (size_t i = 0; i < k->count; i++) {
		bool opened;

		if (!keyring_slot_open(&k->slots[i], k->uuid, key, &opened, master_out, err))
			return false;
		if (opened) {
			*slot_out = i;
			return true;
		}
	}
	*slot_out = k->count;
	return true;
}

bool
keyring_add(struct keyring *k, const struct store_key *key, const uint8_t master[MASTER_KEY_SIZE],
	struct exa_error *err)
{
	struct keyring_slot slot = { .number = k->next,
		.kind = key->kind,
		.created_ns = clock_wall_ns() / EXA_NS_PER_S * EXA_NS_PER_S };

	if (k->count == KEYRING_SLOTS_MAX)
		return exa_fail(err, EXA_LIMIT, "the archive has %d keys, as many as it can have",
			KEYRING_SLOTS_MAX);
	if (key->kind == STORE_KEY_PASSPHRASE)
		slot.cost = KEYRING_COST_DEFAULT;
	if (!keyring_key_check(key, err) || !keyring_slot_seal(&slot, k->uuid, key, master, err))
		return false;
	k->slots[k->count++] = slot;
	k->next++;
	return true;
}

/* ---- the store's ---- */

bool
keyring_create(const char *dir, const uint8_t uuid[UUID_SIZE], const struct store_key *key,
	uint8_t master_out[MASTER_KEY_SIZE], struct exa_error *err)
{
	struct keyring k = { .next = 1 };
	uint8_t master[MASTER_KEY_SIZE];
	bool good;

	memcpy(k.uuid, uuid, UUID_SIZE);
	if (getrandom(master, sizeof master, 0) != (ssize_t)sizeof master)
		return exa_fail(err, EXA_FAILED, "can't get random bytes");
	good = keyring_add(&k, key, master, err) && keyring_save(dir, &k, err);
	if (good)
		memcpy(master_out, master, sizeof master);
	exa_wipe(master, sizeof master);
	return good;
}

bool
keyring_open(const char *dir, const uint8_t uuid[UUID_SIZE], const struct store_key *key,
	uint8_t master_out[MASTER_KEY_SIZE], struct exa_error *err)
{
	struct keyring k;
	size_t slot;

	if (!keyring_load(dir, uuid, &k, err))
		return false;
	if (key == NULL || key->kind == STORE_KEY_NONE)
		return exa_fail(
			err, EXA_AUTH, "the archive %s is encrypted, and no key was given", dir);
	if (!keyring_find(&k, key, &slot, master_out, err))
		return exa_while(err, "opening the archive %s", dir);
	return slot < k.count ||
	       exa_fail(err, EXA_AUTH,
		       "this %s doesn't open the archive %s; `exarch key list` "
		       "names the keys it has",
		       key->kind == STORE_KEY_FILE ? "key file" : "passphrase", dir);
}
