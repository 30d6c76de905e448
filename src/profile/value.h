/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Single values of a profile: numbers, sizes, URLs, paths, addresses. A TEXT of NULL means that the
 * key isn't given: then *out keeps what it has, the default. KEY is named in errors.
 */
#ifndef PROFILE_VALUE_H
#define PROFILE_VALUE_H

#include <stdbool.h>
#include <stdint.h>

#include "context.h"

struct value_range {
	uint64_t min;
	uint64_t max;
};

/* Decimal digits only. */
bool value_count(const struct context *c, const char *key, const char *text,
	struct value_range range, uint32_t *out) EXA_CHECK;

/* "8 MiB", "500 KB", "65536": KB, MB, GB count in thousands, KiB, MiB, GiB in 1024s. */
bool value_size(const struct context *c, const char *key, const char *text,
	struct value_range range, uint64_t *out) EXA_CHECK;
/* The shortest text that value_size reads as SIZE; out holds VALUE_SIZE_TEXT_MAX. */
#define VALUE_SIZE_TEXT_MAX 32
void value_size_text(uint64_t size, char *out);

/* http or https, the former only to this machine; slashes at the end are cut off. */
bool value_url(const struct context *c, const char *key, const char *text, char **out) EXA_CHECK;

/* Relative to the profile's folder; *out is absolute. */
bool value_path(const struct context *c, const char *key, const char *text, char **out) EXA_CHECK;

bool value_is_guid(const char *text);
bool value_is_domain(const char *text);

/* What is wrong with an SMTP address, or NULL. */
const char *value_address_problem(const char *address);

#endif
