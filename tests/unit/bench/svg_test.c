/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <libxml/parser.h>

#include "exarch/bench.h"

static xmlDoc *
parse(const struct bench_point *points, size_t count, const char *title)
{
	EXA_AUTO(buf_done) struct buf out = { 0 };
	struct bench_advice a;
	xmlDoc *doc;

	bench_advise(points, count, 2, &a);
	bench_svg(points, count, &a, title, &out);
	assert_null(strstr(buf_string(&out), "nan"));
	assert_null(strstr(buf_string(&out), "inf"));
	doc = xmlReadMemory((const char *)out.data, (int)out.size, "x.svg", NULL, XML_PARSE_NONET);
	assert_non_null(doc);
	assert_string_equal((const char *)xmlDocGetRootElement(doc)->name, "svg");
	return doc;
}

static size_t
count_of(const xmlNode *node, const char *name)
{
	size_t count = 0;

	for (; node != NULL; node = node->next) {
		count += node->type == XML_ELEMENT_NODE &&
			 strcmp((const char *)node->name, name) == 0;
		count += count_of(node->children, name);
	}
	return count;
}

static double
number_of(const xmlNode *node, const char *name)
{
	xmlChar *text = xmlGetProp(node, (const xmlChar *)name);
	double value = strtod((const char *)text, NULL);

	xmlFree(text);
	return value;
}

/* Dots of the rates are the first: higher rates stand higher, all of them on the page. */
static void
a_higher_rate_stands_higher(void **state)
{
	const struct bench_point points[] = {
		{ .threads = 1, .items_per_s = 10, .items_per_s_most = 10, .p95_us = 9000 },
		{ .threads = 2, .items_per_s = 20, .items_per_s_most = 25, .p95_us = 9000 },
		{ .threads = 4, .items_per_s = 15, .items_per_s_most = 15, .p95_us = 90000 },
	};
	xmlDoc *doc = parse(points, 3, "bench");
	double y[6];
	size_t n = 0;

	(void)state;
	for (const xmlNode *at = xmlDocGetRootElement(doc)->children; at != NULL; at = at->next) {
		if (at->type == XML_ELEMENT_NODE && strcmp((const char *)at->name, "circle") == 0 &&
			n < 6)
			y[n++] = number_of(at, "cy");
	}
	assert_int_equal(count_of(xmlDocGetRootElement(doc), "circle"), 9);
	for (size_t i = 0; i < n; i++)
		assert_true(y[i] > 0 && y[i] < 550);
	assert_true(y[1] < y[2] && y[2] < y[0]);
	xmlFreeDoc(doc);
}

static void
a_title_from_outside_stays_text(void **state)
{
	const struct bench_point point = { .threads = 1 };
	xmlDoc *doc = parse(&point, 1, "a<script>&\"\x01");

	(void)state;
	assert_int_equal(count_of(xmlDocGetRootElement(doc), "script"), 0);
	xmlFreeDoc(doc);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_higher_rate_stands_higher),
		cmocka_unit_test(a_title_from_outside_stays_text),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
