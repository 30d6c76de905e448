/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From what people write to FTS5's syntax. Every word is put between quotes there, so nothing that
 * is written can be taken for an operator:
 *
 *     report budget OR plan -draft   ->   (("report") AND ("budget" OR "plan")) NOT (("draft"))
 */
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "exarch/mem.h"
#include "query.h"
#include "tokens.h"

struct search_query {
	char *expression;
};

static const struct {
	const char *name, *columns;
} fields[] = {
	{ "subject:", "subject" },
	{ "from:", "sender" },
	{ "to:", "recipients" },
	{ "attachment:", "names" },
	{ "body:", "body" },
	{ "file:", "files" },
};

struct term {
	const char *columns; /* NULL = all */
	const char *text;
	size_t size;
	bool prefix, not_wanted;
};

struct parsing {
	const char *rest;
	struct buf wanted, unwanted;
	size_t terms;
	bool in_group; /* `wanted` ends inside a group that may grow by OR */
};

struct counting {
	size_t count;
	bool lone_end;
};

static int
count_token(void *ctx, const struct token *t)
{
	struct counting *c = ctx;

	c->count++;
	c->lone_end = t->lone;
	return 0;
}

static void
skip_spaces(struct parsing *p)
{
	p->rest += strspn(p->rest, " \t\r\n");
}

/* Reads one term; the text must have one. */
static void
read_term(struct parsing *p, struct term *out)
{
	struct term t = { 0 };

	if (*p->rest == '-') {
		t.not_wanted = true;
		p->rest++;
	}
	for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++) {
		size_t size = strlen(fields[i].name);

		if (strncasecmp(p->rest, fields[i].name, size) == 0) {
			t.columns = fields[i].columns;
			p->rest += size;
			break;
		}
	}
	if (*p->rest == '"') {
		t.text = ++p->rest;
		t.size = strcspn(t.text, "\"");
		p->rest += t.size + (t.text[t.size] == '"');
	} else {
		t.text = p->rest;
		t.size = strcspn(t.text, " \t\r\n");
		p->rest += t.size;
	}
	if (*p->rest == '*') {
		t.prefix = true;
		p->rest++;
	} else if (t.size > 0 && t.text[t.size - 1] == '*') {
		t.prefix = true;
		t.size--;
	}
	*out = t;
}

static void
add_term(struct buf *out, const struct term *t, bool prefix)
{
	if (t->columns != NULL)
		buf_printf(out, "%s : ", t->columns);
	buf_add_byte(out, '"');
	for (size_t i = 0; i < t->size; i++) {
		if (t->text[i] == '"')
			buf_add_byte(out, '"');
		buf_add_byte(out, (uint8_t)t->text[i]);
	}
	buf_add_string(out, prefix ? "\" *" : "\"");
}

/* JOINED: the word before was OR. */
static void
add_wanted(struct parsing *p, const struct term *t, bool prefix, bool joined)
{
	if (joined && p->in_group)
		buf_add_string(&p->wanted, " OR ");
	else
		buf_add_string(&p->wanted, p->wanted.size == 0 ? "(" : ") AND (");
	add_term(&p->wanted, t, prefix);
	p->in_group = true;
}

static void
add_unwanted(struct parsing *p, const struct term *t, bool prefix)
{
	buf_add_string(&p->unwanted, p->unwanted.size == 0 ? "" : " OR ");
	add_term(&p->unwanted, t, prefix);
	p->in_group = false;
}

static bool
parse_term(struct parsing *p, bool joined, struct exa_error *err)
{
	struct counting words = { 0 };
	struct term t;

	read_term(p, &t);
	(void)tokens_each(bytes_of(t.text, t.size), TOKENS_OF_QUERY, count_token, &words);
	if (words.count == 0)
		return exa_fail(err, EXA_USAGE,
			"'%.*s' has no letter or digit to look for; leave it out", (int)t.size,
			t.text);
	if (++p->terms > SEARCH_TERMS_MAX)
		return exa_fail(
			err, EXA_USAGE, "more than %d words; look for fewer", SEARCH_TERMS_MAX);
	if (t.not_wanted)
		add_unwanted(p, &t, t.prefix || words.lone_end);
	else
		add_wanted(p, &t, t.prefix || words.lone_end, joined);
	return true;
}

static bool
is_or(const char *text)
{
	return strncmp(text, "OR", 2) == 0 &&
	       (text[2] == '\0' || strchr(" \t\r\n", text[2]) != NULL);
}

static bool
parse(struct parsing *p, struct exa_error *err)
{
	bool joined = false;

	for (skip_spaces(p); *p->rest != '\0'; skip_spaces(p)) {
		if (is_or(p->rest) && p->in_group && p->rest[2] != '\0') {
			p->rest += 2;
			joined = true;
			continue;
		}
		if (!parse_term(p, joined, err))
			return false;
		joined = false;
	}
	if (p->terms == 0)
		return exa_fail(err, EXA_USAGE, "there is no word to look for");
	return p->wanted.size > 0 ||
	       exa_fail(err, EXA_USAGE,
		       "only words that are not wanted are given; say what is looked for, too");
}

bool
search_query_compile(const char *text, struct search_query **out, struct exa_error *err)
{
	struct parsing p = { .rest = text };
	struct search_query *q;
	bool good =
		strlen(text) <= SEARCH_QUERY_MAX ||
		exa_fail(err, EXA_USAGE, "the words are longer than %zu bytes", SEARCH_QUERY_MAX);

	good = good && parse(&p, err);
	if (good) {
		struct buf whole = { 0 };

		buf_printf(&whole, "(%s))", buf_string(&p.wanted));
		if (p.unwanted.size > 0)
			buf_printf(&whole, " NOT (%s)", buf_string(&p.unwanted));
		q = exa_alloc(sizeof *q);
		q->expression = buf_steal(&whole);
		*out = q;
	}
	buf_done(&p.wanted);
	buf_done(&p.unwanted);
	return good;
}

void
search_query_free(struct search_query *q)
{
	if (q == NULL)
		return;
	exa_free(q->expression);
	exa_free(q);
}

const char *
query_expression(const struct search_query *q)
{
	return q->expression;
}
