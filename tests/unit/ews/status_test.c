/* SPDX-License-Identifier: Apache-2.0 */
/* Words for refusals, which nobody can get from a loopback server: those of Exchange Online. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "exarch/ews.h"

#include "status.h"

#define CLIENT_ID "cb9fe2cb-1111-4222-8333-444455556666"

static void
the_end_of_ews_names_what_an_administrator_can_do(void **state)
{
	static const char *const words[] = { "HTTP 403", "Set-OrganizationConfig",
		"-EwsEnabled $true", "-EwsAllowedAppIDs \"" CLIENT_ID "\"", "24 h", "October 2026",
		"1 April 2027", "access policy", "full_access_as_app" };
	const struct http_answer answer = { .status = 403 };
	const struct status_asked asked = { .online = true, .who = CLIENT_ID, .roles = "" };
	struct exa_error err;

	(void)state;
	assert_false(status_explain(&answer, &asked, &err));
	assert_int_equal(err.code, EXA_DENIED);
	assert_int_equal(err.detail, 403);
	for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
		if (strstr(err.text, words[i]) == NULL)
			fail_msg("no \"%s\" in: %s", words[i], err.text);
	}
}

static void
all_of_it_fits_behind_the_name_of_a_mailbox(void **state)
{
	const struct http_answer answer = { .status = 403 };
	const struct status_asked asked = { .online = true, .who = CLIENT_ID };
	struct exa_error err;

	(void)state;
	assert_false(status_explain(&answer, &asked, &err));
	assert_false(
		exa_while(&err, "mailbox %s", "a.rather.long.name@subsidiary.contoso.example"));
	assert_non_null(strstr(err.text, "not granted"));
}

static void
exchange_online_is_told_by_its_host(void **state)
{
	static const struct {
		const char *endpoint;
		bool online;
	} cases[] = {
		{ "https://outlook.office365.com/EWS/Exchange.asmx", true },
		{ "https://Outlook.Office365.com:443/EWS/Exchange.asmx", true },
		{ "https://outlook.office365.us/EWS/Exchange.asmx", true },
		{ "https://outlook-dod.office365.us/EWS/Exchange.asmx", true },
		{ "https://partner.outlook.cn/EWS/Exchange.asmx", true },
		{ "https://mail.contoso.com/EWS/Exchange.asmx", false },
		{ "https://notoutlook.com/EWS/Exchange.asmx", false },
		{ "https://outlook.com.contoso.com/EWS/Exchange.asmx", false },
		{ "https://mail.contoso.com/outlook.com", false },
		{ "outlook.com", false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		if (ews_is_online(cases[i].endpoint) != cases[i].online)
			fail_msg("%s", cases[i].endpoint);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_end_of_ews_names_what_an_administrator_can_do),
		cmocka_unit_test(all_of_it_fits_behind_the_name_of_a_mailbox),
		cmocka_unit_test(exchange_online_is_told_by_its_host),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
