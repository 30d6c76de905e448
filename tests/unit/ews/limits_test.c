/* SPDX-License-Identifier: Apache-2.0 */
/* Sizes and counts that a server sends beyond reason: the answer fails or goes on, it costs neither memory nor time. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "exarch/mem.h"

#include "fault.h"
#include "feed.h"
#include "items.h"

/* libxml2 refuses text of more in one node, unless it comes in pieces. */
#define LONG_TEXT ((size_t)11 * 1024 * 1024)
#define CHUNK ((size_t)16 * 1024) /* what libcurl hands on */

/* ---- an answer that is made while it is fed ---- */

struct journal {
	struct items_reader reader;
	uint64_t mime_bytes;
	size_t ended, failed, id_size;
	struct exa_error why;
};

static bool
on_begin(void *ctx, size_t index, struct exa_error *err)
{
	(void)ctx;
	(void)index;
	(void)err;
	return true;
}

static bool
on_mime(void *ctx, size_t index, struct bytes mime, struct exa_error *err)
{
	struct journal *j = ctx;

	(void)index;
	(void)err;
	j->mime_bytes += mime.size;
	return true;
}

static bool
on_end(void *ctx, size_t index, const struct ews_item *item, struct exa_error *err)
{
	struct journal *j = ctx;

	(void)index;
	(void)err;
	j->ended++;
	j->id_size = strlen(item->internet_message_id);
	return true;
}

static bool
on_failed(void *ctx, size_t index, const struct exa_error *why, struct exa_error *err)
{
	struct journal *j = ctx;

	(void)index;
	(void)err;
	j->failed++;
	j->why = *why;
	return true;
}

/* MESSAGES in their envelope, with WITH repeated up to SIZE bytes in the place of "@". */
static bool
feed_long(struct journal *j, bool plain, const char *messages, const char *with, size_t size,
	struct exa_error *err)
{
	const struct ews_item_handler handler = { on_begin, on_mime, on_end, on_failed, j };
	EXA_AUTO(answer_freep) struct answer *answer = NULL;
	EXA_AUTO(items_reader_done) struct items_reader reader = { 0 };
	EXA_AUTO(buf_done) struct buf text = { 0 };
	EXA_AUTO(buf_done) struct buf filling = { 0 };
	const char *place;
	bool good;

	wrap_messages(&text, "GetItem", messages);
	place = strchr(buf_string(&text), '@');
	while (filling.size < CHUNK)
		buf_add_string(&filling, with);
	items_reader_init(&reader, &handler);
	good = answer_new(&get_items_spec, &reader, 1, &answer, err);
	if (good && plain)
		answer_take_no_short_cut(answer);
	good = good && answer_feed(answer,
			       bytes_of(text.data, (size_t)(place - (const char *)text.data)), err);
	for (size_t fed = 0; good && fed < size; fed += filling.size)
		good = answer_feed(answer, buf_bytes(&filling), err);
	return good && answer_feed(answer, bytes_of_string(place + 1), err) &&
	       answer_finish(answer, err);
}

#define ITEM(content)                                                      \
	"<m:GetItemResponseMessage "                                       \
	"ResponseClass='Success'><m:ResponseCode>NoError</m:ResponseCode>" \
	"<m:Items><t:Message><t:ItemId Id='AAE='/>" content                \
	"</t:Message></m:Items></m:GetItemResponseMessage>"
#define FAILURE(content) \
	"<m:GetItemResponseMessage ResponseClass='Error'>" content "</m:GetItemResponseMessage>"

/* ---- tests ---- */

static void
text_of_more_than_ten_megabytes_is_read(void **state)
{
	static const struct {
		const char *messages;
		const char *with;
		uint64_t mime; /* 0: the text is no content */
	} texts[] = {
		{ ITEM("<t:MimeContent>@</t:MimeContent>"), "QUFB", LONG_TEXT / 4 * 3 },
		{ ITEM("<t:MimeContent><![CDATA[@]]></t:MimeContent>"), "QUFB", LONG_TEXT / 4 * 3 },
		{ ITEM("<t:MimeContent>QUFB@</t:MimeContent>"), " \r\n\t", 3 },
		{ ITEM("<t:Body>@</t:Body>"), "text ", 0 },
		{ ITEM("<t:Body><![CDATA[@]]></t:Body>"), "text ", 0 },
		{ ITEM("<t:Body>&#x1;@</t:Body>"), "&#13;", 0 },
	};

	(void)state;
	for (size_t i = 0; i < 2 * sizeof texts / sizeof texts[0]; i++) {
		struct journal j = { 0 };
		struct exa_error err;

		if (!feed_long(&j, i % 2 != 0, texts[i / 2].messages, texts[i / 2].with, LONG_TEXT,
			    &err))
			fail_msg("%zu: %s", i, err.text);
		assert_int_equal(j.ended, 1);
		assert_in_range(j.mime_bytes, texts[i / 2].mime, texts[i / 2].mime + CHUNK);
	}
}

static void
a_value_beyond_its_limit_is_cut(void **state)
{
	struct journal j = { 0 };
	struct exa_error err;

	(void)state;
	assert_true(feed_long(&j, false, ITEM("<t:InternetMessageId>@</t:InternetMessageId>"),
		"green ", LONG_TEXT, &err));
	assert_int_equal(j.ended, 1);
	assert_in_range(j.id_size, EWS_TEXT_MAX - 8, EWS_TEXT_MAX);
}

static void
one_tag_is_not_read_without_end(void **state)
{
	static const char *const tags[] = {
		ITEM("<t:Body @ />"), /* attributes: each is compared with all before it */
		ITEM("<t:Body a='@'/>"),
		ITEM("<t:@/>"),
		ITEM("<!--@-->"),
		ITEM("<?a @?>"),
		ITEM("<t:Body>&@;</t:Body>"),
	};

	(void)state;
	for (size_t i = 0; i < sizeof tags / sizeof tags[0]; i++) {
		struct journal j = { 0 };
		struct exa_error err = { 0 };

		assert_false(feed_long(&j, i % 2 != 0, tags[i], i == 0 ? "a='' " : "aaaaaaaa",
			ANSWER_TAG_MAX + 2 * CHUNK, &err));
		assert_int_equal(err.code, EXA_PROTOCOL);
		assert_int_equal(j.ended, 0);
	}
}

static void
a_long_tag_within_the_limit_is_read(void **state)
{
	struct journal j = { 0 };
	struct exa_error err = { 0 };

	(void)state;
	if (!feed_long(&j, false, ITEM("<t:Body a='@'/>"), "aaaaaaaa", ANSWER_TAG_MAX / 2, &err))
		fail_msg("%s", err.text);
	assert_int_equal(j.ended, 1);
}

static void
what_nests_too_deep_ends_the_answer(void **state)
{
	struct journal j = { 0 };
	struct exa_error err = { 0 };

	(void)state;
	assert_false(feed_long(&j, false, ITEM("@"), "<a>", CHUNK, &err));
	assert_int_equal(err.code, EXA_PROTOCOL);
	assert_non_null(strstr(err.text, "nested too deep"));
}

static void
what_a_failure_says_is_cut(void **state)
{
	static const char *const failures[] = {
		FAILURE("<m:MessageText>@</m:MessageText><m:ResponseCode>ErrorItemNotFound</"
			"m:ResponseCode>"),
		FAILURE("<m:ResponseCode>ErrorItemNotFound</m:ResponseCode><m:MessageXml><t:Value "
			"Name='InnerErrorMessageText'>@"
			"</t:Value></m:MessageXml>"),
		FAILURE("<m:ResponseCode>Error@</m:ResponseCode>"),
	};

	(void)state;
	for (size_t i = 0; i < sizeof failures / sizeof failures[0]; i++) {
		struct journal j = { 0 };
		struct exa_error err;

		if (!feed_long(&j, false, failures[i], "Word", LONG_TEXT, &err))
			fail_msg("%s", err.text);
		assert_int_equal(j.failed, 1);
		assert_in_range(strlen(j.why.text), 1, EXA_ERROR_TEXT_MAX - 1);
		assert_true(strlen(j.why.name) < EXA_ERROR_NAME_MAX);
	}
}

static void
answers_without_end_are_counted_and_not_kept(void **state)
{
	struct journal j = { 0 };
	struct exa_error err = { 0 };

	(void)state;
	assert_false(feed_long(&j, false, ITEM("") "@", ITEM(""), CHUNK * 64, &err));
	assert_int_equal(err.code, EXA_PROTOCOL);
	assert_int_equal(j.ended, 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(text_of_more_than_ten_megabytes_is_read),
		cmocka_unit_test(a_value_beyond_its_limit_is_cut),
		cmocka_unit_test(one_tag_is_not_read_without_end),
		cmocka_unit_test(a_long_tag_within_the_limit_is_read),
		cmocka_unit_test(what_nests_too_deep_ends_the_answer),
		cmocka_unit_test(what_a_failure_says_is_cut),
		cmocka_unit_test(answers_without_end_are_counted_and_not_kept),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
