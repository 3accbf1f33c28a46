/* SPDX-License-Identifier: Apache-2.0 */
/* diff_sums.c - sums over the differences of two runs of numbers, and how many elements differ. */
#include "kernel/diff_sums.h"

#include <string.h>

#include "base/bytes.h"
#include "base/cpu.h"

#define N_LANES 8

struct lanes {
	double squares[N_LANES];
	double a_squares[N_LANES];
	double b_squares[N_LANES];
	double products[N_LANES];
	double max[N_LANES];
};

typedef void sums_fn(const uint8_t *a, const uint8_t *b, size_t n, struct heft_diff_sums *s);
typedef size_t count_fn(size_t unit, const uint8_t *a, const uint8_t *b, size_t n);

static double f32_at(const uint8_t *bytes, size_t i)
{
	const uint32_t code = heft_get_le32(bytes + 4 * i);
	float v;

	memcpy(&v, &code, sizeof v);
	return (double)v;
}

static double f64_at(const uint8_t *bytes, size_t i)
{
	const uint64_t code = heft_get_le64(bytes + 8 * i);
	double v;

	memcpy(&v, &code, sizeof v);
	return v;
}

static void add_pair(struct lanes *l, size_t i, double a, double b, double d)
{
	const size_t k = i % N_LANES;
	const double size = d < 0 ? -d : d;

	l->squares[k] += d * d;
	l->a_squares[k] += a * a;
	l->b_squares[k] += b * b;
	l->products[k] += a * b;
	l->max[k] = size > l->max[k] ? size : l->max[k];
}

static double sum_of(const double *lane)
{
	return ((lane[0] + lane[4]) + (lane[2] + lane[6])) +
	       ((lane[1] + lane[5]) + (lane[3] + lane[7]));
}

static void sum_up(const struct lanes *l, struct heft_diff_sums *s)
{
	s->squares = sum_of(l->squares);
	s->a_squares = sum_of(l->a_squares);
	s->b_squares = sum_of(l->b_squares);
	s->products = sum_of(l->products);
	s->max = 0;
	for (size_t k = 0; k < N_LANES; k++)
		s->max = l->max[k] > s->max ? l->max[k] : s->max;
}

/* Elements [i, n), behind what the lanes hold. */
static void end_f32(struct lanes *l, const uint8_t *a, const uint8_t *b, size_t i, size_t n,
                    struct heft_diff_sums *s)
{
	for (; i < n; i++) {
		const double x = f32_at(a, i);
		const double y = f32_at(b, i);

		add_pair(l, i, x, y, x - y);
	}
	sum_up(l, s);
}

static void end_f64(struct lanes *l, const uint8_t *a, const uint8_t *b, size_t i, size_t n,
                    struct heft_diff_sums *s)
{
	for (; i < n; i++) {
		const double x = f64_at(a, i);
		const double y = f64_at(b, i);

		add_pair(l, i, x, y, x - y);
	}
	sum_up(l, s);
}

static void f32_scalar(const uint8_t *a, const uint8_t *b, size_t n, struct heft_diff_sums *s)
{
	struct lanes l = { .max = { 0 } };

	end_f32(&l, a, b, 0, n, s);
}

static void f64_scalar(const uint8_t *a, const uint8_t *b, size_t n, struct heft_diff_sums *s)
{
	struct lanes l = { .max = { 0 } };

	end_f64(&l, a, b, 0, n, s);
}

static size_t count_scalar(size_t unit, const uint8_t *a, const uint8_t *b, size_t n)
{
	size_t count = 0;

	for (size_t i = 0; i < n; i++)
		count += memcmp(a + i * unit, b + i * unit, unit) != 0;
	return count;
}

#ifdef HEFT_TARGET_AVX2
#include <immintrin.h>

/* Lanes 0 to 3 and 4 to 7. */
struct wide {
	__m256d squares[2];
	__m256d a_squares[2];
	__m256d b_squares[2];
	__m256d products[2];
	__m256d max[2];
};

HEFT_TARGET_AVX2 static inline void wide_init(struct wide *w)
{
	for (int k = 0; k < 2; k++) {
		w->squares[k] = _mm256_setzero_pd();
		w->a_squares[k] = _mm256_setzero_pd();
		w->b_squares[k] = _mm256_setzero_pd();
		w->products[k] = _mm256_setzero_pd();
		w->max[k] = _mm256_setzero_pd();
	}
}

HEFT_TARGET_AVX2 static inline void wide_add(struct wide *w, int k, __m256d a, __m256d b)
{
	const __m256d d = _mm256_sub_pd(a, b);
	const __m256d size = _mm256_andnot_pd(_mm256_set1_pd(-0.0), d);

	w->squares[k] = _mm256_add_pd(w->squares[k], _mm256_mul_pd(d, d));
	w->a_squares[k] = _mm256_add_pd(w->a_squares[k], _mm256_mul_pd(a, a));
	w->b_squares[k] = _mm256_add_pd(w->b_squares[k], _mm256_mul_pd(b, b));
	w->products[k] = _mm256_add_pd(w->products[k], _mm256_mul_pd(a, b));
	w->max[k] = _mm256_max_pd(size, w->max[k]);
}

/* Of numbers that were F32: F64 holds their products exactly, so that a fused multiply-add rounds
 * as a sum of the product does. The square of a difference is not exact. */
HEFT_TARGET_AVX2 static inline void wide_add_f32(struct wide *w, int k, __m256d a, __m256d b)
{
	const __m256d d = _mm256_sub_pd(a, b);
	const __m256d size = _mm256_andnot_pd(_mm256_set1_pd(-0.0), d);

	w->squares[k] = _mm256_add_pd(w->squares[k], _mm256_mul_pd(d, d));
	w->a_squares[k] = _mm256_fmadd_pd(a, a, w->a_squares[k]);
	w->b_squares[k] = _mm256_fmadd_pd(b, b, w->b_squares[k]);
	w->products[k] = _mm256_fmadd_pd(a, b, w->products[k]);
	w->max[k] = _mm256_max_pd(size, w->max[k]);
}

HEFT_TARGET_AVX2 static inline void wide_store(const struct wide *w, struct lanes *l)
{
	for (int k = 0; k < 2; k++) {
		_mm256_storeu_pd(l->squares + 4 * k, w->squares[k]);
		_mm256_storeu_pd(l->a_squares + 4 * k, w->a_squares[k]);
		_mm256_storeu_pd(l->b_squares + 4 * k, w->b_squares[k]);
		_mm256_storeu_pd(l->products + 4 * k, w->products[k]);
		_mm256_storeu_pd(l->max + 4 * k, w->max[k]);
	}
}

HEFT_TARGET_AVX2 static inline __m256d four_f32(const uint8_t *p)
{
	return _mm256_cvtps_pd(_mm_loadu_ps((const float *)(const void *)p));
}

HEFT_TARGET_AVX2 static inline __m256d four_f64(const uint8_t *p)
{
	return _mm256_loadu_pd((const double *)(const void *)p);
}

HEFT_TARGET_AVX2 static void f32_avx2(const uint8_t *a, const uint8_t *b, size_t n,
                                      struct heft_diff_sums *s)
{
	struct lanes l;
	struct wide w;
	size_t i;

	wide_init(&w);
	for (i = 0; i + N_LANES <= n; i += N_LANES) {
		wide_add_f32(&w, 0, four_f32(a + 4 * i), four_f32(b + 4 * i));
		wide_add_f32(&w, 1, four_f32(a + 4 * i + 16), four_f32(b + 4 * i + 16));
	}
	wide_store(&w, &l);
	end_f32(&l, a, b, i, n, s);
}

HEFT_TARGET_AVX2 static void f64_avx2(const uint8_t *a, const uint8_t *b, size_t n,
                                      struct heft_diff_sums *s)
{
	struct lanes l;
	struct wide w;
	size_t i;

	wide_init(&w);
	for (i = 0; i + N_LANES <= n; i += N_LANES) {
		wide_add(&w, 0, four_f64(a + 8 * i), four_f64(b + 8 * i));
		wide_add(&w, 1, four_f64(a + 8 * i + 32), four_f64(b + 8 * i + 32));
	}
	wide_store(&w, &l);
	end_f64(&l, a, b, i, n, s);
}

/* All bits of the elements that are the same on both sides. */
HEFT_TARGET_AVX2 static inline __m256i same_units(size_t unit, __m256i a, __m256i b)
{
	if (unit == 1)
		return _mm256_cmpeq_epi8(a, b);
	if (unit == 2)
		return _mm256_cmpeq_epi16(a, b);
	if (unit == 4)
		return _mm256_cmpeq_epi32(a, b);
	return _mm256_cmpeq_epi64(a, b);
}

/* `unit` is a constant where this is called, so that its test leaves the loop. */
HEFT_TARGET_AVX2 static inline size_t count_units(size_t unit, const uint8_t *a, const uint8_t *b,
                                                  size_t n)
{
	const size_t n_bytes = n * unit;
	size_t n_same = 0;
	size_t at;

	for (at = 0; at + 32 <= n_bytes; at += 32) {
		const __m256i x = _mm256_loadu_si256((const __m256i *)(const void *)(a + at));
		const __m256i y = _mm256_loadu_si256((const __m256i *)(const void *)(b + at));
		const int mask = _mm256_movemask_epi8(same_units(unit, x, y));

		n_same += (size_t)__builtin_popcount((unsigned)mask);
	}
	return (at - n_same) / unit + count_scalar(unit, a + at, b + at, (n_bytes - at) / unit);
}

HEFT_TARGET_AVX2 static size_t count_avx2(size_t unit, const uint8_t *a, const uint8_t *b, size_t n)
{
	switch (unit) {
	case 1:
		return count_units(1, a, b, n);
	case 2:
		return count_units(2, a, b, n);
	case 4:
		return count_units(4, a, b, n);
	case 8:
		return count_units(8, a, b, n);
	default:
		return count_scalar(unit, a, b, n);
	}
}
#endif

static const struct heft_variant f32_variants[] = {
#ifdef HEFT_TARGET_AVX2
	{ "avx2", HEFT_CPU_AVX2, (heft_any_fn *)f32_avx2 },
#endif
	{ "scalar", 0, (heft_any_fn *)f32_scalar },
};
static const struct heft_variant f64_variants[] = {
#ifdef HEFT_TARGET_AVX2
	{ "avx2", HEFT_CPU_AVX2, (heft_any_fn *)f64_avx2 },
#endif
	{ "scalar", 0, (heft_any_fn *)f64_scalar },
};
static const struct heft_variant count_variants[] = {
#ifdef HEFT_TARGET_AVX2
	{ "avx2", HEFT_CPU_AVX2, (heft_any_fn *)count_avx2 },
#endif
	{ "scalar", 0, (heft_any_fn *)count_scalar },
};

#define PICK(type, variants, cpu_bits) \
	((type *)heft_variant_pick(variants, sizeof(variants) / sizeof *(variants), cpu_bits))

void heft_diff_sums_f32_by(uint32_t cpu_bits, const uint8_t *a, const uint8_t *b, size_t n,
                           struct heft_diff_sums *s)
{
	PICK(sums_fn, f32_variants, cpu_bits)(a, b, n, s);
}

void heft_diff_sums_f64_by(uint32_t cpu_bits, const uint8_t *a, const uint8_t *b, size_t n,
                           struct heft_diff_sums *s)
{
	PICK(sums_fn, f64_variants, cpu_bits)(a, b, n, s);
}

size_t heft_diff_count_by(uint32_t cpu_bits, size_t unit, const uint8_t *a, const uint8_t *b,
                          size_t n)
{
	return PICK(count_fn, count_variants, cpu_bits)(unit, a, b, n);
}

void heft_diff_sums_f32(const uint8_t *a, const uint8_t *b, size_t n, struct heft_diff_sums *s)
{
	heft_diff_sums_f32_by(heft_cpu_bits(), a, b, n, s);
}

void heft_diff_sums_f64(const uint8_t *a, const uint8_t *b, size_t n, struct heft_diff_sums *s)
{
	heft_diff_sums_f64_by(heft_cpu_bits(), a, b, n, s);
}

size_t heft_diff_count(size_t unit, const uint8_t *a, const uint8_t *b, size_t n)
{
	return heft_diff_count_by(heft_cpu_bits(), unit, a, b, n);
}

void heft_diff_sums_long(const uint8_t *a, const uint8_t *a_low, const uint8_t *b,
                         const uint8_t *b_low, size_t n, struct heft_diff_sums *s)
{
	struct lanes l = { .max = { 0 } };

	for (size_t i = 0; i < n; i++) {
		const double x = f64_at(a, i);
		const double y = f64_at(b, i);

		add_pair(&l, i, x, y, (x - y) + (f64_at(a_low, i) - f64_at(b_low, i)));
	}
	sum_up(&l, s);
}

void heft_diff_sums_add(struct heft_diff_sums *total, const struct heft_diff_sums *s)
{
	total->squares += s->squares;
	total->a_squares += s->a_squares;
	total->b_squares += s->b_squares;
	total->products += s->products;
	total->max = s->max > total->max ? s->max : total->max;
}
