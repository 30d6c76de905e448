/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include <jansson.h>

#include "exarch/clock.h"

#include "text.h"
#include "verify_tell.h"

#define FILE_NAME_MAX 64

/* As docs/format.md names segments; "" for what isn't in one. */
static void
file_of(const struct store_loc *at, char *out)
{
	out[0] = '\0';
	if (at->segment != 0)
		(void)snprintf(out, FILE_NAME_MAX, "seg/%02x/%08x.xseg", (at->segment >> 8) & 0xff,
			at->segment);
}

static json_t *
name_or_null(const char *name)
{
	return name[0] != '\0' ? json_string(name) : json_null();
}

static void
damage_json(const struct store_damage *d)
{
	char now[CLOCK_TEXT_MAX], file[FILE_NAME_MAX], end[FILE_NAME_MAX];
	bool lost = d->first <= d->last;

	clock_format(clock_wall_ns(), now);
	file_of(&d->at, file);
	file_of(&d->end, end);
	text_json(json_pack("{s:s, s:s, s:o, s:I, s:o, s:I, s:o, s:o, s:o}", "event", "damage",
		"time", now, "file", name_or_null(file), "offset", (json_int_t)d->at.offset,
		"end_file", name_or_null(end), "end_offset", (json_int_t)d->end.offset,
		"first_sequence", lost ? json_integer((json_int_t)d->first) : json_null(),
		"last_sequence", lost ? json_integer((json_int_t)d->last) : json_null(), "text",
		text_value(d->what.text)));
}

void
tell_damage(const struct args *args, const struct store_damage *d)
{
	char end[FILE_NAME_MAX];

	if (args->value[OPT_JSON] != NULL) {
		damage_json(d);
		return;
	}
	(void)fprintf(stderr, "exarch: damaged: %s", d->what.text);
	if (d->at.segment != 0 && d->first > d->last)
		(void)fprintf(stderr, "; nothing is lost by it");
	else if (d->first < d->last)
		(void)fprintf(stderr, "; frames %llu to %llu are lost",
			(unsigned long long)d->first, (unsigned long long)d->last);
	else if (d->first == d->last)
		(void)fprintf(stderr, "; frame %llu is lost", (unsigned long long)d->first);
	file_of(&d->end, end);
	if (d->end.segment == d->at.segment && d->at.segment != 0)
		(void)fprintf(stderr, ", up to offset %llu", (unsigned long long)d->end.offset);
	else if (d->end.segment != 0)
		(void)fprintf(
			stderr, ", up to %s, offset %llu", end, (unsigned long long)d->end.offset);
	else if (d->at.segment != 0)
		(void)fprintf(stderr, ", and nothing good follows");
	(void)fputc('\n', stderr);
}

void
tell_item(const struct args *args, const struct selected *item, const struct exa_error *why)
{
	char now[CLOCK_TEXT_MAX], received[CLOCK_TEXT_MAX];

	clock_format(item->row->received_ns, received);
	if (args->value[OPT_JSON] != NULL) {
		clock_format(clock_wall_ns(), now);
		text_json(json_pack("{s:s, s:s, s:I, s:o, s:o, s:s, s:s, s:o}", "event",
			"affected_item", "time", now, "number", (json_int_t)item->row->number,
			"mailbox", text_value(item->mailbox->smtp), "folder",
			text_value(item->folder->path), "received", received, "code",
			exa_code_name(why->code), "text", text_value(why->text)));
		return;
	}
	(void)fprintf(stderr, "exarch: item %llu of ", (unsigned long long)item->row->number);
	text_print(stderr, item->mailbox->smtp, 0);
	(void)fprintf(stderr, ", folder ");
	text_print(stderr, item->folder->path, 0);
	(void)fprintf(stderr, ", received %s, can't be given back: %s\n",
		received[0] != '\0' ? received : "(unknown)", why->text);
}

/* ---- the end ---- */

static json_t *
tables_value(enum store_tables_proof proof)
{
	switch (proof) {
	case STORE_TABLES_NOT_ASKED:
		break;
	case STORE_TABLES_COMPARED:
		return json_string("compared");
	case STORE_TABLES_SKIPPED:
		return json_string("skipped");
	case STORE_TABLES_FAILED:
		return json_string("failed");
	}
	return json_null();
}

static void
outcome_json(const struct verify_outcome *o, int exit_code)
{
	uint64_t well = o->items.items - o->items.damaged;

	text_json(json_pack("{s:s, s:s, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:o, s:o, s:o, "
			    "s:b, s:o, s:i}",
		"event", "verify", "level", o->level, "segments", (json_int_t)o->store.segments,
		"frames", (json_int_t)o->store.frames, "commits", (json_int_t)o->store.commits,
		"objects", (json_int_t)o->store.objects, "stored_bytes",
		(json_int_t)o->store.stored_bytes, "messages", (json_int_t)o->items.proven,
		"damaged", (json_int_t)o->damaged, "affected", (json_int_t)o->items.damaged,
		"unaffected", o->all_items ? json_integer((json_int_t)well) : json_null(),
		"index_tables", tables_value(o->store.tables), "index_tables_why",
		o->store.tables_why.code != EXA_OK ? text_value(o->store.tables_why.text)
						   : json_null(),
		"finished", o->stopped == NULL, "stopped",
		o->stopped != NULL ? json_string(o->stopped) : json_null(), "exit_code",
		exit_code));
}

static void
print_looked_at(const struct verify_outcome *o)
{
	char size[16];

	text_size(o->store.stored_bytes, size);
	(void)printf("looked at ");
	if (o->segments_looked_at)
		(void)printf("%llu segments, %llu frames, %llu commits, %s",
			(unsigned long long)o->store.segments, (unsigned long long)o->store.frames,
			(unsigned long long)o->store.commits, size);
	if (o->store.objects > 0)
		(void)printf("; %llu objects", (unsigned long long)o->store.objects);
	if (o->items_looked_at)
		(void)printf("%s%llu items, put together %llu messages",
			o->segments_looked_at ? "; " : "", (unsigned long long)o->items.items,
			(unsigned long long)o->items.proven);
	if (o->damaged > 0)
		(void)printf(": %llu DAMAGED\n", (unsigned long long)o->damaged);
	else if (o->damaged_before > 0)
		(void)printf(": undamaged, but this round found damage before\n");
	else
		(void)printf(": undamaged\n");
}

/* How bad it is, and what to do about it. */
static void
print_advice(const struct args *args, const struct verify_outcome *o)
{
	const char *dir = args->positional[0];

	if (o->all_items && o->items.finished)
		(void)printf("%llu items can't be given back, %llu can\n",
			(unsigned long long)o->items.damaged,
			(unsigned long long)(o->items.items - o->items.damaged));
	else if (o->items_looked_at)
		(void)printf("%llu of the %llu items looked at can't be given back\n",
			(unsigned long long)o->items.damaged, (unsigned long long)o->items.items);
	if (o->index_damaged == o->damaged)
		(void)printf("what to do: `exarch rebuild %s` makes the index again; nothing "
			     "archived is lost by it\n",
			dir);
	else
		(void)printf("what to do: put the damaged files back from a backup of the archive "
			     "(what is in seg/, FORMAT); without\n"
			     "one everything else still lists and exports, and `exarch rebuild "
			     "%s` makes an index that fits\n",
			dir);
}

static const char *
what_next(const struct verify_outcome *o)
{
	if (!o->goes_on)
		return "with --state FILE the next call would go on there";
	if (o->no_further)
		return "no segment was finished: the next call begins with the same one, give it "
		       "more time or rate";
	return "the next call with this --state goes on there";
}

void
tell_outcome(const struct args *args, const struct verify_outcome *o, int exit_code)
{
	if (args->value[OPT_JSON] != NULL) {
		outcome_json(o, exit_code);
		return;
	}
	if (o->store.tables == STORE_TABLES_FAILED)
		(void)fprintf(stderr,
			"exarch: the index's tables couldn't be compared with the segments: %s\n",
			o->store.tables_why.text);
	if (args->value[OPT_QUIET] != NULL && o->damaged == 0)
		return;
	if (o->segments_looked_at || o->items_looked_at)
		print_looked_at(o);
	if (o->store.tables == STORE_TABLES_SKIPPED && o->stopped == NULL)
		(void)printf("the index's tables weren't compared with the segments: %s\n",
			o->store.tables_why.text);
	if (o->damaged > 0)
		print_advice(args, o);
	if (o->stopped != NULL)
		(void)printf("stopped early (%s); %s\n", o->stopped, what_next(o));
}
