/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "gen_encode.h"
#include "gen_head.h"
#include "gen_mime.h"
#include "gen_rng.h"
#include "gen_text.h"

#define SUBJECT_MAX 256

static const char word_css[] =
	"<html xmlns:v=\"urn:schemas-microsoft-com:vml\" "
	"xmlns:o=\"urn:schemas-microsoft-com:office:office\" "
	"xmlns:w=\"urn:schemas-microsoft-com:office:word\" "
	"xmlns=\"http://www.w3.org/TR/REC-html40\">\r\n"
	"<head>\r\n<meta http-equiv=\"Content-Type\" content=\"text/html; charset=utf-8\">\r\n"
	"<meta name=\"Generator\" content=\"Microsoft Word 15 (filtered medium)\">\r\n"
	"<style><!--\r\n/* Font Definitions */\r\n"
	"@font-face\r\n\t{font-family:\"Cambria Math\";\r\n\tpanose-1:2 4 5 3 5 4 6 3 2 4;}\r\n"
	"@font-face\r\n\t{font-family:Calibri;\r\n\tpanose-1:2 15 5 2 2 2 4 3 2 4;}\r\n"
	"@font-face\r\n\t{font-family:Aptos;\r\n\tpanose-1:2 11 0 4 2 2 2 2 2 4;}\r\n"
	"/* Style Definitions */\r\n"
	"p.MsoNormal, li.MsoNormal, div.MsoNormal\r\n\t{margin:0cm;\r\n\tfont-size:11.0pt;\r\n"
	"\tfont-family:\"Calibri\",sans-serif;\r\n\tmso-ligatures:standardcontextual;\r\n"
	"\tmso-fareast-language:EN-US;}\r\n"
	"a:link, span.MsoHyperlink\r\n\t{mso-style-priority:99;\r\n\tcolor:#0563C1;\r\n"
	"\ttext-decoration:underline;}\r\n"
	"p.MsoListParagraph, li.MsoListParagraph, div.MsoListParagraph\r\n"
	"\t{mso-style-priority:34;\r\n\tmargin-top:0cm;\r\n\tmargin-right:0cm;\r\n"
	"\tmargin-bottom:0cm;\r\n\tmargin-left:36.0pt;\r\n\tfont-size:11.0pt;\r\n"
	"\tfont-family:\"Calibri\",sans-serif;}\r\n"
	"span.EmailStyle17\r\n\t{mso-style-type:personal-compose;\r\n"
	"\tfont-family:\"Calibri\",sans-serif;\r\n\tcolor:windowtext;}\r\n"
	".MsoChpDefault\r\n\t{mso-style-type:export-only;\r\n"
	"\tfont-family:\"Calibri\",sans-serif;\r\n\tmso-fareast-language:EN-US;}\r\n"
	"@page WordSection1\r\n\t{size:612.0pt 792.0pt;\r\n\tmargin:70.85pt 70.85pt 2.0cm "
	"70.85pt;}\r\n"
	"div.WordSection1\r\n\t{page:WordSection1;}\r\n--></style>\r\n"
	"<!--[if gte mso 9]><xml>\r\n<o:shapedefaults v:ext=\"edit\" spidmax=\"1026\" />\r\n"
	"</xml><![endif]--><!--[if gte mso 9]><xml>\r\n<o:shapelayout v:ext=\"edit\">\r\n"
	"<o:idmap v:ext=\"edit\" data=\"1\" />\r\n</o:shapelayout></xml><![endif]-->\r\n</head>\r\n"
	"<body lang=\"EN-GB\" link=\"#0563C1\" vlink=\"#954F72\" "
	"style=\"word-wrap:break-word\">\r\n"
	"<div class=\"WordSection1\">\r\n";

static void
add_quote_head(struct buf *out, const struct gen_message *m, bool html)
{
	const char *line_end = html ? "<br>\r\n" : "\r\n";
	char subject[SUBJECT_MAX];
	struct gen_name from;

	gen_name_of(m->from, &from);
	gen_subject(m, subject, sizeof subject);
	buf_add_string(
		out, html ? "<div style=\"border:none;border-top:solid #E1E1E1 1.0pt;"
			    "padding:3.0pt 0cm 0cm 0cm\">\r\n<p class=\"MsoNormal\"><b>From:</b> "
			  : "________________________________\r\nFrom: ");
	buf_printf(out, "%s <mailto:%s>%sSubject: %s%s", from.name, from.address, line_end, subject,
		html ? "<o:p></o:p></p>\r\n</div>\r\n" : "\r\n\r\n");
}

/* The message's own words, then those it answers, and so on. */
static void
add_words(struct buf *out, const struct gen_world *w, const struct gen_message *m, bool html)
{
	struct gen_rng r = { m->seed ^ 0x74657874 };
	struct gen_message parent;
	struct gen_name from;

	gen_name_of(m->from, &from);
	gen_paragraphs(out, &r, m->text_size,
		html ? "<p class=\"MsoNormal\"><span lang=\"EN-GB\">" : "",
		html ? "<o:p></o:p></span></p>\r\n<p class=\"MsoNormal\"><span "
		       "lang=\"EN-GB\"><o:p>&nbsp;</o:p></span></p>\r\n"
		     : "\r\n\r\n");
	buf_printf(out, html ? "<p class=\"MsoNormal\">%s<o:p></o:p></p>\r\n" : "%s\r\n\r\n",
		from.name);
	if (m->depth == 0)
		return;
	gen_message_of(w, (struct gen_ref){ .number = m->parent }, &parent);
	add_quote_head(out, &parent, html);
	if (parent.depth >= m->depth)
		parent.depth = m->depth - 1; /* quotes end where the thread's limit is */
	add_words(out, w, &parent, html);
}

static void
add_html(struct buf *out, const struct gen_world *w, const struct gen_message *m)
{
	buf_add_string(out, word_css);
	add_words(out, w, m, true);
	if (m->has_logo)
		buf_add_string(out, "<p class=\"MsoNormal\"><img width=\"180\" height=\"48\" "
				    "src=\"cid:image001.png@01DA0000.00000000\"></p>\r\n");
	buf_add_string(out, "</div>\r\n</body>\r\n</html>\r\n");
}

static void
add_text_part(struct buf *out, const struct gen_world *w, const struct gen_message *m, bool html)
{
	EXA_AUTO(buf_done) struct buf plain = { 0 };

	if (html)
		add_html(&plain, w, m);
	else
		add_words(&plain, w, m, false);
	buf_printf(out,
		"Content-Type: text/%s; charset=\"utf-8\"\r\nContent-Transfer-Encoding: %s\r\n\r\n",
		html ? "html" : "plain", m->is_base64 ? "base64" : "quoted-printable");
	if (m->is_base64)
		gen_add_base64_lines(out, buf_bytes(&plain), m->line_width);
	else
		gen_add_quoted_printable(out, buf_bytes(&plain));
}

static void
add_alternative(
	struct buf *out, const struct gen_world *w, const struct gen_message *m, uint64_t id)
{
	if (!m->has_html) {
		add_text_part(out, w, m, false);
		return;
	}
	buf_printf(out,
		"Content-Type: multipart/alternative;\r\n\tboundary=\"_000_%016llX_\"\r\n\r\n"
		"--_000_%016llX_\r\n",
		(unsigned long long)id, (unsigned long long)id);
	add_text_part(out, w, m, false);
	buf_printf(out, "\r\n--_000_%016llX_\r\n", (unsigned long long)id);
	add_text_part(out, w, m, true);
	buf_printf(out, "\r\n--_000_%016llX_--\r\n", (unsigned long long)id);
}

static void
end_segment(struct gen_mime *g, const struct gen_file *file)
{
	struct gen_segment *s = &g->segments[g->count++];

	s->text_end = g->text.size;
	s->has_file = file != NULL;
	if (file != NULL)
		s->file = *file;
}

static void
add_related(struct gen_mime *g, const struct gen_world *w, const struct gen_message *m, uint64_t id)
{
	struct buf *out = &g->text;
	struct gen_file logo;

	if (!m->has_logo) {
		add_alternative(out, w, m, id);
		return;
	}
	/* A sender's signature is the same in all of his mail. */
	logo = gen_file_logo(gen_seed(
		w->seed, m->from.inside ? 30 : 31, m->from.inside ? 0 : m->from.index % 40));
	buf_printf(out,
		"Content-Type: multipart/related;\r\n\tboundary=\"_005_%016llX_\";\r\n"
		"\ttype=\"multipart/alternative\"\r\n\r\n--_005_%016llX_\r\n",
		(unsigned long long)id, (unsigned long long)id);
	add_alternative(out, w, m, id);
	buf_printf(out,
		"\r\n--_005_%016llX_\r\nContent-Type: image/png; name=\"image001.png\"\r\n"
		"Content-Description: image001.png\r\nContent-Disposition: inline; "
		"filename=\"image001.png\"; size=%zu\r\n"
		"Content-ID: <image001.png@01DA0000.00000000>\r\n"
		"Content-Transfer-Encoding: base64\r\n\r\n",
		(unsigned long long)id, logo.size);
	end_segment(g, &logo);
	buf_printf(out, "\r\n--_005_%016llX_--\r\n", (unsigned long long)id);
}

static void
add_file(struct gen_mime *g, const struct gen_file *file, uint64_t id)
{
	char name[64];

	gen_file_name(file, name, sizeof name);
	buf_printf(&g->text,
		"\r\n--_004_%016llX_\r\nContent-Type: %s; name=\"%s\"\r\nContent-Description: "
		"%s\r\n"
		"Content-Disposition: attachment; filename=\"%s\"; size=%zu\r\n"
		"Content-Transfer-Encoding: base64\r\n\r\n",
		(unsigned long long)id, gen_file_type(file), name, name, name, file->size);
	end_segment(g, file);
}

void
gen_mime_render(const struct gen_world *w, const struct gen_message *m, const struct gen_copy *copy,
	struct gen_mime *out)
{
	struct gen_rng r = { copy->seed };
	uint64_t id = gen_chance(&r, 30) ? copy->seed : m->seed;

	*out = (struct gen_mime){ .line_width = m->line_width };
	buf_reserve(&out->text, 32768);
	gen_add_head(&out->text, m, copy);
	if (m->file_count == 0) {
		add_related(out, w, m, id);
		end_segment(out, NULL);
		return;
	}
	buf_printf(&out->text,
		"Content-Type: multipart/mixed;\r\n\tboundary=\"_004_%016llX_\"\r\n\r\n"
		"--_004_%016llX_\r\n",
		(unsigned long long)id, (unsigned long long)id);
	add_related(out, w, m, id);
	for (size_t i = 0; i < m->file_count; i++)
		add_file(out, &m->files[i], id);
	buf_printf(&out->text, "\r\n--_004_%016llX_--\r\n", (unsigned long long)id);
	end_segment(out, NULL);
}

void
gen_mime_done(struct gen_mime *g)
{
	buf_done(&g->text);
}
