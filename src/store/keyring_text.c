/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The text of a keyring: a first line, a line for each slot, a checksum. It is read as strictly as
 * it is written: what was understood is written again and compared, so that no second spelling, no
 * number that overflowed and no forgotten byte gets through.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "exarch/clock.h"

#include "crc32c.h"
#include "keyring.h"

#define TEXT_BEGIN "exarch-keyring "
#define CRC_LINE "crc32c="
#define CRC_LINE_SIZE (sizeof CRC_LINE - 1 + 8 + 1)
#define VERSION 1U

static void
put_slot(const struct keyring_slot *s, struct buf *out)
{
	char created[CLOCK_TEXT_MAX], salt[2 * KEYRING_SALT_SIZE + 1],
		wrapped[2 * KEYRING_WRAPPED_SIZE + 1];

	clock_format(s->created_ns, created);
	hex_encode(bytes_of(s->salt, sizeof s->salt), salt);
	hex_encode(bytes_of(s->wrapped, sizeof s->wrapped), wrapped);
	buf_printf(out, "slot=%u created=%s", s->number, created);
	if (s->kind == STORE_KEY_PASSPHRASE)
		buf_printf(out,
			" kind=passphrase kdf=scrypt n=%" PRIu64 " r=%" PRIu32 " p=%" PRIu32,
			s->cost.n, s->cost.r, s->cost.p);
	else
		buf_add_string(out, " kind=key-file kdf=hkdf-sha256");
	buf_printf(out, " salt=%s wrapped=%s\n", salt, wrapped);
}

void
keyring_put(const struct keyring *k, struct buf *out)
{
	size_t start = out->size;
	char uuid[2 * UUID_SIZE + 1];

	hex_encode(bytes_of(k->uuid, UUID_SIZE), uuid);
	buf_printf(out, TEXT_BEGIN "%u uuid=%s generation=%" PRIu64 " next=%u slots=%zu\n", VERSION,
		uuid, k->generation, k->next, k->count);
	for (size_t i = 0; i < k->count; i++)
		put_slot(&k->slots[i], out);
	buf_printf(
		out, CRC_LINE "%08" PRIx32 "\n", crc32c(0, out->data + start, out->size - start));
}

static bool
checksum_is_right(struct bytes in)
{
	char expected[CRC_LINE_SIZE + 1];
	size_t body;

	if (in.size <= CRC_LINE_SIZE || in.size > KEYRING_TEXT_MAX ||
		memchr(in.data, 0, in.size) != NULL)
		return false;
	body = in.size - CRC_LINE_SIZE;
	(void)snprintf(
		expected, sizeof expected, CRC_LINE "%08" PRIx32 "\n", crc32c(0, in.data, body));
	return memcmp(in.data + body, expected, CRC_LINE_SIZE) == 0;
}

static bool
get_first_line(const char *line, struct keyring *k, struct exa_error *err)
{
	char uuid[2 * UUID_SIZE + 1];
	unsigned version;

	if (sscanf(line, TEXT_BEGIN "%9u ", &version) != 1)
		return exa_fail(err, EXA_CORRUPT, "it doesn't begin as a keyring does");
	if (version != VERSION)
		return exa_fail(err, EXA_USAGE, "it has version %u; this program knows version %u",
			version, VERSION);
	if (sscanf(line,
		    TEXT_BEGIN "%*u uuid=%32[0-9a-f] generation=%18" SCNu64 " next=%9u slots=%9zu",
		    uuid, &k->generation, &k->next, &k->count) != 4 ||
		!hex_decode(uuid, k->uuid, UUID_SIZE) || k->generation == 0 || k->count == 0 ||
		k->count > KEYRING_SLOTS_MAX)
		return exa_fail(err, EXA_CORRUPT, "its first line can't be read");
	return true;
}

static bool
cost_is_bearable(const struct keyring_cost *c)
{
	return c->n >= KEYRING_N_MIN && c->n <= KEYRING_N_MAX && (c->n & (c->n - 1)) == 0 &&
	       c->r >= 1 && c->r <= KEYRING_R_MAX && c->p >= 1 && c->p <= KEYRING_P_MAX &&
	       128 * c->n * c->r <= KEYRING_MEMORY_MAX && c->n * c->r * c->p <= KEYRING_WORK_MAX;
}

/* What follows the KDF's name. */
static bool
get_derivation(const char *kind, const char *kdf, const char *rest, struct keyring_slot *s,
	int *used_out, struct exa_error *err)
{
	bool is_passphrase = strcmp(kind, "passphrase") == 0 && strcmp(kdf, "scrypt") == 0;

	*used_out = 0;
	if (!is_passphrase && (strcmp(kind, "key-file") != 0 || strcmp(kdf, "hkdf-sha256") != 0))
		return exa_fail(err, EXA_USAGE,
			"key %u is a %.20s with %.20s, which this program doesn't know", s->number,
			kind, kdf);
	s->kind = is_passphrase ? STORE_KEY_PASSPHRASE : STORE_KEY_FILE;
	if (!is_passphrase)
		return true;
	if (sscanf(rest, " n=%18" SCNu64 " r=%9" SCNu32 " p=%9" SCNu32 "%n", &s->cost.n, &s->cost.r,
		    &s->cost.p, used_out) != 3)
		return exa_fail(err, EXA_CORRUPT, "key %u can't be read", s->number);
	return cost_is_bearable(&s->cost) ||
	       exa_fail(err, EXA_CORRUPT,
		       "key %u asks for scrypt with n=%" PRIu64 " r=%" PRIu32 " p=%" PRIu32
		       ", which is beyond the limits",
		       s->number, s->cost.n, s->cost.r, s->cost.p);
}

static bool
get_slot(const char *line, struct keyring_slot *s, struct exa_error *err)
{
	char created[CLOCK_TEXT_MAX], kind[21], kdf[21], salt[2 * KEYRING_SALT_SIZE + 1],
		wrapped[2 * KEYRING_WRAPPED_SIZE + 1];
	int head = 0, middle = 0;

	if (sscanf(line, "slot=%9u created=%31[0-9TZ:-] kind=%20[a-z0-9-] kdf=%20[a-z0-9-]%n",
		    &s->number, created, kind, kdf, &head) != 4)
		return exa_fail(err, EXA_CORRUPT, "a line of it can't be read");
	if (!get_derivation(kind, kdf, line + head, s, &middle, err))
		return false;
	if (sscanf(line + head + middle, " salt=%32[0-9a-f] wrapped=%80[0-9a-f]", salt, wrapped) !=
			2 ||
		!hex_decode(salt, s->salt, sizeof s->salt) ||
		!hex_decode(wrapped, s->wrapped, sizeof s->wrapped) ||
		!clock_parse(created, &s->created_ns, err))
		return exa_fail(err, EXA_CORRUPT, "key %u can't be read", s->number);
	return true;
}

static bool
get_slots(const char *text, struct keyring *k, struct exa_error *err)
{
	unsigned before = 0;

	for (size_t i = 0; i < k->count; i++) {
		text = strchr(text, '\n');
		if (text == NULL)
			return exa_fail(err, EXA_CORRUPT, "keys are missing");
		if (!get_slot(++text, &k->slots[i], err))
			return false;
		if (k->slots[i].number <= before || k->slots[i].number >= k->next)
			return exa_fail(err, EXA_CORRUPT, "key %u has a number out of order",
				k->slots[i].number);
		before = k->slots[i].number;
	}
	return true;
}

bool
keyring_get(struct bytes in, struct keyring *out, struct exa_error *err)
{
	EXA_AUTO(buf_done) struct buf text = { 0 };
	EXA_AUTO(buf_done) struct buf again = { 0 };
	struct keyring k = { 0 };

	if (!checksum_is_right(in))
		return exa_fail(err, EXA_CORRUPT, "it fails its checksum");
	buf_add_bytes(&text, in);
	if (!get_first_line(buf_string(&text), &k, err) || !get_slots(buf_string(&text), &k, err))
		return false;
	keyring_put(&k, &again);
	if (!bytes_equal(in, buf_bytes(&again)))
		return exa_fail(err, EXA_CORRUPT, "it holds what no keyring does");
	*out = k;
	return true;
}
