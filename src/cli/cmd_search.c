/* SPDX-License-Identifier: Apache-2.0 */
/* `exarch search`: the selection with words, best first, with what was found around them. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "exarch/mem.h"

#include "key.h"
#include "listing.h"
#include "select.h"

#define SEARCH_SHOWN 20

/* The words of the command line are one text, as if they had been written into one field. */
static bool
read_words(const struct args *args, struct selection *s, struct exa_error *err)
{
	EXA_AUTO(buf_done) struct buf text = { 0 };

	if (s->content.words != NULL)
		return exa_fail(err, EXA_USAGE,
			"--text: `search` has its words behind the archive; leave --text out");
	for (size_t i = 1; i < args->positional_count; i++)
		buf_printf(&text, "%s%s", i > 1 ? " " : "", args->positional[i]);
	return search_query_compile(buf_string(&text), &s->content.words, err);
}

static bool
read_search(const struct args *args, struct selection *s, uint64_t *most_out, struct exa_error *err)
{
	if (args->value[OPT_LIMIT] != NULL && args->value[OPT_ALL] != NULL)
		return exa_fail(err, EXA_USAGE, "give --limit or --all, not both");
	if (!read_words(args, s, err))
		return false;
	*most_out = s->limit > 0 ? s->limit : SEARCH_SHOWN;
	if (args->value[OPT_ALL] != NULL || args->value[OPT_COUNT_ONLY] != NULL)
		*most_out = s->limit;
	s->limit = *most_out > 0 ? *most_out + 1 : 0; /* one more, to know that there are */
	if (args->value[OPT_SORT] == NULL)
		s->sort = args->value[OPT_COUNT_ONLY] != NULL ? SELECT_BY_PLACE : SELECT_BY_RANK;
	s->snippets = args->value[OPT_COUNT_ONLY] == NULL;
	return true;
}

static bool
is_bright(const struct args *args)
{
	const char *no_color = getenv("NO_COLOR"), *term = getenv("TERM");

	return args->value[OPT_JSON] == NULL && isatty(STDOUT_FILENO) != 0 &&
	       (no_color == NULL || no_color[0] == '\0') && term != NULL &&
	       strcmp(term, "dumb") != 0;
}

int
cmd_search(const struct args *args)
{
	struct listing l = { .json = args->value[OPT_JSON] != NULL,
		.only_count = args->value[OPT_COUNT_ONLY] != NULL,
		.bright = is_bright(args) };
	struct selection selection;
	struct exa_error err;
	bool good;

	if (!select_read(args, &selection, &err))
		return fail_with(&err);
	good = read_search(args, &selection, &l.most, &err) &&
	       archive_open(args, (struct store_open_options){ .access = STORE_READ }, &l.catalog,
		       &err) &&
	       listing_run(&l, &selection, &err);
	if (good)
		listing_end(&l);
	listing_done(&l);
	selection_done(&selection);
	if (!good)
		return fail_with(&err);
	return l.damaged > 0 ? EXIT_CORRUPT : EXIT_DONE;
}
