/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Exactness over real-looking mail: each message of fixtures/mail in many chunkings, and thousands
 * of messages made from them by damage. A failing round prints its seed.
 */
#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "exarch/fs.h"
#include "exarch/mem.h"
#include "exarch/mime.h"

#include "record.h"

#define MAILS_MAX ((size_t)512)
#define MAIL_BYTES_MAX ((size_t)8 * 1024 * 1024)
#define SMALL_MAIL ((size_t)8 * 1024)
#define ROUNDS 4000

static struct {
	char *path;
	struct buf content;
} mails[MAILS_MAX];
static size_t mail_count;

static int
read_mail(const char *path, const struct stat *st, int kind, struct FTW *ftw)
{
	const char *end = strrchr(path, '.');
	struct exa_error err = { 0 };

	(void)st;
	(void)ftw;
	if (kind != FTW_F || end == NULL || strcmp(end, ".eml") != 0 || mail_count == MAILS_MAX)
		return 0;
	mails[mail_count].path = exa_strdup(path);
	if (!fs_read_file(path, MAIL_BYTES_MAX, &mails[mail_count].content, &err))
		fail_msg("%s", err.text);
	mail_count++;
	return 0;
}

static int
read_mails(void **state)
{
	const char *fixtures = getenv("EXARCH_FIXTURES");
	char *dir = fs_join(fixtures != NULL ? fixtures : "fixtures", "mail");

	(void)state;
	(void)nftw(dir, read_mail, 16, FTW_PHYS);
	exa_free(dir);
	return 0;
}

static int
free_mails(void **state)
{
	(void)state;
	for (size_t i = 0; i < mail_count; i++) {
		exa_free(mails[i].path);
		buf_done(&mails[i].content);
	}
	return 0;
}

static void
check_chunk(struct record *whole, struct record *chunked, size_t mail, size_t chunk)
{
	struct bytes message = buf_bytes(&mails[mail].content);

	assert_true(record_split(chunked, message, chunk));
	if (!record_equal(whole, chunked))
		fail_msg("%s: other pieces in chunks of %zu", mails[mail].path, chunk);
}

static void
each_fixture_comes_back_from_every_chunking(void **state)
{
	const size_t chunks[] = { 1, 2, 3, 5, 77, 78, 79, 80, 1021, 16384, 65535, 65537 };
	EXA_AUTO(record_freep) struct record *whole = record_new();
	EXA_AUTO(record_freep) struct record *chunked = record_new();

	(void)state;
	assert_true(mail_count >= 64);
	for (size_t i = 0; i < mail_count; i++) {
		struct bytes message = buf_bytes(&mails[i].content);

		assert_true(record_split(whole, message, SIZE_MAX));
		if (!bytes_equal(buf_bytes(&whole->message), message))
			fail_msg("%s: the pieces aren't the message", mails[i].path);
		for (size_t c = 0; c < sizeof chunks / sizeof chunks[0]; c++)
			check_chunk(whole, chunked, i, chunks[c]);
		for (size_t chunk = 1; message.size <= SMALL_MAIL && chunk <= message.size;
			chunk += chunk < 200 ? 1 : 61)
			check_chunk(whole, chunked, i, chunk);
	}
}

static uint32_t seed;

static size_t
roll(size_t below)
{
	seed = seed * UINT32_C(1664525) + UINT32_C(1013904223);
	return below == 0 ? 0 : (size_t)(seed >> 8) % below;
}

static struct bytes
any_line(struct bytes b)
{
	size_t from = roll(b.size), to = from;

	while (from > 0 && b.data[from - 1] != '\n')
		from--;
	while (to < b.size && b.data[to] != '\n')
		to++;
	return bytes_take(bytes_skip(b, from), to - from + 1);
}

/* What is put in between: bytes that mean something to a parser. */
static struct bytes
any_token(void)
{
	static const char *const tokens[] = { "\r", "\n", "\r\n", "\n\n", "--", "\n--", "=",
		"==", " ", "\"", "(", ";", "\\", "--b\n", "\n--b--\n",
		"Content-Type: multipart/mixed; boundary=b\n",
		"Content-Transfer-Encoding: base64\n", "Content-Type: message/rfc822\n\n", "QUJD",
		"\xff" };

	return bytes_of_string(tokens[roll(sizeof tokens / sizeof tokens[0])]);
}

/* Writes IN with one piece of it changed, moved, doubled or left out. */
static void
damage(struct bytes in, struct buf *out)
{
	size_t at = roll(in.size + 1), kind = roll(7), gone = 0;
	struct bytes line = in.size > 0 ? any_line(in) : in, add = { 0 };
	uint8_t byte = (uint8_t)roll(256);

	switch (kind) {
	case 0: /* a byte changed */
	case 1: /* a byte added */
		add = bytes_of(&byte, 1);
		gone = 1 - kind;
		break;
	case 2:
		gone = roll(100);
		break;
	case 3:
		add = any_token();
		break;
	case 4: /* a line doubled, somewhere */
		add = line;
		break;
	case 5: /* a line left out */
		at = (size_t)(line.data - in.data);
		gone = line.size;
		break;
	case 6: /* the end is missing */
		gone = in.size;
		break;
	}
	buf_reset(out);
	buf_add_bytes(out, bytes_take(in, at));
	buf_add_bytes(out, add);
	buf_add_bytes(out, bytes_skip(in, at + gone));
}

static void
damaged_mail_comes_back_too(void **state)
{
	EXA_AUTO(record_freep) struct record *whole = record_new();
	EXA_AUTO(record_freep) struct record *chunked = record_new();
	EXA_AUTO(buf_done) struct buf a = { 0 };
	EXA_AUTO(buf_done) struct buf b = { 0 };

	(void)state;
	for (uint32_t round = 0; round < ROUNDS; round++) {
		const struct buf *mail;
		size_t chunk;

		seed = round;
		mail = &mails[roll(mail_count)].content;
		if (mail->size > 2 * SMALL_MAIL && round % 16 != 0)
			continue;
		buf_reset(&a);
		buf_add_bytes(&a, buf_bytes(mail));
		for (size_t n = 1 + roll(6); n > 0; n--) {
			struct buf swap = a;

			damage(buf_bytes(&a), &b);
			a = b;
			b = swap;
		}
		chunk = 1 + roll(roll(2) == 0 ? 20 : 5000);
		assert_true(record_split(whole, buf_bytes(&a), SIZE_MAX));
		if (!bytes_equal(buf_bytes(&whole->message), buf_bytes(&a)))
			fail_msg("round %u: the pieces aren't the message", round);
		assert_true(record_split(chunked, buf_bytes(&a), chunk));
		if (!record_equal(whole, chunked))
			fail_msg("round %u: other pieces in chunks of %zu", round, chunk);
	}
}

static void
attachments_of_all_mailboxes_share_their_data(void **state)
{
	EXA_AUTO(record_freep) struct record *r = record_new();
	EXA_AUTO(buf_done) struct buf report = { 0 };
	size_t same = 0;

	(void)state;
	for (size_t i = 0; i < mail_count; i++) {
		assert_true(record_split(r, buf_bytes(&mails[i].content), SIZE_MAX));
		for (size_t p = 0; p < r->count; p++) {
			struct bytes data = record_data(r, p);

			if (r->pieces[p].kind != MIME_BASE64 || data.size < 150000 ||
				memcmp(data.data, "%PDF", 4) != 0)
				continue;
			if (report.size == 0)
				buf_add_bytes(&report, data);
			assert_true(bytes_equal(data, buf_bytes(&report)));
			same++;
		}
	}
	/* 003 (received and sent), five layouts, 025, 045, 107: fixtures/README.md. */
	assert_int_equal(same, 10);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_fixture_comes_back_from_every_chunking),
		cmocka_unit_test(damaged_mail_comes_back_too),
		cmocka_unit_test(attachments_of_all_mailboxes_share_their_data),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, read_mails, free_mails);
}
