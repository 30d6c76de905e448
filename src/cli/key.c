/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "exarch/fs.h"
#include "exarch/mem.h"
#include "key.h"
#include "terminal.h"

void
key_done(struct key *k)
{
	buf_wipe(&k->secret);
	*k = (struct key){ 0 };
}

/* ---- places ---- */

bool
key_is_nowhere(const struct key_place *p)
{
	return p->key_file == NULL && p->passphrase_file == NULL;
}

bool
key_place_of(const struct args *args, enum option_id key_file, enum option_id passphrase_file,
	struct key_place *out, struct exa_error *err)
{
	*out = (struct key_place){ .key_file = args->value[key_file],
		.passphrase_file = args->value[passphrase_file] };
	if (out->key_file != NULL && out->passphrase_file != NULL)
		return exa_fail(err, EXA_USAGE, "give --%s or --%s, not both",
			option_specs[key_file].name, option_specs[passphrase_file].name);
	return true;
}

void
key_place_from_environment(struct key_place *place)
{
	const char *path = getenv("EXARCH_KEY_FILE");

	if (key_is_nowhere(place) && path != NULL && path[0] != '\0')
		place->key_file = path;
}

/* ---- reading ---- */

/* One line; its end isn't part of it. */
static bool
read_passphrase_file(const char *path, struct buf *out, struct exa_error *err)
{
	if (!fs_read_private(path, STORE_PASSPHRASE_MAX + 2, out, err))
		return false;
	if (out->size > 0 && out->data[out->size - 1] == '\n')
		out->size--;
	if (out->size > 0 && out->data[out->size - 1] == '\r')
		out->size--;
	if (out->size == 0)
		return exa_fail(err, EXA_USAGE, "the passphrase file %s is empty", path);
	return memchr(out->data, '\n', out->size) == NULL ||
	       exa_fail(err, EXA_USAGE, "the passphrase file %s has more than one line", path);
}

bool
key_read(const struct key_place *place, struct key *out, struct exa_error *err)
{
	bool is_file = place->key_file != NULL;

	if (!(is_file ? store_key_file_read(place->key_file, &out->secret, err)
		      : read_passphrase_file(place->passphrase_file, &out->secret, err))) {
		err->code = EXA_USAGE; /* whatever the reason, it is another file that helps */
		return false;
	}
	out->key = (struct store_key){ .kind = is_file ? STORE_KEY_FILE : STORE_KEY_PASSPHRASE,
		.secret = buf_bytes(&out->secret) };
	return true;
}

static bool
ask(const char *what, const char *archive, struct key *out, struct exa_error *err)
{
	EXA_AUTO(exa_freep) char *prompt = exa_asprintf("%s %s: ", what, archive);

	if (!terminal_ask(prompt, STORE_PASSPHRASE_MAX, &out->secret, err))
		return exa_while(err, "asking for the passphrase");
	out->key = (struct store_key){ .kind = STORE_KEY_PASSPHRASE,
		.secret = buf_bytes(&out->secret) };
	return true;
}

/* ---- a key that is there ---- */

/* A file that is named for an archive that has no key: to go on would be to write in clear what
 * somebody believes encrypted. */
static bool
check_unencrypted(const struct key_place *named, const char *archive, struct exa_error *err)
{
	return key_is_nowhere(named) ||
	       exa_fail(err, EXA_USAGE,
		       "the archive %s isn't encrypted, but a key is given for it (%s)", archive,
		       named->key_file != NULL ? named->key_file : named->passphrase_file);
}

static bool
find(struct key_place *named, const char *archive, enum key_need need, struct key *out,
	struct exa_error *err)
{
	key_place_from_environment(named);
	if (!key_is_nowhere(named))
		return key_read(named, out, err);
	if (need == KEY_IF_GIVEN)
		return true;
	if (terminal_is_there())
		return ask("passphrase of", archive, out, err);
	return exa_fail(err, EXA_AUTH,
		"the archive %s is encrypted; give --key-file, --passphrase-file or "
		"EXARCH_KEY_FILE",
		archive);
}

bool
key_get(const struct args *args, const struct key_place *profile, const char *archive,
	enum key_need need, struct key *out, struct exa_error *err)
{
	struct key_place named;
	struct key found = { 0 };
	bool encrypted;

	if (!store_is_encrypted(archive, &encrypted, err) ||
		!key_place_of(args, OPT_KEY_FILE, OPT_PASSPHRASE_FILE, &named, err))
		return false;
	if (key_is_nowhere(&named) && profile != NULL)
		named = *profile;
	if (!encrypted)
		return check_unencrypted(&named, archive, err);
	if (!find(&named, archive, need, &found, err)) {
		key_done(&found);
		return false;
	}
	*out = found;
	return true;
}

/* ---- a key for what is to be made ---- */

static bool
ask_twice(const char *archive, struct key *out, struct exa_error *err)
{
	EXA_AUTO(key_done) struct key again = { 0 };

	if (!terminal_is_there())
		return exa_fail(err, EXA_USAGE,
			"there is no terminal to ask on: give a key file or a passphrase file (see "
			"`exarch help`)");
	if (!ask("new passphrase for", archive, out, err))
		return false;
	if (out->secret.size < STORE_PASSPHRASE_MIN)
		return exa_fail(err, EXA_USAGE,
			"a passphrase has at least %zu characters (five random words are better)",
			STORE_PASSPHRASE_MIN);
	if (!ask("the same again for", archive, &again, err))
		return false;
	return bytes_equal(out->key.secret, again.key.secret) ||
	       exa_fail(err, EXA_USAGE, "the two passphrases differ; nothing was changed");
}

static bool
make_or_read(const struct key_place *place, struct key *out, bool *made_out, struct exa_error *err)
{
	bool missing = place->key_file != NULL && !fs_exists(place->key_file);

	if (missing && !store_key_file_make(place->key_file, err))
		return false;
	if (!key_read(place, out, err))
		return false;
	*made_out = missing;
	return true;
}

bool
key_new(const struct key_place *place, const char *archive, struct key *out, bool *made_out,
	struct exa_error *err)
{
	struct key found = { 0 };
	bool made = false;

	if (!(key_is_nowhere(place) ? ask_twice(archive, &found, err)
				    : make_or_read(place, &found, &made, err))) {
		key_done(&found);
		return false;
	}
	*out = found;
	*made_out = made;
	return true;
}

void
key_tell(const struct key_place *place, bool made)
{
	const char *file = place->key_file != NULL ? place->key_file : place->passphrase_file;

	if (made)
		(void)printf("made key file %s\n", file);
	if (file != NULL)
		(void)printf("keep a copy of %s elsewhere, not beside the archive: without a key "
			     "nobody can read it, not even you\n",
			file);
	else
		(void)printf("keep the passphrase: without a key nobody can read the archive, not "
			     "even you\n");
}

/* ---- opening ---- */

bool
archive_open(const struct args *args, struct store_open_options options, struct catalog **out,
	struct exa_error *err)
{
	EXA_AUTO(key_done) struct key key = { 0 };
	const char *archive = args->positional[0];

	if (!key_get(args, NULL, archive, KEY_NEEDED, &key, err))
		return false;
	options.key = &key.key;
	return catalog_open(archive, &options, NULL, out, err);
}
