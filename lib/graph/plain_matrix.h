/* SPDX-License-Identifier: Apache-2.0 */
/* graph/plain_matrix.h - products of matrices that no kernel computes: of F64 by chains (spec
 * F2-1), of integers modulo their range. */
#ifndef GRAPH_PLAIN_MATRIX_H
#define GRAPH_PLAIN_MATRIX_H

#include "graph/op.h"

/* y[m, n] = sum over k of a[m, k] b[k, n]; strides in elements, y is packed. */
struct heft_plain_matrix {
	enum heft_dtype dtype; /* F32, F64, I32, U32, I64, U64 */
	uint64_t n_terms;
	uint64_t n_columns;
	uint64_t a_row;
	uint64_t a_term;
	uint64_t b_term;
	uint64_t b_column;
};

/* Rows first to first + n - 1 of one matrix. */
void heft_plain_matrix_rows(const struct heft_plain_matrix *p, const void *a, const void *b,
                            void *y, uint64_t first, uint64_t n);

#endif
