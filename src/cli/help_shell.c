/* SPDX-License-Identifier: Apache-2.0 */
/* What bash, zsh and fish complete. */
#include <stdio.h>
#include <string.h>

#include "help.h"

size_t
help_first_word(const struct verb *verb)
{
	return strcspn(verb->name, " ");
}

bool
help_is_first(const struct verb *verb)
{
	size_t size = help_first_word(verb);

	for (const struct verb *v = verbs; v < verb; v++) {
		if (help_first_word(v) == size && strncmp(v->name, verb->name, size) == 0)
			return false;
	}
	return true;
}

enum help_value
help_value_of(const char *arg)
{
	if (strcmp(arg, "DIR") == 0 || strncmp(arg, "ARCHIVE", 7) == 0)
		return HELP_FOLDER;
	if (strcmp(arg, "FILE") == 0 || strncmp(arg, "PROFILE", 7) == 0)
		return HELP_FILE;
	return HELP_WORD;
}

static bool
has_second_word(const struct verb *verb)
{
	return verb->name[help_first_word(verb)] == ' ';
}

/* ---- bash ---- */

static void
bash_case(const struct verb *verb)
{
	(void)printf("\t'%s') options='", verb->name);
	for (size_t i = 0; verb->options[i] != OPT_COUNT; i++)
		(void)printf("%s--%s", i > 0 ? " " : "", option_specs[verb->options[i]].name);
	(void)fputs("' files='", stdout);
	for (size_t i = 0; verb->options[i] != OPT_COUNT; i++) {
		const struct option_spec *o = &option_specs[verb->options[i]];

		if (o->arg != NULL && help_value_of(o->arg) != HELP_WORD)
			(void)printf(" --%s ", o->name);
	}
	(void)fputs("' words='", stdout);
	for (size_t i = 0; verb->options[i] != OPT_COUNT; i++) {
		const struct option_spec *o = &option_specs[verb->options[i]];

		if (o->arg != NULL && help_value_of(o->arg) == HELP_WORD)
			(void)printf(" --%s ", o->name);
	}
	(void)fputs("';;\n", stdout);
}

void
help_bash(void)
{
	(void)fputs("# bash completion for exarch; made from its table of options\n"
		    "_exarch() {\n"
		    "\tlocal cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]}\n"
		    "\tlocal verb=${COMP_WORDS[1]} at=2 options= files= words= second=\n"
		    "\tCOMPREPLY=()\n"
		    "\tif [ \"$COMP_CWORD\" -eq 1 ]; then\n"
		    "\t\tCOMPREPLY=($(compgen -W '",
		stdout);
	for (size_t i = 0; i < verb_count; i++) {
		if (help_is_first(&verbs[i]))
			(void)printf("%.*s ", (int)help_first_word(&verbs[i]), verbs[i].name);
	}
	(void)fputs("' -- \"$cur\"))\n\t\treturn\n\tfi\n\tcase $verb in\n", stdout);
	for (size_t i = 0; i < verb_count; i++) {
		size_t size = help_first_word(&verbs[i]);

		if (has_second_word(&verbs[i]))
			(void)printf("\t%.*s) second=\"$second %s\";;&\n", (int)size, verbs[i].name,
				verbs[i].name + size + 1);
	}
	(void)fputs("\tesac\n"
		    "\tif [ -n \"$second\" ]; then\n"
		    "\t\tif [ \"$COMP_CWORD\" -eq 2 ]; then\n"
		    "\t\t\tCOMPREPLY=($(compgen -W \"$second\" -- \"$cur\"))\n"
		    "\t\t\treturn\n"
		    "\t\tfi\n"
		    "\t\tverb=\"$verb ${COMP_WORDS[2]}\"\n"
		    "\tfi\n"
		    "\tcase $verb in\n",
		stdout);
	for (size_t i = 0; i < verb_count; i++)
		bash_case(&verbs[i]);
	(void)fputs(
		"\tesac\n"
		"\tcase $words in *\" $prev \"*) return;; esac\n"
		"\tcase $files in *\" $prev \"*) COMPREPLY=($(compgen -f -- \"$cur\")); return;; "
		"esac\n"
		"\tcase $cur in\n"
		"\t-*) COMPREPLY=($(compgen -W \"$options\" -- \"$cur\"));;\n"
		"\t*) COMPREPLY=($(compgen -f -- \"$cur\"));;\n"
		"\tesac\n"
		"}\n"
		"complete -o filenames -F _exarch exarch\n",
		stdout);
}

/* ---- zsh ---- */

/* Inside of '...' in a specification: TEXT may hold anything. */
static void
zsh_text(const char *text)
{
	for (; *text != '\0'; text++) {
		if (*text == '\'')
			(void)fputs("'\\''", stdout);
		else if (strchr("[]:\\", *text) != NULL)
			(void)printf("\\%c", *text);
		else
			(void)putchar(*text == '\n' ? ' ' : *text);
	}
}

static void
zsh_value(const char *arg)
{
	static const char *const actions[] = {
		[HELP_WORD] = " ", [HELP_FILE] = "_files", [HELP_FOLDER] = "_directories"
	};

	(void)fputs(":", stdout);
	zsh_text(arg);
	(void)printf(":%s", actions[help_value_of(arg)]);
}

static void
zsh_option(const struct option_spec *o)
{
	if (o->letter != 0)
		(void)printf(" \\\n\t\t'(-%c --%s)'{-%c,--%s}'[", o->letter, o->name, o->letter,
			o->name);
	else
		(void)printf(" \\\n\t\t'%s--%s[", o->repeats ? "*" : "", o->name);
	zsh_text(o->help);
	(void)fputs("]", stdout);
	if (o->arg != NULL)
		zsh_value(o->arg);
	(void)fputs("'", stdout);
}

static void
zsh_verbs(const char *first, size_t size)
{
	for (size_t i = 0; i < verb_count; i++) {
		const struct verb *v = &verbs[i];
		bool same = first != NULL && help_first_word(v) == size &&
			    strncmp(v->name, first, size) == 0;

		if (first == NULL ? !help_is_first(v) : !same)
			continue;
		(void)fputs(" '", stdout);
		if (first != NULL)
			(void)fputs(v->name + size + 1, stdout);
		else
			(void)printf("%.*s", (int)help_first_word(v), v->name);
		(void)putchar(':');
		zsh_text(first == NULL && has_second_word(v) ? "..." : v->summary);
		(void)putchar('\'');
	}
}

void
help_zsh(void)
{
	(void)fputs("#compdef exarch\n"
		    "# made from exarch's table of options\n"
		    "_exarch() {\n"
		    "\tlocal -a verbs\n"
		    "\tlocal verb=$words[2]\n"
		    "\tif (( CURRENT == 2 )); then\n"
		    "\t\tverbs=(",
		stdout);
	zsh_verbs(NULL, 0);
	(void)fputs(" )\n\t\t_describe verb verbs\n\t\treturn\n\tfi\n\tshift words\n"
		    "\t(( CURRENT-- ))\n\tcase $verb in\n",
		stdout);
	for (size_t i = 0; i < verb_count; i++) {
		size_t size = help_first_word(&verbs[i]);

		if (!has_second_word(&verbs[i]) || !help_is_first(&verbs[i]))
			continue;
		(void)printf("\t(%.*s) verbs=(", (int)size, verbs[i].name);
		zsh_verbs(verbs[i].name, size);
		(void)fputs(
			" )\n"
			"\t\tif (( CURRENT == 2 )); then _describe verb verbs; return; fi\n"
			"\t\tverb=\"$verb $words[2]\"\n\t\tshift words\n\t\t(( CURRENT-- )) ;;\n",
			stdout);
	}
	(void)fputs("\tesac\n\tcase $verb in\n", stdout);
	for (size_t i = 0; i < verb_count; i++) {
		(void)printf("\t('%s') _arguments -s", verbs[i].name);
		for (size_t k = 0; verbs[i].options[k] != OPT_COUNT; k++)
			zsh_option(&option_specs[verbs[i].options[k]]);
		if (verbs[i].operands[0] != '\0') {
			(void)fputs(" \\\n\t\t'*", stdout);
			zsh_value(verbs[i].operands);
			(void)putchar('\'');
		}
		(void)fputs(" ;;\n", stdout);
	}
	(void)fputs("\tesac\n}\n_exarch \"$@\"\n", stdout);
}

/* ---- fish ---- */

static void
fish_text(const char *text)
{
	(void)putchar('\'');
	for (; *text != '\0'; text++) {
		if (*text == '\'' || *text == '\\')
			(void)putchar('\\');
		(void)putchar(*text == '\n' ? ' ' : *text);
	}
	(void)putchar('\'');
}

static void
fish_option(const struct verb *verb, const struct option_spec *o)
{
	static const char *const values[] = {
		[HELP_WORD] = " -x",
		[HELP_FILE] = " -r -F",
		[HELP_FOLDER] = " -x -a '(__fish_complete_directories)'",
	};

	(void)printf("complete -c exarch -n '__exarch_verb %s' -l %s", verb->name, o->name);
	if (o->letter != 0)
		(void)printf(" -s %c", o->letter);
	if (o->arg != NULL)
		(void)fputs(values[help_value_of(o->arg)], stdout);
	(void)fputs(" -d ", stdout);
	fish_text(o->help);
	(void)putchar('\n');
}

static void
fish_verb(const struct verb *verb)
{
	size_t size = help_first_word(verb);

	if (help_is_first(verb)) {
		(void)printf(
			"complete -c exarch -n __exarch_first -a %.*s -d ", (int)size, verb->name);
		fish_text(has_second_word(verb) ? "..." : verb->summary);
		(void)putchar('\n');
	}
	if (has_second_word(verb)) {
		(void)printf("complete -c exarch -n '__exarch_second %.*s' -a %s -d ", (int)size,
			verb->name, verb->name + size + 1);
		fish_text(verb->summary);
		(void)putchar('\n');
	}
	if (help_value_of(verb->operands) != HELP_WORD)
		(void)printf("complete -c exarch -n '__exarch_verb %s' -F\n", verb->name);
	for (size_t i = 0; verb->options[i] != OPT_COUNT; i++)
		fish_option(verb, &option_specs[verb->options[i]]);
}

void
help_fish(void)
{
	(void)fputs("# fish completion for exarch; made from its table of options\n"
		    "function __exarch_first\n"
		    "\ttest (count (commandline -opc)) -eq 1\n"
		    "end\n"
		    "function __exarch_second\n"
		    "\tset -l words (commandline -opc)\n"
		    "\ttest (count $words) -eq 2; and test $words[2] = $argv[1]\n"
		    "end\n"
		    "function __exarch_verb\n"
		    "\tset -l words (commandline -opc)\n"
		    "\tset -l last (math (count $argv) + 1)\n"
		    "\ttest (count $words) -ge $last\n"
		    "\tand test \"$words[2..$last]\" = \"$argv\"\n"
		    "end\n"
		    "complete -c exarch -f\n",
		stdout);
	for (size_t i = 0; i < verb_count; i++)
		fish_verb(&verbs[i]);
}
