/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "exarch/catalog.h"
#include "options.h"

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

int
cmd_init(const struct args *args)
{
	struct store_create_options options = { 0 };
	struct exa_error err;

	if (!codec_of(args->value[OPT_COMPRESSION], &options.codec, &err) ||
		!catalog_create(args->positional[0], &options, &err))
		return fail_with(&err);
	(void)printf("made archive %s\n", args->positional[0]);
	return EXIT_DONE;
}
