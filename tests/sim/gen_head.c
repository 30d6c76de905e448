/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <stdio.h>
#include <time.h>

#include "exarch/clock.h"

#include "gen_encode.h"
#include "gen_head.h"
#include "gen_rng.h"

#define SUBJECT_MAX 256

static void
format_date(int64_t moment_ns, char *out, size_t size)
{
	time_t t = (time_t)(moment_ns / EXA_NS_PER_S);
	struct tm tm;

	(void)gmtime_r(&t, &tm);
	(void)strftime(out, size, "%a, %d %b %Y %H:%M:%S +0000", &tm);
}

/* The servers a copy came through, last first; a copy takes its own way. */
static void
add_received(struct buf *out, struct gen_rng *r, int64_t date_ns)
{
	unsigned hops = 3 + gen_below(r, 2);
	char date[48];

	format_date(date_ns, date, sizeof date);
	for (unsigned i = 0; i < hops; i++) {
		unsigned site = gen_below(r, 90) + 10, server = gen_below(r, 9000) + 1000;
		uint64_t id = gen_next(r);

		buf_printf(out,
			"Received: from AM%uPR04MB%u.eurprd04.prod.example "
			"(2603:10a6:%x:%x::%x)\r\n"
			" by DB%uPR04MB%u.eurprd04.prod.example with HTTPS; %s\r\n",
			site, server, (unsigned)(id & 0xfff), (unsigned)(id >> 12 & 0xffff),
			(unsigned)(id >> 28 & 0xff), gen_below(r, 90) + 10,
			gen_below(r, 9000) + 1000, date);
		buf_printf(out,
			"Received: from VE1EUR01FT%03u.eop-EUR01.prod.protection.example\r\n"
			" (2603:10a6:800:%x:cafe::%x) by AM%uPR04CA%04u.outlook.example with "
			"Microsoft "
			"SMTP\r\n Server (version=TLS1_2, "
			"cipher=TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384) "
			"id\r\n 15.20.%u.%u via Frontend Transport; %s\r\n",
			gen_below(r, 100), (unsigned)(id >> 36 & 0xfff),
			(unsigned)(id >> 48 & 0xff), site, gen_below(r, 9999),
			7000 + gen_below(r, 900), gen_below(r, 40), date);
	}
}

static void
add_parties(struct buf *out, const struct gen_message *m)
{
	struct gen_name name;

	gen_name_of(m->from, &name);
	buf_printf(out, "From: %s <%s>\r\nTo: ", name.name, name.address);
	for (size_t i = 0; i < m->to_count; i++) {
		gen_name_of(m->to[i], &name);
		if (i == 4)
			buf_add_string(out, "\r\nCC: ");
		else if (i > 0)
			buf_add_string(out, ",\r\n\t");
		buf_printf(out, "%s <%s>", name.name, name.address);
	}
	buf_add_string(out, "\r\n");
}

static void
add_thread(struct buf *out, const struct gen_message *m)
{
	struct gen_rng r = { m->topic };
	uint8_t index[22];
	char id[128];

	for (size_t i = 0; i < sizeof index; i++)
		index[i] = (uint8_t)gen_next(&r);
	index[0] = 1;
	buf_add_string(out, "Thread-Index: ");
	buf_add_base64(out, bytes_of(index, sizeof index));
	gen_message_id(m, id, sizeof id);
	buf_printf(out, "\r\nMessage-ID: %s\r\n", id);
	if (m->depth > 0) {
		struct gen_message before = { .seed = m->topic, .topic = m->topic };

		gen_message_id(&before, id, sizeof id);
		buf_printf(out, "References: %s\r\nIn-Reply-To: %s\r\n", id, id);
	}
}

/* Lines that a mailbox's own servers add. */
static void
add_marks(struct buf *out, struct gen_rng *r, const struct gen_message *m)
{
	uint64_t a = gen_next(r), b = gen_next(r);

	buf_printf(out,
		"X-MS-Exchange-Organization-Network-Message-Id:\r\n\t%08x-%04x-%04x-%04x-%"
		"012" PRIx64 "\r\n",
		(unsigned)(a & 0xffffffff), (unsigned)(a >> 32 & 0xffff),
		(unsigned)(a >> 48 & 0xffff), (unsigned)(b & 0xffff), b >> 16);
	buf_printf(out,
		"X-MS-Exchange-Organization-SCL: %d\r\nX-MS-TNEF-Correlator:\r\n"
		"X-MS-Exchange-Organization-MessageDirectionality: %s\r\n"
		"X-MS-Exchange-Organization-AuthSource: DB%uPR04MB%04u.eurprd04.prod.example\r\n"
		"X-MS-Exchange-Organization-AuthAs: %s\r\nX-MS-PublicTrafficType: Email\r\n",
		m->from.inside ? -1 : 1, m->from.inside ? "Originating" : "Incoming",
		(unsigned)(a % 90) + 10, (unsigned)(b % 9000) + 1000,
		m->from.inside ? "Internal" : "Anonymous");
	buf_printf(out,
		"X-Microsoft-Antispam-Mailbox-Delivery:\r\n\tucf:0;jmr:0;auth:0;dest:I;ENG:(%u)(%u)"
		"(%u);\r\n"
		"X-Microsoft-Antispam-Message-Info:\r\n\t",
		gen_below(r, 900000) + 100000, gen_below(r, 900000) + 100000,
		gen_below(r, 900000) + 100000);
	for (unsigned i = 0; i < 4; i++) {
		uint8_t noise[48];

		for (size_t k = 0; k < sizeof noise; k++)
			noise[k] = (uint8_t)gen_next(r);
		buf_add_base64(out, bytes_of(noise, sizeof noise));
		buf_add_string(out, i < 3 ? "\r\n\t" : "\r\n");
	}
}

void
gen_add_head(struct buf *out, const struct gen_message *m, const struct gen_copy *copy)
{
	struct gen_rng r = { copy->seed ^ 0x68656164 };
	char subject[SUBJECT_MAX], date[48];

	if (!copy->is_sent)
		add_received(out, &r, m->date_ns + 2 * EXA_NS_PER_S);
	add_parties(out, m);
	gen_subject(m, subject, sizeof subject);
	buf_add_string(out, "Subject: ");
	gen_add_header_text(out, subject);
	buf_add_string(out, "\r\n");
	add_thread(out, m);
	format_date(m->date_ns, date, sizeof date);
	buf_printf(out,
		"Date: %s\r\nAccept-Language: en-GB, en-US\r\nContent-Language: en-GB\r\n"
		"X-MS-Has-Attach: %s\r\n",
		date, m->file_count > 0 || m->has_logo ? "yes" : "");
	if (!copy->is_sent)
		add_marks(out, &r, m);
	buf_add_string(out, "MIME-Version: 1.0\r\n");
}
