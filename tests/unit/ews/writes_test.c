/* SPDX-License-Identifier: Apache-2.0 */
/* What makes, marks and finds items: requests in the schema's order, answers by their place. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "exarch/clock.h"
#include "exarch/mem.h"

#include "feed.h"
#include "outline.h"
#include "writes.h"

static const struct ews_mailbox anna = { .smtp = "anna@example.org" };

#define SECOND_NS (INT64_C(1704103200) * EXA_NS_PER_S) /* 2024-01-01T10:00:00Z */
#define MARKER                                                                   \
	"t:ExtendedFieldURI[PropertySetId=5d2d6b0e-4c1f-4b57-9a0e-7f1c3c86a2d4]" \
	"[PropertyName=exarch-item][PropertyType=String]"
#define FLAGS(value)                                                                       \
	"t:ExtendedProperty(t:ExtendedFieldURI[PropertyTag=0x0E07][PropertyType=Integer] " \
	"t:Value='" value "') "
#define MOMENT(tag, value)                                       \
	"t:ExtendedProperty(t:ExtendedFieldURI[PropertyTag=" tag \
	"][PropertyType=SystemTime] t:Value='" value "') "
#define MARKED(value) "t:ExtendedProperty(" MARKER " t:Value='" value "')"

static struct ews_new_item
plain_item(void)
{
	return (struct ews_new_item){ .marker = "a/1",
		.class = "IPM.Note",
		.categories = "",
		.received_ns = EXA_NO_TIME,
		.sent_ns = EXA_NO_TIME,
		.flag_status = -1 };
}

static void
assert_created_as(const struct ews_new_item *item, const char *expected)
{
	const struct ews_create_request request = {
		.folder_id = "AAF+", .items = item, .count = 1
	};
	EXA_AUTO(outgoing_done) struct outgoing o = { 0 };
	EXA_AUTO(buf_done) struct buf whole = { 0 };

	create_items_request(&o, &anna, &request);
	assert_int_equal(o.insert_count, 1);
	assert_ptr_equal(o.inserts[0].source, &item->mime);
	/* The place of the content, since nothing stands there yet. */
	assert_memory_equal(o.text.data + o.inserts[0].at, "</t:MimeContent>", 16);
	buf_printf(&whole,
		HEAD "m:CreateItem[MessageDisposition=SaveOnly][SendMeetingInvitations=SendToNone]("
		     "m:SavedItemFolderId(t:FolderId[Id=AAF+]) m:Items(%s))))",
		expected);
	assert_outline(&o.text, buf_string(&whole));
}

static void
create_items_says_what_mime_does_not(void **state)
{
	struct ews_new_item item = plain_item();

	(void)state;
	item.categories = "Red\nBlue & <more>";
	item.received_ns = SECOND_NS;
	item.sent_ns = SECOND_NS - EXA_NS_PER_S;
	item.is_read = true;
	item.flag_status = 2;
	assert_created_as(&item,
		"t:Message(t:MimeContent[CharacterSet=UTF-8] t:ItemClass='IPM.Note' "
		"t:Categories(t:String='Red' t:String='Blue & <more>') " FLAGS("1") MOMENT(
			"0x0E06", "2024-01-01T10:00:00Z") MOMENT("0x0039", "2024-01-01T09:59:59Z")
			MARKED("a/1") " "
				      "t:Flag(t:FlagStatus='Flagged') t:IsRead='true')");
}

static void
create_items_leaves_out_what_is_not_known(void **state)
{
	struct ews_new_item item = plain_item();

	(void)state;
	item.class = "";
	assert_created_as(&item, "t:Message(t:MimeContent[CharacterSet=UTF-8] " FLAGS("0")
					 MARKED("a/1") " t:IsRead='false')");
}

static void
a_draft_stays_a_draft_and_a_completed_task_flag_complete(void **state)
{
	struct ews_new_item item = plain_item();

	(void)state;
	item.is_draft = true;
	item.is_read = true;
	item.flag_status = 1;
	assert_created_as(&item,
		"t:Message(t:MimeContent[CharacterSet=UTF-8] t:ItemClass='IPM.Note' " FLAGS("9")
			MARKED("a/1") " t:Flag(t:FlagStatus='Complete') t:IsRead='true')");
}

static void
the_class_of_secured_mail_is_the_servers_to_find(void **state)
{
	struct ews_new_item item = plain_item();

	(void)state;
	item.class = "IPM.Note.SMIME.MultipartSigned";
	assert_created_as(&item, "t:Message(t:MimeContent[CharacterSet=UTF-8] " FLAGS("0")
					 MARKED("a/1") " t:IsRead='false')");
}

static void
an_appointment_is_a_calendar_item(void **state)
{
	struct ews_new_item item = plain_item();

	(void)state;
	item.class = "IPM.Appointment";
	assert_created_as(&item, "t:CalendarItem(t:MimeContent[CharacterSet=UTF-8] "
				 "t:ItemClass='IPM.Appointment' " FLAGS("0") MARKED("a/1") ")");
}

static void
upload_items_names_folder_and_action_for_each(void **state)
{
	static const struct ews_source streams[2] = { { .size = 3 }, { .size = 4 } };
	const struct ews_upload_request request = {
		.folder_id = "AAF", .streams = streams, .count = 2
	};
	EXA_AUTO(outgoing_done) struct outgoing o = { 0 };

	(void)state;
	upload_items_request(&o, &anna, &request);
	assert_int_equal(o.insert_count, 2);
	assert_ptr_equal(o.inserts[1].source, &streams[1]);
	assert_outline(&o.text,
		HEAD "m:UploadItems(m:Items("
		     "t:Item[CreateAction=CreateNew][IsAssociated=false](t:ParentFolderId[Id=AAF] "
		     "t:Data) t:Item[CreateAction=CreateNew][IsAssociated=false]("
		     "t:ParentFolderId[Id=AAF] t:Data)))))");
}

static void
mark_items_sets_the_marker_and_tells_nobody(void **state)
{
	const struct ews_mark mark = { .id = "AAE", .marker = "a/1" };
	EXA_AUTO(buf_done) struct buf text = { 0 };

	(void)state;
	mark_items_request(&text, &anna, &mark, 1);
	assert_outline(&text, HEAD
		"m:UpdateItem[ConflictResolution=AlwaysOverwrite][MessageDisposition=SaveOnly]"
		"[SendMeetingInvitationsOrCancellations=SendToNone][SuppressReadReceipts=true]("
		"m:ItemChanges(t:ItemChange(t:ItemId[Id=AAE] t:Updates(t:SetItemField(" MARKER
		" t:Item(" MARKED("a/1") "))))))))");
}

static void
create_folder_types_the_element_or_names_the_class(void **state)
{
	static const struct {
		const char *class, *outline;
	} cases[] = {
		{ "IPF.Appointment", "t:CalendarFolder(t:DisplayName='Q&A / 1')" },
		{ "IPF.Contact", "t:ContactsFolder(t:DisplayName='Q&A / 1')" },
		{ "IPF.Task", "t:TasksFolder(t:DisplayName='Q&A / 1')" },
		{ "IPF.StickyNote",
			"t:Folder(t:FolderClass='IPF.StickyNote' t:DisplayName='Q&A / 1')" },
		{ "", "t:Folder(t:DisplayName='Q&A / 1')" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		const struct ews_new_folder folder = { "AAF", "Q&A / 1", cases[i].class };
		EXA_AUTO(buf_done) struct buf text = { 0 };
		EXA_AUTO(buf_done) struct buf expected = { 0 };

		create_folder_request(&text, &anna, &folder);
		buf_printf(&expected,
			HEAD "m:CreateFolder(m:ParentFolderId(t:FolderId[Id=AAF]) m:Folders(%s))))",
			cases[i].outline);
		assert_outline(&text, buf_string(&expected));
	}
}

#define FIND_HEAD                                                                        \
	HEAD "m:FindItem[Traversal=Shallow](m:ItemShape(t:BaseShape='IdOnly' "           \
	     "t:AdditionalProperties(t:FieldURI[FieldURI=item:ItemClass] "               \
	     "t:ExtendedFieldURI[PropertyTag=0x1035][PropertyType=String] "              \
	     "t:ExtendedFieldURI[PropertyTag=0x0E06][PropertyType=SystemTime] "          \
	     "t:ExtendedFieldURI[PropertyTag=0x300B][PropertyType=Binary] " MARKER ")) " \
	     "m:IndexedPageItemView[MaxEntriesReturned=200][Offset=400][BasePoint=Beginning] "
#define IS_MARKED(value) "t:IsEqualTo(" MARKER " t:FieldURIOrConstant(t:Constant[Value=" value "]))"
#define RECEIVED(comparison, value)                                                         \
	"t:" comparison "(t:FieldURI[FieldURI=item:DateTimeReceived] t:FieldURIOrConstant(" \
	"t:Constant[Value=" value "]))"
#define SPAN(from, before)                                                                \
	"t:And(" RECEIVED("IsGreaterThanOrEqualTo", "2024-01-01T" from "Z") " " RECEIVED( \
		"IsLessThan", "2024-01-01T" before "Z") ")"
#define FIND_TAIL "m:ParentFolderIds(t:FolderId[Id=AAF]))))"

static void
search_items_asks_for_markers_or_a_span_of_time(void **state)
{
	static const char *const markers[] = { "a/1", "a/2" };
	struct ews_find_request request = {
		.folder_id = "AAF", .markers = markers, .marker_count = 2, .offset = 400
	};
	const struct ews_span spans[] = { { SECOND_NS, SECOND_NS + EXA_NS_PER_S },
		{ SECOND_NS + 5 * EXA_NS_PER_S, SECOND_NS + 9 * EXA_NS_PER_S } };
	EXA_AUTO(buf_done) struct buf text = { 0 };

	(void)state;
	search_items_request(&text, &anna, &request);
	assert_outline(&text, FIND_HEAD
		"m:Restriction(t:Or(" IS_MARKED("a/1") " " IS_MARKED("a/2") ")) " FIND_TAIL);
	request.marker_count = 1;
	buf_reset(&text);
	search_items_request(&text, &anna, &request);
	assert_outline(&text, FIND_HEAD "m:Restriction(" IS_MARKED("a/1") ") " FIND_TAIL);
	request.marker_count = 0;
	request.spans = spans;
	request.span_count = 1;
	buf_reset(&text);
	search_items_request(&text, &anna, &request);
	assert_outline(
		&text, FIND_HEAD "m:Restriction(" SPAN("10:00:00", "10:00:01") ") " FIND_TAIL);
	request.span_count = 2;
	buf_reset(&text);
	search_items_request(&text, &anna, &request);
	assert_outline(&text, FIND_HEAD "m:Restriction(t:Or(" SPAN("10:00:00", "10:00:01") " " SPAN(
				      "10:00:05", "10:00:09") ")) " FIND_TAIL);
	request.span_count = 0;
	buf_reset(&text);
	search_items_request(&text, &anna, &request);
	assert_outline(&text, FIND_HEAD FIND_TAIL);
}

/* ---- answers ---- */

static bool
on_made(void *ctx, size_t index, const struct ews_item_ref *made, const struct exa_error *why,
	struct exa_error *err)
{
	(void)err;
	buf_printf(ctx, "%zu %s %s %s\n", index, why != NULL ? exa_code_name(why->code) : "made",
		made->id, made->change_key);
	return true;
}

#define MADE(operation, payload)                                                            \
	"<m:" operation "ResponseMessage ResponseClass=\"Success\"><m:ResponseCode>NoError" \
	"</m:ResponseCode>" payload "</m:" operation "ResponseMessage>"
#define REFUSED(operation, code)                                                        \
	"<m:" operation "ResponseMessage ResponseClass=\"Error\"><m:ResponseCode>" code \
	"</m:ResponseCode><m:Items/></m:" operation "ResponseMessage>"

static void
what_was_made_comes_by_its_place_with_its_id(void **state)
{
	static const size_t chunks[] = { FEED_WHOLE, 1, 7 };
	EXA_AUTO(buf_done) struct buf text = { 0 };

	(void)state;
	wrap_messages(&text, "CreateItem",
		MADE("CreateItem", "<m:Items><t:Message><t:ItemId Id=\"AAE1\" ChangeKey=\"CQA1\"/>"
				   "</t:Message></m:Items>") REFUSED("CreateItem",
			"ErrorMessageSizeExceeded") REFUSED("CreateItem", "ErrorQuotaExceeded")
			MADE("CreateItem", "<m:Items/>"));
	for (size_t i = 0; i < sizeof chunks / sizeof chunks[0]; i++) {
		EXA_AUTO(buf_done) struct buf journal = { 0 };
		const struct ews_made_handler handler = { .answered = on_made, .ctx = &journal };
		EXA_AUTO(made_reader_done) struct made_reader reader = { .handler = &handler };
		struct exa_error err;

		assert_true(
			feed(&create_items_spec, &reader, 4, buf_bytes(&text), chunks[i], &err));
		assert_string_equal(
			buf_string(&journal), "0 made AAE1 CQA1\n1 limit  \n2 aside  \n3 made  \n");
	}
}

static void
uploads_and_folders_answer_in_their_own_form(void **state)
{
	static const struct {
		const struct answer_spec *spec;
		const char *operation, *message;
	} cases[] = {
		{ &upload_items_spec, "UploadItems",
			MADE("UploadItems", "<m:ItemId Id=\"AAE1\" ChangeKey=\"CQA1\"/>") },
		{ &create_folder_spec, "CreateFolder",
			MADE("CreateFolder",
				"<m:Folders><t:CalendarFolder><t:FolderId Id=\"AAE1\" "
				"ChangeKey=\"CQA1\"/></t:CalendarFolder></m:Folders>") },
		{ &mark_items_spec, "UpdateItem",
			MADE("UpdateItem", "<m:Items><t:Task><t:ItemId Id=\"AAE1\" "
					   "ChangeKey=\"CQA1\"/></t:Task></m:Items>") },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		EXA_AUTO(buf_done) struct buf text = { 0 };
		EXA_AUTO(buf_done) struct buf journal = { 0 };
		const struct ews_made_handler handler = { .answered = on_made, .ctx = &journal };
		EXA_AUTO(made_reader_done) struct made_reader reader = { .handler = &handler };
		struct exa_error err;

		wrap_messages(&text, cases[i].operation, cases[i].message);
		assert_true(feed(cases[i].spec, &reader, 1, buf_bytes(&text), 5, &err));
		assert_string_equal(buf_string(&journal), "0 made AAE1 CQA1\n");
	}
}

static bool
on_found(void *ctx, const struct ews_found *f, struct exa_error *err)
{
	char received[CLOCK_TEXT_MAX];

	(void)err;
	clock_format(f->received_ns, received);
	buf_printf(ctx, "%s|%s|%s|%s|%s|%s|%zu\n", f->id, f->change_key, f->class,
		f->internet_message_id, f->marker, received, f->search_key.size);
	return true;
}

static void
what_is_found_says_how_it_is_recognised(void **state)
{
	EXA_AUTO(buf_done) struct buf text = { 0 };
	EXA_AUTO(buf_done) struct buf journal = { 0 };
	const struct ews_found_sink sink = { .found = on_found, .ctx = &journal };
	EXA_AUTO(find_reader_done) struct find_reader reader = { .sink = &sink };
	struct exa_error err;

	(void)state;
	wrap_messages(&text, "FindItem",
		MADE("FindItem",
			"<m:RootFolder IndexedPagingOffset=\"2\" TotalItemsInView=\"2\" "
			"IncludesLastItemInRange=\"true\"><t:Items><t:Message><t:ItemId "
			"Id=\"AAE1\" "
			"ChangeKey=\"CQA1\"/><t:ItemClass>IPM.Note</t:ItemClass>"
			"<t:ExtendedProperty><t:ExtendedFieldURI PropertyTag=\"0x1035\" "
			"PropertyType=\"String\"/><t:Value>&lt;1@x&gt;</t:Value>"
			"</t:ExtendedProperty><t:ExtendedProperty><t:ExtendedFieldURI "
			"PropertyTag=\"0xe06\" PropertyType=\"SystemTime\"/><t:Value>"
			"2024-01-01T10:00:00Z</t:Value></t:ExtendedProperty><t:ExtendedProperty>"
			"<t:ExtendedFieldURI PropertyTag=\"0x300b\" PropertyType=\"Binary\"/>"
			"<t:Value>AAEC</t:Value></t:ExtendedProperty><t:ExtendedProperty>"
			"<t:ExtendedFieldURI "
			"PropertySetId=\"5d2d6b0e-4c1f-4b57-9a0e-7f1c3c86a2d4\" "
			"PropertyName=\"exarch-item\" "
			"PropertyType=\"String\"/><t:Value>a/1</t:Value>"
			"</t:ExtendedProperty></t:Message><t:Task><t:ItemId Id=\"AAE2\"/></t:Task>"
			"</t:Items></m:RootFolder>"));
	assert_true(feed(&search_items_spec, &reader, 1, buf_bytes(&text), 3, &err));
	assert_string_equal(buf_string(&journal),
		"AAE1|CQA1|IPM.Note|<1@x>|a/1|2024-01-01T10:00:00Z|3\nAAE2||||||0\n");
	assert_true(reader.last);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(create_items_says_what_mime_does_not),
		cmocka_unit_test(create_items_leaves_out_what_is_not_known),
		cmocka_unit_test(a_draft_stays_a_draft_and_a_completed_task_flag_complete),
		cmocka_unit_test(the_class_of_secured_mail_is_the_servers_to_find),
		cmocka_unit_test(an_appointment_is_a_calendar_item),
		cmocka_unit_test(upload_items_names_folder_and_action_for_each),
		cmocka_unit_test(mark_items_sets_the_marker_and_tells_nobody),
		cmocka_unit_test(create_folder_types_the_element_or_names_the_class),
		cmocka_unit_test(search_items_asks_for_markers_or_a_span_of_time),
		cmocka_unit_test(what_was_made_comes_by_its_place_with_its_id),
		cmocka_unit_test(uploads_and_folders_answer_in_their_own_form),
		cmocka_unit_test(what_is_found_says_how_it_is_recognised),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
