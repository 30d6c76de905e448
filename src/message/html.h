/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MESSAGE_HTML_H
#define MESSAGE_HTML_H

#include "exarch/bytes.h"

/* Appends what a person would read of HTML (UTF-8), a line for each block. Never more than LIMIT
 * bytes of it; HTML beyond MESSAGE_TEXT_SOURCE_MAX isn't looked at. */
void html_add_text(struct buf *out, const char *html, size_t limit);

#endif
