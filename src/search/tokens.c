/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include <glib.h>

#include "exarch/message.h"
#include "tokens.h"

struct cutter {
	enum token_use use;
	token_fn *fn;
	void *ctx;
	struct buf word; /* the word at hand */
	size_t start, end;
	/* the character before, of a script without spaces */
	struct buf before;
	size_t before_start, before_end;
	size_t run; /* characters in this run so far */
	struct buf pair;
	int rc;
};

/* Where no spaces stand between words, and Korean, whose words have endings. */
static bool
has_no_spaces(uint32_t c)
{
	if (c < 0x0e00)
		return false;
	switch ((int)g_unichar_get_script(c)) {
	case G_UNICODE_SCRIPT_HAN:
	case G_UNICODE_SCRIPT_HIRAGANA:
	case G_UNICODE_SCRIPT_KATAKANA:
	case G_UNICODE_SCRIPT_BOPOMOFO:
	case G_UNICODE_SCRIPT_HANGUL:
	case G_UNICODE_SCRIPT_THAI:
	case G_UNICODE_SCRIPT_LAO:
	case G_UNICODE_SCRIPT_KHMER:
	case G_UNICODE_SCRIPT_MYANMAR:
		return true;
	default:
		return false;
	}
}

static bool
is_word(uint32_t c)
{
	if (c < 0x80)
		return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
	return g_unichar_isalnum(c) || g_unichar_ismark(c);
}

static void
give(struct cutter *c, struct bytes text, size_t start, size_t end, bool lone)
{
	const struct token token = {
		.text = bytes_take(text, TOKEN_BYTES_MAX), .start = start, .end = end, .lone = lone
	};

	if (c->rc == 0 && text.size > 0)
		c->rc = c->fn(c->ctx, &token);
}

static void
end_word(struct cutter *c)
{
	give(c, buf_bytes(&c->word), c->start, c->end, false);
	buf_reset(&c->word);
}

static void
end_run(struct cutter *c)
{
	if (c->run == 1 || (c->run > 1 && c->use == TOKENS_OF_TEXT))
		give(c, buf_bytes(&c->before), c->before_start, c->before_end, true);
	buf_reset(&c->before);
	c->run = 0;
}

static void
add_to_run(struct cutter *c, uint32_t ch, size_t start, size_t end)
{
	if (g_unichar_ismark(ch)) /* a vowel or tone of the character before */
		return;
	buf_reset(&c->pair);
	buf_add_bytes(&c->pair, buf_bytes(&c->before));
	buf_reset(&c->before);
	message_fold_char(&c->before, ch);
	buf_add_bytes(&c->pair, buf_bytes(&c->before));
	if (c->run > 0)
		give(c, buf_bytes(&c->pair), c->before_start, end, false);
	c->before_start = start;
	c->before_end = end;
	c->run++;
}

static void
add_to_word(struct cutter *c, uint32_t ch, size_t start, size_t end)
{
	if (c->word.size == 0)
		c->start = start;
	c->end = end;
	if (c->word.size < TOKEN_BYTES_MAX)
		message_fold_char(&c->word, ch);
}

static void
take(struct cutter *c, uint32_t ch, size_t start, size_t end)
{
	const bool spaceless = has_no_spaces(ch), word = is_word(ch);

	if (c->run > 0 && (!word || (!spaceless && !g_unichar_ismark(ch))))
		end_run(c);
	if (c->word.size > 0 && (!word || spaceless))
		end_word(c);
	if (word && (spaceless || c->run > 0))
		add_to_run(c, ch, start, end);
	else if (word)
		add_to_word(c, ch, start, end);
}

int
tokens_each(struct bytes text, enum token_use use, token_fn *fn, void *ctx)
{
	struct cutter c = { .use = use, .fn = fn, .ctx = ctx };
	struct bytes rest = text;
	uint32_t ch;

	while (c.rc == 0 && message_next_char(&rest, &ch)) {
		size_t end = text.size - rest.size;
		size_t size = ch < 0x80 ? 1 : ch < 0x800 ? 2 : ch < 0x10000 ? 3 : 4;

		take(&c, ch, end - size, end);
	}
	end_word(&c);
	end_run(&c);
	buf_done(&c.word);
	buf_done(&c.before);
	buf_done(&c.pair);
	return c.rc;
}

/* ---- for FTS5 ---- */

struct fts_call {
	void *ctx;
	int (*token)(void *ctx, int flags, const char *text, int size, int start, int end);
};

static int
pass_token(void *ctx, const struct token *t)
{
	const struct fts_call *call = ctx;

	return call->token(call->ctx, 0, (const char *)t->text.data, (int)t->text.size,
		(int)t->start, (int)t->end);
}

static int
fts_tokenize(Fts5Tokenizer *tokenizer, void *ctx, int flags, const char *text, int size,
	int (*token)(void *, int, const char *, int, int, int))
{
	struct fts_call call = { .ctx = ctx, .token = token };

	(void)tokenizer;
	if (text == NULL || size <= 0)
		return SQLITE_OK;
	return tokens_each(bytes_of(text, (size_t)size),
		(flags & FTS5_TOKENIZE_QUERY) != 0 ? TOKENS_OF_QUERY : TOKENS_OF_TEXT, pass_token,
		&call);
}

/* It has no state, but FTS5 wants something to hold. */
static int
fts_create(void *ctx, const char **args, int count, Fts5Tokenizer **out)
{
	static char nothing;
	void *held = &nothing;

	(void)ctx;
	(void)args;
	(void)count;
	*out = held;
	return SQLITE_OK;
}

static void
fts_delete(Fts5Tokenizer *tokenizer)
{
	(void)tokenizer;
}

int
tokens_register(sqlite3 *db)
{
	static fts5_tokenizer ours = {
		.xCreate = fts_create, .xDelete = fts_delete, .xTokenize = fts_tokenize
	};
	fts5_api *api = NULL;
	sqlite3_stmt *statement = NULL;
	int rc = sqlite3_prepare_v2(db, "SELECT fts5(?1)", -1, &statement, NULL);

	if (rc != SQLITE_OK)
		return rc;
	(void)sqlite3_bind_pointer(statement, 1, &api, "fts5_api_ptr", NULL);
	(void)sqlite3_step(statement);
	rc = sqlite3_finalize(statement);
	if (rc != SQLITE_OK || api == NULL)
		return SQLITE_ERROR;
	return api->xCreateTokenizer(api, "exarch", NULL, &ours, NULL);
}
