/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "exarch/clock.h"
#include "exarch/mem.h"
#include "exarch/rules.h"

#include "amount.h"
#include "select.h"

bool
number_read(const char *text, uint64_t *out, struct exa_error *err)
{
	unsigned long long n;
	char *end;

	errno = 0;
	n = strtoull(text, &end, 10);
	if (*text < '0' || *text > '9' || *end != '\0' || errno != 0)
		return exa_fail(err, EXA_USAGE, "'%s' is not a number", text);
	*out = n;
	return true;
}

bool
item_number_read(const char *text, uint64_t *out, struct exa_error *err)
{
	return number_read(text, out, err) ||
	       exa_fail(err, EXA_USAGE, "'%s' is not an item number (`exarch list` shows them)",
		       text);
}

bool
select_date(const struct args *args, enum option_id id, int64_t *out, struct exa_error *err)
{
	*out = EXA_NO_TIME;
	if (args->value[id] == NULL)
		return true;
	return clock_parse_moment(args->value[id], clock_wall_ns(), out, err) ||
	       exa_while(err, "--%s", option_specs[id].name);
}

bool
select_limit(const struct args *args, uint64_t *out, struct exa_error *err)
{
	*out = 0;
	if (args->value[OPT_LIMIT] == NULL)
		return true;
	return (number_read(args->value[OPT_LIMIT], out, err) &&
		       (*out > 0 || exa_fail(err, EXA_USAGE, "it is a number from 1 on"))) ||
	       exa_while(err, "--limit");
}

static bool
read_pattern(
	const struct args *args, enum option_id id, struct pattern **out, struct exa_error *err)
{
	if (args->value[id] == NULL)
		return true;
	return pattern_compile(args->value[id], out, err) ||
	       exa_while(err, "--%s", option_specs[id].name);
}

static bool
read_match(const struct args *args, enum option_id id, struct search_match **out,
	struct exa_error *err)
{
	if (args->value[id] == NULL)
		return true;
	return search_match_compile(args->value[id], out, err) ||
	       exa_while(err, "--%s", option_specs[id].name);
}

/* One of the words of profiles, or a text of the item class. */
static bool
read_class(const struct args *args, struct search_conditions *c, struct exa_error *err)
{
	enum rules_class class;

	if (args->value[OPT_CLASS] == NULL || !rules_class_parse(args->value[OPT_CLASS], &class))
		return read_match(args, OPT_CLASS, &c->class, err);
	c->kinds = 1U << class;
	return true;
}

static bool
read_content(const struct args *args, struct search_conditions *c, struct exa_error *err)
{
	c->has_attachment = args->value[OPT_HAS_ATTACHMENT] != NULL;
	if (!read_match(args, OPT_SUBJECT, &c->subject, err) ||
		!read_match(args, OPT_SENDER, &c->sender, err) ||
		!read_match(args, OPT_RECIPIENT, &c->recipient, err) ||
		!read_match(args, OPT_MESSAGE_ID, &c->message_id, err) ||
		!read_match(args, OPT_ATTACHMENT_NAME, &c->attachment, err) ||
		!read_class(args, c, err))
		return false;
	return args->value[OPT_TEXT] == NULL ||
	       search_query_compile(args->value[OPT_TEXT], &c->words, err) ||
	       exa_while(err, "--text");
}

static bool
read_size(const struct args *args, struct selection *s, struct exa_error *err)
{
	if (args->value[OPT_SIZE] == NULL)
		return true;
	return range_read(args->value[OPT_SIZE], &s->size_least, &s->size_below, err) ||
	       exa_while(err, "--size");
}

static bool
read_sort(const struct args *args, struct selection *s, struct exa_error *err)
{
	static const struct {
		const char *name;
		enum selection_sort sort;
	} keys[] = {
		{ "place", SELECT_BY_PLACE },
		{ "date", SELECT_BY_DATE },
		{ "size", SELECT_BY_SIZE },
		{ "subject", SELECT_BY_SUBJECT },
		{ "sender", SELECT_BY_SENDER },
		{ "number", SELECT_BY_NUMBER },
		{ "rank", SELECT_BY_RANK },
	};
	const char *text = args->value[OPT_SORT], *name = text;

	if (text == NULL)
		return true;
	name += *text == '-';
	for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
		if (strcmp(keys[i].name, name) != 0)
			continue;
		s->sort = keys[i].sort;
		s->descending = name != text;
		return !s->descending ||
		       (s->sort != SELECT_BY_PLACE && s->sort != SELECT_BY_RANK) ||
		       exa_fail(err, EXA_USAGE, "--sort: %s can't be turned round", name);
	}
	return exa_fail(err, EXA_USAGE,
		"--sort: '%s' is none of date, size, subject, sender, number, rank, place "
		"(-KEY turns it round)",
		text);
}

static bool
read_ids(const struct args *args, struct selection *s, struct exa_error *err)
{
	s->ids = exa_alloc_array(args->repeated_count, sizeof *s->ids);
	for (; s->id_count < args->repeated_count; s->id_count++) {
		if (!item_number_read(args->repeated[s->id_count], &s->ids[s->id_count], err))
			return exa_while(err, "--id");
	}
	return true;
}

static void
tell_note(void *ctx, const char *text)
{
	(void)ctx;
	(void)fprintf(stderr, "exarch: %s\n", text);
}

bool
select_read(const struct args *args, struct selection *out, struct exa_error *err)
{
	struct selection s;

	selection_init(&s);
	s.note = tell_note;
	s.all_versions = args->value[OPT_ALL_VERSIONS] != NULL;
	s.item_id = exa_strdup(args->value[OPT_ITEM_ID]);
	if (!read_pattern(args, OPT_MAILBOX, &s.mailbox, err) ||
		!read_pattern(args, OPT_FOLDER, &s.folder, err) ||
		!select_date(args, OPT_SINCE, &s.from_ns, err) ||
		!select_date(args, OPT_BEFORE, &s.to_ns, err) || !read_size(args, &s, err) ||
		!read_content(args, &s.content, err) || !read_sort(args, &s, err) ||
		!select_limit(args, &s.limit, err) || !read_ids(args, &s, err)) {
		selection_done(&s);
		return false;
	}
	*out = s;
	return true;
}
