/* SPDX-License-Identifier: Apache-2.0 */
/* kernel/roots.h - the correctly rounded square roots of a block of F64, for loops of elementary
 * functions: a compiler leaves sqrt in a loop alone, which may have to set errno.
 *
 * They are called and not inlined: clang 14, which would see where the first root goes, then makes
 * no vectors of the loop behind it (9.5 ns an element of asinh instead of 2.7). */
#ifndef KERNEL_ROOTS_H
#define KERNEL_ROOTS_H

#include "base/cpu.h"

#define HEFT_N_ROOTS 16

/* In place. */
void heft_roots_scalar(double *x);
#ifdef HEFT_TARGET_AVX2
void heft_roots_avx2(double *x);
void heft_roots_avx512(double *x);
#endif

#endif
