/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A file as a message: byte for byte when it holds any CRLF, else with every LF made into CRLF, as
 * Exchange would have it.
 */
#ifndef SIM_BODY_FILE_H
#define SIM_BODY_FILE_H

#include "mailbox.h"

bool body_file_open(const char *path, struct body **out, struct exa_error *err) EXA_CHECK;

#endif
