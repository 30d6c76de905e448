/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The keyring of an encrypted store: its master key, wrapped by each of the keys that open it. A
 * small text, kept twice, since without it nothing of the archive can be read:
 *
 *     KEYRING       counts when it is whole and no older than the other
 *     KEYRING.copy  counts otherwise
 *
 * Both hold the same bytes. They are written one after the other, each by rename, and every writing
 * raises the generation that stands in them: killed between the two, the first is one generation
 * ahead, and counts. Whoever opens for writing or lists keys brings the other one up to it.
 * The master key of an archive never changes, so either text opens everything.
 *
 * docs/format.md has the text. Any thread, but one writer at a time: the callers hold the lock.
 */
#ifndef STORE_KEYRING_H
#define STORE_KEYRING_H

#include "format.h"

#define MASTER_KEY_SIZE 32

/* Each passphrase is tried by whoever guesses one, and each slot by whoever opens: some are enough.
 */
#define KEYRING_SLOTS_MAX 16
#define KEYRING_TEXT_MAX ((size_t)8 * 1024)

/* Makes KEYRING and its copy in DIR with a fresh master key that KEY opens; gives the master key.
 * Durable. The caller wipes it. */
bool keyring_create(const char *dir, const uint8_t uuid[UUID_SIZE], const struct store_key *key,
	uint8_t master_out[MASTER_KEY_SIZE], struct exa_error *err) EXA_CHECK;

/* Takes away what stands of a keyring in DIR. For who knows that nothing was ever written with it.
 */
bool keyring_drop(const char *dir, struct exa_error *err) EXA_CHECK;

/* EXA_AUTH: no key given, or it opens none of the slots; EXA_CORRUPT: both copies are damaged or of
 * another archive (the text names the file and the remedy). Changes nothing. */
bool keyring_open(const char *dir, const uint8_t uuid[UUID_SIZE], const struct store_key *key,
	uint8_t master_out[MASTER_KEY_SIZE], struct exa_error *err) EXA_CHECK;

/* Checks both copies without a key: for verify. EXA_CORRUPT when one is damaged, missing, or older
 * than the other. */
bool keyring_check(const char *dir, const uint8_t uuid[UUID_SIZE], struct exa_error *err) EXA_CHECK;

/* Writes the copy that is damaged, missing or older anew from the other; nothing when both are the
 * same. With the writer's lock held. */
bool keyring_mend(const char *dir, const uint8_t uuid[UUID_SIZE], struct exa_error *err) EXA_CHECK;

/* ---- keyring_text.c: the text ---- */

#define KEYRING_SALT_SIZE 16
#define KEYRING_WRAPPED_SIZE (MASTER_KEY_SIZE + 8)

/*
 * What deriving a key from a passphrase costs: 128 * n * r bytes of memory, time in proportion to
 * n * r * p. 128 MiB and about half a second make a guess dear and an open bearable. A keyring that
 * asks for more than the limits isn't ours: nobody's archive may ask for a terabyte. One that asks
 * for less than the least would be no protection.
 */
struct keyring_cost {
	uint64_t n; /* a power of two */
	uint32_t r, p;
};
#define KEYRING_COST_DEFAULT ((struct keyring_cost){ .n = (uint64_t)1 << 17, .r = 8, .p = 1 })
#define KEYRING_N_MIN ((uint64_t)1 << 14)
#define KEYRING_N_MAX ((uint64_t)1 << 22)
#define KEYRING_P_MAX 16U
#define KEYRING_R_MAX 32U
#define KEYRING_MEMORY_MAX ((uint64_t)1 << 30)
#define KEYRING_WORK_MAX ((uint64_t)1 << 24) /* n * r * p; the default has 2^20 */

struct keyring_slot {
	unsigned number;
	enum store_key_kind kind; /* STORE_KEY_FILE or STORE_KEY_PASSPHRASE */
	int64_t created_ns;       /* whole seconds */
	struct keyring_cost cost; /* of a passphrase */
	uint8_t salt[KEYRING_SALT_SIZE];
	uint8_t wrapped[KEYRING_WRAPPED_SIZE]; /* the master key */
};

struct keyring {
	uint8_t uuid[UUID_SIZE];
	uint64_t generation; /* 1, 2, ...: how often it was written */
	unsigned next;       /* number of the next slot; none is used twice */
	size_t count;
	struct keyring_slot slots[KEYRING_SLOTS_MAX]; /* in order of their numbers */
};

void keyring_put(const struct keyring *k, struct buf *out);
/* EXA_CORRUPT, or EXA_USAGE for a version or a kind of key this program doesn't know. Takes only
 * what keyring_put gives, byte for byte. */
bool keyring_get(struct bytes in, struct keyring *out, struct exa_error *err) EXA_CHECK;

/* ---- keyring_slot.c: a key and the master key ---- */

/* EXA_USAGE when KEY isn't one to make a slot of: none, a passphrase too short or too long. */
bool keyring_key_check(const struct store_key *key, struct exa_error *err) EXA_CHECK;

/* Fills SALT and WRAPPED of a slot whose kind (that of KEY) and cost stand there. */
bool keyring_slot_seal(struct keyring_slot *slot, const uint8_t uuid[UUID_SIZE],
	const struct store_key *key, const uint8_t master[MASTER_KEY_SIZE],
	struct exa_error *err) EXA_CHECK;

/* *OPENED_OUT: whether KEY is the slot's. False only when that couldn't be found out. */
bool keyring_slot_open(const struct keyring_slot *slot, const uint8_t uuid[UUID_SIZE],
	const struct store_key *key, bool *opened_out, uint8_t master_out[MASTER_KEY_SIZE],
	struct exa_error *err) EXA_CHECK;

/* ---- keyring.c: the two files ---- */

/* The one that counts. */
bool keyring_load(const char *dir, const uint8_t uuid[UUID_SIZE], struct keyring *out,
	struct exa_error *err) EXA_CHECK;

/* Raises the generation and writes both. */
bool keyring_save(const char *dir, struct keyring *k, struct exa_error *err) EXA_CHECK;

/* The slot KEY opens, as its place in k->slots; k->count: none of them. */
bool keyring_find(const struct keyring *k, const struct store_key *key, size_t *slot_out,
	uint8_t master_out[MASTER_KEY_SIZE], struct exa_error *err) EXA_CHECK;

/* Adds a slot for KEY. EXA_LIMIT when there are as many as can be. */
bool keyring_add(struct keyring *k, const struct store_key *key,
	const uint8_t master[MASTER_KEY_SIZE], struct exa_error *err) EXA_CHECK;

#endif
