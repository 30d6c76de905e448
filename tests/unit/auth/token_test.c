/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "exarch/mem.h"

#include "secret.h"
#include "token.h"

static bool
read_answer(int status, const char *text, struct token *out, struct exa_error *err)
{
	const struct http_answer answer = { .status = status, .retry_after_ms = 9000 };
	EXA_AUTO(buf_done) struct buf body = { 0 };

	buf_add_string(&body, text);
	return token_read_answer(&answer, &body, out, err);
}

static void
a_good_answer_gives_token_and_life(void **state)
{
	static const struct {
		const char *text;
		int64_t life_s;
	} cases[] = {
		{ "{\"token_type\":\"Bearer\",\"expires_in\":3599,\"access_token\":\"a.b.c\"}",
			3599 },
		{ "{\"access_token\":\"a.b.c\",\"expires_in\":\"4000\"}", 4000 },
		{ "{\"access_token\":\"a.b.c\"}", 3600 },
		{ "{\"access_token\":\"a.b.c\",\"expires_in\":-1}", 0 },
		{ "{\"access_token\":\"a.b.c\",\"expires_in\":99999999999}", 86400 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct token token = { 0 };
		struct exa_error err;

		assert_true(read_answer(200, cases[i].text, &token, &err));
		assert_string_equal(token.text, "a.b.c");
		assert_int_equal(token.life_s, cases[i].life_s);
		secret_string_freep(&token.text);
	}
}

static void
an_answer_without_a_usable_token_is_refused(void **state)
{
	static const char *const texts[] = { "", "<html/>", "{}", "[]", "{\"access_token\":5}",
		"{\"access_token\":\"\"}", "{\"access_token\":\"a\\r\\nX-Evil: 1\"}",
		"{\"access_token\":\"a b\"}" };

	(void)state;
	for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
		struct token token = { 0 };
		struct exa_error err;

		assert_false(read_answer(200, texts[i], &token, &err));
		assert_int_equal(err.code, EXA_PROTOCOL);
		assert_null(token.text);
	}
}

static void
errors_are_decided_by_their_number(void **state)
{
	static const struct {
		int status;
		const char *number;
		enum exa_code code;
		const char *word; /* of the remedy */
	} cases[] = {
		{ 401, "7000215", EXA_AUTH, "not its id" },
		{ 401, "7000222", EXA_AUTH, "expired" },
		{ 400, "700016", EXA_AUTH, "client_id" },
		{ 401, "700027", EXA_AUTH, "upload" },
		{ 401, "50012", EXA_AUTH, "clock" },
		{ 400, "500011", EXA_AUTH, "cloud" },
		{ 400, "90002", EXA_AUTH, "tenant" },
		{ 400, "65001", EXA_AUTH, "consent" },
		{ 400, "53003", EXA_AUTH, "conditional access" },
		{ 400, "90033", EXA_NET, "passes" },
		{ 400, "90055", EXA_THROTTLED, "too many" },
		{ 400, "424242", EXA_AUTH, "error?code=424242" },
		{ 503, "424242", EXA_NET, "503" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		EXA_AUTO(exa_freep)
		char *text = exa_asprintf(
			"{\"error\":\"invalid_client\",\"error_description\":\"AADSTS%s: the "
			"request said hunter2\",\"error_codes\":[%s]}",
			cases[i].number, cases[i].number);
		EXA_AUTO(exa_freep) char *name = exa_asprintf("AADSTS%s", cases[i].number);
		struct token token = { 0 };
		struct exa_error err;

		assert_false(read_answer(cases[i].status, text, &token, &err));
		assert_int_equal(err.code, cases[i].code);
		assert_string_equal(err.name, name);
		assert_int_equal(err.detail, cases[i].status);
		assert_non_null(strstr(err.text, cases[i].word));
		assert_null(strstr(err.text, "hunter2"));
	}
}

static void
a_status_without_a_number_is_read_by_itself(void **state)
{
	static const struct {
		int status;
		enum exa_code code;
	} cases[] = { { 429, EXA_THROTTLED }, { 503, EXA_NET }, { 500, EXA_NET }, { 302, EXA_NET },
		{ 400, EXA_AUTH }, { 404, EXA_AUTH } };

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct token token = { 0 };
		struct exa_error err;

		assert_false(read_answer(cases[i].status, "<html>", &token, &err));
		assert_int_equal(err.code, cases[i].code);
		assert_int_equal(err.retry_after_ms, 9000);
	}
}

/* {"roles":[...]} and the like between two dots. */
static void
assert_roles(const char *claims, bool readable, const char *expected)
{
	EXA_AUTO(buf_done) struct buf token = { 0 };
	EXA_AUTO(buf_done) struct buf roles = { 0 };

	buf_add_string(&token, "Bearer e30.");
	buf_add_base64url(&token, bytes_of_string(claims));
	buf_add_string(&token, ".c2ln");
	assert_int_equal(token_roles(buf_string(&token), &roles), readable);
	assert_string_equal(buf_string(&roles), expected);
}

static void
roles_are_read_from_the_token(void **state)
{
	EXA_AUTO(buf_done) struct buf roles = { 0 };

	(void)state;
	assert_roles("{\"roles\":[\"full_access_as_app\",\"Mail.Read\"]}", true,
		"full_access_as_app, Mail.Read");
	assert_roles("{\"roles\":[]}", true, "");
	assert_roles("{\"aud\":\"x\"}", true, "");
	assert_roles("not json", false, "");
	assert_roles("[1]", false, "");
	assert_false(token_roles("opaque", &roles));
	assert_false(token_roles("a.***.c", &roles));
}

static void
claims_are_read_from_the_token(void **state)
{
	static const char text[] = "{\"aud\":\"https://outlook.office365.com\",\"appid\":\"app\","
				   "\"tid\":\"tenant\",\"roles\":[\"a\",\"b\"],\"iat\":100,"
				   "\"exp\":3700}";
	EXA_AUTO(auth_claims_done) struct auth_claims claims = { 0 };
	EXA_AUTO(buf_done) struct buf token = { 0 };

	(void)state;
	buf_add_string(&token, "Bearer x.");
	buf_add_base64url(&token, bytes_of_string(text));
	buf_add_string(&token, ".y");
	assert_true(token_claims(buf_string(&token), &claims));
	assert_string_equal(claims.audience, "https://outlook.office365.com");
	assert_string_equal(claims.application, "app");
	assert_string_equal(claims.tenant, "tenant");
	assert_string_equal(claims.roles, "a, b");
	assert_int_equal(claims.issued_s, 100);
	assert_int_equal(claims.expires_s, 3700);
	assert_false(token_claims("opaque", &claims));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_good_answer_gives_token_and_life),
		cmocka_unit_test(an_answer_without_a_usable_token_is_refused),
		cmocka_unit_test(errors_are_decided_by_their_number),
		cmocka_unit_test(a_status_without_a_number_is_read_by_itself),
		cmocka_unit_test(roles_are_read_from_the_token),
		cmocka_unit_test(claims_are_read_from_the_token),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
