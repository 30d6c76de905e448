/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Words of a text. Letters, digits and marks make words, folded (message_fold), at most
 * TOKEN_BYTES_MAX of each. Scripts that put no spaces between words give each two characters that
 * stand together, so that a word of any length is found as a phrase of pairs; of text that is
 * indexed the last character of a run as well, so that a single character is found as the beginning
 * of a pair.
 */
#ifndef SEARCH_TOKENS_H
#define SEARCH_TOKENS_H

#include <stdbool.h>

#include <sqlite3.h>

#include "exarch/bytes.h"

/* Longer "words" are no words; what they begin with is enough to find them. */
#define TOKEN_BYTES_MAX ((size_t)64)

struct token {
	struct bytes text;
	size_t start, end; /* bytes of the source */
	bool lone;         /* a single character of a script without spaces */
};
/* 0 goes on; anything else ends it and is given back. */
typedef int token_fn(void *ctx, const struct token *token);
enum token_use { TOKENS_OF_TEXT, TOKENS_OF_QUERY };
int tokens_each(struct bytes text, enum token_use use, token_fn *fn, void *ctx);

/* Makes the tokenizer known to a connection, as "exarch". An SQLite code. */
int tokens_register(sqlite3 *db);

#endif
