/* SPDX-License-Identifier: Apache-2.0 */
/* Requests have the elements, order and namespaces that MS-OXDSCLI (POX) and MS-OXWSADISC (SOAP) want. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <libxml/parser.h>

#include "exarch/bytes.h"

#include "question.h"

#define ORIGIN "https://mail.contoso.example"

static const char *
prefix_of(const xmlNode *node)
{
	static const struct {
		const char *uri, *prefix;
	} known[] = {
		{ "http://schemas.microsoft.com/exchange/autodiscover/outlook/requestschema/2006",
			"o:" },
		{ "http://schemas.xmlsoap.org/soap/envelope/", "s:" },
		{ "http://schemas.microsoft.com/exchange/2010/Autodiscover", "a:" },
		{ "http://www.w3.org/2005/08/addressing", "w:" },
	};

	for (size_t i = 0; node->ns != NULL && i < sizeof known / sizeof known[0]; i++) {
		if (strcmp((const char *)node->ns->href, known[i].uri) == 0)
			return known[i].prefix;
	}
	return "?:";
}

/* An element as prefix:name, then ='text' or (children). */
static void
outline(struct buf *out, const xmlNode *node)
{
	const xmlNode *child = node->children;

	assert_null(node->properties);
	buf_printf(out, "%s%s", prefix_of(node), (const char *)node->name);
	if (child != NULL && child->type == XML_TEXT_NODE) {
		assert_null(child->next);
		buf_printf(out, "='%s'", (const char *)child->content);
		return;
	}
	buf_add_string(out, child != NULL ? "(" : "");
	for (; child != NULL; child = child->next) {
		outline(out, child);
		buf_add_string(out, child->next != NULL ? " " : ")");
	}
}

static void
assert_question(enum question q, const char *address, const char *url, const char *expected)
{
	EXA_AUTO(buf_done) struct buf asked = { 0 };
	EXA_AUTO(buf_done) struct buf body = { 0 };
	EXA_AUTO(buf_done) struct buf out = { 0 };
	xmlDoc *doc;

	question_url(q, ORIGIN, address, &asked);
	assert_string_equal(buf_string(&asked), url);
	question_body(q, buf_string(&asked), address, &body);
	if (expected == NULL) {
		assert_int_equal(body.size, 0);
		return;
	}
	doc = xmlReadMemory((const char *)body.data, (int)body.size, NULL, NULL, XML_PARSE_NONET);
	assert_non_null(doc);
	outline(&out, xmlDocGetRootElement(doc));
	xmlFreeDoc(doc);
	assert_string_equal(buf_string(&out), expected);
}

static void
pox_names_the_address_and_the_schema_of_the_answer(void **state)
{
	(void)state;
	assert_question(QUESTION_POX, "anna@contoso.example",
		ORIGIN "/autodiscover/autodiscover.xml",
		"o:Autodiscover(o:Request(o:EMailAddress='anna@contoso.example' "
		"o:AcceptableResponseSchema="
		"'http://schemas.microsoft.com/exchange/autodiscover/outlook/responseschema/"
		"2006a'))");
	assert_string_equal(question_forms[QUESTION_POX].method, "POST");
}

static void
soap_asks_one_user_for_both_urls(void **state)
{
	(void)state;
	assert_question(QUESTION_SOAP, "anna@contoso.example",
		ORIGIN "/autodiscover/autodiscover.svc",
		"s:Envelope(s:Header(a:RequestedServerVersion='Exchange2013_SP1' "
		"w:Action='http://schemas.microsoft.com/"
		"exchange/2010/Autodiscover/Autodiscover/GetUserSettings' w:To='" ORIGIN
		"/autodiscover/autodiscover.svc') "
		"s:Body(a:GetUserSettingsRequestMessage(a:Request(a:Users(a:User(a:Mailbox='anna@"
		"contoso.example')) "
		"a:RequestedSettings(a:Setting='ExternalEwsUrl' a:Setting='InternalEwsUrl')))))");
	assert_string_equal(question_forms[QUESTION_SOAP].method, "POST");
}

static void
json_asks_by_its_url_alone(void **state)
{
	(void)state;
	assert_question(QUESTION_JSON, "a+b&c@contoso.example",
		ORIGIN
		"/autodiscover/autodiscover.json/v1.0/a%2Bb%26c%40contoso.example?Protocol=EWS",
		NULL);
	assert_string_equal(question_forms[QUESTION_JSON].method, "GET");
}

static void
an_address_can_not_break_a_request(void **state)
{
	(void)state;
	assert_question(QUESTION_POX, "a&b<c>\"'@x.example",
		ORIGIN "/autodiscover/autodiscover.xml",
		"o:Autodiscover(o:Request(o:EMailAddress='a&b<c>\"'@x.example' "
		"o:AcceptableResponseSchema="
		"'http://schemas.microsoft.com/exchange/autodiscover/outlook/responseschema/"
		"2006a'))");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pox_names_the_address_and_the_schema_of_the_answer),
		cmocka_unit_test(soap_asks_one_user_for_both_urls),
		cmocka_unit_test(json_asks_by_its_url_alone),
		cmocka_unit_test(an_address_can_not_break_a_request),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
