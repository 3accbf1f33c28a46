/* SPDX-License-Identifier: Apache-2.0 */
/* interrupt.h - Ctrl-C and its kin, turned into a question that long work asks now and then. */
#ifndef TOOLS_INTERRUPT_H
#define TOOLS_INTERRUPT_H

#include <stdbool.h>

/*
 * From here on the first SIGINT, SIGTERM or SIGHUP is only noted; one that comes more than a second
 * later ends the process as usual. A signal that the caller's shell had ignored stays ignored.
 */
void interrupt_watch(void);

bool interrupt_pending(void);

/* 128 + the signal, which is 130 for Ctrl-C. */
int interrupt_status(void);

#endif
