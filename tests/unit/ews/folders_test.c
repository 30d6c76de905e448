/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "exarch/clock.h"
#include "exarch/mem.h"

#include "feed.h"
#include "folder.h"

static bool
on_folder(void *ctx, const struct ews_folder *f, struct exa_error *err)
{
	char changed[CLOCK_TEXT_MAX];

	(void)err;
	clock_format(f->changed_ns, changed);
	buf_printf(ctx, "%s<%s '%s' %s role=%d hidden=%d search=%d total=%lld size=%lld %s\n",
		f->id, f->parent_id, f->name, f->class, (int)f->role, f->hidden, f->search_folder,
		(long long)f->total_count, (long long)f->size_bytes, changed);
	return true;
}

/* Parses TEXT as a page asked for at OFFSET. */
static bool
run_page(struct bytes text, size_t chunk, int64_t offset, struct buf *lines, int64_t *next,
	struct exa_error *err)
{
	const struct ews_folder_sink sink = { on_folder, lines };
	EXA_AUTO(folder_reader_done)
	struct folder_reader reader = { .sink = &sink, .next_offset = -1 };

	return feed(&find_folder_spec, &reader, 1, text, chunk, err) &&
	       find_folder_result(&reader, offset, next, err);
}

static void
a_page_of_folders_is_read_in_any_chunking(void **state)
{
	EXA_AUTO(buf_done) struct buf text = { 0 };
	EXA_AUTO(buf_done) struct buf expected = { 0 };

	(void)state;
	load_fixture("find_folder_page.xml", &text);
	buf_printf(&expected,
		"AAFinbox=<AAFroot= 'Bo\xc3\xaete / r\xc3\xa9"
		"ception & plus\xef\xbf\xbd' IPF.Note role=%d hidden=0 search=0 total=42 "
		"size=5000000000 2025-03-04T05:06:07Z\n"
		"AAFsearch=< 'Unread'  role=%d hidden=0 search=1 total=-1 size=-1 \n"
		"AAFcal=<AAFroot= 'Kalender' IPF.Appointment role=%d hidden=1 search=0 total=0 "
		"size=-1 \n",
		(int)EWS_ROLE_INBOX, (int)EWS_ROLE_NONE, (int)EWS_ROLE_OTHER);
	for (size_t chunk = 1; chunk < 150; chunk++) {
		EXA_AUTO(buf_done) struct buf lines = { 0 };
		struct exa_error err;
		int64_t next = -7;

		if (!run_page(buf_bytes(&text), chunk, 0, &lines, &next, &err))
			fail_msg("%s", err.text);
		assert_string_equal(buf_string(&lines), buf_string(&expected));
		assert_int_equal(next, 3);
	}
}

static void
the_last_page_says_so(void **state)
{
	EXA_AUTO(buf_done) struct buf text = { 0 };
	EXA_AUTO(buf_done) struct buf lines = { 0 };
	struct exa_error err;
	int64_t next = 0;

	(void)state;
	load_fixture("find_folder_page.xml", &text);
	replace_all(&text, "Range=\"false\"", "Range=\"true\"");
	assert_true(run_page(buf_bytes(&text), FEED_WHOLE, 0, &lines, &next, &err));
	assert_int_equal(next, -1);
}

static void
a_page_that_leads_nowhere_is_a_failure_not_a_loop(void **state)
{
	EXA_AUTO(buf_done) struct buf text = { 0 };
	EXA_AUTO(buf_done) struct buf lines = { 0 };
	struct exa_error err;
	int64_t next = 0;

	(void)state;
	load_fixture("find_folder_page.xml", &text);
	assert_false(run_page(buf_bytes(&text), FEED_WHOLE, 3, &lines, &next, &err));
	assert_int_equal(err.code, EXA_NET);
}

static void
one_folder_is_read_and_the_root_has_its_role(void **state)
{
	EXA_AUTO(buf_done) struct buf text = { 0 };
	EXA_AUTO(buf_done) struct buf lines = { 0 };
	EXA_AUTO(buf_done) struct buf expected = { 0 };
	const struct ews_folder_sink sink = { on_folder, &lines };
	EXA_AUTO(folder_reader_done)
	struct folder_reader reader = { .sink = &sink, .is_root = true };
	struct exa_error err;

	(void)state;
	load_fixture("get_folder.xml", &text);
	assert_true(feed(&get_folder_spec, &reader, 1, buf_bytes(&text), 5, &err));
	assert_true(get_folder_result(&reader, &err));
	buf_printf(&expected,
		"AAFroot=< 'Top of Information Store'  role=%d hidden=0 search=0 total=0 size=-1 "
		"\n",
		(int)EWS_ROLE_ROOT);
	assert_string_equal(buf_string(&lines), buf_string(&expected));
}

static void
a_folder_that_is_gone_is_told(void **state)
{
	EXA_AUTO(buf_done) struct buf text = { 0 };
	EXA_AUTO(buf_done) struct buf lines = { 0 };
	const struct ews_folder_sink sink = { on_folder, &lines };
	EXA_AUTO(folder_reader_done) struct folder_reader reader = { .sink = &sink };
	struct exa_error err;

	(void)state;
	wrap_messages(&text, "GetFolder",
		"<m:GetFolderResponseMessage ResponseClass='Error'><m:MessageText>The specified "
		"folder could not be found in the store.</m:MessageText><m:ResponseCode>"
		"ErrorFolderNotFound</m:ResponseCode><m:Folders/></m:GetFolderResponseMessage>");
	assert_true(feed(&get_folder_spec, &reader, 1, buf_bytes(&text), FEED_WHOLE, &err));
	assert_false(get_folder_result(&reader, &err));
	assert_int_equal(err.code, EXA_GONE);
	assert_string_equal(err.name, "ErrorFolderNotFound");
	assert_int_equal(lines.size, 0);
}

static void
a_name_beyond_the_limit_is_cut_between_characters(void **state)
{
	EXA_AUTO(buf_done) struct buf text = { 0 };
	EXA_AUTO(buf_done) struct buf messages = { 0 };
	EXA_AUTO(buf_done) struct buf lines = { 0 };
	const struct ews_folder_sink sink = { on_folder, &lines };
	EXA_AUTO(folder_reader_done) struct folder_reader reader = { .sink = &sink };
	struct exa_error err;

	(void)state;
	buf_add_string(&messages, "<m:GetFolderResponseMessage ResponseClass='Success'><m:Folders>"
				  "<t:Folder><t:FolderId Id='f'/><t:DisplayName>x");
	for (size_t i = 0; i < EWS_TEXT_MAX; i++)
		buf_add_string(&messages, "\xe2\x82\xac");
	buf_add_string(&messages, "</t:DisplayName></t:Folder></m:Folders>"
				  "</m:GetFolderResponseMessage>");
	wrap_messages(&text, "GetFolder", buf_string(&messages));
	assert_true(feed(&get_folder_spec, &reader, 1, buf_bytes(&text), 1000, &err));
	assert_true(reader.name.size <= EWS_TEXT_MAX && reader.name.size > EWS_TEXT_MAX - 4);
	assert_int_equal(reader.name.size % 3, 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_page_of_folders_is_read_in_any_chunking),
		cmocka_unit_test(the_last_page_says_so),
		cmocka_unit_test(a_page_that_leads_nowhere_is_a_failure_not_a_loop),
		cmocka_unit_test(one_folder_is_read_and_the_root_has_its_role),
		cmocka_unit_test(a_folder_that_is_gone_is_told),
		cmocka_unit_test(a_name_beyond_the_limit_is_cut_between_characters),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
