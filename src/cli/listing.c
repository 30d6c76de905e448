/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <jansson.h>

#include "exarch/clock.h"
#include "exarch/mem.h"

#include "deed.h"
#include "listing.h"
#include "text.h"

#define MESSAGE_UNSENT 0x8 /* of the message flags, 0x0E07: a draft */

json_t *
listing_json_text(const char *text)
{
	json_t *s = text != NULL ? json_string(text) : NULL;

	return s != NULL ? s : json_null();
}

static const char *
state_name(enum catalog_item_state state)
{
	switch (state) {
	case ITEM_LIVE:
		return "live";
	case ITEM_REMOVED:
		return "removed";
	case ITEM_SUPERSEDED:
		return "superseded";
	case ITEM_EXPIRED:
		return "expired";
	}
	return "?";
}

static json_t *
hash_or_null(const uint8_t sha256[CATALOG_SHA256_SIZE], bool is_there)
{
	char hash[2 * CATALOG_SHA256_SIZE + 1];

	hex_encode(bytes_of(sha256, CATALOG_SHA256_SIZE), hash);
	return is_there ? json_string(hash) : json_null();
}

static json_t *
time_or_null(int64_t moment_ns)
{
	char text[CLOCK_TEXT_MAX];

	if (moment_ns == EXA_NO_TIME)
		return json_null();
	clock_format(moment_ns, text);
	return json_string(text);
}

/* -1: the server didn't say. */
static json_t *
yes_or_null(int answer)
{
	return answer < 0 ? json_null() : json_boolean(answer);
}

static json_t *
list_of_lines(const char *lines)
{
	json_t *list = json_array();

	while (lines != NULL && *lines != '\0') {
		size_t size = strcspn(lines, "\n");
		EXA_AUTO(exa_freep) char *line = exa_strndup(lines, size);

		(void)json_array_append_new(list, listing_json_text(line));
		lines += size + (lines[size] == '\n');
	}
	return list;
}

/* What the server said of it beside the message. */
static json_t *
properties_of(const struct catalog_item *item)
{
	static const char *const flags[] = { "none", "complete", "flagged" };
	int draft = item->message_flags < 0 ? -1 : (item->message_flags & MESSAGE_UNSENT) != 0;
	bool said = item->flag_status >= 0 && item->flag_status < 3;

	return json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "sent",
		time_or_null(item->sent_ns), "created", time_or_null(item->created_ns), "modified",
		time_or_null(item->modified_ns), "read", yes_or_null(item->is_read), "draft",
		yes_or_null(draft), "attachments", yes_or_null(item->has_attachments), "flag",
		said ? json_string(flags[item->flag_status]) : json_null(), "categories",
		list_of_lines(item->categories));
}

/* A snippet without its marks. */
static json_t *
plain_snippet(const char *snippet)
{
	EXA_AUTO(buf_done) struct buf plain = { 0 };

	for (; *snippet != '\0'; snippet++) {
		if (*snippet != SEARCH_MARK_ON && *snippet != SEARCH_MARK_OFF)
			buf_add_byte(&plain, (uint8_t)*snippet);
	}
	return listing_json_text(buf_string(&plain));
}

static void
print_json(
	const struct selected *s, const struct catalog_item *item, const struct message_head *head)
{
	char received[CLOCK_TEXT_MAX];

	clock_format(s->row->received_ns, received);
	json_t *line = json_pack(
		"{s:I, s:o, s:s, s:o, s:s, s:s, s:I, s:o, s:I, s:o, s:o, s:o, s:o, "
		"s:o, s:o, s:o, s:o}",
		"number", (json_int_t)s->row->number, "mailbox",
		listing_json_text(s->mailbox->smtp), "part", catalog_part_name(s->mailbox->part),
		"folder", listing_json_text(s->folder->path), "received", received, "state",
		state_name(s->row->state), "bytes", (json_int_t)item->mime_bytes, "sha256",
		hash_or_null(item->mime_sha256, catalog_item_has_mime(item)), "native_bytes",
		(json_int_t)item->native_bytes, "native_sha256",
		hash_or_null(item->native_sha256, catalog_item_has_native(item)), "class",
		listing_json_text(item->class), "from", listing_json_text(head->from), "to",
		listing_json_text(head->to), "subject", listing_json_text(head->subject),
		"message_id", listing_json_text(head->message_id), "item_id",
		listing_json_text(item->server_id), "properties", properties_of(item));

	if (s->snippet != NULL)
		(void)json_object_set_new(line, "snippet", plain_snippet(s->snippet));
	deed_print_json(line);
}

/* One line; what was found is bright where that can be seen. */
static void
print_snippet(const char *snippet, bool bright)
{
	if (snippet == NULL || *snippet == '\0')
		return;
	(void)printf("%10s", "");
	while (*snippet != '\0') {
		const char marks[] = { SEARCH_MARK_ON, SEARCH_MARK_OFF, '\0' };
		size_t size = strcspn(snippet, marks);
		EXA_AUTO(exa_freep) char *piece = exa_strndup(snippet, size);

		if (size > 0 && strchr(" \t\r\n", piece[0]) != NULL)
			(void)putchar(' ');
		text_print(stdout, piece, 0);
		if (size > 1 && strchr(" \t\r\n", piece[size - 1]) != NULL)
			(void)putchar(' ');
		snippet += size;
		if (*snippet != '\0' && bright)
			(void)printf(*snippet == SEARCH_MARK_ON ? "\033[1m" : "\033[22m");
		snippet += *snippet != '\0';
	}
	(void)putchar('\n');
}

static void
print_row(const struct selected *s, const struct message_head *head)
{
	char received[CLOCK_TEXT_MAX], size[16];

	clock_format(s->row->received_ns, received);
	text_size(s->row->mime_bytes, size);
	(void)printf("%8llu  %-10.10s  %9s  ", (unsigned long long)s->row->number, received, size);
	text_mailbox(stdout, s->mailbox, 28);
	(void)printf("  ");
	text_print(stdout, s->folder->path, 20);
	(void)printf("  ");
	text_print(stdout, head->from, 24);
	(void)printf("  ");
	text_print(stdout, head->subject, 0);
	if (s->row->state != ITEM_LIVE)
		(void)printf("  (%s)", state_name(s->row->state));
	(void)putchar('\n');
}

/* What the index knows of it stands there all the same. */
static bool
list_damaged(struct listing *l, const struct selected *s, struct exa_error *err)
{
	char no_text[] = "(damaged)";
	char received[CLOCK_TEXT_MAX];

	if (err->code != EXA_CORRUPT && err->code != EXA_GONE)
		return exa_while(err, "item %llu", (unsigned long long)s->row->number);
	clock_format(s->row->received_ns, received);
	if (l->json) {
		deed_print_json(json_pack("{s:I, s:o, s:s, s:o, s:s, s:s, s:I, s:o}", "number",
			(json_int_t)s->row->number, "mailbox", listing_json_text(s->mailbox->smtp),
			"part", catalog_part_name(s->mailbox->part), "folder",
			listing_json_text(s->folder->path), "received", received, "state",
			state_name(s->row->state), "bytes", (json_int_t)s->row->mime_bytes,
			"damaged", listing_json_text(err->text)));
	} else {
		print_row(s, &(struct message_head){ .from = no_text, .subject = no_text });
		(void)fprintf(stderr, "exarch: item %llu is damaged: %s\n",
			(unsigned long long)s->row->number, err->text);
	}
	l->count++;
	l->damaged++;
	l->bytes += s->row->mime_bytes;
	return true;
}

/* Of an item without MIME the class stands in place of the subject. */
static void
print_native_only(const struct selected *s, const struct catalog_item *item)
{
	EXA_AUTO(exa_freep) char *what = exa_asprintf("(%s, native stream only)", item->class);
	char nobody[] = "";

	print_row(s, &(struct message_head){ .from = nobody, .subject = what });
}

static bool
print_item(struct listing *l, const struct selected *s, struct exa_error *err)
{
	struct message_head head = { 0 };
	struct catalog_item item;

	if (!catalog_item_read(l->reader, s->row, &l->scratch, &item, err))
		return false;
	if (catalog_item_has_mime(&item) && !message_head_read(l->reader, &item.recipe, &head, err))
		return false;
	if (l->json)
		print_json(s, &item, &head);
	else if (!catalog_item_has_mime(&item))
		print_native_only(s, &item);
	else
		print_row(s, &head);
	message_head_done(&head);
	if (!l->json)
		print_snippet(s->snippet, l->bright);
	return true;
}

static bool
list_item(void *ctx, const struct selected *s, struct exa_error *err)
{
	struct listing *l = ctx;

	if (l->most > 0 && l->count == l->most) {
		l->more = true;
		return exa_fail(err, EXA_CANCELLED, "enough");
	}
	if (!l->only_count && !print_item(l, s, err))
		return list_damaged(l, s, err);
	l->count++;
	l->bytes += s->row->mime_bytes;
	return true;
}

bool
listing_run(struct listing *l, const struct selection *selection, struct exa_error *err)
{
	if (!store_reader_new(catalog_store(l->catalog), &l->reader, err))
		return false;
	return selection_walk(l->catalog, selection, list_item, l, err) || l->more;
}

void
listing_end(const struct listing *l)
{
	char size[16];

	text_size(l->bytes, size);
	if (l->json && l->only_count)
		deed_print_json(json_pack("{s:I, s:I}", "count", (json_int_t)l->count, "bytes",
			(json_int_t)l->bytes));
	else if (l->only_count)
		(void)printf("%llu\n", (unsigned long long)l->count);
	else if (!l->json)
		(void)printf("%llu items, %s%s\n", (unsigned long long)l->count, size,
			l->more ? "; there are more: --limit or --all prints them" : "");
}

void
listing_done(struct listing *l)
{
	store_reader_freep(&l->reader);
	buf_done(&l->scratch);
	catalog_abandonp(&l->catalog);
}
