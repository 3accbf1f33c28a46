/* SPDX-License-Identifier: Apache-2.0 */
/* lanes_cases.h - numbers of several kinds, and comparisons, for the tests of sums, pooling and
 * normalisation. */
#ifndef HEFT_LANES_CASES_H
#define HEFT_LANES_CASES_H

#include <math.h>
#include <string.h>

#include "base/cpu.h"
#include "unit.h"

/* Every variant of this machine, the reference (0) first. */
static const uint32_t variants_tried[] = { 0, HEFT_CPU_AVX2, HEFT_CPU_AVX2 | HEFT_CPU_AVX512 };
#define N_VARIANTS (sizeof variants_tried / sizeof variants_tried[0])
#define HAS_VARIANT(v) ((variants_tried[v] & ~heft_cpu_bits()) == 0)

#define N_KINDS 5

static inline float case_value(int kind, size_t i, uint64_t *state)
{
	float unit;

	*state = *state * 6364136223846793005u + 1442695040888963407u;
	unit = (float)(*state >> 40) / 0x1p24f - 0.5f;
	switch (kind) {
	case 0:
		return unit;
	case 1:
		return 1.0f + unit / 16;
	case 2:
		return i % 3 == 0 ? 0.0f : -0.0f;
	case 3:
		return i % 97 == 41   ? NAN
		       : i % 89 == 33 ? INFINITY
		       : i % 83 == 3  ? -INFINITY
		                      : unit;
	default:
		return unit * 0x1p-128f;
	}
}

static inline void case_fill(float *x, size_t n, int kind)
{
	uint64_t state = (uint64_t)kind * 77 + n;

	for (size_t i = 0; i < n; i++)
		x[i] = case_value(kind, i, &state);
}

/* spec F1-4: any NaN equals any NaN; all else bit by bit. */
static inline void check_same(const float *a, const float *b, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (!(isnan(a[i]) && isnan(b[i])))
			ck_assert_msg(memcmp(a + i, b + i, sizeof *a) == 0, "%zu of %zu: %a, %a", i,
			              n, (double)a[i], (double)b[i]);
}

static inline void check_same_f64(double a, double b)
{
	if (!(isnan(a) && isnan(b)))
		ck_assert_msg(memcmp(&a, &b, sizeof a) == 0, "%a, %a", a, b);
}

#endif
