/* SPDX-License-Identifier: Apache-2.0 */
/* lock_wait.c - waits for a file's lock in short pieces, so that Ctrl-C ends the wait at once. */
#include "lock_wait.h"

#include <stdio.h>

#include "interrupt.h"

#define DEFAULT_MS 10000
#define PIECE_MS 100

void lock_wait_start(struct lock_wait *w, uint32_t total_ms)
{
	*w = (struct lock_wait){ .total_ms = total_ms > 0 ? total_ms : DEFAULT_MS };
}

uint32_t lock_wait_next(const struct lock_wait *w)
{
	const uint32_t left = w->total_ms - w->waited_ms;

	return left < PIECE_MS ? left : PIECE_MS;
}

bool lock_wait_goes_on(struct lock_wait *w, enum heft_status st, struct heft_error *err)
{
	if (st != HEFT_E_BUSY || interrupt_pending())
		return false;
	w->waited_ms += lock_wait_next(w);
	if (w->waited_ms < w->total_ms)
		return true;
	snprintf(err->msg, sizeof err->msg, "another process holds its lock (waited %.3g seconds)",
	         (double)w->total_ms / 1000);
	return false;
}
