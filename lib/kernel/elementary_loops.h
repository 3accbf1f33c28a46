/* SPDX-License-Identifier: Apache-2.0 */
/* kernel/elementary_loops.h - makes loops over arrays of functions of one number: the same source
 * for every target, in blocks that compilers turn into vectors.
 *
 * A block is 16 elements in an array of its own: its size is a constant and it overlaps nothing, so
 * that gcc makes vectors of it at -O2 as well, and results may go where the input was. */
#ifndef KERNEL_ELEMENTARY_LOOPS_H
#define KERNEL_ELEMENTARY_LOOPS_H

#include "kernel/elementary_bits.h"
#include "kernel/roots.h"

#define HEFT_LANES HEFT_N_ROOTS

/* `from` is where the next n elements are read: `all`, or if they are no whole block, a copy in
 * `block` with zeros behind. (A copy of every block costs 1 ns an element with AVX2 and gcc 12,
 * which writes it in halves that the next load has to wait for.) */
#define HEFT_TAKE(from, block, all, n)                             \
	do {                                                       \
		from = all;                                        \
		if ((n) < HEFT_LANES) {                            \
			memset(block, 0, sizeof(block));           \
			memcpy(block, all, (n) * sizeof *(block)); \
			from = block;                              \
		}                                                  \
	} while (0)
#define HEFT_PUT(to, block, n)                                    \
	do {                                                      \
		if ((n) == HEFT_LANES)                            \
			memcpy(to, block, sizeof(block));         \
		else                                              \
			memcpy(to, block, (n) * sizeof *(block)); \
	} while (0)

#define HEFT_NO_FIX(type, in, out) ((void)0)

/* y = one(x), and then fix(type, x, y) of whole blocks. */
#define HEFT_LOOP(target, type, name, one, fix)                                         \
	target static void name(type *y, const type *x, size_t n)                       \
	{                                                                               \
		type in[HEFT_LANES];                                                    \
		type out[HEFT_LANES];                                                   \
                                                                                        \
		for (size_t at = 0; at < n; at += HEFT_LANES) {                         \
			const size_t n_now = n - at < HEFT_LANES ? n - at : HEFT_LANES; \
			const type *from;                                               \
                                                                                        \
			HEFT_TAKE(from, in, x + at, n_now);                             \
			for (size_t i = 0; i < HEFT_LANES; i++)                         \
				out[i] = one(from[i]);                                  \
			fix(type, from, out);                                           \
			HEFT_PUT(y + at, out, n_now);                                   \
		}                                                                       \
	}

/* y = one(a, b). */
#define HEFT_LOOP_OF_TWO(target, type, name, one)                                       \
	target static void name(type *y, const type *a, const type *b, size_t n)        \
	{                                                                               \
		type in_a[HEFT_LANES];                                                  \
		type in_b[HEFT_LANES];                                                  \
		type out[HEFT_LANES];                                                   \
                                                                                        \
		for (size_t at = 0; at < n; at += HEFT_LANES) {                         \
			const size_t n_now = n - at < HEFT_LANES ? n - at : HEFT_LANES; \
			const type *from_a;                                             \
			const type *from_b;                                             \
                                                                                        \
			HEFT_TAKE(from_a, in_a, a + at, n_now);                         \
			HEFT_TAKE(from_b, in_b, b + at, n_now);                         \
			for (size_t i = 0; i < HEFT_LANES; i++)                         \
				out[i] = one(from_a[i], from_b[i]);                     \
			HEFT_PUT(y + at, out, n_now);                                   \
		}                                                                       \
	}

/* y = after(x, root of before(x)), the root in F64 by `root` of a whole block: compilers leave sqrt
 * alone, which may have to set errno. */
#define HEFT_LOOP_OF_ROOT(target, name, root, before, after)                            \
	target static void name(float *y, const float *x, size_t n)                     \
	{                                                                               \
		float in[HEFT_LANES];                                                   \
		float out[HEFT_LANES];                                                  \
		double roots[HEFT_LANES];                                               \
                                                                                        \
		for (size_t at = 0; at < n; at += HEFT_LANES) {                         \
			const size_t n_now = n - at < HEFT_LANES ? n - at : HEFT_LANES; \
			const float *from;                                              \
                                                                                        \
			HEFT_TAKE(from, in, x + at, n_now);                             \
			for (size_t i = 0; i < HEFT_LANES; i++)                         \
				roots[i] = before(from[i]);                             \
			root(roots);                                                    \
			for (size_t i = 0; i < HEFT_LANES; i++)                         \
				out[i] = after(from[i], roots[i]);                      \
			HEFT_PUT(y + at, out, n_now);                                   \
		}                                                                       \
	}

#ifdef HEFT_TARGET_AVX2
#define HEFT_WIDE_ROWS(name)                                         \
	{ "avx512", HEFT_CPU_AVX512, (heft_any_fn *)name##_avx512 }, \
		{ "avx2", HEFT_CPU_AVX2, (heft_any_fn *)name##_avx2 },
#define HEFT_EACH_TARGET(type, name, one, fix)                       \
	HEFT_LOOP(HEFT_TARGET_AVX512, type, name##_avx512, one, fix) \
	HEFT_LOOP(HEFT_TARGET_AVX2, type, name##_avx2, one, fix)     \
	HEFT_LOOP(, type, name##_scalar, one, fix)
#define HEFT_EACH_TARGET_OF_TWO(type, name, one)                       \
	HEFT_LOOP_OF_TWO(HEFT_TARGET_AVX512, type, name##_avx512, one) \
	HEFT_LOOP_OF_TWO(HEFT_TARGET_AVX2, type, name##_avx2, one)     \
	HEFT_LOOP_OF_TWO(, type, name##_scalar, one)
#define HEFT_EACH_TARGET_OF_ROOT(name, before, after)                                          \
	HEFT_LOOP_OF_ROOT(HEFT_TARGET_AVX512, name##_avx512, heft_roots_avx512, before, after) \
	HEFT_LOOP_OF_ROOT(HEFT_TARGET_AVX2, name##_avx2, heft_roots_avx2, before, after)       \
	HEFT_LOOP_OF_ROOT(, name##_scalar, heft_roots_scalar, before, after)
#else
#define HEFT_WIDE_ROWS(name)
#define HEFT_EACH_TARGET(type, name, one, fix) HEFT_LOOP(, type, name##_scalar, one, fix)
#define HEFT_EACH_TARGET_OF_TWO(type, name, one) HEFT_LOOP_OF_TWO(, type, name##_scalar, one)
#define HEFT_EACH_TARGET_OF_ROOT(name, before, after) \
	HEFT_LOOP_OF_ROOT(, name##_scalar, heft_roots_scalar, before, after)
#endif

/* A fix where `found`: on a copy, so that the block itself is nobody else's to the compiler. */
#define HEFT_FIX(type, found, fix, in, out)               \
	do {                                              \
		if (found) {                              \
			type fixed[HEFT_LANES];           \
                                                          \
			memcpy(fixed, out, sizeof fixed); \
			fix(in, fixed);                   \
			memcpy(out, fixed, sizeof fixed); \
		}                                         \
	} while (0)

/* heft_<name>_by and heft_<name>, of one array or of two, from the loops <name>_<target>. */
#define HEFT_ENTRIES(type, name)                                                                  \
	typedef void name##_fn(type *y, const type *x, size_t n);                                 \
	static const struct heft_variant name##_variants[] = { HEFT_WIDE_ROWS(name){              \
		"scalar", 0, (heft_any_fn *)name##_scalar } };                                    \
                                                                                                  \
	void heft_##name##_by(uint32_t cpu_bits, type *y, const type *x, size_t n)                \
	{                                                                                         \
		((name##_fn *)heft_variant_pick(name##_variants,                                  \
		                                sizeof name##_variants / sizeof *name##_variants, \
		                                cpu_bits))(y, x, n);                              \
	}                                                                                         \
                                                                                                  \
	void heft_##name(type *y, const type *x, size_t n)                                        \
	{                                                                                         \
		heft_##name##_by(heft_cpu_bits(), y, x, n);                                       \
	}

#define HEFT_ENTRIES_OF_TWO(type, name)                                                           \
	typedef void name##_fn(type *y, const type *a, const type *b, size_t n);                  \
	static const struct heft_variant name##_variants[] = { HEFT_WIDE_ROWS(name){              \
		"scalar", 0, (heft_any_fn *)name##_scalar } };                                    \
                                                                                                  \
	void heft_##name##_by(uint32_t cpu_bits, type *y, const type *a, const type *b, size_t n) \
	{                                                                                         \
		((name##_fn *)heft_variant_pick(name##_variants,                                  \
		                                sizeof name##_variants / sizeof *name##_variants, \
		                                cpu_bits))(y, a, b, n);                           \
	}                                                                                         \
                                                                                                  \
	void heft_##name(type *y, const type *a, const type *b, size_t n)                         \
	{                                                                                         \
		heft_##name##_by(heft_cpu_bits(), y, a, b, n);                                    \
	}

/* Loops and entries of a function of one number. */
#define HEFT_ELEMENTARY(type, name, one)               \
	HEFT_EACH_TARGET(type, name, one, HEFT_NO_FIX) \
	HEFT_ENTRIES(type, name)
#define HEFT_ELEMENTARY_FIXED(type, name, one, fix) \
	HEFT_EACH_TARGET(type, name, one, fix)      \
	HEFT_ENTRIES(type, name)
#define HEFT_ELEMENTARY_OF_TWO(type, name, one)  \
	HEFT_EACH_TARGET_OF_TWO(type, name, one) \
	HEFT_ENTRIES_OF_TWO(type, name)
#define HEFT_ELEMENTARY_OF_ROOT(name, before, after)  \
	HEFT_EACH_TARGET_OF_ROOT(name, before, after) \
	HEFT_ENTRIES(float, name)

#endif
