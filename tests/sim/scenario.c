/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include <cyaml/cyaml.h>

#include "exarch/bytes.h"
#include "exarch/fs.h"

#include "scenario.h"

#define STATUS_LEAST 200 /* below are interim answers */
#define STATUS_MOST 599
#define WAIT_MAX_MS (10 * 60 * 1000)

static void *
cyaml_memory(void *ctx, void *p, size_t size)
{
	(void)ctx;
	if (size > 0)
		return exa_realloc(p, size);
	exa_free(p);
	return NULL;
}

static void keep_error(cyaml_log_t level, void *ctx, const char *fmt, va_list args)
	EXA_PRINTF(3, 0);

/* An error's first line says what is wrong, the lines of its backtrace say where. */
static void
keep_error(cyaml_log_t level, void *ctx, const char *fmt, va_list args)
{
	if (level == CYAML_LOG_ERROR)
		buf_vprintf(ctx, fmt, args);
}

static cyaml_config_t
config_of(struct buf *log)
{
	return (cyaml_config_t){ .log_fn = keep_error,
		.log_ctx = log,
		.log_level = CYAML_LOG_ERROR,
		.mem_fn = cyaml_memory };
}

/* "Load: Unexpected key: foo" and the innermost "(line: 3, column: 5)". */
static bool
fail_to_read(struct buf *log, const char *file, cyaml_err_t why, struct exa_error *err)
{
	const char *text = buf_string(log), *line = strstr(text, "(line: ");
	int number = 0, length;

	if (strncmp(text, "Load: ", 6) == 0)
		text += 6;
	length = (int)strcspn(text, "\n");
	if (line != NULL)
		(void)sscanf(line, "(line: %d", &number);
	if (length == 0)
		return exa_fail(err, EXA_USAGE, "%s: %s", file, cyaml_strerror(why));
	if (number > 0)
		return exa_fail(err, EXA_USAGE, "%s, line %d: %.*s", file, number, length, text);
	return exa_fail(err, EXA_USAGE, "%s: %.*s", file, length, text);
}

static bool
check_where(const struct scenario_where *w, struct exa_error *err)
{
	bool is_ours = w->operation == NULL || strcmp(w->operation, "token") == 0 ||
		       strcmp(w->operation, "directory") == 0 ||
		       strcmp(w->operation, "autodiscover") == 0;

	if (is_ours && w->operation != NULL &&
		(w->mailbox != NULL || w->folder != NULL || w->subject != NULL ||
			w->item_class != NULL || w->item > 0))
		return exa_fail(err, EXA_USAGE, "where: operation %s knows no mailbox or item",
			w->operation);
	return true;
}

static bool
check_when(const struct scenario_when *w, struct exa_error *err)
{
	if (w->chance != NULL && !(*w->chance >= 0 && *w->chance <= 1))
		return exa_fail(err, EXA_USAGE, "when: chance is a number from 0 to 1");
	if (w->first > 0 && w->after >= w->first)
		return exa_fail(err, EXA_USAGE, "when: nothing is after %u and within the first %u",
			w->after, w->first);
	return true;
}

static bool
is_code(const char *text)
{
	return strncmp(text, "Error", 5) == 0 &&
	       strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789") ==
		       strlen(text);
}

static bool
check_what(const struct scenario_what *w, struct exa_error *err)
{
	int kinds = (w->status > 0) + (w->fault != NULL) + (w->code != NULL) +
		    (w->wire != WIRE_NONE) + (w->page != NULL);

	if (kinds > 1 || (kinds == 0 && w->wait_ms == 0))
		return exa_fail(err, EXA_USAGE,
			"what: give one of status, fault, code, wire and page (or only wait_ms)");
	if (w->status > 0 && (w->status < STATUS_LEAST || w->status > STATUS_MOST))
		return exa_fail(
			err, EXA_USAGE, "what: status is %d to %d", STATUS_LEAST, STATUS_MOST);
	if (w->at != 0 && (w->fault == NULL || w->at < STATUS_LEAST || w->at > STATUS_MOST))
		return exa_fail(err, EXA_USAGE, "what: at is the HTTP status of a fault");
	if ((w->fault != NULL && !is_code(w->fault)) || (w->code != NULL && !is_code(w->code)))
		return exa_fail(err, EXA_USAGE, "what: response codes begin with Error");
	if (w->status == 0 && (w->body != NULL || w->diagnostics != NULL || w->location != NULL))
		return exa_fail(
			err, EXA_USAGE, "what: body, diagnostics and location go with status");
	if (w->back_off_ms > 0 && w->fault == NULL && w->code == NULL)
		return exa_fail(err, EXA_USAGE, "what: back_off_ms goes with fault and code");
	if ((w->wire == WIRE_DRIP) != (w->bytes_per_s > 0))
		return exa_fail(err, EXA_USAGE, "what: wire drip and bytes_per_s go together");
	if (w->wire == WIRE_STALL && w->wait_ms == 0)
		return exa_fail(err, EXA_USAGE, "what: wire stall needs wait_ms");
	if (w->wait_ms > WAIT_MAX_MS)
		return exa_fail(err, EXA_USAGE, "what: wait_ms is at most %d", WAIT_MAX_MS);
	return true;
}

static bool
check_change(const struct scenario_change *c, struct exa_error *err)
{
	bool needs_to = c->deed == DO_MOVE_ITEM || c->deed == DO_MOVE_FOLDER;
	bool needs_name = c->deed == DO_RENAME_FOLDER || c->deed == DO_CREATE_FOLDER;
	bool needs_folder = c->deed == DO_DELETE_FOLDER || c->deed == DO_RENAME_FOLDER ||
			    c->deed == DO_MOVE_FOLDER;

	if (needs_to != (c->to != NULL))
		return exa_fail(err, EXA_USAGE, "to: the folder that move-item, move-folder need");
	if (needs_name != (c->new_name != NULL))
		return exa_fail(err, EXA_USAGE, "new_name: what create-folder, rename-folder need");
	if (needs_folder && c->folder == NULL)
		return exa_fail(err, EXA_USAGE, "folder: say which one");
	if ((c->deed == DO_TOKEN_LIFETIME) != (c->seconds > 0))
		return exa_fail(err, EXA_USAGE, "seconds: what token-lifetime needs");
	return true;
}

static bool
check(const struct scenario *s, const char *file, struct exa_error *err)
{
	for (size_t i = 0; i < s->faults_count; i++) {
		const struct scenario_fault *f = &s->faults[i];

		if (!check_where(&f->where, err) || !check_when(&f->when, err) ||
			!check_what(&f->what, err))
			return exa_while(err, "%s: fault %zu (%s)", file, i + 1,
				f->name != NULL ? f->name : "without a name");
	}
	for (size_t i = 0; i < s->changes_count; i++) {
		const struct scenario_change *c = &s->changes[i];

		if (!check_where(&c->where, err) || !check_when(&c->when, err) ||
			!check_change(c, err))
			return exa_while(err, "%s: change %zu (%s)", file, i + 1,
				c->name != NULL ? c->name : "without a name");
	}
	if (s->budget.refill_per_s != NULL && !(*s->budget.refill_per_s > 0))
		return exa_fail(err, EXA_USAGE, "%s: budget: refill_per_s is above 0", file);
	if ((s->budget.burst > 0) != (s->budget.refill_per_s != NULL))
		return exa_fail(
			err, EXA_USAGE, "%s: budget: burst and refill_per_s go together", file);
	return true;
}

bool
scenario_read(const void *text, size_t size, const char *file, struct scenario **out,
	struct exa_error *err)
{
	EXA_AUTO(buf_done) struct buf log = { 0 };
	const cyaml_config_t config = config_of(&log);
	cyaml_data_t *data = NULL;
	cyaml_err_t result = cyaml_load_data(text, size, &config, &scenario_schema, &data, NULL);

	if (result != CYAML_OK)
		return fail_to_read(&log, file, result, err);
	if (data == NULL)
		data = exa_alloc(sizeof **out); /* an empty file: nothing special happens */
	if (!check(data, file, err)) {
		scenario_free(data);
		return false;
	}
	*out = data;
	return true;
}

bool
scenario_load(const char *path, struct scenario **out, struct exa_error *err)
{
	EXA_AUTO(buf_done) struct buf text = { 0 };

	return fs_read_file(path, SCENARIO_FILE_MAX, &text, err) &&
	       scenario_read(text.data, text.size, path, out, err);
}

void
scenario_free(struct scenario *s)
{
	struct buf log = { 0 };
	const cyaml_config_t config = config_of(&log);

	if (s != NULL)
		(void)cyaml_free(&config, &scenario_schema, s, 0);
	buf_done(&log);
}
