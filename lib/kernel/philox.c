/* SPDX-License-Identifier: Apache-2.0 */
/* philox.c - Philox4x32-10, and uniform, bounded and normal numbers of its words.
 *
 * Arrays are made in batches of 16 blocks of four words: the rounds run over the blocks, so that
 * compilers make vectors of them, and then the words are put in order. */
#include "kernel/philox.h"

#include <assert.h>

#include "kernel/elementary_f64.h"
#include "kernel/roots.h"

#define N_BLOCKS 16
#define N_WORDS (4 * N_BLOCKS)
#define N_ROUNDS 10

/* One round of one block. */
HEFT_INLINE void one_round(uint32_t k0, uint32_t k1, uint32_t *c0, uint32_t *c1, uint32_t *c2,
                           uint32_t *c3)
{
	const uint64_t a = (uint64_t)*c0 * UINT32_C(0xd2511f53);
	const uint64_t b = (uint64_t)*c2 * UINT32_C(0xcd9e8d57);

	*c0 = (uint32_t)(b >> 32) ^ *c1 ^ k0;
	*c2 = (uint32_t)(a >> 32) ^ *c3 ^ k1;
	*c1 = (uint32_t)b;
	*c3 = (uint32_t)a;
}

HEFT_INLINE void all_rounds(uint32_t k0, uint32_t k1, uint32_t *c0, uint32_t *c1, uint32_t *c2,
                            uint32_t *c3)
{
	for (uint32_t i = 0; i < N_ROUNDS; i++)
		one_round(k0 + i * UINT32_C(0x9e3779b9), k1 + i * UINT32_C(0xbb67ae85), c0, c1, c2,
		          c3);
}

void heft_philox(const uint32_t key[2], const uint32_t counter[4], uint32_t words[4])
{
	uint32_t c[4];

	memcpy(c, counter, sizeof c);
	all_rounds(key[0], key[1], c, c + 1, c + 2, c + 3);
	memcpy(words, c, sizeof c);
}

/* The words of the 16 blocks from `block` on, in order. */
HEFT_INLINE void batch_of_words(const struct heft_random_place *at, uint32_t block, uint32_t *words)
{
	const uint32_t k0 = (uint32_t)at->seed;
	const uint32_t k1 = (uint32_t)(at->seed >> 32);
	uint32_t c0[N_BLOCKS];
	uint32_t c1[N_BLOCKS];
	uint32_t c2[N_BLOCKS];
	uint32_t c3[N_BLOCKS];

	for (uint32_t i = 0; i < N_BLOCKS; i++) {
		c0[i] = at->stream;
		c1[i] = at->epoch;
		c2[i] = at->step;
		c3[i] = block + i;
	}
	for (uint32_t r = 0; r < N_ROUNDS; r++)
		for (uint32_t i = 0; i < N_BLOCKS; i++)
			one_round(k0 + r * UINT32_C(0x9e3779b9), k1 + r * UINT32_C(0xbb67ae85),
			          c0 + i, c1 + i, c2 + i, c3 + i);
	for (uint32_t i = 0; i < N_BLOCKS; i++) {
		words[4 * i] = c0[i];
		words[4 * i + 1] = c1[i];
		words[4 * i + 2] = c2[i];
		words[4 * i + 3] = c3[i];
	}
}

HEFT_INLINE void words_as_they_are(const uint32_t *words, uint32_t *y)
{
	memcpy(y, words, N_WORDS * sizeof *y);
}

HEFT_INLINE void uniform_of_words(const uint32_t *words, float *y)
{
	for (size_t i = 0; i < N_WORDS; i++)
		y[i] = (float)(int32_t)(words[i] >> 8) * 0x1p-24f;
}

/* Box and Muller: of two words a radius sqrt(-2 log u), 0 < u <= 1, and an angle. */
HEFT_INLINE void normal_of_words(const uint32_t *words, void (*roots)(double *), float *y)
{
	double radius[N_WORDS / 2];
	float even[N_WORDS / 2];
	float odd[N_WORDS / 2];

	for (size_t i = 0; i < N_WORDS / 2; i++) {
		/* an integer below 2^32 behind the point of 2^52 */
		const double u = heft_f64_of_bits(words[2 * i] | UINT64_C(0x4330000000000000)) -
		                 (0x1p52 - 1.0);

		radius[i] = -2.0 * heft_f64_log_inner(u * 0x1p-32);
	}
	for (size_t i = 0; i < N_WORDS / 2; i += HEFT_N_ROOTS)
		roots(radius + i);
	for (size_t i = 0; i < N_WORDS / 2; i++) {
		const double u = heft_f64_of_bits(words[2 * i + 1] | UINT64_C(0x4330000000000000)) -
		                 0x1p52;
		const struct heft_f64_angle g = heft_f64_reduce(u * 0x1.921fb54442d18p-30);

		even[i] = (float)(radius[i] * heft_f64_turn(g, 1));
		odd[i] = (float)(radius[i] * heft_f64_turn(g, 0));
	}
	for (size_t i = 0; i < N_WORDS / 2; i++) {
		y[2 * i] = even[i];
		y[2 * i + 1] = odd[i];
	}
}

#define NORMAL_SCALAR(words, y) normal_of_words(words, heft_roots_scalar, y)
#define NORMAL_AVX2(words, y) normal_of_words(words, heft_roots_avx2, y)
#define NORMAL_AVX512(words, y) normal_of_words(words, heft_roots_avx512, y)

/* y = n elements from block `block` on, each batch made of its words by `make`. */
#define RANDOM_LOOP(target, type, name, make)                                                   \
	target static void name(const struct heft_random_place *place, uint32_t block, type *y, \
	                        size_t n)                                                       \
	{                                                                                       \
		uint32_t words[N_WORDS];                                                        \
		type out[N_WORDS];                                                              \
                                                                                                \
		for (size_t at = 0; at < n; at += N_WORDS, block += N_BLOCKS) {                 \
			batch_of_words(place, block, words);                                    \
			make(words, out);                                                       \
			memcpy(y + at, out, (n - at < N_WORDS ? n - at : N_WORDS) * sizeof *y); \
		}                                                                               \
	}

RANDOM_LOOP(, uint32_t, words_scalar, words_as_they_are)
RANDOM_LOOP(, float, uniform_scalar, uniform_of_words)
RANDOM_LOOP(, float, normal_scalar, NORMAL_SCALAR)
#ifdef HEFT_TARGET_AVX2
RANDOM_LOOP(HEFT_TARGET_AVX2, uint32_t, words_avx2, words_as_they_are)
RANDOM_LOOP(HEFT_TARGET_AVX2, float, uniform_avx2, uniform_of_words)
RANDOM_LOOP(HEFT_TARGET_AVX2, float, normal_avx2, NORMAL_AVX2)
RANDOM_LOOP(HEFT_TARGET_AVX512, uint32_t, words_avx512, words_as_they_are)
RANDOM_LOOP(HEFT_TARGET_AVX512, float, uniform_avx512, uniform_of_words)
RANDOM_LOOP(HEFT_TARGET_AVX512, float, normal_avx512, NORMAL_AVX512)
#endif

typedef void words_fn(const struct heft_random_place *place, uint32_t block, uint32_t *y, size_t n);
typedef void floats_fn(const struct heft_random_place *place, uint32_t block, float *y, size_t n);

#ifdef HEFT_TARGET_AVX2
#define WIDE_ROWS(name)                                              \
	{ "avx512", HEFT_CPU_AVX512, (heft_any_fn *)name##_avx512 }, \
		{ "avx2", HEFT_CPU_AVX2, (heft_any_fn *)name##_avx2 },
#else
#define WIDE_ROWS(name)
#endif

static const struct heft_variant words_variants[] = {
	WIDE_ROWS(words){ "scalar", 0, (heft_any_fn *)words_scalar },
};
static const struct heft_variant uniform_variants[] = {
	WIDE_ROWS(uniform){ "scalar", 0, (heft_any_fn *)uniform_scalar },
};
static const struct heft_variant normal_variants[] = {
	WIDE_ROWS(normal){ "scalar", 0, (heft_any_fn *)normal_scalar },
};

#define PICK(type, variants, cpu_bits) \
	((type *)heft_variant_pick(variants, sizeof(variants) / sizeof *(variants), cpu_bits))

static uint32_t block_of(uint64_t first)
{
	assert(first % 4 == 0 && first >> 34 == 0);
	return (uint32_t)(first / 4);
}

void heft_random_words_by(uint32_t cpu_bits, const struct heft_random_place *at, uint64_t first,
                          uint32_t *y, size_t n)
{
	PICK(words_fn, words_variants, cpu_bits)(at, block_of(first), y, n);
}

void heft_random_uniform_f32_by(uint32_t cpu_bits, const struct heft_random_place *at,
                                uint64_t first, float *y, size_t n)
{
	PICK(floats_fn, uniform_variants, cpu_bits)(at, block_of(first), y, n);
}

void heft_random_normal_f32_by(uint32_t cpu_bits, const struct heft_random_place *at,
                               uint64_t first, float *y, size_t n)
{
	PICK(floats_fn, normal_variants, cpu_bits)(at, block_of(first), y, n);
}

void heft_random_words(const struct heft_random_place *at, uint64_t first, uint32_t *y, size_t n)
{
	heft_random_words_by(heft_cpu_bits(), at, first, y, n);
}

void heft_random_uniform_f32(const struct heft_random_place *at, uint64_t first, float *y, size_t n)
{
	heft_random_uniform_f32_by(heft_cpu_bits(), at, first, y, n);
}

void heft_random_normal_f32(const struct heft_random_place *at, uint64_t first, float *y, size_t n)
{
	heft_random_normal_f32_by(heft_cpu_bits(), at, first, y, n);
}

/* The block of `index`; its n-th block, n < 2^16, has n above the stream. */
static void words_of(const struct heft_random_place *at, uint32_t index, uint32_t n,
                     uint32_t words[4])
{
	const uint32_t key[2] = { (uint32_t)at->seed, (uint32_t)(at->seed >> 32) };
	const uint32_t counter[4] = { at->stream | n << 16, at->epoch, at->step, index };

	heft_philox(key, counter, words);
}

uint64_t heft_random_u64(const struct heft_random_place *at, uint32_t index)
{
	uint32_t words[4];

	words_of(at, index, 0, words);
	return words[0] | (uint64_t)words[1] << 32;
}

uint32_t heft_random_below(const struct heft_random_place *at, uint32_t index, uint32_t bound)
{
	/* 2^32 mod bound: products with a low half below it would favour some numbers */
	const uint32_t unfair = (0u - bound) % bound;
	uint32_t words[4];

	for (uint32_t n = 0;; n++) {
		words_of(at, index, n, words);
		for (size_t i = 0; i < 4; i++) {
			const uint64_t product = (uint64_t)words[i] * bound;

			if ((uint32_t)product >= unfair)
				return (uint32_t)(product >> 32);
		}
	}
}
