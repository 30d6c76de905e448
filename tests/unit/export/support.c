/* SPDX-License-Identifier: Apache-2.0 */
#include <dirent.h>
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

#include "exarch/fs.h"
#include "exarch/mem.h"

#include "support.h"

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
	EXA_AUTO(exa_freep) char *dir = NULL;
	struct exa_error err;

	(void)snprintf(a->dir, sizeof a->dir, "/tmp/exarch-export-XXXXXX");
	assert_non_null(mkdtemp(a->dir));
	dir = fs_join(a->dir, "archive");
	must(catalog_create(dir, &options, &err), &err);
	must(catalog_open(dir,
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

uint32_t
put_mailbox(struct archive *a, const char *smtp, enum catalog_part part)
{
	const struct catalog_mailbox m = { .part = part, .smtp = smtp, .display_name = "" };
	struct exa_error err;
	uint32_t number;

	must(catalog_mailbox_put(a->catalog, &m, &number, &err), &err);
	must(store_flush(catalog_store(a->catalog), &err), &err);
	return number;
}

uint32_t
put_folder(struct archive *a, uint32_t mailbox, const char *path)
{
	EXA_AUTO(exa_freep) char *id = exa_asprintf("folder-%u", ++a->serial);
	const struct catalog_folder f = { .mailbox = mailbox,
		.server_id = id,
		.parent_id = "",
		.name = strrchr(path, '/') != NULL ? strrchr(path, '/') + 1 : path,
		.path = path,
		.class = "IPF.Note" };
	struct exa_error err;
	uint32_t number;

	must(catalog_folder_put(a->catalog, &f, &number, &err), &err);
	must(store_flush(catalog_store(a->catalog), &err), &err);
	return number;
}

static struct recipe_result
put_mime(struct archive *a, struct bytes mime)
{
	const struct mime_piece piece = {
		.kind = MIME_RAW, .data = mime, .source_size = mime.size
	};
	struct recipe_writer *w = recipe_writer_new(catalog_store(a->catalog));
	struct recipe_result result;
	struct exa_error err;

	recipe_writer_source(w, mime);
	must(mime.size == 0 || recipe_writer_piece(w, &piece, &err), &err);
	must(recipe_writer_finish(w, &result, &err), &err);
	recipe_writer_free(w);
	return result;
}

uint64_t
put_message(struct archive *a, const struct message *m)
{
	const struct recipe_result recipe = put_mime(a, bytes_of_string(m->mime));
	EXA_AUTO(exa_freep) char *id = exa_asprintf("item-%u", ++a->serial);
	EXA_AUTO(exa_freep) char *change_key = exa_asprintf("change-%u", a->serial);
	struct catalog_item item = { .number = catalog_next_item(a->catalog),
		.mailbox = m->mailbox,
		.folder = m->folder,
		.server_id = m->server_id != NULL ? m->server_id : id,
		.change_key = change_key,
		.class = "IPM.Note",
		.internet_message_id = "",
		.categories = "",
		.received_ns = m->received_ns,
		.mime_bytes = recipe.mime_bytes,
		.recipe = recipe.id };
	struct catalog_batch b = { 0 };
	struct exa_error err;
	uint64_t epoch;

	memcpy(item.mime_sha256, recipe.mime_sha256, sizeof item.mime_sha256);
	item.mime_sha256[0] ^= m->damaged ? 1 : 0;
	catalog_batch_item(&b, &item);
	must(catalog_submit(a->catalog, &b, &epoch, &err), &err);
	must(store_wait(catalog_store(a->catalog), epoch, &err), &err);
	catalog_batch_done(&b);
	return item.number;
}

void
list_tree(const char *root, struct buf *out)
{
	struct dirent **entries;
	int count = scandir(root, &entries, NULL, alphasort);
	static int depth; /* of nothing but this recursion */
	static char prefix[4096];
	size_t size = depth == 0 ? 0 : strlen(prefix);

	assert_true(count >= 0);
	depth++;
	for (int i = 0; i < count; i++) {
		const char *name = entries[i]->d_name;

		if (strcmp(name, ".") != 0 && strcmp(name, "..") != 0) {
			EXA_AUTO(exa_freep) char *path = fs_join(root, name);
			bool folder = entries[i]->d_type == DT_DIR;

			(void)snprintf(prefix + size, sizeof prefix - size, "%s%s", name,
				folder ? "/" : "");
			buf_printf(out, "%s\n", prefix);
			if (folder)
				list_tree(path, out);
		}
		exa_free(entries[i]);
	}
	exa_free(entries);
	prefix[size] = '\0';
	depth--;
}
