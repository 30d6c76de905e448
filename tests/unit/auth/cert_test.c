/* SPDX-License-Identifier: Apache-2.0 */
/* What `cert create` makes is a key pair that signing in takes. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "exarch/cert.h"
#include "exarch/clock.h"
#include "exarch/fs.h"
#include "exarch/mem.h"

#include "key.h"

static int
setup(void **state)
{
	const char *base = getenv("TMPDIR");
	char *dir = exa_asprintf("%s/exarch-cert-XXXXXX", base != NULL ? base : "/tmp");

	assert_non_null(mkdtemp(dir));
	*state = dir;
	return 0;
}

static void
take_away(const char *dir, const char *name)
{
	EXA_AUTO(exa_freep) char *path = fs_join(dir, name);

	(void)unlink(path);
}

static int
teardown(void **state)
{
	EXA_AUTO(exa_freep) char *dir = *state;
	EXA_AUTO(exa_freep) char *made = fs_join(dir, "made");

	take_away(made, "exarch.key");
	take_away(made, "exarch.crt");
	take_away(made, "exarch.cer");
	(void)rmdir(made);
	return rmdir(dir);
}

static void
what_is_made_belongs_together_and_is_good_for_signing_in(void **state)
{
	EXA_AUTO(exa_freep) char *dir = fs_join(*state, "made");
	const struct cert_options options = { .dir = dir, .name = "Übersicht & Co", .days = 30 };
	struct exa_error err = { 0 };
	struct app_key key;
	struct cert cert;
	struct stat st;

	assert_true(cert_create(&options, &cert, &err));
	assert_int_equal(stat(cert.key_file, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	/* The file that is uploaded is the certificate as well. */
	assert_true(app_key_open(cert.cer_file, cert.key_file, &key, &err));
	app_key_done(&key);
	assert_true(app_key_open(cert.crt_file, cert.key_file, &key, &err));
	assert_in_range(app_key_days_left(&key), 29, 30);
	assert_true(EVP_PKEY_get_bits(key.key) >= 2048);
	assert_int_equal(X509_verify(key.certificate, key.key), 1);
	app_key_done(&key);
	cert_done(&cert);
}

static void
thumbprints_are_those_of_the_file_to_upload(void **state)
{
	EXA_AUTO(exa_freep) char *dir = fs_join(*state, "made");
	EXA_AUTO(buf_done) struct buf der = { 0 };
	const struct cert_options options = { .dir = dir, .name = "exarch", .days = 1 };
	unsigned char digest[EVP_MAX_MD_SIZE];
	struct exa_error err = { 0 };
	char text[2 * EVP_MAX_MD_SIZE + 1];
	struct cert cert;

	assert_true(cert_create(&options, &cert, &err));
	assert_true(fs_read_file(cert.cer_file, 65536, &der, &err));
	assert_int_equal(EVP_Digest(der.data, der.size, digest, NULL, EVP_sha1(), NULL), 1);
	hex_encode(bytes_of(digest, 20), text);
	assert_int_equal(strcasecmp(text, cert.sha1), 0);
	assert_int_equal(EVP_Digest(der.data, der.size, digest, NULL, EVP_sha256(), NULL), 1);
	hex_encode(bytes_of(digest, 32), text);
	assert_int_equal(strcasecmp(text, cert.sha256), 0);
	cert_done(&cert);
}

static void
nothing_that_is_there_is_overwritten(void **state)
{
	static const char *const names[] = { "exarch.key", "exarch.crt", "exarch.cer" };
	EXA_AUTO(exa_freep) char *dir = fs_join(*state, "made");
	const struct cert_options options = { .dir = dir, .name = "exarch", .days = 1 };
	struct exa_error err = { 0 };
	struct cert cert;

	assert_true(fs_make_dirs(dir, 0700, &err));
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		EXA_AUTO(exa_freep) char *path = fs_join(dir, names[i]);
		EXA_AUTO(buf_done) struct buf content = { 0 };

		assert_true(fs_write_file(path, bytes_of_string("mine"), 0600, &err));
		assert_false(cert_create(&options, &cert, &err));
		assert_int_equal(err.code, EXA_USAGE);
		assert_non_null(strstr(err.text, path));
		assert_true(fs_read_file(path, 100, &content, &err));
		assert_string_equal(buf_string(&content), "mine");
		assert_int_equal(unlink(path), 0);
	}
}

static void
what_makes_no_sense_is_refused(void **state)
{
	EXA_AUTO(exa_freep) char *dir = fs_join(*state, "made");
	const struct cert_options bad[] = {
		{ .dir = dir, .name = "", .days = 1 },
		{ .dir = dir, .name = "a\nb", .days = 1 },
		{ .dir = dir,
			.days = 1,
			.name = "0123456789012345678901234567890123456789012345678901234567890123"
				"x" },
		{ .dir = dir, .name = "exarch", .days = 0 },
		{ .dir = dir, .name = "exarch", .days = CERT_DAYS_MAX + 1 },
	};
	struct exa_error err;
	struct cert cert;

	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		assert_false(cert_create(&bad[i], &cert, &err));
		assert_int_equal(err.code, EXA_USAGE);
	}
	assert_int_equal(access(dir, F_OK), -1);
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(what_is_made_belongs_together_and_is_good_for_signing_in),
		TEST(thumbprints_are_those_of_the_file_to_upload),
		TEST(nothing_that_is_there_is_overwritten),
		TEST(what_makes_no_sense_is_refused),
	};
#undef TEST

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
