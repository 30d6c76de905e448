/* SPDX-License-Identifier: Apache-2.0 */
/* man(7): what the table says, in roff. */
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "help.h"

static const struct {
	int code;
	const char *words;
} exit_codes[] = {
	{ EXIT_DONE, "done" },
	{ EXIT_FAILED, "failed" },
	{ EXIT_USAGE, "the command line or the profile is wrong" },
	{ EXIT_INCOMPLETE, "finished, but with failed or unexplained items" },
	{ EXIT_STOPPED, "stopped early by a limit or a signal; a rerun continues" },
	{ EXIT_ABSENT, "there is no archive" },
	{ EXIT_LOCKED, "the archive is locked by another run" },
	{ EXIT_AUTH, "sign-in failed, or the archive's key is missing or wrong" },
	{ EXIT_CORRUPT, "damage: archive bytes fail their checks" },
};

/* In running text: a hyphen is a minus (people copy commands), a dot that begins a line no
 * request. */
static void
put_text(const char *text)
{
	bool line_begins = true;

	for (; *text != '\0'; text++) {
		if (line_begins && (*text == '.' || *text == '\''))
			(void)fputs("\\&", stdout);
		if (*text == '\\')
			(void)fputs("\\e", stdout);
		else if (*text == '-')
			(void)fputs("\\-", stdout);
		else
			(void)putchar(*text);
		line_begins = *text == '\n';
	}
}

/* "exarch-config-check" of "config check". */
static void
put_page_name(const struct verb *verb, bool upper)
{
	(void)fputs(upper ? "EXARCH\\-" : "exarch\\-", stdout);
	for (const char *c = verb->name; *c != '\0'; c++) {
		if (*c == ' ' || *c == '-')
			(void)fputs("\\-", stdout);
		else
			(void)putchar(upper ? toupper((unsigned char)*c) : *c);
	}
}

static void
put_option(const struct option_spec *spec)
{
	(void)fputs(".TP\n", stdout);
	if (spec->letter != 0)
		(void)printf("\\fB\\-%c\\fR, ", spec->letter);
	(void)fputs("\\fB\\-\\-", stdout);
	put_text(spec->name);
	(void)fputs("\\fR", stdout);
	if (spec->arg != NULL)
		(void)printf(" \\fI%s\\fR", spec->arg);
	(void)putchar('\n');
	put_text(spec->help);
	(void)putchar('\n');
}

static void
put_ending(void)
{
	(void)fputs(".SH EXIT STATUS\n", stdout);
	for (size_t i = 0; i < sizeof exit_codes / sizeof exit_codes[0]; i++) {
		(void)printf(".TP\n.B %d\n", exit_codes[i].code);
		put_text(exit_codes[i].words);
		(void)putchar('\n');
	}
}

void
help_man_verb(const struct verb *verb)
{
	(void)fputs(".TH ", stdout);
	put_page_name(verb, true);
	(void)printf(" 1 \"\" \"exarch %s\" \"exarch\"\n.SH NAME\n", EXARCH_VERSION);
	put_page_name(verb, false);
	(void)fputs(" \\- ", stdout);
	put_text(verb->summary);
	(void)printf("\n.SH SYNOPSIS\n\\fBexarch %s\\fR", verb->name);
	if (verb->operands[0] != '\0')
		(void)printf(" \\fI%s\\fR", verb->operands);
	(void)fputs(" [\\fIoptions\\fR]\n.SH DESCRIPTION\n", stdout);
	put_text(verb->details != NULL ? verb->details : verb->summary);
	(void)fputs("\n.SH OPTIONS\n", stdout);
	for (size_t i = 0; verb->options[i] != OPT_COUNT; i++)
		put_option(&option_specs[verb->options[i]]);
	put_ending();
	(void)fputs(".SH SEE ALSO\n.BR exarch (1)\n", stdout);
}

void
help_man_overview(void)
{
	(void)printf(
		".TH EXARCH 1 \"\" \"exarch %s\" \"exarch\"\n.SH NAME\n"
		"exarch \\- archive Exchange and Microsoft 365 mailboxes\n.SH SYNOPSIS\n"
		"\\fBexarch\\fR \\fIVERB\\fR [\\fIoptions\\fR] [\\fIarguments\\fR]\n"
		".SH DESCRIPTION\n"
		"A \\fIPROFILE\\fR says what is archived, from where, with which rules, into which "
		"\\fIARCHIVE\\fR, a folder.\n.SH VERBS\n",
		EXARCH_VERSION);
	for (size_t i = 0; i < verb_count; i++) {
		(void)printf(".TP\n\\fB%s\\fR \\fI%s\\fR\n", verbs[i].name, verbs[i].operands);
		put_text(verbs[i].summary);
		(void)fputs(" (", stdout);
		put_page_name(&verbs[i], false);
		(void)fputs("(1))\n", stdout);
	}
	put_ending();
	(void)fputs(".SH ENVIRONMENT\n"
		    ".TP\n.B EXARCH_KEY_FILE\nthe key file of an encrypted archive, when no option "
		    "and no profile names one\n"
		    ".TP\n.B NO_COLOR\nno colours when it is set\n"
		    ".TP\n.B https_proxy\nthe proxy that requests go through\n"
		    ".TP\n.B KRB5_CLIENT_KTNAME\nthe keytab of \\fBkind: negotiate\\fR\n"
		    ".SH SEE ALSO\n.BR exarch\\-profile (5),\n.BR exarch\\-format (5),\n"
		    ".BR exarch\\-sim (1);\n"
		    "profile.md, operating.md, report.md and the others in the documentation "
		    "folder.\n",
		stdout);
}
