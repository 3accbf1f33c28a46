/* SPDX-License-Identifier: Apache-2.0 */
/* graph/dft.h - the discrete Fourier transform of any length, in binary64. Written from
 * spec/numerics.md, F6-88. Complex numbers are pairs of doubles. */
#ifndef GRAPH_DFT_H
#define GRAPH_DFT_H

#include "graph/op.h"

/* Bytes of a table of n roots of one, and of what each thread wants for a line of n; false where
 * they do not fit. */
bool heft_dft_sizes(uint64_t n, size_t *table_size, size_t *line_size);
/* e^(-2 pi i j / n); of the inverse e^(2 pi i j / n). */
void heft_dft_table(uint32_t cpu_bits, size_t n, bool is_inverse, double *table);

/* One line: where its numbers are in the memory of a thread. */
struct heft_dft_line {
	double *in;  /* n complex numbers */
	double *out; /* n complex numbers */
	double *rest;
};

struct heft_dft_line heft_dft_line_at(void *memory, size_t n);
/* out = the transform of in. n > 0. */
void heft_dft_run(const double *table, size_t n, const struct heft_dft_line *line);

/* Element i of an F32 or F64 array as a double, and back. */
double heft_dft_get(const struct heft_array *a, uint64_t i);
void heft_dft_put(const struct heft_array *a, uint64_t i, double value);

/* A scalar integer input whose value is known. */
enum heft_status heft_dft_known_int(const struct heft_call *c, uint32_t i, int64_t *value,
                                    struct heft_error *err);

#endif
