/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "url.h"

static void
an_origin_is_the_same_however_it_is_written(void **state)
{
	static const struct {
		const char *text, *origin;
		bool safe;
	} cases[] = {
		{ "https://mail.contoso.com/EWS/Exchange.asmx", "https://mail.contoso.com", true },
		{ "HTTPS://Mail.Contoso.COM:443/", "https://mail.contoso.com", true },
		{ "https://mail.contoso.com", "https://mail.contoso.com", true },
		{ "https://mail.contoso.com?a=b", "https://mail.contoso.com", true },
		{ "https://mail.contoso.com:8443/a", "https://mail.contoso.com:8443", true },
		{ "http://mail.contoso.com:80/a", "http://mail.contoso.com", false },
		{ "http://127.0.0.1:8080/a", "http://127.0.0.1:8080", true },
		{ "http://localhost/a", "http://localhost", true },
		{ "http://[::1]:1/a", "http://[::1]:1", true },
		{ "http://127.example.org/a", "http://127.example.org", false },
	};
	struct url u;

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		assert_true(url_read(cases[i].text, &u));
		assert_string_equal(u.origin, cases[i].origin);
		assert_string_equal(u.text, cases[i].text);
		assert_int_equal(u.safe, cases[i].safe);
	}
}

/* Two readers might see two hosts in them. */
static void
what_could_be_read_in_two_ways_is_refused(void **state)
{
	static const char *const bad[] = { "", "https://", "https:///a", "ftp://contoso.com/",
		"https://user@contoso.com/", "https://contoso.com@evil.example/",
		"https://contoso.com\\@evil.example/", "https://contoso.com:0/",
		"https://contoso.com:65536/", "https://contoso.com:1x/", "https://contoso.com:/",
		"https://contoso.com /", "https://contoso.com/a b", "https://contoso.com/\r\nX: y",
		"https://contoso.com#@evil.example/", "https://contoso.com;evil.example/",
		"https://[::1/", "https://[contoso.com]/", "https://m\xc3\xa4il.example/",
		"//contoso.com/", "contoso.com" };
	struct url u;

	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		if (url_read(bad[i], &u))
			fail_msg("%s is read as %s", bad[i], u.origin);
	}
}

static void
a_url_that_is_too_long_is_refused(void **state)
{
	char text[DISCOVER_URL_MAX + 1];
	struct url u;

	(void)state;
	memset(text, 'a', sizeof text);
	memcpy(text, "https://h/", strlen("https://h/"));
	text[DISCOVER_URL_MAX] = '\0';
	assert_false(url_read(text, &u));
	text[DISCOVER_URL_MAX - 1] = '\0';
	assert_true(url_read(text, &u));
}

static void
a_path_leads_to_the_same_host(void **state)
{
	struct url base, u;

	(void)state;
	assert_true(url_read("https://contoso.com:8443/a/b", &base));
	assert_true(url_read_beside(&base, "/c", &u));
	assert_string_equal(u.text, "https://contoso.com:8443/c");
	assert_true(url_read_beside(&base, "https://other.example/c", &u));
	assert_string_equal(u.origin, "https://other.example");
	assert_false(url_read_beside(&base, "//evil.example/c", &u));
	assert_false(url_read_beside(&base, "c", &u));
	assert_false(url_read_beside(&base, "", &u));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_origin_is_the_same_however_it_is_written),
		cmocka_unit_test(what_could_be_read_in_two_ways_is_refused),
		cmocka_unit_test(a_url_that_is_too_long_is_refused),
		cmocka_unit_test(a_path_leads_to_the_same_host),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
