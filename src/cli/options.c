/* SPDX-License-Identifier: Apache-2.0 */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "exarch/mem.h"
#include "options.h"

static bool
is_two_words(const struct verb *verb, const char *first, const char *second)
{
	size_t size = strlen(first);

	return strncmp(verb->name, first, size) == 0 && verb->name[size] == ' ' && second != NULL &&
	       strcmp(verb->name + size + 1, second) == 0;
}

const struct verb *
verb_find(int argc, char **argv, int *used_out)
{
	for (size_t i = 0; argc > 0 && i < verb_count; i++) {
		if (strcmp(verbs[i].name, argv[0]) == 0) {
			*used_out = 1;
			return &verbs[i];
		}
		if (is_two_words(&verbs[i], argv[0], argc > 1 ? argv[1] : NULL)) {
			*used_out = 2;
			return &verbs[i];
		}
	}
	return NULL;
}

/* getopt's tables, made from ours. */
struct getopt_tables {
	struct option longs[OPT_COUNT + 1];
	char shorts[2 * OPT_COUNT + 3];
};

/* Long-only options get codes above any letter. */
#define CODE_BASE 256

static void
make_tables(const struct verb *verb, struct getopt_tables *t)
{
	size_t n = 0, s = 0;

	memset(t, 0, sizeof *t);
	t->shorts[s++] = ':';
	for (; verb->options[n] != OPT_COUNT; n++) {
		const struct option_spec *spec = &option_specs[verb->options[n]];

		t->longs[n] = (struct option){ .name = spec->name,
			.has_arg = spec->arg != NULL ? required_argument : no_argument,
			.val = CODE_BASE + (int)verb->options[n] };
		if (spec->letter != 0)
			t->shorts[s++] = spec->letter;
		if (spec->letter != 0 && spec->arg != NULL)
			t->shorts[s++] = ':';
	}
}

static enum option_id
option_of(const struct verb *verb, int code)
{
	if (code >= CODE_BASE)
		return (enum option_id)(code - CODE_BASE);
	for (size_t i = 0; verb->options[i] != OPT_COUNT; i++) {
		if (option_specs[verb->options[i]].letter == code)
			return verb->options[i];
	}
	return OPT_COUNT;
}

static bool
take_option(struct args *args, enum option_id id, const char *value, struct exa_error *err)
{
	const struct option_spec *spec = &option_specs[id];

	if (args->value[id] != NULL && spec->arg != NULL && !spec->repeats)
		return exa_fail(err, EXA_USAGE, "option --%s is given twice", spec->name);
	args->value[id] = spec->arg != NULL ? value : "";
	if (!spec->repeats)
		return true;
	if (args->repeated_count == CLI_REPEATS_MAX)
		return exa_fail(err, EXA_USAGE, "option --%s is given more than %d times",
			spec->name, CLI_REPEATS_MAX);
	args->repeated =
		exa_realloc_array(args->repeated, args->repeated_count + 1, sizeof *args->repeated);
	args->repeated[args->repeated_count++] = value;
	return true;
}

static bool
take_operands(
	const struct verb *verb, int argc, char **argv, struct args *args, struct exa_error *err)
{
	size_t count = argc > 0 ? (size_t)argc : 0;
	size_t size = strlen(verb->operands);
	bool optional = verb->operands[0] == '[';
	bool many = size > 3 && strcmp(verb->operands + size - 3, "...") == 0;

	if (count > verb->operand_count && !many)
		return exa_fail(err, EXA_USAGE, "'%s' is one argument too many for `exarch %s %s`",
			argv[verb->operand_count], verb->name, verb->operands);
	if (count < verb->operand_count && !optional)
		return exa_fail(err, EXA_USAGE, "an argument is missing: `exarch %s %s`",
			verb->name, verb->operands);
	args->positional = exa_alloc_array(count, sizeof *args->positional);
	for (size_t i = 0; i < count; i++)
		args->positional[i] = argv[i];
	args->positional_count = count;
	return true;
}

/* The word that getopt just looked at: a value may stand in one of its own behind it. */
static const char *
current_word(int argc, char **argv)
{
	if (optind < 1 || optind > argc)
		return "";
	return optind > 1 && optarg == argv[optind - 1] ? argv[optind - 2] : argv[optind - 1];
}

/* getopt takes --passphrase for the beginning of --passphrase-file, and a secret for the file's
 * name. */
static bool
is_abbreviated(const struct option_spec *spec, const char *word)
{
	size_t size = strlen(spec->name);

	return strncmp(word, "--", 2) != 0 || strncmp(word + 2, spec->name, size) != 0 ||
	       (word[2 + size] != '\0' && word[2 + size] != '=');
}

/* What stands behind a '=' may be a secret that somebody put there. */
static bool
fail_unknown(const struct verb *verb, const char *word, struct exa_error *err)
{
	return exa_fail(err, EXA_USAGE, "`exarch %s` has no option %.*s; see `exarch help %s`",
		verb->name, (int)strcspn(word, "="), word, verb->name);
}

/* Options and operands may stand in any order. argv[0] is skipped, as getopt does. */
static bool
parse(const struct verb *verb, int argc, char **argv, struct args *args, struct exa_error *err)
{
	struct getopt_tables tables;
	int code;

	make_tables(verb, &tables);
	opterr = 0;
	optind = 0;
	while ((code = getopt_long(argc, argv, tables.shorts, tables.longs, NULL)) != -1) {
		const char *word = current_word(argc, argv);
		enum option_id id;

		if (code == ':')
			return exa_fail(err, EXA_USAGE,
				"option %s needs a value; see `exarch help %s`", word, verb->name);
		if (code == '?')
			return fail_unknown(verb, word, err);
		id = option_of(verb, code);
		if (code >= CODE_BASE && is_abbreviated(&option_specs[id], word))
			return fail_unknown(verb, word, err);
		if (!take_option(args, id, optarg, err))
			return false;
	}
	if (args->value[OPT_HELP] != NULL)
		return true;
	return take_operands(verb, argc - optind, argv + optind, args, err);
}

bool
args_parse(const struct verb *verb, int argc, char **argv, struct args *out, struct exa_error *err)
{
	struct args args = { 0 };

	if (!parse(verb, argc, argv, &args, err)) {
		args_done(&args);
		return false;
	}
	*out = args;
	return true;
}

void
args_done(struct args *args)
{
	exa_free(args->repeated);
	exa_free(args->positional);
	*args = (struct args){ 0 };
}

static void
print_option(const struct option_spec *spec, FILE *out)
{
	char left[48], letter[8] = "    ";

	if (spec->letter != 0)
		(void)snprintf(letter, sizeof letter, "-%c, ", spec->letter);
	(void)snprintf(left, sizeof left, "%s--%s%s%s", letter, spec->name,
		spec->arg != NULL ? " " : "", spec->arg != NULL ? spec->arg : "");
	(void)fprintf(out, "  %-30s %s\n", left, spec->help);
}

void
verb_help(const struct verb *verb, void *file)
{
	FILE *out = file;

	(void)fprintf(out, "exarch %s%s%s [options]\n\n  %s\n", verb->name,
		verb->operands[0] != '\0' ? " " : "", verb->operands, verb->summary);
	if (verb->details != NULL)
		(void)fprintf(out, "\n%s\n", verb->details);
	(void)fprintf(out, "\nOptions:\n");
	for (size_t i = 0; verb->options[i] != OPT_COUNT; i++)
		print_option(&option_specs[verb->options[i]], out);
}

void
help_overview(void *file)
{
	FILE *out = file;

	(void)fprintf(out, "exarch archives Exchange and Microsoft 365 mailboxes.\n\n");
	for (size_t i = 0; i < verb_count; i++) {
		char left[64];

		(void)snprintf(left, sizeof left, "%s %s", verbs[i].name, verbs[i].operands);
		(void)fprintf(out, "  exarch %-26s %s\n", left, verbs[i].summary);
	}
	(void)fprintf(out, "\n`exarch help VERB` tells more. Exit codes: 0 done, 1 failed, 2 usage "
			   "or profile, 3 finished but with\n"
			   "failed or unexplained items, 4 stopped early (a rerun continues), 10 "
			   "no archive, 11 locked, 12 sign-in "
			   "or key,\n"
			   "13 damage.\n");
}

int
exit_code_of(const struct exa_error *err)
{
	switch (err->code) {
	case EXA_OK:
		return EXIT_DONE;
	case EXA_USAGE:
		return EXIT_USAGE;
	case EXA_CANCELLED:
		return EXIT_STOPPED;
	case EXA_ABSENT:
		return EXIT_ABSENT;
	case EXA_LOCKED:
		return EXIT_LOCKED;
	case EXA_AUTH:
	case EXA_DENIED:
		return EXIT_AUTH;
	case EXA_CORRUPT:
		return EXIT_CORRUPT;
	case EXA_FAILED:
	case EXA_IO:
	case EXA_UNREACHABLE:
	case EXA_NET:
	case EXA_TIMEOUT:
	case EXA_THROTTLED:
	case EXA_ASIDE:
	case EXA_GONE:
	case EXA_STALE:
	case EXA_UNREADABLE:
	case EXA_LIMIT:
	case EXA_PROTOCOL:
	case EXA_CODE_COUNT:
		return EXIT_FAILED;
	}
	return EXIT_FAILED;
}

int
fail_with(const struct exa_error *err)
{
	(void)fprintf(stderr, "exarch: %s\n", err->text);
	return exit_code_of(err);
}
