/* SPDX-License-Identifier: Apache-2.0 */
/* What the store's tests share: folders that go away, a small schema, and short forms of put,
 * submit and compare. */
#ifndef TEST_STORE_SUPPORT_H
#define TEST_STORE_SUPPORT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "exarch/store.h"

/*
 * The schema: table 0 "facts", table 1 "places". A record "key=value" sets facts[key] and notes in
 * places[key] where the record stands; a note "key=value" sets facts[key]; "key" alone deletes
 * both.
 */
#define TABLE_FACTS 0
#define TABLE_PLACES 1
extern const struct store_schema test_schema;

/* The stores of a test program are encrypted when EXARCH_TEST_ENCRYPTED is set: it runs once each
 * way. */
bool encrypting(void);
extern const struct store_key test_key;
const struct store_open_options *opening(enum store_access access); /* with the key, if any */

char *temporary_dir(void); /* a name for a store; nothing is there yet. exa_free and remove_tree */
void remove_tree(const char *path);
void copy_tree(const char *from, const char *to);

struct store *made_store(const char *dir, enum store_codec codec, uint64_t segment_bytes);
struct store *opened(const char *dir, enum store_access access);
/* The code store_open fails with; EXA_OK if it doesn't. ERR has the text. */
enum exa_code open_code(const char *dir, enum store_access access, struct exa_error *err);

struct store_id put_text(struct store *s, const char *text);
uint64_t submit_record(struct store *s, const char *record);
uint64_t submit_note(struct store *s, const char *note);
void expect_fact(struct store *s, const char *key, const char *value); /* NULL = absent */
void expect_object(struct store *s, const struct store_id *id, struct bytes data);

/* Deterministic bytes: text-like ones compress, noise doesn't. */
void fill_text(uint8_t *out, size_t size, uint64_t seed);
void fill_noise(uint8_t *out, size_t size, uint64_t seed);

/* How often verify of a level reports damage. */
uint64_t damage_found(struct store *s, enum store_level level);
/* All tables and the objects' rows as text, for comparing two indexes. */
char *dump(struct store *s);

#endif
