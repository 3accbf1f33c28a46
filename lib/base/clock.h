/* SPDX-License-Identifier: Apache-2.0 */
/* base/clock.h - how time passes: for waiting and measuring, never for what is computed. */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stdint.h>

/* Nanoseconds since some moment, which no change of the date moves. */
uint64_t heft_clock(void);

#endif
