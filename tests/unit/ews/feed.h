/* SPDX-License-Identifier: Apache-2.0 */
/* Helpers of the answer tests: fixtures, feeding in chunks, answers made from parts. */
#ifndef EXARCH_TESTS_EWS_FEED_H
#define EXARCH_TESTS_EWS_FEED_H

#include "exarch/bytes.h"
#include "exarch/error.h"

#include "answer.h"

#define FEED_WHOLE SIZE_MAX

/* Appends fixtures/ews/NAME; fails the test when it can't be read. */
void load_fixture(const char *name, struct buf *out);

/* Feeds TEXT in chunks of CHUNK bytes and finishes. */
bool feed(const struct answer_spec *spec, void *ctx, size_t expected, struct bytes text,
	size_t chunk, struct exa_error *err);
/* ... without the short cut past the parser. */
bool feed_plain(const struct answer_spec *spec, void *ctx, size_t expected, struct bytes text,
	size_t chunk, struct exa_error *err);

/* Replaces every FROM by TO in *text. */
void replace_all(struct buf *text, const char *from, const char *to);

/* Appends an envelope with OPERATION's response around MESSAGES. */
void wrap_messages(struct buf *out, const char *operation, const char *messages);

#endif
