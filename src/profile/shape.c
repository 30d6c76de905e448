/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libcyaml fills the struct; this file explains. It walks libyaml's tree along the schema, refusing
 * what libcyaml would refuse in fewer words (unknown keys, words that aren't in the list) or accept
 * in silence (a second document, a NUL inside a text). The walk goes only where the schema goes, so
 * its depth is that of the schema whatever the text nests, and aliases can't multiply it.
 */
#include <stdio.h>
#include <string.h>

#include <yaml.h>

#include "exarch/mem.h"

#include "raw.h"
#include "shape.h"

/* "mailboxes.include[100000]" and the like, with room for an unknown key that a user typed. */
#define PATH_MAX_SIZE 128
/* Longer words aren't misspelt keys. */
#define WORD_MAX 32
/* A value of the profile that is quoted in an error; enough to find it. */
#define QUOTE_MAX 60

struct place {
	char *path;
	size_t line;
};

struct shape {
	struct place *places;
	size_t count;
	size_t capacity;
};

struct walk {
	const char *file;
	yaml_document_t *document;
	struct shape *shape;
	struct exa_error *err;
};

/* A node with what is known of it: where it stands and what it should be. */
struct spot {
	yaml_node_t *node;
	const cyaml_schema_value_t *schema;
	const char *path;
	size_t line;
};

static bool bad(const struct walk *w, size_t line, const char *path, const char *fmt, ...)
	EXA_PRINTF(4, 5);

static bool
bad(const struct walk *w, size_t line, const char *path, const char *fmt, ...)
{
	struct buf text = { 0 };
	va_list args;

	va_start(args, fmt);
	buf_vprintf(&text, fmt, args);
	va_end(args);
	(void)exa_fail(w->err, EXA_USAGE, "%s:%zu: %s%s%s", w->file, line, path,
		path[0] != '\0' ? ": " : "", buf_string(&text));
	buf_done(&text);
	return false;
}

static void
remember(struct shape *s, const char *path, size_t line)
{
	if (s->count == s->capacity) {
		s->capacity = s->capacity > 0 ? s->capacity * 2 : 64;
		s->places = exa_realloc_array(s->places, s->capacity, sizeof *s->places);
	}
	s->places[s->count++] = (struct place){ .path = exa_strdup(path), .line = line };
}

/* ---- words and keys ---- */

/* Edits (insert, delete, replace, swap of neighbours) from A to B; WORD_MAX when one is too long.
 */
static size_t
distance(const char *a, const char *b)
{
	size_t rows[3][WORD_MAX + 1], na = strlen(a), nb = strlen(b);

	if (na >= WORD_MAX || nb >= WORD_MAX)
		return WORD_MAX;
	for (size_t j = 0; j <= nb; j++)
		rows[0][j] = j;
	for (size_t i = 1; i <= na; i++) {
		const size_t *last = rows[(i - 1) % 3], *before = rows[(i + 1) % 3];
		size_t *row = rows[i % 3];

		row[0] = i;
		for (size_t j = 1; j <= nb; j++) {
			size_t best = last[j - 1] + (a[i - 1] != b[j - 1]);

			if (last[j] + 1 < best)
				best = last[j] + 1;
			if (row[j - 1] + 1 < best)
				best = row[j - 1] + 1;
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] &&
				before[j - 2] + 1 < best)
				best = before[j - 2] + 1;
			row[j] = best;
		}
	}
	return rows[na % 3][nb];
}

/* The known key that KEY was most likely meant to be, or NULL. */
static const char *
nearest_key(const cyaml_schema_field_t *fields, const char *key)
{
	size_t best = strlen(key) / 3 + 2;
	const char *nearest = NULL;

	for (const cyaml_schema_field_t *f = fields; f->key != NULL; f++) {
		size_t d = distance(key, f->key);

		if (f->value.type != CYAML_IGNORE && d < best && d < strlen(key)) {
			best = d;
			nearest = f->key;
		}
	}
	return nearest;
}

/* The path of the section that knows KEY, written into OUT; false when none does. */
static bool
section_with_key(const cyaml_schema_field_t *fields, const char *key, const char *path,
	char out[PATH_MAX_SIZE])
{
	for (const cyaml_schema_field_t *f = fields; f->key != NULL; f++) {
		char below[PATH_MAX_SIZE];

		if (path[0] != '\0' && strcmp(f->key, key) == 0) {
			(void)snprintf(out, PATH_MAX_SIZE, "%s", path);
			return true;
		}
		if (f->value.type != CYAML_MAPPING)
			continue;
		(void)snprintf(
			below, sizeof below, "%s%s%s", path, path[0] != '\0' ? "." : "", f->key);
		if (section_with_key(f->value.mapping.fields, key, below, out))
			return true;
	}
	return false;
}

/* How much of TEXT to quote, up to a character of STOP: at most QUOTE_MAX bytes, whole characters.
 */
static int
quote_size(const char *text, const char *stop)
{
	size_t size = strcspn(text, stop);

	if (size > QUOTE_MAX) {
		size = QUOTE_MAX;
		while (size > 0 && ((unsigned char)text[size] & 0xc0) == 0x80)
			size--;
	}
	return (int)size;
}

static void
add_alternative(struct buf *out, const char *word)
{
	buf_printf(out, "%s`%s`", out->size > 0 ? ", " : "", word);
}

static bool
unknown_key(const struct walk *w, const struct spot *at, const char *key, size_t line)
{
	const cyaml_schema_field_t *fields = at->schema->mapping.fields;
	const char *nearest = nearest_key(fields, key);
	/* `{ secret:hunter2 }` is a key to YAML; what follows the colon isn't for a log */
	const int size = quote_size(key, ":=");
	char section[PATH_MAX_SIZE];
	EXA_AUTO(buf_done) struct buf known = { 0 };

	if (nearest != NULL)
		return bad(w, line, at->path, "unknown key `%.*s`; did you mean `%s`?", size, key,
			nearest);
	if (section_with_key(raw_schema.mapping.fields, key, "", section))
		return bad(w, line, at->path, "unknown key `%.*s` here; it belongs in `%s`", size,
			key, section);
	for (const cyaml_schema_field_t *f = fields; f->key != NULL; f++) {
		if (f->value.type != CYAML_IGNORE)
			add_alternative(&known, f->key);
	}
	return bad(w, line, at->path, "unknown key `%.*s`; known here: %s", size, key,
		buf_string(&known));
}

/* ---- values ---- */

/*
 * Only tabs, line feeds and characters that YAML can hold as they are: the others can only come
 * from escapes like "\0", and no path, address or pattern has them. libyaml gives valid UTF-8.
 */
static bool
text_is_plain(const yaml_char_t *p, size_t size)
{
	for (size_t i = 0; i < size; i++) {
		unsigned next = i + 1 < size ? p[i + 1] : 0, third = i + 2 < size ? p[i + 2] : 0;

		if ((p[i] < 0x20 && p[i] != '\t' && p[i] != '\n') || p[i] == 0x7f)
			return false;
		if (p[i] == 0xc2 && next < 0xa0)
			return false; /* C1 controls */
		if (p[i] == 0xe2 && next == 0x80 && (third == 0xa8 || third == 0xa9))
			return false; /* line and paragraph separator */
		if (p[i] == 0xef &&
			((next == 0xbb && third == 0xbf) || (next == 0xbf && third >= 0xbe)))
			return false; /* byte order mark, non-characters */
	}
	return true;
}

static bool
check_word(const struct walk *w, const struct spot *at, const char *word)
{
	EXA_AUTO(buf_done) struct buf known = { 0 };
	bool not_yet = false;

	for (uint32_t i = 0; i < at->schema->enumeration.count; i++) {
		const cyaml_strval_t *entry = &at->schema->enumeration.strings[i];

		if (entry->val != RAW_NOT_YET)
			add_alternative(&known, entry->str);
		if (strcmp(entry->str, word) != 0)
			continue;
		if (entry->val != RAW_NOT_YET)
			return true;
		not_yet = true;
	}
	if (not_yet)
		return bad(w, at->line, at->path,
			"`%s` is not available in this version; available: %s", word,
			buf_string(&known));
	return bad(w, at->line, at->path, "expected %s%s, found `%.*s`",
		strchr(buf_string(&known), ',') != NULL ? "one of " : "", buf_string(&known),
		quote_size(word, ""), word);
}

static bool
check_scalar(const struct walk *w, const struct spot *at)
{
	const char *text = (const char *)at->node->data.scalar.value;
	size_t size = at->node->data.scalar.length;
	bool plain = at->node->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;

	if (size == 0 || (plain && (strcmp(text, "~") == 0 || strcasecmp(text, "null") == 0)))
		return bad(w, at->line, at->path, "has no value; give one or leave the key out");
	if (!text_is_plain(at->node->data.scalar.value, size))
		return bad(w, at->line, at->path, "contains a control character");
	return at->schema->type == CYAML_ENUM ? check_word(w, at, text) : true;
}

static bool
check_kind(const struct walk *w, const struct spot *at)
{
	static const struct {
		yaml_node_type_t node;
		const char *name;
	} kinds[] = {
		[CYAML_ENUM] = { YAML_SCALAR_NODE, "one value" },
		[CYAML_STRING] = { YAML_SCALAR_NODE, "one value" },
		[CYAML_MAPPING] = { YAML_MAPPING_NODE, "keys with values" },
		[CYAML_SEQUENCE] = { YAML_SEQUENCE_NODE, "a list, as in [a, b]" },
	};
	const char *found = at->node->type == YAML_MAPPING_NODE    ? "keys with values"
			    : at->node->type == YAML_SEQUENCE_NODE ? "a list"
			    : at->node->data.scalar.length == 0    ? "nothing"
								   : "one value";

	if (at->node->type == kinds[at->schema->type].node)
		return true;
	return bad(w, at->line, at->path, "expected %s, found %s", kinds[at->schema->type].name,
		found);
}

static bool
check_length(const struct walk *w, const struct spot *at, size_t count)
{
	if (count < at->schema->sequence.min)
		return bad(w, at->line, at->path,
			"the list is empty; give an entry or leave the key out");
	if (count > at->schema->sequence.max)
		return bad(w, at->line, at->path, "the list has %zu entries, more than %u", count,
			at->schema->sequence.max);
	return true;
}

/* ---- the walk ---- */

static bool check_node(const struct walk *w, const struct spot *at);

static bool
check_sequence(const struct walk *w, const struct spot *at)
{
	const yaml_node_item_t *first = at->node->data.sequence.items.start;
	size_t count = (size_t)(at->node->data.sequence.items.top - first);

	if (!check_length(w, at, count))
		return false;
	for (size_t i = 0; i < count; i++) {
		yaml_node_t *node = yaml_document_get_node(w->document, first[i]);
		char path[PATH_MAX_SIZE];
		struct spot below = { .node = node,
			.schema = at->schema->sequence.entry,
			.path = path,
			.line = node->start_mark.line + 1 };

		(void)snprintf(path, sizeof path, "%s[%zu]", at->path, i + 1);
		remember(w->shape, path, below.line);
		if (!check_node(w, &below))
			return false;
	}
	return true;
}

static const cyaml_schema_field_t *
find_field(const cyaml_schema_field_t *fields, const char *key)
{
	for (const cyaml_schema_field_t *f = fields; f->key != NULL; f++) {
		if (strcmp(f->key, key) == 0)
			return f;
	}
	return NULL;
}

/* Was FIELD already seen among the COUNT pairs from FIRST? Gives its line. */
static bool
seen_before(const struct walk *w, const yaml_node_pair_t *first, size_t count, const char *key,
	size_t *line_out)
{
	for (size_t i = 0; i < count; i++) {
		const yaml_node_t *node = yaml_document_get_node(w->document, first[i].key);

		if (strcmp((const char *)node->data.scalar.value, key) == 0) {
			*line_out = node->start_mark.line + 1;
			return true;
		}
	}
	return false;
}

static bool
check_pair(const struct walk *w, const struct spot *at, size_t index)
{
	const yaml_node_pair_t *first = at->node->data.mapping.pairs.start;
	const yaml_node_t *key_node = yaml_document_get_node(w->document, first[index].key);
	size_t line = key_node->start_mark.line + 1, before;
	const cyaml_schema_field_t *field;
	char path[PATH_MAX_SIZE];
	struct spot below = { .path = path, .line = line };
	const char *key;

	if (key_node->type != YAML_SCALAR_NODE ||
		!text_is_plain(key_node->data.scalar.value, key_node->data.scalar.length))
		return bad(w, line, at->path, "a key must be one word");
	key = (const char *)key_node->data.scalar.value;
	field = find_field(at->schema->mapping.fields, key);
	if (field == NULL)
		return unknown_key(w, at, key, line);
	(void)snprintf(path, sizeof path, "%s%s%s", at->path, at->path[0] != '\0' ? "." : "", key);
	if (seen_before(w, first, index, key, &before))
		return bad(w, line, path, "stands here a second time; the first is in line %zu",
			before);
	if (field->value.type == CYAML_IGNORE)
		return bad(w, line, path, "%s", raw_refusal(path));
	remember(w->shape, path, line);
	below.node = yaml_document_get_node(w->document, first[index].value);
	below.schema = &field->value;
	return check_node(w, &below);
}

static bool
check_mapping(const struct walk *w, const struct spot *at)
{
	size_t count =
		(size_t)(at->node->data.mapping.pairs.top - at->node->data.mapping.pairs.start);

	for (size_t i = 0; i < count; i++) {
		if (!check_pair(w, at, i))
			return false;
	}
	return true;
}

static bool
check_node(const struct walk *w, const struct spot *at)
{
	if (!check_kind(w, at))
		return false;
	switch (at->node->type) {
	case YAML_SCALAR_NODE:
		return check_scalar(w, at);
	case YAML_SEQUENCE_NODE:
		return check_sequence(w, at);
	case YAML_MAPPING_NODE:
		return check_mapping(w, at);
	case YAML_NO_NODE:
		break;
	}
	return bad(w, at->line, at->path, "can't be understood");
}

/* The version comes first: a profile of a later one may have keys that aren't known here. */
static bool
check_version(const struct walk *w, const yaml_node_t *root)
{
	for (const yaml_node_pair_t *pair = root->data.mapping.pairs.start;
		pair < root->data.mapping.pairs.top; pair++) {
		const yaml_node_t *key = yaml_document_get_node(w->document, pair->key);
		const yaml_node_t *value = yaml_document_get_node(w->document, pair->value);

		if (key->type != YAML_SCALAR_NODE ||
			strcmp((const char *)key->data.scalar.value, "version") != 0)
			continue;
		if (value->type == YAML_SCALAR_NODE &&
			strcmp((const char *)value->data.scalar.value, "1") == 0)
			return true;
		return bad(w, key->start_mark.line + 1, "version",
			"expected 1, the only version of profiles that this exarch reads");
	}
	return bad(w, 1, "version", "missing; write `version: 1`");
}

static bool
check_document(const struct walk *w)
{
	yaml_node_t *root = yaml_document_get_root_node(w->document);
	const struct spot top = { .node = root, .schema = &raw_schema, .path = "", .line = 1 };

	if (root == NULL || (root->type == YAML_SCALAR_NODE && root->data.scalar.length == 0))
		return exa_fail(w->err, EXA_USAGE, "%s: the profile is empty", w->file);
	if (root->type == YAML_MAPPING_NODE && !check_version(w, root))
		return false;
	return check_node(w, &top);
}

static bool
yaml_trouble(const struct walk *w, const yaml_parser_t *parser)
{
	size_t line = parser->problem_mark.line + 1;
	const char *problem = parser->problem != NULL ? parser->problem : "can't be read";

	if (parser->context != NULL)
		return bad(w, line, "", "not YAML: %s, %s", parser->context, problem);
	return bad(w, line, "", "not YAML: %s", problem);
}

static bool
check_only_document(const struct walk *w, yaml_parser_t *parser)
{
	yaml_document_t second;
	bool more;
	size_t line;

	if (!yaml_parser_load(parser, &second))
		return yaml_trouble(w, parser);
	more = yaml_document_get_root_node(&second) != NULL;
	line = second.start_mark.line + 1;
	yaml_document_delete(&second);
	return more ? bad(w, line, "", "a second YAML document; a profile is one") : true;
}

bool
shape_check(struct bytes text, const char *file, struct shape **out, struct exa_error *err)
{
	EXA_AUTO(shape_freep) struct shape *s = exa_alloc(sizeof *s);
	yaml_document_t document;
	yaml_parser_t parser;
	const struct walk w = { .file = file, .document = &document, .shape = s, .err = err };
	bool good;

	if (!yaml_parser_initialize(&parser))
		return exa_fail(err, EXA_FAILED, "%s: no memory for the YAML parser", file);
	yaml_parser_set_input_string(&parser, text.data, text.size);
	good = yaml_parser_load(&parser, &document);
	if (good) {
		good = check_document(&w) && check_only_document(&w, &parser);
		yaml_document_delete(&document);
	} else {
		(void)yaml_trouble(&w, &parser);
	}
	yaml_parser_delete(&parser);
	if (!good)
		return false;
	*out = s;
	s = NULL;
	return true;
}

void
shape_freep(struct shape **s)
{
	if (*s == NULL)
		return;
	for (size_t i = 0; i < (*s)->count; i++)
		exa_free((*s)->places[i].path);
	exa_free((*s)->places);
	exa_free(*s);
	*s = NULL;
}

size_t
shape_line(const struct shape *s, const char *key)
{
	EXA_AUTO(exa_freep) char *path = exa_strdup(key);

	for (;;) {
		char *cut = strrchr(path, '.'), *bracket = strrchr(path, '[');

		for (size_t i = 0; i < s->count; i++) {
			if (strcmp(s->places[i].path, path) == 0)
				return s->places[i].line;
		}
		if (cut == NULL || (bracket != NULL && bracket > cut))
			cut = bracket;
		if (cut == NULL)
			return 1;
		*cut = '\0';
	}
}
