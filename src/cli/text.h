/* SPDX-License-Identifier: Apache-2.0 */
/* Text from servers and mail on a terminal: never a control character of theirs, columns that line
 * up. */
#ifndef CLI_TEXT_H
#define CLI_TEXT_H

#include <stddef.h>
#include <stdio.h>

#include "exarch/catalog.h"

/* Prints TEXT with control and bidi characters and broken UTF-8 replaced, cut and padded to WIDTH
 * columns (0 = as long as it is). */
void text_print(FILE *out, const char *text, size_t width);
/* The address, and the part if it isn't the primary one. */
void text_mailbox(FILE *out, const struct catalog_mailbox *m, size_t width);
/* "1.2 MiB"; OUT holds 16. */
void text_size(unsigned long long bytes, char *out);
/* As text_print without padding, keeping line breaks and tabs: for bodies. */
void text_print_block(FILE *out, const char *text);
/* One JSON object as a line on stdout; takes LINE (NULL is fine). */
struct json_t;
void text_json(struct json_t *line);
/* A JSON string, or null when TEXT isn't UTF-8. */
struct json_t *text_value(const char *text);

#endif
