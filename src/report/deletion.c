/* SPDX-License-Identifier: Apache-2.0 */
/* What was deleted at the server, and what keeps the rest there, as a line for people. */
#include "internal.h"

static void
add_items(struct buf *out, uint64_t n)
{
	add_count(out, n);
	buf_add_string(out, n == 1 ? " item" : " items");
}

static void
add_kept(struct buf *out, const struct report_deletion *d)
{
	const struct {
		uint64_t count;
		const char *why;
	} reasons[] = {
		{ d->younger, "too young" },
		{ d->undated, "without a date" },
		{ d->flagged, "flagged" },
		{ d->held, "on hold" },
		{ d->excluded, "not for the archive by today's rules" },
		{ d->changed, "changed or gone there since" },
		{ d->unsettled, "in folders with something open" },
		{ d->limited, "beyond the most for one run" },
	};
	const char *before = "; kept: ";

	for (size_t i = 0; i < sizeof reasons / sizeof reasons[0]; i++) {
		if (reasons[i].count == 0)
			continue;
		buf_add_string(out, before);
		add_count(out, reasons[i].count);
		buf_printf(out, " %s", reasons[i].why);
		before = ", ";
	}
}

bool
deletion_text(const struct report_deletion *d, struct buf *out)
{
	if (!d->dry_run && d->left_out == NULL && d->deleted == 0 && d->undeleted == 0)
		return false;
	buf_printf(out, "%s: ", d->mailbox);
	if (d->left_out != NULL) {
		buf_printf(out, "nothing is deleted at the server: %s", d->left_out);
		return true;
	}
	add_items(out, d->deleted);
	buf_add_string(out, " (");
	add_size(out, d->bytes);
	buf_printf(out, ") %s at the server",
		d->dry_run        ? "would be deleted"
		: d->deleted == 1 ? "was deleted"
				  : "were deleted");
	if (d->undeleted > 0) {
		buf_add_string(out, ", ");
		add_items(out, d->undeleted);
		buf_add_string(out, " could not be");
	}
	add_kept(out, d);
	return true;
}
