/* SPDX-License-Identifier: Apache-2.0 */
/* kernel/blend.h - lines of F32 weighted and added, as interpolation does; every product and every
 * sum is rounded, in every variant. y is apart from x and z. */
#ifndef KERNEL_BLEND_H
#define KERNEL_BLEND_H

#include <stddef.h>
#include <stdint.h>

/* y_i = a x_i + b z_i, or a x_i where z is NULL. */
void heft_blend_f32_by(uint32_t cpu_bits, float *y, const float *x, float a, const float *z,
                       float b, size_t n);
/* y_i = y_i + a x_i. */
void heft_blend_add_f32_by(uint32_t cpu_bits, float *y, const float *x, float a, size_t n);

#endif
