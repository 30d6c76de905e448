/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <glib.h>

#include "exarch/clock.h"
#include "exarch/mem.h"

#include "name.h"
#include "places.h"
#include "support.h"

#define HUNDRED                                                                                    \
	"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa" \
	"aaaaaaa"                                                                                  \
	"aaaaa"

/* Text that people, strangers and enemies call folders and messages. */
static const char *const hostile[] = {
	"",
	".",
	"..",
	"...",
	"/",
	"../../x",
	"..\\..\\x",
	"/etc/passwd",
	"C:\\Windows",
	"CON",
	"con.txt",
	"Con .txt",
	"NUL",
	"aux.tar.gz",
	"COM1",
	"lpt9.eml",
	"COM\xc2\xb9",
	"conin$",
	" leading",
	"trailing ",
	"trailing.",
	"trailing. . .",
	".hidden",
	"a\nb\r\nc",
	"a\tb",
	"\x1b[31mred\x1b]0;title\x07",
	"\x7f\x01\x02",
	"c1 \xc2\x9b 31m",
	"bidi \xe2\x80\xae gpj.exe",
	"iso \xe2\x81\xa6 late",
	"zero \xe2\x80\x8b width",
	"invalid \xff\xfe\x80",
	"overlong \xc0\xaf\xc0\xaf",
	"cut \xe6\x97",
	"<>:\"/\\|?*",
	"a\xe2\x88\x95"
	"b",                     /* U+2215 */
	"..\xef\xbc\x8f..",      /* U+FF0F */
	"x\xe2\x81\x84y",        /* U+2044 */
	HUNDRED HUNDRED HUNDRED, /* 300 bytes */
	HUNDRED
	"\xe6\x97\xa5\xe6\x9c\xac\xe6\x97\xa5\xe6\x9c\xac\xe6\x97\xa5\xe6\x9c\xac\xe6\x97\xa5"
	"\xe6\x9c\xac\xe6\x97\xa5\xe6\x9c\xac" HUNDRED,
	"folder.eml",
	"20260501-000000-1-x.eml",
	"x.EML",
};
#define HOSTILE_COUNT (sizeof hostile / sizeof hostile[0])

static bool
begins_with_device(const char *name)
{
	static const char *const devices[] = { "CON", "PRN", "AUX", "NUL", "COM1", "COM\xc2\xb9",
		"LPT9", "CONIN$" };
	gchar *upper = g_ascii_strup(name, -1);
	size_t base = strcspn(upper, ".");
	bool is = false;

	while (base > 0 && upper[base - 1] == ' ')
		base--;
	for (size_t i = 0; i < sizeof devices / sizeof devices[0]; i++)
		is = is || (strlen(devices[i]) == base && strncmp(upper, devices[i], base) == 0);
	g_free(upper);
	return is;
}

/* What every component promises, whatever it was made of. */
static void
assert_safe(const char *name)
{
	gchar *nfc = g_utf8_normalize(name, -1, G_NORMALIZE_NFC);
	size_t size = strlen(name);

	assert_true(size > 0);
	assert_true(size < 255);
	assert_true(g_utf8_validate(name, -1, NULL));
	assert_string_equal(nfc, name);
	g_free(nfc);
	assert_null(strpbrk(name, "<>:\"/\\|?*"));
	assert_true(name[0] != '.' && name[0] != ' ');
	assert_true(name[size - 1] != '.' && name[size - 1] != ' ');
	assert_false(begins_with_device(name));
	for (const gchar *p = name; *p != '\0'; p = g_utf8_find_next_char(p, NULL)) {
		gunichar c = g_utf8_get_char(p);

		assert_true(c >= 0x20 && (c < 0x7f || c > 0x9f));
		assert_false(c == 0x200b || c == 0x200e || c == 0x200f || c == 0xfffd);
		assert_false((c >= 0x202a && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069));
		assert_false(c == 0x2215 || c == 0x2044 || c == 0xff0f);
	}
}

static void
names_of_folders_are_safe_whatever_they_are_made_of(void **state)
{
	(void)state;
	for (size_t i = 0; i < HOSTILE_COUNT; i++) {
		EXA_AUTO(buf_done) struct buf name = { 0 };

		name_add_folder(&name, hostile[i]);
		assert_safe(buf_string(&name));
		assert_true(name.size <= NAME_FOLDER_MAX);
		/* No file of ours can be meant. */
		assert_false(name.size >= 4 &&
			     g_ascii_strcasecmp(buf_string(&name) + name.size - 4, ".eml") == 0);
	}
}

static void
names_of_files_are_safe_whatever_the_subject(void **state)
{
	(void)state;
	for (size_t i = 0; i < HOSTILE_COUNT; i++) {
		EXA_AUTO(buf_done) struct buf name = { 0 };

		name_add_file(&name, MAY_FIRST_NS, 17, hostile[i]);
		assert_safe(buf_string(&name));
		assert_memory_equal(name.data, "20260501-000000-17-", 19);
		assert_true(name.size <= 19 + NAME_SUBJECT_MAX);
	}
}

static void
ordinary_names_are_kept(void **state)
{
	static const struct {
		const char *in, *out;
	} cases[] = {
		{ "Inbox", "Inbox" },
		{ "Gesendete Elemente", "Gesendete Elemente" },
		{ "\xc3\x96sterreich & Co. (2026)", "\xc3\x96sterreich & Co. (2026)" },
		{ "\xe5\x8f\x97\xe4\xbf\xa1", "\xe5\x8f\x97\xe4\xbf\xa1" },
		{ "O\xcc\x88l", "\xc3\x96l" }, /* NFD becomes NFC */
		{ "a/b", "a_b" },
		{ "CONTRACTS", "CONTRACTS" },
		{ "COM10", "COM10" },
		{ "CON", "_CON" },
		{ "..", "_" },
		{ "anna@contoso.com", "anna@contoso.com" },
		{ "a.eml", "a.eml_" },
		{ "a.FTS", "a.FTS_" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		EXA_AUTO(buf_done) struct buf name = { 0 };

		name_add_folder(&name, cases[i].in);
		assert_string_equal(buf_string(&name), cases[i].out);
	}
}

static void
a_file_name_tells_time_number_and_subject(void **state)
{
	static const struct {
		int64_t received_ns;
		const char *subject, *name;
	} cases[] = {
		{ MAY_FIRST_NS + 10 * HOUR_NS, "Re: plan", "20260501-100000-7-Re_ plan" },
		{ EXA_NO_TIME, "plan", "00000000-000000-7-plan" },
		{ MAY_FIRST_NS, "", "20260501-000000-7-_" },
		{ MAY_FIRST_NS, " .. ", "20260501-000000-7-_" },
		{ -1, "before 1970", "19691231-235959-7-before 1970" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		EXA_AUTO(buf_done) struct buf name = { 0 };

		name_add_file(&name, cases[i].received_ns, 7, cases[i].subject);
		assert_string_equal(buf_string(&name), cases[i].name);
	}
}

/* Adds folders 1, 2, ... of one mailbox and gives their places. */
static struct places *
place_all(const char *const *paths, size_t count)
{
	struct places *p = places_new();

	places_add_mailbox(p, &(struct catalog_mailbox){ .number = 1, .smtp = "anna@x" });
	places_enter_mailbox(p, 1);
	for (size_t i = 0; i < count; i++)
		places_add_folder(
			p, &(struct catalog_folder){
				   .mailbox = 1, .number = (uint32_t)i + 1, .path = paths[i] });
	return p;
}

static void
folders_that_a_file_system_takes_for_one_get_numbers(void **state)
{
	static const char *const paths[] = { "/Inbox", "/INBOX", "/\xc3\x96l", "/O\xcc\x88l", "/a?",
		"/a*", "/a?/Sub", "/a*/Sub", "/Inbox", "/Inbox (2)", "/Foo.", "/Foo", "/",
		"/Deep/er", "/Deep" };
	static const char *const places[] = { "anna@x/Inbox", "anna@x/INBOX (2)",
		"anna@x/\xc3\x96l", "anna@x/\xc3\x96l (2)", "anna@x/a_", "anna@x/a_ (2)",
		"anna@x/a_/Sub", "anna@x/a_ (2)/Sub", "anna@x/Inbox (3)", "anna@x/Inbox (2) (2)",
		"anna@x/Foo", "anna@x/Foo (2)", "anna@x", "anna@x/Deep/er", "anna@x/Deep" };
	struct places *p = place_all(paths, sizeof paths / sizeof paths[0]);

	(void)state;
	for (uint32_t i = 0; i < sizeof paths / sizeof paths[0]; i++)
		assert_string_equal(places_folder(p, i + 1), places[i]);
	assert_null(places_folder(p, 99));
	places_free(p);
}

static void
a_folder_keeps_its_place_when_others_are_added(void **state)
{
	struct places *some = place_all(hostile, HOSTILE_COUNT / 2);
	struct places *all = place_all(hostile, HOSTILE_COUNT);

	(void)state;
	for (uint32_t i = 1; i <= HOSTILE_COUNT / 2; i++)
		assert_string_equal(places_folder(some, i), places_folder(all, i));
	places_free(some);
	places_free(all);
}

static void
places_of_hostile_folders_are_apart_and_inside(void **state)
{
	struct places *p = place_all(hostile, HOSTILE_COUNT);
	GHashTable *seen = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);

	(void)state;
	for (uint32_t i = 1; i <= HOSTILE_COUNT; i++) {
		const char *place = places_folder(p, i);
		gchar **parts = g_strsplit(place, "/", -1);
		gchar *folded = g_utf8_casefold(place, -1);

		assert_string_equal(parts[0], "anna@x");
		for (size_t k = 1; parts[k] != NULL; k++)
			assert_safe(parts[k]);
		/* Those without a name of their own are the mailbox's top. */
		assert_true(g_hash_table_add(seen, folded) ||
			    strspn(hostile[i - 1], "/") == strlen(hostile[i - 1]));
		g_strfreev(parts);
	}
	g_hash_table_destroy(seen);
	places_free(p);
}

static void
mailboxes_and_their_parts_stand_apart(void **state)
{
	static const struct catalog_mailbox mailboxes[] = {
		{ .number = 1, .smtp = "anna@x", .part = CATALOG_PRIMARY },
		{ .number = 2, .smtp = "anna@x", .part = CATALOG_ONLINE_ARCHIVE },
		{ .number = 3, .smtp = "a/b@x", .part = CATALOG_PRIMARY },
		{ .number = 4, .smtp = "a\\b@x", .part = CATALOG_PRIMARY },
		{ .number = 5, .smtp = "../..", .part = CATALOG_PRIMARY },
	};
	static const char *const places[] = { "anna@x/Inbox", "anna@x (online archive)/Inbox",
		"a_b@x/Inbox", "a_b@x (2)/Inbox", "_._/Inbox" };
	struct places *p = places_new();

	(void)state;
	for (size_t i = 0; i < sizeof mailboxes / sizeof mailboxes[0]; i++)
		places_add_mailbox(p, &mailboxes[i]);
	for (uint32_t i = 0; i < sizeof mailboxes / sizeof mailboxes[0]; i++) {
		places_enter_mailbox(p, i + 1);
		places_add_folder(p, &(struct catalog_folder){
					     .mailbox = i + 1, .number = 1, .path = "/Inbox" });
		assert_string_equal(places_folder(p, 1), places[i]);
	}
	places_free(p);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_of_folders_are_safe_whatever_they_are_made_of),
		cmocka_unit_test(names_of_files_are_safe_whatever_the_subject),
		cmocka_unit_test(ordinary_names_are_kept),
		cmocka_unit_test(a_file_name_tells_time_number_and_subject),
		cmocka_unit_test(folders_that_a_file_system_takes_for_one_get_numbers),
		cmocka_unit_test(a_folder_keeps_its_place_when_others_are_added),
		cmocka_unit_test(places_of_hostile_folders_are_apart_and_inside),
		cmocka_unit_test(mailboxes_and_their_parts_stand_apart),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
