/* SPDX-License-Identifier: Apache-2.0 */
#include <ctype.h>
#include <string.h>

#include "gen_text.h"

#define WORD_COUNT 2048
#define WORD_ROOM 16

struct word {
	char text[WORD_ROOM];
	uint8_t size;
};

static struct word words[WORD_COUNT];

static const char common[] =
	"the of and to in a is that for it as was with be by on not he his but at are this have "
	"from "
	"or had an they which one you were all her she there would their we him been has when who "
	"will no more if out so up said what its about than into them can only other time new some "
	"could these two may first then do any like my now over such our man me even most made "
	"after "
	"also did many off before must well back through years much where your way down should "
	"because long each just state those people too mr how little good world make very year "
	"still "
	"see work men day get here old life both between being under three never know same last "
	"another while us might great go come since against right came take used himself few house "
	"use during without again place around however small found mrs part school thought went "
	"say "
	"general once high upon every don't does got united number hand course water until always "
	"away public something fact less though far put head think set called enough end took "
	"night "
	"better meeting project customer invoice contract please regards attached offer delivery "
	"schedule budget quarter report review agenda minutes draft final version update question "
	"order price quality production planning department colleague manager team request "
	"approval "
	"über für können Grüße größer Angebot Rechnung Lieferung Termin Besprechung déjà très "
	"réunion "
	"équipe façon naïve señor mañana año straße möglich später öffnen";

static const char *const syllables[] = { "ba", "ker", "lo", "min", "ter", "ra", "so", "ve", "con",
	"di", "tion", "al", "per", "est", "in", "or", "ment", "na", "fu", "gra", "mo", "pli", "que",
	"si", "tra", "ul", "vi", "wen", "xi", "yo", "za", "che" };

static void
set_word(size_t i, const char *text, size_t size)
{
	if (size > WORD_ROOM - 1)
		size = WORD_ROOM - 1;
	memcpy(words[i].text, text, size);
	words[i].size = (uint8_t)size;
}

void
gen_text_init(void)
{
	struct gen_rng r = { 0x776f726473 };
	const char *p = common;
	size_t i = 0;

	for (; *p != '\0' && i < WORD_COUNT; i++) {
		size_t n = strcspn(p, " ");

		set_word(i, p, n);
		p += n;
		p += *p == ' ';
	}
	for (; i < WORD_COUNT; i++) {
		char text[WORD_ROOM] = "";
		size_t n = 0;

		for (unsigned k = 2 + gen_below(&r, 3); k > 0; k--) {
			const char *s =
				syllables[gen_below(&r, sizeof syllables / sizeof syllables[0])];

			if (n + strlen(s) < WORD_ROOM) {
				memcpy(text + n, s, strlen(s));
				n += strlen(s);
			}
		}
		set_word(i, text, n);
	}
}

/* The product of two even chances: half of all words come from the first fifth. */
static const struct word *
pick(uint64_t bits)
{
	return &words[((bits & 2047) * (bits >> 11 & 2047)) >> 11];
}

void
gen_words(struct buf *out, struct gen_rng *r, unsigned count, enum gen_capital capital)
{
	size_t begin = out->size;

	for (unsigned i = 0; i < count; i++) {
		const struct word *w = pick(gen_next(r));

		if (i > 0)
			buf_add_byte(out, ' ');
		buf_add(out, w->text, w->size);
	}
	if (capital == GEN_CAPITAL && count > 0)
		out->data[begin] = (uint8_t)toupper(out->data[begin]);
}

/* Two words from each number drawn; copies whole slots, which costs less than exact lengths. */
static void
add_sentence(struct buf *out, struct gen_rng *r)
{
	unsigned count = 4 + gen_below(r, 14);
	uint64_t bits = 0;
	size_t begin;
	uint8_t *p;

	buf_reserve(out, (size_t)count * (WORD_ROOM + 1) + 2 + WORD_ROOM);
	begin = out->size;
	p = out->data + begin;
	for (unsigned i = 0; i < count; i++) {
		const struct word *w;

		bits = i % 2 == 0 ? gen_next(r) : bits >> 22;
		w = pick(bits);
		memcpy(p, w->text, WORD_ROOM);
		p += w->size;
		*p++ = i + 1 < count ? ' ' : '.';
	}
	*p++ = ' ';
	out->size = (size_t)(p - out->data);
	out->data[begin] = (uint8_t)toupper(out->data[begin]);
}

void
gen_paragraphs(struct buf *out, struct gen_rng *r, size_t size, const char *begin, const char *end)
{
	size_t written = 0;

	while (written < size) {
		buf_add_string(out, begin);
		for (unsigned n = 1 + gen_below(r, 5); n > 0; n--) {
			size_t before = out->size;

			add_sentence(out, r);
			written += out->size - before;
		}
		out->size--; /* the blank after the last sentence */
		buf_add_string(out, end);
	}
}

void
gen_fill_text(uint8_t *out, size_t size, struct gen_rng *r, char separator)
{
	size_t done = 0, column = 0;

	while (done < size) {
		const struct word *w = pick(gen_next(r));
		size_t n = w->size < size - done ? w->size : size - done;

		memcpy(out + done, w->text, n);
		done += n;
		if (done < size)
			out[done++] = (uint8_t)(++column % 11 == 0 ? '\n' : separator);
	}
}
