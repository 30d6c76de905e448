/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Attachments: files of the kinds that go through offices, from one number each, any piece of which
 * can be made at once. They look like their kinds to a compressor (deflated streams are noise, CSV
 * and text are words); no viewer would open them.
 */
#ifndef SIM_GEN_FILE_H
#define SIM_GEN_FILE_H

#include <stddef.h>
#include <stdint.h>

enum gen_file_kind {
	FILE_DOCX,
	FILE_XLSX,
	FILE_PDF,
	FILE_PNG,
	FILE_JPEG,
	FILE_ZIP,
	FILE_CSV,
	FILE_TEXT
};

struct gen_file {
	uint64_t seed;
	enum gen_file_kind kind;
	size_t size;
};

#define GEN_FILE_MAX (8U * 1024 * 1024)

/* The kind and a lognormal size follow from the seed. */
struct gen_file gen_file_of(uint64_t seed);
struct gen_file gen_file_logo(uint64_t seed); /* a signature's small image */
const char *gen_file_type(const struct gen_file *f);
void gen_file_name(const struct gen_file *f, char *out, size_t size);
/* Bytes [offset, offset + size) of the file, which must lie in it. */
void gen_file_read(const struct gen_file *f, size_t offset, uint8_t *out, size_t size);

#endif
