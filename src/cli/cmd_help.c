/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "help.h"

static int
no_such_verb(const char *name)
{
	(void)fprintf(stderr, "exarch: there is no verb '%s'; see `exarch help`\n", name);
	return EXIT_USAGE;
}

/* "config check" is one argument or two words in one. */
static const struct verb *
verb_named(const char *name)
{
	for (size_t i = 0; i < verb_count; i++) {
		if (strcmp(verbs[i].name, name) == 0)
			return &verbs[i];
	}
	return NULL;
}

static void
print_list(void)
{
	for (size_t i = 0; i < verb_count; i++)
		(void)printf("%s\n", verbs[i].name);
}

static int
print_man(const struct args *args)
{
	const struct verb *verb;

	if (args->positional_count == 0) {
		help_man_overview();
		return EXIT_DONE;
	}
	verb = verb_named(args->positional[0]);
	if (verb == NULL)
		return no_such_verb(args->positional[0]);
	help_man_verb(verb);
	return EXIT_DONE;
}

static int
print_form(const struct args *args, const char *format)
{
	static const struct {
		const char *name;
		void (*print)(void);
	} forms[] = { { "bash", help_bash }, { "zsh", help_zsh }, { "fish", help_fish },
		{ "list", print_list } };
	struct exa_error err;

	if (strcmp(format, "man") == 0)
		return print_man(args);
	for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++) {
		if (strcmp(forms[i].name, format) == 0) {
			forms[i].print();
			return EXIT_DONE;
		}
	}
	(void)exa_fail(
		&err, EXA_USAGE, "--format is man, bash, zsh, fish or list, not '%s'", format);
	return fail_with(&err);
}

int
cmd_help(const struct args *args)
{
	bool found = false;

	if (args->value[OPT_HELP_FORMAT] != NULL)
		return print_form(args, args->value[OPT_HELP_FORMAT]);
	if (args->positional_count == 0) {
		help_overview(stdout);
		return EXIT_DONE;
	}
	for (size_t i = 0; i < verb_count; i++) {
		const char *name = args->positional[0];
		size_t size = strlen(name);

		/* `help config` shows all of its verbs. */
		if (strncmp(verbs[i].name, name, size) != 0 ||
			(verbs[i].name[size] != '\0' && verbs[i].name[size] != ' '))
			continue;
		if (found)
			(void)printf("\n");
		verb_help(&verbs[i], stdout);
		found = true;
	}
	if (found)
		return EXIT_DONE;
	return no_such_verb(args->positional[0]);
}
