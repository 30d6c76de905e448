/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The table of options and verbs in the forms that other programs read: man pages, and the
 * completions of shells. They are made at build time by src/cli/pages.py, and are as good as the
 * table.
 */
#ifndef CLI_HELP_H
#define CLI_HELP_H

#include "options.h"

void help_man_overview(void);                /* exarch(1) */
void help_man_verb(const struct verb *verb); /* exarch-VERB(1) */
void help_bash(void);
void help_zsh(void);
void help_fish(void);

/* The part of a verb's name before its space, if it has one; its size. */
size_t help_first_word(const struct verb *verb);
/* Whether VERB is the first in the table with this first word. */
bool help_is_first(const struct verb *verb);

/* What an argument named so is: completed as files, as folders, or not at all. */
enum help_value { HELP_WORD, HELP_FILE, HELP_FOLDER };
enum help_value help_value_of(const char *arg);

#endif
