/* SPDX-License-Identifier: Apache-2.0 */
/* report.h - exit statuses, and the one line on standard error that goes with each but 0. */
#ifndef TOOLS_REPORT_H
#define TOOLS_REPORT_H

#include "heft/error.h"

struct command;

enum {
	STATUS_DONE = 0,
	STATUS_NO = 1,       /* the answer is no */
	STATUS_USAGE = 2,    /* usage, not found, what the target cannot hold */
	STATUS_BAD_DATA = 3, /* not the format, corrupt, unsupported, over a limit */
	STATUS_SYSTEM = 4    /* input and output, memory, busy */
};

/* The exit status for an error of the library; an interruption's is 128 + the signal. */
int report_status(enum heft_status code);

/* Prints "heft: FILE: msg (at byte N)" and gives the exit status. An interruption is silent. */
int report_error(const char *file, const struct heft_error *err);

/* Prints "heft: FILE: what: system's message" and returns STATUS_SYSTEM. */
int report_system(const char *file, const char *what, int error);

/* Prints "heft: words". */
void report_words(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* Prints "heft VERB: words" and where help is; gives STATUS_USAGE. NULL: heft itself. */
int report_usage(const struct command *command, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

#endif
