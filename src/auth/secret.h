/* SPDX-License-Identifier: Apache-2.0 */
/* Secrets from files that only their owner can read, and from commands. */
#ifndef EXARCH_AUTH_SECRET_H
#define EXARCH_AUTH_SECRET_H

#include "exarch/attr.h"
#include "exarch/bytes.h"
#include "exarch/error.h"

/* Keys, certificates and secrets are a few kilobytes. */
#define SECRET_FILE_MAX ((size_t)256 * 1024)

/* Appends a private file; EXA_AUTH when it can't be read or others can. */
bool secret_read_private(const char *path, struct buf *out, struct exa_error *err) EXA_CHECK;

/*
 * The first line of FILE, or of COMMAND's output (/bin/sh -c). Exactly one is given, otherwise
 * EXA_USAGE. The caller wipes and frees *OUT.
 */
bool secret_get(const char *file, const char *command, char **out, struct exa_error *err) EXA_CHECK;

/* Overwrites and frees; for EXA_AUTO. */
void secret_string_freep(char **s);

#endif
