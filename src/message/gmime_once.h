/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MESSAGE_GMIME_ONCE_H
#define MESSAGE_GMIME_ONCE_H

/* Makes GMime ready, however often and from whichever thread it is called. */
void gmime_once(void);

#endif
