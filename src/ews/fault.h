/* SPDX-License-Identifier: Apache-2.0 */
/* What a fault or a failed response message says, gathered while it is parsed. */
#ifndef EXARCH_EWS_FAULT_H
#define EXARCH_EWS_FAULT_H

#include "exarch/bytes.h"
#include "exarch/error.h"

#define FAULT_CODE_MAX EXA_ERROR_NAME_MAX
#define FAULT_TEXT_MAX 256

/* A zeroed struct is ready, for the next message too. Texts are printable and cut. */
struct fault {
	char code[FAULT_CODE_MAX];
	char text[FAULT_TEXT_MAX];
	char inner_code[FAULT_CODE_MAX];
	char extra[FAULT_TEXT_MAX]; /* an address that MessageXml names */
	uint32_t back_off_ms;
	int value; /* enum fault_value: which t:Value is being read */
};

/* CODE may stand in white space and, in faultcode, behind a prefix; one already known stays. */
void fault_set_code(struct fault *f, const char *code);
void fault_set_text(struct fault *f, const char *text);

/* A t:Value named NAME begins in MessageXml, then its text came. */
void fault_begin_value(struct fault *f, struct bytes name);
void fault_end_value(struct fault *f, const char *text);

/* The error that it all means; returns false. */
bool fault_explain(const struct fault *f, struct exa_error *err);

#endif
