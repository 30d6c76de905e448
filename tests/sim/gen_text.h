/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Words, sentences and paragraphs: partly English, partly made of syllables, some with letters
 * beyond ASCII, frequent ones far more often than rare ones, so that text compresses about as text
 * does.
 */
#ifndef SIM_GEN_TEXT_H
#define SIM_GEN_TEXT_H

#include "exarch/bytes.h"

#include "gen_rng.h"

void gen_text_init(void); /* once, before threads start */

/* COUNT words with blanks between; the first with a capital letter when CAPITAL. */
enum gen_capital { GEN_SMALL, GEN_CAPITAL };
void gen_words(struct buf *out, struct gen_rng *r, unsigned count, enum gen_capital capital);
/* Paragraphs of about SIZE bytes in all, the same words whatever BEGIN and END set around each. */
void gen_paragraphs(
	struct buf *out, struct gen_rng *r, size_t size, const char *begin, const char *end);
/* Fills exactly SIZE bytes with lines of words; for files. */
void gen_fill_text(uint8_t *out, size_t size, struct gen_rng *r, char separator);

#endif
