/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "exarch/clock.h"
#include "exarch/fs.h"
#include "exarch/mem.h"
#include "key.h"
#include "select.h"
#include "text.h"

/* Header blocks beyond this are cut in --headers. */
#define HEADERS_MAX ((size_t)1024 * 1024)

/* A line longer than this is shown in pieces. */
#define LINE_MAX_BYTES ((size_t)64 * 1024)

struct shown {
	struct catalog *catalog;
	struct store_reader *reader;
	const struct args *args;
	struct buf scratch;
	struct buf line; /* bytes for a terminal, up to the end of their line */
	int file;        /* --to, or -1 */
	bool found;
};

static bool
to_stdout(void *ctx, struct bytes data, struct exa_error *err)
{
	(void)ctx;
	if (fwrite(data.data, 1, data.size, stdout) != data.size)
		return exa_fail(err, EXA_IO, "can't write to standard output");
	return true;
}

static bool
to_file(void *ctx, struct bytes data, struct exa_error *err)
{
	struct shown *s = ctx;

	return fs_write_all(s->file, data, s->args->value[OPT_TO_FILE], err);
}

static void
end_line(struct shown *s)
{
	text_print_block(stdout, buf_string(&s->line));
	buf_reset(&s->line);
}

/* Bytes of mail reach no terminal as they are. */
static bool
to_terminal(void *ctx, struct bytes data, struct exa_error *err)
{
	struct shown *s = ctx;

	(void)err;
	for (size_t i = 0; i < data.size; i++) {
		buf_add_byte(&s->line, data.data[i] != 0 ? data.data[i] : '?');
		if (data.data[i] == '\n' || s->line.size == LINE_MAX_BYTES)
			end_line(s);
	}
	return true;
}

static struct recipe_sink
sink_of(struct shown *s)
{
	struct recipe_sink sink = { .write = to_stdout, .ctx = s };

	if (s->file >= 0)
		sink.write = to_file;
	else if (isatty(STDOUT_FILENO) != 0)
		sink.write = to_terminal;
	return sink;
}

/* A stream or attachment is no text: a terminal would show nothing of use. */
static bool
check_terminal(const struct shown *s, const char *what, struct exa_error *err)
{
	return s->file >= 0 || isatty(STDOUT_FILENO) == 0 ||
	       exa_fail(err, EXA_USAGE,
		       "%s isn't shown on a terminal; send it into a file (> FILE, or --to FILE)",
		       what);
}

static bool
show_recipe(struct shown *s, const struct store_id *recipe, struct exa_error *err)
{
	const struct recipe_sink sink = sink_of(s);
	uint8_t hash[CATALOG_SHA256_SIZE];
	uint64_t bytes;

	return recipe_play(s->reader, recipe, &sink, &bytes, hash, err);
}

/* Up to and including the empty line that ends the header block. */
static size_t
header_size(struct bytes b)
{
	for (size_t i = 0; i < b.size; i++) {
		if (b.data[i] != '\n')
			continue;
		if (i + 1 < b.size && b.data[i + 1] == '\n')
			return i + 2;
		if (i + 2 < b.size && b.data[i + 1] == '\r' && b.data[i + 2] == '\n')
			return i + 3;
	}
	return b.size;
}

static bool
show_headers(struct shown *s, const struct catalog_item *item, struct exa_error *err)
{
	EXA_AUTO(buf_done) struct buf head = { 0 };
	const struct recipe_sink sink = sink_of(s);

	if (!recipe_head(s->reader, &item->recipe, HEADERS_MAX, &head, err))
		return false;
	return sink.write(s, bytes_take(buf_bytes(&head), header_size(buf_bytes(&head))), err);
}

static void
line(const char *name, const char *value)
{
	if (value == NULL || value[0] == '\0')
		return;
	(void)printf("%-11s ", name);
	text_print(stdout, value, 0);
	(void)putchar('\n');
}

static void
show_place(const struct selected *selected, const struct catalog_item *item)
{
	char when[CLOCK_TEXT_MAX];

	(void)printf("%-11s ", "Mailbox");
	text_mailbox(stdout, selected->mailbox, 0);
	(void)putchar('\n');
	line("Folder", selected->folder->path);
	clock_format(item->received_ns, when);
	line("Received", when);
	line("Class", item->class);
}

static void
show_form(const char *size_name, uint64_t bytes, const char *hash_name,
	const uint8_t sha256[CATALOG_SHA256_SIZE])
{
	char size[16], hash[2 * CATALOG_SHA256_SIZE + 1];

	text_size(bytes, size);
	line(size_name, size);
	hex_encode(bytes_of(sha256, CATALOG_SHA256_SIZE), hash);
	line(hash_name, hash);
}

/* Of what has no MIME the properties are all that can be read. */
static void
show_native_only(const struct selected *selected, const struct catalog_item *item)
{
	char when[CLOCK_TEXT_MAX];

	show_place(selected, item);
	line("Message-ID", item->internet_message_id);
	clock_format(item->sent_ns, when);
	line("Sent", when);
	clock_format(item->created_ns, when);
	line("Created", when);
	clock_format(item->modified_ns, when);
	line("Modified", when);
	line("Categories", item->categories);
	show_form("Native", item->native_bytes, "SHA-256", item->native_sha256);
	(void)printf("\n[no MIME: archived as the server's native stream alone; `--native` gives "
		     "it]\n");
}

/* Numbered for --attachment. */
static void
show_attachments(const struct message_text *text)
{
	for (size_t i = 0; i < text->attachment_count; i++) {
		EXA_AUTO(exa_freep)
		char *numbered = exa_asprintf("%zu. %s", i + 1, text->attachments[i]);

		(void)printf("%-11s ", i == 0 ? "Attached" : "");
		text_print(stdout, numbered, 0);
		(void)putchar('\n');
	}
}

static bool
show_for_people(struct shown *s, const struct selected *selected, const struct catalog_item *item,
	struct exa_error *err)
{
	struct message_head head = { 0 };
	struct message_text text = { 0 };
	bool good = message_head_read(s->reader, &item->recipe, &head, err) &&
		    message_text_read(s->reader, &item->recipe, &text, err);

	if (good) {
		line("Subject", head.subject);
		line("From", head.from);
		line("To", head.to);
		line("Cc", head.cc);
		line("Date", head.date);
		line("Message-ID", head.message_id);
		show_place(selected, item);
		show_form("Size", item->mime_bytes, "SHA-256", item->mime_sha256);
		if (catalog_item_has_native(item))
			show_form("Native", item->native_bytes, "SHA-256", item->native_sha256);
		show_attachments(&text);
		(void)putchar('\n');
		text_print_block(stdout, text.body);
		(void)printf(text.cut ? "\n[more; `--raw` gives all of it]\n" : "\n");
	}
	message_text_done(&text);
	message_head_done(&head);
	return good;
}

static bool
show_attachment(struct shown *s, const struct catalog_item *item, struct exa_error *err)
{
	const struct recipe_sink sink = sink_of(s);
	EXA_AUTO(exa_freep) char *name = NULL;
	uint64_t number;

	if (!number_read(s->args->value[OPT_ATTACHMENT_NUMBER], &number, err) || number == 0)
		return exa_fail(err, EXA_USAGE,
			"--attachment: '%s' is no number; `exarch show` counts the attachments",
			s->args->value[OPT_ATTACHMENT_NUMBER]);
	return check_terminal(s, "an attachment", err) &&
	       message_attachment(s->reader, &item->recipe, (size_t)number, &sink, &name, err);
}

static bool
show_native(struct shown *s, const struct catalog_item *item, struct exa_error *err)
{
	if (!catalog_item_has_native(item))
		return exa_fail(err, EXA_USAGE, "the item has no native stream");
	return check_terminal(s, "a native stream", err) &&
	       show_recipe(s, &item->native_recipe, err);
}

/* What is made of the message's own bytes. */
static bool
asks_for_bytes(const struct args *args)
{
	return args->value[OPT_RAW] != NULL || args->value[OPT_HEADERS] != NULL ||
	       args->value[OPT_ATTACHMENT_NUMBER] != NULL;
}

static bool
show_item(void *ctx, const struct selected *selected, struct exa_error *err)
{
	struct shown *s = ctx;
	struct catalog_item item;

	s->found = true;
	if (!catalog_item_read(s->reader, selected->row, &s->scratch, &item, err))
		return false;
	if (s->args->value[OPT_NATIVE] != NULL)
		return show_native(s, &item, err);
	if (!catalog_item_has_mime(&item) && asks_for_bytes(s->args))
		return exa_fail(
			err, EXA_USAGE, "the item has no MIME; --native gives its native stream");
	if (!catalog_item_has_mime(&item)) {
		show_native_only(selected, &item);
		return true;
	}
	if (s->args->value[OPT_RAW] != NULL)
		return show_recipe(s, &item.recipe, err);
	if (s->args->value[OPT_HEADERS] != NULL)
		return show_headers(s, &item, err);
	if (s->args->value[OPT_ATTACHMENT_NUMBER] != NULL)
		return show_attachment(s, &item, err);
	return show_for_people(s, selected, &item, err);
}

/* The file is made before anything is read, so that two can't write it. */
static bool
open_file(struct shown *s, struct exa_error *err)
{
	const char *path = s->args->value[OPT_TO_FILE];

	s->file = -1;
	if (path == NULL)
		return true;
	if (!asks_for_bytes(s->args) && s->args->value[OPT_NATIVE] == NULL)
		return exa_fail(err, EXA_USAGE,
			"--to: say what to write: --attachment N, --raw, --headers or --native");
	s->file = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	return s->file >= 0 || exa_fail_errno(err, errno, "--to: can't make %s", path);
}

/* Half a file is none. */
static bool
close_file(struct shown *s, bool good, struct exa_error *err)
{
	const char *path = s->args->value[OPT_TO_FILE];

	if (s->file < 0)
		return good;
	if (close(s->file) != 0 && good)
		good = exa_fail_errno(err, errno, "writing %s", path);
	if (!good)
		(void)unlink(path);
	return good;
}

static bool
show(struct shown *s, const struct selection *selection, struct exa_error *err)
{
	if (!archive_open(s->args, (struct store_open_options){ .access = STORE_READ }, &s->catalog,
		    err) ||
		!store_reader_new(catalog_store(s->catalog), &s->reader, err) || !open_file(s, err))
		return false;
	return close_file(s, selection_walk(s->catalog, selection, show_item, s, err), err);
}

int
cmd_show(const struct args *args)
{
	struct shown s = { .args = args };
	struct selection selection;
	struct exa_error err;
	bool good;

	selection_init(&selection);
	selection.all_versions = true;
	selection.ids = exa_alloc(sizeof *selection.ids);
	selection.id_count = 1;
	good = item_number_read(args->positional[1], &selection.ids[0], &err) &&
	       show(&s, &selection, &err);
	if (s.line.size > 0)
		end_line(&s);
	store_reader_free(s.reader);
	buf_done(&s.scratch);
	buf_done(&s.line);
	catalog_abandonp(&s.catalog);
	selection_done(&selection);
	return good ? EXIT_DONE : fail_with(&err);
}
