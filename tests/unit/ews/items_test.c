/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

#include <cmocka.h>

#include "exarch/clock.h"
#include "exarch/mem.h"

#include "feed.h"
#include "items.h"
#include "soap.h"

#define MIXED_COUNT 5

/* ---- a handler that writes down what it is told ---- */

struct journal {
	struct buf lines;
	struct buf mime;
	size_t largest_piece;
	uint64_t mime_bytes;
	size_t ends;
	bool keep; /* the content too */
	bool refuse_mime;
	bool plain; /* no short cut past the parser */
};

static void
journal_done(struct journal *j)
{
	buf_done(&j->lines);
	buf_done(&j->mime);
}

static bool
on_begin(void *ctx, size_t index, struct exa_error *err)
{
	struct journal *j = ctx;

	(void)err;
	buf_reset(&j->mime);
	buf_printf(&j->lines, "begin %zu\n", index);
	return true;
}

static bool
on_mime(void *ctx, size_t index, struct bytes mime, struct exa_error *err)
{
	struct journal *j = ctx;

	(void)index;
	assert_true(mime.size > 0);
	if (j->refuse_mime)
		return exa_fail(err, EXA_IO, "the disk is full");
	if (mime.size > j->largest_piece)
		j->largest_piece = mime.size;
	j->mime_bytes += mime.size;
	if (j->keep)
		buf_add_bytes(&j->mime, mime);
	return true;
}

static bool
on_end(void *ctx, size_t index, const struct ews_item *item, struct exa_error *err)
{
	struct journal *j = ctx;
	char received[CLOCK_TEXT_MAX], sent[CLOCK_TEXT_MAX], created[CLOCK_TEXT_MAX],
		modified[CLOCK_TEXT_MAX];

	(void)err;
	clock_format(item->received_ns, received);
	clock_format(item->sent_ns, sent);
	clock_format(item->created_ns, created);
	clock_format(item->modified_ns, modified);
	if (j->keep)
		assert_int_equal(item->mime_bytes, j->mime.size);
	buf_printf(&j->lines,
		"end %zu %s/%s class=%s id=%s categories=%s size=%lld received=%s sent=%s "
		"created=%s modified=%s flags=%lld read=%d attachments=%d flag=%d key=%zu "
		"mime=%s\n",
		index, item->id, item->change_key, item->class, item->internet_message_id,
		item->categories, (long long)item->size_bytes, received, sent, created, modified,
		(long long)item->message_flags, item->is_read, item->has_attachments,
		item->flag_status, item->search_key.size, j->keep ? buf_string(&j->mime) : "");
	j->ends++;
	return true;
}

static bool
on_failed(void *ctx, size_t index, const struct exa_error *why, struct exa_error *err)
{
	struct journal *j = ctx;

	(void)err;
	buf_printf(&j->lines, "failed %zu %s %s %u\n", index, exa_code_name(why->code), why->name,
		(unsigned)why->retry_after_ms);
	return true;
}

static bool
run(struct journal *j, size_t expected, struct bytes text, size_t chunk, struct exa_error *err)
{
	const struct ews_item_handler handler = { on_begin, on_mime, on_end, on_failed, j };
	EXA_AUTO(items_reader_done) struct items_reader reader = { 0 };

	items_reader_init(&reader, &handler);
	return (j->plain ? feed_plain : feed)(&get_items_spec, &reader, expected, text, chunk, err);
}

/* Runs MESSAGES (inside the usual envelope), checks the journal and the result. */
static void
assert_journal(size_t expected, const char *messages, enum exa_code code, const char *lines)
{
	EXA_AUTO(buf_done) struct buf text = { 0 };
	EXA_AUTO(journal_done) struct journal j = { .keep = true };
	struct exa_error err = { 0 };

	wrap_messages(&text, "GetItem", messages);
	if (run(&j, expected, buf_bytes(&text), FEED_WHOLE, &err) != (code == EXA_OK) ||
		err.code != code)
		fail_msg("%s: %s", exa_code_name(err.code), err.text);
	assert_string_equal(buf_string(&j.lines), lines);
}

/* ---- tests ---- */

static const char mixed_lines[] =
	"begin 0\n"
	"end 0 AAEone=/CQAone class=IPM.Note id=<one@example.org> categories=Blue & green\n"
	"Z\xc3\xbcrich size=2048 received=2025-03-04T05:06:07Z sent=2025-03-04T05:06:00Z "
	"created=2025-03-04T05:06:08Z modified=2025-03-05T00:00:00Z flags=17 read=1 attachments=1 "
	"flag=2 key=4 mime=Subject: one\r\n\r\nFirst letter.\r\n\n"
	"failed 1 gone ErrorItemNotFound 0\n"
	"begin 2\n"
	"end 2 AAEtask=/EwAtask class=IPM.Task id= categories= size=-1 received= sent= created= "
	"modified= flags=-1 read=-1 attachments=-1 flag=-1 key=0 mime=\n"
	"failed 3 throttled ErrorServerBusy 4500\n"
	"failed 4 net ErrorBatchProcessingStopped 0\n";

static void
a_batch_is_matched_by_position_in_any_chunking(void **state)
{
	EXA_AUTO(buf_done) struct buf text = { 0 };

	(void)state;
	load_fixture("get_items_mixed.xml", &text);
	for (size_t chunk = 1; chunk <= text.size; chunk += chunk < 80 ? 1 : 97) {
		EXA_AUTO(journal_done) struct journal j = { .keep = true };
		struct exa_error err;

		if (!run(&j, MIXED_COUNT, buf_bytes(&text), chunk, &err))
			fail_msg("chunks of %zu: %s", chunk, err.text);
		assert_string_equal(buf_string(&j.lines), mixed_lines);
	}
}

static void
prefixes_make_no_difference(void **state)
{
	EXA_AUTO(buf_done) struct buf text = { 0 };
	EXA_AUTO(journal_done) struct journal j = { .keep = true };
	struct exa_error err;

	(void)state;
	load_fixture("get_items_mixed.xml", &text);
	replace_all(&text, "xmlns:m=", "xmlns=");
	replace_all(&text, "<m:", "<");
	replace_all(&text, "</m:", "</");
	replace_all(&text, "xmlns:t=", "xmlns:soap=");
	replace_all(&text, "<t:", "<soap:");
	replace_all(&text, "</t:", "</soap:");
	assert_true(run(&j, MIXED_COUNT, buf_bytes(&text), FEED_WHOLE, &err));
	assert_string_equal(buf_string(&j.lines), mixed_lines);
}

static void
elements_of_other_namespaces_and_places_mean_nothing(void **state)
{
	(void)state;
	assert_journal(1,
		"<m:GetItemResponseMessage ResponseClass='Success'><m:Items><t:Message>"
		"<x:MimeContent xmlns:x='urn:x'>WFhY</x:MimeContent>"
		"<t:Attachments><t:ItemAttachment><t:Message><t:MimeContent>WVlZ</t:MimeContent>"
		"<t:ItemId Id='other'/></t:Message></t:ItemAttachment></t:Attachments>"
		"<t:ItemId Id='i'/></t:Message></m:Items></m:GetItemResponseMessage>",
		EXA_OK,
		"begin 0\nend 0 i/ class= id= categories= size=-1 received= sent= created= "
		"modified= flags=-1 read=-1 attachments=-1 flag=-1 key=0 mime=\n");
}

#define ITEM(content)                                                      \
	"<m:GetItemResponseMessage "                                       \
	"ResponseClass='Success'><m:Items><t:Item><t:MimeContent>" content \
	"</t:MimeContent><t:ItemId Id='i'/></t:Item></m:Items></m:GetItemResponseMessage>"
#define END(index, mime)                                                                      \
	"end " index " i/ class= id= categories= size=-1 received= sent= created= modified= " \
	"flags=-1 read=-1 attachments=-1 flag=-1 key=0 mime=" mime "\n"

static void
content_may_hold_white_space_references_and_cdata(void **state)
{
	static const char *const forms[] = { "SGVsbG8=", " SG\r\n Vs\tbG 8 = \n",
		"SGV&#115;bG8=", "<![CDATA[SGVsbG8=]]>", "SGVs<![CDATA[bG8=]]>",
		"SGV<!-- -->sbG8=", "S&#xA;GVsbG8&#61;" };

	(void)state;
	for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++) {
		EXA_AUTO(exa_freep)
		char *messages = exa_asprintf(
			"<m:GetItemResponseMessage ResponseClass='Success'><m:Items><t:Item>"
			"<t:MimeContent>%s</t:MimeContent><t:ItemId Id='i'/></t:Item></m:Items>"
			"</m:GetItemResponseMessage>",
			forms[i]);

		assert_journal(1, messages, EXA_OK, "begin 0\n" END("0", "Hello"));
	}
}

static void
bad_base64_costs_that_item_alone(void **state)
{
	(void)state;
	assert_journal(5,
		ITEM("SGVsbG8=") ITEM("SGV*bG8=") ITEM("SGVsb") ITEM("SGVsbG8=SGVs")
			ITEM("SGVsbG8="),
		EXA_OK,
		"begin 0\n" END("0", "Hello") "begin 1\nfailed 1 protocol  0\n"
					      "begin 2\nfailed 2 protocol  0\n"
					      "begin 3\nfailed 3 protocol  0\n"
					      "begin 4\n" END("4", "Hello"));
}

/* Content in all the forms XML allows, and what looks like content but isn't. */
static void
the_short_cut_past_the_parser_changes_nothing(void **state)
{
	static const char messages[] = ITEM("SGVsbG8=") ITEM("") ITEM("SG&#86;s\r\nbG8=")
		ITEM("<![CDATA[SGVsbG8=]]>") ITEM("SG<!-- MimeContent > SGVs -->VsbG8=") ITEM(
			"SGVs<MimeContent>x</MimeContent>bG8=") ITEM("SGVs<x MimeContent='>'/>bG8=")
			ITEM("<?MimeContent > ?>SGVsbG8=") ITEM("SGV\x01bG8=") ITEM("S&#xD83D;GVs")
				ITEM("SGVs<![CDATA[MimeContent>]]>bG8=") ITEM("SGVsbG8=");
	const size_t count = 12;
	EXA_AUTO(buf_done) struct buf text = { 0 };
	EXA_AUTO(journal_done) struct journal oracle = { .keep = true, .plain = true };
	struct exa_error err;

	(void)state;
	wrap_messages(&text, "GetItem", messages);
	if (!run(&oracle, count, buf_bytes(&text), FEED_WHOLE, &err))
		fail_msg("%s", err.text);
	for (size_t chunk = 1; chunk < text.size; chunk += chunk < 300 ? 1 : 61) {
		EXA_AUTO(journal_done) struct journal j = { .keep = true };

		if (!run(&j, count, buf_bytes(&text), chunk, &err))
			fail_msg("chunks of %zu: %s", chunk, err.text);
		assert_string_equal(buf_string(&j.lines), buf_string(&oracle.lines));
	}
}

static void
a_success_without_an_item_is_that_items_failure(void **state)
{
	(void)state;
	assert_journal(2,
		"<m:GetItemResponseMessage ResponseClass='Success'><m:Items/>"
		"</m:GetItemResponseMessage>" ITEM(""),
		EXA_OK, "failed 0 protocol  0\nbegin 1\n" END("1", ""));
}

static void
an_unknown_code_is_an_answer_that_is_not_understood(void **state)
{
	(void)state;
	assert_journal(2,
		"<m:GetItemResponseMessage ResponseClass='Error'><m:ResponseCode>"
		"ErrorNobodyHeardOf</m:ResponseCode></m:GetItemResponseMessage>"
		"<m:GetItemResponseMessage/>",
		EXA_OK, "failed 0 protocol ErrorNobodyHeardOf 0\nfailed 1 protocol  0\n");
}

static void
the_count_of_answers_must_be_that_of_the_questions(void **state)
{
	(void)state;
	assert_journal(2, ITEM("SGVsbG8="), EXA_PROTOCOL, "begin 0\n" END("0", "Hello"));
	assert_journal(
		1, ITEM("SGVsbG8=") ITEM("SGVsbG8="), EXA_PROTOCOL, "begin 0\n" END("0", "Hello"));
	assert_journal(1, "", EXA_PROTOCOL, "");
}

static void
an_answer_cut_anywhere_ends_no_item_that_was_not_complete(void **state)
{
	EXA_AUTO(buf_done) struct buf text = { 0 };
	const char *whole;

	(void)state;
	load_fixture("get_items_mixed.xml", &text);
	while (text.data[text.size - 1] != '>')
		text.size--;
	whole = buf_string(&text);
	for (size_t size = 0; size < text.size; size++) {
		EXA_AUTO(journal_done) struct journal j = { .keep = true };
		struct exa_error err = { 0 };
		const char *first_end = strstr(whole, "</m:GetItemResponseMessage>");
		const char *third_end = strstr(strstr(whole, "IPM.Task"), "</m:GetItemResponse");
		size_t complete = 0;

		complete += size >= (size_t)(first_end - whole) + 27;
		complete += size >= (size_t)(third_end - whole) + 27;
		assert_false(run(&j, MIXED_COUNT, bytes_take(buf_bytes(&text), size), 100, &err));
		assert_int_equal(err.code, EXA_NET);
		assert_int_equal(j.ends, complete);
		assert_memory_equal(mixed_lines, buf_string(&j.lines), j.lines.size);
	}
}

static void
what_the_server_appends_to_a_cut_answer_makes_it_no_success(void **state)
{
	EXA_AUTO(buf_done) struct buf text = { 0 };
	EXA_AUTO(journal_done) struct journal j = { .keep = true };
	struct exa_error err;

	(void)state;
	load_fixture("get_items_mixed.xml", &text);
	text.size = text.size / 2;
	buf_add_string(&text, "=== Truncated Data ===");
	assert_false(run(&j, MIXED_COUNT, buf_bytes(&text), FEED_WHOLE, &err));
	assert_true(err.code == EXA_NET || err.code == EXA_PROTOCOL);
}

static void
illegal_characters_in_a_property_cost_nothing_else(void **state)
{
	(void)state;
	assert_journal(1,
		"<m:GetItemResponseMessage ResponseClass='Success'><m:Items><t:Message>"
		"<t:ItemId Id='i'/><t:Categories><t:String>a&#x0;b\x01&#xD83D;&#xDE00;</t:String>"
		"</t:Categories></t:Message></m:Items></m:GetItemResponseMessage>",
		EXA_OK,
		"begin 0\nend 0 i/ class= id= categories=a\xef\xbf\xbd"
		"b\xef\xbf\xbd\xf0\x9f\x98\x80 size=-1 received= sent= created= modified= "
		"flags=-1 read=-1 attachments=-1 flag=-1 key=0 mime=\n");
}

static void
a_doctype_and_deep_nesting_are_refused(void **state)
{
	EXA_AUTO(buf_done) struct buf deep = { 0 };
	EXA_AUTO(journal_done) struct journal j = { 0 };
	struct exa_error err;
	const char *doctype = "<!DOCTYPE a [<!ENTITY x 'y'>]><a>&x;</a>";

	(void)state;
	assert_false(run(&j, 1, bytes_of_string(doctype), FEED_WHOLE, &err));
	assert_int_equal(err.code, EXA_PROTOCOL);
	buf_add_string(&deep, "<s:Envelope xmlns:s='" NS_SOAP_URI "'>");
	for (int i = 0; i < 1000; i++)
		buf_add_string(&deep, "<a>");
	assert_false(run(&j, 1, buf_bytes(&deep), FEED_WHOLE, &err));
	assert_int_equal(err.code, EXA_PROTOCOL);
	assert_false(run(&j, 1, bytes_of_string("<html><body/></html>"), FEED_WHOLE, &err));
	assert_int_equal(err.code, EXA_PROTOCOL);
}

static void
a_handler_that_fails_ends_the_answer_with_its_error(void **state)
{
	EXA_AUTO(buf_done) struct buf text = { 0 };
	EXA_AUTO(journal_done) struct journal j = { .refuse_mime = true };
	struct exa_error err;

	(void)state;
	load_fixture("get_items_mixed.xml", &text);
	assert_false(run(&j, MIXED_COUNT, buf_bytes(&text), 7, &err));
	assert_int_equal(err.code, EXA_IO);
	assert_string_equal(buf_string(&j.lines), "begin 0\n");
}

static void
an_id_beyond_the_limit_costs_that_item_alone(void **state)
{
	EXA_AUTO(buf_done) struct buf messages = { 0 };

	(void)state;
	buf_add_string(&messages, "<m:GetItemResponseMessage ResponseClass='Success'><m:Items>"
				  "<t:Item><t:ItemId Id='");
	for (size_t i = 0; i <= EWS_ID_MAX; i++)
		buf_add_byte(&messages, 'A');
	buf_add_string(
		&messages, "'/></t:Item></m:Items></m:GetItemResponseMessage>" ITEM("SGVsbG8="));
	assert_journal(2, buf_string(&messages), EXA_OK,
		"begin 0\nfailed 0 limit  0\nbegin 1\n" END("1", "Hello"));
}

static long
peak_rss_kb(void)
{
	struct rusage usage;

	(void)getrusage(RUSAGE_SELF, &usage);
	return usage.ru_maxrss;
}

static void
a_large_item_streams_in_bounded_memory(void **state)
{
	enum { PIECES = 640, PIECE = 48 * 1024 };
	static uint8_t piece[PIECE];
	EXA_AUTO(journal_done) struct journal j = { 0 };
	const struct ews_item_handler handler = { on_begin, on_mime, on_end, on_failed, &j };
	EXA_AUTO(items_reader_done) struct items_reader reader = { 0 };
	EXA_AUTO(answer_freep) struct answer *answer = NULL;
	EXA_AUTO(buf_done) struct buf text = { 0 };
	struct exa_error err;
	const char *cut;
	long before;

	(void)state;
	memset(piece, 'Q', sizeof piece);
	wrap_messages(&text, "GetItem", ITEM(""));
	cut = strstr(buf_string(&text), "</t:MimeContent>");
	items_reader_init(&reader, &handler);
	assert_true(answer_new(&get_items_spec, &reader, 1, &answer, &err));
	assert_true(answer_feed(answer,
		bytes_take(buf_bytes(&text), (size_t)(cut - (const char *)text.data)), &err));
	before = peak_rss_kb();
	for (int i = 0; i < PIECES; i++)
		assert_true(answer_feed(answer, bytes_of(piece, sizeof piece), &err));
	assert_true(answer_feed(answer, bytes_of_string(cut), &err));
	assert_true(answer_finish(answer, &err));
	assert_true(j.mime_bytes == (uint64_t)PIECES * PIECE / 4 * 3);
	assert_true(j.largest_piece <= MIME_PIECE_MAX);
	assert_int_equal(j.ends, 1);
	assert_in_range(peak_rss_kb() - before, 0, 8 * 1024);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_large_item_streams_in_bounded_memory),
		cmocka_unit_test(a_batch_is_matched_by_position_in_any_chunking),
		cmocka_unit_test(prefixes_make_no_difference),
		cmocka_unit_test(elements_of_other_namespaces_and_places_mean_nothing),
		cmocka_unit_test(content_may_hold_white_space_references_and_cdata),
		cmocka_unit_test(bad_base64_costs_that_item_alone),
		cmocka_unit_test(the_short_cut_past_the_parser_changes_nothing),
		cmocka_unit_test(a_success_without_an_item_is_that_items_failure),
		cmocka_unit_test(an_unknown_code_is_an_answer_that_is_not_understood),
		cmocka_unit_test(the_count_of_answers_must_be_that_of_the_questions),
		cmocka_unit_test(an_answer_cut_anywhere_ends_no_item_that_was_not_complete),
		cmocka_unit_test(what_the_server_appends_to_a_cut_answer_makes_it_no_success),
		cmocka_unit_test(illegal_characters_in_a_property_cost_nothing_else),
		cmocka_unit_test(a_doctype_and_deep_nesting_are_refused),
		cmocka_unit_test(a_handler_that_fails_ends_the_answer_with_its_error),
		cmocka_unit_test(an_id_beyond_the_limit_costs_that_item_alone),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
