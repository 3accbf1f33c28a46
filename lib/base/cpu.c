/* SPDX-License-Identifier: Apache-2.0 */
/* base/cpu.c - reads once which instructions this CPU has. */
#include "base/cpu.h"

#include <assert.h>
#include <stdatomic.h>

#if defined(__x86_64__) && defined(__GNUC__)
#include <cpuid.h>

/* Every CPU with AVX2 has F16C, yet a virtual machine may hide any bit; the compilers' own test of
 * it is newer than some of them. */
static int has_f16c(void)
{
	unsigned a;
	unsigned b;
	unsigned c;
	unsigned d;

	return __get_cpuid(1, &a, &b, &c, &d) && (c & bit_F16C);
}

/* gcc 12 and clang 14 know no name for it. */
static int has_sha(void)
{
	unsigned a;
	unsigned b;
	unsigned c;
	unsigned d;

	return __get_cpuid_count(7, 0, &a, &b, &c, &d) && (b & bit_SHA);
}

/* The compilers' tests also ask whether the system saves the wide registers. */
static uint32_t read_bits(void)
{
	uint32_t bits = 0;

	__builtin_cpu_init();
	if (__builtin_cpu_supports("sse4.2") && __builtin_cpu_supports("pclmul"))
		bits |= HEFT_CPU_SSE42;
	if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") &&
	    __builtin_cpu_supports("bmi2") && has_f16c())
		bits |= HEFT_CPU_AVX2;
	if ((bits & HEFT_CPU_AVX2) && __builtin_cpu_supports("avx512f") &&
	    __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl") &&
	    __builtin_cpu_supports("avx512dq"))
		bits |= HEFT_CPU_AVX512;
	if (__builtin_cpu_supports("sse4.1") && has_sha())
		bits |= HEFT_CPU_SHA;
	return bits;
}
#elif defined(__aarch64__) && defined(__linux__)
#include <asm/hwcap.h>
#include <sys/auxv.h>

static uint32_t read_bits(void)
{
	return getauxval(AT_HWCAP) & HWCAP_CRC32 ? HEFT_CPU_CRC32_ARM : 0;
}
#else
static uint32_t read_bits(void)
{
	return 0;
}
#endif

#define IS_READ (UINT32_C(1) << 31)

uint32_t heft_cpu_bits(void)
{
	static _Atomic uint32_t bits; /* two threads that come first both find the same */
	uint32_t v = atomic_load_explicit(&bits, memory_order_relaxed);

	if (v == 0) {
		v = read_bits() | IS_READ;
		atomic_store_explicit(&bits, v, memory_order_relaxed);
	}
	return v & ~IS_READ;
}

heft_any_fn *heft_variant_pick(const struct heft_variant *variants, size_t n, uint32_t bits)
{
	size_t i = 0;

	assert(n > 0 && variants[n - 1].needs == 0);
	while (i + 1 < n && (variants[i].needs & ~bits) != 0)
		i++;
	return variants[i].fn;
}
