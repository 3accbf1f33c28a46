/* SPDX-License-Identifier: Apache-2.0 */
/* kernel/moments_look.h - the two looks at a block of values that kernel/moments.c is made of. */
#ifndef KERNEL_MOMENTS_LOOK_H
#define KERNEL_MOMENTS_LOOK_H

#include <stdbool.h>

#include "kernel/moments.h"

#define HEFT_LOOK_LANES 16

/* What the first look at a block finds. */
struct heft_first_look {
	double lanes[HEFT_LOOK_LANES]; /* sums: value i goes to lane i mod 16 */
	double min;
	double max;
	uint32_t n_zero;
	uint32_t n_tiny; /* below the least normal number: zeros and subnormals */
	bool has_odd;    /* infinities or NaNs; then nothing else holds */
};

/* What the second one adds up: deviations from the mean. */
struct heft_second_look {
	double lanes[HEFT_LOOK_LANES];
	double squares[HEFT_LOOK_LANES];
};

/* How the values of one format are looked at. `second` counts the keys of the values at `keys`. */
struct heft_looks {
	void (*first)(const uint8_t *p, size_t n, struct heft_first_look *f);
	void (*second)(const uint8_t *p, size_t n, double mean, const uint8_t *keys,
	               uint32_t *counts, struct heft_second_look *s);
	/* Moves the finite values up to one another, counts the others in *m, gives how many are
	 * kept. */
	size_t (*keep_finite)(const uint8_t *p, size_t n, uint8_t *kept, struct heft_moments *m);
};

/* Every variant gives equal bits. */
const struct heft_looks *heft_looks_f32(uint32_t cpu_bits);
const struct heft_looks *heft_looks_f64(uint32_t cpu_bits);

#endif
