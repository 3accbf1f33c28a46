/* SPDX-License-Identifier: Apache-2.0 */
/* kernel/moments.h - one pass over F32 or F64 values: their extremes, their mean and spread, how
 * many are zero, subnormal, infinite or NaN, and how often each leading part comes up. Written from
 * spec/stats.md, section 3.
 *
 * Every variant gives equal bits: sums run in 16 lanes, which are added as a fixed tree. The host's
 * rounding mode is the default one. */
#ifndef KERNEL_MOMENTS_H
#define KERNEL_MOMENTS_H

#include <stddef.h>
#include <stdint.h>

/* Values that are looked at together: small enough that the second look finds them in the first
 * cache. */
#define HEFT_MOMENTS_BLOCK 2048

/* Keys of the table of counts: the leading 16 bits of the value as F32, cut and not rounded. */
#define HEFT_MOMENTS_KEYS 65536
#define HEFT_KEY_MAX 0x7f7f /* of the largest F32, and of whatever is larger */

/* Of no values: zeroed. min, max and the sums are of the finite values, which `n` counts. */
struct heft_moments {
	uint64_t n;
	double min;
	double max;
	/* mean + mean_rest is their mean, m2 the sum of squared deviations from it; of the values
	 * times 2^(-600 scale), so that no square leaves the range of F64. */
	double mean;
	double mean_rest;
	double m2;
	int64_t scale;
	uint64_t n_zero;
	uint64_t n_subnormal; /* in the format that was read */
	uint64_t n_nan;
	uint64_t n_pos_inf;
	uint64_t n_neg_inf;
};

/* Adds n little-endian values at p, at any address, to *m; of the finite ones the keys to counts
 * (HEFT_MOMENTS_KEYS of them, none of which may wrap). Blocks are counted from p, so that where the
 * values are cut matters in the last bits, and who cuts them does not. */
void heft_moments_f32(struct heft_moments *m, uint32_t *counts, const uint8_t *p, size_t n);
void heft_moments_f64(struct heft_moments *m, uint32_t *counts, const uint8_t *p, size_t n);
/* The same by the variant for these CPU bits, for tests. */
void heft_moments_f32_by(uint32_t cpu_bits, struct heft_moments *m, uint32_t *counts,
                         const uint8_t *p, size_t n);
void heft_moments_f64_by(uint32_t cpu_bits, struct heft_moments *m, uint32_t *counts,
                         const uint8_t *p, size_t n);

/* Adds what was found of later values. */
void heft_moments_merge(struct heft_moments *m, const struct heft_moments *later);

/* The key of a finite F64, by its bits. */
uint32_t heft_moments_key(uint64_t f64_bits);

#endif
