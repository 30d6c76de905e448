/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "exarch/catalog.h"
#include "key.h"

static bool
codec_of(const char *name, enum store_codec *out, struct exa_error *err)
{
	if (name == NULL || strcmp(name, "zlib") == 0)
		*out = STORE_CODEC_ZLIB;
	else if (strcmp(name, "zstd") == 0)
		*out = STORE_CODEC_ZSTD;
	else
		return exa_fail(err, EXA_USAGE, "--compression is zlib or zstd, not '%s'", name);
	return true;
}

/* A key is made only for an archive that can be: what is there already is told before. */
static bool
new_key(const struct args *args, struct key_place *place, struct key *out, bool *made_out,
	struct exa_error *err)
{
	const char *archive = args->positional[0];

	if (!key_place_of(args, OPT_KEY_FILE, OPT_PASSPHRASE_FILE, place, err))
		return false;
	if (args->value[OPT_ENCRYPT] == NULL)
		return key_is_nowhere(place) ||
		       exa_fail(err, EXA_USAGE, "a key is for an archive made with --encrypt");
	if (store_exists(archive))
		return exa_fail(err, EXA_USAGE, "%s holds an archive already", archive);
	key_place_from_environment(place);
	return key_new(place, archive, out, made_out, err);
}

int
cmd_init(const struct args *args)
{
	EXA_AUTO(key_done) struct key key = { 0 };
	struct store_create_options options = { .key = &key.key };
	const bool encrypt = args->value[OPT_ENCRYPT] != NULL;
	struct key_place place;
	struct exa_error err;
	bool made = false;

	if (!codec_of(args->value[OPT_COMPRESSION], &options.codec, &err) ||
		!new_key(args, &place, &key, &made, &err) ||
		!catalog_create(args->positional[0], &options, &err))
		return fail_with(&err);
	(void)printf("made %sarchive %s\n", encrypt ? "encrypted " : "", args->positional[0]);
	if (encrypt)
		key_tell(&place, made);
	return EXIT_DONE;
}
