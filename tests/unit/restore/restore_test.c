/* SPDX-License-Identifier: Apache-2.0 */
/* A restore against a mailbox in memory, stopped at each of its requests in turn. */
#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "exarch/clock.h"
#include "exarch/mem.h"
#include "exarch/restore.h"

#include "server.h"

#define ANNA "anna@contoso.example"
#define MAY_FIRST_S INT64_C(1777593600)

struct world {
	char dir[64];
	struct catalog *catalog;
	uint32_t mailbox;
	struct cancel cancel;
	struct restore_options options;
	struct buf told; /* "NUMBER OUTCOME FOLDER" lines of the last run */
	struct restore_result result;
	struct exa_error err;
	unsigned serial;
};

static void
must(bool good, const struct exa_error *err)
{
	if (!good)
		fail_msg("%s", err->text);
}

/* ---- the archive ---- */

static uint32_t
put_folder(struct world *w, const char *path, const char *class, enum ews_role role)
{
	EXA_AUTO(exa_freep) char *id = exa_asprintf("folder-%u", ++w->serial);
	const struct catalog_folder f = { .mailbox = w->mailbox,
		.server_id = id,
		.parent_id = "",
		.name = strrchr(path, '/') + 1,
		.path = path,
		.class = class,
		.role = (uint8_t)role };
	struct exa_error err;
	uint32_t number;

	must(catalog_folder_put(w->catalog, &f, &number, &err), &err);
	must(store_flush(catalog_store(w->catalog), &err), &err);
	return number;
}

static struct recipe_result
put_bytes(struct world *w, const char *text)
{
	const struct bytes bytes = bytes_of_string(text);
	const struct mime_piece piece = {
		.kind = MIME_RAW, .data = bytes, .source_size = bytes.size
	};
	struct recipe_writer *writer = recipe_writer_new(catalog_store(w->catalog));
	struct recipe_result result;
	struct exa_error err;

	recipe_writer_source(writer, bytes);
	must(recipe_writer_piece(writer, &piece, &err), &err);
	must(recipe_writer_finish(writer, &result, &err), &err);
	recipe_writer_free(writer);
	return result;
}

struct put {
	uint32_t folder;
	const char *class;
	const char *message_id; /* its MIME is the same text */
	const char *native;     /* NULL = none */
	int64_t second;
	int64_t flags;
	bool no_mime, damaged;
};

static uint64_t
put_item(struct world *w, const struct put *p)
{
	EXA_AUTO(exa_freep) char *id = exa_asprintf("item-%u", ++w->serial);
	struct catalog_item item = { .number = catalog_next_item(w->catalog),
		.mailbox = w->mailbox,
		.folder = p->folder,
		.server_id = id,
		.change_key = "c",
		.class = p->class != NULL ? p->class : "IPM.Note",
		.internet_message_id = p->message_id,
		.categories = "",
		.received_ns = p->second * EXA_NS_PER_S,
		.sent_ns = EXA_NO_TIME,
		.created_ns = EXA_NO_TIME,
		.modified_ns = EXA_NO_TIME,
		.message_flags = p->flags,
		.is_read = 1,
		.flag_status = -1 };
	struct catalog_batch b = { 0 };
	struct recipe_result made;
	struct exa_error err;
	uint64_t epoch;

	if (!p->no_mime) {
		made = put_bytes(w, p->message_id);
		item.mime_bytes = made.mime_bytes;
		item.recipe = made.id;
		memcpy(item.mime_sha256, made.mime_sha256, sizeof item.mime_sha256);
		item.mime_sha256[0] ^= p->damaged ? 1 : 0;
	}
	if (p->native != NULL) {
		made = put_bytes(w, p->native);
		item.native_bytes = made.mime_bytes;
		item.native_recipe = made.id;
		memcpy(item.native_sha256, made.mime_sha256, sizeof item.native_sha256);
	}
	catalog_batch_item(&b, &item);
	must(catalog_submit(w->catalog, &b, &epoch, &err), &err);
	must(store_wait(catalog_store(w->catalog), epoch, &err), &err);
	catalog_batch_done(&b);
	return item.number;
}

/* Two folders of messages, one of which has two that look alike, and one of tasks. */
static void
put_everything(struct world *w)
{
	const uint32_t inbox = put_folder(w, "/Inbox", "IPF.Note", EWS_ROLE_INBOX),
		       sub = put_folder(w, "/Inbox/Sub", "IPF.Note", EWS_ROLE_NONE),
		       tasks = put_folder(w, "/My tasks", "IPF.Task", EWS_ROLE_NONE);
	const struct put puts[] = {
		{ .folder = inbox, .message_id = "<1@x>", .second = MAY_FIRST_S },
		{ .folder = inbox, .message_id = "<twin@x>", .second = MAY_FIRST_S + 1 },
		{ .folder = inbox, .message_id = "<twin@x>", .second = MAY_FIRST_S + 1 },
		{ .folder = sub, .message_id = "<2@x>", .second = MAY_FIRST_S + 90000 },
		{ .folder = tasks,
			.class = "IPM.Task",
			.message_id = "<task1@x>",
			.native = "<task1@x> 1777593600",
			.second = MAY_FIRST_S,
			.no_mime = true },
		{ .folder = tasks,
			.class = "IPM.Task",
			.message_id = "<task2@x>",
			.native = "<task2@x> 1777593601",
			.second = MAY_FIRST_S + 1,
			.no_mime = true },
	};

	for (size_t i = 0; i < sizeof puts / sizeof puts[0]; i++)
		(void)put_item(w, &puts[i]);
}

/* ---- choosing and listening ---- */

struct walking {
	struct world *world;
	const struct restore_place *after;
	restore_chosen_fn *fn;
	void *fn_ctx;
	struct catalog_mailbox mailbox;
	const struct catalog_folder *folder;
	struct store_txn *txn;
};

static bool
is_behind(const struct restore_place *after, const struct catalog_row *row)
{
	if (row->folder != after->folder)
		return row->folder > after->folder;
	if (row->received_ns != after->received_ns)
		return row->received_ns > after->received_ns;
	return row->number > after->number;
}

static bool
on_row(void *ctx, const struct catalog_row *row, struct exa_error *err)
{
	struct walking *k = ctx;

	if (!is_behind(k->after, row))
		return true;
	return k->fn(k->fn_ctx, &(struct restore_chosen){ &k->mailbox, k->folder, row }, err);
}

static bool
on_folder(void *ctx, const struct catalog_folder *f, struct exa_error *err)
{
	struct walking *k = ctx;
	struct catalog_place place = { .received_ns = EXA_NO_TIME };
	bool more;

	k->folder = f;
	return catalog_each_row(
		k->txn, k->world->mailbox, f->number, &place, 1000, on_row, k, &more, err);
}

static bool
walk(void *ctx, const struct restore_place *after, restore_chosen_fn *fn, void *fn_ctx,
	struct exa_error *err)
{
	struct world *w = ctx;
	EXA_AUTO(store_read_endp) struct store_txn *txn = NULL;
	struct walking k = { .world = w,
		.after = after,
		.fn = fn,
		.fn_ctx = fn_ctx,
		.mailbox = { .number = w->mailbox, .smtp = ANNA } };

	if (!store_read_begin(catalog_store(w->catalog), &txn, err))
		return false;
	k.txn = txn;
	return catalog_each_folder(txn, w->mailbox, on_folder, &k, err);
}

static void
on_item(void *ctx, const struct restore_told *t)
{
	struct world *w = ctx;

	buf_printf(&w->told, "%llu %s %s\n", (unsigned long long)t->number,
		restore_outcome_name(t->outcome), t->folder);
}

static void
on_made_folder(void *ctx, const char *mailbox, const char *path)
{
	(void)ctx;
	(void)mailbox;
	(void)path;
}

static void
on_problem(void *ctx, const char *mailbox, const char *folder, const struct exa_error *why)
{
	(void)ctx;
	(void)mailbox;
	(void)folder;
	(void)why;
}

static void
on_mailbox(void *ctx, const struct restore_mailbox *result)
{
	(void)ctx;
	(void)result;
}

static void
on_waiting(void *ctx, uint32_t ms)
{
	(void)ctx;
	(void)ms;
}

/* ---- the world ---- */

static int
make_world(void **state)
{
	const struct store_create_options create = { .codec = STORE_CODEC_ZLIB };
	struct catalog_mailbox m = { .smtp = ANNA, .display_name = "" };
	struct world *w = exa_alloc(sizeof *w);
	struct exa_error err;

	(void)snprintf(w->dir, sizeof w->dir, "/tmp/exarch-restore-XXXXXX");
	assert_non_null(mkdtemp(w->dir));
	must(catalog_create(w->dir, &create, &err), &err);
	must(catalog_open(w->dir, &(struct store_open_options){ .access = STORE_WRITE }, NULL,
		     &w->catalog, &err),
		&err);
	must(catalog_mailbox_put(w->catalog, &m, &w->mailbox, &err), &err);
	must(store_flush(catalog_store(w->catalog), &err), &err);
	w->options = (struct restore_options){ .choice = { .walk = walk, .ctx = w },
		.listener = { on_item, on_made_folder, on_problem, on_mailbox, on_waiting, w },
		.cancel = &w->cancel,
		.threads = 1,
		.batch_bytes = 1 << 20,
		.mailbox_concurrency = 2,
		.user = "u",
		.host = "h",
		.program = "test",
		.chosen = "everything" };
	server_reset();
	*state = w;
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

static int
remove_world(void **state)
{
	struct world *w = *state;

	catalog_abandonp(&w->catalog);
	(void)nftw(w->dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	buf_done(&w->told);
	exa_free(w);
	return 0;
}

static bool
run(struct world *w)
{
	buf_reset(&w->told);
	return restore_run(w->catalog, &w->options, &w->result, &w->err);
}

static void
assert_everything_is_there_once(void)
{
	assert_int_equal(server_count("Posteingang", "<1@x>"), 1);
	assert_int_equal(server_count("Posteingang", "<twin@x>"), 2);
	assert_int_equal(server_count("Sub", "<2@x>"), 1);
	assert_int_equal(server_count("My tasks", "<task1@x> 1777593600"), 1);
	assert_int_equal(server_count("My tasks", "<task2@x> 1777593601"), 1);
}

/* ---- tests ---- */

static void
everything_goes_where_it_belongs(void **state)
{
	struct world *w = *state;
	const struct server_folder *sub, *tasks;

	put_everything(w);
	w->options.threads = 3;
	must(run(w), &w->err);
	assert_int_equal(w->result.counts.restored, 6);
	assert_int_equal(w->result.counts.native, 2);
	assert_everything_is_there_once();
	/* the inbox is known by its role, what is below it is made below it, with its class */
	assert_int_equal(server.folder_count, 4);
	sub = &server.folders[strcmp(server.folders[2].name, "Sub") == 0 ? 2 : 3];
	tasks = &server.folders[sub == &server.folders[2] ? 3 : 2];
	assert_string_equal(sub->parent, server.folders[1].id);
	assert_string_equal(tasks->parent, server.folders[0].id);
	assert_string_equal(tasks->class, "IPF.Task");
	for (size_t i = 0; i < server.item_count; i++)
		assert_true(server.items[i].marker[0] != '\0');
}

/* Whatever line a run dies on, it is somewhere between two requests, or in one. */
static void
stop_everywhere(
	struct world *w, enum restore_duplicates how, void (*prepare)(void), void (*expect)(void))
{
	static const enum server_fault faults[] = { FAULT_BEFORE, FAULT_AFTER };
	bool stopped = true;

	w->options.duplicates = how;
	for (unsigned at = 1; stopped; at++) {
		for (size_t i = 0; i < sizeof faults / sizeof faults[0]; i++) {
			server_reset();
			prepare();
			server.fault_at = at;
			server.fault = faults[i];
			server.fault_code = EXA_AUTH; /* ends the run at once */
			stopped = !run(w);
			server.fault_at = 0;
			must(run(w), &w->err);
			assert_int_equal(w->result.counts.failed, 0);
			expect();
		}
		assert_in_range(at, 1, 100);
	}
	must(run(w), &w->err);
	assert_int_equal(w->result.counts.restored, 0);
	expect();
}

static void
prepare_nothing(void)
{
}

static void
stopped_at_any_request_a_rerun_ends_with_each_item_once(void **state)
{
	struct world *w = *state;

	put_everything(w);
	stop_everywhere(w, RESTORE_SKIP, prepare_nothing, assert_everything_is_there_once);
}

static void
prepare_strangers(void)
{
	(void)server_add_item("Posteingang", "<1@x>", MAY_FIRST_S * EXA_NS_PER_S);
	(void)server_add_item("Posteingang", "<twin@x>", (MAY_FIRST_S + 1) * EXA_NS_PER_S);
	(void)server_add_item("Posteingang", "<other@x>", MAY_FIRST_S * EXA_NS_PER_S);
}

static void
expect_replaced(void)
{
	assert_everything_is_there_once();
	assert_int_equal(server_count("Posteingang", "stranger"), 1); /* <other@x> */
}

static void
stopped_at_any_request_a_rerun_replaces_what_was_there_and_nothing_else(void **state)
{
	struct world *w = *state;

	put_everything(w);
	stop_everywhere(w, RESTORE_REPLACE, prepare_strangers, expect_replaced);
}

static void
one_that_is_there_accounts_for_one_item(void **state)
{
	struct world *w = *state;

	put_everything(w);
	prepare_strangers();
	must(run(w), &w->err);
	assert_int_equal(w->result.counts.twins, 2);
	assert_int_equal(w->result.counts.restored, 4);
	assert_int_equal(server_count("Posteingang", "<1@x>"), 0);
	assert_int_equal(server_count("Posteingang", "<twin@x>"), 1);
	assert_int_equal(server_count("Posteingang", "stranger"), 3);
}

static void
what_the_archive_cannot_give_back_is_never_sent(void **state)
{
	struct world *w = *state;
	const uint32_t inbox = put_folder(w, "/Inbox", "IPF.Note", EWS_ROLE_INBOX);

	(void)put_item(w,
		&(struct put){ .folder = inbox, .message_id = "<good@x>", .second = MAY_FIRST_S });
	(void)put_item(w, &(struct put){ .folder = inbox,
				  .message_id = "<bad@x>",
				  .second = MAY_FIRST_S + 1,
				  .damaged = true });
	must(run(w), &w->err);
	assert_int_equal(w->result.counts.restored, 1);
	assert_int_equal(w->result.counts.failed, 1);
	assert_int_equal(w->result.counts.damaged, 1);
	assert_int_equal(server_count("Posteingang", "<good@x>"), 1);
	assert_int_equal(server_count("Posteingang", "<bad@x>"), 0);
}

static void
one_refused_as_mime_goes_as_its_native_stream(void **state)
{
	struct world *w = *state;
	const uint32_t inbox = put_folder(w, "/Inbox", "IPF.Note", EWS_ROLE_INBOX);

	(void)put_item(w, &(struct put){ .folder = inbox,
				  .message_id = "<odd@x>",
				  .native = "<odd@x> 1777593600",
				  .second = MAY_FIRST_S });
	server.refuses = "<odd@x>";
	server.refuses_with = EXA_UNREADABLE;
	must(run(w), &w->err);
	assert_int_equal(w->result.counts.restored, 1);
	assert_int_equal(server_count("Posteingang", "<odd@x> 1777593600"), 1);
	server_reset();
	server.refuses = "<odd@x>";
	server.refuses_with = EXA_DENIED;
	must(run(w), &w->err);
	assert_int_equal(w->result.counts.failed, 1);
	assert_int_equal(server.item_count, 0);
}

static void
only_what_was_a_draft_is_one(void **state)
{
	struct world *w = *state;
	const uint32_t inbox = put_folder(w, "/Inbox", "IPF.Note", EWS_ROLE_INBOX);

	(void)put_item(w, &(struct put){ .folder = inbox,
				  .message_id = "<sent@x>",
				  .second = MAY_FIRST_S,
				  .flags = 0x1 });
	(void)put_item(w, &(struct put){ .folder = inbox,
				  .message_id = "<draft@x>",
				  .second = MAY_FIRST_S,
				  .flags = 0x9 });
	must(run(w), &w->err);
	for (size_t i = 0; i < server.item_count; i++)
		assert_int_equal(
			server.items[i].draft, strcmp(server.items[i].content, "<draft@x>") == 0);
	assert_int_equal(server.item_count, 2);
}

static void
a_dry_run_writes_nothing(void **state)
{
	struct world *w = *state;

	put_everything(w);
	w->options.dry_run = true;
	must(run(w), &w->err);
	assert_int_equal(w->result.counts.restored, 6);
	assert_int_equal(w->result.counts.folders, 2);
	assert_int_equal(server.writes, 0);
	assert_int_equal(server.folder_count, 2);
}

static void
many_items_are_cut_into_batches_without_losing_one(void **state)
{
	struct world *w = *state;
	const uint32_t inbox = put_folder(w, "/Inbox", "IPF.Note", EWS_ROLE_INBOX);
	const unsigned count = 120;

	for (unsigned i = 0; i < count; i++) {
		EXA_AUTO(exa_freep) char *id = exa_asprintf("<%u@x>", i);

		/* three of each second: none of them may be parted */
		(void)put_item(w,
			&(struct put){
				.folder = inbox, .message_id = id, .second = MAY_FIRST_S + i / 3 });
	}
	w->options.threads = 3;
	must(run(w), &w->err);
	assert_int_equal(w->result.counts.restored, count);
	assert_int_equal(server.item_count, count);
	must(run(w), &w->err);
	assert_int_equal(w->result.counts.there, count);
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, make_world, remove_world)
	const struct CMUnitTest tests[] = {
		TEST(everything_goes_where_it_belongs),
		TEST(stopped_at_any_request_a_rerun_ends_with_each_item_once),
		TEST(stopped_at_any_request_a_rerun_replaces_what_was_there_and_nothing_else),
		TEST(one_that_is_there_accounts_for_one_item),
		TEST(what_the_archive_cannot_give_back_is_never_sent),
		TEST(one_refused_as_mime_goes_as_its_native_stream),
		TEST(only_what_was_a_draft_is_one),
		TEST(a_dry_run_writes_nothing),
		TEST(many_items_are_cut_into_batches_without_losing_one),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
