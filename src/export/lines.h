/* SPDX-License-Identifier: Apache-2.0 */
#ifndef EXPORT_LINES_H
#define EXPORT_LINES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "exarch/attr.h"
#include "exarch/error.h"

/* A manifest's line: a path and a few numbers. The server's folder paths may be long. */
#define LINES_SIZE_MAX ((size_t)1024 * 1024)

typedef bool lines_fn(void *ctx, const char *text, size_t size, struct exa_error *err);

/* Calls FN for each line in the first END bytes of the file, without its line break. EXA_LIMIT: a
 * line is longer than LINES_SIZE_MAX. A last line without a break is no line. */
bool lines_each(int fd, uint64_t end, lines_fn *fn, void *ctx, struct exa_error *err) EXA_CHECK;

#endif
