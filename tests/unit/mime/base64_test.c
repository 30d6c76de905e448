/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "exarch/mime.h"

#include "record.h"

/* Decodes TEXT in chunks; gives false, and an untouched *out for that chunk, when it is refused. */
static bool
decode(const char *text, size_t size, size_t chunk, struct buf *out)
{
	struct mime_base64_decoder d = { 0 };
	struct bytes rest = bytes_of(text, size);
	struct exa_error err = { 0 };

	for (; rest.size > 0; rest = bytes_skip(rest, chunk)) {
		size_t before = out->size;

		if (!mime_base64_decode(&d, bytes_take(rest, chunk), out, &err)) {
			assert_int_equal(out->size, before);
			assert_int_equal(err.code, EXA_PROTOCOL);
			return false;
		}
	}
	if (mime_base64_finish(&d, &err))
		return true;
	assert_int_equal(err.code, EXA_PROTOCOL);
	return false;
}

static void
text_decodes_with_white_space_anywhere_in_any_chunking(void **state)
{
	const struct {
		const char *text, *decoded;
	} cases[] = {
		{ "", "" },
		{ " \r\n\t", "" },
		{ "Zg==", "f" },
		{ "Zm8=", "fo" },
		{ "Zm9v", "foo" },
		{ "Zm9vYg==", "foob" },
		{ "Zm9vYmE=", "fooba" },
		{ "Zm9vYmFy", "foobar" },
		{ "\r\nZm9v\r\nYmFy\r\n", "foobar" },
		{ "Z m 9 v Y\tg = \n= ", "foob" },
		{ "Zm9vYmFyZm9vYmFyZm9vYmFyZm9vYm\r\nFyZm9vYmFyZm9vYmFyZm9vYg==\r\n",
			"foobarfoobarfoobarfoobarfoobarfoobarfoob" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		for (size_t chunk = 1; chunk <= 70; chunk++) {
			EXA_AUTO(buf_done) struct buf out = { 0 };

			assert_true(decode(cases[i].text, strlen(cases[i].text), chunk, &out));
			assert_string_equal(buf_string(&out), cases[i].decoded);
		}
	}
}

static void
text_that_is_not_base64_is_refused(void **state)
{
	const char *cases[] = { "Z", "Zg", "Zg=", "Zm8", "Z===", "====", "=", "Zg==Zg==", "Zg==A",
		"Zm9v=", "Zm=v", "Zm9!", "Zm9vY-==", "Zm9vY_8=", "Zh==", "Zm9=", "Zm9v\x80mFy",
		"Zm9v&#xd;", "Zm9vYmFyZm9vYmFyZm9vYmFyZm9vYmFy*m9vYmFy" };

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		for (size_t chunk = 1; chunk <= 41; chunk++) {
			EXA_AUTO(buf_done) struct buf out = { 0 };

			assert_false(decode(cases[i], strlen(cases[i]), chunk, &out));
		}
	}
	for (unsigned c = 0; c < 256; c++) {
		EXA_AUTO(buf_done) struct buf out = { 0 };
		char text[] = "Zm9vYmFyZm9vYmFyZm9v";
		bool alphabet =
			c != 0 &&
			strchr("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/",
				(int)c) != NULL;

		text[9] = (char)c;
		assert_true(decode(text, sizeof text - 1, 64, &out) == alphabet);
	}
}

static void
a_decoder_is_ready_again_after_finish(void **state)
{
	EXA_AUTO(buf_done) struct buf out = { 0 };
	struct mime_base64_decoder d = { 0 };
	struct exa_error err = { 0 };

	(void)state;
	assert_true(mime_base64_decode(&d, bytes_of_string("Zm9vY"), &out, &err));
	assert_false(mime_base64_finish(&d, &err));
	buf_reset(&out);
	assert_true(mime_base64_decode(&d, bytes_of_string("Zg=="), &out, &err));
	assert_true(mime_base64_finish(&d, &err));
	assert_true(mime_base64_decode(&d, bytes_of_string("Zm9v"), &out, &err));
	assert_true(mime_base64_finish(&d, &err));
	assert_string_equal(buf_string(&out), "ffoo");
}

static void
all_sizes_come_back(void **state)
{
	EXA_AUTO(buf_done) struct buf data = { 0 };

	(void)state;
	add_noise(&data, 1, 5000);
	for (size_t size = 0; size < data.size; size += size < 100 ? 1 : 97) {
		EXA_AUTO(buf_done) struct buf text = { 0 }, out = { 0 };
		struct bytes some = bytes_take(buf_bytes(&data), size);

		add_base64_lines(&text, some, 76, "\r\n");
		assert_true(decode((const char *)text.data, text.size, 1000, &out));
		assert_true(bytes_equal(buf_bytes(&out), some));
	}
}

static void
a_form_says_where_the_breaks_are(void **state)
{
	const struct {
		const char *decoded;
		struct mime_base64_form form;
		const char *text;
	} cases[] = {
		{ "", { 4, 4, MIME_EOL_CRLF }, "" },
		{ "foobar", { 0, 0, MIME_EOL_CRLF }, "Zm9vYmFy" },
		{ "foobar", { 4, 0, MIME_EOL_CRLF }, "Zm9v\r\nYmFy" },
		{ "foobar", { 4, 4, MIME_EOL_LF }, "\nZm9v\nYmFy" },
		{ "foobar", { 3, 1, MIME_EOL_LF }, "Zm\n9vY\nmFy" },
		{ "foob", { 6, 0, MIME_EOL_LF }, "Zm9vYg\n==" },
		{ "fooba", { 7, 0, MIME_EOL_CRLF }, "Zm9vYmE\r\n=" },
		{ "fooba", { 1, 1, MIME_EOL_LF }, "\nZ\nm\n9\nv\nY\nm\nE\n=" },
		{ "foobar", { 8, 0, MIME_EOL_LF }, "Zm9vYmFy" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		EXA_AUTO(buf_done) struct buf out = { 0 };

		mime_base64_render(bytes_of_string(cases[i].decoded), &cases[i].form, &out);
		assert_string_equal(buf_string(&out), cases[i].text);
	}
}

static void
rendering_in_steps_is_rendering_at_once(void **state)
{
	EXA_AUTO(buf_done) struct buf data = { 0 };

	(void)state;
	add_noise(&data, 2, 7000);
	for (uint32_t line = 0; line < 90; line += line < 9 ? 1 : 13) {
		for (size_t size = 0; size <= data.size; size += size < 30 ? 1 : 1357) {
			EXA_AUTO(buf_done) struct buf whole = { 0 }, steps = { 0 };
			struct mime_base64_form form = { line, line / 2, MIME_EOL_CRLF };
			struct bytes some = bytes_take(buf_bytes(&data), size);

			mime_base64_render(some, &form, &whole);
			assert_true(mime_base64_text_size(&form, size) == whole.size);
			for (; some.size > 0; some = bytes_skip(some, 9)) {
				struct bytes step = bytes_take(some, 9);

				mime_base64_render(step, &form, &steps);
				mime_base64_form_advance(&form, step.size);
				assert_true(mime_base64_form_valid(&form));
			}
			assert_true(bytes_equal(buf_bytes(&whole), buf_bytes(&steps)));
		}
	}
}

static void
a_form_from_outside_is_checked(void **state)
{
	const struct mime_base64_form good = { 76, 76, MIME_EOL_LF },
				      line = { 76, 77, MIME_EOL_LF }, none = { 0, 1, MIME_EOL_LF },
				      eol = { 76, 0, (enum mime_eol)2 };

	(void)state;
	assert_true(mime_base64_form_valid(&good));
	assert_false(mime_base64_form_valid(&line));
	assert_false(mime_base64_form_valid(&none));
	assert_false(mime_base64_form_valid(&eol));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(text_decodes_with_white_space_anywhere_in_any_chunking),
		cmocka_unit_test(text_that_is_not_base64_is_refused),
		cmocka_unit_test(a_decoder_is_ready_again_after_finish),
		cmocka_unit_test(all_sizes_come_back),
		cmocka_unit_test(a_form_says_where_the_breaks_are),
		cmocka_unit_test(rendering_in_steps_is_rendering_at_once),
		cmocka_unit_test(a_form_from_outside_is_checked),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
