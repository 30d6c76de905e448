/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "options.h"

int
cmd_version(const struct args *args)
{
	(void)args;
	(void)printf("exarch %s\n", EXARCH_VERSION);
	return EXIT_DONE;
}

int
cmd_help(const struct args *args)
{
	bool found = false;

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
	(void)fprintf(
		stderr, "exarch: there is no verb '%s'; see `exarch help`\n", args->positional[0]);
	return EXIT_USAGE;
}
