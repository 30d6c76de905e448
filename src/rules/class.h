/* SPDX-License-Identifier: Apache-2.0 */
/* Names of classes that only this module needs. */
#ifndef RULES_CLASS_H
#define RULES_CLASS_H

#include <stdbool.h>

/* The entry of the list of folder classes that never hold mail of people ("IPF.Configuration"), or
 * NULL. Entries cover the class itself and what follows after a dot. */
const char *class_never_archived(const char *folder_class);

#endif
