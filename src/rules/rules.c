/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "exarch/mem.h"
#include "exarch/rules.h"

/* Raise it when the code (not the profile) begins to judge folders or items differently, so that
 * ledgers written before are judged again. */
#define RULES_LOGIC_VERSION 1

/* FNV-1a, 64 bits. Not against an enemy: whoever writes the profile decides anyway. */
#define FNV_START UINT64_C(0xcbf29ce484222325)
#define FNV_PRIME UINT64_C(0x100000001b3)

static uint64_t
mix(uint64_t hash, const void *data, size_t size)
{
	const unsigned char *p = data;

	for (size_t i = 0; i < size; i++)
		hash = (hash ^ p[i]) * FNV_PRIME;
	return hash;
}

/* Byte by byte, so that the number is the same on every machine. */
static uint64_t
mix_number(uint64_t hash, uint64_t n)
{
	for (int shift = 0; shift < 64; shift += 8) {
		unsigned char byte = (unsigned char)(n >> shift);

		hash = mix(hash, &byte, 1);
	}
	return hash;
}

/* The NUL goes in too: "ab", "c" is not "a", "bc". */
static uint64_t
mix_text(uint64_t hash, const char *text)
{
	return mix(hash, text, strlen(text) + 1);
}

uint64_t
rules_fingerprint(const struct rules *r)
{
	uint64_t hash = mix_number(FNV_START, RULES_LOGIC_VERSION);

	hash = mix_number(hash, r->standard_exclusions);
	hash = mix_number(hash, r->folder_rule_count);
	for (size_t i = 0; i < r->folder_rule_count; i++) {
		hash = mix_number(hash, r->folder_rules[i].include);
		hash = mix_text(hash, pattern_text(r->folder_rules[i].pattern));
	}
	hash = mix_number(hash, r->unread);
	hash = mix_number(hash, r->older_than != NULL);
	hash = r->older_than != NULL ? mix_text(hash, r->older_than)
				     : mix_number(hash, (uint64_t)r->before_ns);
	hash = mix_number(hash, (uint64_t)r->since_ns);
	return mix_number(hash, r->classes);
}

static void
free_patterns(struct pattern **patterns, size_t count)
{
	for (size_t i = 0; i < count; i++)
		pattern_free(patterns[i]);
	exa_free(patterns);
}

void
rules_done(struct rules *r)
{
	free_patterns(r->mailbox_include, r->mailbox_include_count);
	free_patterns(r->mailbox_exclude, r->mailbox_exclude_count);
	for (size_t i = 0; i < r->folder_rule_count; i++)
		pattern_free(r->folder_rules[i].pattern);
	exa_free(r->folder_rules);
	memset(r, 0, sizeof *r);
}
