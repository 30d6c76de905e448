/* SPDX-License-Identifier: Apache-2.0 */
#ifndef EXPORT_HEAD_H
#define EXPORT_HEAD_H

#include "exarch/export.h"

/* So much of a message is looked at: Exchange's own header blocks are a tenth of it. */
#define HEAD_SOURCE_MAX ((size_t)64 * 1024)
/* Longest text that is given back: people read less, and a list of recipients can be any length. */
#define HEAD_TEXT_MAX ((size_t)16 * 1024)

/* From the first bytes of a message. Whatever they are, all texts are there, "" at least. */
void head_parse(struct bytes source, struct message_head *out);

#endif
