/* SPDX-License-Identifier: Apache-2.0 */
/* kernel/meet.h - how the sums of blocks become one (spec F2-1, F3-1). */
#ifndef KERNEL_MEET_H
#define KERNEL_MEET_H

#include <stdint.h>

/* Level by level, an odd last one passing up as it is; +0 of nothing. `sums` is left changed. */
static inline double heft_meet_f64(double *sums, uint64_t n)
{
	if (n == 0)
		return 0;
	for (; n > 1; n = n / 2 + n % 2) {
		for (uint64_t i = 0; i < n / 2; i++)
			sums[i] = sums[2 * i] + sums[2 * i + 1];
		if (n % 2 != 0)
			sums[n / 2] = sums[n - 1];
	}
	return sums[0];
}

#endif
