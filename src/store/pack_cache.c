/* SPDX-License-Identifier: Apache-2.0 */
#include "exarch/mem.h"

#include "pack_cache.h"

void
pack_cache_init(struct pack_cache *c)
{
	*c = (struct pack_cache){ 0 };
	(void)pthread_mutex_init(&c->mu, NULL);
}

static void
pack_free(struct kept_pack *p)
{
	buf_done(&p->raw);
	exa_free(p);
}

void
pack_cache_done(struct pack_cache *c)
{
	for (size_t i = 0; i < c->count; i++)
		pack_free(c->packs[i]);
	(void)pthread_mutex_destroy(&c->mu);
}

/* One that is held lives on by itself, and goes when it is given back. */
static void
drop(struct pack_cache *c, size_t i)
{
	struct kept_pack *p = c->packs[i];

	c->bytes -= p->raw.capacity;
	c->packs[i] = c->packs[--c->count];
	p->kept = false;
	if (p->holders == 0)
		pack_free(p);
}

static struct kept_pack *
find(struct pack_cache *c, struct place at)
{
	for (size_t i = 0; i < c->count; i++) {
		struct kept_pack *p = c->packs[i];

		if (p->at.segment == at.segment && p->at.offset == at.offset) {
			p->holders++;
			p->used = ++c->clock;
			return p;
		}
	}
	return NULL;
}

static void
make_room(struct pack_cache *c, size_t size)
{
	while (c->count == PACKS_KEPT_MAX || (c->count > 0 && c->bytes + size > PACKS_KEPT_BYTES)) {
		size_t oldest = 0;

		for (size_t i = 1; i < c->count; i++) {
			if (c->packs[i]->used < c->packs[oldest]->used)
				oldest = i;
		}
		drop(c, oldest);
	}
}

struct kept_pack *
pack_cache_take(struct pack_cache *c, struct place at)
{
	struct kept_pack *p;

	(void)pthread_mutex_lock(&c->mu);
	p = find(c, at);
	(void)pthread_mutex_unlock(&c->mu);
	return p;
}

struct kept_pack *
pack_cache_add(struct pack_cache *c, struct kept_pack *pack)
{
	struct kept_pack *first;

	(void)pthread_mutex_lock(&c->mu);
	first = find(c, pack->at);
	if (first == NULL) {
		make_room(c, pack->raw.capacity);
		c->packs[c->count++] = pack;
		c->bytes += pack->raw.capacity;
		pack->kept = true;
		pack->holders = 1;
		pack->used = ++c->clock;
	}
	(void)pthread_mutex_unlock(&c->mu);
	if (first == NULL)
		return pack;
	pack_free(pack);
	return first;
}

void
pack_cache_give(struct pack_cache *c, struct kept_pack *pack)
{
	bool last;

	if (pack == NULL)
		return;
	(void)pthread_mutex_lock(&c->mu);
	last = --pack->holders == 0 && !pack->kept;
	(void)pthread_mutex_unlock(&c->mu);
	if (last)
		pack_free(pack);
}

void
pack_cache_forget(struct pack_cache *c, uint32_t segment)
{
	(void)pthread_mutex_lock(&c->mu);
	for (size_t i = c->count; i-- > 0;) {
		if (c->packs[i]->at.segment == segment)
			drop(c, i);
	}
	(void)pthread_mutex_unlock(&c->mu);
}
