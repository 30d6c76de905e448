/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <jansson.h>

#include "capture.h"

/* Every line of TEXT is one JSON object; gives them as an array. */
static json_t *
parse_lines(const char *text)
{
	json_t *all = json_array();

	while (*text != '\0') {
		const char *end = strchr(text, '\n');
		json_error_t why;
		json_t *o;

		assert_non_null(end);
		o = json_loadb(text, (size_t)(end - text), JSON_REJECT_DUPLICATES, &why);
		assert_non_null(o);
		assert_true(json_is_object(o));
		assert_true(json_is_string(json_object_get(o, "event")));
		assert_int_equal(json_string_length(json_object_get(o, "time")), 20);
		assert_int_equal(json_array_append_new(all, o), 0);
		text = end + 1;
	}
	return all;
}

static json_t *
nth(json_t *all, const char *event, size_t n)
{
	json_t *o;
	size_t i;

	json_array_foreach(all, i, o)
	{
		if (strcmp(json_string_value(json_object_get(o, "event")), event) == 0 && n-- == 0)
			return o;
	}
	return NULL;
}

static const char *
text_of(json_t *o, const char *key)
{
	return json_string_value(json_object_get(o, key));
}

static json_int_t
number_of(json_t *o, const char *key)
{
	assert_true(json_is_integer(json_object_get(o, key)));
	return json_integer_value(json_object_get(o, key));
}

static void
what_the_mailbox_lines_say_adds_up_to_the_summary(void **state)
{
	static const char *const counts[] = { "archived", "bytes", "native_only", "known",
		"excluded", "deferred", "failed", "gone", "removed", "pending", "unexplained",
		"deleted", "undeleted" };
	struct report_totals totals;
	struct capture c = { 0 };
	json_t *all;

	(void)state;
	capture_begin(&c, REPORT_JSON);
	report_mailbox_open(c.r, "anna@x");
	for (uint64_t i = 1; i <= 3; i++)
		report_mailbox_done(c.r, &(struct report_mailbox){ .mailbox = "anna@x",
						 .archived = i,
						 .bytes = i * 3,
						 .native_only = i * 31,
						 .known = i * 5,
						 .excluded = i * 7,
						 .deferred = i * 11,
						 .failed = i * 13,
						 .gone = i * 17,
						 .removed = i * 19,
						 .pending = i * 23,
						 .deleted = i * 31,
						 .undeleted = i * 37,
						 .unexplained = i * 29,
						 .complete = i == 1,
						 .error = i == 3 ? an_error(EXA_DENIED, "E", "no")
								 : (struct exa_error){ 0 } });
	report_finish(c.r, 3, NULL, &totals);
	capture_end(&c);
	all = parse_lines(c.out);
	assert_string_equal(text_of(nth(all, "start", 0), "title"), "a test");
	assert_string_equal(text_of(nth(all, "mailbox_open", 0), "mailbox"), "anna@x");
	for (size_t k = 0; k < sizeof counts / sizeof counts[0]; k++) {
		json_int_t sum = 0;

		for (size_t i = 0; i < 3; i++)
			sum += number_of(nth(all, "mailbox", i), counts[k]);
		assert_true(sum > 0);
		assert_int_equal(number_of(nth(all, "summary", 0), counts[k]), sum);
	}
	assert_true(json_is_true(json_object_get(nth(all, "mailbox", 0), "complete")));
	assert_true(json_is_null(json_object_get(nth(all, "mailbox", 0), "error")));
	assert_string_equal(
		text_of(json_object_get(nth(all, "mailbox", 2), "error"), "code"), "denied");
	assert_int_equal(number_of(nth(all, "summary", 0), "exit_code"), 3);
	assert_true(json_is_null(json_object_get(nth(all, "summary", 0), "stopped")));
	assert_string_equal(c.talk, "");
	json_decref(all);
	capture_done(&c);
}

static void
problems_and_their_repeats_add_up_to_the_summary(void **state)
{
	struct exa_error why = an_error(EXA_UNREADABLE, "ErrorItemCorrupt", "line\nline \xff");
	struct report_totals totals;
	struct capture c = { 0 };
	json_t *all, *first;

	(void)state;
	capture_begin(&c, REPORT_JSON);
	for (int i = 0; i < 10; i++)
		report_problem(c.r, &(struct report_problem){ .mailbox = "anna@x",
					    .folder = "/Inbox/\xe2\x88\x95",
					    .item = "AAMk=",
					    .why = &why });
	report_note(c.r, "the certificate expires in %d days", 20);
	report_finish(c.r, 4, "asked to", &totals);
	capture_end(&c);
	/* ASCII alone: a terminal obeys some characters beyond it (C1, bidi). */
	for (size_t i = 0; i < c.out_size; i++)
		assert_true((unsigned char)c.out[i] < 0x80);
	all = parse_lines(c.out);
	first = nth(all, "problem", 0);
	assert_string_equal(text_of(first, "mailbox"), "anna@x");
	assert_string_equal(text_of(first, "folder"), "/Inbox/\xe2\x88\x95");
	assert_string_equal(text_of(first, "item"), "AAMk=");
	assert_string_equal(text_of(first, "code"), "unreadable");
	assert_string_equal(text_of(first, "name"), "ErrorItemCorrupt");
	assert_string_equal(text_of(first, "text"), "line line \xef\xbf\xbd");
	assert_non_null(nth(all, "problem", 2));
	assert_null(nth(all, "problem", 3));
	assert_int_equal(number_of(nth(all, "repeats", 0), "more"), 7);
	assert_int_equal(number_of(nth(all, "summary", 0), "problems"), 10);
	assert_string_equal(text_of(nth(all, "summary", 0), "stopped"), "asked to");
	assert_string_equal(
		text_of(nth(all, "note", 0), "text"), "the certificate expires in 20 days");
	json_decref(all);
	capture_done(&c);
}

static void
a_status_event_comes_each_interval(void **state)
{
	struct report_totals totals;
	struct report *r;
	char line[1024];
	FILE *out, *talk, *end;
	json_t *o = NULL;
	int fds[2];

	(void)state;
	assert_int_equal(pipe(fds), 0);
	end = fdopen(fds[0], "r");
	out = fdopen(fds[1], "w");
	talk = tmpfile();
	r = report_new(&(struct report_options){
		.style = REPORT_JSON, .out = out, .talk = talk, .status_interval_s = 1 });
	report_plan(r, 3);
	/* two of the three mailboxes are opened: the third is taken to hold 50 */
	report_expect(r, NULL, 60);
	report_expect(r, NULL, 40);
	report_fetched(r, NULL, 4, 4096);
	do {
		json_decref(o);
		assert_non_null(fgets(line, sizeof line, end));
		o = json_loads(line, 0, NULL);
		assert_non_null(o);
	} while (strcmp(text_of(o, "event"), "status") != 0);
	assert_int_equal(number_of(o, "mailboxes_planned"), 3);
	assert_int_equal(number_of(o, "items_expected"), 150);
	assert_int_equal(number_of(o, "items_fetched"), 4);
	assert_int_equal(number_of(o, "bytes_fetched"), 4096);
	json_decref(o);
	report_finish(r, 0, NULL, &totals);
	report_free(r);
	(void)fclose(out);
	(void)fclose(talk);
	(void)fclose(end);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_the_mailbox_lines_say_adds_up_to_the_summary),
		cmocka_unit_test(problems_and_their_repeats_add_up_to_the_summary),
		cmocka_unit_test(a_status_event_comes_each_interval),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
