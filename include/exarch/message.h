/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Messages as people read and look for them: heads, texts and attachments, made of what the archive
 * has byte for byte. GMime finds parts and decodes charsets, libxml2 reads HTML. Whatever the bytes
 * are, each function here gives something or a failure, never more than its limits, and valid UTF-8.
 *
 * Any thread, a reader on one thread at a time.
 */
#ifndef EXARCH_MESSAGE_H
#define EXARCH_MESSAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "exarch/attr.h"
#include "exarch/bytes.h"
#include "exarch/catalog.h"
#include "exarch/error.h"

/* Makes GMime ready, for those who call it themselves; however often, from whichever thread. */
void message_gmime_ready(void);

/* ---- heads ---- */

/* So much of a message is looked at: Exchange's own header blocks are a tenth of it. */
#define MESSAGE_HEAD_SOURCE_MAX ((size_t)64 * 1024)
/* Longest text that is given back: people read less, and a list of recipients can be any length. */
#define MESSAGE_HEAD_TEXT_MAX ((size_t)16 * 1024)

/* Decoded by GMime from the first 64 KiB, UTF-8, no control characters (terminal-safe), "" when
 * absent. Owned; message_head_done. */
struct message_head {
	char *subject, *from, *to, *cc, *bcc, *date, *message_id;
};
bool message_head_read(struct store_reader *r, const struct store_id *recipe,
	struct message_head *out, struct exa_error *err) EXA_CHECK;
/* From the first bytes of a message. Whatever they are, all texts are there, "" at least. */
void message_head_parse(struct bytes source, struct message_head *out);
void message_head_done(struct message_head *h);

/* ---- what a person reads ---- */

/*
 * The text part (plain, else HTML turned into plain text) as UTF-8, and a line for each attachment
 * ("name, type, size"). Made from the first MESSAGE_TEXT_SOURCE_MAX bytes at most, body cut at
 * MESSAGE_TEXT_MAX. Not terminal-safe: print it through something that is. Owned;
 * message_text_done.
 */
#define MESSAGE_TEXT_SOURCE_MAX ((size_t)16 * 1024 * 1024)
#define MESSAGE_TEXT_MAX ((size_t)256 * 1024)
#define MESSAGE_ATTACHMENTS_MAX ((size_t)1000)
struct message_text {
	char *body; /* "" when there is none */
	char **attachments;
	size_t attachment_count;
	bool cut; /* something was left out */
};
bool message_text_read(struct store_reader *r, const struct store_id *recipe,
	struct message_text *out, struct exa_error *err) EXA_CHECK;
void message_text_parse(struct bytes source, struct message_text *out);
void message_text_done(struct message_text *t);

/*
 * Streams attachment NUMBER (1, 2, ... as message_text counts them), decoded, to SINK; *NAME_OUT
 * is its file name as the sender wrote it (owned, "" when it has none; no safe file name). An
 * attached message comes as its own bytes. The message is held in memory meanwhile. EXA_USAGE: it
 * has no such attachment.
 */
bool message_attachment(struct store_reader *r, const struct store_id *recipe, size_t number,
	const struct recipe_sink *sink, char **name_out, struct exa_error *err) EXA_CHECK;

/* ---- what is looked for ---- */

/*
 * All words of a message: its head; the text as message_text has it, of every text part; names of
 * attachments, one a line; and the text of attachments that are text, HTML or messages. Made from
 * the first MESSAGE_TEXT_SOURCE_MAX bytes, each text cut at MESSAGE_WORDS_MAX. Owned;
 * message_words_done.
 */
#define MESSAGE_WORDS_MAX ((size_t)1024 * 1024)
struct message_words {
	struct message_head head;
	char *body, *names, *files;
	size_t attachment_count;
};
bool message_words_read(struct store_reader *r, const struct store_id *recipe,
	struct message_words *out, struct exa_error *err) EXA_CHECK;
void message_words_parse(struct bytes source, struct message_words *out);
void message_words_done(struct message_words *w);

/* ---- comparing ---- */

/* Appends TEXT as it is compared where neither case nor accents count: decomposed (NFKD), without
 * marks, in lower case. Bytes that aren't UTF-8 stand for nothing. */
void message_fold(struct buf *out, const char *text);
void message_fold_char(struct buf *out, uint32_t c);
/* Takes the next character off UTF-8; bytes that are none are stepped over. False: there is none. */
bool message_next_char(struct bytes *rest, uint32_t *out);

#endif
