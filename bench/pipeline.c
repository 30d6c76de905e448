/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What becomes of recorded answers, without server, network and XML: the base64 text of each message
 * is in memory, and threads take one after the other as crawler threads do: decode, split, recipe,
 * record, one submission an item. To see how threads get on with each other in store and catalog, and
 * what the engine costs behind the parser.
 *
 *     bench-pipeline FOLDER zlib|zstd ARCHIVE THREADS      prints one JSON object
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "exarch/catalog.h"
#include "exarch/clock.h"
#include "exarch/mem.h"
#include "exarch/mime.h"
#include "mail.h"

#define THREADS_MOST 64
#define CHUNK ((size_t)64 * 1024) /* of text at a time, as a parser hands it on */

struct pipeline {
	struct buf *texts;
	size_t count;
	struct catalog *catalog;
	uint32_t mailbox, folder;
	_Atomic size_t next;
};

struct worker {
	struct pipeline *pipeline;
	struct mime_splitter *splitter;
	struct recipe_writer *recipe;
	struct catalog_batch batch;
	struct buf decoded;
	struct exa_error err;
	bool good;
};

static bool
take_piece(void *ctx, const struct mime_piece *piece, struct exa_error *err)
{
	struct worker *w = ctx;

	return recipe_writer_piece(w->recipe, piece, err);
}

static bool
feed(struct worker *w, struct bytes text, struct exa_error *err)
{
	struct mime_base64_decoder decoder = { 0 };

	while (text.size > 0) {
		struct bytes some = bytes_take(text, CHUNK);

		buf_reset(&w->decoded);
		if (!mime_base64_decode(&decoder, some, &w->decoded, err))
			return false;
		recipe_writer_source(w->recipe, buf_bytes(&w->decoded));
		if (!mime_splitter_feed(w->splitter, buf_bytes(&w->decoded), err))
			return false;
		text = bytes_skip(text, some.size);
	}
	return mime_base64_finish(&decoder, err) && mime_splitter_finish(w->splitter, err);
}

static bool
record(struct worker *w, size_t n, const struct recipe_result *mime, struct exa_error *err)
{
	struct pipeline *p = w->pipeline;
	char id[64];
	struct catalog_item item = { .number = catalog_next_item(p->catalog),
		.mailbox = p->mailbox,
		.folder = p->folder,
		.server_id = id,
		.change_key = "1",
		.class = "IPM.Note",
		.internet_message_id = "",
		.categories = "",
		.received_ns = (int64_t)n,
		.sent_ns = EXA_NO_TIME,
		.created_ns = EXA_NO_TIME,
		.modified_ns = EXA_NO_TIME,
		.mime_bytes = mime->mime_bytes,
		.recipe = mime->id };
	uint64_t epoch;

	(void)snprintf(id, sizeof id, "item %zu", n);
	memcpy(item.mime_sha256, mime->mime_sha256, sizeof item.mime_sha256);
	catalog_batch_item(&w->batch, &item);
	return catalog_submit(p->catalog, &w->batch, &epoch, err);
}

static void *
work(void *arg)
{
	struct worker *w = arg;
	struct pipeline *p = w->pipeline;
	struct recipe_result mime;
	size_t n;

	w->good = true;
	while (w->good && (n = atomic_fetch_add(&p->next, 1)) < p->count) {
		recipe_writer_reset(w->recipe);
		mime_splitter_reset(w->splitter);
		w->good = feed(w, buf_bytes(&p->texts[n]), &w->err) &&
			  recipe_writer_finish(w->recipe, &mime, &w->err) &&
			  record(w, n, &mime, &w->err);
	}
	return NULL;
}

static bool
run(struct pipeline *p, size_t threads, struct exa_error *err)
{
	struct worker workers[THREADS_MOST] = { 0 };
	pthread_t ids[THREADS_MOST];
	bool good = true;

	for (size_t i = 0; i < threads; i++) {
		struct worker *w = &workers[i];
		const struct mime_sink sink = { .piece = take_piece, .ctx = w };

		w->pipeline = p;
		w->splitter = mime_splitter_new(&sink);
		w->recipe = recipe_writer_new(catalog_store(p->catalog));
		if (pthread_create(&ids[i], NULL, work, w) != 0)
			abort();
	}
	for (size_t i = 0; i < threads; i++) {
		struct worker *w = &workers[i];

		(void)pthread_join(ids[i], NULL);
		if (good && !w->good)
			*err = w->err;
		good = good && w->good;
		mime_splitter_free(w->splitter);
		recipe_writer_free(w->recipe);
		catalog_batch_done(&w->batch);
		buf_done(&w->decoded);
	}
	return good && store_flush(catalog_store(p->catalog), err);
}

static bool
open_archive(struct pipeline *p, const char *dir, bool zstd, struct exa_error *err)
{
	const struct store_create_options create = { .codec = zstd ? STORE_CODEC_ZSTD
								   : STORE_CODEC_ZLIB };
	const struct catalog_mailbox mailbox = { .smtp = "a@sim.example", .display_name = "" };
	struct catalog_folder folder = { .server_id = "folder",
		.parent_id = "",
		.name = "Inbox",
		.path = "/Inbox",
		.class = "IPF.Note" };

	if (!catalog_create(dir, &create, err) ||
		!catalog_open(dir, &(struct store_open_options){ .access = STORE_WRITE }, NULL,
			&p->catalog, err) ||
		!catalog_mailbox_put(p->catalog, &mailbox, &p->mailbox, err))
		return false;
	folder.mailbox = p->mailbox;
	return catalog_folder_put(p->catalog, &folder, &p->folder, err);
}

static bool
measure(struct pipeline *p, const struct mail *mail, size_t threads, struct exa_error *err)
{
	const double before = cpu_seconds();
	const int64_t begun_ns = clock_mono_ns();

	if (!run(p, threads, err))
		return false;
	(void)printf("{\"messages\": %zu, \"mime_bytes\": %llu, \"wall_s\": %.6f, \"cpu_s\": "
		     "%.6f}\n",
		p->count, (unsigned long long)mail->bytes,
		(double)(clock_mono_ns() - begun_ns) / 1e9, cpu_seconds() - before);
	return true;
}

int
main(int argc, char **argv)
{
	const size_t threads = argc == 5 ? strtoul(argv[4], NULL, 10) : 0;
	struct pipeline p = { 0 };
	struct mail mail = { 0 };
	struct exa_error err, ignored;
	bool good;

	if (threads < 1 || threads > THREADS_MOST) {
		(void)fprintf(stderr, "usage: bench-pipeline FOLDER zlib|zstd ARCHIVE THREADS\n");
		return 2;
	}
	good = mail_load(argv[1], &mail, &err);
	p.count = mail.count;
	p.texts = exa_alloc_array(p.count, sizeof *p.texts);
	for (size_t i = 0; i < p.count; i++)
		buf_add_base64(&p.texts[i], buf_bytes(&mail.messages[i]));
	good = good && open_archive(&p, argv[3], strcmp(argv[2], "zstd") == 0, &err) &&
	       measure(&p, &mail, threads, &err);
	if (!good)
		(void)fprintf(stderr, "bench-pipeline: %s\n", err.text);
	if (p.catalog != NULL && !catalog_close(p.catalog, &ignored))
		good = false;
	for (size_t i = 0; i < p.count; i++)
		buf_done(&p.texts[i]);
	exa_free(p.texts);
	mail_done(&mail);
	return good ? 0 : 1;
}
