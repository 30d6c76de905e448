/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A small reader of YAML for a file of a known shape: what it asks for is given, with the line
 * where it stands; everything else is an error that names file, line and what was expected. It goes
 * only as deep as its caller asks, so what else the text nests or refers to in circles costs
 * nothing.
 */
#ifndef RETAIN_TREE_H
#define RETAIN_TREE_H

#include <yaml.h>

#include "exarch/bytes.h"
#include "exarch/error.h"

struct yaml_file {
	const char *name;
	yaml_document_t document;
	bool loaded;
	struct exa_error *err;
};

/* A place in the file: a node and what errors call it ("rules[2].keep"). */
#define YAML_PATH_MAX 96
struct yaml_spot {
	yaml_node_t *node; /* NULL: it isn't there */
	size_t line;
	char path[YAML_PATH_MAX];
};

/* FILE is zeroed but for name and err; yaml_file_done in any case. */
bool yaml_file_open(struct yaml_file *file, struct bytes text, struct yaml_spot *root) EXA_CHECK;
void yaml_file_done(struct yaml_file *file);

/* "FILE:LINE: PATH: ..."; false. */
bool yaml_bad(struct yaml_file *file, const struct yaml_spot *at, const char *fmt, ...)
	EXA_PRINTF(3, 4);

/* SPOT's values for the KEYS (which end with NULL) into OUT, as many; unknown keys are errors. */
bool yaml_keys(struct yaml_file *file, const struct yaml_spot *spot, const char *const *keys,
	struct yaml_spot *out) EXA_CHECK;
/* The text of a spot; missing or empty ones are errors. Borrowed from the file. */
bool yaml_text(struct yaml_file *file, const struct yaml_spot *spot, const char **out) EXA_CHECK;
/* How many entries a list of 1 to MOST has; a spot that isn't there has 0. */
bool yaml_count(
	struct yaml_file *file, const struct yaml_spot *spot, size_t most, size_t *out) EXA_CHECK;
void yaml_entry(
	struct yaml_file *file, const struct yaml_spot *list, size_t index, struct yaml_spot *out);

#endif
