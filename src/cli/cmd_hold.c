/* SPDX-License-Identifier: Apache-2.0 */
/* `exarch hold ...`: what nothing may take out of the archive. */
#include <stdio.h>
#include <string.h>

#include "deed.h"
#include "exarch/clock.h"
#include "exarch/mem.h"
#include "exarch/retain.h"
#include "select.h"
#include "text.h"

static const char *
given(const struct args *args, enum option_id id)
{
	return args->value[id] != NULL ? args->value[id] : "";
}

static bool
load_holds(struct catalog *c, struct catalog_holds **out, struct exa_error *err)
{
	EXA_AUTO(store_read_endp) struct store_txn *txn = NULL;

	return store_read_begin(catalog_store(c), &txn, err) && catalog_holds_load(txn, out, err);
}

/* By number or name. */
static bool
find_hold(const struct catalog_holds *holds, const char *name, size_t *index_out,
	struct exa_error *err)
{
	uint64_t number = 0;
	struct exa_error ignored; /* then it is a name */

	if (!number_read(name, &number, &ignored))
		number = 0;
	for (size_t i = 0; i < catalog_holds_count(holds); i++) {
		const struct catalog_hold *hold = catalog_holds_at(holds, i);

		if (hold->number == number || strcmp(hold->name, name) == 0) {
			*index_out = i;
			return true;
		}
	}
	return exa_fail(err, EXA_USAGE,
		"there is no hold '%s' in force; `exarch hold list` shows those that are", name);
}

/* ---- add ---- */

/* The words of the command line, for the audit record. */
static void
describe(struct buf *out, const struct catalog_hold *hold)
{
	char when[CLOCK_TEXT_MAX];

	buf_printf(out, "'%s'", hold->name);
	if (hold->mailbox[0] != '\0')
		buf_printf(out, " mailbox %s", hold->mailbox);
	if (hold->folder[0] != '\0')
		buf_printf(out, " folder %s", hold->folder);
	if (hold->from_ns != EXA_NO_TIME) {
		clock_format(hold->from_ns, when);
		buf_printf(out, " since %s", when);
	}
	if (hold->before_ns != EXA_NO_TIME) {
		clock_format(hold->before_ns, when);
		buf_printf(out, " before %s", when);
	}
	if (hold->reason[0] != '\0')
		buf_printf(out, ": %s", hold->reason);
}

static bool
count_covered(struct catalog *c, const char *name, uint64_t *items_out, struct exa_error *err)
{
	EXA_AUTO(catalog_holds_freep) struct catalog_holds *holds = NULL;
	size_t index;

	return load_holds(c, &holds, err) && find_hold(holds, name, &index, err) &&
	       retain_count_held(c, holds, index, items_out, err);
}

static bool
add_hold(struct catalog *c, const struct args *args, struct exa_error *err)
{
	EXA_AUTO(exa_freep) char *by = NULL;
	EXA_AUTO(buf_done) struct buf detail = { 0 };
	struct catalog_hold hold = { .name = args->positional[1],
		.mailbox = given(args, OPT_MAILBOX),
		.folder = given(args, OPT_FOLDER),
		.reason = given(args, OPT_REASON) };
	struct catalog_audit audit;
	struct deed deed;
	uint64_t items = 0;

	deed_begin(&deed);
	by = exa_asprintf("%s@%s", deed.user, deed.host);
	hold.set_by = by;
	hold.set_ns = deed.when_ns;
	if (!select_date(args, OPT_SINCE, &hold.from_ns, err) ||
		!select_date(args, OPT_BEFORE, &hold.before_ns, err))
		return false;
	describe(&detail, &hold);
	audit = deed_audit(&deed, "hold add", buf_string(&detail));
	if (!catalog_hold_add(c, &hold, &audit, err) || !count_covered(c, hold.name, &items, err))
		return false;
	(void)printf("hold %llu '", (unsigned long long)hold.number);
	text_print(stdout, hold.name, 0);
	(void)printf("' covers %llu of the items that are archived now, and what comes\n",
		(unsigned long long)items);
	return true;
}

/* ---- remove ---- */

static bool
remove_hold(struct catalog *c, const struct args *args, struct exa_error *err)
{
	EXA_AUTO(catalog_holds_freep) struct catalog_holds *holds = NULL;
	EXA_AUTO(buf_done) struct buf detail = { 0 };
	const struct catalog_hold *hold;
	struct catalog_audit audit;
	struct deed deed;
	uint64_t items;
	size_t index;

	if (!load_holds(c, &holds, err) || !find_hold(holds, args->positional[1], &index, err) ||
		!retain_count_held(c, holds, index, &items, err))
		return false;
	hold = catalog_holds_at(holds, index);
	describe(&detail, hold);
	deed_begin(&deed);
	audit = deed_audit(&deed, "hold remove", buf_string(&detail));
	audit.items = items;
	if (!catalog_hold_lift(c, hold->number, &audit, err))
		return false;
	(void)printf("lifted hold %llu '", (unsigned long long)hold->number);
	text_print(stdout, hold->name, 0);
	(void)printf("', which covered %llu items\n", (unsigned long long)items);
	return true;
}

/* ---- list ---- */

static void
print_hold_json(const struct catalog_hold *h)
{
	deed_print_json(json_pack("{s:I, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:b, s:o, s:o}",
		"number", (json_int_t)h->number, "name", deed_json_text(h->name), "mailbox",
		deed_json_text(h->mailbox), "folder", deed_json_text(h->folder), "since",
		deed_json_time(h->from_ns), "before", deed_json_time(h->before_ns), "reason",
		deed_json_text(h->reason), "set_by", deed_json_text(h->set_by), "set",
		deed_json_time(h->set_ns), "in_force", h->lifted_ns == EXA_NO_TIME, "lifted_by",
		deed_json_text(h->lifted_by), "lifted", deed_json_time(h->lifted_ns)));
}

static void
print_condition(const char *what, const char *value)
{
	(void)printf("%s", what);
	text_print(stdout, value, 0);
}

static void
print_moment(const char *what, int64_t moment_ns)
{
	char when[CLOCK_TEXT_MAX];

	if (moment_ns == EXA_NO_TIME)
		return;
	clock_format(moment_ns, when);
	(void)printf("%s%s", what, when);
}

static bool
print_hold(void *ctx, const struct catalog_hold *h, struct exa_error *err)
{
	const struct args *args = ctx;

	(void)err;
	if (h->lifted_ns != EXA_NO_TIME && args->value[OPT_ALL] == NULL)
		return true;
	if (args->value[OPT_JSON] != NULL) {
		print_hold_json(h);
		return true;
	}
	(void)printf("%4llu  ", (unsigned long long)h->number);
	text_print(stdout, h->name, 0);
	print_condition("\n      mailbox ", h->mailbox[0] != '\0' ? h->mailbox : "any");
	print_condition(", folder ", h->folder[0] != '\0' ? h->folder : "any");
	print_moment(", received since ", h->from_ns);
	print_moment(h->from_ns != EXA_NO_TIME ? " before " : ", received before ", h->before_ns);
	print_condition("\n      set by ", h->set_by);
	print_moment(" on ", h->set_ns);
	if (h->lifted_ns != EXA_NO_TIME) {
		print_condition("\n      LIFTED by ", h->lifted_by);
		print_moment(" on ", h->lifted_ns);
	}
	if (h->reason[0] != '\0')
		print_condition("\n      ", h->reason);
	(void)putchar('\n');
	return true;
}

static bool
list_holds(struct catalog *c, const struct args *args, struct exa_error *err)
{
	EXA_AUTO(store_read_endp) struct store_txn *txn = NULL;
	struct args copy = *args;

	return store_read_begin(catalog_store(c), &txn, err) &&
	       catalog_each_hold(txn, print_hold, &copy, err);
}

/* ---- the verbs ---- */

typedef bool hold_fn(struct catalog *c, const struct args *args, struct exa_error *err);

static int
with_archive(const struct args *args, enum store_access access, hold_fn *fn)
{
	struct catalog *catalog = NULL;
	struct exa_error err;
	bool good = deed_open(args, access, &catalog, &err) && fn(catalog, args, &err);

	catalog_abandonp(&catalog); /* what was done is durable */
	return good ? EXIT_DONE : fail_with(&err);
}

int
cmd_hold_add(const struct args *args)
{
	return with_archive(args, STORE_WRITE, add_hold);
}

int
cmd_hold_remove(const struct args *args)
{
	return with_archive(args, STORE_WRITE, remove_hold);
}

int
cmd_hold_list(const struct args *args)
{
	return with_archive(args, STORE_READ, list_holds);
}
