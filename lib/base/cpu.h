/* SPDX-License-Identifier: Apache-2.0 */
/* base/cpu.h - which instructions this CPU has, read once; and the pick of the best variant of a
 * function. */
#ifndef BASE_CPU_H
#define BASE_CPU_H

#include <stddef.h>
#include <stdint.h>

enum heft_cpu_bits {
	HEFT_CPU_SSE42 = 1 << 0,  /* with PCLMUL */
	HEFT_CPU_AVX2 = 1 << 1,   /* with FMA, F16C, BMI2 */
	HEFT_CPU_AVX512 = 1 << 2, /* F, BW, VL, DQ */
	HEFT_CPU_CRC32_ARM = 1 << 3,
	HEFT_CPU_SHA = 1 << 4 /* SHA-256, with SSE4.1 */
};

#if defined(__x86_64__) && defined(__GNUC__)
#define HEFT_TARGET_SSE42 __attribute__((target("sse4.2,pclmul")))
#define HEFT_TARGET_SHA __attribute__((target("sha,sse4.1")))
#define HEFT_TARGET_AVX2 __attribute__((target("avx2,fma,f16c,bmi2")))
#define HEFT_TARGET_AVX512 \
	__attribute__((target("avx512f,avx512bw,avx512vl,avx512dq,avx2,fma,f16c,bmi2")))
#endif

typedef void heft_any_fn(void);

struct heft_variant {
	const char *name;
	uint32_t needs; /* enum heft_cpu_bits */
	heft_any_fn *fn;
};

uint32_t heft_cpu_bits(void);
/* The first row, best first and scalar (needs 0) last, whose needs are all in `bits`. */
heft_any_fn *heft_variant_pick(const struct heft_variant *variants, size_t n, uint32_t bits);

#endif
