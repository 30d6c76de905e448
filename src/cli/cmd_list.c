/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include <jansson.h>

#include "exarch/clock.h"
#include "exarch/mem.h"
#include "key.h"
#include "select.h"
#include "text.h"

#define MESSAGE_UNSENT 0x8 /* of the message flags, 0x0E07: a draft */

struct listing {
	struct catalog *catalog;
	struct store_reader *reader;
	struct buf scratch;
	uint64_t limit, count, bytes, damaged;
	char no_text[sizeof "(damaged)"]; /* in place of what can't be read */
	bool json;
	bool enough;
};

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

static void
print_line(json_t *line)
{
	if (line != NULL) {
		(void)json_dumpf(line, stdout, JSON_COMPACT);
		(void)putchar('\n');
	}
	json_decref(line);
}

/* Texts of servers may be anything; JSON must be UTF-8. message_head gives UTF-8, the rest is
 * checked. */
static json_t *
text_or_null(const char *text)
{
	json_t *s = text != NULL ? json_string(text) : NULL;

	return s != NULL ? s : json_null();
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

		(void)json_array_append_new(list, text_or_null(line));
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

static void
print_json(
	const struct selected *s, const struct catalog_item *item, const struct message_head *head)
{
	char received[CLOCK_TEXT_MAX];

	clock_format(s->row->received_ns, received);
	print_line(json_pack("{s:I, s:o, s:s, s:o, s:s, s:s, s:I, s:o, s:I, s:o, s:o, s:o, s:o, "
			     "s:o, s:o, s:o, s:o}",
		"number", (json_int_t)s->row->number, "mailbox", text_or_null(s->mailbox->smtp),
		"part", catalog_part_name(s->mailbox->part), "folder",
		text_or_null(s->folder->path), "received", received, "state",
		state_name(s->row->state), "bytes", (json_int_t)item->mime_bytes, "sha256",
		hash_or_null(item->mime_sha256, catalog_item_has_mime(item)), "native_bytes",
		(json_int_t)item->native_bytes, "native_sha256",
		hash_or_null(item->native_sha256, catalog_item_has_native(item)), "class",
		text_or_null(item->class), "from", text_or_null(head->from), "to",
		text_or_null(head->to), "subject", text_or_null(head->subject), "message_id",
		text_or_null(head->message_id), "item_id", text_or_null(item->server_id),
		"properties", properties_of(item)));
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
	char received[CLOCK_TEXT_MAX];

	if (err->code != EXA_CORRUPT && err->code != EXA_GONE)
		return exa_while(err, "item %llu", (unsigned long long)s->row->number);
	clock_format(s->row->received_ns, received);
	if (l->json) {
		print_line(json_pack("{s:I, s:o, s:s, s:o, s:s, s:s, s:I, s:o}", "number",
			(json_int_t)s->row->number, "mailbox", text_or_null(s->mailbox->smtp),
			"part", catalog_part_name(s->mailbox->part), "folder",
			text_or_null(s->folder->path), "received", received, "state",
			state_name(s->row->state), "bytes", (json_int_t)s->row->mime_bytes,
			"damaged", text_or_null(err->text)));
	} else {
		print_row(s, &(struct message_head){ .from = l->no_text, .subject = l->no_text });
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
list_item(void *ctx, const struct selected *s, struct exa_error *err)
{
	struct listing *l = ctx;
	struct message_head head = { 0 };
	struct catalog_item item;

	if (l->count == l->limit) {
		l->enough = true;
		return exa_fail(err, EXA_CANCELLED, "enough");
	}
	if (!catalog_item_read(l->reader, s->row, &l->scratch, &item, err) ||
		(catalog_item_has_mime(&item) &&
			!message_head_read(l->reader, &item.recipe, &head, err)))
		return list_damaged(l, s, err);
	if (l->json)
		print_json(s, &item, &head);
	else if (!catalog_item_has_mime(&item))
		print_native_only(s, &item);
	else
		print_row(s, &head);
	message_head_done(&head);
	l->count++;
	l->bytes += s->row->mime_bytes;
	return true;
}

/* ---- --failed ---- */

struct failed_listing {
	struct listing *l;
	struct store_txn *txn;
	const struct selection *selection;
	const struct catalog_mailbox *mailbox;
	const struct catalog_folder *folder;
};

static void
print_failed_json(const struct failed_listing *f, const struct ledger_entry *e)
{
	char received[CLOCK_TEXT_MAX], again[CLOCK_TEXT_MAX];

	clock_format(e->received_ns, received);
	clock_format(e->not_before_ns > 0 ? e->not_before_ns : EXA_NO_TIME, again);
	print_line(json_pack("{s:o, s:s, s:o, s:o, s:o, s:s, s:o, s:i, s:s}", "mailbox",
		text_or_null(f->mailbox->smtp), "part", catalog_part_name(f->mailbox->part),
		"folder", text_or_null(f->folder->path), "item_id", text_or_null(e->server_id),
		"class", text_or_null(e->class), "received", received, "why", text_or_null(e->why),
		"attempts", (int)e->attempts, "not_before", again));
}

static bool
failed_entry(void *ctx, const struct catalog_key *key, const struct ledger_entry *e,
	struct exa_error *err)
{
	struct failed_listing *f = ctx;

	(void)key;
	(void)err;
	if (e->state != LEDGER_FAILED)
		return true;
	f->l->count++;
	if (f->l->json) {
		print_failed_json(f, e);
		return true;
	}
	text_mailbox(stdout, f->mailbox, 28);
	(void)printf("  ");
	text_print(stdout, f->folder->path, 20);
	(void)printf("  %u tries  ", e->attempts);
	text_print(stdout, e->why, 0);
	(void)printf("  (");
	text_print(stdout, e->server_id, 0);
	(void)printf(")\n");
	return true;
}

static bool
failed_folder(void *ctx, const struct catalog_folder *folder, struct exa_error *err)
{
	struct failed_listing *f = ctx;

	if (f->selection->folder != NULL && !pattern_matches(f->selection->folder, folder->path))
		return true;
	f->folder = folder;
	return catalog_each_open(
		f->txn, folder->mailbox, folder->number, NULL, failed_entry, f, err);
}

static bool
failed_mailbox(void *ctx, const struct catalog_mailbox *mailbox, struct exa_error *err)
{
	struct failed_listing *f = ctx;

	if (f->selection->mailbox != NULL && !pattern_matches(f->selection->mailbox, mailbox->smtp))
		return true;
	f->mailbox = mailbox;
	return catalog_each_folder(f->txn, mailbox->number, failed_folder, f, err);
}

static bool
list_failed(struct listing *l, const struct selection *selection, struct exa_error *err)
{
	EXA_AUTO(store_read_endp) struct store_txn *txn = NULL;
	struct failed_listing f = { .l = l, .selection = selection };

	if (!store_read_begin(catalog_store(l->catalog), &txn, err))
		return false;
	f.txn = txn;
	return catalog_each_mailbox(txn, failed_mailbox, &f, err);
}

/* ---- --expired ---- */

struct expired_listing {
	struct listing *l;
	struct store_txn *txn;
	const struct selection *selection;
	/* of the mailbox and folder looked up last */
	uint32_t mailbox, folder;
	struct buf address, path;
};

static bool
find_address(void *ctx, const struct catalog_mailbox *m, struct exa_error *err)
{
	struct expired_listing *x = ctx;

	(void)err;
	if (m->number == x->mailbox)
		buf_add_string(&x->address, m->smtp);
	return true;
}

static bool
find_path(void *ctx, const struct catalog_folder *f, struct exa_error *err)
{
	struct expired_listing *x = ctx;

	(void)err;
	if (f->number == x->folder)
		buf_add_string(&x->path, f->path);
	return true;
}

static bool
look_up_place(struct expired_listing *x, const struct catalog_key *key, struct exa_error *err)
{
	if (key->mailbox == x->mailbox && key->folder == x->folder)
		return true;
	x->mailbox = key->mailbox;
	x->folder = key->folder;
	buf_reset(&x->address);
	buf_reset(&x->path);
	return catalog_each_mailbox(x->txn, find_address, x, err) &&
	       catalog_each_folder(x->txn, x->mailbox, find_path, x, err);
}

static bool
is_selected(struct expired_listing *x, const struct catalog_expired *e)
{
	const struct selection *s = x->selection;

	return (s->mailbox == NULL || pattern_matches(s->mailbox, buf_string(&x->address))) &&
	       (s->folder == NULL || pattern_matches(s->folder, buf_string(&x->path))) &&
	       (s->from_ns == EXA_NO_TIME || e->received_ns >= s->from_ns) &&
	       (s->to_ns == EXA_NO_TIME ||
		       (e->received_ns != EXA_NO_TIME && e->received_ns < s->to_ns));
}

static void
print_expired(struct expired_listing *x, const struct catalog_expired *e)
{
	char received[CLOCK_TEXT_MAX], when[CLOCK_TEXT_MAX], size[16];

	clock_format(e->received_ns, received);
	clock_format(e->when_ns, when);
	if (x->l->json) {
		print_line(json_pack("{s:I, s:o, s:o, s:s, s:s, s:I, s:s, s:o}", "number",
			(json_int_t)e->number, "mailbox", text_or_null(buf_string(&x->address)),
			"folder", text_or_null(buf_string(&x->path)), "received", received, "state",
			"expired", "bytes", (json_int_t)e->mime_bytes, "expired", when, "rule",
			text_or_null(e->rule)));
		return;
	}
	text_size(e->mime_bytes, size);
	(void)printf("%8llu  %-10.10s  %9s  ", (unsigned long long)e->number, received, size);
	text_print(stdout, buf_string(&x->address), 28);
	(void)printf("  ");
	text_print(stdout, buf_string(&x->path), 20);
	(void)printf("  expired %s by rule ", when);
	text_print(stdout, e->rule, 0);
	(void)putchar('\n');
}

static bool
list_one_expired(void *ctx, const struct catalog_expired *e, struct exa_error *err)
{
	struct expired_listing *x = ctx;

	if (!look_up_place(x, &e->key, err))
		return false;
	if (!is_selected(x, e))
		return true;
	if (x->l->count == x->l->limit) {
		x->l->enough = true;
		return exa_fail(err, EXA_CANCELLED, "enough");
	}
	print_expired(x, e);
	x->l->count++;
	x->l->bytes += e->mime_bytes;
	return true;
}

static bool
list_expired(struct listing *l, const struct selection *selection, struct exa_error *err)
{
	EXA_AUTO(store_read_endp) struct store_txn *txn = NULL;
	struct expired_listing x = { .l = l, .selection = selection };
	bool good;

	if (!store_read_begin(catalog_store(l->catalog), &txn, err))
		return false;
	x.txn = txn;
	good = catalog_each_expired(txn, list_one_expired, &x, err) || l->enough;
	buf_done(&x.address);
	buf_done(&x.path);
	if (good && !l->json)
		(void)printf("%llu items\n", (unsigned long long)l->count);
	return good;
}

/* ---- the verb ---- */

static bool
list_all(struct listing *l, const struct selection *selection, bool failed, struct exa_error *err)
{
	char size[16];

	if (failed)
		return list_failed(l, selection, err);
	if (!store_reader_new(catalog_store(l->catalog), &l->reader, err) ||
		(!selection_walk(l->catalog, selection, list_item, l, err) && !l->enough))
		return false;
	text_size(l->bytes, size);
	if (!l->json)
		(void)printf("%llu items, %s\n", (unsigned long long)l->count, size);
	return true;
}

int
cmd_list(const struct args *args)
{
	struct listing l = {
		.limit = UINT64_MAX, .json = args->value[OPT_JSON] != NULL, .no_text = "(damaged)"
	};
	struct selection selection;
	struct exa_error err;
	bool good;

	if (args->value[OPT_LIMIT] != NULL &&
		!number_read(args->value[OPT_LIMIT], &l.limit, &err)) {
		(void)exa_while(&err, "--limit");
		return fail_with(&err);
	}
	if (!select_read(args, &selection, &err))
		return fail_with(&err);
	good = archive_open(args, (struct store_open_options){ .access = STORE_READ }, &l.catalog,
		       &err) &&
	       (args->value[OPT_EXPIRED] != NULL
			       ? list_expired(&l, &selection, &err)
			       : list_all(&l, &selection, args->value[OPT_FAILED] != NULL, &err));
	store_reader_free(l.reader);
	buf_done(&l.scratch);
	catalog_abandonp(&l.catalog);
	selection_done(&selection);
	if (!good)
		return fail_with(&err);
	return l.damaged > 0 ? EXIT_CORRUPT : EXIT_DONE;
}
