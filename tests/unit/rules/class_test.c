/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "exarch/rules.h"

static void
item_classes_are_told_by_how_they_begin(void **state)
{
	static const struct {
		const char *item_class;
		enum rules_class expected;
	} cases[] = {
		{ "IPM.Note", RULES_CLASS_MAIL },
		{ "IPM.Note.SMIME.MultipartSigned", RULES_CLASS_MAIL },
		{ "IPM.Post.RSS", RULES_CLASS_MAIL },
		{ "", RULES_CLASS_MAIL },
		{ "IPM", RULES_CLASS_MAIL },
		{ "Something.Of.Ours", RULES_CLASS_MAIL },
		{ "IPM.Schedule.Meeting.Request", RULES_CLASS_MEETING },
		{ "IPM.Schedule.Meeting.Resp.Pos", RULES_CLASS_MEETING },
		{ "ipm.schedule.MEETING.canceled", RULES_CLASS_MEETING },
		{ "REPORT.IPM.Note.NDR", RULES_CLASS_REPORT },
		{ "Report.IPM.Note.IPNRN", RULES_CLASS_REPORT },
		{ "IPM.Appointment", RULES_CLASS_CALENDAR },
		{ "IPM.Appointment.Custom", RULES_CLASS_CALENDAR },
		{ "IPM.Contact", RULES_CLASS_CONTACT },
		{ "IPM.DistList", RULES_CLASS_CONTACT },
		{ "IPM.AbchPerson", RULES_CLASS_CONTACT },
		{ "IPM.Task", RULES_CLASS_TASK },
		{ "IPM.TaskRequest.Accept", RULES_CLASS_TASK },
		{ "IPM.StickyNote", RULES_CLASS_NOTE },
		{ "IPM.Activity", RULES_CLASS_JOURNAL },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		if (rules_class_of(cases[i].item_class) != cases[i].expected)
			fail_msg("'%s' is taken for %s", cases[i].item_class,
				rules_class_name(rules_class_of(cases[i].item_class)));
	}
}

static void
each_class_is_parsed_from_its_own_name(void **state)
{
	(void)state;
	for (unsigned i = 0; i < RULES_CLASS_COUNT; i++) {
		enum rules_class parsed = RULES_CLASS_COUNT;

		assert_true(rules_class_parse(rules_class_name((enum rules_class)i), &parsed));
		assert_int_equal(parsed, i);
	}
}

static void
an_unknown_name_is_no_class(void **state)
{
	enum rules_class parsed = RULES_CLASS_TASK;

	(void)state;
	assert_false(rules_class_parse("mails", &parsed));
	assert_false(rules_class_parse("", &parsed));
	assert_int_equal(parsed, RULES_CLASS_TASK);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(item_classes_are_told_by_how_they_begin),
		cmocka_unit_test(each_class_is_parsed_from_its_own_name),
		cmocka_unit_test(an_unknown_name_is_no_class),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
