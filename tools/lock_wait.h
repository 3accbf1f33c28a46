/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lock_wait.h - waits for a file's lock in short pieces, so that Ctrl-C ends the wait at once.
 *
 *	lock_wait_start(&wait, o->lock_ms);
 *	do {
 *		options.lock_ms = lock_wait_next(&wait);
 *		st = heft_compact(path, &options, &report, &err);
 *	} while (lock_wait_goes_on(&wait, st, &err));
 */
#ifndef TOOLS_LOCK_WAIT_H
#define TOOLS_LOCK_WAIT_H

#include <stdbool.h>
#include <stdint.h>

#include "heft/error.h"

struct lock_wait {
	uint32_t total_ms;
	uint32_t waited_ms;
};

/* `total_ms` 0: ten seconds. */
void lock_wait_start(struct lock_wait *w, uint32_t total_ms);

/* The milliseconds that the next try may wait, never 0. */
uint32_t lock_wait_next(const struct lock_wait *w);

/* Whether to try again. When the time is over the error says how long it was. */
bool lock_wait_goes_on(struct lock_wait *w, enum heft_status st, struct heft_error *err);

#endif
