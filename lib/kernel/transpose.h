/* SPDX-License-Identifier: Apache-2.0 */
/* kernel/transpose.h - rows become columns: planes of an image become pixels, and back; and rows
 * with zeros on both sides. Bytes are copied as they are, NaNs too. */
#ifndef KERNEL_TRANSPOSE_H
#define KERNEL_TRANSPOSE_H

#include <stddef.h>
#include <stdint.h>

/* y[j * y_ld + i] = x[i * x_ld + j] for i < n_rows and j < n_columns; y is apart from x. An image's
 * planes (NCHW) become pixels (NHWC) with n_rows channels and n_columns pixels, and the other way
 * round back. */
void heft_transpose(const float *x, size_t x_ld, size_t n_rows, size_t n_columns, float *y,
                    size_t y_ld);
/* The same by the variant for these CPU bits, for tests. */
void heft_transpose_by(uint32_t cpu_bits, const float *x, size_t x_ld, size_t n_rows,
                       size_t n_columns, float *y, size_t y_ld);

/* Rows of n values, x_ld apart, become rows of before + n + after values, the new ones +0. */
void heft_pad_rows(const float *x, size_t x_ld, size_t n_rows, size_t n, size_t before,
                   size_t after, float *y);

#endif
