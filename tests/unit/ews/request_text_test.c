/* SPDX-License-Identifier: Apache-2.0 */
/* The server validates requests strictly: element order here is the schema's (messages.xsd,
 * types.xsd of Exchange). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "exarch/mem.h"

#include "find_items.h"
#include "folder.h"
#include "items.h"
#include "outline.h"
#include "soap.h"
#include "sync_items.h"

static const struct ews_mailbox anna = { .smtp = "anna@example.org" };

#define FOLDER_SHAPE                                                                          \
	"m:FolderShape(t:BaseShape='IdOnly' t:AdditionalProperties("                          \
	"t:FieldURI[FieldURI=folder:ParentFolderId] t:FieldURI[FieldURI=folder:FolderClass] " \
	"t:FieldURI[FieldURI=folder:DisplayName] t:FieldURI[FieldURI=folder:TotalCount] "     \
	"t:FieldURI[FieldURI=folder:DistinguishedFolderId] "                                  \
	"t:ExtendedFieldURI[PropertyTag=0x10F4][PropertyType=Boolean] "                       \
	"t:ExtendedFieldURI[PropertyTag=0x3601][PropertyType=Integer] "                       \
	"t:ExtendedFieldURI[PropertyTag=0x0E08][PropertyType=Long] "                          \
	"t:ExtendedFieldURI[PropertyTag=0x670A][PropertyType=SystemTime]))"

static void
find_folder_asks_for_a_page_of_the_whole_tree(void **state)
{
	EXA_AUTO(buf_done) struct buf text = { 0 };

	(void)state;
	find_folder_request(&text, &anna, 500);
	assert_outline(&text,
		HEAD "m:FindFolder[Traversal=Deep](" FOLDER_SHAPE
		     " m:IndexedPageFolderView[MaxEntriesReturned=500][Offset=500]"
		     "[BasePoint=Beginning] "
		     "m:ParentFolderIds(t:DistinguishedFolderId[Id=msgfolderroot]))))");
}

static void
public_folders_are_asked_for_level_by_level(void **state)
{
	static const struct ews_mailbox reader = { .smtp = "anna@contoso.example",
		.part = EWS_PART_PUBLIC };
	EXA_AUTO(buf_done) struct buf text = { 0 };

	(void)state;
	find_children_request(&text, &reader, NULL, 0);
	assert_non_null(strstr(buf_string(&text), "Traversal=\"Shallow\""));
	assert_non_null(strstr(buf_string(&text),
		"<t:ExtendedFieldURI PropertyTag=\"0x6698\" PropertyType=\"Binary\"/>"));
	assert_non_null(strstr(buf_string(&text),
		"<m:ParentFolderIds><t:DistinguishedFolderId Id=\"publicfoldersroot\"/>"));
	buf_reset(&text);
	find_children_request(&text, &reader, "AAE&=", 0);
	assert_non_null(
		strstr(buf_string(&text), "<m:ParentFolderIds><t:FolderId Id=\"AAE&amp;=\"/>"));
}

static void
find_item_asks_for_what_was_made_first_first(void **state)
{
	EXA_AUTO(buf_done) struct buf text = { 0 };

	(void)state;
	find_items_request(&text, &anna, "AAE=", 500);
	assert_outline(&text,
		HEAD "m:FindItem[Traversal=Shallow](m:ItemShape(t:BaseShape='IdOnly' "
		     "t:AdditionalProperties(t:FieldURI[FieldURI=item:ItemClass] "
		     "t:FieldURI[FieldURI=item:DateTimeReceived] "
		     "t:FieldURI[FieldURI=item:Size] t:FieldURI[FieldURI=message:IsRead])) "
		     "m:IndexedPageItemView[MaxEntriesReturned=500][Offset=500]"
		     "[BasePoint=Beginning] "
		     "m:SortOrder(t:FieldOrder[Order=Ascending]("
		     "t:FieldURI[FieldURI=item:DateTimeCreated])) "
		     "m:ParentFolderIds(t:FolderId[Id=AAE=]))))");
}

static void
export_items_names_the_ids_without_change_keys(void **state)
{
	static const struct ews_item_ref refs[] = { { "AAF+/=", "CQAA" }, { "AAG=", NULL } };
	EXA_AUTO(buf_done) struct buf text = { 0 };

	(void)state;
	export_items_request(&text, &anna, refs, 2);
	assert_outline(
		&text, HEAD "m:ExportItems(m:ItemIds(t:ItemId[Id=AAF+/=] t:ItemId[Id=AAG=]))))");
}

static void
each_part_of_a_mailbox_has_its_own_root(void **state)
{
	static const struct {
		enum ews_part part;
		const char *outline;
	} parts[] = {
		{ EWS_PART_ARCHIVE, "t:DistinguishedFolderId[Id=archivemsgfolderroot]" },
		{ EWS_PART_RECOVERABLE, "t:DistinguishedFolderId[Id=recoverableitemsroot]" },
		{ EWS_PART_ARCHIVE_RECOVERABLE,
			"t:DistinguishedFolderId[Id=archiverecoverableitemsroot]" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
		EXA_AUTO(buf_done) struct buf text = { 0 };
		EXA_AUTO(buf_done) struct buf expected = { 0 };
		struct ews_mailbox mailbox = anna;

		mailbox.part = parts[i].part;
		buf_printf(&expected, "%sm:GetFolder(%s m:FolderIds(%s))))", HEAD, FOLDER_SHAPE,
			parts[i].outline);
		get_folder_request(&text, &mailbox, NULL);
		assert_outline(&text, buf_string(&expected));
	}
}

static void
get_folder_asks_by_id_or_for_the_root(void **state)
{
	EXA_AUTO(buf_done) struct buf text = { 0 };

	(void)state;
	get_folder_request(&text, &anna, "AAF+/=");
	assert_outline(
		&text, HEAD "m:GetFolder(" FOLDER_SHAPE " m:FolderIds(t:FolderId[Id=AAF+/=]))))");
	buf_reset(&text);
	get_folder_request(&text, &anna, NULL);
	assert_outline(&text, HEAD "m:GetFolder(" FOLDER_SHAPE
				   " m:FolderIds(t:DistinguishedFolderId[Id=msgfolderroot]))))");
}

#define SYNC_HEAD                                                                              \
	HEAD "m:SyncFolderItems(m:ItemShape(t:BaseShape='IdOnly' t:AdditionalProperties("      \
	     "t:FieldURI[FieldURI=item:ItemClass] t:FieldURI[FieldURI=item:DateTimeReceived] " \
	     "t:FieldURI[FieldURI=item:Size] t:FieldURI[FieldURI=message:IsRead])) "           \
	     "m:SyncFolderId(t:FolderId[Id=AAF]) "

static void
sync_items_leaves_an_absent_state_out(void **state)
{
	EXA_AUTO(buf_done) struct buf text = { 0 };
	struct ews_sync_request request = {
		.folder_id = "AAF", .sync_state = "H4sI+/=", .max_changes = 512
	};

	(void)state;
	sync_items_request(&text, &anna, &request);
	assert_outline(&text, SYNC_HEAD "m:SyncState='H4sI+/=' m:MaxChangesReturned='512' "
					"m:SyncScope='NormalItems')))");
	request.sync_state = "";
	request.max_changes = 1;
	buf_reset(&text);
	sync_items_request(&text, &anna, &request);
	assert_outline(&text, SYNC_HEAD "m:MaxChangesReturned='1' m:SyncScope='NormalItems')))");
}

#define PROPERTIES                                                                 \
	"t:AdditionalProperties(t:FieldURI[FieldURI=item:ItemClass] "              \
	"t:FieldURI[FieldURI=item:Size] t:FieldURI[FieldURI=item:Categories] "     \
	"t:FieldURI[FieldURI=item:DateTimeReceived] "                              \
	"t:FieldURI[FieldURI=item:DateTimeSent] "                                  \
	"t:FieldURI[FieldURI=item:DateTimeCreated] "                               \
	"t:FieldURI[FieldURI=item:LastModifiedTime] "                              \
	"t:FieldURI[FieldURI=item:HasAttachments] t:FieldURI[FieldURI=item:Flag] " \
	"t:FieldURI[FieldURI=message:IsRead] "                                     \
	"t:FieldURI[FieldURI=message:InternetMessageId] "                          \
	"t:ExtendedFieldURI[PropertyTag=0x0E07][PropertyType=Integer] "            \
	"t:ExtendedFieldURI[PropertyTag=0x300B][PropertyType=Binary])"

static void
get_items_asks_for_content_and_properties(void **state)
{
	EXA_AUTO(buf_done) struct buf text = { 0 };
	const struct ews_item_ref refs[] = { { "AAE1", NULL }, { "AAE2", "CQA2" }, { "AAE3", "" } };

	(void)state;
	get_items_request(&text, &anna, ITEMS_WITH_MIME, refs, 3);
	assert_outline(&text, HEAD
		"m:GetItem(m:ItemShape(t:BaseShape='IdOnly' t:IncludeMimeContent='true' " PROPERTIES
		") m:ItemIds(t:ItemId[Id=AAE1] t:ItemId[Id=AAE2][ChangeKey=CQA2] "
		"t:ItemId[Id=AAE3]))))");
}

static void
get_properties_asks_for_all_but_the_content(void **state)
{
	EXA_AUTO(buf_done) struct buf text = { 0 };
	const struct ews_item_ref ref = { "AAE1", NULL };

	(void)state;
	get_items_request(&text, &anna, ITEMS_PROPERTIES, &ref, 1);
	assert_outline(&text, HEAD "m:GetItem(m:ItemShape(t:BaseShape='IdOnly' "
				   "t:IncludeMimeContent='false' " PROPERTIES
				   ") m:ItemIds(t:ItemId[Id=AAE1]))))");
}

static void
looking_at_items_asks_for_what_decides_and_no_content(void **state)
{
	EXA_AUTO(buf_done) struct buf text = { 0 };
	const struct ews_item_ref refs[] = { { "AAE1", "CQA1" }, { "AAE2", "" } };

	(void)state;
	look_items_request(&text, &anna, refs, 2);
	assert_outline(&text, HEAD "m:GetItem(m:ItemShape(t:BaseShape='IdOnly' "
				   "t:AdditionalProperties(t:FieldURI[FieldURI=item:ItemClass] "
				   "t:FieldURI[FieldURI=item:DateTimeReceived] "
				   "t:FieldURI[FieldURI=item:Flag])) "
				   "m:ItemIds(t:ItemId[Id=AAE1] t:ItemId[Id=AAE2]))))");
}

static void
deleting_gives_all_attributes_and_tells_nobody(void **state)
{
	static const struct {
		enum ews_delete_type type;
		const char *word;
	} cases[] = { { EWS_DELETE_SOFT, "SoftDelete" }, { EWS_DELETE_HARD, "HardDelete" },
		{ EWS_DELETE_TO_TRASH, "MoveToDeletedItems" } };
	const struct ews_item_ref refs[] = { { "AAE1", "CQA1" }, { "AAE2", "CQA2" } };

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		EXA_AUTO(buf_done) struct buf text = { 0 };
		EXA_AUTO(buf_done) struct buf expected = { 0 };

		buf_printf(&expected,
			HEAD "m:DeleteItem[DeleteType=%s][SendMeetingCancellations=SendToNone]"
			     "[AffectedTaskOccurrences=SpecifiedOccurrenceOnly]"
			     "[SuppressReadReceipts=true]("
			     "m:ItemIds(t:ItemId[Id=AAE1][ChangeKey=CQA1] "
			     "t:ItemId[Id=AAE2][ChangeKey=CQA2]))))",
			cases[i].word);
		delete_items_request(&text, &anna,
			&(struct ews_delete_request){
				.type = cases[i].type, .refs = refs, .count = 2 });
		assert_outline(&text, buf_string(&expected));
	}
}

static void
a_full_batch_stays_below_55_kilobytes(void **state)
{
	EXA_AUTO(buf_done) struct buf text = { 0 };
	struct ews_item_ref refs[EWS_BATCH_MAX];
	char id[153], key[41]; /* Exchange Online's */

	(void)state;
	memset(id, 'A', sizeof id);
	memset(key, 'C', sizeof key);
	id[sizeof id - 1] = key[sizeof key - 1] = '\0';
	for (size_t i = 0; i < EWS_BATCH_MAX; i++)
		refs[i] = (struct ews_item_ref){ id, key };
	get_items_request(&text, &anna, ITEMS_WITH_MIME, refs, EWS_BATCH_MAX);
	assert_true(text.size < 55 * 1024);
}

static void
text_from_outside_can_not_break_a_request(void **state)
{
	EXA_AUTO(buf_done) struct buf text = { 0 };

	(void)state;
	soap_text(&text, "a&b<c>\"d\"'e'\r\n\tf");
	assert_string_equal(buf_string(&text), "a&amp;b&lt;c&gt;&quot;d&quot;'e'&#xD;&#xA;&#x9;f");
	buf_reset(&text);
	soap_text(&text, "x\x01y\xef\xbf\xbfz\xffw\xe2\x82");
	assert_string_equal(buf_string(&text), "x\xef\xbf\xbdy\xef\xbf\xbdz\xef\xbf\xbdw"
					       "\xef\xbf\xbd\xef\xbf\xbd");
	buf_reset(&text);
	soap_text(&text, "Z\xc3\xbcrich \xf0\x9f\x98\x80");
	assert_string_equal(buf_string(&text), "Z\xc3\xbcrich \xf0\x9f\x98\x80");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(find_folder_asks_for_a_page_of_the_whole_tree),
		cmocka_unit_test(get_folder_asks_by_id_or_for_the_root),
		cmocka_unit_test(public_folders_are_asked_for_level_by_level),
		cmocka_unit_test(find_item_asks_for_what_was_made_first_first),
		cmocka_unit_test(export_items_names_the_ids_without_change_keys),
		cmocka_unit_test(each_part_of_a_mailbox_has_its_own_root),
		cmocka_unit_test(sync_items_leaves_an_absent_state_out),
		cmocka_unit_test(get_items_asks_for_content_and_properties),
		cmocka_unit_test(looking_at_items_asks_for_what_decides_and_no_content),
		cmocka_unit_test(deleting_gives_all_attributes_and_tells_nobody),
		cmocka_unit_test(get_properties_asks_for_all_but_the_content),
		cmocka_unit_test(a_full_batch_stays_below_55_kilobytes),
		cmocka_unit_test(text_from_outside_can_not_break_a_request),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
