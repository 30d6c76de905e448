/* SPDX-License-Identifier: Apache-2.0 */
/*
 * --state: a small JSON file that says how far a round of verify has come, so that the next call
 * goes on there. Written whole by rename. A file of another archive, or of a round of another kind,
 * is refused, never guessed at.
 */
#ifndef CLI_VERIFY_STATE_H
#define CLI_VERIFY_STATE_H

#include "exarch/export.h"

enum verify_phase { VERIFY_SEGMENTS, VERIFY_MESSAGES };

/* What a round is; it ends as what it began as. */
struct verify_round {
	uint8_t uuid[16];
	const char *level;
	double sample;
	uint64_t seed;
};

struct verify_state {
	enum verify_phase phase;
	struct store_verify_position position; /* zeros = the first segment */
	struct selected_place after;           /* in VERIFY_MESSAGES */
	uint64_t damaged;                      /* found in this round so far */
	int64_t began_ns;                      /* the round; 0 = it hasn't */
};

/* A file that isn't there is a round that hasn't begun. EXA_USAGE: it is another round's. */
bool verify_state_load(const char *path, const struct verify_round *round, struct verify_state *out,
	struct exa_error *err) EXA_CHECK;
bool verify_state_save(const char *path, const struct verify_round *round,
	const struct verify_state *state, struct exa_error *err) EXA_CHECK;

#endif
