/* SPDX-License-Identifier: Apache-2.0 */
/* What holds for every format: nothing leaves the target, nothing is overwritten, nothing is half
 * there. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "exarch/clock.h"
#include "exarch/fs.h"
#include "exarch/mem.h"

#include "maildir.h"
#include "support.h"

#define HELLO "Subject: hello\r\n\r\nFrom me\r\n"

/* Every way to lay an export out. */
static const struct export_options ways[] = {
	{ .format = EXPORT_EML },
	{ .format = EXPORT_EML, .flat = true },
	{ .format = EXPORT_MBOX },
	{ .format = EXPORT_MBOX, .flat = true },
	{ .format = EXPORT_MAILDIR },
	{ .format = EXPORT_MAILDIR, .layout = EXPORT_NESTED },
	{ .format = EXPORT_MAILDIR, .flat = true },
};
#define WAY_COUNT (sizeof ways / sizeof ways[0])

struct exporting {
	char *to;
	struct export_options options;
	struct export_result result;
	struct exa_error err;
};

static bool
export_to(struct archive *a, struct exporting *x, const char *name)
{
	struct selection s;

	if (x->to == NULL)
		x->to = fs_join(a->dir, name);
	x->options.to = x->to;
	selection_init(&s);
	return export_files(a->catalog, &s, &x->options, &x->result, &x->err);
}

static void
exporting_done(struct exporting *x)
{
	exa_free(x->to);
	x->to = NULL;
}

static size_t
count_lines(const char *text, const char *ending)
{
	size_t count = 0, size = strlen(ending);

	for (const char *p = text, *end; (end = strchr(p, '\n')) != NULL; p = end + 1)
		count += (size_t)(end - p) >= size && strncmp(end - size, ending, size) == 0;
	return count;
}

static void
read_file(const char *folder, const char *name, struct buf *out)
{
	EXA_AUTO(exa_freep) char *path = fs_join(folder, name);
	struct exa_error err;

	assert_true(fs_read_file(path, 1 << 20, out, &err));
}

static void
fill(struct archive *a)
{
	uint32_t anna = put_mailbox(a, "anna@x", CATALOG_PRIMARY);
	uint32_t inbox = put_folder(a, anna, "/Inbox");

	for (int i = 0; i < 3; i++)
		(void)put_message(a, &(struct message){ .mailbox = anna,
					     .folder = inbox,
					     .received_ns = MAY_FIRST_NS + i * HOUR_NS,
					     .mime = HELLO });
}

/* A NFC and a NFD form, names of one another's marks, what a Maildir and an export have themselves. */
static void
hostile_names_stay_inside_and_apart_in_every_format(void **state)
{
	static const char *const paths[] = { "/", "/..", "/../../x", "/../..\xe2\x88\x95..",
		"/a\nb", "/CON/nul.txt", "/\xff\xfe", "/Inbox", "/INBOX", "/Inbox ", "/inbox.",
		"/Inbox.mbox", "/Inbox.mbox/x", "/a.b", "/a_b", "/a/b", "/a.b/c", "/a/b.c",
		"/\xc3\xa9", "/e\xcc\x81", "/\xe2\x80\xae gpj", "/cur", "/Inbox/new", "/Inbox/tmp",
		"/.hidden", "/exarch.tmp", "/MANIFEST.sha256", "/files", "/&AOk-", "/(folder 3)" };
	const size_t count = sizeof paths / sizeof paths[0];
	struct archive *a = *state;
	uint32_t boxes[] = { put_mailbox(a, "../../evil", CATALOG_PRIMARY),
		put_mailbox(a, "exarch.tmp", CATALOG_PRIMARY),
		put_mailbox(a, "cur", CATALOG_PRIMARY) };
	char longest[304] = "/";

	memset(longest + 1, 'n', 300);
	longest[301] = '\0';
	for (size_t b = 0; b < 3; b++) {
		for (size_t i = 0; i <= count; i++)
			(void)put_message(a, &(struct message){ .mailbox = boxes[b],
						     .folder = put_folder(a, boxes[b],
							     i < count ? paths[i] : longest),
						     .received_ns = MAY_FIRST_NS,
						     .mime = "Subject: ../../x\r\n\r\n" });
	}
	for (size_t way = 0; way < WAY_COUNT; way++) {
		EXA_AUTO(exporting_done) struct exporting x = { .options = ways[way] };
		EXA_AUTO(exa_freep) char *jail_name = exa_asprintf("jail-%zu", way);
		EXA_AUTO(exa_freep) char *jail = fs_join(a->dir, jail_name);
		EXA_AUTO(exa_freep) char *inside = fs_join(jail, "b/c");
		EXA_AUTO(buf_done) struct buf tree = { 0 };
		EXA_AUTO(buf_done) struct buf sums = { 0 };

		x.to = fs_join(inside, "out");
		x.options.threads = 3;
		assert_true(export_to(a, &x, NULL));
		assert_int_equal(x.result.items, 3 * (count + 1));
		assert_int_equal(x.result.failed, 0);
		list_tree(jail, &tree);
		for (const char *p = buf_string(&tree); *p != '\0'; p = strchr(p, '\n') + 1)
			assert_true(strncmp(p, "b/\n", 3) == 0 || strncmp(p, "b/c/\n", 5) == 0 ||
				    strncmp(p, "b/c/out/", 8) == 0);
		assert_null(strstr(buf_string(&tree), "out/exarch.tmp/\n"));
		read_file(x.to, "MANIFEST.sha256", &sums);
		if (x.options.format == EXPORT_EML)
			assert_int_equal(count_lines(buf_string(&tree), ".eml"), 3 * (count + 1));
		if (x.options.format == EXPORT_MBOX)
			assert_int_equal(count_lines(buf_string(&tree), ".mbox"),
				x.options.flat ? 1 : 3 * (count + 1));
		if (x.options.format == EXPORT_MAILDIR)
			assert_int_equal(count_lines(buf_string(&sums), ":2,"), 3 * (count + 1));
		/* An update finds each where it is. */
		x.options.update = true;
		assert_true(export_to(a, &x, NULL));
		assert_int_equal(x.result.items, 0);
		assert_int_equal(x.result.skipped, 3 * (count + 1));
	}
}

/* Links to folders, then to files, where the export needs a folder of its own. */
static void
no_link_is_followed_in_any_format(void **state)
{
	static const char *const links[] = { "anna@x", "anna@x/Inbox", "exarch.tmp", "cur",
		"anna@x/.Inbox", "anna@x/cur", "anna@x/Inbox.mbox", "mail.mbox",
		"anna@x/.Inbox/new" };
	struct archive *a = *state;

	fill(a);
	for (size_t i = 0; i < WAY_COUNT * (sizeof links / sizeof links[0]); i++) {
		const char *name = links[i / WAY_COUNT];
		EXA_AUTO(exporting_done)
		struct exporting x = { .options = ways[i % WAY_COUNT] };
		EXA_AUTO(exa_freep) char *out_name = exa_asprintf("out-%zu", i);
		EXA_AUTO(exa_freep) char *outside_name = exa_asprintf("outside-%zu", i);
		EXA_AUTO(exa_freep) char *outside = fs_join(a->dir, outside_name);
		EXA_AUTO(exa_freep) char *link = NULL;
		EXA_AUTO(exa_freep) char *parent = NULL;
		EXA_AUTO(buf_done) struct buf tree = { 0 };

		x.to = fs_join(a->dir, out_name);
		x.options.update = true;
		link = fs_join(x.to, name);
		parent = fs_dir_of(link);
		assert_true(fs_make_dirs(parent, 0700, &x.err));
		assert_true(fs_make_dirs(outside, 0700, &x.err));
		assert_int_equal(symlink(outside, link), 0);
		if (!export_to(a, &x, NULL))
			assert_int_equal(x.err.code, EXA_USAGE);
		list_tree(outside, &tree);
		assert_string_equal(buf_string(&tree), "");
	}
}

static void
a_damaged_message_leaves_its_mbox_whole(void **state)
{
	EXA_AUTO(exporting_done) struct exporting x = { .options = { .format = EXPORT_MBOX } };
	EXA_AUTO(buf_done) struct buf found = { 0 };
	struct archive *a = *state;
	uint32_t inbox = put_folder(a, put_mailbox(a, "anna@x", CATALOG_PRIMARY), "/Inbox");

	for (int i = 0; i < 3; i++)
		(void)put_message(a, &(struct message){ .mailbox = 1,
					     .folder = inbox,
					     .received_ns = MAY_FIRST_NS + i * HOUR_NS,
					     .mime = HELLO,
					     .damaged = i == 1 });
	assert_true(export_to(a, &x, "out"));
	assert_int_equal(x.result.items, 2);
	assert_int_equal(x.result.failed, 1);
	read_file(x.to, "anna@x/Inbox.mbox", &found);
	assert_string_equal(buf_string(&found), "From MAILER-DAEMON Fri May  1 00:00:00 2026\n"
						"Subject: hello\r\n\r\n>From me\r\n\n"
						"From MAILER-DAEMON Fri May  1 02:00:00 2026\n"
						"Subject: hello\r\n\r\n>From me\r\n\n");
}

static void
an_mbox_bears_the_time_of_its_newest_message(void **state)
{
	EXA_AUTO(exporting_done) struct exporting x = { .options = { .format = EXPORT_MBOX } };
	EXA_AUTO(exa_freep) char *path = NULL;
	struct archive *a = *state;
	struct stat st;

	fill(a);
	assert_true(export_to(a, &x, "out"));
	path = fs_join(x.to, "anna@x/Inbox.mbox");
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mtim.tv_sec, (MAY_FIRST_NS + 2 * HOUR_NS) / EXA_NS_PER_S);
	assert_int_equal(st.st_mode & 0777, 0600);
}

static void
an_mbox_that_is_there_is_never_written_to(void **state)
{
	EXA_AUTO(exporting_done)
	struct exporting x = { .options = { .format = EXPORT_MBOX, .update = true } };
	EXA_AUTO(exa_freep) char *folder = NULL;
	EXA_AUTO(exa_freep) char *path = NULL;
	EXA_AUTO(buf_done) struct buf found = { 0 };
	struct archive *a = *state;

	fill(a);
	x.to = fs_join(a->dir, "out");
	folder = fs_join(x.to, "anna@x");
	path = fs_join(folder, "Inbox.mbox");
	assert_true(fs_make_dirs(folder, 0700, &x.err));
	assert_true(fs_write_file(path, bytes_of_string("mine"), 0600, &x.err));
	assert_false(export_to(a, &x, NULL));
	assert_int_equal(x.err.code, EXA_USAGE);
	assert_non_null(strstr(x.err.text, "Inbox.mbox"));
	read_file(folder, "Inbox.mbox", &found);
	assert_string_equal(buf_string(&found), "mine");
}

/* As an export that was killed leaves it: the state says how much is durable, and behind that there
 * is half a line and half a message. */
static void
what_a_kill_left_half_written_is_cut_off(void **state)
{
	static const char message[] = "From MAILER-DAEMON Fri May  1 00:00:00 2026\n"
				      "Subject: hello\r\n\r\n>From me\r\n\n";
	EXA_AUTO(exporting_done) struct exporting first = { .options = { .format = EXPORT_MBOX } };
	EXA_AUTO(exporting_done) struct exporting x = { .options = { .format = EXPORT_MBOX } };
	EXA_AUTO(buf_done) struct buf lines = { 0 };
	EXA_AUTO(buf_done) struct buf whole = { 0 };
	EXA_AUTO(buf_done) struct buf found = { 0 };
	EXA_AUTO(buf_done) struct buf text = { 0 };
	EXA_AUTO(exa_freep) char *workshop = NULL;
	struct archive *a = *state;
	const char *names[] = { "state", "items.jsonl", "mbox-1-1" };
	size_t first_line;

	fill(a);
	assert_true(export_to(a, &first, "first"));
	read_file(first.to, "MANIFEST.jsonl", &lines);
	read_file(first.to, "anna@x/Inbox.mbox", &whole);
	first_line = strcspn(buf_string(&lines), "\n") + 1;
	x.to = fs_join(a->dir, "out");
	workshop = fs_join(x.to, "exarch.tmp");
	assert_true(fs_make_dirs(workshop, 0700, &x.err));
	for (size_t i = 0; i < 3; i++) {
		EXA_AUTO(exa_freep) char *path = fs_join(workshop, names[i]);

		buf_reset(&text);
		if (i == 0)
			buf_printf(&text, "exarch export 1 items %zu sums 0\n", first_line);
		if (i == 1)
			buf_printf(&text, "%.*s{\"item\":2,\"mail", (int)first_line,
				buf_string(&lines));
		if (i == 2)
			buf_printf(&text, "%sFrom MAILER-DAEMON Fri M", message);
		assert_true(fs_write_file(path, buf_bytes(&text), 0600, &x.err));
	}
	assert_false(export_to(a, &x, NULL));
	assert_int_equal(x.err.code, EXA_USAGE);
	assert_non_null(strstr(x.err.text, "--update"));
	x.options.update = true;
	assert_true(export_to(a, &x, NULL));
	assert_int_equal(x.result.skipped, 1);
	assert_int_equal(x.result.items, 2);
	read_file(x.to, "anna@x/Inbox.mbox", &found);
	assert_true(bytes_equal(buf_bytes(&found), buf_bytes(&whole)));
	buf_reset(&found);
	read_file(x.to, "MANIFEST.jsonl", &found);
	assert_true(bytes_equal(buf_bytes(&found), buf_bytes(&lines)));
	assert_int_not_equal(access(workshop, F_OK), 0);
}

static void
a_file_without_a_line_is_compared_before_it_is_believed(void **state)
{
	EXA_AUTO(exporting_done) struct exporting x = { .options = { .update = true } };
	EXA_AUTO(buf_done) struct buf lines = { 0 };
	EXA_AUTO(exa_freep) char *manifest = NULL;
	EXA_AUTO(exa_freep) char *sums = NULL;
	EXA_AUTO(exa_freep) char *file = NULL;
	struct archive *a = *state;
	char other[] = HELLO;

	fill(a);
	assert_true(export_to(a, &x, "out"));
	manifest = fs_join(x.to, "MANIFEST.jsonl");
	sums = fs_join(x.to, "MANIFEST.sha256");
	file = fs_join(x.to, "anna@x/Inbox/20260501-000000-1-hello.eml");
	assert_int_equal(unlink(manifest) + unlink(sums), 0);
	assert_true(export_to(a, &x, NULL));
	assert_int_equal(x.result.items, 0);
	read_file(x.to, "MANIFEST.jsonl", &lines);
	assert_int_equal(count_lines(buf_string(&lines), "}"), 3);
	/* Of the same length, and nothing knows it. */
	assert_int_equal(unlink(manifest) + unlink(sums), 0);
	other[0] = 'X';
	assert_true(fs_write_file(file, bytes_of_string(other), 0600, &x.err));
	assert_false(export_to(a, &x, NULL));
	assert_int_equal(x.err.code, EXA_USAGE);
	assert_non_null(strstr(x.err.text, file));
}

static void
one_target_holds_one_format_and_one_export_at_a_time(void **state)
{
	EXA_AUTO(exporting_done) struct exporting x = { .options = { .update = true } };
	EXA_AUTO(exporting_done)
	struct exporting other = { .options = { .format = EXPORT_MBOX, .update = true } };
	EXA_AUTO(buf_done) struct buf before = { 0 };
	EXA_AUTO(buf_done) struct buf after = { 0 };
	struct archive *a = *state;
	int fd;

	fill(a);
	assert_true(export_to(a, &x, "out"));
	list_tree(x.to, &before);
	assert_false(export_to(a, &other, "out"));
	assert_int_equal(other.err.code, EXA_USAGE);
	list_tree(x.to, &after);
	assert_string_equal(buf_string(&before), buf_string(&after));
	fd = open(x.to, O_RDONLY | O_DIRECTORY);
	assert_int_equal(flock(fd, LOCK_EX | LOCK_NB), 0);
	assert_false(export_to(a, &x, NULL));
	assert_int_equal(x.err.code, EXA_LOCKED);
	assert_int_equal(close(fd), 0);
	assert_true(export_to(a, &x, NULL));
}

static void
folders_of_maildirs_are_modified_utf7(void **state)
{
	static const char *const cases[][2] = { { "Inbox", ".Inbox" }, { "a/b", ".a.b" },
		{ "Q1. Old", ".Q1_ Old" }, { "A & B", ".A &- B" },
		{ "Entw\xc3\xbcrfe", ".Entw&APw-rfe" },
		/* RFC 3501, 5.1.3 */
		{ "~peter/mail/\xe5\x8f\xb0\xe5\x8c\x97/\xe6\x97\xa5\xe6\x9c\xac\xe8\xaa\x9e",
			".~peter.mail.&U,BTFw-.&ZeVnLIqe-" },
		{ "\xf0\x9f\x8f\x94", ".&2Dzf1A-" } };

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		EXA_AUTO(buf_done) struct buf name = { 0 };

		maildir_add_folder(&name, cases[i][0]);
		assert_string_equal(buf_string(&name), cases[i][1]);
	}
}

static void
a_name_in_a_maildir_tells_flags_and_size(void **state)
{
	static const uint8_t archive[16] = { 0xab, 0xcd, 0xef, 0x01 };
	struct catalog_item item = { .number = 17,
		.received_ns = MAY_FIRST_NS,
		.mime_bytes = 4711,
		.is_read = 1,
		.message_flags = 1 | 8,
		.flag_status = 2 };
	EXA_AUTO(buf_done) struct buf name = { 0 };

	(void)state;
	maildir_add_name(&name, &item, archive);
	assert_string_equal(buf_string(&name), "1777593600.E17Aabcdef01.exarch,S=4711:2,DFS");
	buf_reset(&name);
	item.is_read = item.flag_status = -1;
	item.message_flags = -1;
	item.received_ns = EXA_NO_TIME;
	maildir_add_name(&name, &item, archive);
	assert_string_equal(buf_string(&name), "0.E17Aabcdef01.exarch,S=4711:2,");
}

#define SETUP(test) cmocka_unit_test_setup_teardown(test, archive_make, archive_remove)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		SETUP(hostile_names_stay_inside_and_apart_in_every_format),
		SETUP(no_link_is_followed_in_any_format),
		SETUP(a_damaged_message_leaves_its_mbox_whole),
		SETUP(an_mbox_bears_the_time_of_its_newest_message),
		SETUP(an_mbox_that_is_there_is_never_written_to),
		SETUP(what_a_kill_left_half_written_is_cut_off),
		SETUP(a_file_without_a_line_is_compared_before_it_is_believed),
		SETUP(one_target_holds_one_format_and_one_export_at_a_time),
		cmocka_unit_test(folders_of_maildirs_are_modified_utf7),
		cmocka_unit_test(a_name_in_a_maildir_tells_flags_and_size),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
