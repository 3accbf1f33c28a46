/* SPDX-License-Identifier: Apache-2.0 */
/* base/float_mode.h - how a thread's processor rounds, and whether it flushes subnormal numbers to
 * zero: a program, or a library that was built with -ffast-math, may have changed either. */
#ifndef BASE_FLOAT_MODE_H
#define BASE_FLOAT_MODE_H

#include <stdint.h>

/* For the calling thread: to nearest even, subnormals kept (spec/numerics.md, F1-3). Returns
 * what was there before, for heft_float_mode_restore. A few nanoseconds where nothing has to
 * change. */
uint64_t heft_float_mode_set(void);
void heft_float_mode_restore(uint64_t before);

#endif
