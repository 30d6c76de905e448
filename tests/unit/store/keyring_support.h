/* SPDX-License-Identifier: Apache-2.0 */
/* What the tests of keyrings and of keys share: a folder with a keyring, keys, and what they open.
 */
#ifndef TEST_STORE_KEYRING_SUPPORT_H
#define TEST_STORE_KEYRING_SUPPORT_H

#include "keyring.h"
#include "support.h"

extern const uint8_t uuid[UUID_SIZE];

/* A key file's secret: 32 times BYTE. */
struct store_key file_key(uint8_t byte);
struct store_key passphrase(const char *text);

struct fixture {
	char *dir;
	uint8_t master[MASTER_KEY_SIZE];
};

/* A folder with a keyring that file_key(1) opens. */
int setup(void **state);
int teardown(void **state);
#define WITH_KEYRING(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

void expect_opens(const struct fixture *f, struct store_key key);
void expect_open_fails(const char *dir, const uint8_t of[UUID_SIZE], struct store_key key,
	enum exa_code code, const char *words);
struct buf content(const char *dir, const char *name);
void put_content(const char *dir, const char *name, struct bytes what);
/* EXA_OK: both copies are good and the same. */
enum exa_code check_code(const struct fixture *f, struct exa_error *err);

#endif
