/* SPDX-License-Identifier: Apache-2.0 */
#include "exarch/bytes.h"
#include "exarch/mem.h"

#include "marks.h"

#define FIRST_CAPACITY ((size_t)4096)

/* 0 means free; the one id in 2^64 that begins with zeros shares the mark of another. */
static uint64_t
fingerprint(const struct store_id *id)
{
	uint64_t f = get_le64(id->bytes);

	return f == 0 ? 1 : f;
}

static uint64_t *
slot_of(uint64_t *slots, size_t capacity, uint64_t f)
{
	size_t i = (size_t)f & (capacity - 1);

	while (slots[i] != 0 && slots[i] != f)
		i = (i + 1) & (capacity - 1);
	return &slots[i];
}

static void
grow(struct store_marks *m)
{
	size_t capacity = m->capacity == 0 ? FIRST_CAPACITY : 2 * m->capacity;
	uint64_t *slots = exa_alloc_array(capacity, sizeof *slots);

	for (size_t i = 0; i < m->capacity; i++) {
		if (m->slots[i] != 0)
			*slot_of(slots, capacity, m->slots[i]) = m->slots[i];
	}
	exa_free(m->slots);
	m->slots = slots;
	m->capacity = capacity;
}

void
store_mark(struct store_marks *m, const struct store_id *id)
{
	uint64_t f = fingerprint(id);
	uint64_t *slot;

	if (4 * (m->count + 1) > 3 * m->capacity)
		grow(m);
	slot = slot_of(m->slots, m->capacity, f);
	m->count += *slot == 0;
	*slot = f;
}

bool
marks_have(const struct store_marks *m, const struct store_id *id)
{
	uint64_t f = fingerprint(id);

	return m->count > 0 && *slot_of(m->slots, m->capacity, f) != 0;
}

void
marks_done(struct store_marks *m)
{
	exa_free(m->slots);
	*m = (struct store_marks){ 0 };
}
