/* SPDX-License-Identifier: Apache-2.0 */
/* moments_look.c - looks at a block of F32 or F64 values, twice: value by value, or with AVX2. */
#include "kernel/moments_look.h"

#include <math.h>
#include <string.h>

#include "base/bytes.h"
#include "base/cpu.h"

#define N_LANES HEFT_LOOK_LANES

#define F32_INF UINT32_C(0x7f800000)
#define F32_NORMAL UINT32_C(0x00800000)
#define F32_MAGNITUDE UINT32_C(0x7fffffff)
#define F64_INF UINT64_C(0x7ff0000000000000)
#define F64_NORMAL UINT64_C(0x0010000000000000)
#define F64_MAGNITUDE UINT64_C(0x7fffffffffffffff)

static inline float f32_at(const uint8_t *p, size_t i)
{
	const uint32_t bits = heft_get_le32(p + 4 * i);
	float value;

	memcpy(&value, &bits, sizeof value);
	return value;
}

static inline double f64_of(uint64_t bits)
{
	double value;

	memcpy(&value, &bits, sizeof value);
	return value;
}

/* --- scalar: values `at` to n - 1, which the vector variants leave over --- */

static void first_f32_rest(const uint8_t *p, size_t at, size_t n, struct heft_first_look *f)
{
	struct heft_first_look found = *f; /* whose address nobody has */

	for (size_t i = at; i < n; i++) {
		const uint32_t magnitude = heft_get_le32(p + 4 * i) & F32_MAGNITUDE;
		const double value = (double)f32_at(p, i);

		found.lanes[i % N_LANES] += value;
		found.min = value < found.min ? value : found.min;
		found.max = value > found.max ? value : found.max;
		found.n_zero += magnitude == 0;
		found.n_tiny += magnitude < F32_NORMAL;
		found.has_odd |= magnitude >= F32_INF;
	}
	*f = found;
}

static void second_f32_rest(const uint8_t *p, size_t at, size_t n, double mean, const uint8_t *keys,
                            uint32_t *counts, struct heft_second_look *s)
{
	struct heft_second_look found = *s;

	for (size_t i = at; i < n; i++) {
		const double deviation = (double)f32_at(p, i) - mean;

		found.lanes[i % N_LANES] += deviation;
		found.squares[i % N_LANES] += deviation * deviation;
		counts[heft_get_le16(keys + 4 * i + 2)]++;
	}
	*s = found;
}

static void first_f64_rest(const uint8_t *p, size_t at, size_t n, struct heft_first_look *f)
{
	struct heft_first_look found = *f; /* whose address nobody has */

	for (size_t i = at; i < n; i++) {
		const uint64_t bits = heft_get_le64(p + 8 * i);
		const uint64_t magnitude = bits & F64_MAGNITUDE;
		const double value = f64_of(bits);

		found.lanes[i % N_LANES] += value;
		found.min = value < found.min ? value : found.min;
		found.max = value > found.max ? value : found.max;
		found.n_zero += magnitude == 0;
		found.n_tiny += magnitude < F64_NORMAL;
		found.has_odd |= magnitude >= F64_INF;
	}
	*f = found;
}

static void second_f64_rest(const uint8_t *p, size_t at, size_t n, double mean, const uint8_t *keys,
                            uint32_t *counts, struct heft_second_look *s)
{
	struct heft_second_look found = *s;

	for (size_t i = at; i < n; i++) {
		const double deviation = f64_of(heft_get_le64(p + 8 * i)) - mean;

		found.lanes[i % N_LANES] += deviation;
		found.squares[i % N_LANES] += deviation * deviation;
		counts[heft_moments_key(heft_get_le64(keys + 8 * i))]++;
	}
	*s = found;
}

static void first_f32(const uint8_t *p, size_t n, struct heft_first_look *f)
{
	first_f32_rest(p, 0, n, f);
}

static void second_f32(const uint8_t *p, size_t n, double mean, const uint8_t *keys,
                       uint32_t *counts, struct heft_second_look *s)
{
	second_f32_rest(p, 0, n, mean, keys, counts, s);
}

static void first_f64(const uint8_t *p, size_t n, struct heft_first_look *f)
{
	first_f64_rest(p, 0, n, f);
}

static void second_f64(const uint8_t *p, size_t n, double mean, const uint8_t *keys,
                       uint32_t *counts, struct heft_second_look *s)
{
	second_f64_rest(p, 0, n, mean, keys, counts, s);
}

static void count_odd(double value, struct heft_moments *m)
{
	m->n_nan += value != value;
	m->n_pos_inf += value > 0;
	m->n_neg_inf += value < 0;
}

static size_t keep_f32(const uint8_t *p, size_t n, uint8_t *kept, struct heft_moments *m)
{
	size_t n_kept = 0;

	for (size_t i = 0; i < n; i++) {
		memcpy(kept + 4 * n_kept, p + 4 * i, 4);
		if ((heft_get_le32(p + 4 * i) & F32_MAGNITUDE) < F32_INF)
			n_kept++;
		else
			count_odd((double)f32_at(p, i), m);
	}
	return n_kept;
}

static size_t keep_f64(const uint8_t *p, size_t n, uint8_t *kept, struct heft_moments *m)
{
	size_t n_kept = 0;

	for (size_t i = 0; i < n; i++) {
		const uint64_t bits = heft_get_le64(p + 8 * i);

		memcpy(kept + 8 * n_kept, p + 8 * i, 8);
		if ((bits & F64_MAGNITUDE) < F64_INF)
			n_kept++;
		else
			count_odd(f64_of(bits), m);
	}
	return n_kept;
}

static const struct heft_looks *f32_scalar(void)
{
	static const struct heft_looks looks = { first_f32, second_f32, keep_f32 };

	return &looks;
}

static const struct heft_looks *f64_scalar(void)
{
	static const struct heft_looks looks = { first_f64, second_f64, keep_f64 };

	return &looks;
}

#ifdef HEFT_TARGET_AVX2
#include <immintrin.h>

/* Lane k of the sums is element k % 4 of register k / 4. */
static inline HEFT_TARGET_AVX2 void store_lanes(double *lanes, const __m256d *sums)
{
	for (size_t k = 0; k < 4; k++)
		_mm256_storeu_pd(lanes + 4 * k, sums[k]);
}

static inline HEFT_TARGET_AVX2 __m256d four_f32(const uint8_t *p)
{
	return _mm256_cvtps_pd(_mm_loadu_ps((const float *)(const void *)p));
}

static inline HEFT_TARGET_AVX2 uint32_t add_eight(__m256i counts)
{
	uint32_t lanes[8];
	uint32_t sum = 0;

	_mm256_storeu_si256((__m256i *)(void *)lanes, counts);
	for (size_t i = 0; i < 8; i++)
		sum += lanes[i];
	return sum;
}

static inline HEFT_TARGET_AVX2 void store_extremes(struct heft_first_look *f, __m256 min,
                                                   __m256 max)
{
	float lows[8];
	float highs[8];

	_mm256_storeu_ps(lows, min);
	_mm256_storeu_ps(highs, max);
	for (size_t i = 0; i < 8; i++) {
		f->min = (double)lows[i] < f->min ? (double)lows[i] : f->min;
		f->max = (double)highs[i] > f->max ? (double)highs[i] : f->max;
	}
}

/* Comparisons give -1, so what is subtracted is counted. */
HEFT_TARGET_AVX2 static void first_f32_avx2(const uint8_t *p, size_t n, struct heft_first_look *f)
{
	const __m256i magnitude_bits = _mm256_set1_epi32((int)F32_MAGNITUDE);
	const __m256i normal = _mm256_set1_epi32((int)F32_NORMAL);
	const __m256i last_finite = _mm256_set1_epi32((int)(F32_INF - 1));
	const __m256i zero = _mm256_setzero_si256();
	__m256d sums[4] = { _mm256_setzero_pd(), _mm256_setzero_pd(), _mm256_setzero_pd(),
		            _mm256_setzero_pd() };
	__m256 min = _mm256_set1_ps(INFINITY);
	__m256 max = _mm256_set1_ps(-INFINITY);
	__m256i n_zero = zero;
	__m256i n_tiny = zero;
	__m256i odd = zero;
	size_t i;

	for (i = 0; i + 16 <= n; i += 16) {
		for (size_t k = 0; k < 2; k++) {
			const uint8_t *at = p + 4 * i + 32 * k;
			const __m256i bits = _mm256_loadu_si256((const __m256i *)(const void *)at);
			const __m256i magnitude = _mm256_and_si256(bits, magnitude_bits);

			min = _mm256_min_ps(_mm256_castsi256_ps(bits), min);
			max = _mm256_max_ps(_mm256_castsi256_ps(bits), max);
			n_zero = _mm256_sub_epi32(n_zero, _mm256_cmpeq_epi32(magnitude, zero));
			n_tiny = _mm256_sub_epi32(n_tiny, _mm256_cmpgt_epi32(normal, magnitude));
			odd = _mm256_or_si256(odd, _mm256_cmpgt_epi32(magnitude, last_finite));
			sums[2 * k] = _mm256_add_pd(sums[2 * k], four_f32(at));
			sums[2 * k + 1] = _mm256_add_pd(sums[2 * k + 1], four_f32(at + 16));
		}
	}
	store_lanes(f->lanes, sums);
	store_extremes(f, min, max);
	f->n_zero = add_eight(n_zero);
	f->n_tiny = add_eight(n_tiny);
	f->has_odd = !_mm256_testz_si256(odd, odd);
	first_f32_rest(p, i, n, f);
}

/* The scalar counting and the vector sums run side by side: neither waits for the other. */
HEFT_TARGET_AVX2 static void second_f32_avx2(const uint8_t *p, size_t n, double mean,
                                             const uint8_t *keys, uint32_t *counts,
                                             struct heft_second_look *s)
{
	const __m256d means = _mm256_set1_pd(mean);
	__m256d sums[4] = { _mm256_setzero_pd(), _mm256_setzero_pd(), _mm256_setzero_pd(),
		            _mm256_setzero_pd() };
	__m256d squares[4] = { _mm256_setzero_pd(), _mm256_setzero_pd(), _mm256_setzero_pd(),
		               _mm256_setzero_pd() };
	size_t i;

	for (i = 0; i + 16 <= n; i += 16) {
		for (size_t k = 0; k < 4; k++) {
			const __m256d deviation = _mm256_sub_pd(four_f32(p + 4 * i + 16 * k),
			                                        means);
			const uint64_t two = heft_get_le64(keys + 4 * i + 16 * k);
			const uint64_t more = heft_get_le64(keys + 4 * i + 16 * k + 8);

			sums[k] = _mm256_add_pd(sums[k], deviation);
			squares[k] = _mm256_add_pd(squares[k], _mm256_mul_pd(deviation, deviation));
			counts[two >> 16 & 0xffff]++;
			counts[two >> 48]++;
			counts[more >> 16 & 0xffff]++;
			counts[more >> 48]++;
		}
	}
	store_lanes(s->lanes, sums);
	store_lanes(s->squares, squares);
	second_f32_rest(p, i, n, mean, keys, counts, s);
}

HEFT_TARGET_AVX2 static void first_f64_avx2(const uint8_t *p, size_t n, struct heft_first_look *f)
{
	const __m256i magnitude_bits = _mm256_set1_epi64x((long long)F64_MAGNITUDE);
	const __m256i normal = _mm256_set1_epi64x((long long)F64_NORMAL);
	const __m256i last_finite = _mm256_set1_epi64x((long long)(F64_INF - 1));
	const __m256i zero = _mm256_setzero_si256();
	__m256d sums[4] = { _mm256_setzero_pd(), _mm256_setzero_pd(), _mm256_setzero_pd(),
		            _mm256_setzero_pd() };
	__m256d min = _mm256_set1_pd((double)INFINITY);
	__m256d max = _mm256_set1_pd(-(double)INFINITY);
	__m256i n_zero = zero;
	__m256i n_tiny = zero;
	__m256i odd = zero;
	double lows[4];
	double highs[4];
	size_t i;

	for (i = 0; i + 16 <= n; i += 16) {
		for (size_t k = 0; k < 4; k++) {
			const uint8_t *at = p + 8 * i + 32 * k;
			const __m256i bits = _mm256_loadu_si256((const __m256i *)(const void *)at);
			const __m256i magnitude = _mm256_and_si256(bits, magnitude_bits);

			min = _mm256_min_pd(_mm256_castsi256_pd(bits), min);
			max = _mm256_max_pd(_mm256_castsi256_pd(bits), max);
			n_zero = _mm256_sub_epi64(n_zero, _mm256_cmpeq_epi64(magnitude, zero));
			n_tiny = _mm256_sub_epi64(n_tiny, _mm256_cmpgt_epi64(normal, magnitude));
			odd = _mm256_or_si256(odd, _mm256_cmpgt_epi64(magnitude, last_finite));
			sums[k] = _mm256_add_pd(sums[k], _mm256_castsi256_pd(bits));
		}
	}
	store_lanes(f->lanes, sums);
	_mm256_storeu_pd(lows, min);
	_mm256_storeu_pd(highs, max);
	for (size_t k = 0; k < 4; k++) {
		f->min = lows[k] < f->min ? lows[k] : f->min;
		f->max = highs[k] > f->max ? highs[k] : f->max;
	}
	f->n_zero = add_eight(n_zero);
	f->n_tiny = add_eight(n_tiny);
	f->has_odd = !_mm256_testz_si256(odd, odd);
	first_f64_rest(p, i, n, f);
}

HEFT_TARGET_AVX2 static void second_f64_avx2(const uint8_t *p, size_t n, double mean,
                                             const uint8_t *keys, uint32_t *counts,
                                             struct heft_second_look *s)
{
	const __m256d means = _mm256_set1_pd(mean);
	__m256d sums[4] = { _mm256_setzero_pd(), _mm256_setzero_pd(), _mm256_setzero_pd(),
		            _mm256_setzero_pd() };
	__m256d squares[4] = { _mm256_setzero_pd(), _mm256_setzero_pd(), _mm256_setzero_pd(),
		               _mm256_setzero_pd() };
	size_t i;

	for (i = 0; i + 16 <= n; i += 16) {
		for (size_t k = 0; k < 4; k++) {
			const uint8_t *at = p + 8 * i + 32 * k;
			const __m256d deviation = _mm256_sub_pd(
				_mm256_loadu_pd((const double *)(const void *)at), means);

			sums[k] = _mm256_add_pd(sums[k], deviation);
			squares[k] = _mm256_add_pd(squares[k], _mm256_mul_pd(deviation, deviation));
			for (size_t j = 0; j < 4; j++)
				counts[heft_moments_key(
					heft_get_le64(keys + 8 * (i + 4 * k + j)))]++;
		}
	}
	store_lanes(s->lanes, sums);
	store_lanes(s->squares, squares);
	second_f64_rest(p, i, n, mean, keys, counts, s);
}

static const struct heft_looks *f32_avx2(void)
{
	static const struct heft_looks looks = { first_f32_avx2, second_f32_avx2, keep_f32 };

	return &looks;
}

static const struct heft_looks *f64_avx2(void)
{
	static const struct heft_looks looks = { first_f64_avx2, second_f64_avx2, keep_f64 };

	return &looks;
}
#endif

typedef const struct heft_looks *looks_fn(void);

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

#define PICK(variants, cpu_bits) \
	((looks_fn *)heft_variant_pick(variants, sizeof(variants) / sizeof(*(variants)), cpu_bits))

const struct heft_looks *heft_looks_f32(uint32_t cpu_bits)
{
	return PICK(f32_variants, cpu_bits)();
}

const struct heft_looks *heft_looks_f64(uint32_t cpu_bits)
{
	return PICK(f64_variants, cpu_bits)();
}
