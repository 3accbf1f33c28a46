/* SPDX-License-Identifier: Apache-2.0 */
/* kernel/elementary.h - elementary functions over arrays of F32 and F64: y_i = f(x_i), i < n.
 * Written from spec/numerics.md, section 4.
 *
 * y and x lie at any address that their type allows and are the same array or apart. Every variant
 * gives equal bits, on every machine: + - * /, fma and sqrt, each rounded to nearest even, and
 * integers. A NaN that comes out is the quiet one without a payload. How far a result may be from
 * the exact one, in units of its last place, is in the specification: at most 2 for F32, most of
 * them 0.51, and at most 3 for F64.
 * The host's rounding mode is the default one, and subnormals are on. */
#ifndef KERNEL_ELEMENTARY_H
#define KERNEL_ELEMENTARY_H

#include <stddef.h>
#include <stdint.h>

void heft_exp_f32(float *y, const float *x, size_t n);
void heft_expm1_f32(float *y, const float *x, size_t n);
void heft_log_f32(float *y, const float *x, size_t n);
void heft_log1p_f32(float *y, const float *x, size_t n);
void heft_tanh_f32(float *y, const float *x, size_t n);
/* 1 / (1 + e^-x). */
void heft_sigmoid_f32(float *y, const float *x, size_t n);
/* log(1 + e^x). */
void heft_softplus_f32(float *y, const float *x, size_t n);
void heft_erf_f32(float *y, const float *x, size_t n);
void heft_erfc_f32(float *y, const float *x, size_t n);
/* x times the normal distribution: x erfc(-x / sqrt 2) / 2; and its form by tanh. */
void heft_gelu_f32(float *y, const float *x, size_t n);
void heft_gelu_tanh_f32(float *y, const float *x, size_t n);
/* Of every angle: 2^127 turns as one. */
void heft_sin_f32(float *y, const float *x, size_t n);
void heft_cos_f32(float *y, const float *x, size_t n);
void heft_tan_f32(float *y, const float *x, size_t n);
void heft_asin_f32(float *y, const float *x, size_t n);
void heft_acos_f32(float *y, const float *x, size_t n);
void heft_atan_f32(float *y, const float *x, size_t n);
void heft_sinh_f32(float *y, const float *x, size_t n);
void heft_cosh_f32(float *y, const float *x, size_t n);
void heft_asinh_f32(float *y, const float *x, size_t n);
void heft_acosh_f32(float *y, const float *x, size_t n);
void heft_atanh_f32(float *y, const float *x, size_t n);
/* Rounded correctly. */
void heft_sqrt_f32(float *y, const float *x, size_t n);
void heft_reciprocal_f32(float *y, const float *x, size_t n);
/* a^b, as C says of the special ones. */
void heft_pow_f32(float *y, const float *a, const float *b, size_t n);

void heft_exp_f64(double *y, const double *x, size_t n);
void heft_log_f64(double *y, const double *x, size_t n);
void heft_tanh_f64(double *y, const double *x, size_t n);
void heft_sigmoid_f64(double *y, const double *x, size_t n);
void heft_erf_f64(double *y, const double *x, size_t n);
void heft_sin_f64(double *y, const double *x, size_t n);
void heft_cos_f64(double *y, const double *x, size_t n);
void heft_pow_f64(double *y, const double *a, const double *b, size_t n);

/* The same by the variant for these CPU bits, for tests. */
void heft_exp_f32_by(uint32_t cpu_bits, float *y, const float *x, size_t n);
void heft_expm1_f32_by(uint32_t cpu_bits, float *y, const float *x, size_t n);
void heft_log_f32_by(uint32_t cpu_bits, float *y, const float *x, size_t n);
void heft_log1p_f32_by(uint32_t cpu_bits, float *y, const float *x, size_t n);
void heft_tanh_f32_by(uint32_t cpu_bits, float *y, const float *x, size_t n);
void heft_sigmoid_f32_by(uint32_t cpu_bits, float *y, const float *x, size_t n);
void heft_softplus_f32_by(uint32_t cpu_bits, float *y, const float *x, size_t n);
void heft_erf_f32_by(uint32_t cpu_bits, float *y, const float *x, size_t n);
void heft_erfc_f32_by(uint32_t cpu_bits, float *y, const float *x, size_t n);
void heft_gelu_f32_by(uint32_t cpu_bits, float *y, const float *x, size_t n);
void heft_gelu_tanh_f32_by(uint32_t cpu_bits, float *y, const float *x, size_t n);
void heft_sin_f32_by(uint32_t cpu_bits, float *y, const float *x, size_t n);
void heft_cos_f32_by(uint32_t cpu_bits, float *y, const float *x, size_t n);
void heft_tan_f32_by(uint32_t cpu_bits, float *y, const float *x, size_t n);
void heft_asin_f32_by(uint32_t cpu_bits, float *y, const float *x, size_t n);
void heft_acos_f32_by(uint32_t cpu_bits, float *y, const float *x, size_t n);
void heft_atan_f32_by(uint32_t cpu_bits, float *y, const float *x, size_t n);
void heft_sinh_f32_by(uint32_t cpu_bits, float *y, const float *x, size_t n);
void heft_cosh_f32_by(uint32_t cpu_bits, float *y, const float *x, size_t n);
void heft_asinh_f32_by(uint32_t cpu_bits, float *y, const float *x, size_t n);
void heft_acosh_f32_by(uint32_t cpu_bits, float *y, const float *x, size_t n);
void heft_atanh_f32_by(uint32_t cpu_bits, float *y, const float *x, size_t n);
void heft_sqrt_f32_by(uint32_t cpu_bits, float *y, const float *x, size_t n);
void heft_reciprocal_f32_by(uint32_t cpu_bits, float *y, const float *x, size_t n);
void heft_pow_f32_by(uint32_t cpu_bits, float *y, const float *a, const float *b, size_t n);
void heft_exp_f64_by(uint32_t cpu_bits, double *y, const double *x, size_t n);
void heft_log_f64_by(uint32_t cpu_bits, double *y, const double *x, size_t n);
void heft_tanh_f64_by(uint32_t cpu_bits, double *y, const double *x, size_t n);
void heft_sigmoid_f64_by(uint32_t cpu_bits, double *y, const double *x, size_t n);
void heft_erf_f64_by(uint32_t cpu_bits, double *y, const double *x, size_t n);
void heft_sin_f64_by(uint32_t cpu_bits, double *y, const double *x, size_t n);
void heft_cos_f64_by(uint32_t cpu_bits, double *y, const double *x, size_t n);
void heft_pow_f64_by(uint32_t cpu_bits, double *y, const double *a, const double *b, size_t n);

#endif
