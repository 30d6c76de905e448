/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>
#include <strings.h>

#include "people.h"

/* So begins the address of a shared mailbox: nobody signs in to it, nobody paid for it. */
#define SHARED "shared."

const struct group people_groups[] = {
	{ "7d2f6f0e-0a8b-4a37-9a53-0d6d3b2f1e01", "Everyone", 1 },
	{ "7d2f6f0e-0a8b-4a37-9a53-0d6d3b2f1e02", "Sales", 3 },
	{ NULL, NULL, 0 },
};

/* Users as every directory has them: none has a mailbox to archive. */
static const struct {
	const char *address, *name;
	bool is_enabled, is_licensed, is_guest;
} others[] = {
	{ "partner_fabrikam.example#EXT#@sim.example", "Guest Partner", true, false, true },
	{ "no.licence@sim.example", "Nora Licence", true, false, false },
	{ "left.company@sim.example", "Lars Left", false, true, false },
};

struct person *
people_list(struct mailstore *store, enum directory_extras extras, size_t *count_out)
{
	struct mailbox_id *boxes;
	struct person *people;
	size_t count, n = 0;

	store->ops->list(store, &boxes, &count);
	people = exa_alloc_array(count + sizeof others / sizeof others[0] + 1, sizeof *people);
	for (; n < count; n++) {
		const bool is_shared = strncasecmp(boxes[n].address, SHARED, strlen(SHARED)) == 0;

		people[n] = (struct person){ boxes[n], !is_shared, !is_shared, false };
	}
	for (size_t i = 0; extras == PEOPLE_AND_OTHERS && i < sizeof others / sizeof others[0];
		i++) {
		mailbox_id_init(&people[n].id, others[i].address, others[i].name);
		people[n].is_enabled = others[i].is_enabled;
		people[n].is_licensed = others[i].is_licensed;
		people[n++].is_guest = others[i].is_guest;
	}
	exa_free(boxes);
	*count_out = n;
	return people;
}
