/* SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "tree.h"

/* A value that is quoted in an error; enough to find it. */
#define QUOTE_MAX 60

bool
yaml_bad(struct yaml_file *file, const struct yaml_spot *at, const char *fmt, ...)
{
	struct buf text = { 0 };
	va_list args;

	va_start(args, fmt);
	buf_vprintf(&text, fmt, args);
	va_end(args);
	(void)exa_fail(file->err, EXA_USAGE, "%s:%zu: %s%s%s", file->name, at->line, at->path,
		at->path[0] != '\0' ? ": " : "", buf_string(&text));
	buf_done(&text);
	for (char *p = file->err->text; *p != '\0'; p++) { /* an error is one line */
		if ((unsigned char)*p < ' ' || *p == 0x7f)
			*p = ' ';
	}
	return false;
}

static bool
trouble(struct yaml_file *file, const yaml_parser_t *parser)
{
	const struct yaml_spot at = { .line = parser->problem_mark.line + 1 };

	return yaml_bad(file, &at, "not YAML: %s",
		parser->problem != NULL ? parser->problem : "can't be read");
}

static bool
check_last(struct yaml_file *file, yaml_parser_t *parser)
{
	struct yaml_spot at = { 0 };
	yaml_document_t second;
	bool more;

	if (!yaml_parser_load(parser, &second))
		return trouble(file, parser);
	more = yaml_document_get_root_node(&second) != NULL;
	at.line = second.start_mark.line + 1;
	yaml_document_delete(&second);
	return !more || yaml_bad(file, &at, "a second YAML document; a policy is one");
}

bool
yaml_file_open(struct yaml_file *file, struct bytes text, struct yaml_spot *root)
{
	yaml_parser_t parser;
	bool good;

	*root = (struct yaml_spot){ .line = 1 };
	if (!yaml_parser_initialize(&parser))
		return exa_fail(
			file->err, EXA_FAILED, "%s: no memory for the YAML parser", file->name);
	yaml_parser_set_input_string(&parser, text.data, text.size);
	file->loaded = yaml_parser_load(&parser, &file->document) != 0;
	good = file->loaded ? check_last(file, &parser) : trouble(file, &parser);
	yaml_parser_delete(&parser);
	if (!good)
		return false;
	root->node = yaml_document_get_root_node(&file->document);
	return root->node != NULL || yaml_bad(file, root, "the file is empty");
}

void
yaml_file_done(struct yaml_file *file)
{
	if (file->loaded)
		yaml_document_delete(&file->document);
	file->loaded = false;
}

/* ---- the walk ---- */

static const char *
kind_of(const yaml_node_t *node)
{
	return node->type == YAML_MAPPING_NODE    ? "keys with values"
	       : node->type == YAML_SEQUENCE_NODE ? "a list"
						  : "one value";
}

static const char *
scalar_of(const yaml_node_t *node)
{
	return (const char *)node->data.scalar.value;
}

/* A text without control characters: only escapes like "\0" could bring those. */
static bool
is_plain(const yaml_node_t *node)
{
	const yaml_char_t *p = node->data.scalar.value;

	for (size_t i = 0; i < node->data.scalar.length; i++) {
		if (p[i] < 0x20 || p[i] == 0x7f)
			return false;
	}
	return true;
}

static bool
unknown_key(struct yaml_file *file, const struct yaml_spot *spot, const char *key, size_t line,
	const char *const *keys)
{
	EXA_AUTO(buf_done) struct buf known = { 0 };
	struct yaml_spot at = *spot;

	at.line = line;
	for (size_t i = 0; keys[i] != NULL; i++)
		buf_printf(&known, "%s`%s`", i > 0 ? ", " : "", keys[i]);
	return yaml_bad(file, &at, "unknown key `%.*s`; known here: %s", QUOTE_MAX, key,
		buf_string(&known));
}

static bool
take_pair(struct yaml_file *file, const struct yaml_spot *spot, const yaml_node_pair_t *pair,
	const char *const *keys, struct yaml_spot *out)
{
	const yaml_node_t *key = yaml_document_get_node(&file->document, pair->key);
	const size_t line = key->start_mark.line + 1;
	size_t i = 0;

	if (key->type != YAML_SCALAR_NODE || !is_plain(key)) {
		struct yaml_spot at = *spot;

		at.line = line;
		return yaml_bad(file, &at, "a key must be one word");
	}
	while (keys[i] != NULL && strcmp(keys[i], scalar_of(key)) != 0)
		i++;
	if (keys[i] == NULL)
		return unknown_key(file, spot, scalar_of(key), line, keys);
	if (out[i].node != NULL) {
		out[i].line = line;
		return yaml_bad(file, &out[i], "stands here a second time");
	}
	out[i].node = yaml_document_get_node(&file->document, pair->value);
	out[i].line = line;
	return true;
}

bool
yaml_keys(struct yaml_file *file, const struct yaml_spot *spot, const char *const *keys,
	struct yaml_spot *out)
{
	for (size_t i = 0; keys[i] != NULL; i++) {
		out[i] = (struct yaml_spot){ .line = spot->line };
		(void)snprintf(out[i].path, sizeof out[i].path, "%.64s%s%.24s", spot->path,
			spot->path[0] != '\0' ? "." : "", keys[i]);
	}
	if (spot->node->type != YAML_MAPPING_NODE)
		return yaml_bad(
			file, spot, "expected keys with values, found %s", kind_of(spot->node));
	for (const yaml_node_pair_t *pair = spot->node->data.mapping.pairs.start;
		pair < spot->node->data.mapping.pairs.top; pair++) {
		if (!take_pair(file, spot, pair, keys, out))
			return false;
	}
	return true;
}

bool
yaml_text(struct yaml_file *file, const struct yaml_spot *spot, const char **out)
{
	if (spot->node == NULL)
		return yaml_bad(file, spot, "missing");
	if (spot->node->type != YAML_SCALAR_NODE)
		return yaml_bad(file, spot, "expected one value, found %s", kind_of(spot->node));
	if (spot->node->data.scalar.length == 0)
		return yaml_bad(file, spot, "has no value");
	if (!is_plain(spot->node))
		return yaml_bad(file, spot, "contains a control character");
	*out = scalar_of(spot->node);
	return true;
}

bool
yaml_count(struct yaml_file *file, const struct yaml_spot *spot, size_t most, size_t *out)
{
	size_t count;

	*out = 0;
	if (spot->node == NULL)
		return true;
	if (spot->node->type != YAML_SEQUENCE_NODE)
		return yaml_bad(
			file, spot, "expected a list, as in [a, b], found %s", kind_of(spot->node));
	count = (size_t)(spot->node->data.sequence.items.top -
			 spot->node->data.sequence.items.start);
	if (count == 0)
		return yaml_bad(
			file, spot, "the list is empty; give an entry or leave the key out");
	if (count > most)
		return yaml_bad(file, spot, "the list has %zu entries, more than %zu", count, most);
	*out = count;
	return true;
}

void
yaml_entry(
	struct yaml_file *file, const struct yaml_spot *list, size_t index, struct yaml_spot *out)
{
	yaml_node_t *node = yaml_document_get_node(
		&file->document, list->node->data.sequence.items.start[index]);

	*out = (struct yaml_spot){ .node = node, .line = node->start_mark.line + 1 };
	(void)snprintf(out->path, sizeof out->path, "%.64s[%zu]", list->path, index + 1);
}
