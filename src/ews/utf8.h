/* SPDX-License-Identifier: Apache-2.0 */
/* UTF-8 (RFC 3629) and the characters XML 1.0 allows (section 2.2). */
#ifndef EXARCH_EWS_UTF8_H
#define EXARCH_EWS_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "exarch/bytes.h"

#define UTF8_MAX 4
#define UTF8_REPLACEMENT 0xfffd

/* How many bytes a character begun by LEAD has; 0 when no character begins so. */
size_t utf8_length(uint8_t lead);

/* The character that B begins with; 0 bytes when there is none that is whole and right. */
size_t utf8_read(struct bytes b, uint32_t *character_out);

size_t utf8_write(uint32_t character, uint8_t out[UTF8_MAX]);

bool xml_allows(uint32_t character);

/* The longest beginning of B, at most MAX bytes, that doesn't end inside a character. */
struct bytes utf8_take(struct bytes b, size_t max);

#endif
