/* SPDX-License-Identifier: Apache-2.0 */
/* kernel/philox.h - random numbers by their place: any of them without those before it. Written
 * from spec/numerics.md, section 5.
 *
 * Philox4x32-10 of Salmon, Moraes, Dror and Shaw (2011): a key and a counter give four words.
 * The same seed and place give the same numbers on every machine, in every variant. */
#ifndef KERNEL_PHILOX_H
#define KERNEL_PHILOX_H

#include <stddef.h>
#include <stdint.h>

enum heft_random_stream {
	HEFT_RANDOM_WEIGHTS = 0, /* the first values of a new layer */
	HEFT_RANDOM_ORDER = 1,   /* of the samples */
	HEFT_RANDOM_DROPOUT = 2,
	HEFT_RANDOM_AUGMENT = 3
};

/* Where numbers are drawn; the index of the element or sample comes with each call. */
struct heft_random_place {
	uint64_t seed;
	uint32_t stream; /* below 2^16 */
	uint32_t epoch;
	uint32_t step;
};

void heft_philox(const uint32_t key[2], const uint32_t counter[4], uint32_t words[4]);

/* Element i of an array is element first + i of the place; first is a multiple of 4, and no element
 * is past 2^34. Words; numbers k 2^-24 in [0, 1); normal numbers of mean 0 and deviation 1. */
void heft_random_words(const struct heft_random_place *at, uint64_t first, uint32_t *y, size_t n);
void heft_random_uniform_f32(const struct heft_random_place *at, uint64_t first, float *y,
                             size_t n);
void heft_random_normal_f32(const struct heft_random_place *at, uint64_t first, float *y, size_t n);

/* The 64 bits by which samples are put in order. */
uint64_t heft_random_u64(const struct heft_random_place *at, uint32_t index);
/* One of 0 ... bound - 1, all equally likely; bound > 0. */
uint32_t heft_random_below(const struct heft_random_place *at, uint32_t index, uint32_t bound);

/* The same by the variant for these CPU bits, for tests. */
void heft_random_words_by(uint32_t cpu_bits, const struct heft_random_place *at, uint64_t first,
                          uint32_t *y, size_t n);
void heft_random_uniform_f32_by(uint32_t cpu_bits, const struct heft_random_place *at,
                                uint64_t first, float *y, size_t n);
void heft_random_normal_f32_by(uint32_t cpu_bits, const struct heft_random_place *at,
                               uint64_t first, float *y, size_t n);

#endif
