/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "exarch/mem.h"

#include "schema.h"
#include "soap_out.h"

#define SHAPE "<m:ItemShape><t:BaseShape>IdOnly</t:BaseShape></m:ItemShape>"
#define INBOX "<m:SyncFolderId><t:DistinguishedFolderId Id=\"inbox\"/></m:SyncFolderId>"
#define MAX(n) "<m:MaxChangesReturned>" n "</m:MaxChangesReturned>"

struct check {
	const char *content;
	const char *violation; /* a part of its text; NULL: none */
};

static const struct check checks[] = {
	{ SHAPE INBOX MAX("512"), NULL },
	{ SHAPE INBOX "<m:SyncState>x</m:SyncState>" MAX("1"), NULL },
	{ SHAPE INBOX MAX("512") "<m:SyncScope>NormalItems</m:SyncScope>", NULL },
	{ SHAPE INBOX MAX("513"), "MaxSyncChangesReturnedType" },
	{ SHAPE INBOX MAX("0"), "MaxSyncChangesReturnedType" },
	{ SHAPE INBOX MAX("ten"), "MaxSyncChangesReturnedType" },
	{ SHAPE INBOX, "incomplete content" },
	{ INBOX SHAPE MAX("5"), "invalid child element 'SyncFolderId'" },
	{ SHAPE INBOX MAX("5") "<m:SyncState>x</m:SyncState>",
		"invalid child element 'SyncState'" },
	{ SHAPE INBOX MAX("5") "<m:SyncScope>All</m:SyncScope>", "SyncFolderItemsScopeType" },
	{ SHAPE "<m:SyncFolderId><t:DistinguishedFolderId Id=\"Inbox\"/></m:SyncFolderId>" MAX("5"),
		"DistinguishedFolderIdNameType" },
	{ SHAPE "<m:SyncFolderId><t:FolderId/></m:SyncFolderId>" MAX("5"),
		"required attribute 'Id' is missing" },
	{ SHAPE "<m:SyncFolderId><t:FolderId Id=\"x\" Ort=\"y\"/></m:SyncFolderId>" MAX("5"),
		"'Ort' attribute is not declared" },
	{ "<m:ItemShape><t:IncludeMimeContent>true</t:IncludeMimeContent></m:ItemShape>" INBOX MAX(
		  "5"),
		"'BaseShape'" },
	{ "<m:ItemShape><t:BaseShape>IdOnly</t:BaseShape><t:AdditionalProperties/></"
	  "m:ItemShape>" INBOX MAX("5"),
		"incomplete content" },
	{ "<m:ItemShape><t:BaseShape>IdOnly</t:BaseShape><t:AdditionalProperties><t:FieldURI "
	  "FieldURI=\"item:Seize\"/></t:AdditionalProperties></m:ItemShape>" INBOX MAX("5"),
		"UnindexedFieldURIType" },
	{ "<m:ItemShape><t:BaseShape>IdOnly</t:BaseShape><t:AdditionalProperties>"
	  "<t:ExtendedFieldURI "
	  "PropertyTag=\"0x0E07\"/></t:AdditionalProperties></m:ItemShape>" INBOX MAX("5"),
		"required attribute 'PropertyType' is missing" },
	{ "<m:ItemShape><t:BaseShape>IdOnly</t:BaseShape><t:AdditionalProperties>"
	  "<t:ExtendedFieldURI PropertyTag=\"0x10F4A\" PropertyType=\"Boolean\"/>"
	  "</t:AdditionalProperties></m:ItemShape>" INBOX MAX("5"),
		"PropertyTagType" },
};

static xmlDocPtr
parse(const char *content, struct xml_violation *why)
{
	EXA_AUTO(exa_freep)
	char *text = exa_asprintf("<m:SyncFolderItems xmlns:m=\"" NS_MESSAGES
				  "\" xmlns:t=\"" NS_TYPES "\">\n%s</m:SyncFolderItems>",
		content);

	return xmlin_parse(bytes_of_string(text), why);
}

static void
order_required_parts_and_values_are_checked(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof checks / sizeof checks[0]; i++) {
		struct xml_violation why = { 0 };
		EXA_AUTO(xmlin_docp) xmlDocPtr doc = parse(checks[i].content, &why);
		bool good;

		assert_non_null(doc);
		good = schema_check(xmlDocGetRootElement(doc), &schema_sync_folder_items, &why);
		if (good != (checks[i].violation == NULL))
			fail_msg("%s: %s", checks[i].content, why.text);
		if (!good && strstr(why.text, checks[i].violation) == NULL)
			fail_msg("%s: %s", checks[i].content, why.text);
		if (!good)
			assert_in_range(why.place.line, 1, 2);
	}
}

static void
elements_of_another_namespace_do_not_count(void **state)
{
	struct xml_violation why = { 0 };
	EXA_AUTO(xmlin_docp)
	xmlDocPtr doc = parse("<m:ItemShape><m:BaseShape>IdOnly</m:BaseShape></m:ItemShape>", &why);

	(void)state;
	assert_false(schema_check(xmlDocGetRootElement(doc), &schema_sync_folder_items, &why));
	assert_non_null(strstr(why.text, "'BaseShape' in namespace '" NS_MESSAGES "'"));
}

static void
a_doctype_is_refused(void **state)
{
	static const char text[] = "<!DOCTYPE a [<!ENTITY x \"y\">]><a>&x;</a>";
	struct xml_violation why = { 0 };

	(void)state;
	assert_null(xmlin_parse(bytes_of_string(text), &why));
	assert_non_null(strstr(why.text, "DTD is prohibited"));
}

static void
what_is_not_well_formed_is_told_with_its_place(void **state)
{
	struct xml_violation why = { 0 };

	(void)state;
	assert_null(xmlin_parse(bytes_of_string("<a>\n<b>\n</a>"), &why));
	assert_int_equal(why.place.line, 3);
	assert_null(xmlin_parse(bytes_of_string(""), &why));
	assert_null(xmlin_parse(bytes_of_string("<a>&#x1;</a>"), &why));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(order_required_parts_and_values_are_checked),
		cmocka_unit_test(elements_of_another_namespace_do_not_count),
		cmocka_unit_test(a_doctype_is_refused),
		cmocka_unit_test(what_is_not_well_formed_is_told_with_its_place),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
