/* SPDX-License-Identifier: Apache-2.0 */
/* kernel/arithmetic.h - what takes a few operations an element, over arrays of F32 and F64: sums,
 * products, comparisons, and the activations that are pieces of lines. Written from
 * spec/numerics.md, section 6.
 *
 * y is one of the operands that have a step of 1, or apart from them. Every variant gives equal
 * bits, but for those of a NaN. */
#ifndef KERNEL_ARITHMETIC_H
#define KERNEL_ARITHMETIC_H

#include <stddef.h>
#include <stdint.h>

/* y = f(a, b), with the numbers p and q. A NaN among the operands that f looks at stays a NaN. */
enum heft_arithmetic {
	HEFT_ARITHMETIC_ADD,
	HEFT_ARITHMETIC_SUB,
	HEFT_ARITHMETIC_MUL,
	HEFT_ARITHMETIC_DIV,
	HEFT_ARITHMETIC_MAX, /* a, or b if it is greater: spec F3-4 */
	HEFT_ARITHMETIC_MIN,
	HEFT_ARITHMETIC_PRELU, /* a × b where a < 0, else a */
	HEFT_ARITHMETIC_ELU,   /* (p × b where a < 0, else a) × q */
	HEFT_ARITHMETIC_DROP,  /* a × q where b >= p, else +0 */
	/* what is left of a gradient a, by the output b or the input b of a function (F7-4): */
	HEFT_ARITHMETIC_SLOPE_ABOVE,      /* a where b > p, else +0 */
	HEFT_ARITHMETIC_SLOPE_BETWEEN,    /* a where p < b < q, else +0 */
	HEFT_ARITHMETIC_SLOPE_BELOW,      /* a × b where b < 0, else +0 */
	HEFT_ARITHMETIC_SLOPE_LEAKY,      /* a where b > 0, else p × a */
	HEFT_ARITHMETIC_SLOPE_ELU,        /* a × (b + p) where b < 0, else a × q */
	HEFT_ARITHMETIC_SLOPE_SIGMOID,    /* a × (b × (1 - b)) */
	HEFT_ARITHMETIC_SLOPE_TANH,       /* a × (1 - b × b) */
	HEFT_ARITHMETIC_SLOPE_ROOT,       /* (0.5 × a) / b */
	HEFT_ARITHMETIC_SLOPE_ABS,        /* a where b > 0, -a where b < 0, else +0 */
	HEFT_ARITHMETIC_SLOPE_SOFTSIGN,   /* a / ((1 + |b|) × (1 + |b|)) */
	HEFT_ARITHMETIC_SLOPE_HARD_SWISH, /* t = p × b, f = t + q: +0 where f < 0, a where f > 1,
	                                   * else a × (f + t) */
	/* of a alone: */
	HEFT_ARITHMETIC_RELU,         /* +0 where a < 0 */
	HEFT_ARITHMETIC_LEAKY,        /* p × a where a < 0 */
	HEFT_ARITHMETIC_CLIP,         /* p where a < p; then q where that is > q */
	HEFT_ARITHMETIC_THRESHOLD,    /* +0 where a <= p */
	HEFT_ARITHMETIC_HARD_SIGMOID, /* p × a + q, between 0 and 1 */
	HEFT_ARITHMETIC_HARD_SWISH,   /* a times that */
	HEFT_ARITHMETIC_SHRINK,       /* a + q where a < -p, a - q where a > p, else +0 */
	HEFT_ARITHMETIC_ABS,
	HEFT_ARITHMETIC_NEG,
	HEFT_ARITHMETIC_SIGN,
	HEFT_ARITHMETIC_FLOOR,
	HEFT_ARITHMETIC_CEIL,
	HEFT_ARITHMETIC_ROUND,    /* half to even */
	HEFT_ARITHMETIC_SOFTSIGN, /* a / (1 + |a|) */
	HEFT_ARITHMETIC_SQUARE,
	HEFT_ARITHMETIC_RECIPROCAL,
	HEFT_ARITHMETIC_SCALE, /* p × a */
	HEFT_N_ARITHMETIC
};

/* A step of an operand is 1, or 0: its one element is that of every y. */
void heft_arithmetic_f32_by(uint32_t cpu_bits, enum heft_arithmetic f, float *y, const float *a,
                            size_t a_step, const float *b, size_t b_step, float p, float q,
                            size_t n);
void heft_arithmetic_f64_by(uint32_t cpu_bits, enum heft_arithmetic f, double *y, const double *a,
                            size_t a_step, const double *b, size_t b_step, double p, double q,
                            size_t n);

/* y = 1 where it holds, else 0. Of a NaN nothing holds but IS_NAN. */
enum heft_comparison {
	HEFT_COMPARE_EQUAL,
	HEFT_COMPARE_LESS,
	HEFT_COMPARE_LESS_OR_EQUAL,
	HEFT_COMPARE_IS_NAN, /* of a alone */
	HEFT_COMPARE_IS_INF, /* of a alone: either */
	HEFT_N_COMPARISONS
};

void heft_compare_f32_by(uint32_t cpu_bits, enum heft_comparison f, uint8_t *y, const float *a,
                         size_t a_step, const float *b, size_t b_step, size_t n);
void heft_compare_f64_by(uint32_t cpu_bits, enum heft_comparison f, uint8_t *y, const double *a,
                         size_t a_step, const double *b, size_t b_step, size_t n);

/* y = a where which is not 0, else b: elements of 4 bytes, bit by bit. */
void heft_where_32_by(uint32_t cpu_bits, uint32_t *y, const uint8_t *which, size_t which_step,
                      const uint32_t *a, size_t a_step, const uint32_t *b, size_t b_step, size_t n);

#endif
