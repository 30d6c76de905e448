/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include <jansson.h>

#include "session.h"
#include "text.h"

static void
print_json(const struct crawl_folder *f)
{
	json_t *line = json_pack("{s:s, s:s, s:b, s:s, s:I, s:I}", "folder", f->path, "class",
		f->class, "archived", f->decision.verdict == RULES_ARCHIVE, "reason",
		f->decision.reason, "items", (json_int_t)f->total_count, "bytes",
		(json_int_t)f->size_bytes);

	if (line != NULL) {
		(void)json_dumpf(line, stdout, JSON_COMPACT);
		(void)putchar('\n');
	}
	json_decref(line);
}

static void
print_row(const struct crawl_folder *f)
{
	char size[16] = "";

	if (f->size_bytes >= 0)
		text_size((unsigned long long)f->size_bytes, size);
	(void)printf("%-8s ", f->decision.verdict == RULES_ARCHIVE ? "archive" : "-");
	text_print(stdout, f->path, 40);
	(void)printf("  %8lld  %10s  ", (long long)f->total_count, size);
	text_print(stdout, f->decision.reason, 0);
	(void)putchar('\n');
}

static void
print_tree(const struct crawl_tree *tree, bool json)
{
	long long items = 0;
	size_t chosen = 0;

	if (!json)
		(void)printf("%-8s %-40s  %8s  %10s  %s\n", "", "folder", "items", "size", "why");
	for (size_t i = 0; i < tree->count; i++) {
		const struct crawl_folder *f = &tree->folders[i];

		(json ? print_json : print_row)(f);
		if (f->decision.verdict == RULES_ARCHIVE) {
			chosen++;
			items += f->total_count > 0 ? f->total_count : 0;
		}
	}
	if (!json)
		(void)printf("%zu of %zu folders would be archived, holding %lld items\n", chosen,
			tree->count, items);
}

int
cmd_folders(const struct args *args)
{
	struct crawl_tree tree = { 0 };
	struct ews *ews = NULL;
	struct session session;
	struct exa_error err;
	bool good;

	if (!session_open(args->positional[0], NULL, &session, &err))
		return fail_with(&err);
	good = ews_new(&session.ews, &ews, &err) &&
	       crawl_tree_load(ews, args->positional[1], &session.profile->rules, &tree, &err);
	if (good)
		print_tree(&tree, args->value[OPT_JSON] != NULL);
	crawl_tree_done(&tree);
	ews_free(ews);
	session_done(&session);
	if (good)
		return EXIT_DONE;
	(void)exa_while(&err, "mailbox %s", args->positional[1]);
	return fail_with(&err);
}
