/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a scenario does to the text of a finished answer: XML as Exchange sends it on bad days,
 * lists that are short, long or in disorder, base64 that isn't. The text is one that soap_out.c and
 * its friends wrote, so its prefixes are known.
 */
#ifndef SIM_SPOIL_H
#define SIM_SPOIL_H

#include "exarch/bytes.h"

#include "scenario.h"

/* False: this kind isn't about text. */
bool spoil_text(enum scenario_wire kind, struct buf *answer);

#endif
