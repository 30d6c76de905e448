/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A small world to compact: keys, each naming one object by a record "key=<hex id>" (the tests'
 * schema), and what each should hold. What no key names is garbage.
 */
#ifndef TEST_COMPACT_SUPPORT_H
#define TEST_COMPACT_SUPPORT_H

#include "support.h"

#include "handle.h"

#define WORLD_KEYS 48

struct world {
	char *dir;
	uint64_t random;
	struct {
		uint64_t seed; /* of the object; 0 = the key isn't there */
		size_t size;
	} keys[WORLD_KEYS];
	uint64_t next_seed;
	uint8_t *scratch;
};

/* Smaller ones than store_create makes: a store that isn't open. */
void set_segment_bytes(const char *dir, uint64_t bytes);

/* Segments of 64 KiB. */
struct world *world_new(enum store_codec codec);
void world_free(struct world *w);
uint64_t world_random(struct world *w, uint64_t below);

/* Gives a key a new object, or takes it away, each committed. */
void world_set(struct world *w, struct store *s, unsigned key, size_t size);
void world_drop(struct world *w, struct store *s, unsigned key);
/* 1 to 60000 bytes, mostly few. */
size_t world_any_size(struct world *w);

/* Every key holds what it should; nothing is there of those that were dropped. */
void world_check(struct world *w, struct store *s);
/* As world_check; verify finds nothing; and the index made anew from the segments is the same.
 * Takes the handle, and gives a new one. */
struct store *world_prove(struct world *w, struct store *s);

/* Mark and carry for this world, and for any whose facts are ids in hex; then W is NULL. */
struct store_compact_options world_compact(struct world *w);
struct store_compact_result compacted(struct world *w, struct store *s);

uint64_t segment_bytes(const char *dir);

#endif
