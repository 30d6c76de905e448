/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A pack: many small objects and records in one frame, so that they compress together. Its raw
 * payload is a directory (count; kind, length and, for objects, id of each entry) and then the
 * entries' bytes, back to back in the directory's order. An entry's slot is its number from 0.
 */
#ifndef STORE_PACK_H
#define STORE_PACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "exarch/bytes.h"
#include "exarch/error.h"
#include "exarch/store.h"

#define PACK_TARGET \
	((size_t)256 * 1024) /* raw bytes; larger packs gain little, and cost a reader */
#define PACK_ENTRIES_MAX ((uint32_t)16384) /* slots are 16 bits; bounds the directory */
#define PACK_RECORD ((uint8_t)'B')         /* entry kind of a record; objects have their own */

struct pack_builder {
	struct buf directory, bytes;
	uint32_t count;
};

/* An entry larger than the target makes a pack of its own. */
bool pack_has_room(const struct pack_builder *b, size_t size);
/* ID is NULL for a record. Gives the slot. */
uint16_t pack_add(
	struct pack_builder *b, uint8_t kind, const struct store_id *id, struct bytes data);
void pack_finish(const struct pack_builder *b, struct buf *raw_out);
void pack_builder_done(struct pack_builder *b);

struct pack_entry {
	uint8_t kind;
	uint16_t slot;
	struct store_id id; /* zeros for a record */
	struct bytes data;  /* borrowed from the raw payload */
};

/* Walks a pack. Begin checks the whole directory, so that every step after it is good. */
struct pack_walk {
	struct reader directory;
	struct bytes rest;
	uint32_t count, next;
};

bool pack_walk_begin(struct bytes raw, struct pack_walk *out, struct exa_error *err) EXA_CHECK;
bool pack_walk_next(struct pack_walk *w, struct pack_entry *out); /* false at the end */
bool pack_find(
	struct bytes raw, uint16_t slot, struct pack_entry *out, struct exa_error *err) EXA_CHECK;

#endif
