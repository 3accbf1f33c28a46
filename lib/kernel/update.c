/* SPDX-License-Identifier: Apache-2.0 */
/* update.c - a step of an optimiser, for every target. One pass over value, gradient and state: on
 * the way memory is what it costs. */
#include "kernel/update.h"

#include "base/cpu.h"
#include "kernel/lanes.h"

HEFT_LANES_INLINE struct lanes_f32_scalar lanes_sqrt_f32_scalar(struct lanes_f32_scalar a)
{
	LANES_EACH(a.v[i] = sqrtf(a.v[i]))
	return a;
}

HEFT_LANES_INLINE struct lanes_f64_scalar lanes_sqrt_f64_scalar(struct lanes_f64_scalar a)
{
	LANES_EACH(a.v[i] = sqrt(a.v[i]))
	return a;
}

#define TARGET
#define ISA scalar
#define TYPE float
#define REAL f32
#include "kernel/update_loops.inc"

#define TARGET
#define ISA scalar
#define TYPE double
#define REAL f64
#include "kernel/update_loops.inc"

#ifdef HEFT_TARGET_AVX2
#define ROOTS(TARGET, n_parts, real, isa, root)                       \
	TARGET struct lanes_##real##_##isa lanes_sqrt_##real##_##isa( \
		struct lanes_##real##_##isa a)                        \
	{                                                             \
		LANES_ONE_##n_parts(root) return a;                   \
	}

ROOTS(LANES_AVX2, 2, f32, avx2, _mm256_sqrt_ps)
ROOTS(LANES_AVX2, 4, f64, avx2, _mm256_sqrt_pd)
ROOTS(LANES_AVX512, 1, f32, avx512, _mm512_sqrt_ps)
ROOTS(LANES_AVX512, 2, f64, avx512, _mm512_sqrt_pd)

#define TARGET HEFT_TARGET_AVX2
#define ISA avx2
#define TYPE float
#define REAL f32
#include "kernel/update_loops.inc"

#define TARGET HEFT_TARGET_AVX2
#define ISA avx2
#define TYPE double
#define REAL f64
#include "kernel/update_loops.inc"

#define TARGET HEFT_TARGET_AVX512
#define ISA avx512
#define TYPE float
#define REAL f32
#include "kernel/update_loops.inc"

#define TARGET HEFT_TARGET_AVX512
#define ISA avx512
#define TYPE double
#define REAL f64
#include "kernel/update_loops.inc"

#define WIDE_ROWS(name)                                              \
	{ "avx512", HEFT_CPU_AVX512, (heft_any_fn *)name##_avx512 }, \
		{ "avx2", HEFT_CPU_AVX2, (heft_any_fn *)name##_avx2 },
#else
#define WIDE_ROWS(name)
#endif

#define PICK(name, result, ...)                                                           \
	typedef result name##_fn(__VA_ARGS__);                                            \
	static name##_fn *pick_##name(uint32_t cpu_bits)                                  \
	{                                                                                 \
		static const struct heft_variant variants[] = { WIDE_ROWS(name){          \
			"scalar", 0, (heft_any_fn *)name##_scalar } };                    \
                                                                                          \
		return (name##_fn *)heft_variant_pick(variants,                           \
		                                      sizeof variants / sizeof *variants, \
		                                      cpu_bits);                          \
	}

PICK(update_take_f32, void, const struct heft_update_gradient *, float *, const float *, size_t)
PICK(update_take_f64, void, const struct heft_update_gradient *, double *, const double *, size_t)
PICK(update_sgd_f32, uint32_t, const struct heft_update_sgd *, float *, const float *, float *,
     size_t)
PICK(update_sgd_f64, uint32_t, const struct heft_update_sgd *, double *, const double *, double *,
     size_t)
PICK(update_adam_f32, uint32_t, const struct heft_update_adam *, float *, const float *, float *,
     float *, float *, size_t)
PICK(update_adam_f64, uint32_t, const struct heft_update_adam *, double *, const double *, double *,
     double *, double *, size_t)

void heft_update_take_f32_by(uint32_t cpu_bits, const struct heft_update_gradient *taken, float *to,
                             const float *g, size_t n)
{
	pick_update_take_f32(cpu_bits)(taken, to, g, n);
}

void heft_update_take_f64_by(uint32_t cpu_bits, const struct heft_update_gradient *taken,
                             double *to, const double *g, size_t n)
{
	pick_update_take_f64(cpu_bits)(taken, to, g, n);
}

uint32_t heft_update_sgd_f32_by(uint32_t cpu_bits, const struct heft_update_sgd *u, float *value,
                                const float *g, float *b, size_t n)
{
	return pick_update_sgd_f32(cpu_bits)(u, value, g, b, n);
}

uint32_t heft_update_sgd_f64_by(uint32_t cpu_bits, const struct heft_update_sgd *u, double *value,
                                const double *g, double *b, size_t n)
{
	return pick_update_sgd_f64(cpu_bits)(u, value, g, b, n);
}

uint32_t heft_update_adam_f32_by(uint32_t cpu_bits, const struct heft_update_adam *u, float *value,
                                 const float *g, float *m, float *v, float *w, size_t n)
{
	return pick_update_adam_f32(cpu_bits)(u, value, g, m, v, w, n);
}

uint32_t heft_update_adam_f64_by(uint32_t cpu_bits, const struct heft_update_adam *u, double *value,
                                 const double *g, double *m, double *v, double *w, size_t n)
{
	return pick_update_adam_f64(cpu_bits)(u, value, g, m, v, w, n);
}
