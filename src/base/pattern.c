/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Globs are turned into regular expressions by PCRE2's own converter, so that there is one matcher.
 * The limits keep a hostile or clumsy expression from eating the run: a match that hits them is no
 * match.
 */
#define PCRE2_CODE_UNIT_WIDTH 8
#include <string.h>

#include <pcre2.h>

#include "exarch/mem.h"
#include "exarch/pattern.h"

#define REGEX_PREFIX "re:"
#define MATCH_STEPS_MAX 100000

struct pattern {
	char *text;
	pcre2_code *code;
};

static bool
compile_fail(struct exa_error *err, const char *text, int number, size_t offset)
{
	char reason[160] = "";

	(void)pcre2_get_error_message(number, (PCRE2_UCHAR *)reason, sizeof reason);
	return exa_fail(err, EXA_USAGE, "pattern '%s', column %zu: %s", text, offset + 1, reason);
}

static bool
glob_to_regex(
	const char *glob, PCRE2_UCHAR **regex_out, PCRE2_SIZE *size_out, struct exa_error *err)
{
	PCRE2_UCHAR *regex = NULL;
	PCRE2_SIZE size = 0;
	int result = pcre2_pattern_convert((PCRE2_SPTR)glob, strlen(glob),
		PCRE2_CONVERT_GLOB | PCRE2_CONVERT_UTF, &regex, &size, NULL);

	if (result != 0)
		return compile_fail(err, glob, result, size);
	*regex_out = regex;
	*size_out = size;
	return true;
}

static bool
compile_regex(struct pattern *p, PCRE2_SPTR regex, PCRE2_SIZE size, struct exa_error *err)
{
	const uint32_t options =
		PCRE2_CASELESS | PCRE2_UTF | PCRE2_UCP | PCRE2_DOTALL | PCRE2_NEVER_BACKSLASH_C;
	PCRE2_SIZE offset = 0;
	int number = 0;

	p->code = pcre2_compile(regex, size, options, &number, &offset, NULL);
	if (p->code == NULL)
		return compile_fail(err, p->text, number, offset);
	return true;
}

bool
pattern_compile(const char *text, struct pattern **out, struct exa_error *err)
{
	EXA_AUTO(pattern_freep) struct pattern *p = exa_alloc(sizeof *p);

	p->text = exa_strdup(text);
	if (strncmp(text, REGEX_PREFIX, strlen(REGEX_PREFIX)) == 0) {
		const char *regex = text + strlen(REGEX_PREFIX);

		if (!compile_regex(p, (PCRE2_SPTR)regex, strlen(regex), err))
			return false;
	} else {
		PCRE2_UCHAR *regex;
		PCRE2_SIZE size;
		bool good;

		if (!glob_to_regex(text, &regex, &size, err))
			return false;
		good = compile_regex(p, regex, size, err);
		pcre2_converted_pattern_free(regex);
		if (!good)
			return false;
	}
	*out = p;
	p = NULL;
	return true;
}

void
pattern_free(struct pattern *p)
{
	if (p == NULL)
		return;
	pcre2_code_free(p->code);
	exa_free(p->text);
	exa_free(p);
}

void
pattern_freep(struct pattern **p)
{
	pattern_free(*p);
	*p = NULL;
}

bool
pattern_matches(const struct pattern *p, const char *subject)
{
	pcre2_match_data *data = pcre2_match_data_create(1, NULL);
	pcre2_match_context *limits = pcre2_match_context_create(NULL);
	bool matches = false;

	if (data != NULL && limits != NULL) {
		(void)pcre2_set_match_limit(limits, MATCH_STEPS_MAX);
		matches = pcre2_match(p->code, (PCRE2_SPTR)subject, strlen(subject), 0, 0, data,
				  limits) >= 0;
	}
	pcre2_match_context_free(limits);
	pcre2_match_data_free(data);
	return matches;
}

bool
pattern_covers(const struct pattern *p, const char *path)
{
	static const char tree[] = "/**";
	const size_t size = strlen(p->text);
	EXA_AUTO(exa_freep) char *inside = NULL;

	if (pattern_matches(p, path))
		return true;
	if (strncmp(p->text, REGEX_PREFIX, strlen(REGEX_PREFIX)) == 0 || size < strlen(tree) ||
		strcmp(p->text + size - strlen(tree), tree) != 0)
		return false;
	inside = exa_asprintf("%s/", path);
	return pattern_matches(p, inside);
}

const char *
pattern_text(const struct pattern *p)
{
	return p->text;
}
