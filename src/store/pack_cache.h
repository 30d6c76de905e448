/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Unpacked packs, kept for all readers of a handle: what a message is put together from lies in
 * packs that several threads filled side by side, and parts that many messages share lie in old
 * ones. Whoever takes a pack holds it until it is given back; what nobody holds goes when room is
 * needed, the longest unused first. Any thread may call.
 */
#ifndef STORE_PACK_CACHE_H
#define STORE_PACK_CACHE_H

#include <pthread.h>
#include <stdbool.h>

#include "format.h"

/* Whatever the number of threads; a pack that is held when they are used up comes on top. */
#define PACKS_KEPT_MAX 64
#define PACKS_KEPT_BYTES ((size_t)16 * 1024 * 1024)

struct kept_pack {
	struct place at;
	uint8_t kind; /* of the frame */
	struct buf raw;
	/* Under the cache's mu: */
	bool kept; /* else it goes with its last holder */
	unsigned holders;
	uint64_t used; /* when last */
};

struct pack_cache {
	pthread_mutex_t mu;
	struct kept_pack *packs[PACKS_KEPT_MAX]; /* under mu, as all below */
	size_t count, bytes;
	uint64_t clock;
};

void pack_cache_init(struct pack_cache *c);
void pack_cache_done(struct pack_cache *c); /* nobody holds one any more */

/* The pack at AT, held; NULL: it isn't kept. */
struct kept_pack *pack_cache_take(struct pack_cache *c, struct place at);
/* Takes PACK, fresh from its frame, and gives it back held; it may be another's of the same place
 * that came first. */
struct kept_pack *pack_cache_add(struct pack_cache *c, struct kept_pack *pack);
/* NULL is fine. */
void pack_cache_give(struct pack_cache *c, struct kept_pack *pack);
/* Another file has the segment's name now. */
void pack_cache_forget(struct pack_cache *c, uint32_t segment);

#endif
