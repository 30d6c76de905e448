/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include <jansson.h>

#include "session.h"
#include "text.h"

static const char *
yes_no(int v)
{
	return v < 0 ? "?" : v > 0 ? "yes" : "no";
}

static void
print_json(const struct plan_entry *e)
{
	json_t *line = json_pack("{s:s, s:s, s:b, s:s, s:s, s:s}", "mailbox", e->mailbox.smtp,
		"name", e->mailbox.display_name, "archived", e->decision.verdict == RULES_ARCHIVE,
		"reason", e->decision.reason, "licensed", yes_no(e->licensed), "enabled",
		yes_no(e->enabled));

	if (line != NULL) {
		(void)json_dumpf(line, stdout, JSON_COMPACT);
		(void)putchar('\n');
	}
	json_decref(line);
}

static void
print_row(const struct plan_entry *e)
{
	(void)printf("%-8s ", e->decision.verdict == RULES_ARCHIVE ? "archive" : "-");
	text_print(stdout, e->mailbox.smtp, 40);
	(void)printf("  %-8s  %-7s  ", yes_no(e->licensed), yes_no(e->enabled));
	text_print(stdout, e->decision.reason, 0);
	(void)putchar('\n');
}

int
cmd_mailboxes(const struct args *args)
{
	bool json = args->value[OPT_JSON] != NULL;
	struct session session;
	struct plan plan;
	struct exa_error err;

	if (!session_open(args->positional[0], NULL, &session, &err))
		return fail_with(&err);
	if (!plan_load(&session, NULL, NULL, &plan, &err)) {
		session_done(&session);
		return fail_with(&err);
	}
	if (!json)
		(void)printf("%-8s %-40s  %-8s  %-7s  %s\n", "", "mailbox", "licensed", "enabled",
			"why");
	for (size_t i = 0; i < plan.count; i++)
		(json ? print_json : print_row)(&plan.entries[i]);
	if (!json)
		(void)printf("%zu of %zu would be archived\n", plan_chosen(&plan), plan.count);
	plan_done(&plan);
	session_done(&session);
	return EXIT_DONE;
}
