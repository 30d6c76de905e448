/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "exarch/bytes.h"
#include "exarch/clock.h"
#include "exarch/fs.h"

#include "verify_state.h"

#define STATE_VERSION 1
#define STATE_BYTES_MAX ((size_t)16 * 1024)
#define HEX_BYTES_MAX 64

static json_t *
hex_of(const uint8_t *bytes, size_t size)
{
	char hex[2 * HEX_BYTES_MAX + 1];

	hex_encode(bytes_of(bytes, size), hex);
	return json_string(hex);
}

/* Numbers of 64 bits as texts: JSON's don't reach so far everywhere. */
static json_t *
number_of(uint64_t n)
{
	return json_sprintf("%llu", (unsigned long long)n);
}

static json_t *
position_of(const struct store_verify_position *p)
{
	return json_pack("{s:I, s:b, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "segment",
		(json_int_t)p->segment, "gap", p->gap ? 1 : 0, "sequence", number_of(p->sequence),
		"commit", number_of(p->commit), "objects_matched", number_of(p->objects_matched),
		"bytes_before", number_of(p->bytes_before), "chain",
		hex_of(p->chain, sizeof p->chain), "commit_head",
		hex_of(p->commit_head, sizeof p->commit_head), "seal_head",
		hex_of(p->seal_head, sizeof p->seal_head));
}

static json_t *
place_of(const struct selected_place *p)
{
	return json_pack("{s:I, s:I, s:I, s:o}", "mailbox", (json_int_t)p->mailbox, "folder",
		(json_int_t)p->folder, "received_ns", (json_int_t)p->received_ns, "number",
		number_of(p->number));
}

static int
add_text(const char *piece, size_t size, void *text)
{
	buf_add(text, piece, size);
	return 0;
}

bool
verify_state_save(const char *path, const struct verify_round *round,
	const struct verify_state *state, struct exa_error *err)
{
	char began[CLOCK_TEXT_MAX];
	EXA_AUTO(buf_done) struct buf text = { 0 };
	json_t *root;
	int failed;

	clock_format(state->began_ns == 0 ? EXA_NO_TIME : state->began_ns, began);
	root = json_pack("{s:i, s:o, s:s, s:f, s:o, s:s, s:s, s:I, s:o, s:o}", "exarch_verify",
		STATE_VERSION, "archive", hex_of(round->uuid, sizeof round->uuid), "level",
		round->level, "sample", round->sample, "seed", number_of(round->seed), "began",
		began, "phase", state->phase == VERIFY_SEGMENTS ? "segments" : "messages",
		"damaged", (json_int_t)state->damaged, "position", position_of(&state->position),
		"after", place_of(&state->after));
	failed = root == NULL ? -1 : json_dump_callback(root, add_text, &text, JSON_INDENT(2));
	json_decref(root);
	if (failed != 0)
		return exa_fail(err, EXA_FAILED, "can't put the state into words");
	return fs_write_file(path, buf_bytes(&text), 0600, err) ||
	       exa_while(err, "writing the state of --state");
}

/* ---- and back ---- */

static bool
get_hex(const json_t *object, const char *name, uint8_t *out, size_t size)
{
	const char *text = json_string_value(json_object_get(object, name));

	return text != NULL && hex_decode(text, out, size);
}

static bool
get_number(const json_t *object, const char *name, uint64_t *out)
{
	const char *text = json_string_value(json_object_get(object, name));
	char *end;

	if (text == NULL || *text < '0' || *text > '9')
		return false;
	errno = 0;
	*out = strtoull(text, &end, 10);
	return *end == '\0' && errno == 0;
}

static bool
get_integer(const json_t *object, const char *name, int64_t least, int64_t most, int64_t *out)
{
	const json_t *n = json_object_get(object, name);

	if (!json_is_integer(n) || json_integer_value(n) < least || json_integer_value(n) > most)
		return false;
	*out = json_integer_value(n);
	return true;
}

static bool
get_position(const json_t *o, struct store_verify_position *p)
{
	int64_t segment;

	if (!get_integer(o, "segment", 0, UINT32_MAX, &segment) ||
		!json_is_boolean(json_object_get(o, "gap")) ||
		!get_number(o, "sequence", &p->sequence) || !get_number(o, "commit", &p->commit) ||
		!get_number(o, "objects_matched", &p->objects_matched) ||
		!get_number(o, "bytes_before", &p->bytes_before) ||
		!get_hex(o, "chain", p->chain, sizeof p->chain) ||
		!get_hex(o, "commit_head", p->commit_head, sizeof p->commit_head) ||
		!get_hex(o, "seal_head", p->seal_head, sizeof p->seal_head))
		return false;
	p->segment = (uint32_t)segment;
	p->gap = json_is_true(json_object_get(o, "gap"));
	return true;
}

static bool
get_place(const json_t *o, struct selected_place *p)
{
	int64_t mailbox, folder;

	if (!get_integer(o, "mailbox", 0, UINT32_MAX, &mailbox) ||
		!get_integer(o, "folder", 0, UINT32_MAX, &folder) ||
		!get_integer(o, "received_ns", INT64_MIN, INT64_MAX, &p->received_ns) ||
		!get_number(o, "number", &p->number))
		return false;
	p->mailbox = (uint32_t)mailbox;
	p->folder = (uint32_t)folder;
	return true;
}

static bool
get_state(const json_t *root, struct verify_state *out, struct exa_error *err)
{
	const char *phase = json_string_value(json_object_get(root, "phase"));
	const char *began = json_string_value(json_object_get(root, "began"));
	struct verify_state s = { 0 };
	int64_t damaged;

	if (phase == NULL || began == NULL ||
		(strcmp(phase, "segments") != 0 && strcmp(phase, "messages") != 0) ||
		!get_integer(root, "damaged", 0, INT64_MAX, &damaged) ||
		!get_position(json_object_get(root, "position"), &s.position) ||
		!get_place(json_object_get(root, "after"), &s.after))
		return exa_fail(err, EXA_USAGE, "it isn't what verify writes");
	if (began[0] != '\0' && !clock_parse(began, &s.began_ns, err))
		return false;
	s.phase = strcmp(phase, "segments") == 0 ? VERIFY_SEGMENTS : VERIFY_MESSAGES;
	s.damaged = (uint64_t)damaged;
	*out = s;
	return true;
}

static bool
check_round(const json_t *root, const struct verify_round *round, struct exa_error *err)
{
	const char *level = json_string_value(json_object_get(root, "level"));
	const json_t *sample = json_object_get(root, "sample");
	uint8_t uuid[16];
	uint64_t seed;
	int64_t version;

	if (!get_integer(root, "exarch_verify", 1, INT64_MAX, &version) || level == NULL ||
		!json_is_number(sample) || !get_hex(root, "archive", uuid, sizeof uuid) ||
		!get_number(root, "seed", &seed))
		return exa_fail(err, EXA_USAGE, "it isn't what verify writes");
	if (version != STATE_VERSION)
		return exa_fail(err, EXA_USAGE, "it was written by a newer exarch");
	if (memcmp(uuid, round->uuid, sizeof uuid) != 0)
		return exa_fail(err, EXA_USAGE, "it belongs to another archive");
	if (strcmp(level, round->level) != 0)
		return exa_fail(err, EXA_USAGE, "its round is one of level %s, not %s", level,
			round->level);
	if (fabs(json_number_value(sample) - round->sample) > 1e-9 || seed != round->seed)
		return exa_fail(err, EXA_USAGE, "its round has another --sample or --seed");
	return true;
}

bool
verify_state_load(const char *path, const struct verify_round *round, struct verify_state *out,
	struct exa_error *err)
{
	EXA_AUTO(buf_done) struct buf text = { 0 };
	json_error_t why;
	json_t *root;
	bool good;

	if (!fs_read_file(path, STATE_BYTES_MAX, &text, err)) {
		if (err->code != EXA_IO || err->detail != ENOENT)
			return exa_while(err, "reading the state of --state");
		exa_error_clear(err);
		*out = (struct verify_state){ 0 };
		return true;
	}
	root = json_loadb((const char *)text.data, text.size, 0, &why);
	good = root == NULL
		       ? exa_fail(err, EXA_USAGE, "it isn't JSON (line %d: %s)", why.line, why.text)
		       : check_round(root, round, err) && get_state(root, out, err);
	json_decref(root);
	if (!good)
		return exa_while(err,
			"can't go on from --state %s (take another file, or delete this one to "
			"start over)",
			path);
	memcpy(out->position.uuid, round->uuid, sizeof round->uuid);
	return true;
}
