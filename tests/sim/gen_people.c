/* SPDX-License-Identifier: Apache-2.0 */
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "gen_people.h"

#define FIRST_COUNT 40
#define LAST_COUNT 60
#define PAIR_COUNT (FIRST_COUNT * LAST_COUNT) /* beyond, addresses get a number */

static const char *const first[FIRST_COUNT] = { "Anna", "Ben", "Clara", "David", "Elena", "Felix",
	"Greta", "Hugo", "Ines", "Jonas", "Karin", "Lukas", "Maria", "Nils", "Olga", "Paul", "Ruth",
	"Simon", "Tina", "Uwe", "Vera", "Walter", "Yara", "Zoe", "Alan", "Beth", "Carl", "Dora",
	"Erik", "Fiona", "Georg", "Helen", "Ivan", "Julia", "Kurt", "Laura", "Mark", "Nora",
	"Oscar", "Petra" };

static const char *const last[LAST_COUNT] = { "Lindqvist", "Meyer", "Novak", "Okafor", "Petrov",
	"Quinn", "Rossi", "Silva", "Tanaka", "Ulrich", "Vogel", "Weber", "Xu", "Young", "Zimmer",
	"Adler", "Baker", "Costa", "Dubois", "Ekman", "Fischer", "Garcia", "Hansen", "Ito",
	"Jensen", "Keller", "Lopez", "Moreau", "Nagy", "Olsen", "Park", "Richter", "Santos",
	"Thomas", "Ueda", "Varga", "Wagner", "Yilmaz", "Zhang", "Arnold", "Berg", "Cohen", "Dahl",
	"Evans", "Frank", "Gruber", "Hofer", "Ivanov", "Jacobs", "Kim", "Lang", "Martin", "Nielsen",
	"Ortega", "Pohl", "Reyes", "Smith", "Tran", "Unger", "Wolf" };

static const char *const domains[] = { "fabrikam.example", "northwind.example", "tailspin.example",
	"adatum.example", "proseware.example" };

void
gen_name_of(struct gen_party p, struct gen_name *out)
{
	uint32_t pair = p.index % PAIR_COUNT, round = p.index / PAIR_COUNT;
	uint32_t f = pair % FIRST_COUNT, q = pair / FIRST_COUNT;
	/* 41 has no factor in common with 60: each first name meets each last name once. */
	const char *l = last[(41 * q + 7 * f + (p.inside ? 0 : 13)) % LAST_COUNT];
	const char *domain = p.inside ? "contoso.example"
				      : domains[p.index % (sizeof domains / sizeof domains[0])];
	char number[12] = "";

	if (round > 0)
		(void)snprintf(number, sizeof number, "%u", round + 1);
	(void)snprintf(out->name, sizeof out->name, "%s %s", first[f], l);
	(void)snprintf(
		out->address, sizeof out->address, "%s.%s%s@%s", first[f], l, number, domain);
	for (char *c = out->address; *c != '\0'; c++)
		*c = (char)tolower((unsigned char)*c);
}
