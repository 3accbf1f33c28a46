/* SPDX-License-Identifier: Apache-2.0 */
/* plain_matrix.c - matrix products one element after the other. */
#include "graph/plain_matrix.h"

#include "graph/chain.h"

#define FLOAT_ELEMENT(type, name)                                                               \
	static void set_##name(const struct heft_plain_matrix *p, const void *a, const void *b, \
	                       void *y, uint64_t row, uint64_t column)                          \
	{                                                                                       \
		const type *x = (const type *)a + row * p->a_row;                               \
		const type *w = (const type *)b + column * p->b_column;                         \
		struct heft_chain_##name chain;                                                 \
                                                                                                \
		heft_chain_##name##_start(&chain);                                              \
		for (uint64_t k = 0; k < p->n_terms; k++)                                       \
			heft_chain_##name##_add(&chain, x[k * p->a_term], w[k * p->b_term]);    \
		((type *)y)[row * p->n_columns + column] = heft_chain_##name##_done(&chain);    \
	}

#define INTEGER_ELEMENT(type, name)                                                             \
	static void set_##name(const struct heft_plain_matrix *p, const void *a, const void *b, \
	                       void *y, uint64_t row, uint64_t column)                          \
	{                                                                                       \
		const type *x = (const type *)a + row * p->a_row;                               \
		const type *w = (const type *)b + column * p->b_column;                         \
		type sum = 0;                                                                   \
                                                                                                \
		for (uint64_t k = 0; k < p->n_terms; k++)                                       \
			sum += x[k * p->a_term] * w[k * p->b_term];                             \
		((type *)y)[row * p->n_columns + column] = sum;                                 \
	}

FLOAT_ELEMENT(float, f32)
FLOAT_ELEMENT(double, f64)
INTEGER_ELEMENT(uint32_t, u32)
INTEGER_ELEMENT(uint64_t, u64)

typedef void set_fn(const struct heft_plain_matrix *p, const void *a, const void *b, void *y,
                    uint64_t row, uint64_t column);

static set_fn *setter(enum heft_dtype dtype)
{
	switch (dtype) {
	case HEFT_DTYPE_F32:
		return set_f32;
	case HEFT_DTYPE_F64:
		return set_f64;
	case HEFT_DTYPE_I32:
	case HEFT_DTYPE_U32:
		return set_u32;
	default:
		return set_u64;
	}
}

void heft_plain_matrix_rows(const struct heft_plain_matrix *p, const void *a, const void *b,
                            void *y, uint64_t first, uint64_t n)
{
	set_fn *const set = setter(p->dtype);

	for (uint64_t row = first; row < first + n; row++)
		for (uint64_t column = 0; column < p->n_columns; column++)
			set(p, a, b, y, row, column);
}
