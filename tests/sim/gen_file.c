/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "gen_file.h"
#include "gen_rng.h"
#include "gen_text.h"

#define BLOCK 4096
#define MEDIAN_BYTES 36000.0
#define SPREAD 1.55 /* of the logarithm: mean about 120 KB, one in a hundred beyond 1.3 MB */
#define SMALLEST 500

static const struct {
	const char *type, *ending, *begin;
	unsigned percent;
	unsigned text_every; /* of blocks: one in so many is words, 0: none */
} kinds[] = {
	[FILE_DOCX] = { "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
		"docx", "PK\x03\x04\x14", 22, 16 },
	[FILE_XLSX] = { "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", "xlsx",
		"PK\x03\x04\x14", 14, 16 },
	[FILE_PDF] = { "application/pdf", "pdf", "%PDF-1.7\n%\xe2\xe3\xcf\xd3\n1 0 obj\n", 30, 6 },
	[FILE_PNG] = { "image/png", "png", "\x89PNG\r\n\x1a\n", 8, 0 },
	[FILE_JPEG] = { "image/jpeg", "jpg", "\xff\xd8\xff\xe0", 8, 0 },
	[FILE_ZIP] = { "application/zip", "zip", "PK\x03\x04\x14", 4, 0 },
	[FILE_CSV] = { "text/csv", "csv", "id;name;date;amount\n", 7, 1 },
	[FILE_TEXT] = { "text/plain", "txt", "", 7, 1 },
};

/* Twelve even chances summed are near enough to a normal one. */
static double
normal(struct gen_rng *r)
{
	double sum = -6.0;

	for (int i = 0; i < 12; i++)
		sum += (double)(gen_next(r) >> 11) * 0x1p-53;
	return sum;
}

struct gen_file
gen_file_of(uint64_t seed)
{
	struct gen_rng r = { seed };
	struct gen_file f = { .seed = seed, .kind = FILE_TEXT };
	unsigned roll = gen_below(&r, 100);
	double size = MEDIAN_BYTES * exp(SPREAD * normal(&r));

	for (unsigned k = 0; k < sizeof kinds / sizeof kinds[0]; k++) {
		if (roll < kinds[k].percent) {
			f.kind = (enum gen_file_kind)k;
			break;
		}
		roll -= kinds[k].percent;
	}
	f.size = size > GEN_FILE_MAX ? GEN_FILE_MAX : size < SMALLEST ? SMALLEST : (size_t)size;
	return f;
}

struct gen_file
gen_file_logo(uint64_t seed)
{
	struct gen_rng r = { seed };

	return (struct gen_file){
		.seed = seed, .kind = FILE_PNG, .size = 3000 + gen_below(&r, 15000)
	};
}

const char *
gen_file_type(const struct gen_file *f)
{
	return kinds[f->kind].type;
}

void
gen_file_name(const struct gen_file *f, char *out, size_t size)
{
	static const char *const stems[] = { "Report", "Offer", "Contract", "Minutes", "Budget",
		"Plan", "Invoice", "Drawing", "Scan", "List" };
	struct gen_rng r = { f->seed ^ 0x6e616d65 };

	(void)snprintf(out, size, "%s_%u-%03u.%s", stems[gen_below(&r, 10)],
		2023 + gen_below(&r, 4), gen_below(&r, 1000), kinds[f->kind].ending);
}

static void
make_noise(uint8_t *out, struct gen_rng *r)
{
	for (size_t i = 0; i < BLOCK; i += 8) {
		uint64_t v = gen_next(r);

		memcpy(out + i, &v, 8);
	}
}

static void
make_block(const struct gen_file *f, size_t number, uint8_t *out)
{
	struct gen_rng r = { gen_seed(f->seed, 3, number) };
	unsigned every = kinds[f->kind].text_every;
	const char *begin = kinds[f->kind].begin;

	if (every > 0 && number % every == 0)
		gen_fill_text(out, BLOCK, &r, f->kind == FILE_CSV ? ';' : ' ');
	else
		make_noise(out, &r);
	if (number == 0)
		memcpy(out, begin, strlen(begin));
}

void
gen_file_read(const struct gen_file *f, size_t offset, uint8_t *out, size_t size)
{
	uint8_t block[BLOCK];

	while (size > 0) {
		size_t skip = offset % BLOCK, n = BLOCK - skip < size ? BLOCK - skip : size;

		if (n == BLOCK) {
			make_block(f, offset / BLOCK, out);
		} else {
			make_block(f, offset / BLOCK, block);
			memcpy(out, block + skip, n);
		}
		offset += n;
		out += n;
		size -= n;
	}
}
