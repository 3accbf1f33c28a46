/* SPDX-License-Identifier: Apache-2.0 */
/* kernel/diff_sums.h - how far two runs of numbers lie apart, in one pass over both.
 *
 * Elements lie one behind the other, little-endian, at any address; the runs may be the same
 * one. Every variant gives the same bits as the scalar one: element i goes to lane i mod 8,
 * nothing is fused, and the eight lanes are added as ((0+4) + (2+6)) + ((1+5) + (3+7)). (Eight
 * and not sixteen: five accumulators a lane leave AVX2 no registers for more.) An infinity or a
 * NaN among the elements makes the sum of squares of its side no finite number; `max` then means
 * nothing. */
#ifndef KERNEL_DIFF_SUMS_H
#define KERNEL_DIFF_SUMS_H

#include <stddef.h>
#include <stdint.h>

/* All in F64; a product of two F32 is exact there. */
struct heft_diff_sums {
	double squares; /* of a - b */
	double a_squares;
	double b_squares;
	double products; /* a b */
	double max;      /* |a - b| */
};

/* Sums of n pairs. */
void heft_diff_sums_f32(const uint8_t *a, const uint8_t *b, size_t n, struct heft_diff_sums *s);
void heft_diff_sums_f64(const uint8_t *a, const uint8_t *b, size_t n, struct heft_diff_sums *s);
/* Each value is the sum of two F64, the second below the first one's last bit: integers of 64 bits.
 * The difference is taken of both, the squares of the first alone. */
void heft_diff_sums_long(const uint8_t *a, const uint8_t *a_low, const uint8_t *b,
                         const uint8_t *b_low, size_t n, struct heft_diff_sums *s);
/* total becomes what it was, and then s: the order of the calls is the order of the sum. */
void heft_diff_sums_add(struct heft_diff_sums *total, const struct heft_diff_sums *s);

/* How many of n elements of `unit` bytes are not the same bytes on both sides. */
size_t heft_diff_count(size_t unit, const uint8_t *a, const uint8_t *b, size_t n);

/* The same by the loops for these CPU bits, for tests. */
void heft_diff_sums_f32_by(uint32_t cpu_bits, const uint8_t *a, const uint8_t *b, size_t n,
                           struct heft_diff_sums *s);
void heft_diff_sums_f64_by(uint32_t cpu_bits, const uint8_t *a, const uint8_t *b, size_t n,
                           struct heft_diff_sums *s);
size_t heft_diff_count_by(uint32_t cpu_bits, size_t unit, const uint8_t *a, const uint8_t *b,
                          size_t n);

#endif
