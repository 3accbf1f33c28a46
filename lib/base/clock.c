/* SPDX-License-Identifier: Apache-2.0 */
/* base/clock.c - how time passes. */
#include "base/clock.h"

#include <time.h>

uint64_t heft_clock(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}
