/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "exarch/clock.h"
#include "exarch/fs.h"

#include "metrics.h"
#include "options.h"

#define FILE_MAX ((size_t)64 * 1024) /* ours has 4 KB */
#define LAST_SUCCESS "exarch_last_success_timestamp_seconds"

/* A label's value: backslash, quote and line end are escaped. */
static void
add_label(struct buf *out, const char *text)
{
	buf_add_string(out, "profile=\"");
	for (; *text != '\0'; text++) {
		if (*text == '\\' || *text == '"')
			buf_add_byte(out, '\\');
		if (*text == '\n')
			buf_add_string(out, "\\n");
		else
			buf_add_byte(out, (uint8_t)*text);
	}
	buf_add_byte(out, '"');
}

static void
add_family(struct buf *out, const char *name, const char *help)
{
	buf_printf(out, "# HELP %s %s\n# TYPE %s gauge\n", name, help, name);
}

static void
add_gauge(
	struct buf *out, const struct metrics *m, const char *name, const char *help, double value)
{
	add_family(out, name, help);
	buf_printf(out, "%s{", name);
	add_label(out, m->profile);
	buf_printf(out, "} %.15g\n", value);
}

static void
add_items(struct buf *out, const struct metrics *m)
{
	const struct report_mailbox *sum = &m->totals->sum;
	const struct {
		const char *state;
		uint64_t count;
	} rows[] = {
		{ "archived", sum->archived },
		{ "known", sum->known },
		{ "excluded", sum->excluded },
		{ "deferred", sum->deferred },
		{ "failed", sum->failed },
		{ "gone", sum->gone },
		{ "removed", sum->removed },
		{ "deleted", sum->deleted },
		{ "undeleted", sum->undeleted },
		{ "pending", sum->pending },
		{ "unexplained", sum->unexplained },
	};

	add_family(out, "exarch_run_items", "Items of the last run by what became of them.");
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		buf_add_string(out, "exarch_run_items{");
		add_label(out, m->profile);
		buf_printf(out, ",state=\"%s\"} %" PRIu64 "\n", rows[i].state, rows[i].count);
	}
}

/* 0 when no run went well yet, or the file isn't there or isn't ours. */
static double
last_success(const char *path)
{
	EXA_AUTO(buf_done) struct buf old = { 0 };
	struct exa_error ignored;
	const char *line, *value;

	if (!fs_read_file(path, FILE_MAX, &old, &ignored))
		return 0;
	line = strstr(buf_string(&old), "\n" LAST_SUCCESS "{");
	value = line != NULL ? strstr(line, "} ") : NULL;
	return value != NULL ? strtod(value + 2, NULL) : 0;
}

static double
seconds(int64_t moment_ns)
{
	return (double)(moment_ns / EXA_NS_PER_S);
}

static void
add_run(struct buf *out, const struct metrics *m, double success)
{
	const struct report_totals *t = m->totals;
	const int64_t now_ns = clock_wall_ns();

	add_gauge(out, m, "exarch_run_start_timestamp_seconds", "When the last run began.",
		seconds(m->started_ns));
	add_gauge(out, m, "exarch_run_end_timestamp_seconds", "When the last run ended.",
		seconds(now_ns));
	add_gauge(out, m, "exarch_run_exit_code", "Its exit code: 0 is good.", m->exit_code);
	add_gauge(out, m, LAST_SUCCESS, "When the last run that ended with 0 did so; 0 = never.",
		m->exit_code == EXIT_DONE ? seconds(now_ns) : success);
	add_gauge(out, m, "exarch_run_mailboxes", "Mailboxes looked at.", (double)t->mailboxes);
	add_gauge(out, m, "exarch_run_mailboxes_failed", "Mailboxes that could not be had.",
		(double)t->mailboxes_failed);
	add_gauge(out, m, "exarch_run_mailboxes_incomplete", "Mailboxes not finished otherwise.",
		(double)t->mailboxes_incomplete);
	add_items(out, m);
	add_gauge(out, m, "exarch_run_archived_bytes", "Bytes of the items archived.",
		(double)t->sum.bytes);
	add_gauge(out, m, "exarch_run_requests", "Requests sent.", (double)t->requests);
	add_gauge(
		out, m, "exarch_run_received_bytes", "Bytes received.", (double)t->received_bytes);
	add_gauge(out, m, "exarch_archive_bytes", "Size of the archive on disk; 0 = not known.",
		(double)t->stored_bytes_after);
	if (m->certificate_days != INT32_MAX)
		add_gauge(out, m, "exarch_certificate_days",
			"Days until the application's certificate expires.", m->certificate_days);
}

bool
metrics_write(const char *path, const struct metrics *m, struct exa_error *err)
{
	EXA_AUTO(buf_done) struct buf text = { 0 };

	add_run(&text, m, last_success(path));
	return fs_write_file(path, buf_bytes(&text), 0644, err) || exa_while(err, "--metrics-file");
}
