/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include <jansson.h>

#include "key.h"
#include "select.h"
#include "text.h"

enum level { LEVEL_HEADERS, LEVEL_BYTES, LEVEL_BLOBS, LEVEL_MESSAGES };

static bool
level_of(const char *name, enum level *out, struct exa_error *err)
{
	static const char *const names[] = { "headers", "bytes", "blobs", "messages" };

	*out = LEVEL_MESSAGES;
	if (name == NULL)
		return true;
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		if (strcmp(name, names[i]) == 0) {
			*out = (enum level)i;
			return true;
		}
	}
	return exa_fail(
		err, EXA_USAGE, "--level is headers, bytes, blobs or messages, not '%s'", name);
}

static void
print_damage(void *ctx, const struct store_damage *damage)
{
	(void)ctx;
	(void)fprintf(stderr, "exarch: damaged: %s\n", damage->what.text);
}

static void
print_bad_message(void *ctx, const struct selected *item, const struct exa_error *why)
{
	(void)ctx;
	(void)fprintf(
		stderr, "exarch: damaged: item %llu of ", (unsigned long long)item->row->number);
	text_print(stderr, item->mailbox->smtp, 0);
	(void)fprintf(stderr, ", folder ");
	text_print(stderr, item->folder->path, 0);
	(void)fprintf(stderr, ": %s\n", why->text);
}

struct proof {
	struct store_verify_result store;
	struct export_verify_result messages;
};

static bool
prove(struct catalog *catalog, enum level level, const struct selection *selection,
	struct proof *out, struct exa_error *err)
{
	static const enum store_level store_levels[] = { STORE_VERIFY_HEADERS, STORE_VERIFY_BYTES,
		STORE_VERIFY_BLOBS, STORE_VERIFY_BLOBS };
	const struct store_verify_options checks = { .level = store_levels[level],
		.damaged = print_damage };
	const struct export_options options = { .failed = print_bad_message };

	if (!store_verify(catalog_store(catalog), &checks, &out->store, err))
		return false;
	return level != LEVEL_MESSAGES ||
	       export_verify(catalog, selection, &options, &out->messages, err);
}

static void
print_proof(const struct args *args, const struct proof *p, enum level level)
{
	uint64_t damaged = p->store.damaged + p->messages.damaged;
	char size[16];

	if (args->value[OPT_JSON] != NULL) {
		json_t *line = json_pack("{s:s, s:I, s:I, s:I, s:I, s:I, s:I, s:I}", "event",
			"verify", "segments", (json_int_t)p->store.segments, "frames",
			(json_int_t)p->store.frames, "commits", (json_int_t)p->store.commits,
			"objects", (json_int_t)p->store.objects, "stored_bytes",
			(json_int_t)p->store.stored_bytes, "messages",
			(json_int_t)p->messages.items, "damaged", (json_int_t)damaged);

		if (line != NULL)
			(void)json_dumpf(line, stdout, JSON_COMPACT);
		(void)putchar('\n');
		json_decref(line);
		return;
	}
	if (args->value[OPT_QUIET] != NULL && damaged == 0)
		return;
	text_size(p->store.stored_bytes, size);
	(void)printf("looked at %llu segments, %llu frames, %llu commits, %s",
		(unsigned long long)p->store.segments, (unsigned long long)p->store.frames,
		(unsigned long long)p->store.commits, size);
	if (level >= LEVEL_BLOBS)
		(void)printf("; %llu objects", (unsigned long long)p->store.objects);
	if (level == LEVEL_MESSAGES)
		(void)printf("; put together %llu messages", (unsigned long long)p->messages.items);
	if (damaged > 0)
		(void)printf(": %llu DAMAGED\n", (unsigned long long)damaged);
	else
		(void)printf(": undamaged\n");
}

/* Headers and bytes can be checked without a key: a machine that holds only the copy can do that.
 */
static bool
open_for_proof(
	const struct args *args, enum level level, struct catalog **out, struct exa_error *err)
{
	EXA_AUTO(key_done) struct key key = { 0 };
	const char *archive = args->positional[0];
	struct store_open_options options = { .access = STORE_READ, .key = &key.key };
	bool encrypted;

	if (!store_is_encrypted(archive, &encrypted, err) ||
		!key_get(args, NULL, archive, level <= LEVEL_BYTES ? KEY_IF_GIVEN : KEY_NEEDED,
			&key, err))
		return false;
	if (encrypted && key.key.kind == STORE_KEY_NONE)
		options.access = STORE_SEGMENTS;
	return catalog_open(archive, &options, NULL, out, err);
}

int
cmd_verify(const struct args *args)
{
	struct catalog *catalog = NULL;
	struct proof proof = { 0 };
	struct selection selection;
	struct exa_error err;
	enum level level;
	bool good;

	if (!level_of(args->value[OPT_LEVEL], &level, &err) || !select_read(args, &selection, &err))
		return fail_with(&err);
	good = open_for_proof(args, level, &catalog, &err) &&
	       prove(catalog, level, &selection, &proof, &err);
	catalog_abandonp(&catalog);
	selection_done(&selection);
	if (!good)
		return fail_with(&err);
	print_proof(args, &proof, level);
	return proof.store.damaged + proof.messages.damaged > 0 ? EXIT_CORRUPT : EXIT_DONE;
}
