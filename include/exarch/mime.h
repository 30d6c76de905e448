/* SPDX-License-Identifier: Apache-2.0 */
#ifndef EXARCH_MIME_H
#define EXARCH_MIME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "exarch/bytes.h"
#include "exarch/error.h"

enum mime_piece_kind { MIME_LITERAL, MIME_RAW, MIME_BASE64 };
enum mime_eol { MIME_EOL_CRLF, MIME_EOL_LF };

struct mime_base64_form {
	uint32_t line_chars;
	uint32_t column;
	enum mime_eol eol;
};

struct mime_piece {
	enum mime_piece_kind kind;
	struct bytes data;
	uint64_t source_size;
	struct mime_base64_form form;
};

#endif
