/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The FORMAT file: one line of text that people and programs can read. Fields stand in fixed order;
 * further ones a later version may add between the feature words and the checksum are skipped.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "crc32c.h"
#include "format.h"

#define LINE_BEGIN "exarch-store "
#define CRC_FIELD " crc32c="

static const char *
codec_name(enum store_codec codec)
{
	return codec == STORE_CODEC_ZSTD ? "zstd" : "zlib";
}

void
store_format_version(unsigned *major_out, unsigned *minor_out)
{
	*major_out = FORMAT_MAJOR;
	*minor_out = FORMAT_MINOR;
}

void
format_put(const struct store_format *f, struct buf *out)
{
	char uuid[2 * UUID_SIZE + 1];
	size_t start = out->size;

	hex_encode(bytes_of(f->uuid, UUID_SIZE), uuid);
	buf_printf(out,
		LINE_BEGIN "%u.%u uuid=%s hash=sha256 codec=%s segment_bytes=%" PRIu64
			   " incompatible=%08" PRIx32 " read_compatible=%08" PRIx32
			   " compatible=%08" PRIx32,
		f->major, f->minor, uuid, codec_name(f->codec), f->segment_bytes, f->incompatible,
		f->read_compatible, f->compatible);
	buf_printf(
		out, CRC_FIELD "%08" PRIx32 "\n", crc32c(0, out->data + start, out->size - start));
}

/* The line without its checksum field; false when that doesn't fit. */
static bool
check_line(struct bytes in, struct buf *body)
{
	const size_t tail = strlen(CRC_FIELD) + 8 + 1;
	char expected[sizeof CRC_FIELD + 9];

	if (in.size <= tail || in.size > FORMAT_LINE_MAX || memchr(in.data, 0, in.size) != NULL)
		return false;
	(void)snprintf(expected, sizeof expected, CRC_FIELD "%08" PRIx32 "\n",
		crc32c(0, in.data, in.size - tail));
	if (memcmp(in.data + in.size - tail, expected, tail) != 0)
		return false;
	buf_add(body, in.data, in.size - tail);
	return true;
}

static bool
read_fields(const char *line, struct store_format *f, struct exa_error *err)
{
	char uuid[2 * UUID_SIZE + 1];
	char hash[16];
	char codec[16];

	if (sscanf(line,
		    LINE_BEGIN "%*u.%*u uuid=%32[0-9a-f] hash=%15[a-z0-9-] codec=%15[a-z0-9-]"
			       " segment_bytes=%" SCNu64 " incompatible=%8" SCNx32
			       " read_compatible=%8" SCNx32 " compatible=%8" SCNx32,
		    uuid, hash, codec, &f->segment_bytes, &f->incompatible, &f->read_compatible,
		    &f->compatible) != 7 ||
		!hex_decode(uuid, f->uuid, UUID_SIZE))
		return exa_fail(err, EXA_CORRUPT, "its fields can't be read");
	if (strcmp(hash, "sha256") != 0)
		return exa_fail(err, EXA_USAGE, "hash '%s' is not known to this program", hash);
	if (strcmp(codec, "zlib") != 0 && strcmp(codec, "zstd") != 0)
		return exa_fail(err, EXA_USAGE, "codec '%s' is not known to this program", codec);
	f->codec = strcmp(codec, "zstd") == 0 ? STORE_CODEC_ZSTD : STORE_CODEC_ZLIB;
	return true;
}

bool
format_get(struct bytes in, struct store_format *out, struct exa_error *err)
{
	EXA_AUTO(buf_done) struct buf body = { 0 };
	struct store_format f = { 0 };
	const char *line;

	if (!check_line(in, &body))
		return exa_fail(err, EXA_CORRUPT, "it fails its checksum");
	line = buf_string(&body);
	if (sscanf(line, LINE_BEGIN "%u.%u ", &f.major, &f.minor) != 2)
		return exa_fail(err, EXA_CORRUPT, "it doesn't begin as an archive's does");
	if (f.major != FORMAT_MAJOR)
		return exa_fail(err, EXA_USAGE,
			"the archive has format version %u.%u; this program knows version %u",
			f.major, f.minor, FORMAT_MAJOR);
	if (!read_fields(line, &f, err))
		return false;
	if ((f.incompatible & ~FORMAT_ENCRYPTED) != 0)
		return exa_fail(err, EXA_USAGE,
			"the archive uses features %08" PRIx32 " this program doesn't know",
			f.incompatible & ~FORMAT_ENCRYPTED);
	*out = f;
	return true;
}
