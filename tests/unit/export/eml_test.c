/* SPDX-License-Identifier: Apache-2.0 */
/* Files that are there are the messages, and nothing else is touched. */
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "exarch/clock.h"
#include "exarch/fs.h"
#include "exarch/mem.h"

#include "support.h"

#define HELLO "Subject: hello\r\n\r\nhello\r\n"
#define HELLO_NAME "20260501-000000-1-hello.eml"

struct seen {
	uint64_t progressed, failed;
	uint64_t failed_number;
	enum exa_code failed_code;
	struct cancel *cancel_after_one;
};

static void
progress(void *ctx, uint64_t items, uint64_t bytes)
{
	struct seen *s = ctx;

	(void)items;
	(void)bytes;
	s->progressed++;
	if (s->cancel_after_one != NULL)
		cancel_raise(s->cancel_after_one, CANCEL_SIGNAL);
}

static void
failed(void *ctx, const struct selected *item, const struct exa_error *why)
{
	struct seen *s = ctx;

	s->failed++;
	s->failed_number = item->row->number;
	s->failed_code = why->code;
}

struct exporting {
	char *to;
	struct selection s;
	struct export_options options;
	struct seen seen;
	struct export_result result;
	struct exa_error err;
};

static bool
export_all(struct archive *a, struct exporting *x)
{
	x->to = x->to != NULL ? x->to : fs_join(a->dir, "out");
	selection_init(&x->s);
	x->options.to = x->to;
	x->options.progress = progress;
	x->options.failed = failed;
	x->options.ctx = &x->seen;
	return export_files(a->catalog, &x->s, &x->options, &x->result, &x->err);
}

static void
exporting_done(struct exporting *x)
{
	selection_done(&x->s);
	exa_free(x->to);
	x->to = NULL;
}

/* The manifest has tests of its own. */
static const char *
without_manifest(struct buf *tree)
{
	static const char both[] = "MANIFEST.jsonl\nMANIFEST.sha256\n";
	char *at = strstr(buf_string(tree), both);

	if (at != NULL)
		memmove(at, at + strlen(both), strlen(at) - strlen(both) + 1);
	return (const char *)tree->data;
}

static void
assert_tree(const char *root, const char *expected)
{
	EXA_AUTO(buf_done) struct buf tree = { 0 };

	list_tree(root, &tree);
	assert_string_equal(without_manifest(&tree), expected);
}

static void
assert_file(const char *root, const char *name, const char *content)
{
	EXA_AUTO(exa_freep) char *path = fs_join(root, name);
	EXA_AUTO(buf_done) struct buf found = { 0 };
	struct exa_error err;

	assert_true(fs_read_file(path, 1 << 20, &found, &err));
	assert_string_equal(buf_string(&found), content);
}

/* One mailbox, one folder, one message: item 1. */
static uint32_t
fill(struct archive *a)
{
	uint32_t anna = put_mailbox(a, "anna@x", CATALOG_PRIMARY);
	uint32_t inbox = put_folder(a, anna, "/Inbox");

	(void)put_message(a, &(struct message){ .mailbox = anna,
				     .folder = inbox,
				     .received_ns = MAY_FIRST_NS,
				     .mime = HELLO });
	return inbox;
}

static void
messages_become_files_with_their_bytes_and_times(void **state)
{
	EXA_AUTO(exporting_done) struct exporting x = { 0 };
	EXA_AUTO(exa_freep) char *path = NULL;
	struct archive *a = *state;
	uint32_t inbox = fill(a);
	struct stat st;

	(void)put_message(
		a, &(struct message){
			   .mailbox = 1, .folder = inbox, .received_ns = EXA_NO_TIME, .mime = "" });
	(void)put_message(a, &(struct message){ .mailbox = 1,
				     .folder = put_folder(a, 1, "/Inbox/Sub"),
				     .received_ns = MAY_FIRST_NS - 1,
				     .mime = "Subject: =?utf-8?Q?=C3=BC?=\r\n\r\n" });
	assert_true(export_all(a, &x));
	assert_int_equal(x.result.items, 3);
	assert_int_equal(x.result.bytes, strlen(HELLO) + 0 + 31);
	assert_int_equal(x.result.failed, 0);
	assert_int_equal(x.seen.progressed, 3);
	assert_tree(x.to, "anna@x/\n"
			  "anna@x/Inbox/\n"
			  "anna@x/Inbox/00000000-000000-2-_.eml\n"
			  "anna@x/Inbox/" HELLO_NAME "\n"
			  "anna@x/Inbox/Sub/\n"
			  "anna@x/Inbox/Sub/20260430-235959-3-\xc3\xbc.eml\n");
	assert_file(x.to, "anna@x/Inbox/" HELLO_NAME, HELLO);
	assert_file(x.to, "anna@x/Inbox/00000000-000000-2-_.eml", "");
	path = fs_join(x.to, "anna@x/Inbox/" HELLO_NAME);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mtim.tv_sec, MAY_FIRST_NS / EXA_NS_PER_S);
	assert_int_equal(st.st_mode & 0777, 0600);
}

static void
names_do_not_depend_on_what_is_selected(void **state)
{
	EXA_AUTO(exporting_done) struct exporting x = { 0 };
	struct archive *a = *state;
	struct exa_error err;

	(void)fill(a);
	(void)put_message(a, &(struct message){ .mailbox = 1,
				     .folder = put_folder(a, 1, "/INBOX"),
				     .received_ns = MAY_FIRST_NS,
				     .mime = HELLO });
	x.to = fs_join(a->dir, "out");
	x.options.to = x.to;
	selection_init(&x.s);
	x.s.ids = exa_alloc_array(1, sizeof *x.s.ids);
	x.s.ids[0] = 2;
	x.s.id_count = 1;
	assert_true(export_files(a->catalog, &x.s, &x.options, &x.result, &err));
	assert_tree(x.to, "anna@x/\nanna@x/INBOX (2)/\n"
			  "anna@x/INBOX (2)/20260501-000000-2-hello.eml\n");
}

static void
a_damaged_message_gets_no_file_and_the_others_do(void **state)
{
	EXA_AUTO(exporting_done) struct exporting x = { 0 };
	struct export_verify_result proof = { 0 };
	struct archive *a = *state;
	uint32_t inbox = put_folder(a, put_mailbox(a, "anna@x", CATALOG_PRIMARY), "/Inbox");

	for (int i = 0; i < 3; i++)
		(void)put_message(a, &(struct message){ .mailbox = 1,
					     .folder = inbox,
					     .received_ns = MAY_FIRST_NS + i * HOUR_NS,
					     .mime = HELLO,
					     .damaged = i == 1 });
	assert_true(export_all(a, &x));
	assert_int_equal(x.result.items, 2);
	assert_int_equal(x.result.failed, 1);
	assert_int_equal(x.seen.failed, 1);
	assert_int_equal(x.seen.failed_number, 2);
	assert_int_equal(x.seen.failed_code, EXA_CORRUPT);
	assert_tree(x.to, "anna@x/\nanna@x/Inbox/\n"
			  "anna@x/Inbox/20260501-000000-1-hello.eml\n"
			  "anna@x/Inbox/20260501-020000-3-hello.eml\n");

	x.seen = (struct seen){ 0 };
	assert_true(export_verify(a->catalog, &x.s,
		&(struct export_verify_options){ .failed = failed, .ctx = &x.seen }, &proof,
		&x.err));
	assert_int_equal(proof.items, 3);
	assert_true(proof.finished);
	assert_int_equal(proof.damaged, 1);
	assert_int_equal(proof.bytes, 2 * strlen(HELLO));
	assert_int_equal(x.seen.failed_number, 2);
}

static void
an_export_does_not_begin_again_unless_told_to_update(void **state)
{
	EXA_AUTO(exporting_done) struct exporting first = { 0 };
	EXA_AUTO(exporting_done) struct exporting again = { 0 };
	EXA_AUTO(exporting_done) struct exporting update = { .options.update = true };
	struct archive *a = *state;
	uint32_t inbox = fill(a);

	assert_true(export_all(a, &first));
	assert_false(export_all(a, &again));
	assert_int_equal(again.err.code, EXA_USAGE);
	assert_non_null(strstr(again.err.text, HELLO_NAME));
	(void)put_message(a, &(struct message){ .mailbox = 1,
				     .folder = inbox,
				     .received_ns = MAY_FIRST_NS + HOUR_NS,
				     .mime = HELLO });
	assert_true(export_all(a, &update));
	assert_int_equal(update.result.skipped, 1);
	assert_int_equal(update.result.items, 1);
	assert_tree(update.to, "anna@x/\nanna@x/Inbox/\nanna@x/Inbox/" HELLO_NAME "\n"
			       "anna@x/Inbox/20260501-010000-2-hello.eml\n");
}

static void
a_file_that_is_not_the_message_is_left_alone(void **state)
{
	EXA_AUTO(exporting_done) struct exporting x = { .options.update = true };
	EXA_AUTO(exa_freep) char *path = NULL;
	EXA_AUTO(exa_freep) char *folder = NULL;
	struct archive *a = *state;

	(void)fill(a);
	x.to = fs_join(a->dir, "out");
	folder = fs_join(x.to, "anna@x/Inbox");
	path = fs_join(folder, HELLO_NAME);
	assert_true(fs_make_dirs(folder, 0700, &x.err));
	assert_true(fs_write_file(path, bytes_of_string("mine"), 0600, &x.err));
	assert_false(export_all(a, &x));
	assert_int_equal(x.err.code, EXA_USAGE);
	assert_non_null(strstr(x.err.text, path));
	assert_tree(x.to, "anna@x/\nanna@x/Inbox/\nanna@x/Inbox/" HELLO_NAME "\n");
	assert_file(folder, HELLO_NAME, "mine");
}

/* A link, made by somebody else at each step of the way, leads out of the target. */
static void
no_link_below_the_target_is_followed(void **state)
{
	static const char *const links[] = { "anna@x", "anna@x/Inbox",
		("anna@x/Inbox/" HELLO_NAME) };
	struct archive *a = *state;

	(void)fill(a);
	for (size_t i = 0; i < sizeof links / sizeof links[0]; i++) {
		EXA_AUTO(exporting_done) struct exporting x = { .options.update = true };
		EXA_AUTO(exa_freep) char *name = exa_asprintf("out-%zu", i);
		EXA_AUTO(exa_freep) char *outside_name = exa_asprintf("outside-%zu", i);
		EXA_AUTO(exa_freep) char *outside = fs_join(a->dir, outside_name);
		EXA_AUTO(exa_freep) char *link = NULL;
		EXA_AUTO(exa_freep) char *parent = NULL;

		x.to = fs_join(a->dir, name);
		link = fs_join(x.to, links[i]);
		parent = fs_dir_of(link);
		assert_true(fs_make_dirs(parent, 0700, &x.err));
		assert_true(fs_make_dirs(outside, 0700, &x.err));
		assert_int_equal(symlink(outside, link), 0);
		assert_false(export_all(a, &x));
		assert_int_equal(x.err.code, EXA_USAGE);
		assert_tree(outside, "");
	}
}

static void
hostile_folders_and_subjects_stay_inside(void **state)
{
	static const char *const paths[] = { "/../../x", "/..", "/../..\xe2\x88\x95..", "/a\nb",
		"/CON/nul.txt", "/\xff\xfe", "/20260501-000000-1-x.eml" };
	EXA_AUTO(exporting_done) struct exporting x = { 0 };
	EXA_AUTO(buf_done) struct buf tree = { 0 };
	EXA_AUTO(exa_freep) char *inside = NULL;
	struct archive *a = *state;
	uint32_t mailbox = put_mailbox(a, "../../evil", CATALOG_PRIMARY);
	const size_t count = sizeof paths / sizeof paths[0];

	for (size_t i = 0; i < count; i++)
		(void)put_message(a, &(struct message){ .mailbox = mailbox,
					     .folder = put_folder(a, mailbox, paths[i]),
					     .received_ns = MAY_FIRST_NS,
					     .mime = "Subject: ../../../../tmp/x\r\n\r\n" });
	/* Three levels deep, so that what climbs out is still seen. */
	inside = fs_join(a->dir, "jail/b/c");
	x.to = fs_join(inside, "out");
	assert_true(export_all(a, &x));
	assert_int_equal(x.result.items, count);
	assert_int_equal(x.result.failed, 0);
	exa_free(inside);
	inside = fs_join(a->dir, "jail");
	list_tree(inside, &tree);
	/* Above the target: its own path, nothing more. */
	assert_memory_equal(buf_string(&tree), "b/\nb/c/\nb/c/out/\nb/c/out/", 24);
	for (const char *p = buf_string(&tree); *p != '\0'; p = strchr(p, '\n') + 1)
		assert_true(strncmp(p, "b/\n", 3) == 0 || strncmp(p, "b/c/", 4) == 0);
}

static void
a_target_that_takes_no_more_ends_the_export_and_nothing_is_left_behind(void **state)
{
	EXA_AUTO(exporting_done) struct exporting x = { 0 };
	/* Room for what the export keeps for itself, not for the message. */
	struct rlimit before, small = { .rlim_cur = 512 };
	char mime[1024] = "Subject: hello\r\n\r\n";
	struct archive *a = *state;
	uint32_t inbox = put_folder(a, put_mailbox(a, "anna@x", CATALOG_PRIMARY), "/Inbox");
	bool good;

	memset(mime + strlen(mime), 'x', sizeof mime - strlen(mime) - 1);
	(void)put_message(a,
		&(struct message){
			.mailbox = 1, .folder = inbox, .received_ns = MAY_FIRST_NS, .mime = mime });
	(void)signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
	small.rlim_max = before.rlim_max;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
	good = export_all(a, &x);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
	assert_false(good);
	assert_int_equal(x.err.code, EXA_IO);
	assert_non_null(strstr(x.err.text, HELLO_NAME));
	assert_int_equal(x.seen.failed, 0);
	assert_tree(x.to, "anna@x/\nanna@x/Inbox/\n");
}

static void
a_target_that_can_not_be_made_is_named(void **state)
{
	EXA_AUTO(exporting_done) struct exporting x = { 0 };
	struct archive *a = *state;

	(void)fill(a);
	x.to = exa_strdup("/dev/null/out");
	assert_false(export_all(a, &x));
	assert_int_equal(x.err.code, EXA_IO);
	assert_non_null(strstr(x.err.text, "/dev/null"));
}

static void
an_export_that_is_stopped_is_continued_by_an_update(void **state)
{
	struct cancel cancel = { 0 };
	EXA_AUTO(exporting_done)
	struct exporting x = { .options.cancel = &cancel, .seen.cancel_after_one = &cancel };
	EXA_AUTO(exporting_done) struct exporting rest = { .options.update = true };
	struct export_verify_result proof = { 0 };
	struct archive *a = *state;
	uint32_t inbox = fill(a);

	(void)put_message(a, &(struct message){ .mailbox = 1,
				     .folder = inbox,
				     .received_ns = MAY_FIRST_NS + HOUR_NS,
				     .mime = HELLO });
	assert_false(export_all(a, &x));
	assert_int_equal(x.err.code, EXA_CANCELLED);
	assert_tree(x.to, "anna@x/\nanna@x/Inbox/\nanna@x/Inbox/" HELLO_NAME "\n");
	assert_true(export_verify(a->catalog, &x.s,
		&(struct export_verify_options){ .cancel = &cancel }, &proof, &x.err));
	assert_false(proof.finished);
	assert_int_equal(proof.items, 0);
	assert_true(export_all(a, &rest));
	assert_int_equal(rest.result.items, 1);
	assert_int_equal(rest.result.skipped, 1);
}

#define SETUP(test) cmocka_unit_test_setup_teardown(test, archive_make, archive_remove)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		SETUP(messages_become_files_with_their_bytes_and_times),
		SETUP(names_do_not_depend_on_what_is_selected),
		SETUP(a_damaged_message_gets_no_file_and_the_others_do),
		SETUP(an_export_does_not_begin_again_unless_told_to_update),
		SETUP(a_file_that_is_not_the_message_is_left_alone),
		SETUP(no_link_below_the_target_is_followed),
		SETUP(hostile_folders_and_subjects_stay_inside),
		SETUP(a_target_that_takes_no_more_ends_the_export_and_nothing_is_left_behind),
		SETUP(a_target_that_can_not_be_made_is_named),
		SETUP(an_export_that_is_stopped_is_continued_by_an_update),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
