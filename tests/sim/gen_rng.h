/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Numbers that look like chance and are the same each time (splitmix64). Everything generated comes
 * from one seed through here.
 */
#ifndef SIM_GEN_RNG_H
#define SIM_GEN_RNG_H

#include <stdint.h>

struct gen_rng {
	uint64_t state;
};

static inline uint64_t
gen_mix(uint64_t x)
{
	x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
	return x ^ (x >> 31);
}

static inline uint64_t
gen_next(struct gen_rng *r)
{
	r->state += UINT64_C(0x9e3779b97f4a7c15);
	return gen_mix(r->state);
}

/* A seed of its own for thing NUMBER of kind PURPOSE. */
static inline uint64_t
gen_seed(uint64_t seed, uint64_t purpose, uint64_t number)
{
	return gen_mix(gen_mix(seed ^ purpose * UINT64_C(0xd1342543de82ef95)) + number +
		       UINT64_C(0x632be59bd9b4e019));
}

/* 0 to n - 1. */
static inline uint32_t
gen_below(struct gen_rng *r, uint32_t n)
{
	return (uint32_t)(((gen_next(r) >> 32) * n) >> 32);
}

static inline int
gen_chance(struct gen_rng *r, unsigned percent)
{
	return gen_below(r, 100) < percent;
}

#endif
