/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "build_info.h"
#include "deed.h"

#define KEY_COLUMN 16

static const char *
text_of(const json_t *object, const char *key)
{
	return json_string_value(json_object_get(object, key));
}

static void
print_list(const json_t *list)
{
	if (json_array_size(list) == 0)
		(void)printf("none");
	for (size_t i = 0; i < json_array_size(list); i++)
		(void)printf("%s%s", i > 0 ? ", " : "", json_string_value(json_array_get(list, i)));
	(void)printf("\n");
}

static void
print_libraries(const json_t *list)
{
	(void)printf("%-14s%s\n", "compiled with", "running");
	for (size_t i = 0; i < json_array_size(list); i++) {
		const json_t *entry = json_array_get(list, i);

		(void)printf("  %-*s%-14s%s\n", KEY_COLUMN - 2, text_of(entry, "name"),
			text_of(entry, "compiled"), text_of(entry, "running"));
	}
}

/* Each key is a line; only the libraries are a table. */
static void
print_text(json_t *info)
{
	for (void *at = json_object_iter(info); at != NULL; at = json_object_iter_next(info, at)) {
		const char *key = json_object_iter_key(at);
		const json_t *value = json_object_iter_value(at);

		(void)printf("%-*s", KEY_COLUMN, key);
		if (strcmp(key, "libraries") == 0)
			print_libraries(value);
		else if (json_is_array(value))
			print_list(value);
		else
			(void)printf("%s\n", json_string_value(value));
	}
}

int
cmd_version(const struct args *args)
{
	json_t *info = args->value[OPT_BUILD] != NULL
			       ? build_info()
			       : json_pack("{s:s}", "version", EXARCH_VERSION);

	if (args->value[OPT_JSON] != NULL) {
		deed_print_json(info);
		return EXIT_DONE;
	}
	if (args->value[OPT_BUILD] != NULL)
		print_text(info);
	else
		(void)printf("exarch %s\n", EXARCH_VERSION);
	json_decref(info);
	return EXIT_DONE;
}
