/* SPDX-License-Identifier: Apache-2.0 */
/* kernel/elementary_rare.h - functions of F64 arrays that few models ask for, of which F32 is in
 * kernel/elementary.h; the contract is the one there. Within 4 units of the last place; gelu, whose
 * value can be far smaller than its parts, within 4 of those of x. Written from spec/numerics.md,
 * section 6. */
#ifndef KERNEL_ELEMENTARY_RARE_H
#define KERNEL_ELEMENTARY_RARE_H

#include <stddef.h>
#include <stdint.h>

void heft_expm1_f64_by(uint32_t cpu_bits, double *y, const double *x, size_t n);
void heft_softplus_f64_by(uint32_t cpu_bits, double *y, const double *x, size_t n);
void heft_gelu_f64_by(uint32_t cpu_bits, double *y, const double *x, size_t n);
void heft_gelu_tanh_f64_by(uint32_t cpu_bits, double *y, const double *x, size_t n);
void heft_tan_f64_by(uint32_t cpu_bits, double *y, const double *x, size_t n);
void heft_asin_f64_by(uint32_t cpu_bits, double *y, const double *x, size_t n);
void heft_acos_f64_by(uint32_t cpu_bits, double *y, const double *x, size_t n);
void heft_atan_f64_by(uint32_t cpu_bits, double *y, const double *x, size_t n);
void heft_sinh_f64_by(uint32_t cpu_bits, double *y, const double *x, size_t n);
void heft_cosh_f64_by(uint32_t cpu_bits, double *y, const double *x, size_t n);
void heft_asinh_f64_by(uint32_t cpu_bits, double *y, const double *x, size_t n);
void heft_acosh_f64_by(uint32_t cpu_bits, double *y, const double *x, size_t n);
void heft_atanh_f64_by(uint32_t cpu_bits, double *y, const double *x, size_t n);
void heft_sqrt_f64_by(uint32_t cpu_bits, double *y, const double *x, size_t n);

#endif
