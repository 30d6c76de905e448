/* SPDX-License-Identifier: Apache-2.0 */
/* A profile made from answers. */
#ifndef CLI_SETUP_H
#define CLI_SETUP_H

#include "exarch/bytes.h"
#include "options.h"

struct setup {
	const char *value[OPT_COUNT]; /* answers; NULL = not asked for, "" = left out */
	bool is_app;                  /* Microsoft 365, as against a server of one's own */
	struct arena *texts;          /* of what was typed */
};

/* Appends the profile as YAML with comments. Relative paths are those of the working directory, and
 * become absolute. */
void setup_write(const struct setup *s, struct buf *out);

#endif
