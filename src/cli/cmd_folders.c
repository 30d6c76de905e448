/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <strings.h>

#include <jansson.h>

#include "exarch/mem.h"

#include "session.h"
#include "text.h"

static void
print_json(const struct crawl_folder *f, enum catalog_part part)
{
	json_t *line = json_pack("{s:s, s:s, s:s, s:b, s:s, s:I, s:I}", "part",
		catalog_part_name(part), "folder", f->path, "class", f->class, "archived",
		f->decision.verdict == RULES_ARCHIVE, "reason", f->decision.reason, "items",
		(json_int_t)f->total_count, "bytes", (json_int_t)f->size_bytes);

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
print_tree(const struct crawl_tree *tree, enum catalog_part part, bool json)
{
	long long items = 0;
	size_t chosen = 0;

	if (!json)
		(void)printf("%-8s %-40s  %8s  %10s  %s\n", "", "folder", "items", "size", "why");
	for (size_t i = 0; i < tree->count; i++) {
		const struct crawl_folder *f = &tree->folders[i];

		if (json)
			print_json(f, part);
		else
			print_row(f);
		if (f->decision.verdict == RULES_ARCHIVE) {
			chosen++;
			items += f->total_count > 0 ? f->total_count : 0;
		}
	}
	if (!json)
		(void)printf("%zu of %zu folders would be archived, holding %lld items\n", chosen,
			tree->count, items);
}

/* A mailbox without an online archive is fine; one without a primary part isn't. */
static bool
show_part(const struct args *args, const struct session *session, struct ews *ews,
	const struct crawl_mailbox *part, struct exa_error *err)
{
	struct crawl_tree tree = { 0 };
	const bool json = args->value[OPT_JSON] != NULL;

	if (!crawl_tree_load(ews, part, &session->profile->rules, &tree, err))
		return err->code == EXA_GONE && part->part != CATALOG_PRIMARY;
	if (!json && part->part != CATALOG_PRIMARY)
		(void)printf("\n%s\n", part->label);
	print_tree(&tree, part->part, json);
	crawl_tree_done(&tree);
	return true;
}

static bool
is_reader_of_public_folders(const struct session *s, const char *smtp)
{
	const char *reader = s->profile->public_as;

	return reader != NULL && strcasecmp(reader, smtp) == 0;
}

int
cmd_folders(const struct args *args)
{
	EXA_AUTO(exa_freep) char *smtp = exa_strdup(args->positional[1]);
	const struct crawl_mailbox mailbox = { .smtp = smtp };
	struct crawl_mailbox parts[PARTS_MOST + 1];
	struct ews *ews = NULL;
	struct session session;
	struct exa_error err;
	size_t count;
	bool good;

	if (!session_open(args->positional[0], NULL, &session, &err))
		return fail_with(&err);
	count = session_parts(&session, &mailbox, parts);
	good = session_locate(&session, parts, count, NULL, &err) &&
	       ews_new(&session.ews, &ews, &err);
	if (good && is_reader_of_public_folders(&session, smtp))
		parts[count++] = session_public(&session);
	for (size_t i = 0; i < count; i++) {
		good = good && show_part(args, &session, ews, &parts[i], &err);
		exa_free(parts[i].label);
	}
	ews_free(ews);
	session_done(&session);
	if (good)
		return EXIT_DONE;
	(void)exa_while(&err, "mailbox %s", args->positional[1]);
	return fail_with(&err);
}
