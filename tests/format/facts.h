/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the code says of the format, told to format_test.py, which compares it with docs/format.md.
 * Names are those of the document. A new struct, kind or limit is a line in a table here; one that
 * is in only one of both fails the test.
 */
#ifndef FORMAT_FACTS_H
#define FORMAT_FACTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "exarch/bytes.h"
#include "exarch/error.h"

/* ---- layouts: structs put to bytes at fixed offsets ---- */

/* A member of a struct, by the name its row has in the document. */
struct probe {
	const char *name;
	size_t offset, size;
};
#define PROBE(type, member, name)                                                          \
	{                                                                                  \
		name, offsetof(struct type, member), sizeof(((struct type *)NULL)->member) \
	}

struct layout {
	const char *name; /* the section with the table; "SECTION/ROW" for fields listed in a row */
	size_t struct_size; /* at most LAYOUT_STRUCT_MAX */
	const struct probe *probes;
	size_t probe_count;
	/* Appends the struct's bytes, by the code's own function. */
	bool (*put)(const void *fields, struct buf *out, struct exa_error *err);
};
#define LAYOUT_STRUCT_MAX 512

/*
 * Finds each member's place in the bytes by changing it alone, and prints:
 *   layout NAME SIZE BYTES-OF-ZEROS    without the checksum
 *   field NAME MEMBER OFFSET SIZE little|big|other
 *   checksum NAME OFFSET SIZE          bytes that change whichever member does
 */
bool tell_layout(const struct layout *l, struct exa_error *err) EXA_CHECK;

/* Tables of layouts. */
bool tell_store_layouts(struct exa_error *err) EXA_CHECK;
bool tell_index_layouts(struct exa_error *err) EXA_CHECK;
bool tell_record_layouts(struct exa_error *err) EXA_CHECK;

/* ---- names and numbers ---- */

void tell_store_words(void);
void tell_record_words(void);
/* One word of a field that has a few: "choice WHERE FIELD NUMBER WORD" for each N that NAME_OF
 * knows. */
void tell_choices(const char *where, const char *field, const char *(*name_of)(unsigned n));

/* ---- bytes made from the document, read by the code ---- */

/* Prints what the record holds, "NAME VALUE" a line, then its bytes written again. */
bool tell_record(struct bytes record, struct exa_error *err) EXA_CHECK;
bool tell_recipe(struct bytes recipe, struct exa_error *err) EXA_CHECK;
bool tell_pack(struct bytes pack, struct exa_error *err) EXA_CHECK;
bool tell_object(struct bytes value, struct exa_error *err) EXA_CHECK; /* its row in the index */

#endif
