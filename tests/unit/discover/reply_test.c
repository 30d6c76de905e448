/* SPDX-License-Identifier: Apache-2.0 */
/* Answers as servers give them: the seeds of the fuzz target, whose first byte names the form. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "exarch/fs.h"
#include "exarch/mem.h"

#include "reply.h"

#define EWS_URL "https://mail.contoso.example/EWS/Exchange.asmx"

static void
load_seed(const char *name, struct buf *text)
{
	EXA_AUTO(exa_freep) char *path = exa_asprintf("%s%s", SEEDS, name);
	struct exa_error err;

	if (!fs_read_file(path, 65536, text, &err))
		fail_msg("%s", err.text);
}

static void
read_seed(const char *name, struct reply *out)
{
	EXA_AUTO(buf_done) struct buf text = { 0 };

	load_seed(name, &text);
	reply_read((enum question)text.data[0], bytes_skip(buf_bytes(&text), 1), out);
}

static void
each_form_of_answer_is_understood(void **state)
{
	static const struct {
		const char *seed;
		enum reply_kind kind;
		const char *text;
	} cases[] = {
		/* what holds outside comes before what holds inside */
		{ "pox-settings", REPLY_EWS, EWS_URL },
		{ "pox-address", REPLY_TO_ADDRESS, "anna@mail.contoso.example" },
		{ "pox-url", REPLY_TO_URL,
			"https://mail.contoso.example/autodiscover/autodiscover.xml" },
		{ "pox-error", REPLY_ERROR, "600" },
		{ "soap-settings", REPLY_EWS, EWS_URL },
		{ "soap-address", REPLY_TO_ADDRESS, "anna@mail.contoso.example" },
		{ "soap-url", REPLY_TO_URL,
			"https://mail.contoso.example:8443/autodiscover/autodiscover.svc" },
		{ "soap-error", REPLY_ERROR, "InvalidUser" },
		{ "soap-fault", REPLY_ERROR, "fault" },
		{ "json", REPLY_EWS, EWS_URL },
		{ "json-error", REPLY_ERROR, "ProtocolNotSupported" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct reply reply;

		read_seed(cases[i].seed, &reply);
		if (reply.kind != cases[i].kind || strcmp(reply.text, cases[i].text) != 0)
			fail_msg("%s: %d %s", cases[i].seed, (int)reply.kind, reply.text);
	}
}

static void
what_is_no_answer_is_garbled(void **state)
{
	static const char *const texts[] = { "", "<", "<html><body>Sign in</body></html>", "{}",
		"<Autodiscover/>", "<Autodiscover xmlns=\"urn:x\"><Response/></Autodiscover>", "[]",
		"null", "\xff\xfe\x00<" };
	struct reply reply;

	(void)state;
	for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
		for (int q = 0; q < QUESTION_COUNT; q++) {
			reply_read((enum question)q, bytes_of_string(texts[i]), &reply);
			if (reply.kind != REPLY_GARBLED)
				fail_msg("%s as %s: %d", texts[i], question_forms[q].name,
					(int)reply.kind);
		}
	}
}

static void
an_answer_that_defines_entities_is_refused(void **state)
{
	struct reply reply;

	(void)state;
	read_seed("pox-doctype", &reply);
	assert_int_equal(reply.kind, REPLY_GARBLED);
}

static void
an_error_code_holds_nothing_that_could_disturb_a_terminal(void **state)
{
	static const char text[] = "{\"ErrorCode\":\"\\u001b[31mNo\\nSuch <User>\"}";
	struct reply reply;

	(void)state;
	reply_read(QUESTION_JSON, bytes_of_string(text), &reply);
	assert_int_equal(reply.kind, REPLY_ERROR);
	assert_string_equal(reply.text, "31mNoSuchUser");
}

static void
a_url_that_is_too_long_counts_as_absent(void **state)
{
	EXA_AUTO(buf_done) struct buf text = { 0 };
	struct reply reply;

	(void)state;
	buf_add_string(&text, "{\"Protocol\":\"EWS\",\"Url\":\"https://h/");
	for (int i = 0; i < REPLY_TEXT_MAX; i++)
		buf_add_byte(&text, 'a');
	buf_add_string(&text, "\"}");
	reply_read(QUESTION_JSON, buf_bytes(&text), &reply);
	assert_int_equal(reply.kind, REPLY_NOTHING);
}

static void
where_public_folders_are_is_understood(void **state)
{
	EXA_AUTO(buf_done) struct buf soap = { 0 };
	EXA_AUTO(buf_done) struct buf pox = { 0 };
	struct bytes soap_text, pox_text;
	char value[REPLY_TEXT_MAX];

	(void)state;
	load_seed("soap-public", &soap);
	load_seed("pox-content", &pox);
	soap_text = bytes_skip(buf_bytes(&soap), 1);
	pox_text = bytes_skip(buf_bytes(&pox), 1);
	assert_true(reply_setting(soap_text, "PublicFolderInformation", value));
	assert_string_equal(value, "public@contoso.example");
	assert_true(reply_setting(soap_text, "InternalRpcClientServer", value));
	assert_string_equal(value, "6b1c0d6e-1111-4222-8333-444455556666@contoso.example");
	assert_false(reply_setting(soap_text, "ExternalEwsUrl", value));
	assert_true(reply_pox_address(pox_text, value));
	assert_string_equal(value, "content2@contoso.example");
	assert_false(reply_pox_address(soap_text, value));
	assert_false(reply_setting(pox_text, "PublicFolderInformation", value));
	assert_false(reply_setting(bytes_of(NULL, 0), "PublicFolderInformation", value));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_form_of_answer_is_understood),
		cmocka_unit_test(where_public_folders_are_is_understood),
		cmocka_unit_test(what_is_no_answer_is_garbled),
		cmocka_unit_test(an_answer_that_defines_entities_is_refused),
		cmocka_unit_test(an_error_code_holds_nothing_that_could_disturb_a_terminal),
		cmocka_unit_test(a_url_that_is_too_long_counts_as_absent),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
