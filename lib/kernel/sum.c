/* SPDX-License-Identifier: Apache-2.0 */
/* sum.c - sums, products and extremes of runs and of columns, in the order of spec F3-1 for every
 * target. */
#include "kernel/sum.h"

#include "base/cpu.h"
#include "kernel/elementary.h"
#include "kernel/lanes.h"

/* Values whose exponentials are held at a time. */
#define N_HELD 1024

#define TARGET
#define ISA scalar
#define TYPE float
#define REAL f32
#define KIND f32
#define IN float
#define LOAD_IN(p) OP(load)(p)
#define HAS_COLUMNS
#include "kernel/sum_loops.inc"

#define TARGET
#define ISA scalar
#define TYPE double
#define REAL f64
#define KIND f64
#define IN double
#define LOAD_IN(p) OP(load)(p)
#define HAS_COLUMNS
#include "kernel/sum_loops.inc"

#define TARGET
#define ISA scalar
#define TYPE double
#define REAL f64
#define KIND wide
#define IN float
#define LOAD_IN(p) lanes_widen_scalar(p)
#include "kernel/sum_loops.inc"

#ifdef HEFT_TARGET_AVX2
#define TARGET HEFT_TARGET_AVX2
#define ISA avx2
#define TYPE float
#define REAL f32
#define KIND f32
#define IN float
#define LOAD_IN(p) OP(load)(p)
#define HAS_COLUMNS
#include "kernel/sum_loops.inc"

#define TARGET HEFT_TARGET_AVX2
#define ISA avx2
#define TYPE double
#define REAL f64
#define KIND f64
#define IN double
#define LOAD_IN(p) OP(load)(p)
#define HAS_COLUMNS
#include "kernel/sum_loops.inc"

#define TARGET HEFT_TARGET_AVX2
#define ISA avx2
#define TYPE double
#define REAL f64
#define KIND wide
#define IN float
#define LOAD_IN(p) lanes_widen_avx2(p)
#include "kernel/sum_loops.inc"

#define TARGET HEFT_TARGET_AVX512
#define ISA avx512
#define TYPE float
#define REAL f32
#define KIND f32
#define IN float
#define LOAD_IN(p) OP(load)(p)
#define HAS_COLUMNS
#include "kernel/sum_loops.inc"

#define TARGET HEFT_TARGET_AVX512
#define ISA avx512
#define TYPE double
#define REAL f64
#define KIND f64
#define IN double
#define LOAD_IN(p) OP(load)(p)
#define HAS_COLUMNS
#include "kernel/sum_loops.inc"

#define TARGET HEFT_TARGET_AVX512
#define ISA avx512
#define TYPE double
#define REAL f64
#define KIND wide
#define IN float
#define LOAD_IN(p) lanes_widen_avx512(p)
#include "kernel/sum_loops.inc"

#define WIDE_ROWS(name)                                              \
	{ "avx512", HEFT_CPU_AVX512, (heft_any_fn *)name##_avx512 }, \
		{ "avx2", HEFT_CPU_AVX2, (heft_any_fn *)name##_avx2 },
#else
#define WIDE_ROWS(name)
#endif

/* pick_<name>(cpu_bits): the best of a function's variants. */
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

PICK(add_f32, void, enum heft_term, float *, float, const float *, size_t)
PICK(add_f64, void, enum heft_term, double *, double, const double *, size_t)
PICK(add_wide, void, enum heft_term, double *, double, const float *, size_t)
PICK(columns_f32, void, enum heft_term, const float *, const float *, const struct heft_rows *,
     size_t, float *)
PICK(columns_f64, void, enum heft_term, const double *, const double *, const struct heft_rows *,
     size_t, double *)
PICK(extreme_f32, void, bool, float *, const float *, size_t)
PICK(extreme_f64, void, bool, double *, const double *, size_t)
PICK(extreme_columns_f32, void, bool, const float *, const struct heft_rows *, size_t, float *)
PICK(extreme_columns_f64, void, bool, const double *, const struct heft_rows *, size_t, double *)

/* A sum in blocks: what is left over of 16 is added one by one, to the lanes where it belongs. */
#define SUM(real, type)                                                                        \
	static type term_##real(enum heft_term term, type x, type mean)                        \
	{                                                                                      \
		if (term == HEFT_TERM_SIZE)                                                    \
			return x < 0 ? -x : x;                                                 \
		if (term == HEFT_TERM_DEVIATION)                                               \
			x = x - mean;                                                          \
		return term == HEFT_TERM_SQUARE || term == HEFT_TERM_DEVIATION ? x * x : x;    \
	}                                                                                      \
                                                                                               \
	static type meet_##real(enum heft_term term, type sum, type x)                         \
	{                                                                                      \
		return term == HEFT_TERM_FACTOR ? sum * x : sum + x;                           \
	}                                                                                      \
                                                                                               \
	static void clear_##real(enum heft_term term, type *lanes)                             \
	{                                                                                      \
		for (size_t j = 0; j < HEFT_SUM_LANES; j++)                                    \
			lanes[j] = term == HEFT_TERM_FACTOR ? 1 : 0;                           \
	}                                                                                      \
                                                                                               \
	static type meet_lanes_##real(enum heft_term term, type *lanes)                        \
	{                                                                                      \
		for (size_t half = HEFT_SUM_LANES / 2; half > 0; half /= 2)                    \
			for (size_t j = 0; j < half; j++)                                      \
				lanes[j] = meet_##real(term, lanes[j], lanes[j + half]);       \
		return lanes[0];                                                               \
	}                                                                                      \
                                                                                               \
	/* The tree of spec F2-1, walked as it grows: `blocks` waits for neighbours. */        \
	static void end_block_##real(struct heft_sum_##real *s)                                \
	{                                                                                      \
		const uint64_t n_blocks = (s->n + HEFT_SUM_BLOCK - 1) / HEFT_SUM_BLOCK;        \
                                                                                               \
		s->blocks[s->n_blocks++] = meet_lanes_##real(s->term, s->lanes);               \
		clear_##real(s->term, s->lanes);                                               \
		for (uint64_t c = n_blocks; c % 2 == 0 && c > 0; c /= 2, s->n_blocks--)        \
			s->blocks[s->n_blocks - 2] = meet_##real(s->term,                      \
			                                         s->blocks[s->n_blocks - 2],   \
			                                         s->blocks[s->n_blocks - 1]);  \
	}                                                                                      \
                                                                                               \
	void heft_sum_##real##_init(struct heft_sum_##real *s, enum heft_term term, type mean) \
	{                                                                                      \
		s->term = term;                                                                \
		s->mean = mean;                                                                \
		s->n = 0;                                                                      \
		s->n_blocks = 0;                                                               \
		clear_##real(term, s->lanes);                                                  \
	}                                                                                      \
                                                                                               \
	type heft_sum_##real##_done(struct heft_sum_##real *s)                                 \
	{                                                                                      \
		if (s->n % HEFT_SUM_BLOCK != 0 || s->n == 0)                                   \
			end_block_##real(s);                                                   \
		for (; s->n_blocks > 1; s->n_blocks--)                                         \
			s->blocks[s->n_blocks - 2] = meet_##real(s->term,                      \
			                                         s->blocks[s->n_blocks - 2],   \
			                                         s->blocks[s->n_blocks - 1]);  \
		return s->blocks[0];                                                           \
	}

#define SUM_ADD(name, in, real, type, add_kind)                                                   \
	static void block_##name(add_kind##_fn *add, struct heft_sum_##real *s, const in *x,      \
	                         size_t n)                                                        \
	{                                                                                         \
		size_t lane = s->n % HEFT_SUM_LANES;                                              \
		size_t i = 0;                                                                     \
                                                                                                  \
		for (; lane % HEFT_SUM_LANES != 0 && i < n; i++, lane++)                          \
			s->lanes[lane] = meet_##real(s->term, s->lanes[lane],                     \
			                             term_##real(s->term, (type)x[i], s->mean));  \
		if (n - i >= HEFT_SUM_LANES) {                                                    \
			const size_t n_whole = (n - i) / HEFT_SUM_LANES * HEFT_SUM_LANES;         \
                                                                                                  \
			add(s->term, s->lanes, s->mean, x + i, n_whole);                          \
			i += n_whole;                                                             \
		}                                                                                 \
		for (lane = 0; i < n; i++, lane++)                                                \
			s->lanes[lane] = meet_##real(s->term, s->lanes[lane],                     \
			                             term_##real(s->term, (type)x[i], s->mean));  \
		s->n += n;                                                                        \
	}                                                                                         \
                                                                                                  \
	void heft_sum_##name(uint32_t cpu_bits, struct heft_sum_##real *s, const in *x, size_t n) \
	{                                                                                         \
		add_kind##_fn *add = pick_##add_kind(cpu_bits);                                   \
                                                                                                  \
		while (n > 0) {                                                                   \
			const size_t room = HEFT_SUM_BLOCK - (size_t)(s->n % HEFT_SUM_BLOCK);     \
			const size_t n_now = n < room ? n : room;                                 \
                                                                                                  \
			block_##name(add, s, x, n_now);                                           \
			if (n_now == room)                                                        \
				end_block_##real(s);                                              \
			x += n_now;                                                               \
			n -= n_now;                                                               \
		}                                                                                 \
	}

SUM(f32, float)
SUM(f64, double)
SUM_ADD(f32_add, float, f32, float, add_f32)
SUM_ADD(f64_add, double, f64, double, add_f64)
SUM_ADD(f64_add_f32, float, f64, double, add_wide)

float heft_sum_f32_by(uint32_t cpu_bits, enum heft_term term, float mean, const float *x, size_t n)
{
	struct heft_sum_f32 s;

	heft_sum_f32_init(&s, term, mean);
	heft_sum_f32_add(cpu_bits, &s, x, n);
	return heft_sum_f32_done(&s);
}

double heft_sum_f64_by(uint32_t cpu_bits, enum heft_term term, double mean, const double *x,
                       size_t n)
{
	struct heft_sum_f64 s;

	heft_sum_f64_init(&s, term, mean);
	heft_sum_f64_add(cpu_bits, &s, x, n);
	return heft_sum_f64_done(&s);
}

double heft_total_f32_by(uint32_t cpu_bits, enum heft_term term, double mean, const float *x,
                         size_t n)
{
	struct heft_sum_f64 s;

	heft_sum_f64_init(&s, term, mean);
	heft_sum_f64_add_f32(cpu_bits, &s, x, n);
	return heft_sum_f64_done(&s);
}

void heft_block_sums_f32_by(uint32_t cpu_bits, enum heft_term term, float mean, const float *x,
                            size_t n, float *sums)
{
	for (; n > HEFT_SUM_BLOCK; n -= HEFT_SUM_BLOCK, x += HEFT_SUM_BLOCK)
		*sums++ = heft_sum_f32_by(cpu_bits, term, mean, x, HEFT_SUM_BLOCK);
	if (n > 0)
		*sums = heft_sum_f32_by(cpu_bits, term, mean, x, n);
}

float heft_block_sums_meet_f32(enum heft_term term, float *sums, size_t n_sums)
{
	if (n_sums == 0)
		return term == HEFT_TERM_FACTOR ? 1.0f : 0.0f;
	for (; n_sums > 1; n_sums = n_sums / 2 + n_sums % 2) {
		for (size_t i = 0; i < n_sums / 2; i++)
			sums[i] = meet_f32(term, sums[2 * i], sums[2 * i + 1]);
		if (n_sums % 2 != 0)
			sums[n_sums / 2] = sums[n_sums - 1];
	}
	return sums[0];
}

void heft_sum_columns_f32_by(uint32_t cpu_bits, enum heft_term term, const float *mean,
                             const float *x, const struct heft_rows *rows, size_t n_columns,
                             float *out)
{
	if (rows->n_outer > 0 && rows->n_inner > 0)
		pick_columns_f32(cpu_bits)(term, mean, x, rows, n_columns, out);
	else
		for (size_t c = 0; c < n_columns; c++)
			out[c] = term == HEFT_TERM_FACTOR ? 1.0f : 0.0f;
}

void heft_sum_columns_f64_by(uint32_t cpu_bits, enum heft_term term, const double *mean,
                             const double *x, const struct heft_rows *rows, size_t n_columns,
                             double *out)
{
	if (rows->n_outer > 0 && rows->n_inner > 0)
		pick_columns_f64(cpu_bits)(term, mean, x, rows, n_columns, out);
	else
		for (size_t c = 0; c < n_columns; c++)
			out[c] = term == HEFT_TERM_FACTOR ? 1.0 : 0.0;
}

void heft_mean_variance_f32_by(uint32_t cpu_bits, const float *x, size_t n, float *mean,
                               float *variance)
{
	*mean = heft_sum_f32_by(cpu_bits, HEFT_TERM_VALUE, 0, x, n) / (float)n;
	*variance = heft_sum_f32_by(cpu_bits, HEFT_TERM_DEVIATION, *mean, x, n) / (float)n;
}

void heft_mean_variance_columns_f32_by(uint32_t cpu_bits, const float *x,
                                       const struct heft_rows *rows, size_t n_columns, float *mean,
                                       float *variance)
{
	const float n = (float)(rows->n_outer * rows->n_inner);

	heft_sum_columns_f32_by(cpu_bits, HEFT_TERM_VALUE, NULL, x, rows, n_columns, mean);
	for (size_t c = 0; c < n_columns; c++)
		mean[c] /= n;
	heft_sum_columns_f32_by(cpu_bits, HEFT_TERM_DEVIATION, mean, x, rows, n_columns, variance);
	for (size_t c = 0; c < n_columns; c++)
		variance[c] /= n;
}

float heft_log_sum_exp_f32_by(uint32_t cpu_bits, const float *x, size_t n)
{
	float held[N_HELD];
	struct heft_sum_f32 s;
	float m;
	float sum;

	if (n == 0)
		return -INFINITY;
	m = heft_max_f32_by(cpu_bits, x, n);
	if (m == INFINITY || m == -INFINITY)
		m = 0.0f;
	heft_sum_f32_init(&s, HEFT_TERM_VALUE, 0);
	for (size_t at = 0; at < n; at += N_HELD) {
		const size_t n_now = n - at < N_HELD ? n - at : N_HELD;

		for (size_t i = 0; i < n_now; i++)
			held[i] = x[at + i] - m;
		heft_exp_f32_by(cpu_bits, held, held, n_now);
		heft_sum_f32_add(cpu_bits, &s, held, n_now);
	}
	sum = heft_sum_f32_done(&s);
	heft_log_f32_by(cpu_bits, &sum, &sum, 1);
	return sum + m;
}

/* Lanes know the extreme but not which zero came first; +0 and -0 are one to every comparison. */
#define EXTREME(real, type)                                                                      \
	static type extreme_run_##real(uint32_t cpu_bits, bool is_min, const type *x, size_t n)  \
	{                                                                                        \
		const size_t n_whole = n / HEFT_N_LANES * HEFT_N_LANES;                          \
		type m = x[0];                                                                   \
                                                                                                 \
		if (n_whole > 0) {                                                               \
			type lanes[HEFT_N_LANES];                                                \
                                                                                                 \
			pick_extreme_##real(cpu_bits)(is_min, lanes, x, n_whole);                \
			for (size_t j = 0; j < HEFT_N_LANES; j++)                                \
				m = is_min ? HEFT_LESS(m, lanes[j]) : HEFT_GREATER(m, lanes[j]); \
		}                                                                                \
		for (size_t i = n_whole; i < n; i++)                                             \
			m = is_min ? HEFT_LESS(m, x[i]) : HEFT_GREATER(m, x[i]);                 \
		for (size_t i = 0; m == 0 && i < n; i++)                                         \
			if (x[i] == 0)                                                           \
				return x[i];                                                     \
		return m;                                                                        \
	}                                                                                        \
                                                                                                 \
	type heft_max_##real##_by(uint32_t cpu_bits, const type *x, size_t n)                    \
	{                                                                                        \
		return extreme_run_##real(cpu_bits, false, x, n);                                \
	}                                                                                        \
                                                                                                 \
	type heft_min_##real##_by(uint32_t cpu_bits, const type *x, size_t n)                    \
	{                                                                                        \
		return extreme_run_##real(cpu_bits, true, x, n);                                 \
	}                                                                                        \
                                                                                                 \
	void heft_max_columns_##real##_by(uint32_t cpu_bits, const type *x,                      \
	                                  const struct heft_rows *rows, size_t n_columns,        \
	                                  type *out)                                             \
	{                                                                                        \
		pick_extreme_columns_##real(cpu_bits)(false, x, rows, n_columns, out);           \
	}                                                                                        \
                                                                                                 \
	void heft_min_columns_##real##_by(uint32_t cpu_bits, const type *x,                      \
	                                  const struct heft_rows *rows, size_t n_columns,        \
	                                  type *out)                                             \
	{                                                                                        \
		pick_extreme_columns_##real(cpu_bits)(true, x, rows, n_columns, out);            \
	}

EXTREME(f32, float)
EXTREME(f64, double)

size_t heft_arg_max_f32(const float *x, size_t n, size_t stride, bool takes_last)
{
	float m = x[0];
	size_t at = 0;

	for (size_t i = 1; i < n; i++) {
		const float v = x[i * stride];

		if (v > m || (v != v && (m == m || takes_last)) || (takes_last && v == m)) {
			m = v;
			at = i;
		}
	}
	return at;
}

size_t heft_arg_min_f32(const float *x, size_t n, size_t stride, bool takes_last)
{
	float m = x[0];
	size_t at = 0;

	for (size_t i = 1; i < n; i++) {
		const float v = x[i * stride];

		if (v < m || (v != v && (m == m || takes_last)) || (takes_last && v == m)) {
			m = v;
			at = i;
		}
	}
	return at;
}
