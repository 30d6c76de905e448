/* SPDX-License-Identifier: Apache-2.0 */
#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "exarch/mem.h"

#include "archive.h"

static void
must(bool good, const struct exa_error *err)
{
	if (!good)
		fail_msg("%s", err->text);
}

/* Archives are encrypted when EXARCH_TEST_ENCRYPTED is set: the programs run once each way. */
static const struct store_key *
key_if_wanted(void)
{
	static const struct store_key key = { .kind = STORE_KEY_FILE,
		.secret = { .data = (const uint8_t *)"a key of thirty-two bytes, no less",
			.size = STORE_KEY_FILE_BYTES } };

	return getenv("EXARCH_TEST_ENCRYPTED") != NULL ? &key : NULL;
}

int
archive_make(void **state)
{
	const struct store_create_options options = { .codec = STORE_CODEC_ZLIB,
		.key = key_if_wanted() };
	struct archive *a = exa_alloc(sizeof *a);
	struct exa_error err;

	(void)snprintf(a->dir, sizeof a->dir, "/tmp/exarch-catalog-XXXXXX");
	assert_non_null(mkdtemp(a->dir));
	must(catalog_create(a->dir, &options, &err), &err);
	must(catalog_open(a->dir,
		     &(struct store_open_options){ .access = STORE_WRITE, .key = key_if_wanted() },
		     NULL, &a->catalog, &err),
		&err);
	a->encrypted = key_if_wanted() != NULL;
	*state = a;
	return 0;
}

static int
remove_one(const char *path, const struct stat *st, int type, struct FTW *at)
{
	(void)st;
	(void)type;
	(void)at;
	return remove(path);
}

int
archive_remove(void **state)
{
	struct archive *a = *state;

	catalog_abandonp(&a->catalog);
	(void)nftw(a->dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	exa_free(a);
	return 0;
}

void
archive_reopen(struct archive *a, enum store_access access)
{
	struct exa_error err;

	must(catalog_close(a->catalog, &err), &err);
	a->catalog = NULL;
	must(catalog_open(a->dir,
		     &(struct store_open_options){ .access = access, .key = key_if_wanted() }, NULL,
		     &a->catalog, &err),
		&err);
}

void
archive_commit(struct archive *a, struct catalog_batch *b)
{
	struct exa_error err;
	uint64_t epoch;

	must(catalog_submit(a->catalog, b, &epoch, &err), &err);
	must(store_wait(catalog_store(a->catalog), epoch, &err), &err);
	catalog_batch_done(b);
}
