/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>

#include "exarch/clock.h"
#include "exarch/mem.h"
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
	return clock_parse(args->value[id], out, err) ||
	       exa_while(err, "--%s", option_specs[id].name);
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

bool
select_read(const struct args *args, struct selection *out, struct exa_error *err)
{
	struct selection s;
	bool good;

	selection_init(&s);
	s.all_versions = args->value[OPT_ALL_VERSIONS] != NULL;
	s.ids = exa_alloc_array(args->repeated_count, sizeof *s.ids);
	good = read_pattern(args, OPT_MAILBOX, &s.mailbox, err) &&
	       read_pattern(args, OPT_FOLDER, &s.folder, err) &&
	       select_date(args, OPT_SINCE, &s.from_ns, err) &&
	       select_date(args, OPT_BEFORE, &s.to_ns, err);
	for (; good && s.id_count < args->repeated_count; s.id_count++)
		good = item_number_read(args->repeated[s.id_count], &s.ids[s.id_count], err);
	if (!good) {
		selection_done(&s);
		return false;
	}
	*out = s;
	return true;
}
