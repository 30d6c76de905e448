/* SPDX-License-Identifier: Apache-2.0 */
/*
 *     facts                  what is true of every archive
 *     facts read < LINES     "record HEX", "recipe HEX", "pack HEX" or "object HEX" a line: what the code reads
 *
 * Columns are parted by tabs.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "exarch/mem.h"

#include "facts.h"

#define LINE_MAX_BYTES 65536
#define LAYOUT_BYTES_MAX 512

/* Each member is set to these, one after the other: a checksum may keep a byte once, not always. */
static const uint8_t marks[] = { 0xff, 0x01, 0x5a, 0x83 };

static bool
put_struct(const struct layout *l, const uint8_t *fields, struct buf *out, struct exa_error *err)
{
	buf_reset(out);
	if (!l->put(fields, out, err))
		return exa_while(err, "putting %s", l->name);
	return out->size <= LAYOUT_BYTES_MAX ||
	       exa_fail(err, EXA_LIMIT, "%s has %zu bytes", l->name, out->size);
}

/* Which bytes the member changes. */
static bool
find_changed(const struct layout *l, const struct probe *p, const struct buf *zeros, bool *changed,
	struct exa_error *err)
{
	EXA_AUTO(buf_done) struct buf bytes = { 0 };

	for (size_t m = 0; m < sizeof marks; m++) {
		_Alignas(max_align_t) uint8_t fields[LAYOUT_STRUCT_MAX] = { 0 };

		memset(fields + p->offset, marks[m], p->size);
		if (!put_struct(l, fields, &bytes, err))
			return false;
		for (size_t i = 0; i < zeros->size && i < bytes.size; i++)
			changed[i] = changed[i] || bytes.data[i] != zeros->data[i];
	}
	return true;
}

/* How a counting number (or array) comes out. */
static const char *
byte_order(const struct layout *l, const struct probe *p, size_t at, size_t size)
{
	_Alignas(max_align_t) uint8_t fields[LAYOUT_STRUCT_MAX] = { 0 };
	EXA_AUTO(buf_done) struct buf bytes = { 0 };
	struct exa_error err;
	bool little = true, big = true;

	for (size_t i = 0; i < p->size; i++)
		fields[p->offset + i] = (uint8_t)(i + 1);
	if (!put_struct(l, fields, &bytes, &err))
		return "other";
	for (size_t i = 0; i < size; i++) {
		little = little && bytes.data[at + i] == i + 1;
		big = big && bytes.data[at + i] == p->size - i;
	}
	return little ? "little" : big ? "big" : "other";
}

/* The first run of set bytes, as offset and size; false when there is none or a second one. */
static bool
one_run(const bool *set, size_t count, size_t *at_out, size_t *size_out)
{
	size_t at = 0, end;

	while (at < count && !set[at])
		at++;
	for (end = at; end < count && set[end];)
		end++;
	for (size_t i = end; i < count; i++)
		if (set[i])
			return false;
	*at_out = at;
	*size_out = end - at;
	return at < count;
}

static void
tell_field(const struct layout *l, const struct probe *p, const bool *changed, size_t count)
{
	size_t at, size;

	if (one_run(changed, count, &at, &size))
		(void)printf("field\t%s\t%s\t%zu\t%zu\t%s\n", l->name, p->name, at, size,
			byte_order(l, p, at, size));
	else
		(void)printf("field\t%s\t%s\tnowhere\t0\tother\n", l->name, p->name);
}

bool
tell_layout(const struct layout *l, struct exa_error *err)
{
	static const uint8_t nothing[LAYOUT_STRUCT_MAX] = { 0 };
	bool(*changed)[LAYOUT_BYTES_MAX] = exa_alloc_array(l->probe_count, sizeof *changed);
	bool checksum[LAYOUT_BYTES_MAX];
	EXA_AUTO(buf_done) struct buf zeros = { 0 };
	char hex[2 * LAYOUT_BYTES_MAX + 1];
	bool good = put_struct(l, nothing, &zeros, err);
	size_t at, size;

	memset(checksum, l->probe_count > 1, sizeof checksum);
	for (size_t p = 0; p < l->probe_count && good; p++) {
		good = find_changed(l, &l->probes[p], &zeros, changed[p], err);
		for (size_t i = 0; i < zeros.size; i++)
			checksum[i] = checksum[i] && changed[p][i];
	}
	if (good) {
		for (size_t i = 0; i < zeros.size; i++)
			if (checksum[i])
				zeros.data[i] = 0;
		hex_encode(buf_bytes(&zeros), hex);
		(void)printf("layout\t%s\t%zu\t%s\n", l->name, zeros.size, hex);
		if (one_run(checksum, zeros.size, &at, &size))
			(void)printf("checksum\t%s\t%zu\t%zu\n", l->name, at, size);
	}
	for (size_t p = 0; p < l->probe_count && good; p++) {
		for (size_t i = 0; i < zeros.size; i++)
			changed[p][i] = changed[p][i] && !checksum[i];
		tell_field(l, &l->probes[p], changed[p], zeros.size);
	}
	exa_free(changed);
	return good;
}

void
tell_choices(const char *where, const char *field, const char *(*name_of)(unsigned n))
{
	for (unsigned n = 0; n < 256; n++) {
		const char *name = name_of(n);

		if (name != NULL)
			(void)printf("choice\t%s\t%s\t%u\t%s\n", where, field, n, name);
	}
}

/* ---- reading ---- */

static bool
read_line(const char *verb, struct bytes bytes, struct exa_error *err)
{
	if (strcmp(verb, "record") == 0)
		return tell_record(bytes, err);
	if (strcmp(verb, "recipe") == 0)
		return tell_recipe(bytes, err);
	if (strcmp(verb, "pack") == 0)
		return tell_pack(bytes, err);
	if (strcmp(verb, "object") == 0)
		return tell_object(bytes, err);
	return exa_fail(err, EXA_USAGE, "nothing is known of '%s'", verb);
}

static void
read_lines(void)
{
	static char line[LINE_MAX_BYTES];

	while (fgets(line, sizeof line, stdin) != NULL) {
		struct exa_error err = { 0 };
		char *hex = strchr(line, ' ');
		uint8_t *bytes;
		size_t size;

		line[strcspn(line, "\n")] = '\0';
		if (hex == NULL)
			continue;
		*hex++ = '\0';
		size = strlen(hex) / 2;
		bytes = exa_alloc(size + 1);
		if (!hex_decode(hex, bytes, size) || !read_line(line, bytes_of(bytes, size), &err))
			(void)printf("failed\t%s\n", err.text);
		(void)printf("end\n");
		exa_free(bytes);
	}
}

int
main(int argc, char **argv)
{
	struct exa_error err = { 0 };

	if (argc == 2 && strcmp(argv[1], "read") == 0) {
		read_lines();
		return EXIT_SUCCESS;
	}
	tell_store_words();
	tell_record_words();
	if (tell_store_layouts(&err) && tell_index_layouts(&err) && tell_record_layouts(&err))
		return EXIT_SUCCESS;
	(void)fprintf(stderr, "%s\n", err.text);
	return EXIT_FAILURE;
}
