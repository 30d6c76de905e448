/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One answer can be written in many ways that all mean the same. Each answer here is read as it is in the fixtures, then
 * written anew in every way that XML allows, and read again: in one piece, in pieces of some sizes, cut at each byte, with
 * the short cut past the parser and without. The operation must be told the same each time, to the last byte.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <libxml/parser.h>

#include "exarch/clock.h"
#include "exarch/mem.h"

#include "feed.h"
#include "filter.h"
#include "folder.h"
#include "items.h"
#include "soap.h"
#include "sync_items.h"

/* ---- what the operations are told ---- */

static bool
on_begin(void *ctx, size_t index, struct exa_error *err)
{
	(void)err;
	buf_printf(ctx, "begin %zu\n", index);
	return true;
}

static bool
on_mime(void *ctx, size_t index, struct bytes mime, struct exa_error *err)
{
	(void)index;
	(void)err;
	buf_add_bytes(ctx, mime);
	return true;
}

static bool
on_end(void *ctx, size_t index, const struct ews_item *item, struct exa_error *err)
{
	(void)err;
	buf_printf(ctx, "end %zu %s/%s %s %s %s %lld %lld %lld %lld %lld %lld %d %d %d %llu ",
		index, item->id, item->change_key, item->class, item->internet_message_id,
		item->categories, (long long)item->size_bytes, (long long)item->received_ns,
		(long long)item->sent_ns, (long long)item->created_ns, (long long)item->modified_ns,
		(long long)item->message_flags, item->is_read, item->has_attachments,
		item->flag_status, (unsigned long long)item->mime_bytes);
	buf_add_bytes(ctx, item->search_key);
	buf_add_byte(ctx, '\n');
	return true;
}

static void
add_error(struct buf *journal, const struct exa_error *e)
{
	buf_printf(journal, "%s %s '%s' %u\n", exa_code_name(e->code), e->name, e->text,
		(unsigned)e->retry_after_ms);
}

static bool
on_failed(void *ctx, size_t index, const struct exa_error *why, struct exa_error *err)
{
	(void)err;
	buf_printf(ctx, "failed %zu ", index);
	add_error(ctx, why);
	return true;
}

static bool
on_answered(void *ctx, size_t index, const struct exa_error *why, struct exa_error *err)
{
	if (why != NULL)
		return on_failed(ctx, index, why, err);
	buf_printf(ctx, "done %zu\n", index);
	return true;
}

static bool
on_change(void *ctx, const struct ews_change *c, struct exa_error *err)
{
	(void)err;
	buf_printf(ctx, "change %d %s/%s %s %lld %lld %d\n", (int)c->kind, c->id, c->change_key,
		c->class, (long long)c->size_bytes, (long long)c->received_ns, c->is_read);
	return true;
}

static bool
on_folder(void *ctx, const struct ews_folder *f, struct exa_error *err)
{
	(void)err;
	buf_printf(ctx, "folder %s in %s '%s' %s %d %d %d %lld %lld %lld\n", f->id, f->parent_id,
		f->name, f->class, (int)f->role, f->hidden, f->search_folder,
		(long long)f->total_count, (long long)f->size_bytes, (long long)f->changed_ns);
	return true;
}

/* ---- the answers ---- */

enum operation { GET_ITEMS, EXPORT_ITEMS, DELETE_ITEMS, SYNC_ITEMS, FIND_FOLDER, GET_FOLDER };

static const struct answer_case {
	enum operation operation;
	size_t expected;
	const char *fixture; /* NULL: `messages` of `response` */
	const char *response, *messages;
} cases[] = {
	{ .operation = GET_ITEMS, .expected = 5, .fixture = "get_items_mixed.xml" },
	{ .operation = SYNC_ITEMS, .expected = 1, .fixture = "sync_items_page.xml" },
	{ .operation = SYNC_ITEMS, .expected = 1, .fixture = "sync_items_stale.xml" },
	{ .operation = FIND_FOLDER, .expected = 1, .fixture = "find_folder_page.xml" },
	{ .operation = GET_FOLDER, .expected = 1, .fixture = "get_folder.xml" },
	{ .operation = GET_ITEMS, .expected = 1, .fixture = "fault_busy.xml" },
	{ .operation = SYNC_ITEMS, .expected = 1, .fixture = "fault_no_mailbox.xml" },
	{ .operation = EXPORT_ITEMS,
		.expected = 2,
		.response = "ExportItems",
		.messages = "<m:ExportItemsResponseMessage "
			    "ResponseClass='Success'><m:ResponseCode>NoError</m:ResponseCode>"
			    "<m:ItemId Id='AAE=' "
			    "ChangeKey='CQ='/><m:Data>AQAAAAEAAADa+w==</m:Data></"
			    "m:ExportItemsResponseMessage>"
			    "<m:ExportItemsResponseMessage ResponseClass='Error'><m:MessageText>No "
			    "&lt;such&gt; thing &amp; more."
			    "</m:MessageText><m:ResponseCode>ErrorItemNotFound</m:ResponseCode></"
			    "m:ExportItemsResponseMessage>" },
	{ .operation = DELETE_ITEMS,
		.expected = 2,
		.response = "DeleteItem",
		.messages = "<m:DeleteItemResponseMessage "
			    "ResponseClass='Success'><m:ResponseCode>NoError</m:ResponseCode>"
			    "</m:DeleteItemResponseMessage><m:DeleteItemResponseMessage "
			    "ResponseClass='Error'><m:MessageText>"
			    "Z\xc3\xbcrich "
			    "\xf0\x9f\x98\x80</"
			    "m:MessageText><m:ResponseCode>ErrorCannotDeleteObject</m:ResponseCode>"
			    "</m:DeleteItemResponseMessage>" },
};

#define CASE_COUNT (sizeof cases / sizeof cases[0])

static void
load_case(const struct answer_case *c, struct buf *out)
{
	if (c->fixture != NULL)
		load_fixture(c->fixture, out);
	else
		wrap_messages(out, c->response, c->messages);
}

typedef bool feeder(const struct answer_spec *spec, void *ctx, size_t expected, struct bytes text,
	size_t chunk, struct exa_error *err);

static bool
read_items(const struct answer_spec *spec, size_t expected, struct bytes text, size_t chunk,
	feeder *how, struct buf *journal, struct exa_error *err)
{
	const struct ews_item_handler handler = { on_begin, on_mime, on_end, on_failed, journal };
	EXA_AUTO(items_reader_done) struct items_reader reader = { 0 };

	items_reader_init(&reader, &handler);
	return how(spec, &reader, expected, text, chunk, err);
}

static bool
read_deleted(size_t expected, struct bytes text, size_t chunk, feeder *how, struct buf *journal,
	struct exa_error *err)
{
	struct ews_delete_handler handler = { .answered = on_answered, .ctx = journal };

	return how(&delete_items_spec, &handler, expected, text, chunk, err);
}

static bool
read_changes(size_t expected, struct bytes text, size_t chunk, feeder *how, struct buf *journal,
	struct exa_error *err)
{
	const struct ews_change_sink sink = { on_change, journal };
	EXA_AUTO(sync_reader_done) struct sync_reader reader = { .sink = &sink, .last = -1 };
	EXA_AUTO(buf_done) struct buf sync_state = { 0 };
	bool last;

	if (!how(&sync_items_spec, &reader, expected, text, chunk, err) ||
		!sync_items_result(&reader, &sync_state, &last, err))
		return false;
	buf_printf(journal, "state %s last %d\n", buf_string(&sync_state), last);
	return true;
}

static bool
read_folders(const struct answer_case *c, struct bytes text, size_t chunk, feeder *how,
	struct buf *journal, struct exa_error *err)
{
	const bool one = c->operation == GET_FOLDER;
	const struct ews_folder_sink sink = { on_folder, journal };
	EXA_AUTO(folder_reader_done) struct folder_reader reader = { .sink = &sink };
	int64_t next = -1;

	if (!how(one ? &get_folder_spec : &find_folder_spec, &reader, c->expected, text, chunk,
		    err))
		return false;
	if (one ? !get_folder_result(&reader, err) : !find_folder_result(&reader, 0, &next, err))
		return false;
	buf_printf(journal, "next %lld\n", (long long)next);
	return true;
}

/* All that is told of TEXT, and how it ended. */
static void
read_case(const struct answer_case *c, struct bytes text, size_t chunk, feeder *how,
	struct buf *journal)
{
	struct exa_error err = { 0 };
	bool good = false;

	switch (c->operation) {
	case GET_ITEMS:
		good = read_items(&get_items_spec, c->expected, text, chunk, how, journal, &err);
		break;
	case EXPORT_ITEMS:
		good = read_items(&export_items_spec, c->expected, text, chunk, how, journal, &err);
		break;
	case DELETE_ITEMS:
		good = read_deleted(c->expected, text, chunk, how, journal, &err);
		break;
	case SYNC_ITEMS:
		good = read_changes(c->expected, text, chunk, how, journal, &err);
		break;
	case FIND_FOLDER:
	case GET_FOLDER:
		good = read_folders(c, text, chunk, how, journal, &err);
		break;
	}
	if (good)
		buf_add_string(journal, "good\n");
	else
		add_error(journal, &err);
}

/* ---- spellings ---- */

enum text_style {
	TEXT_PLAIN,
	TEXT_HEX,
	TEXT_DECIMAL,
	TEXT_CDATA,
	TEXT_CDATA_EACH,
	TEXT_COMMENTS,
	TEXT_TURNS
};
enum names { NAMES_AS_SENT, NAMES_OTHER, NAMES_DEFAULT };

static const struct spelling {
	enum text_style text;
	enum names names;
	bool single_quotes, attribute_references, attributes_reversed, more_attributes;
	bool spaces_in_tags, empty_as_pair,
		between; /* comments, instructions, white space between elements */
	const char *prologue;
} spellings[] = {
	{ .prologue = "" },
	{ .prologue = "<?xml version='1.0'?>\r\n\r\n",
		.names = NAMES_OTHER,
		.single_quotes = true },
	{ .prologue = "\xef\xbb\xbf", .names = NAMES_DEFAULT, .attributes_reversed = true },
	{ .prologue = "\xef\xbb\xbf<?xml version=\"1.0\" encoding=\"UTF-8\" standalone=\"yes\"?>",
		.text = TEXT_HEX },
	{ .prologue = "<?xml version=\"1.0\" encoding=\"utf-16\"?>",
		.text = TEXT_DECIMAL,
		.attribute_references = true },
	{ .prologue = "", .text = TEXT_CDATA, .spaces_in_tags = true, .empty_as_pair = true },
	{ .prologue = "", .text = TEXT_CDATA_EACH, .names = NAMES_DEFAULT },
	{ .prologue = "<!-- <s:Envelope> -->", .text = TEXT_COMMENTS, .between = true },
	{ .prologue = "<?a b?>",
		.text = TEXT_TURNS,
		.names = NAMES_OTHER,
		.between = true,
		.more_attributes = true,
		.single_quotes = true,
		.attribute_references = true,
		.attributes_reversed = true,
		.spaces_in_tags = true,
		.empty_as_pair = true },
};

#define SPELLING_COUNT (sizeof spellings / sizeof spellings[0])

static void
spell_character(struct buf *out, enum text_style style, const xmlChar *c, int size, size_t number)
{
	int length = size;
	const int code = xmlGetUTF8Char(c, &length);
	const bool is_special = size == 1 && strchr("<>&\r", *c) != NULL;

	if (style == TEXT_TURNS)
		style = (enum text_style)(number % TEXT_TURNS);
	switch (style) {
	case TEXT_HEX:
		buf_printf(out, number % 2 == 0 ? "&#x%x;" : "&#x00%X;", (unsigned)code);
		return;
	case TEXT_DECIMAL:
		buf_printf(out, "&#%d;", code);
		return;
	case TEXT_CDATA_EACH:
		if (*c == '\r')
			break;
		buf_printf(out, "<![CDATA[%.*s]]>", size, (const char *)c);
		return;
	case TEXT_COMMENTS:
		buf_add_string(out, number % 2 == 0 ? "<!--&#x1;]]>-->" : "<?and so?>");
		break;
	case TEXT_PLAIN:
	case TEXT_CDATA:
	case TEXT_TURNS:
		break;
	}
	if (is_special)
		buf_printf(out, "&#%d;", code);
	else
		buf_add(out, c, (size_t)size);
}

/* NUMBER goes on from text to text, so that not every text begins alike. */
static void
spell_text(struct buf *out, const struct spelling *s, const xmlChar *text, size_t *number)
{
	if (s->text == TEXT_CDATA && strstr((const char *)text, "]]>") == NULL &&
		strchr((const char *)text, '\r') == NULL) {
		buf_printf(out, "<![CDATA[%s]]>", (const char *)text);
		return;
	}
	while (*text != '\0') {
		int size = 1;

		while ((text[size] & 0xc0) == 0x80)
			size++;
		spell_character(out, s->text, text, size, (*number)++);
		text += size;
	}
}

static void
spell_attribute(struct buf *out, const struct spelling *s, const char *name, const xmlChar *value)
{
	const char quote = s->single_quotes ? '\'' : '"';

	buf_printf(out, "%s%s%s=%s%c", s->spaces_in_tags ? "\n\t " : " ", name,
		s->spaces_in_tags ? " " : "", s->spaces_in_tags ? "\r\n" : "", quote);
	for (; *value != '\0'; value++) {
		if (*value < 0x80 &&
			(s->attribute_references || strchr("<>&\"'\r\n\t", *value) != NULL))
			buf_printf(out, "&#x%x;", (unsigned)*value);
		else
			buf_add_byte(out, *value);
	}
	buf_add_byte(out, (uint8_t)quote);
}

static void
spell_attributes(struct buf *out, const struct spelling *s, const xmlNode *node)
{
	const xmlAttr *a = node->properties;

	if (s->more_attributes)
		spell_attribute(out, s, "zz", (const xmlChar *)"Id='Success'");
	while (s->attributes_reversed && a != NULL && a->next != NULL)
		a = a->next;
	for (; a != NULL; a = s->attributes_reversed ? a->prev : a->next)
		spell_attribute(out, s, (const char *)a->name,
			a->children == NULL ? (const xmlChar *)"" : a->children->content);
}

/* The prefix that NODE gets, with its colon. */
static void
spell_prefix(const struct spelling *s, const xmlNode *node, char out[static 32])
{
	const char *sent =
		node->ns != NULL && node->ns->prefix != NULL ? (const char *)node->ns->prefix : "";

	out[0] = '\0';
	if (node->ns == NULL || s->names == NAMES_DEFAULT)
		return;
	if (s->names == NAMES_OTHER)
		(void)snprintf(out, 32, "ns%zu.s:", strlen((const char *)node->ns->href));
	else if (*sent != '\0')
		(void)snprintf(out, 32, "%s:", sent);
}

static void
spell_element(struct buf *out, const struct spelling *s, const xmlNode *node, size_t *number)
{
	char prefix[32];
	const char *space = s->spaces_in_tags ? " \n" : "";

	spell_prefix(s, node, prefix);
	buf_printf(out, "<%s%s", prefix, (const char *)node->name);
	spell_attributes(out, s, node);
	buf_printf(out, " xmlns%s%.*s=\"%s\"", *prefix != '\0' ? ":" : "",
		*prefix != '\0' ? (int)strlen(prefix) - 1 : 0, prefix,
		node->ns != NULL ? (const char *)node->ns->href : "");
	if (node->children == NULL && !s->empty_as_pair) {
		buf_printf(out, "%s/>", space);
		return;
	}
	buf_printf(out, "%s>", space);
	for (const xmlNode *n = node->children; n != NULL; n = n->next) {
		if (n->type == XML_ELEMENT_NODE) {
			if (s->between)
				buf_add_string(out, " \n<!-- <t:ItemId Id='x'/> -->\t<?m:Items?>");
			spell_element(out, s, n, number);
		} else {
			spell_text(out, s, n->content, number);
		}
	}
	buf_printf(out, "</%s%s%s>", prefix, (const char *)node->name, space);
}

/* What XML forbids is replaced first, as filter_test.c has it: it can't be spelt in another way. */
static void
spell(struct buf *out, const struct spelling *s, const struct buf *text)
{
	EXA_AUTO(buf_done) struct buf legal = { 0 };
	struct filter filter = { 0 };
	size_t number = 0;
	xmlDoc *doc;

	filter_feed(&filter, buf_bytes(text), &legal);
	filter_finish(&filter, &legal);
	doc = xmlReadMemory((const char *)legal.data, (int)legal.size, NULL, NULL,
		XML_PARSE_NONET | XML_PARSE_NOENT);
	assert_non_null(doc);
	buf_add_string(out, s->prologue);
	spell_element(out, s, xmlDocGetRootElement(doc), &number);
	buf_add_string(out, "\n");
	xmlFreeDoc(doc);
}

/* ---- tests ---- */

static void
assert_told(const struct answer_case *c, struct bytes text, size_t chunk, feeder *how,
	const struct buf *told)
{
	EXA_AUTO(buf_done) struct buf journal = { 0 };

	read_case(c, text, chunk, how, &journal);
	if (!bytes_equal(buf_bytes(&journal), buf_bytes(told)))
		fail_msg("in pieces of %zu:\n%.*s\ntells\n%s\nand not\n%s", chunk, (int)text.size,
			(const char *)text.data, buf_string(&journal), (const char *)told->data);
}

static void
however_an_answer_is_written_it_says_the_same(void **state)
{
	static const size_t chunks[] = { FEED_WHOLE, 1, 2, 3, 5, 7, 64, 1000 };

	(void)state;
	for (size_t i = 0; i < CASE_COUNT * SPELLING_COUNT; i++) {
		const struct answer_case *c = &cases[i / SPELLING_COUNT];
		EXA_AUTO(buf_done) struct buf sent = { 0 };
		EXA_AUTO(buf_done) struct buf told = { 0 };
		EXA_AUTO(buf_done) struct buf spelt = { 0 };

		load_case(c, &sent);
		read_case(c, buf_bytes(&sent), FEED_WHOLE, feed, &told);
		(void)buf_string(&told);
		spell(&spelt, &spellings[i % SPELLING_COUNT], &sent);
		for (size_t n = 0; n < sizeof chunks / sizeof chunks[0]; n++) {
			assert_told(c, buf_bytes(&spelt), chunks[n], feed, &told);
			assert_told(c, buf_bytes(&spelt), chunks[n], feed_plain, &told);
		}
	}
}

static size_t cut_at;

/* In two pieces. */
static bool
feed_cut(const struct answer_spec *spec, void *ctx, size_t expected, struct bytes text,
	size_t chunk, struct exa_error *err)
{
	EXA_AUTO(answer_freep) struct answer *answer = NULL;

	(void)chunk;
	return answer_new(spec, ctx, expected, &answer, err) &&
	       answer_feed(answer, bytes_take(text, cut_at), err) &&
	       answer_feed(answer, bytes_skip(text, cut_at), err) && answer_finish(answer, err);
}

static void
wherever_the_pieces_end_it_says_the_same(void **state)
{
	(void)state;
	for (size_t i = 0; i < CASE_COUNT; i++) {
		EXA_AUTO(buf_done) struct buf sent = { 0 };
		EXA_AUTO(buf_done) struct buf told = { 0 };

		load_case(&cases[i], &sent);
		read_case(&cases[i], buf_bytes(&sent), FEED_WHOLE, feed, &told);
		(void)buf_string(&told);
		for (cut_at = 0; cut_at <= sent.size; cut_at++)
			assert_told(&cases[i], buf_bytes(&sent), cut_at, feed_cut, &told);
	}
}

/* The journals that the others are compared with hold something, and not all the same. */
static void
each_answer_says_something(void **state)
{
	static const char *const words[CASE_COUNT] = { "Z\xc3\xbcrich", "change ", "stale",
		"folder ", "folder ", "throttled", "ErrorNonExistentMailbox",
		"No <such> thing & more.", "Z\xc3\xbcrich \xf0\x9f\x98\x80" };

	(void)state;
	for (size_t i = 0; i < CASE_COUNT; i++) {
		EXA_AUTO(buf_done) struct buf sent = { 0 };
		EXA_AUTO(buf_done) struct buf told = { 0 };

		load_case(&cases[i], &sent);
		read_case(&cases[i], buf_bytes(&sent), FEED_WHOLE, feed, &told);
		if (memmem(told.data, told.size, words[i], strlen(words[i])) == NULL)
			fail_msg("%zu tells %s", i, buf_string(&told));
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_answer_says_something),
		cmocka_unit_test(however_an_answer_is_written_it_says_the_same),
		cmocka_unit_test(wherever_the_pieces_end_it_says_the_same),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
