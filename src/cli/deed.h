/* SPDX-License-Identifier: Apache-2.0 */
/* What the verbs share that change what an archive keeps: who does it, and being stopped. */
#ifndef CLI_DEED_H
#define CLI_DEED_H

#include <jansson.h>

#include "exarch/cancel.h"
#include "exarch/catalog.h"
#include "options.h"

struct deed {
	char user[192];
	char host[256];
	int64_t when_ns;
};
/* Who sits here, now. Behind sudo both are named: "root (anna)". */
void deed_begin(struct deed *d);
/* An audit record of it; DETAIL is borrowed. */
struct catalog_audit deed_audit(const struct deed *d, const char *action, const char *detail);

/* Raised by SIGINT and SIGTERM from here on; a second one ends the process. */
struct cancel *deed_stopped_by_signals(void);

/* Opens the verb's first operand. */
bool deed_open(const struct args *args, enum store_access access, struct catalog **out,
	struct exa_error *err) EXA_CHECK;

/* One object, one line; takes LINE. */
void deed_print_json(json_t *line);
/* A run's manifest, in the same way. */
void deed_print_run(const struct catalog_run *r);
/* A text of a server or a person may be anything; JSON must be UTF-8. */
json_t *deed_json_text(const char *text);
/* The moment, or null when it isn't known. */
json_t *deed_json_time(int64_t moment_ns);

#endif
