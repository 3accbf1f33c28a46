/* SPDX-License-Identifier: Apache-2.0 */
/* graph/chain.h - one reduction in the order of spec F2-1, term by term, in F64 or in F32: for what
 * no kernel computes. */
#ifndef GRAPH_CHAIN_H
#define GRAPH_CHAIN_H

#include <math.h>
#include <stdint.h>

#include "kernel/product.h"

#define HEFT_CHAIN(type, name, fused)                                                           \
	struct heft_chain_##name {                                                              \
		type a;                                                                         \
		uint64_t k;      /* terms so far */                                             \
		uint32_t n_sums; /* of pieces, that wait for a neighbour */                     \
		type sums[64];                                                                  \
	};                                                                                      \
	static inline void heft_chain_##name##_start(struct heft_chain_##name *c)               \
	{                                                                                       \
		c->a = 0;                                                                       \
		c->k = 0;                                                                       \
		c->n_sums = 0;                                                                  \
	}                                                                                       \
	static inline void heft_chain_##name##_meet(struct heft_chain_##name *c)                \
	{                                                                                       \
		c->n_sums--;                                                                    \
		c->sums[c->n_sums - 1] += c->sums[c->n_sums];                                   \
	}                                                                                       \
	/* behind the last term of a piece */                                                   \
	static inline void heft_chain_##name##_cut(struct heft_chain_##name *c)                 \
	{                                                                                       \
		c->sums[c->n_sums++] = c->a;                                                    \
		c->a = 0;                                                                       \
		for (uint64_t n = c->k / HEFT_PRODUCT_PIECE; n % 2 == 0; n /= 2)                \
			heft_chain_##name##_meet(c);                                            \
	}                                                                                       \
	static inline void heft_chain_##name##_add(struct heft_chain_##name *c, type x, type w) \
	{                                                                                       \
		c->a = fused(x, w, c->a);                                                       \
		if (++c->k % HEFT_PRODUCT_PIECE == 0)                                           \
			heft_chain_##name##_cut(c);                                             \
	}                                                                                       \
	/* a term without factors keeps its number */                                           \
	static inline void heft_chain_##name##_skip(struct heft_chain_##name *c, uint64_t n)    \
	{                                                                                       \
		while (n > 0) {                                                                 \
			const uint64_t left = HEFT_PRODUCT_PIECE - c->k % HEFT_PRODUCT_PIECE;   \
			const uint64_t step = n < left ? n : left;                              \
                                                                                                \
			c->k += step;                                                           \
			n -= step;                                                              \
			if (c->k % HEFT_PRODUCT_PIECE == 0)                                     \
				heft_chain_##name##_cut(c);                                     \
		}                                                                               \
	}                                                                                       \
	static inline type heft_chain_##name##_done(struct heft_chain_##name *c)                \
	{                                                                                       \
		if (c->k % HEFT_PRODUCT_PIECE != 0 || c->n_sums == 0)                           \
			c->sums[c->n_sums++] = c->a;                                            \
		while (c->n_sums > 1)                                                           \
			heft_chain_##name##_meet(c);                                            \
		return c->sums[0] + 0;                                                          \
	}

HEFT_CHAIN(float, f32, fmaf)
HEFT_CHAIN(double, f64, fma)

#endif
